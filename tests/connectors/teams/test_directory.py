"""The directory of Teams: people, teams, channels and members are listed, channels made, people brought in."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.calls import Calls, Response, T
from connectors.contract import Request
from connectors.directory import LONGEST_CURSOR, Page, Place
from connectors.errors import Gone, Reconnect, Refused, Unavailable, Unsure
from connectors.http import AnswerLost, Outgoing, drive_blocking
from connectors.messages import NO_TEAM, Account, AccountId, Button, Commanded, ConversationId, Kind, TeamId
from connectors.richtext import Paragraph, Text, document
from connectors.sandbox import Webhook
from connectors.teams import directory, managing
from connectors.teams.cards import ADAPTIVE
from connectors.teams.connector import Teams
from connectors.teams.ids import command_handle
from connectors.teams.sandbox import GUEST, FakeTeams
from connectors.teams.sandbox_channels import MOST_PRIVATE
from connectors.teams.sandbox_entra import Grant
from connectors.teams.sandbox_rules import Denied, accepted

SECRETS = Teams.Secrets(client_state_key="a key of ours")
GIL = "Gil Other"
DAY = 24 * 3600
HELLO = document([Paragraph((Text("hello"),))])


class Hub:
    """The fake with our connector on the other side of it, and every request that went out."""

    def __init__(self) -> None:
        self.now = time.time()
        self.heard: list[Webhook] = []
        self.sent: list[Outgoing] = []
        self.fake = FakeTeams(SECRETS, "https://hub.example", lambda: self.now)
        self.fake.deliver = self.heard.append
        self.teams = Teams(self.fake.credentials())
        self.general, self.coffee = (place.conversation for place in self.fake.places())
        self.home = TeamId(self.fake.team)

    def run(self, calls: Calls[T]) -> T:
        return drive_blocking(calls, self._sent, self.fake.credentials())

    def _sent(self, outgoing: Outgoing) -> Response:
        self.sent.append(outgoing)
        url = urlsplit(outgoing.url)
        assert url.hostname == "graph.microsoft.com"
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return self.fake.handle(Request(outgoing.method, outgoing.url, headers, query, outgoing.body or b""))

    def walk(self, page_of: Callable[[str], Calls[Page[T]]]) -> list[T]:
        """All pages of a list."""
        found: list[T] = []
        cursor = ""
        for _ in range(10_000):
            page = self.run(page_of(cursor))
            found += page.items
            cursor = page.next
            assert len(cursor) <= LONGEST_CURSOR
            if not cursor:
                return found
        raise AssertionError("a list without an end")

    def everybody(self) -> list[Account]:
        return self.walk(lambda cursor: self.teams.people([], cursor))

    def id_of(self, person: str) -> AccountId:
        return next(AccountId(one.id) for one in self.fake.people() if one.name == person)

    def place(self, conversation: ConversationId) -> Place:
        return self.run(self.teams.conversation(conversation))

    def secret(self, *, owned: bool = True) -> ConversationId:
        """A private channel with nobody in it but its owner."""
        conversation = self.fake.add_place("secret", private=True).conversation
        channel = self.fake.channels.all[conversation.partition("/")[2]]
        keeper = self.fake.service if owned else self.id_of("Ann Moreau")
        channel.members, channel.owners = {keeper}, {keeper}
        return conversation


@pytest.fixture
def hub() -> Hub:
    return Hub()


# People


def test_everybody_is_listed_with_address_and_guests_are_told_apart(hub: Hub) -> None:
    known = {one.name: one for one in hub.everybody()}
    assert known["Ann Moreau"] == Account(hub.id_of("Ann Moreau"), "Ann Moreau", "ann@acme.example")
    assert known[GUEST[0]].is_guest
    assert len(known) == len(hub.fake.directory()) + 1


def test_everybody_is_listed_over_many_pages(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = hub.everybody()
    monkeypatch.setattr(directory, "USERS_PAGE", 2)
    hub.sent.clear()
    assert hub.everybody() == everybody
    assert len(hub.sent) == -(-len(everybody) // 2)


def test_a_later_run_is_told_only_what_changed(hub: Hub) -> None:
    page = hub.run(hub.teams.people([]))
    assert page.resume
    again = hub.run(hub.teams.people([], page.resume))
    assert (again.items, again.next) == ((), "")
    zoe = hub.fake.add_person("Zoe New", "zoe@acme.example")
    gone = hub.id_of("Dev Patel")
    hub.fake.remove_person("Dev Patel")
    changed = hub.run(hub.teams.people([], again.resume))
    assert set(changed.items) == {
        Account(AccountId(zoe.id), "Zoe New", "zoe@acme.example"),
        Account(gone, "", is_deleted=True),
    }
    assert not hub.run(hub.teams.people([], changed.resume)).items


def test_a_resume_that_is_too_old_is_gone(hub: Hub) -> None:
    resume = hub.run(hub.teams.people([])).resume
    hub.now += 8 * DAY
    with pytest.raises(Gone, match="begun again"):
        hub.run(hub.teams.people([], resume))


def test_somebody_deactivated_is_told(hub: Hub) -> None:
    dev = hub.id_of("Dev Patel")
    hub.fake.graph.people.disabled.add(dev)
    assert [one.is_deleted for one in hub.everybody() if one.id == dev] == [True]
    assert hub.run(hub.teams.account(dev)).is_deleted


def test_a_guest_is_told_when_looked_up(hub: Hub) -> None:
    guest = hub.fake.add_person(GIL, "gil@other.example", guest=True)
    assert hub.run(hub.teams.account(AccountId(guest.id))).is_guest


def test_the_people_of_chosen_teams_come_team_by_team(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MEMBERS_PAGE", 2)
    other = hub.fake.add_team("Other", entered=True)
    guest = hub.fake.add_person(GIL, "gil@other.example", guest=True)
    hub.fake.channels.teams[other].members = {guest.id}
    found = hub.walk(lambda cursor: hub.teams.people([hub.home, other], cursor))
    assert {one.id for one in found} == {*hub.fake.roster(hub.general), guest.id}
    assert [one.name for one in found if one.is_guest] == [GIL]
    assert hub.run(hub.teams.people([other])).resume == ""


def test_addresses_that_a_team_does_not_tell_are_looked_up(hub: Hub) -> None:
    many = [hub.fake.add_person(f"Number {n}", f"n{n}@acme.example").id for n in range(20)]
    hub.fake.roster(hub.general).update(many)
    hub.fake.graph.people.unmailed.update(many)
    hub.sent.clear()
    found = hub.run(hub.teams.people([hub.home]))
    assert {f"n{n}@acme.example" for n in range(20)} < {one.email for one in found.items}
    assert len(hub.sent) == 3


def test_a_team_that_we_no_longer_see_is_not_one_that_everybody_has_left(hub: Hub) -> None:
    teams = [TeamId("no such team"), hub.home]
    for read in (hub.teams.people, hub.teams.conversations):
        with pytest.raises(Gone):
            hub.run(read(teams))


@pytest.mark.parametrize("link", [7, "", "https://graph.microsoft.com/v1.0/users", "https://[::1"])
def test_a_next_page_that_cannot_be_read_is_not_the_end(hub: Hub, link: Any) -> None:
    calls = hub.teams.people([])
    next(calls)
    with pytest.raises(Unavailable):
        calls.send(Response(200, json.dumps({"value": [], "@odata.nextLink": link}).encode()))


# Teams and channels


def test_all_teams_are_listed_also_those_that_we_are_not_in(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "TEAMS_PAGE", 2)
    names = {f"Team {n}" for n in range(4)}
    for name in names:
        hub.fake.add_team(name)
    found = hub.walk(hub.teams.teams)
    assert {team.name for team in found} == {"Acme", *names}


def test_the_channels_of_chosen_teams_are_listed_with_where_we_are(hub: Hub) -> None:
    other = hub.fake.add_team("Other")
    ours, theirs = hub.secret(), hub.fake.add_place("theirs", private=True).conversation
    hub.fake.roster(theirs).discard(hub.fake.service)
    places = hub.walk(lambda cursor: hub.teams.conversations([hub.home, other], cursor))
    told = {place.name: (place.team, place.is_private, place.is_entered) for place in places}
    assert told == {
        "general": (hub.home, False, True),
        "coffee": (hub.home, False, True),
        "secret": (hub.home, True, True),
        "theirs": (hub.home, True, False),
        "General": (other, False, False),
    }
    assert {place.name for place in places if place.is_whole_team} == {"general", "coffee", "General"}
    assert hub.place(ours) in places


def test_without_a_choice_the_channels_of_all_teams_are_listed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "TEAMS_WALKED", 2)
    for n in range(3):
        hub.fake.add_team(f"Team {n}")
    places = hub.walk(lambda cursor: hub.teams.conversations([], cursor))
    assert sorted(place.name for place in places) == ["General", "General", "General", "coffee", "general"]


def test_a_channel_that_was_deleted_is_gone(hub: Hub) -> None:
    hub.fake.remove_place(hub.coffee)
    with pytest.raises(Gone):
        hub.place(hub.coffee)


@pytest.mark.parametrize(
    "cursor", ["9 ", "-1 ", "x", "0 $skiptoken=nonsense", "0 a b", "0 #", "0 é", "0 \r\nHost: evil", "٣ "]
)
def test_a_cursor_that_is_none_of_ours_is_gone(hub: Hub, cursor: str) -> None:
    with pytest.raises(Gone):
        hub.run(hub.teams.people([hub.home], cursor))
    if not cursor.startswith("0 $"):  # channels come all at once
        with pytest.raises(Gone):
            hub.run(hub.teams.conversations([hub.home], cursor))


@pytest.mark.parametrize("cursor", ["$skiptoken=nonsense", "$deltatoken=1.2.3", "a b", "é", "#"])
def test_a_page_that_microsoft_does_not_know_is_gone(hub: Hub, cursor: str) -> None:
    for calls in (hub.teams.people([], cursor), hub.teams.members_page(hub.general, cursor)):
        if cursor.startswith("$deltatoken") and "members" in repr(calls):
            continue
        with pytest.raises(Gone):
            hub.run(calls)
    if not cursor.startswith("$deltatoken"):
        with pytest.raises(Gone):
            hub.run(hub.teams.teams(cursor))


@given(st.text(max_size=60))
def test_no_cursor_carries_a_token_to_another_host(cursor: str) -> None:
    teams = Teams(Hub().fake.credentials())
    for calls in (
        teams.people([], cursor),
        teams.people([TeamId("T")], cursor),
        teams.teams(cursor),
        teams.members_page(ConversationId("T/C"), cursor),
    ):
        try:
            call = next(calls)
        except Gone:
            continue
        assert urlsplit(call.url).hostname == "graph.microsoft.com"
        assert urlsplit(call.url).path.startswith("/v1.0/")


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"value": 1}', '{"value": [1, null, {"userId": 5, "roles": 7, "id": []}]}']
)
def test_odd_answers_upset_no_list(hub: Hub, body: str) -> None:
    answer = Response(200, body.encode())
    for calls in (hub.teams.people([]), hub.teams.people([hub.home]), hub.teams.members_page(hub.general)):
        next(calls)
        with pytest.raises((Unavailable, StopIteration)) as end:
            calls.send(answer)
        if isinstance(end.value, StopIteration):
            assert end.value.value.items == ()


def test_a_link_to_another_host_is_followed_at_graph(hub: Hub) -> None:
    calls = hub.teams.teams()
    next(calls)
    with pytest.raises(StopIteration) as end:
        calls.send(
            Response(200, json.dumps({"value": [], "@odata.nextLink": "https://evil.example/x?$skiptoken=1"}).encode())
        )
    assert urlsplit(next(hub.teams.teams(end.value.value.next)).url).hostname == "graph.microsoft.com"


# Teams and channels entered and made


def test_a_team_is_entered_once(hub: Hub) -> None:
    other = hub.fake.add_team("Other")
    for _ in range(2):
        hub.run(hub.teams.enter_team(other))
    assert hub.fake.service in hub.fake.channels.teams[other].members
    assert [outgoing.method for outgoing in hub.sent] == ["GET", "POST", "GET"]


def test_without_a_role_a_team_must_be_entered_by_hand(hub: Hub) -> None:
    other = hub.fake.add_team("Other")
    hub.fake.entra.entrusted.discard(hub.fake.service)
    with pytest.raises(Refused, match="an owner of the team adds it"):
        hub.run(hub.teams.enter_team(other))


def test_a_standard_channel_is_entered_with_its_team(hub: Hub) -> None:
    place = hub.fake.add_place("talk", team=hub.fake.add_team("Other")).conversation
    assert not hub.place(place).is_entered
    hub.run(hub.teams.enter(place))
    assert hub.place(place).is_entered


def test_a_private_channel_is_entered_by_invitation(hub: Hub) -> None:
    secret = hub.secret(owned=False)
    with pytest.raises(Refused, match="one of its owners has to add the service user"):
        hub.run(hub.teams.enter(secret))
    hub.fake.roster(secret).add(hub.fake.service)
    hub.run(hub.teams.enter(secret))


@pytest.mark.parametrize("is_private", [False, True])
def test_a_channel_is_made_and_we_are_in_it(hub: Hub, is_private: bool) -> None:
    made = hub.run(hub.teams.create("plans", is_private=is_private, team=hub.home, topic="what comes"))
    assert made == hub.place(made.id)
    assert (made.name, made.topic, made.team, made.is_private) == ("plans", "what comes", hub.home, is_private)
    assert made.is_entered
    people = hub.run(hub.teams.members(made.id))
    assert (people == [hub.fake.service]) is is_private


def test_a_name_stays_taken_for_thirty_days_after_its_channel_was_deleted(hub: Hub) -> None:
    hub.fake.remove_place(hub.coffee)
    for name in ("General", "coffee"):
        with pytest.raises(Refused, match="or had until lately, this name"):
            hub.run(hub.teams.create(name, is_private=False, team=hub.home, topic=""))
    hub.now += 31 * DAY
    assert hub.run(hub.teams.create("coffee", is_private=False, team=hub.home, topic="")).name == "coffee"


def test_the_same_name_is_free_in_another_team(hub: Hub) -> None:
    other = hub.fake.add_team("Other", entered=True)
    assert hub.run(hub.teams.create("coffee", is_private=False, team=other, topic="")).team == other


def test_a_channel_needs_a_team(hub: Hub) -> None:
    with pytest.raises(Refused, match="choose one"):
        hub.run(hub.teams.create("plans", is_private=False, team=NO_TEAM, topic=""))


def test_a_team_may_keep_its_members_from_making_channels(hub: Hub) -> None:
    hub.fake.channels.teams[hub.home].lets_create = False
    with pytest.raises(Refused, match="settings have to let members"):
        hub.run(hub.teams.create("plans", is_private=False, team=hub.home, topic=""))


def test_a_team_has_so_many_private_channels_and_no_more(hub: Hub) -> None:
    for n in range(MOST_PRIVATE):
        hub.run(hub.teams.create(f"secret {n}", is_private=True, team=hub.home, topic=""))
    with pytest.raises(Refused, match="as Teams allows"):
        hub.run(hub.teams.create("one more", is_private=True, team=hub.home, topic=""))


def test_a_lost_answer_of_a_creation_leaves_us_unsure(hub: Hub) -> None:
    def lost(outgoing: Outgoing) -> Response:
        raise AnswerLost

    calls = hub.teams.create("plans", is_private=False, team=hub.home, topic="")
    with pytest.raises(Unsure):
        drive_blocking(calls, lost, hub.fake.credentials())


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"id": 5}'])
def test_a_channel_made_without_a_name_leaves_us_unsure(hub: Hub, body: bytes) -> None:
    calls = hub.teams.create("plans", is_private=False, team=hub.home, topic="")
    next(calls)
    with pytest.raises(Unsure):
        calls.send(Response(201, body))


@given(st.text(max_size=80))
def test_every_name_made_legal_is_taken(name: str) -> None:
    hub = Hub()
    made = hub.run(hub.teams.create(Teams.legal_name(name), is_private=False, team=hub.home, topic=name))
    assert made.name == Teams.legal_name(name) == Teams.legal_name(made.name)


# Members


def newcomer(hub: Hub, name: str = "Zoe New", *, guest: bool = False) -> AccountId:
    return AccountId(hub.fake.add_person(name, f"{name.lower().replace(' ', '.')}@acme.example", guest=guest).id)


def test_people_are_added_to_the_team_of_a_standard_channel_in_one_call(hub: Hub) -> None:
    many = [newcomer(hub, f"Number {n}") for n in range(Teams.most_added)]
    hub.sent.clear()
    assert hub.run(hub.teams.add(hub.general, many)) == {}
    assert set(many) < hub.fake.roster(hub.coffee)
    assert [outgoing.method for outgoing in hub.sent] == ["GET", "POST"]


def test_adding_whoever_is_there_already_is_a_success(hub: Hub) -> None:
    assert hub.run(hub.teams.add(hub.general, [hub.id_of("Dev Patel"), AccountId(hub.fake.service)])) == {}


def test_whoever_cannot_be_added_is_named_with_the_reason(hub: Hub) -> None:
    hub.fake.channels.teams[hub.home].lets_guests = False
    zoe, guest, stranger = newcomer(hub), newcomer(hub, GIL, guest=True), AccountId("nobody's id")
    failed = hub.run(hub.teams.add(hub.general, [zoe, guest, stranger]))
    assert zoe in hub.fake.roster(hub.general)
    assert set(failed) == {guest, stranger}
    assert "guests are not allowed" in failed[guest]
    assert "not known" in failed[stranger]


def test_whoever_the_answer_does_not_name_was_not_added(hub: Hub) -> None:
    calls = hub.teams.add(hub.general, [AccountId("a"), AccountId("b")])
    next(calls)
    calls.send(Response(200, b"{}"))
    with pytest.raises(StopIteration) as end:
        calls.send(Response(200, b'{"value": [{"userId": "A", "error": null}]}'))
    assert list(end.value.value) == ["b"]


def test_nobody_is_brought_into_the_team_by_way_of_its_private_channel(hub: Hub) -> None:
    secret, zoe, dev = hub.secret(), newcomer(hub), hub.id_of("Dev Patel")
    failed = hub.run(hub.teams.add(secret, [dev, zoe]))
    assert list(failed) == [zoe]
    assert "member of the team before" in failed[zoe]
    assert hub.fake.roster(secret) == {hub.fake.service, dev}
    assert zoe not in hub.fake.roster(hub.general)


def test_members_of_a_private_channel_of_others_are_not_ours_to_change(hub: Hub) -> None:
    secret = hub.secret(owned=False)
    with pytest.raises(Refused, match="make it an owner"):
        hub.run(hub.teams.add(secret, [hub.id_of("Dev Patel")]))
    with pytest.raises(Refused, match=r"make it an owner|owners are not"):
        hub.run(hub.teams.remove(secret, hub.id_of("Ann Moreau")))


def test_somebody_is_taken_out_of_the_team_of_a_standard_channel(hub: Hub) -> None:
    dev = hub.id_of("Dev Patel")
    for _ in range(2):
        hub.run(hub.teams.remove(hub.general, dev))
    assert dev not in hub.fake.roster(hub.coffee)


def test_somebody_is_taken_out_of_a_private_channel_and_stays_in_the_team(hub: Hub) -> None:
    secret, dev = hub.secret(), hub.id_of("Dev Patel")
    hub.run(hub.teams.add(secret, [dev]))
    hub.run(hub.teams.remove(secret, dev))
    assert dev not in hub.fake.roster(secret)
    assert dev in hub.fake.roster(hub.general)


def test_an_owner_is_not_taken_out(hub: Hub) -> None:
    with pytest.raises(Refused, match="owners are not taken out"):
        hub.run(hub.teams.remove(hub.general, hub.id_of("Ann Moreau")))


def test_changing_members_counts_against_the_narrowest_limit(hub: Hub) -> None:
    calls = hub.teams.add(hub.general, [AccountId("a")])
    next(calls)
    call = calls.send(Response(200, b"{}"))
    assert call.bucket == managing.WRITES
    assert "4 per minute" in call.bucket


@pytest.mark.parametrize(
    ("scope", "calls"), [("TeamMember.ReadWriteNonOwnerRole.All", "add"), ("Channel.Create", "create")]
)
def test_a_missing_permission_is_named(hub: Hub, scope: str, calls: str) -> None:
    token = hub.fake.credentials().tokens["service"]
    grant = hub.fake.entra.grants[token]
    hub.fake.entra.grants[token] = replace(grant, permissions=grant.permissions - {scope})
    doing: Calls[Any] = (
        hub.teams.add(hub.general, [hub.id_of("Dev Patel")])
        if calls == "add"
        else hub.teams.create("plans", is_private=False, team=hub.home, topic="")
    )
    with pytest.raises(Reconnect, match=scope):
        hub.run(doing)


def test_an_answer_that_does_not_say_who_was_added_is_asked_again(hub: Hub) -> None:
    calls = hub.teams.add(hub.general, [AccountId("a")])
    next(calls)
    calls.send(Response(200, b"{}"))
    with pytest.raises(Unavailable):
        calls.send(Response(200, b"{}"))


# A tenant of many


def test_a_crowd_is_walked_through_once_each(hub: Hub) -> None:
    hub.fake.populate(30_000, 40, 20)
    everybody = {one.email for one in hub.everybody()}
    assert {"person00001@bench.example", "person30000@bench.example"} < everybody
    assert len(everybody) == 30_000 + len(hub.fake.directory()) + 1
    teams = [team.id for team in hub.walk(hub.teams.teams) if team.name.startswith("Bench")]
    assert {one.email for one in hub.walk(lambda cursor: hub.teams.people(teams, cursor))} < everybody
    places = {place.name: place for place in hub.walk(lambda cursor: hub.teams.conversations(teams, cursor))}
    assert {f"bench-{n:04}" for n in range(1, 41)} < set(places)
    assert len(hub.run(hub.teams.members(places["bench-0040"].id))) == 20


def test_the_administrator_renames_a_channel(hub: Hub) -> None:
    hub.fake.rename_place(hub.coffee, "tea")
    assert hub.place(hub.coffee).name == "tea"


# What is told


HOOK = "https://hub.example/webhooks/teams/"


def order(hub: Hub) -> None:
    for resource in hub.teams.resources([hub.general])[1:]:
        hub.run(hub.teams.subscribe(resource, HOOK, SECRETS.client_state_key))
    hub.heard.clear()


def told(hub: Hub) -> list[tuple[str, str]]:
    """Account and conversation of everything told of the directory since the last look."""
    found = []
    for webhook in hub.heard:
        envelopes = Teams.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), SECRETS)
        assert isinstance(envelopes, list)
        assert all(one.content is None for one in envelopes)
        references = [one.reference for one in envelopes if one.reference.kind is Kind.DIRECTORY]
        found += [(reference.message, reference.conversation) for reference in references]
    hub.heard.clear()
    return found


def test_whoever_comes_or_goes_is_told(hub: Hub) -> None:
    order(hub)
    zoe = hub.fake.add_person("Zoe New", "zoe@acme.example")
    assert told(hub) == [(zoe.id, "")]
    hub.fake.remove_person("Zoe New")
    assert told(hub) == [(zoe.id, "")]


def test_a_channel_that_is_made_renamed_or_deleted_is_told(hub: Hub) -> None:
    order(hub)
    made = hub.run(hub.teams.create("plans", is_private=False, team=hub.home, topic="")).id
    assert told(hub) == [("", made)]
    hub.fake.rename_place(made, "other plans")
    assert told(hub) == [("", made)]
    hub.fake.remove_place(made)
    assert told(hub) == [("", made)]


def test_two_changes_of_a_person_are_two_events(hub: Hub) -> None:
    order(hub)
    hub.fake.add_person("Zoe New", "zoe@acme.example")
    [webhook] = hub.heard
    sent = Request("POST", webhook.url, webhook.sign(), {}, webhook.body)
    first, second = (Teams.receive(sent, SECRETS) for _ in range(2))
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[0].event_id != second[0].event_id


def test_an_order_for_the_directory_without_its_permission_ends_no_connection(hub: Hub) -> None:
    token = hub.fake.credentials().tokens["app"]
    hub.fake.entra.grants[token] = Grant(frozenset({"ChannelMessage.Read.All"}))
    messages, *others = hub.teams.resources([hub.general])
    assert hub.run(hub.teams.subscribe(messages, HOOK, SECRETS.client_state_key)).id
    for resource in others:
        with pytest.raises(Refused, match="permission is missing"):
            hub.run(hub.teams.subscribe(resource, HOOK, SECRETS.client_state_key))


# Buttons


def test_a_greeting_shows_buttons_below_its_text(hub: Hub) -> None:
    buttons = [Button("Open the Hub", "https://hub.example/a?b=1&c=2"), Button("Help <me>", "https://hub.example/help")]
    token = hub.fake.credentials().tokens["service"]
    hub.fake.entra.grants[token] = Grant(frozenset({"Chat.Create", "ChatMessage.Send"}), hub.fake.service)
    hub.run(hub.teams.greet(hub.id_of("Dev Patel"), HELLO, buttons))
    [shown] = hub.fake.direct("Dev Patel")
    assert shown.html == (
        '<p>hello</p><p><a href="https://hub.example/a?b=1&amp;c=2">Open the Hub</a></p>'
        '<p><a href="https://hub.example/help">Help &lt;me&gt;</a></p>'
    )
    sent = json.loads(hub.sent[-1].body or b"")
    card = json.loads(sent["attachments"][0]["content"])
    assert "Open the Hub: https://hub.example/a?b=1&c=2" in card["fallbackText"]


def test_the_buttons_of_a_long_answer_are_below_its_last_part(hub: Hub) -> None:
    asked = hub.fake.type_as("Dev Patel", hub.general, "@Mio Hub members")
    command = Commanded(hub.id_of("Dev Patel"), "members", command_handle(asked, "Dev Patel"))
    body = document([Paragraph((Text("word " * 9000),))])
    said = hub.run(hub.teams.answer(command, hub.general, body, [Button("Open", "https://hub.example/")]))
    shown = hub.fake.shown(hub.general)[-2:]
    assert [part.id for part in shown] == said
    assert ["https://hub.example/" in part.html for part in shown] == [False, True]


def test_an_answer_in_a_channel_leaves_no_trace_of_its_card_in_the_text(hub: Hub) -> None:
    asked = hub.fake.type_as("Dev Patel", hub.general, "@Mio Hub help")
    command = Commanded(hub.id_of("Dev Patel"), "help", command_handle(asked, "Dev Patel"))
    hub.run(hub.teams.answer(command, hub.general, HELLO, [Button("Open", "https://hub.example/")]))
    assert "[card" not in hub.fake.shown(hub.general)[-1].html


@pytest.mark.parametrize(
    "content",
    [None, "no json", "[]", "{}", '{"type": "AdaptiveCard", "actions": [{"type": "Action.Submit", "title": "x"}]}'],
)
def test_the_fake_refuses_cards_that_would_do_nothing(hub: Hub, content: object) -> None:
    attachment = {"id": "c", "contentType": ADAPTIVE, "content": content}
    sent = {"body": {"contentType": "html", "content": '<attachment id="c"></attachment>'}, "attachments": [attachment]}
    with pytest.raises(Denied):
        accepted(sent, (), ())


# Groups


def test_only_security_groups_that_somebody_fills_can_be_chosen(hub: Hub) -> None:
    for kind in ("security", "dynamic", "unified", "distribution"):
        hub.fake.add_group(f"A {kind} one", kind=kind)
    assert [one.name for one in hub.walk(lambda cursor: hub.teams.groups("", cursor))] == [
        "Everybody at Acme",
        "A security one",
    ]
    hub.fake.add_group("O'Hara's people")
    assert [one.name for one in hub.run(hub.teams.groups("o'hara")).items] == ["O'Hara's people"]


def test_the_members_of_a_group_include_those_of_groups_within_it_each_once(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MEMBERS_PAGE", 1)
    ann, bob = hub.id_of("Ann Moreau"), hub.id_of("Dev Patel")
    outer = hub.fake.add_group("Sales", ann)
    inner = hub.fake.add_group("Sales North", ann, bob, within=outer)
    hub.fake.graph.groups.all[inner].members.add(outer)
    assert sorted(hub.walk(lambda cursor: hub.teams.group_members(outer, cursor))) == sorted([ann, bob])


def test_a_group_that_is_no_more_is_gone_and_not_empty(hub: Hub) -> None:
    group = hub.fake.add_group("Sales", hub.id_of("Ann Moreau"))
    del hub.fake.graph.groups.all[group]
    with pytest.raises(Gone):
        hub.run(hub.teams.group_members(group))


def test_without_the_permission_no_group_is_told(hub: Hub) -> None:
    hub.fake.entra.grants = {
        token: replace(one, permissions=one.permissions - {"GroupMember.Read.All"})
        for token, one in hub.fake.entra.grants.items()
    }
    with pytest.raises(Reconnect):
        hub.run(hub.teams.groups())
