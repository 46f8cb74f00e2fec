"""Inviting somebody to a tenant by e-mail.

The link holds a random token that is good once and for four days; the database holds its digest only.
"""

import secrets
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.audit import record
from accounts.members import NotPossible, hold, must_be_assignable
from accounts.models import Invitation, Membership, User
from accounts.secrets import digest

log = structlog.get_logger(__name__)

LIFE = timedelta(hours=96)
"""How long a link is good: an invitation sent on a Friday still works on Monday."""

PAUSE = timedelta(minutes=1)
"""Between two e-mails to one address, so that nobody's inbox can be filled through us."""

MOST_OPEN = 100
"""Invitations waiting in one tenant: more than any team needs, and a bound on what a stranger can have us send."""


def invite(actor: Membership, email: str, role: str, request: HttpRequest) -> bool:
    """Invite an address, or renew its invitation: a link sent earlier ends. Raises ``NotPossible``.

    False where the invitation stands but its e-mail could not be handed over.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        tenant = hold(actor.tenant)
        waiting = tenant.invitations.filter(email__iexact=email).first()
        must_be_assignable(actor, role, *([waiting.role] if waiting else []))
        _must_be_welcome(actor, email, waiting)
        invitation = waiting or Invitation(tenant=tenant, email=email)
        before = {"role": waiting.role} if waiting else {}
        invitation.role, invitation.digest = role, digest(token)
        invitation.invited_by, invitation.expires_at = actor.user, timezone.now() + LIFE
        invitation.save()
        action = "renewed invitation" if waiting else "invited member"
        record(tenant, action, invitation.email, request, before, {"role": role})
    return _send(invitation, token)


def _must_be_welcome(actor: Membership, email: str, waiting: Invitation | None) -> None:
    if Membership.objects.filter(tenant=actor.tenant, user__email__iexact=email).exists():
        raise NotPossible(f"{email} is a member already. Change the role in the list below instead.")
    if waiting and waiting.expires_at - LIFE > timezone.now() - PAUSE:
        raise NotPossible(f"An e-mail went to {email} less than a minute ago. Wait a little before sending another.")
    if not waiting and actor.tenant.invitations.count() >= MOST_OPEN:
        raise NotPossible(f"{MOST_OPEN} invitations are open. Withdraw some that are no longer needed.")


def _send(invitation: Invitation, token: str) -> bool:
    tenant = " ".join(invitation.tenant.name.split())  # a line break would be a header of its own
    link = f"{settings.MIO_BASE_URL}{reverse('invitation_link', args=[token])}"
    text = render_to_string("invitations/mail.txt", {"invitation": invitation, "link": link, "hours": LIFE.days * 24})
    try:
        send_mail(f"Join {tenant} on {invitation.tenant.product_name}", text, None, [invitation.email])
    except OSError as error:  # the family of smtplib's errors and of a server that is not there
        log.warning("invitation_not_sent", tenant=invitation.tenant_id, error=type(error).__name__)
        return False
    return True


@transaction.atomic
def withdraw(actor: Membership, invitation: Invitation, request: HttpRequest) -> None:
    """End an invitation; its link leads nowhere. Raises ``NotPossible``."""
    must_be_assignable(actor, invitation.role)
    invitation.delete()
    record(actor.tenant, "withdrew invitation", invitation.email, request, before={"role": invitation.role})


def find(token_digest: str) -> Invitation | None:
    """The invitation of a token, as long as it is good."""
    rows = Invitation.objects.select_related("tenant", "invited_by")
    return rows.filter(digest=token_digest, expires_at__gt=timezone.now()).first()


@transaction.atomic
def accept(invitation: Invitation, user: User, request: HttpRequest) -> Membership:
    """Join. A member keeps the role that they have. Raises ``NotPossible`` for whoever comes second with the same link."""
    tenant = hold(invitation.tenant)
    used, _ = Invitation.objects.filter(pk=invitation.pk, digest=invitation.digest).delete()
    if not used:
        raise NotPossible("This invitation was used or withdrawn a moment ago.")
    membership, is_new = Membership.objects.get_or_create(tenant=tenant, user=user, defaults={"role": invitation.role})
    if is_new:
        after = {"role": invitation.role, "invited as": invitation.email}
        record(tenant, "joined by invitation", user.email, request, after=after)
    return membership
