"""Giving back what a platform let us have: orders are cancelled with the tokens that made them, then these revoked."""

from collections.abc import Callable, Iterable

import structlog

import connectors
from accounts import tokens
from accounts.asking import ask
from accounts.models import Grant, Subscription
from connectors.calls import Calls
from connectors.consent import App, Connects, Subscribed, Subscribes
from connectors.contract import Connector, Credentials
from connectors.errors import ConnectorError, NotSupported

log = structlog.get_logger(__name__)


def give_back(grant: Grant, held: Credentials) -> None:
    """What one person allowed, as far as the platform lets us; their orders are forgotten.

    Webex tells of them even after the token that made them (reference §2.1).
    """
    installation = grant.installation
    connector = connectors.get(installation.platform)(held)
    orders = grant.account.subscriptions.all()
    cancel_orders(connector, orders)
    orders.delete()
    revoke(connector, tokens.app_of(installation.platform, installation.app).for_people)


def cancel_orders(connector: Connector, rows: Iterable[Subscription]) -> list[str]:
    """Cancel standing orders at their platform, with the tokens that made them. Returns the resources of those that stay."""
    if not isinstance(connector, Subscribes):
        return []
    orders = [Subscribed(row.external_id, row.resource) for row in rows]
    return [order.resource for order in orders if not _done(connector, _cancel(connector, order))]


def revoke(connector: Connector, app: App) -> bool:
    """Give the tokens back. False where the platform did not take them."""
    return not isinstance(connector, Connects) or _done(connector, lambda: connector.revoke(app))


def _cancel(connector: Subscribes, order: Subscribed) -> Callable[[], Calls[None]]:
    return lambda: connector.unsubscribe(order)


def _done(connector: Connector, calls: Callable[[], Calls[None]]) -> bool:
    try:
        ask(calls(), connector.credentials)
    except (ConnectorError, NotSupported) as error:
        log.warning("not_given_back", platform=connector.platform.slug, reason=str(error))
        return False
    return True
