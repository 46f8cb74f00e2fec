"""The table of User Sync: one row per person, a page at a time, each page a bounded number of statements."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import connection

import connectors
from accounts.models import Installation, Person, PlatformAccount, RestrictedUser, Tenant, UserSync
from accounts.people_filter import Wanted, conditions
from accounts.standing_in import makes
from connectors.contract import Platform

PAGE = 20
"""Rows at a time: a screen and a bit. Drawing them is most of what the page costs."""

Place = tuple[str, int]
"""Where a page begins: after the row of this name, in small letters, and number."""
START: Place = ("", 0)

SYNC, UNSYNC = "sync", "unsync"

WORDS = {
    UserSync.State.SYNCED: ("Synced", "good"),
    UserSync.State.PENDING: ("Waits for consent", "accent"),
    UserSync.State.SYNCING: ("Syncing", "warning"),
    UserSync.State.UNAVAILABLE: ("Not available", "quiet"),
    UserSync.State.NEEDS_REAUTH: ("Consent has ended", "bad"),
    UserSync.State.ERROR: ("Error", "bad"),
}
"""A state's word and tone."""

_FOUND = """
SELECT p.id, lower(p.name) FROM accounts_person p
WHERE {people} AND (lower(p.name), p.id) > (%(key)s, %(number)s) ORDER BY lower(p.name), p.id LIMIT %(most)s
"""


class Sync(NamedTuple):
    """What a cell tells of a ``UserSync``, by the names of its columns: a page shows a hundred of them."""

    installation: int
    state: str
    kind: str
    reason: str
    changed_at: datetime
    account__is_deleted: bool | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A person on a secondary platform. ``deed`` is what can be done there; empty where nothing can, ``reason`` says why."""

    installation: Installation
    word: str
    tone: str
    kind: str = ""
    reason: str = ""
    deed: str = ""

    @property
    def platform(self) -> Platform:
        """Its platform's face."""
        return connectors.get(self.installation.platform).platform


@dataclass(slots=True)
class Row:
    """A person. ``choices`` are the platforms that may be their primary one; ``primary`` is chosen, or the only one."""

    person: Person
    primary: Installation | None
    choices: list[Installation]
    cells: list[Cell] = field(default_factory=list)
    changed_at: datetime | None = None
    is_restricted: bool = False


def page(tenant: Tenant, wanted: Wanted, after: Place = START) -> tuple[list[Row], Place | None]:
    """A page of rows by name, and where the next one begins; None where there is none."""
    people, values = conditions(tenant, wanted)
    with connection.cursor() as cursor:
        paging = {"key": after[0], "number": after[1], "most": PAGE + 1}
        cursor.execute(_FOUND.format(people=people), values | paging)
        found = cursor.fetchall()
    shown = found[:PAGE]
    more = (shown[-1][1], shown[-1][0]) if len(found) > PAGE else None
    return rows(tenant, [number for number, _ in shown]), more


def count(tenant: Tenant, wanted: Wanted, most: int) -> int:
    """How many match; no more than ``most`` are counted."""
    people, values = conditions(tenant, wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT FROM accounts_person p WHERE {people} LIMIT {most}) found", values
        )
        return int(cursor.fetchone()[0])


def rows(tenant: Tenant, numbers: list[int]) -> list[Row]:
    """People of these numbers, in that order, and how each is doing on every platform."""
    people = Person.objects.filter(tenant=tenant).in_bulk(numbers)
    accounts = PlatformAccount.objects.filter(person__in=numbers, is_deleted=False, is_bot=False, is_guest=False)
    own: defaultdict[int | None, list[int]] = defaultdict(list)
    for number, place in accounts.order_by("pk").values_list("person", "installation"):
        own[number].append(place)
    found = UserSync.objects.filter(person__in=numbers).order_by("pk")
    syncs: defaultdict[int, list[Sync]] = defaultdict(list)
    for number, *told in found.values_list("person", *Sync._fields):
        syncs[number].append(Sync._make(told))
    table = [_row(people[n], tenant.places, own[n], syncs[n]) for n in numbers if n in people]
    _mark_restricted(tenant, table)
    return table


def _mark_restricted(tenant: Tenant, table: list[Row]) -> None:
    addresses = [row.person.email.lower() for row in table]
    listed = RestrictedUser.objects.filter(tenant=tenant, email__in=addresses).values_list("email", flat=True)
    restricted = set(listed)
    for row in table:
        row.is_restricted = row.person.email.lower() in restricted


def _row(person: Person, places: list[Installation], own: list[int], syncs: list[Sync]) -> Row:
    by_place = {sync.installation: sync for sync in syncs}
    choices = [place for place in places if place.pk in own]
    chosen = [place for place in places if place.pk == person.primary_id]
    primary = chosen[0] if chosen else choices[0] if len(choices) == 1 else None
    row = Row(person, primary, [place for place in choices if place.pk not in by_place])
    row.cells = [
        _synced(place, by_place[place.pk]) if place.pk in by_place else _unsynced(place, row, own.count(place.pk))
        for place in places
        if place != primary
    ]
    row.changed_at = max((sync.changed_at for sync in syncs), default=None)
    return row


def _synced(place: Installation, sync: Sync) -> Cell:
    word, tone = WORDS[UserSync.State(sync.state)]
    if sync.account__is_deleted and sync.state != UserSync.State.SYNCING:
        gone = "Their account there is gone. Unsync them, then sync them anew."
        return Cell(place, "Error", "bad", sync.kind, gone, UNSYNC)
    return Cell(place, word, tone, sync.kind, sync.reason, "" if sync.state == UserSync.State.SYNCING else UNSYNC)


def _unsynced(place: Installation, row: Row, owned: int) -> Cell:
    if owned > 1:
        return Cell(place, "Two accounts", "warning", reason="Say which of their accounts there is theirs.")
    if not owned and not makes(place):
        return Cell(place, "Not available", "quiet", reason=f"Has no {place_label(place)} account.")
    if row.primary is None:
        why = "Choose the primary platform first." if row.choices else "Has no account of their own anywhere."
        return Cell(place, "Not synced", "quiet", reason=why)
    return Cell(place, "Not synced", "quiet", deed=SYNC)


def place_label(place: Installation) -> str:
    """Its platform's name."""
    return connectors.get(place.platform).platform.label
