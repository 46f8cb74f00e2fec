import secrets
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

import connectors.consent

if TYPE_CHECKING:
    from accounts.models.connections import Installation


def new_key() -> str:
    """A short random name, for addresses: 60 bits, so that nobody finds one by trying."""
    return secrets.token_hex(8)


class AccountRule(models.TextChoices):
    """By what somebody is represented on a platform that lets us make accounts."""

    EITHER = "either", "Their own account if it may chat, else one we make"
    FULL = "full", "Only their own account"
    STAND_IN = "stand-in", "Only an account we make"
    NEVER = "never", "Never"


class Tenant(models.Model):
    """The customer. Nothing of one tenant is ever visible to another.

    ``key`` names the tenant in addresses. ``preset`` is how many scopes its connections ask for. ``deleted_at`` is when
    somebody asked for everything to be deleted: it is kept for the days of grace and gone afterwards. ``account_rule`` holds
    for whom no ``AccountPolicy`` does; ``deletes_stand_ins``: an account that we made goes when its person is unsynced;
    ``guest_message``: in whose words Microsoft writes to people who get a guest account; empty: nobody is written to.
    ``guests_speak``: people whom a guest represents are asked for that guest's consent, and speak as it once they have given
    it; no published rule promises that Microsoft takes what guests post (Teams §7.2). ``prompts_unsynced``: who writes to
    somebody on another platform, or is written to, is asked for consent, and is synced by it; ``amends_full_accounts``:
    what was said with people's own accounts is edited and deleted there.
    """

    Preset = connectors.consent.Preset

    key = models.CharField(max_length=16, unique=True, default=new_key, editable=False)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    time_zone = models.CharField(max_length=64, default="UTC")
    product_name = models.CharField(max_length=40, default="Mio Hub")
    command_name = models.CharField(max_length=30, default="mio")
    preset = models.CharField(
        max_length=12, choices=[(preset.value, preset.value) for preset in Preset], default=Preset.PUBLISHED.value
    )
    requires_two_factor = models.BooleanField(default=False)
    shows_notices = models.BooleanField(default=True)
    shares_files = models.BooleanField(default=True)
    shares_files_of_guests = models.BooleanField(default=True)
    shares_files_outside = models.BooleanField(default=True)
    account_rule = models.CharField(
        max_length=10, choices=AccountRule.choices, default=AccountRule.EITHER, db_default="either"
    )
    deletes_stand_ins = models.BooleanField(default=True, db_default=True)
    guest_message = models.TextField(max_length=1000, blank=True, default="", db_default="")
    guests_speak = models.BooleanField(default=False, db_default=False)
    prompts_unsynced = models.BooleanField(default=False, db_default=False)
    amends_full_accounts = models.BooleanField(default=True, db_default=True)
    people_may_share = models.BooleanField(default=True, db_default=True)

    def __str__(self) -> str:
        return self.name

    @cached_property
    def places(self) -> "list[Installation]":
        """Its connections by platform and name, read once by whoever read the tenant."""
        return list(self.installations.order_by("platform", "name", "pk"))


class Membership(models.Model):
    """A person's role in a tenant's Hub."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMINISTRATOR = "administrator"
        AUDITOR = "auditor"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    welcomed_on = models.CharField(max_length=40, blank=True)
    """The platform on which the app welcomed this person; empty until it has."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_user")]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"


class Invitation(models.Model):
    """An e-mail that lets whoever controls the address join a tenant. ``digest`` is of the token in its link."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=20, choices=Membership.Role.choices)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("tenant", Lower("email"), name="one_invitation_per_email")]

    def __str__(self) -> str:
        return self.email


class TrustedOrganization(models.Model):
    """A domain whose people may be talked to. Without any, everybody may be."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="trusted_organizations")
    domain = models.CharField(max_length=253)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", Lower("domain"), name="one_trust_per_domain")]

    def __str__(self) -> str:
        return self.domain


class RestrictedUser(models.Model):
    """Somebody whose messages do not leave the organization."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="restricted_users")
    email = models.EmailField(max_length=254)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", Lower("email"), name="one_restriction_per_email")]

    def __str__(self) -> str:
        return self.email
