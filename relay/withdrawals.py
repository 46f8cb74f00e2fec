"""What platforms tell about our standing with them: a workspace took its permission back, an order has ended."""

from django.db import close_old_connections
from django.utils import timezone

from accounts.models import Installation, Subscription
from accounts.tokens import flag
from connectors.contract import Envelope
from connectors.messages import Kind

KINDS = frozenset({Kind.REVOKED, Kind.LAPSED})


def heed(platform: str, app: int | None, envelope: Envelope) -> None:
    """Act on it before the platform is answered; it is rare, and doing it twice does no harm."""
    close_old_connections()  # this thread serves no request of Django's, which would have done so
    installations = Installation.objects.filter(platform=platform, workspace=envelope.workspace, app=app)
    match envelope.reference.kind:
        case Kind.REVOKED:
            for pk in installations.values_list("pk", flat=True):
                flag(pk, "The workspace's administrators removed our app, or took its permission back.")
        case Kind.LAPSED:
            orders = Subscription.objects.filter(installation__in=installations, external_id=envelope.reference.message)
            orders.update(renew_at=timezone.now(), problem="The platform said that this order ends.")
