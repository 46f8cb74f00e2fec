"""The steps of a run: each asks for one page, and commits what it was told together with where the run goes on.

So a crash repeats at most one call, and doubles nothing. A worker does steps for as long as it holds the run; whoever lost it
writes nothing more.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar, cast

import requests
from django.db import transaction
from django.utils import timezone

from accounts import audit, merging, seeing
from accounts.asking import ask_over
from accounts.brake import must_ask
from accounts.matching import storable
from accounts.models import DirectoryImport, SeenChannel, SeenMember, Team
from accounts.progress import last_done
from accounts.stages import KINDS, Stage, stages_of
from connectors.calls import Calls
from connectors.directory import (
    LONGEST_CURSOR,
    MOST_MEMBERS,
    ListsConversations,
    ListsMembers,
    ListsPeople,
    ListsTeams,
    Page,
)
from connectors.errors import Gone, Refused
from connectors.messages import AccountId, ConversationId, TeamId

T = TypeVar("T")
State = DirectoryImport.State

HOLD = timedelta(minutes=2)
"""How long a run is nobody's after its worker was killed. A page takes a few calls; one that takes longer is read again."""
MOST_RESTARTS = 3
"""How often one list is begun again because the platform forgot where we were: once is bad luck, this is a pattern."""
MOST_FRUITLESS = 200
"""Pages in a row, per team, without anything new: people of many teams come up many times, an endless list for ever."""
MOST_READ = 3_000_000
"""Of a kind in one run: ten times the largest workspaces there are. More is a list that invents its people."""
KEPT = ["state", "stage", "cursor", "subject", "is_delta", "counts", "totals", "pages", "report", "resumes"]
KEPT += ["failures", "restarts", "fruitless", "problem", "held_until", "ended_at"]
"""What a step may change. ``teams`` may be thousands and are not written with every page."""

MERGES = {Stage.TEAMS: merging.teams, Stage.PEOPLE: merging.people, Stage.CHANNELS: merging.channels}
"""What is merged, by the stage that read it, in this order."""


class Lost(Exception):
    """The run is no longer this worker's: it was cancelled, or held for so long that another one took it."""


class Unreadable(Exception):
    """The run cannot come to an end. ``str(error)`` is a sentence for an administrator."""


