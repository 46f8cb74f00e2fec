from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

import connectors
from accounts.models.tenants import Tenant, new_key
from accounts.secrets import SealedField
from connectors.contract import Connector, Credentials
from connectors.messages import AccountId, WorkspaceId


class PlatformApp(models.Model):
    """A tenant's own registration with a platform, used instead of the operator's.

    ``key`` is part of the address to which its webhooks go. ``registration`` and ``secrets`` hold the fields of the
    platform's ``Registration`` and ``Secrets``; they are empty until they were brought from the platform's console.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="platform_apps")
    platform = models.CharField(max_length=40)
    key = models.CharField(max_length=16, unique=True, default=new_key, editable=False)
    registration = SealedField(default=dict)
    secrets = SealedField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "platform"], name="one_app_per_platform")]

    def __str__(self) -> str:
        return f"{self.tenant}'s app on {self.platform}"

    @property
    def is_ready(self) -> bool:
        """Whether it can be consented to, and its webhooks proven."""
        return bool(self.registration and self.secrets)


class Installation(models.Model):
    """A tenant's connection to one workspace of a platform: whom we speak as there, and with which tokens.

    ``account`` is the bot or service user that posts, ``extra`` holds a platform's further ids. ``app`` is the tenant's own
    registration; None where the operator's is used. ``problem`` says in plain words why it needs to be connected again,
    ``flagged_at`` since when, ``told_at`` when the administrators were written to about it. ``doubts`` are sentences about
    the account, from the last look at it. ``approval_wanted_at``: somebody was told by the platform that an administrator
    has to allow the app before people can consent for themselves; None once one could.
    """

    class State(models.TextChoices):
        CONNECTED = "connected"
        NEEDS_RECONNECT = "needs reconnect"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="installations")
    app = models.ForeignKey(PlatformApp, null=True, blank=True, on_delete=models.PROTECT, related_name="installations")
    platform = models.CharField(max_length=40)
    workspace = models.CharField(max_length=255)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=20, choices=State.choices, default=State.CONNECTED)
    account = models.CharField(max_length=255)
    account_name = models.CharField(max_length=200, blank=True)
    account_email = models.CharField(max_length=320, blank=True)
    extra = models.JSONField(default=dict)
    preset = models.CharField(max_length=12, default=Tenant.Preset.PUBLISHED.value)
    doubts = models.JSONField(default=list)
    problem = models.CharField(max_length=300, blank=True)
    flagged_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    approval_wanted_at = models.DateTimeField(null=True, blank=True)
    connected_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    connected_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "workspace"], name="one_installation_per_workspace")]

    def __str__(self) -> str:
        return f"{self.name} on {connectors.get(self.platform).platform.label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        connectors.get(self.platform)
        super().save(*args, **kwargs)

    def connector(self) -> Connector:
        """The platform, spoken to as this installation. One query, unless ``tokens`` were fetched along."""
        return connectors.get(self.platform)(self.credentials())

    def credentials(self) -> Credentials:
        """What the connector speaks with."""
        tokens = {token.kind: token.access for token in self.tokens.all()}
        return Credentials(WorkspaceId(self.workspace), AccountId(self.account), tokens, self.extra)


class Held(models.Model):
    """A platform's token in our keeping, with what was granted to it: an installation's, or a person's own.

    ``expires_at`` is None for one that lives until it is revoked, ``renew_at`` when to get the next one.
    """

    access = SealedField(default="")
    refresh = SealedField(default="")
    scopes = ArrayField(models.CharField(max_length=200), default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    renew_at = models.DateTimeField(null=True, blank=True)
    renewed_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Token(Held):
    """One token of an installation, by kind (see ``Call.token``)."""

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="tokens")
    kind = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "kind"], name="one_token_per_kind")]
        indexes = [models.Index(fields=["renew_at"], name="token_due", condition=models.Q(renew_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.kind} token of {self.installation_id}"


class ConsentRequest(models.Model):
    """A browser that was sent to a platform and is expected back, once and soon.

    ``digest`` is of the ``state`` that it carries. ``secrets`` hold the PKCE verifier, the nonce, and the tokens that earlier
    steps brought. ``user`` is who connects a platform, and ``installation`` is set where a connection is authorised again;
    ``grant`` is set instead of a user where somebody consents for themselves.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    grant = models.ForeignKey("accounts.Grant", null=True, on_delete=models.CASCADE, related_name="+")
    installation = models.ForeignKey(Installation, null=True, on_delete=models.CASCADE, related_name="+")
    platform = models.CharField(max_length=40)
    purpose = models.CharField(max_length=20)
    preset = models.CharField(max_length=12)
    step = models.PositiveSmallIntegerField(default=0)
    digest = models.CharField(max_length=64, unique=True)
    secrets = SealedField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.purpose} on {self.platform}"


class Subscription(models.Model):
    """A standing order at a platform to be told of something: kept alive by beat, shown on the connection's card.

    ``account`` is the person's own account whose consent it was made with, None for our own.
    """

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="subscriptions")
    account = models.ForeignKey(
        "accounts.PlatformAccount", null=True, on_delete=models.CASCADE, related_name="subscriptions"
    )
    resource = models.CharField(max_length=512)
    external_id = models.CharField(max_length=255)
    expires_at = models.DateTimeField(null=True)
    renew_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)
    checked_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "account", "resource"],
                nulls_distinct=False,
                name="one_subscription_per_resource",
            ),
        ]
        indexes = [models.Index(fields=["renew_at"], name="subscription_due")]

    def __str__(self) -> str:
        return self.resource
