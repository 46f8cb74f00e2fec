"""`./hub bench --imports`: a large company is imported from platforms that refuse by a worker that dies, and again."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import requests
from django.conf import settings
from django.db import connection
from django.utils import timezone

import connectors
from accounts import importing
from accounts.models import DirectoryImport, Installation, Team, Tenant
from accounts.tokens import keep
from connectors.consent import Granted
from connectors.directory import ListsTeams
from connectors.sandbox import World
from mio_hub.bench.company import NotEmpty
from mio_hub.bench.import_checks import complaints, left_over, remember_rows, rows_written
from mio_hub.bench.import_costs import costs
from mio_hub.bench.layout import Failed, Pipeline, free_port, the_hub
from mio_hub.bench.watching import Watch
from mio_hub.sandbox import demo
from mio_hub.sandbox.crowd import TEAM, Crowd, can_be_crowded
from mio_hub.supervisor import MANAGE

PREFERRED = ("slack", "zoom", "webex", "teams")
"""The two of these whose fakes take a crowd: lists of everybody before lists by team."""
REFUSED = 0.02
"""The share of calls that are answered with 429: more than a platform that is asked at its own pace refuses."""
SEED = 184
"""With it each platform refuses one of its first twenty calls, so that it happens in a small company as well."""
PROMISED = 300.0
"""MiB that the worker of imports takes at most, with all its processes."""
SLOWEST = 50
"""People a second of both platforms below which something is wrong and the run is given up."""
AT_LEAST = 900.0
"""Seconds it may take in any case: each crash costs two minutes."""
LOOK_SECONDS, GLANCE_SECONDS = 0.02, 0.5
"""Between two looks at the runs: while a worker is to be killed less than a page takes, so that it hurts."""
OURS = ("worker", "importer", "beat")

State = DirectoryImport.State


@dataclass
class Figures:
    """``seconds`` of both platforms together; ``calls`` and ``refused`` by platform, of the first run.

    ``largest`` and ``together`` as in ``Watch``; ``costs`` are seconds of the database's; ``wrong`` is in words.
    """

    slugs: Sequence[str]
    crowd: Crowd
    seconds: float = 0.0
    calls: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    crashes: int = 0
    again: float = 0.0
    written: int = 0
    largest: float = 0.0
    together: float = 0.0
    tidying: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def platforms() -> tuple[str, ...]:
    """Two whose fakes take a crowd."""
    return tuple(filter(can_be_crowded, PREFERRED))[:2]


def measure(slugs: Sequence[str], crowd: Crowd, folder: Path, *, is_patient: bool = True) -> Figures:
    """Import the crowd, twice. ``is_patient``: wait as long as a dead worker's run is held, instead of letting go of it.

    Raises ``Failed`` where it comes to no end.
    """
    figures = Figures(slugs, crowd)
    with ExitStack() as stack:
        _say(f"{crowd.people:,} people move in on {' and '.join(slugs)}")
        sandbox = stack.enter_context(_a_crowded_sandbox(slugs, crowd, folder))
        installations = _settle(slugs)
        hub = stack.enter_context(the_hub(sandbox, folder, OURS))
        watch = stack.enter_context(Watch(hub, "importer", sandbox))
        bench = _Imports(hub, installations, crowd, is_patient=is_patient)
        bench.choose()
        _say("importing, with a crash in the middle of each platform's people")
        figures.seconds, figures.crashes = bench.import_all(is_crashing=True), bench.crashes
        figures.wrong += complaints(installations, crowd)
        figures.calls = {slug: watch.calls(slug) for slug in slugs}
        figures.refused = {slug: watch.refused(slug) for slug in slugs}
        _say("importing again")
        remember_rows()
        figures.again, figures.written = bench.import_all(), rows_written()
    figures.wrong += complaints(installations, crowd)
    figures.largest, figures.together = watch.largest, watch.together
    figures.tidying = _seconds(importing.tidy)
    _say("merging and matching alone")
    figures.costs = costs(installations[0])
    figures.wrong += _broken(figures)
    return figures


def _broken(figures: Figures) -> Iterator[str]:
    """Promises that were not kept."""
    if figures.crashes != len(figures.slugs):
        yield f"the worker died {figures.crashes} times instead of once for each platform"
    if not all(figures.refused.values()):
        yield "a platform never refused a call"
    if figures.written:
        yield f"the second run wrote {figures.written} rows"
    if figures.together >= PROMISED:
        yield f"the worker took {figures.together:.0f} MiB, {PROMISED:.0f} are promised"
    if left := left_over():
        yield f"{left} rows of what runs were told are left"


def leave() -> None:
    """Undo what ``measure`` did to the database."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_tenant CASCADE")  # row by row would take minutes


@contextmanager
def _a_crowded_sandbox(slugs: Sequence[str], crowd: Crowd, folder: Path) -> Iterator[str]:
    """The fakes in a process of their own, refusing now and then; its address."""
    pipeline = Pipeline("sandbox", free_port(), folder)
    size = {"--people": crowd.people, "--channels": crowd.channels, "--members": crowd.members}
    options = [text for name, number in size.items() for text in (name, str(number))]
    command = [*MANAGE, "sandbox", "--port", str(pipeline.port), *options, "--crowded", *slugs]
    try:
        pipeline.start("web", command, os.environ)
        asyncio.run(pipeline.listening())
        address = f"http://127.0.0.1:{pipeline.port}"
        for number, slug in enumerate(slugs):
            fault = {"platform": slug, "status": 429, "rate": REFUSED, "seed": SEED + number}
            requests.post(f"{address}/faults", json=fault, timeout=30).raise_for_status()
        yield address
    finally:
        pipeline.stop()


