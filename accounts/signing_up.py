"""The first minutes of somebody new: an organization of their own, unless they come to join one."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, tasks
from accounts.models import Invitation, Membership, Tenant, User
from accounts.trusting import PUBLIC_MAIL

PLATFORMS = {"webex": "webex", "slack": "slack", "microsoft": "teams", "zoom": "zoom"}
"""Under which name allauth knows the sign-in of a platform, and the platform's own."""


def suggested_name(user: User) -> str:
    """What an organization is probably called: acme.example is "Acme", a private address is "Ann's organization"."""
    company = user.email.rpartition("@")[2].partition(".")[0]
    if company and company not in PUBLIC_MAIL:
        return company.replace("-", " ").title()
    first = user.first_name or user.email.partition("@")[0].partition(".")[0].title()
    return f"{first or 'My'}{'’s' if first else ''} organization"


def first_tenant(user: User, name: str = "", request: HttpRequest | None = None) -> Membership:
    """Make somebody the owner of a new organization and have them welcomed; whoever belongs to one already gets no second."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # an impatient second click waits, and finds the first one's
        membership = Membership.objects.select_related("tenant").filter(user=user).first()
        if membership is None:
            membership = _founded(user, name or suggested_name(user), request)
    return membership


def _founded(user: User, name: str, request: HttpRequest | None) -> Membership:
    tenant = Tenant.objects.create(name=name)
    membership = Membership.objects.create(tenant=tenant, user=user, role=Membership.Role.OWNER)
    audit.record(tenant, "created organization", name, request, after={"name": name, "owner": user.email})
    greet(membership)
    return membership


def greet(membership: Membership) -> None:
    """Have a member welcomed on a platform that they sign in with, if our app can write to them there by now.

    Some sign-ins put the workspace before the account's id, as in ``T0ACME0001_U0ALICE001``.
    """
    for account in SocialAccount.objects.filter(user=membership.user).order_by("pk"):
        platform = PLATFORMS[account.provider]
        tasks.welcome.delay_on_commit(membership.pk, platform, account.uid.rpartition("_")[2])


def open_invitations(user: User) -> QuerySet[Invitation]:
    """Invitations that wait in the mailbox of an address that somebody has proven to be theirs."""
    proven = EmailAddress.objects.filter(user=user, verified=True).values("email")
    return Invitation.objects.select_related("tenant", "invited_by").filter(
        email__in=proven, expires_at__gt=timezone.now()
    )
