"""What platforms tell about our standing with them: a workspace took its permission back, an order has ended."""

from datetime import timedelta

from django.db import close_old_connections
from django.utils import timezone

from accounts.models import Installation, Subscription
from accounts.tokens import flag
from connectors.contract import Envelope
from connectors.messages import Kind
from relay.plausible import plausible

KINDS = frozenset({Kind.REVOKED, Kind.LAPSED})
WHOLE_SECOND = timedelta(seconds=1)
"""Slack tells times without fractions: what happened within the second in which somebody connected may have come after."""


def heed(platform: str, app: int | None, envelope: Envelope) -> None:
    """Act on it before the platform is answered; it is rare, and doing it twice does no harm.

    A platform may tell it late, and somebody may have connected again meanwhile: that connection stands.
    """
    close_old_connections()  # this thread serves no request of Django's, which would have done so
    installations = Installation.objects.filter(platform=platform, workspace=envelope.workspace, app=app)
    match envelope.reference.kind:
        case Kind.REVOKED:
            at = plausible(envelope.reference.occurred_at, timezone.now())
            meant = installations.exclude(connected_at__gte=at + WHOLE_SECOND) if at else installations
            for pk in meant.values_list("pk", flat=True):
                flag(pk, "The workspace's administrators removed our app, or took its permission back.")
        case Kind.LAPSED:
            orders = Subscription.objects.filter(installation__in=installations, external_id=envelope.reference.message)
            orders.update(renew_at=timezone.now(), problem="The platform said that this order ends.")
