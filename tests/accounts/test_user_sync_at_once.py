"""Two administrators sync overlapping crowds at once while accounts vanish: real threads on a real database."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from django.db import connections

from accounts import matching, user_sync
from accounts.models import Person, PlatformAccount, SyncChange, SyncRun, Tenant, UserSync
from tests.accounts.stand_ins import Registry, Shore, own, registry, shore  # noqa: F401 (a fixture)

OWNERS, STRANGERS = 30, 30
"""People with an account of their own on Dock, and people for whom one is made there."""


@pytest.fixture
def acme(transactional_db: None, registry: Registry) -> Shore:  # noqa: F811
    acme = shore(Tenant.objects.create(name="Acme"))
    for n in range(OWNERS):
        acme.person(f"Own{n:02}", acme.slack, acme.dock)
    for n in range(STRANGERS):
        acme.person(f"Str{n:02}", acme.slack)
    Person.objects.update(primary=acme.slack)
    return acme


def planned(acme: Shore, people: list[int]) -> SyncRun:
    run = user_sync.begin(acme.tenant, "sync", [acme.dock.pk], people)
    while user_sync.work(run.pk):
        pass
    user_sync.apply(run)
    return run


def test_everybody_ends_in_one_state_and_is_made_once(acme: Shore, registry: Registry) -> None:  # noqa: F811
    everybody = list(Person.objects.order_by("email").values_list("pk", flat=True))
    first, second = planned(acme, everybody[:50]), planned(acme, everybody[10:])
    start = Barrier(5)

    def at_once(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        finally:
            connections.close_all()

    def work_on(run: SyncRun) -> Callable[[], object]:
        return lambda: [None for _ in range(200) if user_sync.work(run.pk)]

    def vanish() -> None:
        """As an event tells of accounts that are gone; and of the last two people nothing is left at all."""
        Person.objects.filter(pk__in=everybody[-2:]).delete()
        for n in range(OWNERS // 2, OWNERS):
            matching.remember(acme.dock.pk, [replace(own(f"own{n:02}@acme.example"), is_deleted=True)])

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(at_once, [work_on(first), work_on(second), work_on(first), work_on(second), vanish]))

    assert list(SyncRun.objects.order_by("pk").values_list("state", flat=True)) == ["done", "done"]
    assert not SyncChange.objects.filter(state__in=["planned", "intended"]).exists()
    provisioned = Counter(registry.called("provision"))
    assert max(provisioned.values()) == 1
    rows = UserSync.objects.select_related("account", "person").order_by("person__email")
    assert not rows.filter(account=None).exists()
    made = {row.person.email: (row.kind, row.state, row.is_ours) for row in rows if row.person.name.startswith("Str")}
    assert made == {f"str{n:02}@acme.example": ("guest", "synced", True) for n in range(STRANGERS - 2)}
    for row in rows.filter(person__name__startswith="Own"):
        assert (row.kind, row.state, row.is_ours) == ("full", "pending", False)
    done = Counter(SyncChange.objects.filter(state="done").values_list("person__email", flat=True))
    done.pop(None, 0)  # of those of whom nothing is left
    assert done == Counter(row.person.email for row in rows)
    kept = set(PlatformAccount.objects.filter(is_guest=True).values_list("email", flat=True))
    discarded = {name.removeprefix("guest-") for name in registry.called("discard")}
    assert set(registry.guests) == kept == set(provisioned) - discarded
