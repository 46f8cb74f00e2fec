"""Webex: teams, people, spaces and who is in them, through our client and the fake; commands anywhere; rich answers."""

import hmac
import json
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from connectors.calls import Calls, Response
from connectors.consent import Preset, Purpose, wanted
from connectors.contract import Request
from connectors.directory import LONGEST_CURSOR, Page, Place
from connectors.errors import Gone, Reconnect, Refused, Unavailable, Unsure
from connectors.http import drive_blocking
from connectors.messages import (
    NO_TEAM,
    Account,
    AccountId,
    Button,
    Commanded,
    ConversationId,
    Kind,
    Noticed,
    Posted,
    Reference,
    Skipped,
    TeamId,
)
from connectors.provisioning import FindsAccounts, Found, ProvisionsAccounts
from connectors.richtext import Document, Paragraph, Text, document
from connectors.webex import directory, ids
from connectors.webex.connector import Webex
from tests.connectors.webex.scene import SECRETS, Scene

T = TypeVar("T")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def team(scene: Scene) -> TeamId:
    return TeamId(scene.webex.team)


def own(scene: Scene) -> AccountId:
    return scene.speaker.credentials.account


def all_pages(scene: Scene, ask: Any) -> list[Any]:
    """Everything that a listing brings, page by page; ``ask`` takes the cursor."""
    found: list[Any] = []
    cursor = ""
    while True:
        page: Page[Any] = scene.run(ask(cursor))
        found += page.items
        assert len(page.next) <= LONGEST_CURSOR
        if not (cursor := page.next):
            return found


def people(scene: Scene, *teams: TeamId) -> dict[str, Account]:
    found = all_pages(scene, lambda cursor: scene.speaker.people(teams, cursor))
    return {account.name: account for account in found}


def spaces(scene: Scene, *teams: TeamId) -> dict[str, Place]:
    found = all_pages(scene, lambda cursor: scene.speaker.conversations(teams, cursor))
    return {place.name: place for place in found}


def answered(calls: Calls[T], scene: Scene, *answers: Response) -> T:
    """Run with these answers instead of the fake's."""
    rest = iter(answers)
    return drive_blocking(calls, lambda _: next(rest), scene.speaker.credentials)


# --- Teams and people


def test_the_teams_are_those_that_the_service_user_is_in(scene: Scene) -> None:
    (found,) = all_pages(scene, scene.speaker.teams)
    assert (found.id, found.name) == (team(scene), "Acme")
    scene.webex.leave_as(own(scene), scene.place.conversation)
    assert all_pages(scene, scene.speaker.teams) == []


def test_everybody_of_a_team_is_told_with_address_and_kind(scene: Scene) -> None:
    scene.webex.add_person("Gus Guest", "gus@globex.example", guest=True)
    found = people(scene, team(scene))
    assert set(found) == {"Elif Kaya", "Farid Haddad", "Grace Liu", "Message", "Gus Guest"}
    assert found["Farid Haddad"].email == "farid@acme.example"
    assert [account.name for account in found.values() if account.is_guest] == ["Gus Guest"]
    assert not any(account.is_bot or account.is_deleted for account in found.values())
    assert found == {account.name: account for account in scene.webex.directory()}


def test_without_a_choice_everybody_of_our_teams_is_told(scene: Scene) -> None:
    assert people(scene) == people(scene, team(scene))
    scene.webex.leave_as(own(scene), scene.place.conversation)
    assert people(scene) == {}


