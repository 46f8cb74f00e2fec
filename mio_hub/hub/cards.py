"""What a connection's card says: its state in one word, its health in one sentence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import caches
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

import connectors
from accounts import tokens
from accounts.models import Channel, DirectoryImport, Installation, PlatformAccount, PlatformApp, Team, Tenant
from connectors.consent import Connects
from connectors.contract import Platform
from mio_hub.hub.import_words import Badge, badge
from relay.hearsay import last_heard
from relay.models import ConversationLink

State = DirectoryImport.State

STATES = {
    Installation.State.CONNECTED: ("Connected", "good"),
    Installation.State.NEEDS_RECONNECT: ("Needs you", "bad"),
}
"""What a state is called on the page, and its tone."""


LARGE = 5_000
"""Accounts from which counting takes long enough to show; one more or less of so many does not."""
REMEMBERED = 300
"""Seconds for which such a number is good, unless an import goes on meanwhile."""


@dataclass(frozen=True, slots=True)
class Card:
    """One connection. ``heard_at`` is when the platform last told us anything, as far as we remember.

    ``accounts``, ``places`` and chosen ``teams`` are what is known of the platform, ``channels`` how many of its channels are
    linked. ``run`` is the newest import, ``imported_at`` when one last came to its end.
    """

    installation: Installation
    label: str
    tone: str
    accounts: int
    teams: int
    places: int
    channels: int
    heard_at: datetime | None
    run: DirectoryImport | None
    imported_at: datetime | None

    @property
    def badge(self) -> Badge | None:
        """What is to be told of the newest import: nothing where it went well."""
        is_well = self.run is None or self.run.state in (State.DONE, State.CANCELLED)
        return None if self.run is None or is_well else badge(self.run)


@dataclass(frozen=True, slots=True)
class PlatformCard:
    """A platform with its connections."""

    platform: Platform
    connections: list[Card]
    has_app: bool


def cards(tenant: Tenant) -> list[PlatformCard]:
    """One card per platform, in a bounded number of queries."""
    rows = _cards(Installation.objects.filter(tenant=tenant))
    own = {app.platform for app in PlatformApp.objects.filter(tenant=tenant) if app.is_ready}
    return [
        PlatformCard(
            connector.platform,
            [row for row in rows if row.installation.platform == connector.platform.slug],
            connector.platform.slug in own or _operator_has_app(connector.platform.slug),
        )
        for connector in connectors.everyone()
        if issubclass(connector, Connects)
    ]


def card(installation: Installation) -> Card:
    """The card of one connection."""
    [found] = _cards(Installation.objects.filter(pk=installation.pk))
    return found


def _cards(installations: QuerySet[Installation]) -> list[Card]:
    rows = _counted(installations)
    pks = [row.pk for row in rows]
    heard, newest = last_heard(pks), _newest(pks)
    accounts = _accounts({pk: f"accounts:{pk}:{_told(newest.get(pk))}" for pk in pks})
    return [_card(row, accounts[row.pk], heard.get(row.pk), newest.get(row.pk)) for row in rows]


def _told(run: DirectoryImport | None) -> str:
    return f"{run.pk}:{run.state}" if run else ""


def _accounts(keys: dict[int, str]) -> dict[int, int]:
    """How many accounts there are, by installation; ``keys`` is what large numbers are remembered by until then."""
    known = caches["process"].get_many(keys.values())
    counts = {pk: known.get(key) for pk, key in keys.items()}
    unknown = PlatformAccount.objects.filter(
        installation__in=[pk for pk in counts if counts[pk] is None], is_deleted=False
    )
    found = dict(unknown.order_by().values_list("installation").annotate(many=Count("*")))
    caches["process"].set_many({keys[pk]: many for pk, many in found.items() if many >= LARGE}, REMEMBERED)
    return {pk: count if count is not None else found.get(pk, 0) for pk, count in counts.items()}


def _newest(installations: list[int]) -> dict[int, DirectoryImport]:
    """The newest import of each."""
    runs = DirectoryImport.objects.filter(installation__in=installations, is_listing=False)
    runs = runs.order_by("installation", "-pk").distinct("installation").only("installation", "state")
    return {run.installation_id: run for run in runs}


def _counted(rows: QuerySet[Installation]) -> list[Installation]:
    """With their numbers, each counted by itself: a join would pair every account with every channel."""
    done = DirectoryImport.objects.filter(installation=OuterRef("pk"), is_listing=False, state=State.DONE)
    known = {
        "team_count": _count(Team.objects.filter(is_chosen=True)),
        "place_count": _count(Channel.objects.all()),
        "link_count": _count(ConversationLink.channels.all()),
        "imported_at": Subquery(done.order_by("-pk").values("ended_at")[:1]),
    }
    return list(rows.select_related("connected_by").annotate(**known).order_by("platform", "name", "pk"))


def _count(rows: QuerySet[Any]) -> Coalesce:
    ours = rows.filter(installation=OuterRef("pk")).order_by().values("installation")
    return Coalesce(Subquery(ours.values(many=Count("*"))), 0)


def _card(row: Any, accounts: int, heard_at: datetime | None, newest: DirectoryImport | None) -> Card:
    """Of a counted row."""
    label, tone = STATES[Installation.State(row.state)]
    if row.state == Installation.State.CONNECTED and row.doubts:
        label, tone = "Connected, with a doubt", "warning"
    counts = (accounts, row.team_count, row.place_count, row.link_count)
    return Card(row, label, tone, *counts, heard_at, newest, row.imported_at)


def has_app(tenant: Tenant, platform: str) -> bool:
    """Whether there is a registration to consent to: the operator's or the tenant's own."""
    if _operator_has_app(platform):
        return True
    own = PlatformApp.objects.filter(tenant=tenant, platform=platform).first()
    return own is not None and own.is_ready


def _operator_has_app(platform: str) -> bool:
    return bool(tokens.app_of(platform, None).client_id)
