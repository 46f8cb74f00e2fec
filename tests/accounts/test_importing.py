"""Imports come to their end whatever the platform does, change only what changed, and ask before they remove much."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts import importing
from accounts.emptying import empty
from accounts.importing import approve, begin, cancel, choose, list_teams, work
from accounts.models import (
    AuditEntry,
    Channel,
    ChannelMember,
    DirectoryImport,
    Doubt,
    Installation,
    Person,
    PlatformAccount,
    SeenAccount,
    SeenChannel,
    SeenMember,
    Team,
    Token,
)
from accounts.progress import progress
from accounts.stages import Stage
from connectors.directory import Place
from connectors.directory import Team as ToldTeam
from connectors.errors import Gone, RateLimited, Reconnect, Refused, Unavailable
from connectors.messages import Account, AccountId, ConversationId, TeamId
from tests.accounts.asking import request_of
from tests.accounts.directories import RESUME, Company, connected, everybody, everywhere, imported, let_pass, run_on
from tests.people import People

State = DirectoryImport.State


@pytest.fixture
def company() -> Company:
    """Six people, three channels: everybody in the first, two in the others."""
    people = everybody(6)
    members = {"C00000": [account.id for account in people]}
    return Company(people, everywhere(3), lambda channel: members.get(channel, ["U000000", "U000001"]))


@pytest.fixture
def acme(people: People, company: Company) -> Iterator[Installation]:
    with connected(people.acme, company) as installation:
        yield installation


@pytest.fixture
def acme_with_teams(people: People, company: Company) -> Iterator[Installation]:
    company.teams = [ToldTeam(TeamId(name), name.title()) for name in ("design", "sales", "support")]
    company.places = [
        *(
            replace(place, team=TeamId(team))
            for place, team in zip(everywhere(3), ("design", "sales", "support"), strict=True)
        ),
        Place(ConversationId("C-free"), "everywhere"),
    ]
    with connected(people.acme, company, has_teams=True) as installation:
        run_on(list_teams(installation))
        yield installation


def tables() -> list[Any]:
    """Everything an import may write, with the transaction and place of each row: nothing of it moves unless written."""
    rows = []
    for model in (Team, Channel, ChannelMember, PlatformAccount, Person, Doubt):
        fields = [field.attname for field in model._meta.fields]
        place = {"place": RawSQL("ctid::text", ()), "written_by": RawSQL("xmin::text", ())}
        rows += model.objects.annotate(**place).order_by("pk").values_list("place", "written_by", *fields)
    return rows


def names(installation: Installation, **more: Any) -> list[str]:
    rows = PlatformAccount.objects.filter(installation=installation, **more)
    return list(rows.order_by("external_id").values_list("external_id", flat=True))


def members(installation: Installation) -> list[tuple[str, str]]:
    rows = ChannelMember.objects.filter(channel__installation=installation)
    return sorted(rows.values_list("channel__external_id", "account__external_id"))


# --- A whole run


def test_everybody_every_channel_and_every_membership_is_imported(acme: Installation) -> None:
    run = imported(acme)
    assert names(acme) == [f"U00000{n}" for n in range(6)]
    assert [channel.members_count for channel in Channel.objects.order_by("external_id")] == [6, 2, 2]
    assert Person.objects.filter(tenant=acme.tenant, accounts__installation=acme).count() == 6
    assert run.counts == {"people": 6, "channels": 3, "memberships": 10, "visited": 3}
    assert run.report == {
        "people": {"added": 6, "changed": 0, "removed": 0},
        "channels": {"added": 3, "changed": 0, "removed": 0},
        "memberships": {"added": 10, "changed": 0, "removed": 0},
        "unread": 0,
    }
    assert run.ended_at


def test_a_second_run_writes_nothing_where_nothing_changed(acme: Installation) -> None:
    imported(acme)
    before = tables()
    run = imported(acme)
    assert tables() == before
    assert not any(any(run.report[kind].values()) for kind in ("people", "channels", "memberships"))


def test_a_second_run_changes_only_what_changed(acme: Installation, company: Company) -> None:
    imported(acme)
    before = tables()
    people = list(company.people)
    people[3] = replace(people[3], name="Grace Liu", is_guest=True)
    company.people = [*people[:5], Account(AccountId("U-new"), "Dan", "DAN@acme.example")]
    company.places = [*everywhere(2), Place(ConversationId("C-new"), "new", "A topic", is_private=True)]
    company.members = lambda channel: ["U000001", "U-new"] if channel == "C-new" else ["U000000", "U000001"]
    run = imported(acme)
    assert run.report == {
        "people": {"added": 1, "changed": 1, "removed": 1},
        "channels": {"added": 1, "changed": 0, "removed": 1},
        "memberships": {"added": 2, "changed": 0, "removed": 6},
        "unread": 0,
    }
    assert names(acme, is_deleted=True) == ["U000005"]
    assert PlatformAccount.objects.get(external_id="U000003").is_guest
    assert [channel.members_count for channel in Channel.objects.order_by("external_id")] == [2, 2, 2]
    untouched = [row for row in before if "Person 1" in row]
    assert untouched
    assert set(untouched) <= set(tables())


def test_whoever_comes_back_is_no_longer_deleted_and_the_same_person(acme: Installation, company: Company) -> None:
    imported(acme)
    everyone, company.people = company.people, [replace(company.people[0], is_deleted=True), *company.people[1:]]
    person = PlatformAccount.objects.get(external_id="U000000").person_id
    imported(acme)
    assert names(acme, is_deleted=True) == ["U000000"]
    company.people = everyone
    imported(acme)
    again = PlatformAccount.objects.get(external_id="U000000")
    assert (again.is_deleted, again.person_id) == (False, person)


def test_a_member_on_no_list_gets_an_account_and_is_asked_about_later(acme: Installation, company: Company) -> None:
    company.members = lambda _: ["U000000", "W-from-elsewhere"]
    imported(acme)
    stranger = PlatformAccount.objects.get(external_id="W-from-elsewhere")
    assert (stranger.name, stranger.is_deleted) == ("", False)
    assert Doubt.objects.get(installation=acme).account == "W-from-elsewhere"
    imported(acme)
    assert names(acme, is_deleted=True) == []


def test_a_membership_that_we_made_keeps_its_mark(acme: Installation) -> None:
    imported(acme)
    ChannelMember.objects.filter(account__external_id="U000000").update(is_added=True)
    imported(acme)
    assert ChannelMember.objects.filter(is_added=True).count() == 3


def test_what_an_event_told_during_a_run_is_not_missed_by_it(acme: Installation, company: Company) -> None:
    imported(acme)

    def arrives(name: str, _: str) -> None:
        if name == "C00000":
            account, _ = PlatformAccount.objects.get_or_create(installation=acme, external_id="U-late", name="Late")
            ChannelMember.objects.get_or_create(channel=Channel.objects.get(external_id="C00000"), account=account)

    company.before = arrives
    imported(acme)
    assert names(acme, is_deleted=True) == []
    assert ("C00000", "U-late") in members(acme)


def test_an_archived_channel_costs_no_call_and_loses_nobody(acme: Installation, company: Company) -> None:
    imported(acme)
    before = members(acme)
    company.places = [replace(company.places[0], is_archived=True), *company.places[1:]]
    company.members = lambda channel: ["U000000", "U000001"] if channel != "C00000" else []
    company.asked.clear()
    run = imported(acme)
    assert members(acme) == before
    assert "C00000" not in [name for name, _ in company.asked]
    assert run.report["unread"] == 0


def test_who_is_known_from_a_channel_that_does_not_tell_is_not_taken_for_gone(
    acme: Installation, company: Company
) -> None:
    told = company.members
    company.members = lambda channel: ["W-of-globex"] if channel == "C00002" else told(channel)
    imported(acme)

    def refuse(name: str, _: str) -> None:
        if name == "C00002":
            raise Refused("not allowed")

    company.before = refuse
    assert imported(acme).report["unread"] == 1
    assert names(acme, is_deleted=True) == []


def test_a_bot_on_no_list_is_not_taken_for_gone(acme: Installation) -> None:
    PlatformAccount.objects.create(installation=acme, external_id="B0BUILD", name="Build", is_bot=True)
    imported(acme)
    assert names(acme, is_deleted=True) == []


def test_a_list_without_pictures_takes_nobodys_away(acme: Installation, company: Company) -> None:
    imported(acme)
    company.people = [replace(account, avatar_url="") for account in company.people]
    run = imported(acme)
    assert run.report["people"] == {"added": 0, "changed": 0, "removed": 0}
    assert PlatformAccount.objects.get(external_id="U000003").avatar_url == "https://avatars.example/3.png"


def test_hostile_names_ids_and_pages_do_no_harm(acme: Installation, company: Company) -> None:
    company.page = 20
    company.people = [
        Account(AccountId("U\x00"), "no id"),
        Account(AccountId("U" * 300), "too long an id"),
        Account(AccountId(""), "none at all"),
        Account(AccountId("U1"), "N\x00ul\ud800 " + "x" * 400, "e" * 400 + "@acme.example", "https://a/" + "u" * 3000),
        Account(AccountId("U2"), "first"),
        Account(AccountId("U2"), "last"),
    ]
    company.places = [
        Place(ConversationId("C\x00"), "no id"),
        Place(ConversationId("C1"), "x" * 500, "\x00" + "t" * 2000),
        Place(ConversationId("C1"), "twice"),
    ]
    company.members = lambda _: ["U1", "U1", "U\x00", "U" * 300, ""]
    imported(acme)
    assert names(acme) == ["U1", "U2"]
    odd = PlatformAccount.objects.get(external_id="U1")
    assert odd.name.startswith("Nul x")
    assert (len(odd.name), odd.avatar_url) == (200, "")
    assert PlatformAccount.objects.get(external_id="U2").name == "last"
    assert members(acme) == [("C1", "U1")]


# --- Trouble on the way


class Crash(Exception):
    """A process is no more."""


def on(list_name: str, *errors: Exception) -> Callable[[str, str], None]:
    """Raise each of these once, when a list is asked for that is not at its beginning."""
    waiting = list(errors)

    def before(name: str, cursor: str) -> None:
        if name == list_name and cursor and waiting:
            raise waiting.pop(0)

    return before


@pytest.mark.parametrize("place", ["people", "channels", "C00000"])
def test_after_a_crash_it_goes_on_at_the_page_it_was_at(acme: Installation, company: Company, place: str) -> None:
    company.before = on(place, Crash())
    run = begin(acme)
    with pytest.raises(Crash):
        run_on(run)
    asked = list(company.asked)
    let_pass(run)
    assert run_on(run).state == State.DONE
    assert company.asked[len(asked)] == asked[-1]
    assert sum(len(page) > 0 for page in company.asked) == len(set(company.asked)) + 1
    assert run_on(run).counts["memberships"] == len(members(acme)) == 10


def test_a_run_whose_worker_was_killed_is_taken_up_when_its_hold_is_over(acme: Installation) -> None:
    run = begin(acme)
    DirectoryImport.objects.filter(pk=run.pk).update(held_until=timezone.now() + timedelta(minutes=1))
    assert importing.unheld() == []
    assert not work(run.pk)
    DirectoryImport.objects.filter(pk=run.pk).update(held_until=timezone.now() - timedelta(seconds=1))
    assert importing.unheld() == [run.pk]
    assert run_on(run).state == State.DONE


def test_runs_take_turns(acme: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "SLICE", 0.0)
    globex = Installation.objects.create(tenant=acme.tenant, platform="slack", workspace="T-G", account="U-MIO")
    one, other = begin(acme).pk, begin(globex).pk
    for first, second in ((one, other), (other, one), (one, other)):
        assert importing.unheld() == [first, second]
        assert work(first)


def test_a_run_that_kills_every_worker_ends(acme: Installation) -> None:
    run = begin(acme)
    for _ in range(importing.MOST_FAILURES + 2):
        assert importing._hold(run.pk)
        DirectoryImport.objects.filter(pk=run.pk).update(held_until=timezone.now() - timedelta(seconds=1))
    run = run_on(run)
    assert run.state == State.FAILED
    assert "broke down again and again" in run.problem


def test_it_waits_as_long_as_the_platform_says_and_no_worker_sleeps(acme: Installation, company: Company) -> None:
    company.before = on("people", RateLimited(120))
    run = begin(acme)
    assert not work(run.pk)
    run.refresh_from_db()
    assert run.not_before
    assert timedelta(seconds=110) < run.not_before - timezone.now() < timedelta(seconds=121)
    assert run.held_until is None
    assert importing.unheld() == []
    assert not work(run.pk)
    assert progress(run).waits_until == run.not_before
    let_pass(run)
    assert importing.unheld() == [run.pk]
    assert run_on(run).state == State.DONE


def test_a_platform_that_is_down_is_asked_again_and_given_up_in_the_end(acme: Installation, company: Company) -> None:
    company.before = on("people", *[Unavailable("HTTP 503")] * 50)
    run = begin(acme)
    pauses = []
    while run_on(run).state == State.RUNNING:
        assert run.not_before
        assert "HTTP 503" in run.problem
        pauses.append(round((run.not_before - timezone.now()).total_seconds(), -1))
        let_pass(run)
    assert pauses == sorted(pauses)
    assert 1800 < sum(pauses) < 3600
    assert run.state == State.FAILED
    assert "import again later" in run.problem


def test_a_page_that_works_again_forgets_the_failures(acme: Installation, company: Company) -> None:
    company.before = on("people", Unavailable("HTTP 503"), Unavailable("HTTP 503"))
    run = begin(acme)
    for _ in range(2):
        assert run_on(run).problem
        let_pass(run)
    run = run_on(run)
    assert (run.state, run.failures, run.problem) == (State.DONE, 0, "")


def test_a_token_that_is_refused_flags_the_connection_and_the_run_waits_for_a_new_one(
    acme: Installation, company: Company
) -> None:
    Token.objects.create(installation=acme, kind="bot", access="a-token")
    company.before = on("channels", Reconnect("token_revoked"))
    run = run_on(begin(acme))
    acme.refresh_from_db()
    assert acme.state == Installation.State.NEEDS_RECONNECT
    assert run.state == State.RUNNING
    assert "once the connection works again" in run.problem
    let_pass(run)
    assert importing.unheld() == []
    Installation.objects.update(state=Installation.State.CONNECTED)
    assert run_on(run).state == State.DONE


def test_a_list_whose_place_the_platform_forgot_is_begun_again(acme: Installation, company: Company) -> None:
    company.before = on("people", Gone("cursor expired"))
    run = imported(acme)
    assert run.counts["people"] == len(names(acme)) == 6


def test_a_platform_that_forgets_again_and_again_is_given_up(acme: Installation, company: Company) -> None:
    company.before = on("people", *[Gone("cursor expired")] * 9)
    run = run_on(begin(acme))
    assert run.state == State.FAILED
    assert "again and again" in run.problem


def test_a_refused_list_ends_the_run_and_changes_nothing(acme: Installation, company: Company) -> None:
    imported(acme)
    before = tables()
    company.people = everybody(1)
    company.before = on("channels", Refused("forbidden"))
    run = run_on(begin(acme))
    assert run.state == State.FAILED
    assert "forbidden" in run.problem
    assert tables() == before


@pytest.mark.parametrize("error", [Refused("not for us"), Gone("no such channel")])
def test_a_channel_that_does_not_tell_its_members_keeps_those_it_had(
    acme: Installation, company: Company, error: Exception
) -> None:
    imported(acme)
    before = members(acme)

    def refuse(name: str, _: str) -> None:
        if name == "C00001":
            raise error

    company.before = refuse
    company.members = lambda channel: ["U000000"] if channel == "C00001" else [a.id for a in company.people]
    run = imported(acme)
    assert run.report["unread"] == 1
    assert [pair for pair in members(acme) if pair[0] == "C00001"] == [pair for pair in before if pair[0] == "C00001"]
    assert Channel.objects.get(external_id="C00002").members_count == 6


@pytest.mark.parametrize("how", ["same cursor", "no items", "same items", "a cursor too long", "a cursor of NUL"])
def test_a_list_without_an_end_ends_the_run(
    acme: Installation, company: Company, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = company.read

    def endless(name: str, items: Any, cursor: str, **more: Any) -> Any:
        if name != "people":
            return page(name, items, cursor, **more)
        company.asked.append((name, cursor))
        following = str(len(company.asked))
        marks = {"same cursor": "again", "a cursor too long": "9" * 5000, "a cursor of NUL": "\x00"}
        found = page(name, items, "0")
        return replace(found, items=() if how == "no items" else found.items, next=marks.get(how, following))

    monkeypatch.setattr(company, "read", endless)
    run = run_on(begin(acme))
    assert run.state == State.FAILED
    assert "no end" in run.problem


def test_one_channel_without_an_end_is_left_unread(
    acme: Installation, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = company.read
    monkeypatch.setattr(
        company,
        "read",
        lambda name, *rest, **more: (
            replace(page(name, *rest, **more), next="9" if name == "C00001" else "")
            if name == "C00001"
            else page(name, *rest, **more)
        ),
    )
    assert imported(acme).report["unread"] == 1
    assert "C00001" not in [channel for channel, _ in members(acme)]


# --- Who works, and when


def test_a_second_beginning_returns_the_run_there_is(acme: Installation, people: People) -> None:
    first = begin(acme, request_of(people.bob))
    assert begin(acme, request_of(people.ann)) == first
    assert list_teams(acme) == first
    assert first.started_by == people.bob
    assert AuditEntry.objects.filter(action="began import").count() == 1
    run_on(first)
    assert begin(acme) != first


def test_a_worker_that_lost_its_run_writes_nothing_more(acme: Installation, company: Company) -> None:
    run = begin(acme)

    def taken(name: str, cursor: str) -> None:
        if name == "people" and cursor == "2":
            DirectoryImport.objects.filter(pk=run.pk).update(held_until=timezone.now() + timedelta(minutes=2))

    company.before = taken
    assert not work(run.pk)
    assert SeenAccount.objects.filter(run=run).count() == 2
    run.refresh_from_db()
    assert run.held_until


def test_a_cancelled_run_stops_at_the_next_page_and_leaves_nothing(
    acme: Installation, company: Company, people: People
) -> None:
    run = begin(acme)
    company.before = lambda name, cursor: cancel(run, request_of(people.bob)) if cursor == "4" else None  # type: ignore[assignment, func-returns-value]
    assert run_on(run).state == State.CANCELLED
    assert not PlatformAccount.objects.exists()
    importing.tidy()
    assert not SeenAccount.objects.exists()
    assert not cancel(run)
    [entry] = AuditEntry.objects.filter(action="cancelled import")
    assert entry.actor == people.bob


def test_a_connection_that_ends_in_the_middle_of_a_run_leaves_nothing_of_it(
    acme: Installation, company: Company
) -> None:
    def end(name: str, _: str) -> None:
        if name == "channels":
            importing.stop(acme)
            empty(Installation, "pk", [acme.pk])

    company.before = end
    assert not work(begin(acme).pk)
    for table in (Installation, DirectoryImport, SeenAccount, SeenChannel, PlatformAccount):
        assert not table.objects.exists()


def test_what_ended_runs_were_told_is_deleted_and_twenty_runs_are_kept(acme: Installation) -> None:
    runs = [imported(acme) for _ in range(3)]
    old = DirectoryImport.objects.bulk_create(DirectoryImport(installation=acme, state=State.DONE) for _ in range(25))
    active = begin(acme)
    work(active.pk)
    importing.tidy()
    for table in (SeenAccount, SeenChannel, SeenMember):
        assert not table.objects.exclude(run=active).exists()
    left = DirectoryImport.objects.order_by("-pk").values_list("pk", flat=True)
    assert list(left) == [active.pk, *[run.pk for run in reversed(old)][:19]]
    assert runs[0].pk not in left


def test_the_last_run_that_came_to_its_end_outlives_all_that_failed_since(acme: Installation) -> None:
    done = imported(acme)
    DirectoryImport.objects.bulk_create(DirectoryImport(installation=acme, state=State.FAILED) for _ in range(25))
    importing.tidy()
    assert DirectoryImport.objects.filter(pk=done.pk).exists()
    importing.begin_nightly(timezone.now().replace(hour=23) + timedelta(days=1))
    assert DirectoryImport.objects.filter(is_nightly=True).exists()


# --- The brake


@pytest.fixture
def large(company: Company) -> Company:
    company.people = everybody(250)
    company.page = 100
    return company


def test_a_run_that_would_remove_too_many_asks(acme: Installation, large: Company, people: People) -> None:
    imported(acme)
    before = tables()
    large.people = everybody(220)
    run = run_on(begin(acme))
    assert run.state == State.ASKING
    assert run.report == {"people": {"removed": 30, "of": 250}, "memberships": {"removed": 0, "of": 10}}
    assert tables() == before
    assert importing.unheld() == []
    assert begin(acme) == run
    [entry] = AuditEntry.objects.filter(action="stopped import to ask")
    assert entry.after == run.report
    assert approve(run, request_of(people.ann))
    assert not approve(run)
    assert run_on(run).report["people"]["removed"] == 30
    assert len(names(acme, is_deleted=True)) == 30
    assert AuditEntry.objects.get(action="approved import").actor == people.ann


def test_a_run_that_asks_can_be_thrown_away(acme: Installation, large: Company) -> None:
    imported(acme)
    before = tables()
    large.people = everybody(100)
    run = run_on(begin(acme))
    assert cancel(run)
    assert run_on(run).state == State.CANCELLED
    assert tables() == before
    large.people = everybody(250)
    imported(acme)


def test_deactivated_accounts_and_lost_channels_count_too(acme: Installation, large: Company) -> None:
    large.members = lambda channel: [a.id for a in everybody(30)] if channel == "C00000" else ["U000000"]
    imported(acme)
    large.people = [replace(account, is_deleted=True) for account in everybody(30)] + everybody(250)[30:]
    large.places = everywhere(3)[1:]
    run = run_on(begin(acme))
    assert run.report == {"people": {"removed": 30, "of": 250}, "memberships": {"removed": 30, "of": 32}}
    assert run.state == State.ASKING


def test_a_few_may_always_go_and_the_share_is_a_setting(acme: Installation, large: Company, settings: Any) -> None:
    large.people = everybody(40)
    imported(acme)
    large.people = everybody(20)
    imported(acme)
    large.people = everybody(250)
    imported(acme)
    settings.MIO_IMPORT_BRAKE = 50
    large.people = everybody(150)
    imported(acme)


# --- What changed since


def test_people_are_told_from_where_the_last_run_left_off(acme: Installation, company: Company) -> None:
    company.changed = []
    first = imported(acme)
    assert not first.is_delta
    assert first.resumes == {"people": f"{RESUME}0"}
    company.changed = [
        replace(company.people[1], name="Grace Liu"),
        Account(AccountId("U000002"), "", is_deleted=True),
        Account(AccountId("U-never-known"), "", is_deleted=True),
    ]
    run = imported(acme)
    assert run.is_delta
    assert run.report["people"] == {"added": 0, "changed": 1, "removed": 1}
    gone = PlatformAccount.objects.get(is_deleted=True)
    assert (gone.external_id, gone.name, gone.email) == ("U000002", "Person 2", "person2@acme.example")
    assert imported(acme).resumes["people"] != run.resumes["people"]


def test_a_mark_that_the_platform_forgot_means_reading_everything(acme: Installation, company: Company) -> None:
    company.changed = []
    imported(acme)
    company.before = on("people", Gone("expired"))
    company.people = company.people[:5]
    company.members = lambda _: ["U000000", "U000001"]
    run = imported(acme)
    assert not run.is_delta
    assert run.report["people"]["removed"] == 1


# --- Teams


def test_only_chosen_teams_are_entered_and_imported(
    acme_with_teams: Installation, company: Company, people: People
) -> None:
    assert [team.name for team in Team.objects.order_by("external_id")] == ["Design", "Sales", "Support"]
    choose(acme_with_teams, ["design", "support", "nobody knows it"], request_of(people.bob))
    assert AuditEntry.objects.get(action="chose teams to import").after == {
        "added": ["Design", "Support"],
        "removed": [],
    }
    company.asked.clear()
    run = imported(acme_with_teams)
    entered = [name for name, _ in company.asked if name.startswith("enter")]
    assert entered == ["enter design", "enter support"]
    shown = Channel.objects.order_by("external_id").values_list("external_id", "team__external_id")
    assert list(shown) == [("C-free", None), ("C00000", "design"), ("C00002", "support")]
    assert run.teams == ["design", "support"]


def test_of_thousands_of_chosen_teams_the_audit_log_names_some_and_counts_the_rest(
    acme_with_teams: Installation, people: People
) -> None:
    Team.objects.bulk_create(
        Team(installation=acme_with_teams, external_id=f"T{n:04}", name=f"Team {n:04}") for n in range(5000)
    )
    choose(acme_with_teams, [f"T{n:04}" for n in range(5000)], request_of(people.bob))
    told = AuditEntry.objects.get(action="chose teams to import").after
    assert told == {"added": [*[f"Team {n:04}" for n in range(20)], "and 4,980 more"], "removed": []}


def test_a_team_that_cannot_be_entered_is_noted_keeps_what_it_had_and_the_others_go_on(
    acme_with_teams: Installation, company: Company
) -> None:
    choose(acme_with_teams, ["design", "sales"])
    company.members = lambda channel: ["U000000", "U000005"] if channel == "C00001" else ["U000000"]
    imported(acme_with_teams)
    before = members(acme_with_teams)

    def refuse(name: str, _: str) -> None:
        if name == "enter sales":
            raise Refused("its owners must invite us")

    company.before = refuse
    company.people = company.people[:5]
    company.places = [place for place in company.places if place.team != "sales"]
    run = imported(acme_with_teams)
    assert run.teams == ["design"]
    assert Team.objects.get(external_id="sales").problem == "its owners must invite us"
    assert members(acme_with_teams) == before
    assert names(acme_with_teams, is_deleted=True) == []
    company.before = on("nothing")
    imported(acme_with_teams)
    assert Team.objects.get(external_id="sales").problem == ""


def test_without_a_chosen_team_nothing_is_imported(acme_with_teams: Installation) -> None:
    run = run_on(begin(acme_with_teams))
    assert run.state == State.FAILED
    assert "Choose teams" in run.problem
    assert not PlatformAccount.objects.exists()


def test_where_no_team_is_left_to_see_nobody_is_taken_for_gone(acme_with_teams: Installation, company: Company) -> None:
    choose(acme_with_teams, ["design"])
    imported(acme_with_teams)
    choose(acme_with_teams, [])
    company.teams, company.people, company.places = [], [], []
    run = run_on(begin(acme_with_teams))
    assert (run.state, names(acme_with_teams, is_deleted=True)) == (State.FAILED, [])
    assert members(acme_with_teams)


def test_the_list_of_teams_is_kept_in_step(acme_with_teams: Installation, company: Company) -> None:
    choose(acme_with_teams, ["sales"])
    company.teams = [replace(company.teams[0], name="Design & Brand"), ToldTeam(TeamId("legal"), "Legal")]
    run = run_on(list_teams(acme_with_teams))
    assert run.report == {"teams": {"added": 1, "changed": 1, "removed": 1}}
    assert [team.name for team in Team.objects.order_by("external_id")] == ["Design & Brand", "Legal", "Sales"]
    assert not PlatformAccount.objects.exists()


# --- Nights


def test_every_connection_that_was_imported_is_looked_through_at_night(acme: Installation, company: Company) -> None:
    morning = timezone.now().replace(hour=7) + timedelta(days=1)
    importing.begin_nightly(morning)
    assert not DirectoryImport.objects.exists()
    first = imported(acme)
    company.people = company.people[:5]
    company.members = lambda _: ["U000000", "U000001"]
    importing.begin_nightly(morning.replace(hour=0, minute=0, second=0) - timedelta(seconds=1))
    importing.begin_nightly(morning)
    importing.begin_nightly(morning)
    night = DirectoryImport.objects.exclude(pk=first.pk).get()
    assert night.is_nightly
    assert run_on(night).state == State.DONE
    DirectoryImport.objects.filter(pk=night.pk).update(started_at=morning)
    importing.begin_nightly(morning + timedelta(hours=1))
    assert DirectoryImport.objects.count() == 2
    entry = AuditEntry.objects.get(action="repaired directory")
    assert entry.after == {
        "people": {"added": 0, "changed": 0, "removed": 1},
        "memberships": {"added": 0, "changed": 0, "removed": 4},
    }
    assert AuditEntry.objects.filter(action="began import").count() == 1


def test_a_night_without_repairs_is_not_written_down(acme: Installation) -> None:
    imported(acme)
    imported(acme, nightly=True)
    assert not AuditEntry.objects.filter(action="repaired directory").exists()


def test_nights_are_spread(people: People) -> None:
    minutes = {pk * importing.STRIDE % importing.NIGHT for pk in range(importing.NIGHT)}
    assert len(minutes) == importing.NIGHT


# --- Progress


def test_progress_is_told_by_stage_and_time_left_once_it_can_be_known(acme: Installation, company: Company) -> None:
    seen = []

    def look(*_: str) -> None:
        run = DirectoryImport.objects.get(state=State.RUNNING)
        seen.append(progress(run))

    company.before = look
    run = imported(acme)
    stages = [stage.stage for stage in seen[0].stages]
    assert stages == [Stage.PEOPLE, Stage.CHANNELS, Stage.MEMBERS, Stage.MERGE]
    assert seen[0].share is None
    shares = [one.share for one in seen if one.share is not None]
    assert shares == sorted(shares)
    assert seen[-1].seconds_left
    counts = [[stage.count for stage in one.stages] for one in seen]
    assert counts[-1][:3] == [6, 3, 2]
    assert [stage.total for stage in seen[-1].stages][2] == 3
    assert progress(run).share == 1
    seen.clear()
    imported(acme)
    assert all(one.share is not None for one in seen)


def test_progress_does_without_what_the_last_run_did_not_count(acme: Installation) -> None:
    DirectoryImport.objects.create(installation=acme, state=State.DONE)
    run = begin(acme)
    DirectoryImport.objects.filter(pk=run.pk).update(stage=Stage.PEOPLE)
    run.refresh_from_db()
    assert progress(run).share is None