def test_people_are_listed_in_pages_over_several_teams(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MEMBERS", 2)
    scene.webex.populate(5, 1, 2)
    teams = [found.id for found in all_pages(scene, scene.speaker.teams)]
    assert len(people(scene, *teams)) == 4 + 5
    asked = [call.query or {} for call in scene.sent if call.url.endswith("/team/memberships")]
    assert [query["teamId"] for query in asked if query.get("teamId")] == teams


def test_who_left_the_company_is_listed_no_more(scene: Scene) -> None:
    grace = scene.person("Grace")
    scene.webex.remove_person(grace.id)
    assert "Grace Liu" not in people(scene, team(scene))
    with pytest.raises(Gone):
        scene.run(scene.speaker.account(ids.account(grace.id)))


def test_a_person_whom_webex_does_not_describe_is_known_by_the_membership(scene: Scene) -> None:
    member = {"personId": ids.encode("PEOPLE", "11111111-2222-4333-8444-555555555555"), "personDisplayName": "Pat Lee",
              "personEmail": "pat@globex.example", "personOrgId": ids.encode("ORGANIZATION", "1" * 8 + "-2222-4333-8444-555555555555")}  # fmt: skip  # noqa: E501
    answers = [Response(200, json.dumps({"items": items}).encode()) for items in ([member], [])]
    (account,) = answered(scene.speaker.people([team(scene)]), scene, *answers).items
    assert (account.name, account.email, account.is_guest) == ("Pat Lee", "pat@globex.example", True)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"type": "bot"}, (True, False, False)),
        ({"emails": ["helper@webex.bot"], "orgId": "22222222-2222-4333-8444-555555555555"}, (True, False, False)),
        ({"orgId": "22222222-2222-4333-8444-555555555555"}, (False, True, False)),
        ({"loginEnabled": False}, (False, False, True)),
        ({"orgId": 7, "emails": "x", "displayName": []}, (False, False, False)),
    ],
)
def test_bots_guests_and_those_who_may_not_sign_in_are_told_apart(
    scene: Scene, told: dict[str, Any], expected: tuple[bool, bool, bool]
) -> None:
    found = answered(scene.speaker.account(AccountId("x")), scene, Response(200, json.dumps(told).encode()))
    assert (found.is_bot, found.is_guest, found.is_deleted) == expected


# --- Spaces


def test_spaces_of_the_team_and_global_ones_are_listed_and_direct_ones_never(scene: Scene) -> None:
    farid = scene.person("Farid")
    scene.webex.add_global("partners", own(scene), farid.id)
    scene.webex.add_global("secret", farid.id)
    scene.webex.write_as(farid.id, own(scene), "help")
    found = spaces(scene, team(scene))
    assert {name: (place.team == team(scene), place.is_private) for name, place in found.items()} == {
        "general": (True, False), "coffee": (True, False), "partners": (False, True)}  # fmt: skip
    assert all(place.is_entered for place in found.values())
    assert spaces(scene) == found


def test_spaces_of_a_team_that_was_not_chosen_are_left_out(scene: Scene) -> None:
    scene.webex.populate(3, 2, 2)
    assert set(spaces(scene, team(scene))) == {"general", "coffee"}
    assert set(spaces(scene)) == {"general", "coffee", "Bench", "bench-0001", "bench-0002"}


def test_an_open_space_that_we_are_not_in_is_listed_where_webex_shows_it(scene: Scene) -> None:
    coffee = scene.webex.places()[1].conversation
    scene.webex.leave_as(own(scene), coffee)
    assert set(spaces(scene, team(scene))) == {"general"}
    scene.webex.set_policy(lists_open_spaces=True)
    assert {name: place.is_entered for name, place in spaces(scene, team(scene)).items()} == {
        "general": True, "coffee": False}  # fmt: skip


def test_only_a_teams_general_space_is_the_whole_team(scene: Scene) -> None:
    scene.webex.add_global("partners", own(scene))
    told = {name: place.is_whole_team for name, place in spaces(scene).items()}
    assert told == {"general": True, "coffee": False, "partners": False}


def test_a_moderated_space_of_a_team_is_private(scene: Scene) -> None:
    scene.webex.moderate(scene.place.conversation, scene.person("Elif").id)
    assert scene.run(scene.speaker.conversation(scene.place.conversation)).is_private


def test_one_space_is_told_as_it_is(scene: Scene) -> None:
    scene.webex.topic_as(scene.person("Farid").id, scene.place.conversation, "All that matters")
    found = scene.run(scene.speaker.conversation(scene.place.conversation))
    assert found == Place(scene.place.conversation, "general", "All that matters", team(scene), is_whole_team=True)
    scene.webex.leave_as(own(scene), scene.place.conversation)
    with pytest.raises(Gone):
        scene.run(scene.speaker.conversation(scene.place.conversation))


