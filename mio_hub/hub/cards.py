"""What a connection's card says: its state in one word, its health in one sentence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

import connectors
from accounts import tokens
from accounts.models import Installation, PlatformAccount, PlatformApp, Tenant
from connectors.consent import Connects
from connectors.contract import Platform
from relay.hearsay import last_heard
from relay.models import ConversationLink

STATES = {
    Installation.State.CONNECTED: ("Connected", "good"),
    Installation.State.NEEDS_RECONNECT: ("Needs you", "bad"),
}
"""What a state is called on the page, and its tone."""


@dataclass(frozen=True, slots=True)
class Card:
    """One connection. ``heard_at`` is when the platform last told us anything, as far as we remember."""

    installation: Installation
    label: str
    tone: str
    accounts: int
    channels: int
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlatformCard:
    """A platform with its connections."""

    platform: Platform
    connections: list[Card]
    has_app: bool


def cards(tenant: Tenant) -> list[PlatformCard]:
    """One card per platform, in a bounded number of queries."""
    rows = _counted(Installation.objects.filter(tenant=tenant))
    heard = last_heard([row.pk for row in rows])
    own = {app.platform for app in PlatformApp.objects.filter(tenant=tenant) if app.is_ready}
    return [
        PlatformCard(
            connector.platform,
            [_card(row, heard.get(row.pk)) for row in rows if row.platform == connector.platform.slug],
            connector.platform.slug in own or _operator_has_app(connector.platform.slug),
        )
        for connector in connectors.everyone()
        if issubclass(connector, Connects)
    ]


def card(installation: Installation) -> Card:
    """The card of one connection."""
    [row] = _counted(Installation.objects.filter(pk=installation.pk))
    return _card(row, last_heard([row.pk]).get(row.pk))


def _counted(rows: QuerySet[Installation]) -> list[Installation]:
    """With their numbers, each counted by itself: a join would pair every account with every channel."""
    counts = {
        "account_count": _count(PlatformAccount.objects.all()),
        "link_count": _count(ConversationLink.objects.all()),
    }
    return list(rows.select_related("connected_by").annotate(**counts).order_by("platform", "name", "pk"))


def _count(rows: QuerySet[Any]) -> Coalesce:
    ours = rows.filter(installation=OuterRef("pk")).order_by().values("installation")
    return Coalesce(Subquery(ours.values(many=Count("*"))), 0)


def _card(row: Installation, heard_at: datetime | None) -> Card:
    label, tone = STATES[Installation.State(row.state)]
    if row.state == Installation.State.CONNECTED and row.doubts:
        label, tone = "Connected, with a doubt", "warning"
    return Card(row, label, tone, row.account_count, row.link_count, heard_at)  # type: ignore[attr-defined]


def has_app(tenant: Tenant, platform: str) -> bool:
    """Whether there is a registration to consent to: the operator's or the tenant's own."""
    if _operator_has_app(platform):
        return True
    own = PlatformApp.objects.filter(tenant=tenant, platform=platform).first()
    return own is not None and own.is_ready


def _operator_has_app(platform: str) -> bool:
    return bool(tokens.app_of(platform, None).client_id)
