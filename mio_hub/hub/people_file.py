"""People as a spreadsheet: who is synced where, and a file that says who should be."""

import csv
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO

from asgiref.sync import sync_to_async

import connectors
from accounts import people_list
from accounts.models import Installation, Person, SyncChange, Tenant
from accounts.people_filter import Wanted
from mio_hub.hub.spreadsheet import line

COLUMNS = ("email", "name", "primary", "sync")
NEEDED = ("email", "primary", "sync")
MOST_BYTES = 10_000_000
"""A hundred thousand lines are half of that."""
MOST_LINES = 100_000
"""The largest company that is promised."""
SHOWN_PROBLEMS = 50
"""Lines in error that are told: who has more has one mistake, many times."""
CHUNK = 1_000
"""Lines looked up by one statement."""


async def lines(tenant: Tenant, wanted: Wanted) -> AsyncIterator[str]:
    """Everybody who matches, as CSV. ``sync`` names connections, apart by semicolons."""
    yield line(COLUMNS)
    after: people_list.Place | None = people_list.START
    while after is not None:
        found, after = await sync_to_async(people_list.page)(tenant, wanted, after)
        yield "".join(line(_cells(row)) for row in found)


def _cells(row: people_list.Row) -> Sequence[str]:
    synced = "; ".join(label(cell.installation) for cell in row.cells if cell.kind)
    return [row.person.email, row.person.name, label(row.primary) if row.primary else "", synced]


def label(installation: Installation) -> str:
    """How a file names a connection: ``slack: Acme``. Only the platform is as good where there is one of it."""
    return f"{installation.platform}: {installation.name}"


@dataclass(slots=True)
class Read:
    """What a file says, and what is wrong with it, line by line."""

    changes: list[SyncChange] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read(tenant: Tenant, body: bytes) -> Read:
    """A file's changes; nothing of it is kept here. A file with any problem has no changes."""
    found = Read()
    try:
        table = csv.DictReader(StringIO(body.decode("utf-8-sig")), strict=True)
        if missing := [name for name in NEEDED if name not in (table.fieldnames or ())]:
            found.problems.append(f"The first line must name the columns {', '.join(NEEDED)}; {missing[0]} is missing.")
            return found
        for chunk in _chunks(table):
            _take(tenant, chunk, found)
    except UnicodeDecodeError:
        found.problems.append("The file is no text in UTF-8. Save it as “CSV UTF-8”.")
    except csv.Error:
        found.problems.append("The file is no readable CSV.")
    if found.problems:
        found.changes = []
    return found


Line = tuple[int, dict[str, str]]


def _chunks(table: "csv.DictReader[str]") -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for values in table:
        chunk.append((table.line_num, {name: str(values.get(name) or "").strip() for name in NEEDED}))
        if table.line_num > MOST_LINES + 1:
            raise csv.Error
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk


def _take(tenant: Tenant, chunk: list[Line], found: Read) -> None:
    addresses = {values["email"].lower().replace("\x00", "") for _, values in chunk}
    rows = Person.objects.filter(tenant=tenant).extra(where=["lower(email) = ANY(%s)"], params=[list(addresses)])
    people = {row.email.lower(): row for row in rows.order_by("pk")}
    places = _places(tenant)
    for number, values in chunk:
        person = people.get(values["email"].lower())
        wanted = [("primary", values["primary"]), *(("sync", one) for one in values["sync"].split(";"))]
        named = [(deed, name.strip()) for deed, name in wanted if name.strip()]
        unknown = [name for _, name in named if name.lower() not in places]
        if person is None:
            found.problems.append(f"Line {number}: nobody with the address {values['email'] or '(none)'} is known.")
        elif unknown:
            found.problems.append(f"Line {number}: “{unknown[0]}” is none of your connections.")
        else:
            found.changes += [
                SyncChange(person=person, subject=person.email, deed=deed, installation=places[name.lower()])
                for deed, name in named
            ]


def _places(tenant: Tenant) -> dict[str, Installation]:
    """The connections by each name a file may give them; one that means several means none."""
    rows = list(Installation.objects.filter(tenant=tenant).order_by("pk"))
    named: dict[str, list[Installation]] = {}
    for row in rows:
        for name in {label(row), row.platform, connectors.get(row.platform).platform.label}:
            named.setdefault(name.lower(), []).append(row)
    return {name: places[0] for name, places in named.items() if len({place.pk for place in places}) == 1}