def test_a_title_that_cannot_be_read_does_not_stop_the_list(scene: Scene) -> None:
    room = {"id": "Y2lz", "title": "eyJhbGciOi", "errors": {"title": {"code": "kms_failure"}}}
    page = answered(scene.speaker.conversations([]), scene, Response(200, json.dumps({"items": [room]}).encode()))
    assert [place.name for place in page.items] == [directory.UNREADABLE]


# --- Cursors


LISTS = {
    "teams": lambda speaker, cursor: speaker.teams(cursor),
    "people": lambda speaker, cursor: speaker.people([TeamId("A")], cursor),
    "conversations": lambda speaker, cursor: speaker.conversations([TeamId("A")], cursor),
    "members": lambda speaker, cursor: speaker.members_page(ConversationId("R"), cursor),
}


def linked(address: str, items: int = 0) -> Response:
    return Response(200, b'{"items": []}', {"link": f'<{address}>; rel="next"'})


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("cursor", ["A?cursor=none", "max=1&cursor=gone.0", "?@evil.example/x", "Z?", "A?" + "x" * 900])
def test_no_cursor_takes_the_token_elsewhere(scene: Scene, name: str, cursor: str) -> None:
    with suppress(Gone):
        scene.run(LISTS[name](scene.speaker, cursor))
    assert {urlsplit(call.url).netloc for call in scene.sent} <= {"webexapis.com"}


def test_a_page_that_webex_no_longer_knows_is_gone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MEMBERS", 1)
    page = scene.run(scene.speaker.people([team(scene)]))
    scene.webex.remove_person(page.items[0].id)
    with pytest.raises(Gone):
        scene.run(scene.speaker.people([team(scene)], page.next))
    with pytest.raises(Gone):
        scene.run(scene.speaker.people([team(scene)], page.next + "0"))
    with pytest.raises(Gone):
        scene.run(scene.speaker.people([TeamId("another")], page.next))


@pytest.mark.parametrize("host", ["webexapis.com", "api.ciscospark.com", "evil.example"])
def test_the_next_page_is_asked_for_at_webex_whatever_host_is_named(scene: Scene, host: str) -> None:
    page = answered(scene.speaker.teams(), scene, linked(f"https://{host}/v1/teams?cursor=a%20b&x"))
    call = next(scene.speaker.teams(page.next))
    assert call.url == "https://webexapis.com/v1/teams?cursor=a%20b&x"


@pytest.mark.parametrize("address", ["https://webexapis.com/v1/people?cursor=1", "https://webexapis.com/v1/teams?" + "x" * 5000])  # fmt: skip  # noqa: E501
def test_a_list_that_goes_on_elsewhere_is_not_taken_for_its_end(scene: Scene, address: str) -> None:
    with pytest.raises(Unavailable):
        answered(scene.speaker.teams(), scene, linked(address))


@pytest.mark.parametrize("link", ["<https://webexapis.com/v1/teams?cursor=1>; rel=next", "<%zz>; rel='next'"])
def test_a_next_page_that_cannot_be_read_is_not_the_end(scene: Scene, link: str) -> None:
    with pytest.raises(Unavailable):
        answered(scene.speaker.teams(), scene, Response(200, b'{"items": []}', {"link": link}))


@pytest.mark.parametrize("body", [b"{}", b'{"items": null}', b'{"items": {}}'])
def test_an_answer_that_lists_nothing_is_not_taken_for_an_empty_company(scene: Scene, body: bytes) -> None:
    for pages in (
        scene.speaker.teams(),
        scene.speaker.people([team(scene)]),
        scene.speaker.conversations([team(scene)]),
    ):
        with pytest.raises(Unavailable):
            answered(pages, scene, Response(200, body))


def test_a_team_that_we_no_longer_see_is_not_one_that_everybody_has_left(scene: Scene) -> None:
    gone = TeamId(ids.encode("TEAM", "11111111-2222-4333-8444-555555555555"))
    for read in (people, spaces):
        with pytest.raises(Gone):
            read(scene, gone, team(scene))


# --- Making spaces