class Reader:
    """A worker's hold on a run, with the connection to its platform."""

    def __init__(self, run: DirectoryImport, opened: requests.Session) -> None:
        self.run = run
        self.connector = run.installation.connector()
        self._opened = opened
        self._stages = stages_of(run, type(self.connector))
        self._steps: dict[Stage, Callable[[], None]] = {
            Stage.ENTER: self._enter,
            Stage.TEAMS: self._read_teams,
            Stage.PEOPLE: self._read_people,
            Stage.CHANNELS: self._read_channels,
            Stage.MEMBERS: self._read_members,
            Stage.MERGE: self._merge,
        }

    def step(self) -> None:
        """One page. Raises ``Lost``, ``Unreadable`` and the error family of ``connectors/errors.py``."""
        if not self.run.stage:
            with self._kept():
                self._advance()
        else:
            self._steps[Stage(self.run.stage)]()

    def _ask(self, calls: Calls[T]) -> T:
        return ask_over(self._opened, calls, self.connector.credentials)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """All of a step or nothing of it."""
        run = self.run
        with transaction.atomic():
            until = timezone.now() + HOLD
            held = DirectoryImport.objects.filter(pk=run.pk, state=State.RUNNING, held_until=run.held_until)
            if not held.update(held_until=until):
                raise Lost
            yield
            run.failures, run.problem = 0, ""
            run.held_until = until if run.state == State.RUNNING else None
            run.save(update_fields=KEPT)

    def _advance(self) -> None:
        """Go on to the next stage."""
        run = self.run
        run.stage = self._stages[self._stages.index(Stage(run.stage)) + 1 if run.stage else 0]
        run.cursor = run.subject = ""
        run.restarts = run.fruitless = 0
        if run.stage == Stage.ENTER:
            run.totals["entered"] = len(run.teams)
        elif run.stage == Stage.PEOPLE:
            self._begin_people()
        elif run.stage == Stage.MEMBERS:
            run.totals["visited"] = SeenChannel.objects.filter(run=run, is_archived=False).count()
            self._next_channel()

    # --- Teams

    def _enter(self) -> None:
        """Our account becomes a member of the next chosen team; ``cursor`` is how many are done."""
        run, done = self.run, int(self.run.cursor or 0)
        problem = self._problem_of_entering(run.teams[done]) if done < len(run.teams) else ""
        with self._kept():
            if done < len(run.teams):
                rows = Team.objects.filter(installation=run.installation_id, external_id=run.teams[done])
                rows.exclude(problem=problem).update(problem=problem)
                run.cursor = str(done + 1)
                self._count("entered", 1)
            else:
                shut = Team.objects.filter(installation=run.installation_id).exclude(problem="")
                run.teams = sorted(set(run.teams) - set(shut.values_list("external_id", flat=True)))
                run.save(update_fields=["teams"])
                self._advance()

    def _problem_of_entering(self, team: str) -> str:
        connector = cast(ListsTeams, self.connector)
        try:
            self._ask(connector.enter_team(TeamId(team)))
        except (Refused, Gone) as error:
            return storable(str(error))[:300]
        return ""

    def _read_teams(self) -> None:
        connector = cast(ListsTeams, self.connector)
        self._read(connector.teams, lambda page: seeing.teams(self.run.pk, page.items))

    # --- People and channels

    def _begin_people(self) -> None:
        """From where the last run left off, if it was about the same teams."""
        run = self.run
        if not run.teams and Stage.TEAMS in self._stages:
            raise Unreadable("There is no team to import. Choose teams that our account can enter, then import again.")
        last = last_done(run)
        run.cursor = last.resumes.get(Stage.PEOPLE, "") if last and last.teams == run.teams else ""
        run.is_delta = bool(run.cursor)

    def _read_people(self) -> None:
        connector = cast(ListsPeople, self.connector)
        self._read(
            lambda cursor: connector.people(self._teams(), cursor),
            lambda page: seeing.people(self.run.pk, page.items),
        )

    def _read_channels(self) -> None:
        connector = cast(ListsConversations, self.connector)
        self._read(
            lambda cursor: connector.conversations(self._teams(), cursor),
            lambda page: seeing.channels(self.run.pk, page.items, set(self.run.teams)),
        )

    def _teams(self) -> list[TeamId]:
        return [TeamId(team) for team in self.run.teams]

    def _read(self, calls: Callable[[str], Calls[Page[T]]], see: Callable[[Page[T]], int]) -> None:
        """A page of a list that makes a whole stage."""
        run = self.run
        try:
            page = self._ask(calls(run.cursor))
        except Gone as error:
            self._begin_list_again(error)
            return
        self._look_for_an_end(page)
        with self._kept():
            self._count(KINDS[Stage(run.stage)], see(page), page.total)
            if page.next:
                run.cursor = page.next
                return
            if page.resume and is_keepable(page.resume):
                run.resumes[run.stage] = page.resume
            self._advance()

    def _begin_list_again(self, error: Gone) -> None:
        """The platform no longer knows where we were. What was seen stays: nothing is seen twice."""
        if self.run.restarts >= MOST_RESTARTS:
            raise Unreadable(f"The platform lost the list of {self.run.stage} again and again: {error}.")
        with self._kept():
            self.run.cursor = ""
            self.run.is_delta = self.run.is_delta and self.run.stage != Stage.PEOPLE
            self.run.restarts += 1
            self.run.fruitless = -self.run.pages.get(self.run.stage, 0)  # so many may bring nothing new this time

    def _look_for_an_end(self, page: Page[T]) -> None:
        """Raises ``Unreadable`` for a list that has none."""
        run = self.run
        is_stuck = bool(page.next) and (page.next == run.cursor or not is_keepable(page.next))
        is_fruitless = run.fruitless > MOST_FRUITLESS * (1 + len(run.teams))
        if is_stuck or is_fruitless or run.counts.get(KINDS[Stage(run.stage)], 0) > MOST_READ:
            raise Unreadable(f"The platform's list of {run.stage} has no end. Nothing was changed; try again tomorrow.")

    def _count(self, kind: str, new: int, total: int | None = None) -> None:
        run = self.run
        run.counts[kind] = run.counts.get(kind, 0) + new
        run.pages[run.stage] = run.pages.get(run.stage, 0) + 1
        run.fruitless = 0 if new else run.fruitless + 1
        if total is not None:
            run.totals[kind] = total

    # --- Members

    def _read_members(self) -> None:
        """A page of the members of one channel; of one that will not tell them, memberships stay as they are."""
        run, connector = self.run, cast(ListsMembers, self.connector)
        channel = ConversationId(run.subject)
        try:
            page: Page[AccountId] = self._ask(connector.members_page(channel, run.cursor))
            self._look_for_an_end(page)
        except Gone as error:
            if run.cursor and run.restarts < MOST_RESTARTS:
                self._begin_list_again(error)
                return
            self._leave_unread()
        except (Refused, Unreadable):
            self._leave_unread()
        else:
            self._keep_members(page)

    def _keep_members(self, page: Page[AccountId]) -> None:
        run = self.run
        with self._kept():
            self._count("memberships", seeing.members(run.pk, run.subject, page.items))
            run.cursor = page.next
            if not page.next:
                self._leave(is_read=True)
            elif SeenMember.objects.filter(run=run, channel=run.subject).count() > MOST_MEMBERS:
                self._leave(is_read=False)

    def _leave_unread(self) -> None:
        with self._kept():
            self._leave(is_read=False)

    def _leave(self, is_read: bool) -> None:
        run = self.run
        SeenChannel.objects.filter(run=run, external_id=run.subject).update(is_read=is_read)
        run.counts["visited"] = run.counts.get("visited", 0) + 1
        self._next_channel()

    def _next_channel(self) -> None:
        """Go on to a channel's members. Nobody comes or goes in an archived one, and its members are not asked for."""
        run = self.run
        rest = SeenChannel.objects.filter(run=run, is_archived=False, external_id__gt=run.subject)
        run.subject = rest.order_by("external_id").values_list("external_id", flat=True).first() or ""
        run.cursor, run.restarts, run.fruitless = "", 0, 0
        if not run.subject:
            self._advance()

    # --- Merging

    def _merge(self) -> None:
        """Merge one kind; ``cursor`` is the last that was merged. Before the first: would it remove too much?"""
        run = self.run
        left = [stage for stage in MERGES if stage in self._stages]
        if run.cursor:
            left = left[left.index(Stage(run.cursor)) + 1 :]
        with self._kept():
            if not run.cursor and not run.is_listing and must_ask(run):
                return
            if left:
                run.report |= MERGES[left[0]](run)
                run.cursor = left[0]
            if not left[1:]:
                self._finish()

    def _finish(self) -> None:
        run = self.run
        run.state, run.ended_at = State.DONE, timezone.now()
        if run.is_listing:
            return
        changed = {kind: changes for kind, changes in run.report.items() if any(changes.values())}
        run.report["unread"] = SeenChannel.objects.filter(run=run, is_archived=False, is_read=False).count()
        if run.is_nightly and changed:
            audit.record(run.installation.tenant, "repaired directory", str(run.installation), after=changed)


def is_keepable(cursor: str) -> bool:
    """Whether a row can hold a cursor as it is."""
    return len(cursor) <= LONGEST_CURSOR and cursor == storable(cursor)
