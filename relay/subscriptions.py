"""Keeping our standing orders at the platforms: made for what is linked, renewed early, mended when a platform ends them."""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog
from django.conf import settings
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

import connectors
from accounts import grants, tokens
from accounts.alone import alone
from accounts.asking import ask
from accounts.models import Grant, Installation, PlatformAccount, Subscription, UserSync
from connectors.calls import Calls
from connectors.consent import Subscribed, Subscribes
from connectors.contract import Connector
from connectors.direct import OpensDirectChats
from connectors.errors import ConnectorError, Gone, NotSupported, RateLimited, Reconnect
from connectors.messages import AccountId, ConversationId
from relay.direct_people import STANDING
from relay.models import ConversationLink

T = TypeVar("T")

log = structlog.get_logger(__name__)

EARLY = 0.5
"""The share of an order's life after which it is renewed: Graph's for channels live three days, and nobody may be there to
mend one at night."""
LOOK = timedelta(minutes=5)
"""How often a platform is asked what stands there. Webex switches webhooks off and says nothing (reference §2.8)."""
LOOK_AT_PEOPLE = timedelta(days=1)
"""The same of what people ordered: there are many of them, and each look is a call."""
PEOPLE_AT_ONCE = 100
"""People seen to in one turn: some seconds of calls."""
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
            wanted = connector.resources(_channels(installation), _people(connector, installation))
            _Keeper(installation, connector, wanted).turn()
        if isinstance(connector, OpensDirectChats) and connector.orders_as_people:
            for grant in _grants_to_see_to(installation):
                _see_to_person(installation, grant)


def _channels(installation: Installation) -> list[ConversationId]:
    links = ConversationLink.channels.filter(installation=installation, is_active=True)
    return [ConversationId(one) for one in links.values_list("external_id", flat=True)]


def _people(connector: Connector, installation: Installation) -> list[AccountId]:
    """Whose direct chats our own voice hears: of the accounts that represent people of other platforms there, for only what
    is said to them crosses; in the chats of stand-ins our own account is."""
    if not isinstance(connector, OpensDirectChats) or not connector.reads_unasked:
        return []
    syncs = UserSync.objects.filter(installation=installation, state__in=STANDING, account__isnull=False)
    full = syncs.filter(kind=UserSync.Kind.FULL).order_by("pk").values_list("account__external_id", flat=True)
    ours = [connector.credentials.account] if syncs.exclude(kind=UserSync.Kind.FULL).exists() else []
    return [AccountId(one) for one in full] + ours


def _grants_to_see_to(installation: Installation) -> list[Grant]:
    """People who consented and of whose chats nothing is ordered yet, or whose orders nobody looked at for long."""
    rows = Grant.objects.filter(account__installation=installation, state=Grant.State.GRANTED)
    seen = Subscription.objects.filter(account=OuterRef("account"), checked_at__gt=timezone.now() - LOOK_AT_PEOPLE)
    return list(rows.filter(~Exists(seen)).select_related("account__installation").order_by("pk")[:PEOPLE_AT_ONCE])


def _see_to_person(installation: Installation, grant: Grant) -> None:
    """Order what is said in a person's direct chats, with their own consent."""
    credentials = grants.credentials_of(grant.account)
    if credentials is None:
        return
    connector = connectors.get(installation.platform)(credentials)
    chats = ConversationLink.objects.filter(installation=installation, is_active=True, heard_by=credentials.account)
    groups = (
        chats.annotate(many=Count("people")).filter(many__gt=2).order_by("pk").values_list("external_id", flat=True)
    )
    if isinstance(connector, Subscribes):
        _Keeper(installation, connector, connector.resources(map(ConversationId, groups)), grant.account).turn()


class _Keeper:
    """One look at what is ordered with one voice, our own or that of ``account``; ``wanted`` are the resources."""

    def __init__(
        self, installation: Installation, speaker: Connector, wanted: list[str], account: PlatformAccount | None = None
    ) -> None:
        if not isinstance(speaker, Subscribes):
            raise NotSupported("nothing is ordered there")
        self._installation = installation
        self._account = account
        self._connector = speaker
        self._credentials = speaker.credentials
        self._wanted = wanted
        self._orders = installation.subscriptions.filter(account=account)
        self._known = {row.resource: row for row in self._orders}

    def turn(self) -> None:
        try:
            self._compare(set(self._wanted))
            for resource in self._wanted:
                self._see_to(resource)
            for resource in self._known.keys() - set(self._wanted):
                self._cancel(self._known[resource])
        except Reconnect as error:
            self._refused(error)
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
        self._orders.update(checked_at=timezone.now())

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
            installation=self._installation, account=self._account, resource=resource, defaults=fields
        )
        self._known[resource] = row
        return row

    def _cancel(self, row: Subscription) -> None:
        if row.external_id:
            self._ask(self._connector.unsubscribe(Subscribed(row.external_id, row.resource)))
        row.delete()

    def _refused(self, error: Reconnect) -> None:
        if self._account is None:
            tokens.refused(self._installation.pk, self._credentials.tokens, f"{error}.")
        else:
            grants.refused(self._account, self._credentials, f"{error}.")

    def _ask(self, calls: Calls[T]) -> T:
        return ask(calls, self._credentials)