def _settle(slugs: Sequence[str]) -> list[Installation]:
    """A tenant with its connections. Raises ``NotEmpty`` where the database has one already."""
    if Tenant.objects.exists():
        raise NotEmpty("This database is in use. ./hub bench brings one of its own; run that.")
    world = World(settings.MIO_PLATFORM_SECRETS, settings.MIO_BASE_URL, apps=settings.MIO_PLATFORM_APPS)
    return connect(Tenant.objects.create(name="Benchmark"), slugs, world)


def connect(tenant: Tenant, slugs: Sequence[str], world: World) -> list[Installation]:
    """A tenant's connections to the fakes, which have the same tokens in this process as in theirs."""
    made = [demo.installation(tenant, world.fakes[slug]) for slug in slugs]
    for installation in made:
        installation.save()
        tokens = world.fakes[installation.platform].credentials().tokens
        keep(installation, [Granted(kind, access) for kind, access in tokens.items()])
    return made


@dataclass
class _Imports:
    """Begins imports, kills their worker, and waits for their ends."""

    hub: Pipeline
    installations: Sequence[Installation]
    crowd: Crowd
    is_patient: bool
    crashes: int = 0

    def choose(self) -> None:
        """The crowd's team, where a platform has teams."""
        with_teams = [one for one in self.installations if issubclass(connectors.get(one.platform), ListsTeams)]
        self._wait([importing.list_teams(installation).pk for installation in with_teams])
        for installation in with_teams:
            team = Team.objects.get(installation=installation, name=TEAM)
            importing.choose(installation, [team.external_id])

    def import_all(self, *, is_crashing: bool = False) -> float:
        """The seconds until the last run was done."""
        runs = [importing.begin(installation).pk for installation in self.installations]
        return _seconds(lambda: self._wait(runs, set(runs) if is_crashing else set()))

    def _wait(self, runs: Sequence[int], to_be_struck: set[int] | frozenset[int] = frozenset()) -> None:
        """Until all are done, killing the worker once in the middle of each of some. Raises ``Failed``."""
        left, deadline = set(to_be_struck), time.monotonic() + AT_LEAST + 2 * self.crowd.people / SLOWEST
        while active := list(DirectoryImport.objects.filter(pk__in=runs).exclude(state=State.DONE).order_by("pk")):
            for run in active:
                self._check(run)
                if run.pk in left and run.held_until and self._is_in_the_middle(run):
                    left.remove(run.pk)
                    self._crash(run)
            if time.monotonic() > deadline:
                raise Failed(f"the imports take too long.\n{self.hub.last_words()}")
            time.sleep(LOOK_SECONDS if left else GLANCE_SECONDS)

    def _check(self, run: DirectoryImport) -> None:
        self.hub.check()
        if run.state != State.RUNNING:
            raise Failed(f"an import is {run.get_state_display()}: {run.problem}\n{self.hub.last_words()}")

    def _is_in_the_middle(self, run: DirectoryImport) -> bool:
        read: int = run.counts.get("people", 0)
        return read >= self.crowd.people / 2

    def _crash(self, run: DirectoryImport) -> None:
        """A power cut for the worker while it holds a run, and another one in its place."""
        _say(f"the worker dies, with {run.counts['people']:,} people read in the stage {run.stage}")
        self.hub.replace("importer")
        self.crashes += 1
        if not self.is_patient:
            a_moment_ago = timezone.now() - timedelta(seconds=1)
            held = DirectoryImport.objects.filter(pk=run.pk, state=State.RUNNING).exclude(held_until=None)
            held.update(held_until=a_moment_ago)


def _seconds(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin


def _say(text: str) -> None:
    print(f"bench: {text} …", file=sys.stderr, flush=True)


# --- the table


def imports_table(figures: Figures) -> str:
    """What it took, and what was wrong."""
    crowd = figures.crowd
    about = f"{crowd.people:,} people and {crowd.channels * crowd.members:,} memberships in {crowd.channels:,} channels"
    calls = (f"{slug} {figures.calls[slug]:,}, {figures.refused[slug]:,} of them refused" for slug in figures.slugs)
    both = len(figures.slugs) * crowd.people
    rows = {
        "on each of": f"{' and '.join(figures.slugs)}: {about}",
        "machine": f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; one process imports",
        "first run": f"{figures.seconds:.1f} s, {both / figures.seconds:,.0f} people/s, "
        f"{figures.crashes} crashes of the worker survived",
        "calls": "; ".join(calls),
        "second run": f"{figures.again:.1f} s, {figures.written} rows written",
        "peak memory": f"{figures.together:.0f} MiB of the worker with its pool, {figures.largest:.0f} MiB of one process",
        "database alone": ", ".join(f"{name} {seconds:.2f} s" for name, seconds in figures.costs.items()),
        "tidying": f"{figures.tidying:.2f} s",
        "wrong": "; ".join(figures.wrong) or "nothing",
    }
    return "\n".join(f"{name:<16}{text}" for name, text in rows.items())
