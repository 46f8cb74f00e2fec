"""Whoever is in one leg's channel, and is represented on another leg's platform, is brought in there; and out again."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import connectors
from accounts.models import Channel, ChannelMember, Doubt, Installation, Person, PlatformAccount, Team, Tenant, UserSync
from accounts.refreshing import doubt
from connectors.calls import Calls
from connectors.contract import Connector
from connectors.directory import ManagesConversations, Place
from connectors.errors import RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.messages import AccountId, ConversationId, TeamId
from relay import mirroring, moving
from relay.models import ConversationLink, MembershipChange, UniversalConversation
from relay.people import Group, people_of

State = MembershipChange.State

OWN = "our-own"


class Rooms:
    """Who is in which channel at the platforms, and what they were asked. ``trouble`` is raised, one by one, by calls;
    ``during`` is what happens meanwhile."""

    def __init__(self) -> None:
        self.inside: dict[str, set[str]] = {}
        self.asked: list[tuple[str, ...]] = []
        self.trouble: list[Exception] = []
        self.unwelcome: dict[str, str] = {}
        self.crash_after = False
        self.during: Callable[[], None] = lambda: None


def managing(slug: str, rooms: Rooms, most: int, pace: float) -> type[Connector]:
    """A platform whose channels are ``rooms``."""

    class Managing(ManagesConversations):
        most_added = most
        pause = pace

        @classmethod
        def legal_name(cls, name: str) -> str:
            return name

        def create(self, name: str, *, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
            raise AssertionError("nothing is made here")

        def enter(self, conversation: ConversationId) -> Calls[None]:
            raise AssertionError("we are there already")

        def add(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
            yield from self._asked("add", conversation, *accounts)
            refused = {one: rooms.unwelcome[one] for one in accounts if one in rooms.unwelcome}
            rooms.inside.setdefault(conversation, set()).update(set(accounts) - refused.keys())
            if rooms.crash_after:
                raise SystemExit  # the worker dies between the platform's answer and our commit
            return refused

        def remove(self, conversation: ConversationId, account: AccountId) -> Calls[None]:
            yield from self._asked("remove", conversation, account)
            rooms.inside.setdefault(conversation, set()).discard(account)

        def _asked(self, *what: str) -> Calls[None]:
            yield from ()
            rooms.asked.append(what)
            rooms.during()
            if rooms.trouble:
                raise rooms.trouble.pop(0)

    return type(f"Managing{slug}", (Managing, connectors.get(slug)), {})


class Acme:
    """A company on three platforms with one synced channel."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.tenant = Tenant.objects.create(name="Acme")
        self.universal = UniversalConversation.objects.create(tenant=self.tenant, name="launch")
        self.installations: dict[str, Installation] = {}
        self.links: dict[str, ConversationLink] = {}
        self.channels: dict[str, Channel] = {}

    def leg(self, slug: str, tenant: Tenant | None = None, name: str = "") -> None:
        name = name or slug
        self.installations[name] = Installation.objects.create(
            tenant=tenant or self.tenant, platform=slug, workspace=f"{name}-space", name=name, account=OWN
        )
        self.channels[name] = self._channel(name)
        self.links[name] = ConversationLink.objects.create(
            conversation=self.universal, installation=self.installations[name], external_id=f"{name}-launch", name="l"
        )
        self.join(name, self.account(name, OWN, None))

    def _channel(self, name: str) -> Channel:
        return Channel.objects.create(installation=self.installations[name], external_id=f"{name}-launch", name="l")

    def person(self, name: str, tenant: Tenant | None = None) -> Person:
        email = f"{name}@acme.example"
        return Person.objects.get_or_create(tenant=tenant or self.tenant, email=email, defaults={"name": name})[0]

    def account(self, leg: str, name: str, person: Person | None) -> PlatformAccount:
        return PlatformAccount.objects.get_or_create(
            installation=self.installations[leg], external_id=f"{leg}-{name}", defaults={"name": name, "person": person}
        )[0]

    def join(self, leg: str, account: PlatformAccount, *, is_added: bool = False) -> None:
        ChannelMember.objects.create(channel=self.channels[leg], account=account, is_added=is_added)

    def native(self, leg: str, *names: str) -> None:
        """People who came into a channel on their own."""
        for name in names:
            self.join(leg, self.account(leg, name, self.person(name)))

    def leaves(self, leg: str, name: str) -> None:
        ChannelMember.objects.get(channel=self.channels[leg], account__external_id=f"{leg}-{name}").delete()

    def synced(self, leg: str, *names: str) -> None:
        """People who are represented on a platform."""
        for name in names:
            person = self.person(name)
            UserSync.objects.create(
                person=person, installation=self.installations[leg], account=self.account(leg, name, person),
                kind=UserSync.Kind.FULL,
            )  # fmt: skip

    def mirror(self) -> list[tuple[str, ...]]:
        """Plan and move; what the platforms were asked."""
        self.rooms.asked.clear()
        moving.mirror(self.universal.pk)
        return self.rooms.asked

    def members(self, leg: str, *, is_added: bool) -> list[str]:
        rows = ChannelMember.objects.filter(channel=self.channels[leg], is_added=is_added)
        named = rows.order_by("account__name").values_list("account__name", flat=True)
        return [name for name in named if name != OWN]

    def changes(self, leg: str) -> dict[str, str]:
        rows = MembershipChange.objects.filter(link=self.links[leg]).order_by("account__name")
        return dict(rows.values_list("account__name", "state"))

    def let_time_pass(self) -> None:
        """Every pause is over."""
        now = timezone.now()
        MembershipChange.objects.update(not_before=now, changed_at=now - timedelta(minutes=1))

    def let_it_settle(self) -> None:
        MembershipChange.objects.update(changed_at=timezone.now() - timedelta(hours=2))


