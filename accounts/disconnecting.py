"""Ending a connection: orders are cancelled first, then the tokens given back, then everything of it is deleted."""

from collections.abc import Callable, Iterable

import structlog

from accounts import importing, tokens
from accounts.asking import ask
from accounts.emptying import empty
from accounts.models import Installation, Subscription
from connectors.calls import Calls
from connectors.consent import Connects, Subscribed, Subscribes
from connectors.contract import Connector
from connectors.errors import ConnectorError, NotSupported

log = structlog.get_logger(__name__)


def disconnect(installation: Installation) -> list[str]:
    """Leave a workspace and delete everything of the connection. Returns what ``take_leave`` does."""
    left = take_leave(installation)
    empty(Installation, "pk", [installation.pk])
    return left


def take_leave(installation: Installation) -> list[str]:
    """End a connection at its platform, and whatever is being read there.

    Returns sentences on what was not possible: somebody may want to finish it there.
    Webex keeps calling webhooks whose token is gone, so they go first (reference §2.1).
    """
    importing.stop(installation)
    connector = installation.connector()
    left = []
    standing = cancel_orders(connector, installation.subscriptions.filter(account=None))
    left += [f"The order “{resource}” still stands there." for resource in standing]
    if isinstance(connector, Connects):
        app = tokens.app_of(installation.platform, installation.app)
        if not _done(connector, lambda: connector.revoke(app)):
            left.append("Our permissions could not be given back; remove the app there.")
    return left


def cancel_orders(connector: Connector, rows: Iterable[Subscription]) -> list[str]:
    """Cancel standing orders at their platform, with the tokens that made them. Returns the resources of those that stay."""
    if not isinstance(connector, Subscribes):
        return []
    orders = [Subscribed(row.external_id, row.resource) for row in rows]
    return [order.resource for order in orders if not _done(connector, _cancel(connector, order))]


def _cancel(connector: Subscribes, order: Subscribed) -> Callable[[], Calls[None]]:
    return lambda: connector.unsubscribe(order)


def _done(connector: Connector, calls: Callable[[], Calls[None]]) -> bool:
    try:
        ask(calls(), connector.credentials)
    except (ConnectorError, NotSupported) as error:
        log.warning("not_disconnected_cleanly", platform=connector.platform.slug, reason=str(error))
        return False
    return True
