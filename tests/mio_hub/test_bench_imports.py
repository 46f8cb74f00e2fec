"""The benchmark of imports: what is wrong is found, what is written counted, and a worker that dies survived."""

import re
from pathlib import Path

import pytest
from django.db import connection

import connectors
from accounts import importing
from accounts.models import DirectoryImport, Installation, PlatformAccount, Team, Tenant
from connectors.directory import ListsTeams
from connectors.sandbox import World
from mio_hub.bench import importing as bench_of_imports
from mio_hub.bench.import_checks import complaints, remember_rows, rows_written
from mio_hub.bench.import_costs import costs
from mio_hub.sandbox.crowd import TEAM, Crowd, populate
from tests.mio_hub.benching import bench_run

IN_SMALL = Crowd(people=40, channels=3, members=10)
ONE_TOO_FEW = """
DELETE FROM accounts_channelmember WHERE id = (
    SELECT max(x.id) FROM accounts_channelmember x JOIN accounts_channel c ON c.id = x.channel_id WHERE c.name = 'bench-0002')
"""
ONE_TOO_MANY = """
INSERT INTO accounts_person (tenant_id, name, email) SELECT id, '', 'person99@bench.example' FROM accounts_tenant
"""


@pytest.fixture
def crowded(world: World, intercepted_requests: object) -> list[Installation]:
    """A small crowd on two platforms, and both of them imported."""
    slugs = bench_of_imports.platforms()
    populate(world, slugs, IN_SMALL)
    tenant = Tenant.objects.create(name="Benchmark")
    made = bench_of_imports.connect(tenant, slugs, world)
    for installation in made:
        if issubclass(connectors.get(installation.platform), ListsTeams):
            work_off(importing.list_teams(installation))
            importing.choose(installation, Team.objects.filter(name=TEAM).values_list("external_id", flat=True))
        work_off(importing.begin(installation))
    return made


def work_off(run: DirectoryImport) -> None:
    while importing.work(run.pk):
        pass
    run.refresh_from_db()
    assert (run.state, run.problem) == (DirectoryImport.State.DONE, "")


@pytest.mark.django_db
def test_a_whole_import_is_complained_of_by_nobody(crowded: list[Installation]) -> None:
    assert complaints(crowded, IN_SMALL) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (ONE_TOO_FEW, "right members"),
        ("UPDATE accounts_channel SET members_count = 7 WHERE name = 'bench-0002'", "right members"),
        ("UPDATE accounts_platformaccount SET is_deleted = true WHERE email LIKE 'person00007@%%'", "deleted ones"),
        ("UPDATE accounts_platformaccount SET person_id = NULL WHERE email LIKE 'person00007@%%'", "39 of 40 people"),
        (ONE_TOO_MANY, "(41, 41)"),
        ("UPDATE accounts_directoryimport SET state = 'failed'", "its runs are failed"),
    ],
)
def test_an_import_that_is_not_right_is_complained_of(crowded: list[Installation], damage: str, words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(damage)
    assert words in "; ".join(complaints(crowded, IN_SMALL))


@pytest.mark.django_db
def test_every_written_row_is_counted_also_one_changed_into_what_it_was(crowded: list[Installation]) -> None:
    remember_rows()
    for installation in crowded:
        work_off(importing.begin(installation))
    assert rows_written() == 0
    PlatformAccount.objects.filter(email="person00007@bench.example").update(is_bot=False)
    assert rows_written() == 2


@pytest.mark.django_db
def test_what_a_merge_costs_is_measured_and_undone(crowded: list[Installation]) -> None:
    remember_rows()
    found = costs(crowded[0])
    assert all(seconds > 0 for seconds in found.values())
    assert rows_written() == 0
    assert not DirectoryImport.objects.exclude(state=DirectoryImport.State.DONE).exists()


@pytest.mark.slow
def test_a_large_company_is_imported_by_a_worker_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = bench_run(tmp_path, monkeypatch, "--imports", "--quick")
    assert done.returncode == 0, done.stderr + done.stdout
    assert re.search(r"^first run .* people/s, 2 crashes", done.stdout, re.MULTILINE)
    assert re.search(r"^second run .* 0 rows written$", done.stdout, re.MULTILINE)
    assert re.search(r"^wrong +nothing$", done.stdout, re.MULTILINE)