@pytest.fixture
def acme(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Acme:
    rooms, get = Rooms(), connectors.get
    managed = {
        "slack": managing("slack", rooms, 100, 0.0),
        "teams": managing("teams", rooms, 3, 15.0),
        "webex": managing("webex", rooms, 1, 0.0),
    }
    monkeypatch.setattr(connectors, "get", lambda slug: managed.get(slug) or get(slug))
    acme = Acme(rooms)
    acme.leg("slack")
    acme.leg("webex")
    return acme


# --- Coming


def test_who_is_in_one_channel_is_brought_into_the_other_by_the_account_they_have_there(acme: Acme) -> None:
    acme.native("slack", "Ann", "Bob", "Carla")
    acme.synced("webex", "Ann", "Bob")
    assert acme.mirror() == [("add", "webex-launch", "webex-Ann"), ("add", "webex-launch", "webex-Bob")]
    assert acme.members("webex", is_added=True) == ["Ann", "Bob"]
    assert Channel.objects.get(pk=acme.channels["webex"].pk).members_count == 3
    assert mirroring.progress([acme.links["webex"].pk]) == {acme.links["webex"].pk: {State.DONE: 2}}
    assert acme.mirror() == []


def test_who_is_in_no_other_channel_is_not_brought_in(acme: Acme) -> None:
    acme.native("slack", "Bob")
    acme.synced("webex", "Ann")
    assert acme.mirror() == []


def test_who_is_there_already_with_whatever_account_is_left_alone(acme: Acme) -> None:
    acme.native("slack", "Ann", "Bob")
    acme.synced("webex", "Ann", "Bob")
    acme.native("webex", "Ann")
    acme.join("webex", acme.account("webex", "Bobs other account", acme.person("Bob")))
    assert acme.mirror() == []


def test_who_was_brought_in_is_no_reason_to_bring_them_in_elsewhere(acme: Acme) -> None:
    acme.leg("teams")
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.mirror()
    acme.leaves("slack", "Ann")
    acme.synced("teams", "Ann")
    assert acme.mirror() == [("remove", "webex-launch", "webex-Ann")]


def test_a_company_s_people_are_not_brought_into_another_company_s_leg(acme: Acme) -> None:
    globex = Tenant.objects.create(name="Globex")
    acme.leg("webex", globex, "globex")
    acme.native("slack", "Ann")
    acme.account("globex", "Ann", acme.person("Ann", globex))
    UserSync.objects.create(
        person=acme.person("Ann", globex), installation=acme.installations["globex"],
        account=acme.account("globex", "Ann", None), kind=UserSync.Kind.FULL,
    )  # fmt: skip
    assert acme.mirror() == []


@pytest.mark.parametrize("rest", ["paused_at", "ended_at", "archived_at"])
def test_nobody_is_moved_while_a_conversation_rests(acme: Acme, rest: str) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    mirroring.plan_all()
    UniversalConversation.objects.update(**{rest: timezone.now()})
    assert moving.waiting() == []
    assert acme.mirror() == []
    UniversalConversation.objects.update(**{rest: None})
    assert moving.waiting() == [acme.universal.pk]
    assert len(acme.mirror()) == 1


def test_nobody_is_brought_into_a_channel_whose_members_nobody_has_read(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    ChannelMember.objects.filter(channel=acme.channels["webex"]).delete()
    assert acme.mirror() == []


def test_nobody_is_brought_into_a_channel_whose_members_are_in_doubt(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    doubt(acme.installations["webex"].pk, "webex-launch")
    assert acme.mirror() == []
    Doubt.objects.all().delete()
    assert len(acme.mirror()) == 1


# --- Going


def test_who_leaves_is_taken_out_where_we_brought_them_in(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.mirror()
    acme.leaves("slack", "Ann")
    assert acme.mirror() == [("remove", "webex-launch", "webex-Ann")]
    assert acme.members("webex", is_added=True) == []
    assert acme.changes("webex") == {"Ann": State.DONE}
    acme.let_it_settle()
    assert acme.mirror() == []
    assert acme.changes("webex") == {}


def test_who_came_on_their_own_is_never_taken_out(acme: Acme) -> None:
    acme.native("slack", "Ann", "Bob")
    acme.native("webex", "Ann", "Bob", "Carla")
    acme.synced("webex", "Ann", "Bob", "Carla")
    acme.mirror()
    acme.leaves("slack", "Ann")
    UserSync.objects.all().delete()
    assert acme.mirror() == []
    assert acme.members("webex", is_added=False) == ["Ann", "Bob", "Carla"]


def test_who_is_still_in_a_third_channel_stays(acme: Acme) -> None:
    acme.leg("teams")
    acme.native("slack", "Ann")
    acme.native("teams", "Ann")
    acme.synced("webex", "Ann")
    acme.mirror()
    acme.leaves("slack", "Ann")
    assert acme.mirror() == []
    acme.leaves("teams", "Ann")
    assert acme.mirror() == [("remove", "webex-launch", "webex-Ann")]


def test_who_is_no_longer_represented_is_taken_out(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.mirror()
    UserSync.objects.all().delete()
    assert acme.mirror() == [("remove", "webex-launch", "webex-Ann")]


def test_who_was_deactivated_is_taken_out_of_the_other_channels(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.mirror()
    PlatformAccount.objects.filter(external_id="slack-Ann").update(is_deleted=True)
    assert acme.mirror() == [("remove", "webex-launch", "webex-Ann")]


@pytest.mark.parametrize("loss", ["channel", "members"])
def test_nobody_is_taken_out_because_a_channel_is_gone_or_was_not_read(acme: Acme, loss: str) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.mirror()
    lost = Channel.objects.filter(pk=acme.channels["slack"].pk)
    if loss == "channel":
        lost.delete()
    else:
        ChannelMember.objects.filter(channel__in=lost).delete()
    assert acme.mirror() == []


def test_who_takes_themselves_out_is_not_dragged_back_until_they_come_again(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.mirror()
    acme.leaves("webex", "Ann")
    assert acme.mirror() == []
    acme.let_it_settle()
    assert acme.mirror() == []
    assert acme.changes("webex") == {"Ann": State.LEFT}
    acme.leaves("slack", "Ann")
    assert acme.mirror() == []
    acme.native("slack", "Ann")
    assert acme.mirror() == [("add", "webex-launch", "webex-Ann")]


def test_when_a_sync_ends_those_we_brought_in_can_be_taken_out_by_choice(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.native("webex", "Carla")
    acme.synced("webex", "Ann")
    acme.mirror()
    ConversationLink.objects.update(is_active=False)
    UniversalConversation.objects.update(ended_at=timezone.now())
    assert acme.mirror() == []
    mirroring.take_out(acme.links["webex"].pk)
    assert acme.mirror() == [("remove", "webex-launch", "webex-Ann")]
    assert acme.members("webex", is_added=False) == ["Carla"]


def test_what_is_no_longer_wanted_is_not_done(acme: Acme) -> None:
    acme.native("slack", "Ann", "Bob")
    acme.synced("webex", "Ann", "Bob")
    mirroring.plan_all()
    assert acme.changes("webex") == {"Ann": State.WAITING, "Bob": State.WAITING}
    acme.leaves("slack", "Ann")
    assert acme.mirror() == [("add", "webex-launch", "webex-Bob")]


# --- At the platform's pace, and in its trouble


def test_a_platform_with_a_bulk_call_and_a_pace_gets_one_call_at_a_time(acme: Acme) -> None:
    acme.leg("teams")
    names = ["Ann", "Bob", "Carla", "Dana", "Emil"]
    acme.native("slack", *names)
    acme.synced("teams", *names)
    assert acme.mirror() == [("add", "teams-launch", *(f"teams-{name}" for name in names[:3]))]
    assert acme.mirror() == []
    link = acme.links["teams"].pk
    assert mirroring.progress([link]) == {link: {State.DONE: 3, State.WAITING: 2}}
    acme.let_time_pass()
    assert acme.mirror() == [("add", "teams-launch", "teams-Dana", "teams-Emil")]


def test_the_channels_of_one_team_share_its_pace(acme: Acme) -> None:
    acme.leg("teams")
    team = Team.objects.create(installation=acme.installations["teams"], external_id="t", name="t", is_chosen=True)
    other = Channel.objects.create(
        installation=acme.installations["teams"], external_id="teams-other", name="other", team=team
    )
    Channel.objects.filter(pk=acme.channels["teams"].pk).update(team=team)
    second = UniversalConversation.objects.create(tenant=acme.tenant, name="other")
    link = ConversationLink.objects.create(
        conversation=second, installation=acme.installations["teams"], external_id=other.external_id, name="other"
    )
    carla = acme.account("teams", "Carla", acme.person("Carla"))
    MembershipChange.objects.create(link=link, account=carla, is_addition=True)
    acme.native("slack", "Ann")
    acme.synced("teams", "Ann")
    acme.mirror()
    assert moving.waiting() == []


def test_whoever_comes_during_a_pause_waits_for_its_end(acme: Acme) -> None:
    acme.leg("teams")
    acme.native("slack", "Ann")
    acme.synced("teams", "Ann", "Bob")
    assert acme.mirror() == [("add", "teams-launch", "teams-Ann")]
    acme.native("slack", "Bob")
    assert acme.mirror() == []
    assert moving.waiting() == []
    ann, bob = MembershipChange.objects.order_by("pk")
    assert timedelta(seconds=14) < bob.not_before - ann.changed_at < timedelta(seconds=16)
    acme.let_time_pass()
    assert acme.mirror() == [("add", "teams-launch", "teams-Bob")]


def test_two_workers_at_channels_of_one_team_make_one_call(acme: Acme) -> None:
    acme.leg("teams")
    team = Team.objects.create(installation=acme.installations["teams"], external_id="t", name="t", is_chosen=True)
    Channel.objects.filter(pk=acme.channels["teams"].pk).update(team=team)
    second = UniversalConversation.objects.create(tenant=acme.tenant, name="other")
    bob, us = acme.account("slack", "Bob", acme.person("Bob")), acme.account("teams", OWN, None)
    for slug, who, of in (("slack", bob, None), ("teams", us, team)):
        installation = acme.installations[slug]
        ConversationLink.objects.create(conversation=second, installation=installation, external_id="other", name="o")
        channel = Channel.objects.create(installation=installation, external_id="other", name="other", team=of)
        ChannelMember.objects.create(channel=channel, account=who)
    acme.native("slack", "Ann")
    acme.synced("teams", "Ann", "Bob")

    def another_worker() -> None:
        try:
            moving.mirror(second.pk)
        finally:
            connections.close_all()

    def meanwhile() -> None:
        acme.rooms.during = lambda: None
        with ThreadPoolExecutor(1) as pool:
            pool.submit(another_worker).result()

    acme.rooms.during = meanwhile
    assert acme.mirror() == [("add", "teams-launch", "teams-Ann")]


@pytest.mark.parametrize("trouble", [RateLimited(120), Unavailable("away")])
def test_a_platform_that_wants_patience_gets_it_and_no_try_is_counted(acme: Acme, trouble: Exception) -> None:
    acme.native("slack", "Ann", "Bob")
    acme.synced("webex", "Ann", "Bob")
    acme.rooms.trouble.append(trouble)
    assert len(acme.mirror()) == 1
    assert moving.waiting() == []
    assert set(MembershipChange.objects.values_list("tries", flat=True)) == {0}
    soonest = MembershipChange.objects.order_by("not_before")[0].not_before
    assert soonest > timezone.now() + timedelta(seconds=getattr(trouble, "after", 30) - 5)
    acme.let_time_pass()
    assert len(acme.mirror()) == 2


def test_who_is_refused_is_tried_a_few_times_and_then_listed_with_the_reason(acme: Acme) -> None:
    acme.native("slack", "Ann", "Bob")
    acme.synced("webex", "Ann", "Bob")
    acme.rooms.unwelcome["webex-Ann"] = "Guests may not enter this space."
    acme.mirror()
    assert acme.changes("webex") == {"Ann": State.WAITING, "Bob": State.DONE}
    assert moving.waiting() == []
    for _ in range(moving.MOST_TRIES):
        acme.let_time_pass()
        acme.mirror()
    failed = MembershipChange.objects.get(state=State.FAILED)
    assert (failed.reason, failed.tries) == ("Guests may not enter this space.", moving.MOST_TRIES)
    acme.rooms.unwelcome.clear()
    assert acme.mirror() == []
    assert moving.retry(acme.links["webex"].pk) == 1
    assert acme.mirror() == [("add", "webex-launch", "webex-Ann")]


@pytest.mark.parametrize("trouble", [Refused("no"), Unsure("lost")])
def test_a_call_that_fails_is_repeated_later(acme: Acme, trouble: Exception) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.rooms.trouble.append(trouble)
    acme.mirror()
    assert acme.changes("webex") == {"Ann": State.WAITING}
    acme.let_time_pass()
    acme.mirror()
    assert acme.members("webex", is_added=True) == ["Ann"]


def test_a_connection_that_must_be_made_again_is_flagged_and_its_changes_wait(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.rooms.trouble.append(Reconnect("revoked"))
    acme.mirror()
    webex = Installation.objects.filter(pk=acme.installations["webex"].pk)
    assert webex.get().state == Installation.State.NEEDS_RECONNECT
    acme.let_time_pass()
    assert moving.waiting() == []
    assert acme.mirror() == []
    webex.update(state=Installation.State.CONNECTED)
    assert len(acme.mirror()) == 1


def test_a_worker_that_dies_after_the_call_is_made_up_for(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.rooms.crash_after = True
    with pytest.raises(SystemExit):
        acme.mirror()
    assert acme.rooms.inside["webex-launch"] == {"webex-Ann"}
    assert acme.changes("webex") == {"Ann": State.UNDER_WAY}
    acme.rooms.crash_after = False
    acme.native("webex", "Ann")  # the platform told of her meanwhile
    acme.mirror()
    assert acme.members("webex", is_added=True) == ["Ann"]


def test_a_list_that_was_read_too_early_does_not_make_them_come_on_their_own(acme: Acme) -> None:
    acme.native("slack", "Ann")
    acme.synced("webex", "Ann")
    acme.mirror()
    acme.leaves("webex", "Ann")
    acme.native("webex", "Ann")
    acme.mirror()
    assert acme.members("webex", is_added=True) == ["Ann"]


def test_two_workers_at_once_ask_once(acme: Acme) -> None:
    names = [f"Person {n:02}" for n in range(30)]
    acme.native("slack", *names)
    acme.synced("webex", *names)
    together = threading.Barrier(4)

    def work(_: int) -> None:
        try:
            together.wait()
            moving.mirror(acme.universal.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert sorted(acme.rooms.asked) == [("add", "webex-launch", f"webex-{name}") for name in names]
    assert not MembershipChange.objects.filter(~Q(state=State.DONE)).exists()


def test_channels_lead_to_the_conversations_they_are_a_leg_of(acme: Acme) -> None:
    assert mirroring.affected([acme.channels["slack"].pk, acme.channels["webex"].pk]) == [acme.universal.pk]
    ConversationLink.objects.update(is_active=False)
    assert mirroring.affected([acme.channels["slack"].pk]) == []


MANY = 1_000


def gather_many(acme: Acme) -> None:
    """People in the Slack leg, all of them synced to Webex and none there."""
    people = [Person(tenant=acme.tenant, name=f"P{n}", email=f"p{n}@acme.example") for n in range(MANY)]
    Person.objects.bulk_create(people)
    for leg in ("slack", "webex"):
        rows = [
            PlatformAccount(installation=acme.installations[leg], external_id=f"{leg}-{one.name}", name="P", person=one)
            for one in people
        ]
        PlatformAccount.objects.bulk_create(rows)
        if leg == "slack":
            ChannelMember.objects.bulk_create(ChannelMember(channel=acme.channels[leg], account=row) for row in rows)
        else:
            UserSync.objects.bulk_create(
                UserSync(person=row.person, installation=row.installation, account=row, kind="full") for row in rows
            )


def rows_handled(step: dict[str, Any]) -> int:
    """How many rows all steps of a plan looked at."""
    seen = sum(step.get(kind, 0) for kind in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return int(seen * step["Actual Loops"]) + sum(map(rows_handled, step.get("Plans", ())))


@pytest.mark.parametrize("counting", ["ANALYZE", "VACUUM ANALYZE"])
def test_many_members_are_compared_by_the_database_however_wrong_it_guesses_their_number(
    acme: Acme, counting: str
) -> None:
    database = connections["default"]
    gather_many(acme)
    Person.objects.filter(name__regex="^P[0-9]").delete()
    PlatformAccount.objects.filter(name="P").delete()
    with database.cursor() as cursor:
        cursor.execute(counting)  # as the server does by itself: now it believes that nobody is in these large tables
    gather_many(acme)
    with CaptureQueriesContext(database) as asked:
        mirroring.plan(acme.universal.pk)
    assert MembershipChange.objects.filter(state=State.WAITING).count() == MANY
    MembershipChange.objects.filter(is_addition=True).update(
        state=State.DONE, changed_at=timezone.now() - timedelta(hours=2)
    )
    statements = [one["sql"] for one in asked if one["sql"].lstrip().startswith("WITH")]
    assert len(statements) == 3
    for statement in statements:
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(mirroring.BY_KEY)
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
            [[[told]]] = cursor.fetchall()
        assert rows_handled(told["Plan"]) < 100 * MANY, statement


# --- Who is there


def test_people_are_the_same_wherever_one_asks_each_where_they_came_on_their_own(
    acme: Acme, django_assert_num_queries: Any
) -> None:
    acme.native("slack", "Carla", "Ann")
    acme.native("webex", "Bob")
    acme.synced("webex", "Ann")
    acme.mirror()
    PlatformAccount.objects.filter(name=OWN).update(external_id=OWN)
    Channel.objects.update(members_count=3)
    with django_assert_num_queries(4):
        assert people_of(acme.universal.pk) == [
            Group("Acme", "Slack", ["Ann", "Carla"]),
            Group("Acme", "Webex", ["Bob"]),
        ]


def test_people_are_not_told_where_the_directory_is_not_sure(acme: Acme) -> None:
    acme.native("slack", "Ann")
    assert people_of(acme.universal.pk) is None  # nobody counted them yet
    Channel.objects.update(members_count=2)
    assert people_of(acme.universal.pk)
    doubt(acme.installations["webex"].pk, "webex-launch")
    assert people_of(acme.universal.pk) is None
