"""Imports as processes: killed, side by side, of a hundred thousand people, and from Slack itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.utils import timezone

from accounts.importing import begin, unheld, work
from accounts.models import Channel, ChannelMember, DirectoryImport, Installation, Person, PlatformAccount, Tenant
from connectors.sandbox import Fault, World
from tests.accounts.directories import Company, a_large, connected, everybody, everywhere, let_pass, run_on
from tests.conftest import HUB
from tests.consenting import Traveller
from tests.database import address
from tests.people import People

State = DirectoryImport.State
ROOT = Path(__file__).parents[2]
MOST_MEMORY = 300 * 1024
"""Kilobytes by which an import may make a worker grow, however many people there are."""


@contextmanager
def a_worker(run: DirectoryImport, *size: int) -> Iterator["subprocess.Popen[str]"]:
    """The process of ``import_worker`` on the tests' database."""
    command = [sys.executable, "-m", "tests.accounts.import_worker", *map(str, (run.pk, *size))]
    environment = os.environ | {"DATABASE_URL": address(), "DJANGO_SETTINGS_MODULE": "mio_hub.settings"}
    environment |= {"REDIS_URL": django_settings.REDIS_URL}
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process: "subprocess.Popen[str]", word: str) -> list[str]:
    """What the process says up to a line that begins with ``word``."""
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith(word):
            return said
    pytest.fail(f"the process ended after {said[-3:]}")


def let_go(run: DirectoryImport) -> None:
    """The time that a killed worker held a run is over."""
    DirectoryImport.objects.filter(pk=run.pk).update(held_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def installation(transactional_db: None) -> Iterator[Installation]:
    with connected(Tenant.objects.create(name="Acme"), Company()) as installation:
        yield installation


def test_killed_in_every_stage_a_run_still_reads_everything_once(installation: Installation) -> None:
    run, size = begin(installation), (3000, 8, 40)
    asked = []
    for place in ("people 999", "channels", "C00005"):
        with a_worker(run, *size) as process:
            asked += until(process, place)
        let_go(run)
    with a_worker(run, *size) as process:
        asked += until(process, "done")[:-1]
    assert len(asked) - len(set(asked)) <= 3  # a kill that comes after the commit repeats nothing
    run.refresh_from_db()
    assert run.state == State.DONE
    assert run.counts == {"people": 3000, "channels": 8, "memberships": 320, "visited": 8}
    assert PlatformAccount.objects.count() == Person.objects.count() == 3000
    assert ChannelMember.objects.count() == 320


@pytest.mark.slow
def test_a_hundred_thousand_people_fit_a_small_memory(installation: Installation) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as the server does by itself: now it believes that every table is empty
    before = pages_read()
    run, size = begin(installation), (100_000, 200, 100)
    with a_worker(run, *size) as process:
        grown = int(until(process, "done")[-1].split()[1])
        process.wait()  # what it read is counted when it ends
    run.refresh_from_db()
    assert run.state == State.DONE
    assert run.report["people"]["added"] == PlatformAccount.objects.count() == 100_000
    assert run.report["memberships"]["added"] == ChannelMember.objects.count() == 20_000
    assert grown < MOST_MEMORY
    assert pages_read() - before < 100 * 100_000, "they grow with the square of the people"


def pages_read() -> int:
    """How often, so far, a page of the accounts was looked into."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT heap_blks_hit + idx_blks_hit FROM pg_statio_user_tables WHERE relname = 'accounts_platformaccount'"
        )
        return int(cursor.fetchone()[0])


def test_several_workers_at_once_read_each_page_once(transactional_db: None) -> None:
    company = Company(everybody(60), everywhere(5), lambda _: ["U000000", "U000001", "U000002"])

    def worked(run: DirectoryImport) -> None:
        try:
            while work(run.pk) or run.pk in unheld():
                pass
        finally:
            connections.close_all()

    with connected(Tenant.objects.create(name="Acme"), company) as installation, ThreadPoolExecutor(4) as pool:
        run = begin(installation)
        for ending in [pool.submit(worked, run) for _ in range(4)]:
            ending.result()
    run.refresh_from_db()
    assert run.state == State.DONE
    assert len(company.asked) == len(set(company.asked))
    assert run.report["memberships"]["added"] == 15


def test_several_beginnings_at_once_make_one_run(transactional_db: None) -> None:
    def began(installation: Installation) -> int:
        try:
            return begin(installation).pk
        finally:
            connections.close_all()

    with (
        connected(Tenant.objects.create(name="Acme"), a_large(10, 1, 1)) as installation,
        ThreadPoolExecutor(6) as pool,
    ):
        runs = {ending.result() for ending in [pool.submit(began, installation) for _ in range(12)]}
    assert len(runs) == DirectoryImport.objects.count() == 1


def test_slacks_company_is_imported_with_its_limits_and_again_changes_nothing(
    people: People, world: World, intercepted_requests: Any, settings: Any
) -> None:
    settings.MIO_BASE_URL = HUB
    Traveller(world, people, people.browser(people.bob)).connect("slack")
    slack: Any = world.fakes["slack"]
    for n in range(30):
        slack.add_person(f"Person {n}", f"person{n}@acme.example", guest=n % 5 == 0)
    installation = Installation.objects.get()
    run, waits = begin(installation), 0
    world.faults.append(Fault("slack", status=429, rate=0.5, seed=3))
    while run_on(run).state == State.RUNNING:
        assert run.not_before
        waits += 1
        let_pass(run)
    assert (run.state, waits > 0) == (State.DONE, True), run.problem
    known = {row.external_id: row for row in PlatformAccount.objects.filter(installation=installation)}
    assert {person.id for person in slack.people()} <= known.keys()
    assert sum(account.is_guest for account in known.values()) >= 6
    shown = {row.external_id: row for row in Channel.objects.filter(installation=installation)}
    assert {place.conversation for place in slack.places()} <= shown.keys()
    assert all(row.members_count for row in shown.values() if row.is_entered and not row.is_archived)
    world.faults.clear()
    again = run_on(begin(installation))
    assert again.report == {
        kind: {"added": 0, "changed": 0, "removed": 0} for kind in ("people", "channels", "memberships")
    } | {"unread": 0}
