"""Keeping our standing orders at the platforms: made for what is linked, renewed early, mended when a platform ends them."""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog
from django.conf import settings
from django.utils import timezone

from accounts import tokens
from accounts.alone import alone
from accounts.asking import ask
from accounts.models import Installation, Subscription
from connectors.calls import Calls
from connectors.consent import Subscribed, Subscribes
from connectors.errors import ConnectorError, Gone, RateLimited, Reconnect
from connectors.messages import ConversationId
from relay.models import ConversationLink

T = TypeVar("T")

log = structlog.get_logger(__name__)

EARLY = 0.5
"""The share of an order's life after which it is renewed: Graph's for channels live three days, and nobody may be there to
mend one at night."""
LOOK = timedelta(minutes=5)
"""How often a platform is asked what stands there. Webex switches webhooks off and says nothing (reference §2.8)."""
RETRY = timedelta(minutes=1)
"""When an order that was refused is tried again: somebody may have mended it, and one call a minute presses nobody."""


def address(installation: Installation) -> str:
    """Where an installation's platform sends its webhooks: the operator's address, or that of the tenant's own app."""
    own = f"{installation.app.key}/" if installation.app else ""
    return f"{settings.MIO_BASE_URL}/webhooks/{installation.platform}/{own}"


def keep(pk: int) -> None:
    """Bring one installation's orders in line with what is linked. Nothing is asked where nothing is due."""
    with alone("keep subscriptions", pk) as is_alone:  # two could both order, and Webex would tell everything twice
        installation = Installation.objects.select_related("app").prefetch_related("tokens").filter(pk=pk).first()
        if not is_alone or installation is None or installation.state != Installation.State.CONNECTED:
            return
        connector = installation.connector()
        if isinstance(connector, Subscribes):
            _Keeper(installation, connector).turn()


class _Keeper:
    """One look at one installation's orders."""

    def __init__(self, installation: Installation, connector: Subscribes) -> None:
        self._installation = installation
        self._connector = connector
        self._credentials = installation.credentials()
        self._known = {row.resource: row for row in installation.subscriptions.all()}

    def turn(self) -> None:
        links = ConversationLink.objects.filter(installation=self._installation, is_active=True)
        wanted = self._connector.resources(map(ConversationId, links.values_list("external_id", flat=True)))
        try:
            self._compare(set(wanted))
            for resource in wanted:
                self._see_to(resource)
            for resource in self._known.keys() - set(wanted):
                self._cancel(self._known[resource])
        except Reconnect as error:
            tokens.refused(self._installation.pk, self._credentials.tokens, f"{error}.")
        except ConnectorError as error:
            log.info("subscriptions_later", platform=self._installation.platform, reason=str(error))

    def _compare(self, wanted: set[str]) -> None:
        """Ask what stands there, from time to time and whenever something new is wanted."""
        looked_at = min((row.checked_at for row in self._known.values()), default=None)
        is_recent = looked_at is not None and looked_at > timezone.now() - LOOK
        if wanted <= self._known.keys() and (is_recent or not self._known):
            return
        standing = {one.resource: one for one in self._ask(self._connector.subscriptions(address(self._installation)))}
        for order in standing.values():
            self._recognize(order)
        for row in [row for row in self._known.values() if row.external_id and row.resource not in standing]:
            self._known.pop(row.resource).delete()
        self._installation.subscriptions.update(checked_at=timezone.now())

    def _recognize(self, order: Subscribed) -> None:
        """Take over an order that we did not know. One that we know keeps its time, unless the platform switched it off."""
        row = self._known.get(order.resource)
        if row is None or row.external_id != order.id:
            row = self._note(order)
        if not order.is_active:
            row.renew_at = timezone.now()
            row.save()

    def _see_to(self, resource: str) -> None:
        row = self._known.get(resource)
        if row and (row.renew_at is None or row.renew_at > timezone.now()):
            return
        try:
            self._note(self._renewed(row) if row and row.external_id else self._ordered(resource))
        except (RateLimited, Reconnect):
            raise
        except ConnectorError as error:
            log.warning("not_subscribed", platform=self._installation.platform, reason=str(error))
            self._write(resource, renew_at=timezone.now() + RETRY, problem=f"{error}."[:300])

    def _renewed(self, row: Subscription) -> Subscribed:
        ends = row.expires_at.timestamp() if row.expires_at else None
        try:
            return self._ask(self._connector.renew(Subscribed(row.external_id, row.resource, ends)))
        except Gone:
            return self._ordered(row.resource)

    def _ordered(self, resource: str) -> Subscribed:
        own = self._installation.app
        secrets = own.secrets.values() if own else astuple(settings.MIO_PLATFORM_SECRETS[self._installation.platform])
        secret = next(iter(secrets))  # platforms that take orders have one, with which they prove what they tell
        return self._ask(self._connector.subscribe(resource, address(self._installation), secret))

    def _note(self, order: Subscribed) -> Subscription:
        now = timezone.now()
        ends = datetime.fromtimestamp(order.expires_at, UTC) if order.expires_at else None
        renew_at = now + (ends - now) * EARLY if ends else None
        return self._write(order.resource, external_id=order.id, expires_at=ends, renew_at=renew_at, problem="")

    def _write(self, resource: str, **fields: object) -> Subscription:
        row, _ = Subscription.objects.update_or_create(
            installation=self._installation, resource=resource, defaults=fields
        )
        self._known[resource] = row
        return row

    def _cancel(self, row: Subscription) -> None:
        if row.external_id:
            self._ask(self._connector.unsubscribe(Subscribed(row.external_id, row.resource)))
        row.delete()

    def _ask(self, calls: Calls[T]) -> T:
        return ask(calls, self._credentials)