@pytest.mark.parametrize(("is_private", "in_team"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_space_is_made_and_reads_as_it_was_wanted(scene: Scene, is_private: bool, in_team: bool) -> None:
    wanted = team(scene) if in_team else NO_TEAM
    made = scene.run(scene.speaker.create("Plans", is_private=is_private, team=wanted, topic="What is next"))
    assert (made.name, made.topic, made.team, made.is_private, made.is_entered) == (
        "Plans", "What is next", wanted, is_private, True)  # fmt: skip
    assert spaces(scene, team(scene))["Plans"] == made
    assert [told.kind for told in scene.told()] == [Kind.NOTICE, Kind.DIRECTORY]


def test_a_public_space_needs_no_topic(scene: Scene) -> None:
    made = scene.run(scene.speaker.create("Plans", is_private=False, team=NO_TEAM, topic=""))
    assert (made.topic, made.is_private) == ("Plans", False)


def test_a_space_is_not_made_twice_by_a_lost_answer(scene: Scene) -> None:
    calls = scene.speaker.create("Plans", is_private=True, team=NO_TEAM, topic="")
    assert next(calls).repeatable is False
    for answer in (Response(502), Response(200, b"{}"), Response(200, b"[")):
        with pytest.raises(Unsure):
            answered(scene.speaker.create("Plans", is_private=True, team=NO_TEAM, topic=""), scene, answer)


def test_a_space_that_may_not_be_made_says_which_permission_is_missing(scene: Scene) -> None:
    with pytest.raises(Refused, match="spark:rooms_write"):
        answered(scene.speaker.create("x", is_private=True, team=NO_TEAM, topic=""), scene, Response(403))
    with pytest.raises(Refused, match="member of this team"):
        scene.run(scene.speaker.create("x", is_private=True, team=TeamId("nowhere"), topic=""))


# --- Coming in and going


def test_a_team_that_we_are_in_is_entered(scene: Scene) -> None:
    scene.run(scene.speaker.enter_team(team(scene)))
    assert [call.method for call in scene.sent] == ["POST"]
    scene.webex.leave_as(own(scene), scene.place.conversation)
    with pytest.raises(Refused, match="moderator of this team must add"):
        scene.run(scene.speaker.enter_team(team(scene)))


def test_a_team_whose_members_may_not_add_is_entered_where_we_are_in_it(scene: Scene) -> None:
    answers = [Response(403), Response(200, b"{}")]
    assert answered(scene.speaker.enter_team(team(scene)), scene, *answers) is None


def test_we_come_by_ourselves_into_an_open_space_of_our_team_and_into_no_other(scene: Scene) -> None:
    coffee = scene.webex.places()[1].conversation
    scene.webex.leave_as(own(scene), coffee)
    scene.run(scene.speaker.enter(coffee))
    assert scene.run(scene.speaker.conversation(coffee)).is_entered
    scene.run(scene.speaker.enter(coffee))
    scene.webex.leave_as(own(scene), coffee)
    scene.webex.moderate(coffee, scene.person("Elif").id)
    alone = scene.webex.add_global("alone", scene.person("Farid").id).conversation
    for closed in (coffee, alone, ConversationId("Y2lz")):
        with pytest.raises(Refused, match="must add the service user"):
            scene.run(scene.speaker.enter(closed))


def test_people_are_added_and_taken_out_and_twice_does_no_harm(scene: Scene) -> None:
    grace, coffee = ids.account(scene.person("Grace").id), scene.webex.places()[1].conversation
    for _ in range(2):
        scene.run(scene.speaker.remove(coffee, grace))
        assert grace not in scene.run(scene.speaker.members(coffee))
    for _ in range(2):
        assert scene.run(scene.speaker.add(coffee, [grace])) == {}
        assert grace in scene.run(scene.speaker.members(coffee))
    assert [told.kind for told in scene.told()] == [Kind.NOTICE, Kind.NOTICE]


def test_the_notice_of_who_was_added_names_us(scene: Scene) -> None:
    grace, coffee = ids.account(scene.person("Grace").id), scene.webex.places()[1].conversation
    scene.run(scene.speaker.remove(coffee, grace))
    event = scene.heard()
    assert isinstance(event, Noticed)
    assert (event.accounts, event.by) == ((grace,), own(scene))


def test_into_the_general_space_one_comes_by_the_team(scene: Scene) -> None:
    grace = ids.account(scene.person("Grace").id)
    scene.webex.leave_as(grace, scene.place.conversation)
    assert scene.run(scene.speaker.add(scene.place.conversation, [grace])) == {}
    assert grace in scene.run(scene.speaker.members(scene.place.conversation))
    scene.webex.leave_as(grace, scene.place.conversation)
    scene.webex.moderate_team(team(scene), scene.person("Elif").id)
    refused = scene.run(scene.speaker.add(scene.place.conversation, [grace]))
    assert "moderator of the team" in refused[grace]


def test_who_cannot_be_added_is_named_with_a_reason(scene: Scene) -> None:
    coffee = scene.webex.places()[1].conversation
    guest = ids.account(scene.webex.add_person("Gus Guest", "gus@globex.example", guest=True).id)
    nobody = ids.account("11111111-2222-4333-8444-555555555555")
    scene.webex.set_policy(lets_outsiders_in=False)
    refused = scene.run(scene.speaker.add(coffee, [guest, nobody]))
    assert "blocks external messaging" in refused[guest]
    assert "does not know this account" in refused[nobody]
    scene.webex.moderate(coffee, scene.person("Elif").id)
    assert "only a moderator of this space" in scene.run(scene.speaker.add(coffee, [guest]))[guest]
    grace = ids.account(scene.person("Grace").id)
    with pytest.raises(Refused, match="only a moderator"):
        scene.run(scene.speaker.remove(coffee, grace))


def test_nobody_is_added_to_a_space_that_is_not_there_for_us(scene: Scene) -> None:
    alone = scene.webex.add_global("alone", scene.person("Farid").id).conversation
    with pytest.raises(Gone):
        scene.run(scene.speaker.add(alone, [ids.account(scene.person("Grace").id)]))
    with pytest.raises(Gone):
        scene.run(scene.speaker.remove(alone, ids.account(scene.person("Farid").id)))


def test_a_502_without_words_is_trouble_that_passes(scene: Scene) -> None:
    with pytest.raises(Unavailable):
        answered(scene.speaker.add(scene.place.conversation, [own(scene)]), scene, Response(502))
    with pytest.raises(Reconnect):
        answered(scene.speaker.add(scene.place.conversation, [own(scene)]), scene, Response(401))


def test_every_call_names_its_scopes_and_its_limit(scene: Scene) -> None:
    place, speaker = scene.place.conversation, scene.speaker
    calls: list[Any] = [
        speaker.teams(), speaker.people([team(scene)]), speaker.conversations([team(scene)]), speaker.conversation(place),
        speaker.create("x", is_private=True, team=NO_TEAM, topic=""), speaker.enter(place), speaker.enter_team(team(scene)),
        speaker.add(place, [own(scene)]), speaker.remove(place, ids.account(scene.person("Grace").id)),
    ]  # fmt: skip
    for call in calls:
        scene.run(call)
    granted = {scope.name for scope in wanted(Webex.scopes, Purpose.CONNECT, Preset.FULL)}
    assert all(call.bucket and call.token == "service" and set(call.scopes) <= granted for call in scene.sent)
    assert all(call.scopes for call in scene.sent)


# --- Commands anywhere


def test_whoever_writes_to_us_alone_asks_us(scene: Scene) -> None:
    farid = scene.person("Farid")
    scene.webex.write_as(farid.id, own(scene), "create **launch**")
    *joined, reference = scene.told()
    assert ([told.kind for told in joined], reference.kind) == ([Kind.OTHER, Kind.OTHER], Kind.COMMAND)
    event = scene.speaker.parse(scene.run(scene.speaker.fetch(reference)), reference)
    assert event == Commanded(ids.account(farid.id), "create launch")
    scene.run(scene.speaker.answer(event, reference.conversation, body("done")))
    assert [told.kind for told in scene.told()] == [Kind.OTHER]
    assert [one.html for one in scene.webex.whispers(reference.conversation)][-1] == "<p>done</p>"


def test_who_calls_us_is_heard_as_a_command_in_any_space(scene: Scene) -> None:
    elsewhere = scene.webex.add_global("elsewhere", own(scene), scene.person("Farid").id)
    scene.webex.type_as(scene.person("Farid").id, elsewhere.conversation, "@Message help")
    posted, asked = scene.told()
    assert (posted.kind, asked.kind, asked.conversation) == (Kind.POSTED, Kind.COMMAND, elsewhere.conversation)
    content = scene.run(scene.speaker.fetch(asked))
    assert scene.speaker.parse(content, posted) == Skipped("command")
    assert scene.speaker.parse(content, asked) == Commanded(ids.account(scene.person("Farid").id), "help")


def test_a_message_that_names_us_in_passing_is_carried_once(scene: Scene) -> None:
    scene.webex.type_as(scene.person("Farid").id, scene.place.conversation, "Thanks @Message")
    content = [scene.speaker.parse(scene.run(scene.speaker.fetch(told)), told) for told in scene.told()]
    assert [type(event) for event in content] == [Posted, Skipped]


def test_a_bot_cannot_ask_us(scene: Scene) -> None:
    told = {"id": "Y2lz", "roomId": "Y2lz", "roomType": "direct", "personId": ids.encode("PEOPLE", "1" * 8 + "-2222-4333-8444-555555555555")}  # fmt: skip  # noqa: E501
    assert announced(scene, told | {"personEmail": "pat@globex.example"}) == [Kind.COMMAND]
    assert announced(scene, told | {"personEmail": "helper@webex.bot"}) == [Kind.OTHER]
    assert announced(scene, told | {"personId": own(scene)}) == [Kind.OTHER]
    content = told | {"personEmail": "helper@webex.bot", "text": "help", "created": "2026-03-02T10:15:30.123Z"}
    reference = Reference(Kind.COMMAND, ConversationId("Y2lz"), ids.message("Y2lz"))
    assert scene.speaker.parse(content, reference) == Skipped("no command")


@pytest.mark.parametrize("called", [None, 7, "x", [7, None, {}], ["x"]])
def test_whatever_is_said_of_mentions_is_read(scene: Scene, called: Any) -> None:
    told = {"id": "Y2lz", "roomId": "Y2lz", "roomType": "group", "mentionedPeople": called}
    assert announced(scene, told) == [Kind.POSTED]


def announced(scene: Scene, data: dict[str, Any]) -> list[Kind]:
    """The kinds of what a webhook of the service user announces."""
    organization = ids.encode("ORGANIZATION", scene.speaker.credentials.workspace)
    envelope = {
        "resource": "messages",
        "event": "created",
        "orgId": organization,
        "createdBy": own(scene),
        "data": data,
    }
    raw = json.dumps(envelope).encode()
    headers = {"x-spark-signature": sign(raw)}
    received = Webex.receive(Request("POST", "", headers, {}, raw), SECRETS)
    assert isinstance(received, list)
    return [one.reference.kind for one in received]


def sign(raw: bytes) -> str:
    return hmac.digest(SECRETS.webhook_secret.encode(), raw, "sha1").hex()


# --- Rich answers


BUTTONS = (Button("Open the Hub", "https://hub.example.com/?a=1&b=2"), Button("He[lp]", "https://hub.example.com/help"))


def body(*lines: str) -> Document:
    return document(Paragraph((Text(line),)) for line in lines)


def said(scene: Scene) -> list[dict[str, Any]]:
    return [call.json for call in scene.sent if call.url.endswith("/messages")]


def test_buttons_are_a_card_and_the_text_beside_it_names_the_links(scene: Scene) -> None:
    farid = ids.account(scene.person("Farid").id)
    scene.run(scene.speaker.answer(Commanded(farid, "help"), scene.place.conversation, body("Hello *you*"), BUTTONS))
    (payload,) = said(scene)
    content = payload["attachments"][0]["content"]
    assert [action["url"] for action in content["actions"]] == [button.url for button in BUTTONS]
    assert content["body"][0]["text"] == r"Hello \*you\*"
    assert all(button.url in payload["markdown"] for button in BUTTONS)
    (shown,) = scene.webex.whispers(scene.place.conversation)
    assert 'href="https://hub.example.com/?a=1&amp;b=2"' in shown.html
    assert all(words in shown.html for words in ("Open the Hub", "He[lp]", "Hello *you*"))


def test_an_answer_without_buttons_is_a_text(scene: Scene) -> None:
    farid = ids.account(scene.person("Farid").id)
    scene.run(scene.speaker.answer(Commanded(farid, "help"), scene.place.conversation, body("Hello")))
    assert [payload.keys() for payload in said(scene)] == [{"markdown", "toPersonId"}]


@pytest.mark.parametrize("letters", [600, 6_990, 20_000])
def test_the_buttons_of_a_long_answer_belong_to_its_end(scene: Scene, letters: int) -> None:
    farid = ids.account(scene.person("Farid").id)
    words = body("a" * letters)
    scene.run(scene.speaker.answer(Commanded(farid, "help"), scene.place.conversation, words, BUTTONS * 5))
    *before, last = said(scene)
    assert "attachments" in last
    assert not any("attachments" in payload for payload in before)
    assert "".join(payload["markdown"] for payload in said(scene)).count("a" * 100) >= letters // 100 - 5
    assert max(len(payload["markdown"].encode()) for payload in said(scene)) <= 7_439


# --- Many


def test_a_large_company_is_read_to_its_end(scene: Scene) -> None:
    scene.webex.populate(3_000, 40, 20)
    bench = next(found.id for found in all_pages(scene, scene.speaker.teams) if found.name == "Bench")
    found = people(scene, bench)
    assert len(found) == 3_001
    assert found["Person 00001"].email == "person00001@bench.example"
    assert sum(name.startswith("bench-") for name in spaces(scene, bench)) == 40
    assert len(scene.run(scene.speaker.members(spaces(scene, bench)["bench-0040"].id))) == 21


# --- Looking up by address


def looked_up(scene: Scene, *emails: str) -> dict[str, Found]:
    return scene.run(scene.speaker.look_up(emails))


def test_an_address_finds_its_account_whatever_its_case(scene: Scene) -> None:
    found = looked_up(scene, "Elif@ACME.example", "nobody@acme.example")
    assert found == {"elif@acme.example": Found(people(scene)["Elif Kaya"])}


def test_people_of_other_organizations_and_bots_are_not_found(scene: Scene) -> None:
    scene.webex.add_person("Gus Guest", "gus@partner.example", guest=True)
    assert looked_up(scene, "gus@partner.example", "mio@webex.bot") == {}


@pytest.mark.parametrize("email", ["", "elif", "a b@c", "a@b@c", "a@b\r\nc"])
def test_what_is_no_address_is_not_asked_for(scene: Scene, email: str) -> None:
    assert looked_up(scene, email) == {}
    assert scene.sent == []


def found_as(scene: Scene, **told: object) -> dict[str, Found]:
    one = {"id": "Y2lzY29zcGFyazovL3VzL1BFT1BMRS94", "emails": ["ann@acme.example"], "type": "person"} | told
    answer = Response(200, json.dumps({"items": [7, one]}).encode())
    return answered(scene.speaker.look_up(["ann@acme.example"]), scene, answer)


def test_whoever_can_no_longer_sign_in_cannot_chat(scene: Scene) -> None:
    assert found_as(scene)["ann@acme.example"].is_licensed
    assert not found_as(scene, loginEnabled=False)["ann@acme.example"].is_licensed


@pytest.mark.parametrize(
    "told", [{"emails": ["other@acme.example"]}, {"emails": 7}, {"emails": [None]}, {"id": "a b"}, {"type": "bot"}]
)
def test_an_account_that_does_not_have_the_address_is_not_found(scene: Scene, told: dict[str, object]) -> None:
    assert found_as(scene, **told) == {}


def test_webex_finds_accounts_and_makes_none(scene: Scene) -> None:
    assert isinstance(scene.speaker, FindsAccounts)
    assert not isinstance(scene.speaker, ProvisionsAccounts)
