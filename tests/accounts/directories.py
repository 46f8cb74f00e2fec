"""A platform whose directory is generated: teams, people, channels and members from plain values, page by page."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

import connectors
from accounts import importing
from accounts.models import DirectoryImport, Installation, Tenant
from connectors.calls import Calls
from connectors.directory import ListsTeams, Page, Place, Team
from connectors.messages import Account, AccountId, ConversationId, TeamId

RESUME = "what changed since "


@dataclass
class Company:
    """What the platform knows. ``before`` is called with the name and the cursor of each list asked for, and may raise."""

    people: Sequence[Account] = ()
    places: Sequence[Place] = ()
    members: Callable[[str], Sequence[str]] = lambda _: ()
    teams: Sequence[Team] = ()
    page: int = 2
    total: int | None = None
    changed: list[Account] | None = None
    before: Callable[[str, str], None] = lambda *_: None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def read(self, name: str, items: Sequence[Any], cursor: str, **more: Any) -> Page[Any]:
        self.asked.append((name, cursor))
        self.before(name, cursor)
        start = int(cursor or 0)
        end = start + self.page
        return Page(tuple(items[start:end]), str(end) if end < len(items) else "", **more)


class Crowd(Sequence[Any]):
    """So many of something, made when they are looked at."""

    def __init__(self, count: int, make: Callable[[int], Any]) -> None:
        self._numbers, self._make = range(count), make

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, key: Any) -> Any:
        numbers = self._numbers[key]
        return [self._make(n) for n in numbers] if isinstance(key, slice) else self._make(numbers)


def _person(n: int) -> Account:
    return Account(AccountId(f"U{n:06}"), f"Person {n}", f"person{n}@acme.example", f"https://avatars.example/{n}.png")


def a_large(people: int, channels: int, members: int) -> Company:
    """A company of ``people``, with ``members`` in each of its ``channels``; nothing of it lies in memory."""
    places = Crowd(channels, lambda n: Place(ConversationId(f"C{n:05}"), f"channel-{n}"))

    def of(channel: str) -> Crowd:
        return Crowd(members, lambda n: f"U{(int(channel[1:]) * 7919 + n) % people:06}")

    return Company(Crowd(people, _person), places, of, page=999, total=people)


def everybody(count: int) -> list[Account]:
    return Crowd(count, _person)[:]  # type: ignore[no-any-return]


def everywhere(count: int) -> list[Place]:
    return [Place(ConversationId(f"C{n:05}"), f"channel-{n}") for n in range(count)]


def directory_of(company: Company, *, has_teams: bool = False) -> Any:
    """A connector class for ``company``."""

    class Generated(connectors.get("slack")):  # type: ignore[misc]
        def people(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Account]]:
            yield from ()
            if cursor.startswith(RESUME):
                company.asked.append(("people", cursor))
                company.before("people", cursor)
                return Page(tuple(company.changed or ()), resume=f"{RESUME}{len(company.asked)}")
            resume = "" if company.changed is None else f"{RESUME}0"
            page = company.read("people", company.people, cursor, total=company.total)
            return Page(page.items, page.next, page.total, "" if page.next else resume)

        def conversations(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Place]]:
            yield from ()
            return company.read("channels", company.places, cursor)

        def members_page(self, conversation: ConversationId, cursor: str = "") -> Calls[Page[AccountId]]:
            yield from ()
            return company.read(conversation, company.members(conversation), cursor)

    class GeneratedWithTeams(Generated, ListsTeams):
        def teams(self, cursor: str = "") -> Calls[Page[Team]]:
            yield from ()
            return company.read("teams", company.teams, cursor)

        def enter_team(self, team: TeamId) -> Calls[None]:
            yield from ()
            company.read(f"enter {team}", (), "")

    return GeneratedWithTeams if has_teams else Generated


@contextmanager
def on_slacks_place(company: Company, **more: Any) -> Iterator[None]:
    """The generated platform is found where Slack is looked for."""
    generated, real = directory_of(company, **more), connectors.get
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors, "get", lambda slug: generated if slug == "slack" else real(slug))
        yield


@contextmanager
def connected(tenant: Tenant, company: Company, **more: Any) -> Iterator[Installation]:
    """A connection to it."""
    with on_slacks_place(company, **more):
        yield Installation.objects.create(
            tenant=tenant, platform="slack", workspace=f"T{tenant.pk}", name="Acme", account="U-MIO"
        )


def run_on(run: DirectoryImport) -> DirectoryImport:
    """Work on a run for as long as it can go on at once."""
    while importing.work(run.pk):
        pass
    run.refresh_from_db()
    return run


def imported(installation: Installation, **more: Any) -> DirectoryImport:
    """A whole run, which must come to its end."""
    run = run_on(importing.begin(installation, **more))
    assert run.state == DirectoryImport.State.DONE, (run.state, run.problem, run.report)
    return run


def let_pass(run: DirectoryImport) -> None:
    """The time that a run waits is over."""
    DirectoryImport.objects.filter(pk=run.pk).update(not_before=None)
