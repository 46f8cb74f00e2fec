"""Noticing within a minute that a connection is dead, and telling its administrators once."""

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import audit, webhooks
from accounts.access import ROLES, May
from accounts.asking import ask
from accounts.models import Installation, Membership, WebhookEvent
from accounts.tokens import refused
from connectors.consent import Connects
from connectors.errors import ConnectorError, Reconnect, WrongAccount

log = structlog.get_logger(__name__)


def look(pk: int) -> None:
    """Ask a platform who we are there. Somebody may have withdrawn our permission without telling us (Webex, Microsoft)."""
    installation = Installation.objects.prefetch_related("tokens").filter(pk=pk).first()
    if installation is None or installation.state != Installation.State.CONNECTED:
        return
    connector = installation.connector()
    if not isinstance(connector, Connects):
        return
    try:
        identity = ask(connector.identify(), connector.credentials)
    except (Reconnect, WrongAccount) as error:
        refused(pk, connector.credentials.tokens, f"{error}.")
    except ConnectorError as error:
        log.info("connection_not_seen", platform=installation.platform, reason=str(error))
    else:
        rows = Installation.objects.filter(pk=pk).exclude(doubts=list(identity.doubts))
        rows.update(doubts=list(identity.doubts))


def tell_administrators() -> int:
    """Write to the owners and administrators of every connection that was flagged and not told of; how many were."""
    told = 0
    flagged = Installation.objects.filter(
        state=Installation.State.NEEDS_RECONNECT, told_at=None, flagged_at__isnull=False
    )
    for installation in flagged.select_related("tenant"):
        if _note(installation):
            _letter(installation).send(fail_silently=False)
            told += 1
    return told


@transaction.atomic
def _note(installation: Installation) -> bool:
    """Write down that a connection is lost, and have the tenant's own server told. False where that was done already."""
    if not Installation.objects.filter(pk=installation.pk, told_at=None).update(told_at=timezone.now()):
        return False
    problem = {"problem": installation.problem}
    audit.record(installation.tenant, "lost connection", str(installation), after=problem)
    about = {"connection": installation.pk, "platform": installation.platform, **problem}
    webhooks.tell(installation.tenant, WebhookEvent.CONNECTION_NEEDS_ATTENTION, about)
    return True


def _letter(installation: Installation) -> EmailMessage:
    roles = [role for role, may in ROLES.items() if may >= May.CHANGE]
    people = Membership.objects.filter(tenant=installation.tenant, role__in=roles).select_related("user")
    address = reverse("hub:connection", args=[installation.tenant.key, installation.pk])
    text = render_to_string(
        "hub/connections/lost.txt", {"installation": installation, "address": f"{settings.MIO_BASE_URL}{address}"}
    )
    subject = f"{installation.name}: the connection needs you"
    return EmailMessage(subject, text, to=[], bcc=[member.user.email for member in people])
