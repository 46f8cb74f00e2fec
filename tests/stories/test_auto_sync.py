"""Auto Sync: whoever is put into a group is synced, whoever is taken out is unsynced, by the tasks that beat queues."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from accounts import auto_sync, brake, group_planning, tasks, user_sync
from accounts.auto_sync import Choice
from accounts.members import NotPossible
from accounts.models import (
    AuditEntry,
    Person,
    PlatformAccount,
    SyncGroup,
    SyncRun,
    User,
    UserSync,
)
from connectors.directory import Group
from tests.house import House

State = SyncRun.State


class Company:
    """Acme on all platforms; Bob sets Auto Sync up, and ``work`` is what beat and the workers do."""

    def __init__(self, house: House) -> None:
        self.house, self.tenant = house, house.tenant
        self.teams: Any = house.world.fakes["teams"]
        self.on = house.installations
        self.bob = RequestFactory().post("/")
        self.bob.user = User.objects.create_user("bob", "bob@acme.example")

    def hire(self, *names: str, on: tuple[str, ...] = ("teams", "slack")) -> list[str]:
        """People who have accounts and are known to the Hub; their ids on the first of the platforms."""
        ids = []
        for name in names:
            email = f"{name.lower()}@acme.example"
            person = Person.objects.create(tenant=self.tenant, name=name, email=email, places=len(on))
            accounts = {slug: self.house.world.fakes[slug].add_person(name, email).id for slug in on}
            for slug, id_ in accounts.items():
                PlatformAccount.objects.create(
                    installation=self.on[slug], person=person, external_id=id_, name=name, email=email
                )
            ids.append(accounts[on[0]])
        return ids

    def group(self, name: str, *people: str, to: str = "slack", first: str = "teams") -> SyncGroup:
        """A security group on the list, read and switched off."""
        id_ = self.teams.add_group(name, *people)
        choice = Choice(self.on[first], (self.on[to],))
        row = auto_sync.add(self.on["teams"], Group(id_, name), choice, self.bob)
        self.work()
        row.refresh_from_db()
        return row

    def switch_on(self, group: SyncGroup) -> None:
        run = auto_sync.try_out(group, self.bob)
        self.work()
        assert SyncRun.objects.get(pk=run.pk).state == State.PLANNED
        group.refresh_from_db()
        auto_sync.switch_on(group, self.bob)
        self.work()

    def members_of(self, group: SyncGroup) -> set[str]:
        members: set[str] = self.teams.graph.groups.all[group.external_id].members
        return members

    def work(self) -> None:
        """A few turns of beat, with every task it queues."""
        for _ in range(3):
            tasks.keep_groups_synced()
            tasks.keep_syncing_people()

    def later(self) -> None:
        """A quarter of an hour passes."""
        SyncGroup.objects.filter(is_on=True).update(read_at=timezone.now())
        self.work()

    def runs(self) -> list[tuple[str, dict[str, int]]]:
        rows = SyncRun.objects.filter(deed="group", started_by=None).order_by("pk")
        return list(rows.values_list("state", "counts"))


def synced(slug: str = "slack") -> list[str]:
    rows = UserSync.objects.filter(installation__platform=slug).order_by("person__name")
    return list(rows.values_list("person__name", flat=True))


@pytest.fixture
def company(house: House, intercepted_requests: Any, monkeypatch: pytest.MonkeyPatch) -> Company:
    for task in (tasks.read_group, tasks.sync_people):
        monkeypatch.setattr(task, "delay", task)
    return Company(house)


def test_T_21_removing_a_person_from_an_auto_sync_group_unsyncs_them(company: Company) -> None:  # noqa: N802
    eva, gil = company.hire("Eva", "Gil")
    sales = company.group("Sales", eva, gil)
    company.switch_on(sales)
    assert synced() == ["Eva", "Gil"]
    assert set(UserSync.objects.values_list("by_group", flat=True)) == {True}
    assert set(Person.objects.filter(name__in=["Eva", "Gil"]).values_list("primary__platform", flat=True)) == {"teams"}
    company.members_of(sales).discard(eva)
    company.later()
    assert synced() == ["Gil"]
    [hal] = company.hire("Hal")
    company.teams.add_group("Sales", hal)
    company.later()
    assert synced() == ["Gil", "Hal"]
    assert {state for state, _ in company.runs()} == {"done"}


def test_a_guest_account_that_we_made_goes_with_its_person(company: Company) -> None:
    slack: Any = company.house.world.fakes["slack"]
    eva, gil = company.hire("Eva", "Gil", on=("slack",))
    group = slack.add_group("Sales", eva, gil)
    row = auto_sync.add(
        company.on["slack"], Group(group, "Sales"), Choice(company.on["slack"], (company.on["teams"],)), company.bob
    )
    company.work()
    row.refresh_from_db()
    company.switch_on(row)
    assert synced("teams") == ["Eva", "Gil"]
    guests = {one.email for one in company.teams.directory() if one.is_guest}
    assert {"eva@acme.example", "gil@acme.example"} <= guests
    slack.workspace.user_groups[group].users.remove(eva)
    company.later()
    assert synced("teams") == ["Gil"]
    assert "eva@acme.example" not in {one.email for one in company.teams.directory() if one.is_guest}


def test_a_dry_run_changes_nothing_and_cannot_be_applied(company: Company) -> None:
    sales = company.group("Sales", *company.hire("Eva", "Gil"))
    with pytest.raises(NotPossible, match="Look first"):
        auto_sync.switch_on(sales, company.bob)
    run = auto_sync.try_out(sales, company.bob)
    company.work()
    run.refresh_from_db()
    assert (run.state, run.counts) == (State.PLANNED, {"adopt": 2, "choose": 2})
    with pytest.raises(NotPossible, match="only shows"):
        user_sync.apply(run)
    assert synced() == []
    assert not Person.objects.filter(name__in=["Eva", "Gil"]).exclude(primary=None).exists()


def test_whoever_is_in_two_groups_belongs_to_the_first(company: Company) -> None:
    eva, gil = company.hire("Eva", "Gil", on=("teams", "slack", "webex"))
    first, second = company.group("First", eva), company.group("Second", eva, gil, to="webex")
    company.switch_on(first)
    company.switch_on(second)
    assert (synced("slack"), synced("webex")) == (["Eva"], ["Gil"])
    assert group_planning.conflicts(company.tenant) == {second.pk: 1}
    auto_sync.move_up(second, company.bob)
    company.work()
    assert (synced("slack"), synced("webex")) == ([], ["Eva", "Gil"])
    assert group_planning.conflicts(company.tenant) == {first.pk: 1}


def test_a_sync_made_by_hand_is_never_taken_away(company: Company) -> None:
    eva, gil = company.hire("Eva", "Gil")
    Person.objects.update(primary=company.on["teams"])
    by_hand = user_sync.begin(company.tenant, "sync", [company.on["slack"].pk], [Person.objects.get(name="Eva").pk])
    company.work()
    user_sync.apply(by_hand)
    company.work()
    sales = company.group("Sales", eva, gil)
    company.switch_on(sales)
    assert synced() == ["Eva", "Gil"]
    company.members_of(sales).discard(eva)
    company.later()
    assert synced() == ["Eva", "Gil"]


def test_many_who_leave_at_once_wait_for_a_decision(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brake, "FEWEST_REMOVED", 1)  # more people take longer and show no more
    ids = company.hire("Eva", "Gil", "Hal", "Ida")
    sales = company.group("Sales", *ids)
    company.switch_on(sales)
    company.members_of(sales).difference_update(ids[:2])
    company.later()
    assert len(synced()) == len(ids)
    waiting = SyncRun.objects.latest("pk")
    assert (waiting.state, "until somebody has decided" in waiting.problem) == (State.PLANNED, True)
    assert AuditEntry.objects.filter(action="stopped auto sync to ask").count() == 1
    user_sync.apply(waiting, company.bob, may_remove=True)
    company.work()
    assert synced() == ["Hal", "Ida"]


def test_a_group_from_which_everybody_has_gone_waits_for_a_decision(company: Company) -> None:
    sales = company.group("Sales", *company.hire("Eva", "Gil"))
    company.switch_on(sales)
    members = set(company.members_of(sales))
    company.members_of(sales).clear()
    company.later()
    assert synced() == ["Eva", "Gil"]
    assert SyncRun.objects.latest("pk").state == State.PLANNED
    company.members_of(sales).update(members)
    company.later()
    assert synced() == ["Eva", "Gil"]
    assert not SyncRun.objects.filter(state=State.PLANNED).exists()


def test_a_group_that_the_platform_no_longer_knows_keeps_its_people(company: Company) -> None:
    sales = company.group("Sales", *company.hire("Eva", "Gil"))
    company.switch_on(sales)
    del company.teams.graph.groups.all[sales.external_id]
    company.later()
    sales.refresh_from_db()
    assert "no longer knows" in sales.problem
    assert (synced(), sales.members.count()) == (["Eva", "Gil"], 2)


@pytest.mark.parametrize("unsyncs", [True, False])
def test_a_group_taken_away_leaves_its_people_synced_or_has_it_planned(company: Company, unsyncs: bool) -> None:
    sales = company.group("Sales", *company.hire("Eva", "Gil"))
    company.switch_on(sales)
    assert group_planning.synced_by(sales.pk) == 2
    run = auto_sync.remove(sales, company.bob, unsyncs=unsyncs)
    company.work()
    assert synced() == ["Eva", "Gil"]
    if run:
        run.refresh_from_db()
        user_sync.apply(run, company.bob)
        company.work()
    assert synced() == ([] if unsyncs else ["Eva", "Gil"])


def test_a_group_that_is_off_changes_nobody(company: Company) -> None:
    eva, gil = company.hire("Eva", "Gil")
    sales = company.group("Sales", eva, gil)
    company.switch_on(sales)
    auto_sync.switch_off(sales, company.bob)
    other = company.group("Other", *company.hire("Hal"))
    company.switch_on(other)
    assert synced() == ["Eva", "Gil", "Hal"]


def test_whoever_has_left_the_company_is_unsynced(company: Company) -> None:
    sales = company.group("Sales", *company.hire("Eva", "Gil"))
    company.switch_on(sales)
    PlatformAccount.objects.filter(name="Eva", installation=company.on["teams"]).update(is_deleted=True)
    company.later()
    assert synced() == ["Gil"]


def test_a_permission_that_is_missing_is_told_and_nobody_is_unsynced(company: Company) -> None:
    sales = company.group("Sales", *company.hire("Eva"))
    company.switch_on(sales)
    entra = company.teams.entra
    entra.grants = {
        token: replace(one, permissions=one.permissions - {"GroupMember.Read.All"})
        for token, one in entra.grants.items()
    }
    company.later()
    sales.refresh_from_db()
    assert not SyncRun.objects.filter(state=State.PLANNED).exists()
    assert "GroupMember.Read.All" in sales.problem
    assert synced() == ["Eva"]
