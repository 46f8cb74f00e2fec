"""Zoom's people, channels and memberships: listed, changed, told of; and what our app is asked outside of synced channels."""

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connectors.calls import Call, Calls, Response, T
from connectors.contract import Envelope
from connectors.directory import (
    LONGEST_CURSOR,
    ListsConversations,
    ListsMembers,
    ListsPeople,
    ListsTeams,
    ManagesConversations,
    Page,
    Place,
)
from connectors.errors import Gone, NotSupported, Reconnect, Refused, Unavailable, Unsure
from connectors.http import prepare
from connectors.messages import (
    NO_TEAM,
    Account,
    AccountId,
    Button,
    Commanded,
    ConversationId,
    Happening,
    Kind,
    Noticed,
    Skipped,
)
from connectors.provisioning import Found
from connectors.richtext import Paragraph, Text, document
from connectors.sandbox import Webhook
from connectors.zoom import ids
from connectors.zoom.connector import Zoom
from connectors.zoom.sandbox import SERVICE_USER, FakeZoom
from connectors.zoom.sandbox_tokens import ADMIN_SCOPES, Token
from tests.connectors.zoom.scene import (
    SECRETS,
    Now,
    ask,
    carried,
    heard,
    listen,
    needs_specs,
    operation,
    run,
    strict,
)

HELP = document([Paragraph((Text("This is what I can do."),))])
BUTTONS = (
    Button("Open the Hub", "https://hub.example.com/t/acme/"),
    Button("Learn more", "https://hub.example.com/help"),
)


def walked(fake: FakeZoom, zoom: Zoom, page: Callable[[str], Calls[Page[T]]]) -> list[Page[T]]:
    """All pages of a list."""
    pages = [run(fake, zoom, page(""))]
    while pages[-1].next:
        assert len(pages[-1].next) < LONGEST_CURSOR
        pages.append(run(fake, zoom, page(pages[-1].next)))
    return pages


def people_of(fake: FakeZoom, zoom: Zoom) -> list[Account]:
    return [one for page in walked(fake, zoom, lambda cursor: zoom.people((), cursor)) for one in page.items]


def places_of(fake: FakeZoom, zoom: Zoom) -> list[Place]:
    return [one for page in walked(fake, zoom, lambda cursor: zoom.conversations((), cursor)) for one in page.items]


def account_of(fake: FakeZoom, name: str) -> AccountId:
    return next(one.id for one in fake.directory() if one.name == name)


def limited(fake: FakeZoom, zoom: Zoom, *missing: str) -> Zoom:
    """A connection whose app lacks scopes."""
    token = fake.tokens.seed("limited", Token(SERVICE_USER, ADMIN_SCOPES - set(missing)))
    return Zoom(replace(zoom.credentials, tokens={**zoom.credentials.tokens, "admin": token}))


# --- What there is


def test_zoom_lists_and_manages_and_has_no_teams(zoom: Zoom) -> None:
    assert isinstance(zoom, ListsPeople | ListsConversations | ListsMembers | ManagesConversations)
    assert not isinstance(zoom, ListsTeams)


def test_all_people_are_listed_deactivated_ones_last_and_guests_never(fake: FakeZoom, zoom: Zoom) -> None:
    fake.add_person("Gus Guest", "gus@elsewhere.example", guest=True)
    fake.remove_person("Hugo Brandt")
    fake.populate(people=700, channels=0, members=0)
    pages = walked(fake, zoom, lambda cursor: zoom.people((), cursor))
    assert [len(page.items) for page in pages] == [300, 300, 103, 1]
    assert [page.total for page in pages] == [703, 703, 703, 704]
    found = [one for page in pages for one in page.items]
    assert found == fake.directory()
    assert [one.name for one in found if one.is_deleted] == ["Hugo Brandt"]
    assert run(fake, zoom, zoom.account(found[-1].id)) == found[-1]


def test_our_channels_and_the_accounts_public_ones_are_listed_once_each(fake: FakeZoom, zoom: Zoom) -> None:
    ours = {"general", "coffee"}
    fake.open_as("Hugo Brandt", "hidden")
    public = {f"open {number}" for number in range(45)}
    for name in sorted(public):
        fake.open_as("Hugo Brandt", name, public=True)
    both = run(fake, zoom, zoom.create("town hall", is_private=False, team=NO_TEAM, topic=""))
    places = places_of(fake, zoom)
    assert len({place.id for place in places}) == len(places)
    assert {place.name for place in places} == ours | public | {"town hall"}
    assert {place.name for place in places if place.is_private} == ours
    assert {place.name for place in places if not place.is_entered} == public
    assert both in places


def test_a_group_chat_is_no_channel(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    fake.rooms[general].type = 4
    assert "general" not in {place.name for place in places_of(fake, zoom)}
    with pytest.raises(Gone):
        run(fake, zoom, zoom.conversation(general))


def test_one_channel_is_seen_from_inside_and_a_public_one_from_outside(
    fake: FakeZoom, zoom: Zoom, general: ConversationId
) -> None:
    assert run(fake, zoom, zoom.conversation(general)) == Place(general, "general", is_private=True)
    public = fake.open_as("Hugo Brandt", "open", public=True)
    assert run(fake, zoom, zoom.conversation(public)) == Place(public, "open", is_entered=False)
    hidden = fake.open_as("Hugo Brandt", "hidden")
    for unseen in (hidden, ConversationId("nowhere")):
        with pytest.raises(Gone):
            run(fake, zoom, zoom.conversation(unseen))


def test_members_come_in_pages_and_their_number_is_told(fake: FakeZoom, zoom: Zoom) -> None:
    fake.populate(people=300, channels=1, members=250)
    bench = next(place.conversation for place in fake.places() if place.name == "bench-0001")
    pages = walked(fake, zoom, lambda cursor: zoom.members_page(bench, cursor))
    assert [(len(page.items), page.total) for page in pages] == [(100, 251), (100, 251), (51, 251)]
    assert pages[0].items[0] == zoom.credentials.account


@pytest.mark.parametrize("listed", ["people", "conversations", "members"])
def test_a_cursor_that_is_too_old_says_that_the_list_must_be_begun_again(
    fake: FakeZoom, zoom: Zoom, now: Now, general: ConversationId, listed: str
) -> None:
    fake.populate(people=400, channels=1200, members=120)
    bench = next(place.conversation for place in fake.places() if place.name == "bench-0001")
    pages: dict[str, Callable[[str], Calls[Page[Any]]]] = {
        "people": lambda cursor: zoom.people((), cursor),
        "conversations": lambda cursor: zoom.conversations((), cursor),
        "members": lambda cursor: zoom.members_page(bench, cursor),
    }
    cursor = run(fake, zoom, pages[listed]("")).next
    assert run(fake, zoom, pages[listed](cursor)).items
    now.at += 901
    with pytest.raises(Gone, match="15 minutes"):
        run(fake, zoom, pages[listed](cursor))


@hypothesis.given(
    st.text(max_size=50) | st.from_regex(r"(active|inactive|ours|public)\.\d{0,400}\.?.*", fullmatch=True)
)
def test_whatever_a_cursor_is_it_goes_to_zoom_alone_or_nowhere(cursor: str) -> None:
    zoom = Zoom(FakeZoom(SECRETS, "https://hub.example.com", Now()).credentials())
    for pages in (
        zoom.people((), cursor),
        zoom.conversations((), cursor),
        zoom.members_page(ConversationId("x"), cursor),
    ):
        try:
            url = urlsplit(next(pages).url)
        except Gone:
            continue
        assert (url.scheme, url.netloc, url.query) == ("https", "api.zoom.us", "")


LISTED: dict[str, Any] = {"users": [], "channels": [], "members": []}


@pytest.mark.parametrize("body", [{}, {"users": None, "channels": {}, "members": "x"}, LISTED | {"next_page_token": ["x"]}, LISTED | {"next_page_token": "x" * 300}])  # fmt: skip  # noqa: E501
def test_an_answer_that_lists_nothing_is_not_taken_for_an_empty_account(zoom: Zoom, body: Any) -> None:
    for pages in (zoom.people(()), zoom.conversations(()), zoom.members_page(ConversationId("x"))):
        next(pages)
        with pytest.raises(Unavailable):
            pages.send(Response(200, json.dumps(body).encode()))


ENTRIES = st.lists(
    st.dictionaries(
        st.sampled_from(["id", "name", "type", "email", "display_name"]),
        st.none() | st.integers() | st.text() | st.lists(st.none()),
    )
    | st.none()
)


@hypothesis.given(ENTRIES)
@hypothesis.example([{"id": "|"}])  # what parts the two people of a direct chat is in no channel's id
def test_whatever_zoom_lists_is_read(entries: Any) -> None:
    zoom = Zoom(FakeZoom(SECRETS, "https://hub.example.com", Now()).credentials())
    answer = Response(200, json.dumps({"users": entries, "channels": entries, "total_records": entries}).encode())
    for pages in (zoom.people(()), zoom.conversations(())):
        next(pages)
        with pytest.raises(StopIteration) as end:
            pages.send(answer)
        assert all(one.id for one in end.value.value.items)


@pytest.mark.parametrize(("scope", "calls"), [("user:read:admin", "people"), ("chat_channel", "channels")])
def test_a_missing_scope_is_named_before_anything_is_listed(fake: FakeZoom, zoom: Zoom, scope: str, calls: str) -> None:
    missing = ("user:read:admin",) if calls == "people" else ("chat_channel:read:admin", "chat_channel:write:admin")
    speaker = limited(fake, zoom, *missing)
    with pytest.raises(Reconnect, match=scope):
        run(fake, speaker, speaker.people(()) if calls == "people" else speaker.conversations(()))


def test_a_role_that_may_not_look_is_named(zoom: Zoom) -> None:
    call = next(zoom.conversations(()))
    refused = Response(400, json.dumps({"code": 200, "message": "No permission."}).encode())
    with pytest.raises(Refused, match="Chat Channels"):
        call.judge(call, refused)


def test_a_large_account_is_walked_in_little_memory(fake: FakeZoom, zoom: Zoom) -> None:
    fake.populate(people=20_000, channels=1_500, members=20)
    tracemalloc.start()
    seen, cursor = 0, ""
    while True:
        page = run(fake, zoom, zoom.people((), cursor))
        seen, cursor = seen + len(page.items), page.next
        if not cursor:
            break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == len(fake.directory())
    assert peak < 10_000_000
    assert len(places_of(fake, zoom)) == 1_502


# --- Channels made, people brought and sent away


def test_a_channel_is_made_with_us_in_it_and_told_of(fake: FakeZoom, zoom: Zoom, webhooks: list[Webhook]) -> None:
    made = run(fake, zoom, zoom.create("Plan B", is_private=True, team=NO_TEAM, topic="x"))
    assert made == Place(made.id, "Plan B", is_private=True)
    assert run(fake, zoom, zoom.members(made.id)) == [zoom.credentials.account]
    assert run(fake, zoom, zoom.conversation(made.id)) == made
    assert [envelope.reference.conversation for envelope in told(webhooks, zoom)] == [made.id]
    assert not run(fake, zoom, zoom.create("Town", is_private=False, team=NO_TEAM, topic="")).is_private


def test_a_private_channel_is_for_the_account_alone(fake: FakeZoom, zoom: Zoom) -> None:
    assert next(zoom.create("x", is_private=True, team=NO_TEAM, topic="")).json["type"] == 2


def test_a_name_that_another_channel_has_is_refused(fake: FakeZoom, zoom: Zoom) -> None:
    with pytest.raises(Refused, match="another channel"):
        run(fake, zoom, zoom.create("general", is_private=True, team=NO_TEAM, topic=""))


def test_making_a_channel_is_not_repeated_blindly(zoom: Zoom) -> None:
    creating = zoom.create("x", is_private=True, team=NO_TEAM, topic="")
    call = next(creating)
    assert not call.repeatable
    with pytest.raises(Unsure):
        call.judge(call, Response(502))
    with pytest.raises(Unsure):
        creating.send(Response(201, b"{}"))


def test_we_enter_only_where_we_are_and_say_whom_to_add(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    run(fake, zoom, zoom.enter(general))
    public = fake.open_as("Hugo Brandt", "open", public=True)
    with pytest.raises(Refused, match=r"mio-hub@acme\.example"):
        run(fake, zoom, zoom.enter(public))
    fake.invite_as("Hugo Brandt", public, SERVICE_USER.name)
    run(fake, zoom, zoom.enter(public))


def test_people_are_added_in_one_call_and_again_without_harm(
    fake: FakeZoom, zoom: Zoom, webhooks: list[Webhook]
) -> None:
    made = run(fake, zoom, zoom.create("Plan B", is_private=True, team=NO_TEAM, topic=""))
    accounts = [account_of(fake, name) for name in ("Carla Jensen", "Grace Liu", "Hugo Brandt")]
    assert run(fake, zoom, zoom.add(made.id, accounts)) == {}
    assert run(fake, zoom, zoom.add(made.id, accounts)) == {}
    assert run(fake, zoom, zoom.members(made.id)) == [zoom.credentials.account, *accounts]
    assert heard(webhooks[1:], zoom) == [Noticed(Happening.JOINED, tuple(accounts), by=zoom.credentials.account)]
    assert zoom.most_added == 5


def test_who_cannot_be_added_is_named_with_the_reason_and_the_others_are(fake: FakeZoom, zoom: Zoom) -> None:
    made = run(fake, zoom, zoom.create("Plan B", is_private=True, team=NO_TEAM, topic=""))
    hugo, grace = account_of(fake, "Hugo Brandt"), account_of(fake, "Grace Liu")
    gus = AccountId(f"member:{fake.add_person('Gus', 'gus@elsewhere.example', guest=True).id}")
    fake.remove_person(grace)
    failed = run(fake, zoom, zoom.add(made.id, [gus, AccountId("nobody"), grace, hugo]))
    assert set(failed) == {gus, AccountId("nobody"), grace}
    assert ["another Zoom account" in failed[gus], "no longer" in failed[AccountId("nobody")]] == [True, True]
    assert "deactivated" in failed[grace]
    assert hugo in run(fake, zoom, zoom.members(made.id))


def test_where_zoom_refuses_all_each_is_tried_alone(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    carla, hugo = account_of(fake, "Carla Jensen"), account_of(fake, "Hugo Brandt")
    fake.leave_as(carla, general)
    place = fake.rooms[general]
    place.owner, place.closed = fake.users[1], True
    failed = run(fake, zoom, zoom.add(general, [carla, hugo]))
    assert set(failed) == {carla}, "who is in it already is a success"
    assert "its owner" in failed[carla]
    with pytest.raises(Gone):
        run(fake, zoom, zoom.add(ConversationId("nowhere"), [hugo]))


def test_people_are_removed_and_who_is_not_there_is_a_success(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    hugo = account_of(fake, "Hugo Brandt")
    ben = AccountId(f"member:{fake.add_outsider('Ben Outside').id}")
    for _ in range(2):
        run(fake, zoom, zoom.remove(general, hugo))
        run(fake, zoom, zoom.remove(general, ben))
    assert not {hugo, ben} & set(run(fake, zoom, zoom.members(general)))
    assert [type(one) for one in heard(webhooks[:1], zoom)] == [Noticed]
    assert len(webhooks) == 2


def test_who_may_not_be_removed_stays_with_the_reason(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    fake.rooms[general].owner = fake.users[0]
    for account, reason in ((account_of(fake, "Hugo Brandt"), "owner"), (zoom.credentials.account, "own service user")):
        with pytest.raises(Refused, match=reason):
            run(fake, zoom, zoom.remove(general, account))
    with pytest.raises(Gone):
        run(fake, zoom, zoom.remove(ConversationId("nowhere"), account_of(fake, "Hugo Brandt")))


def test_managing_without_the_scope_names_it(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    speaker = limited(fake, zoom, "chat_channel:write:admin")
    hugo = account_of(fake, "Hugo Brandt")
    tries: list[Calls[Any]] = [speaker.create("x", is_private=True, team=NO_TEAM, topic="")]
    tries += [speaker.add(general, [hugo]), speaker.remove(general, hugo)]
    for calls in tries:
        with pytest.raises(Reconnect, match="chat_channel:write:admin"):
            run(fake, speaker, calls)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "", "type": 1}, 300),
        ({"name": "x", "type": 9}, 300),
        ({"name": "x" * 257, "type": 1}, 300),
        ({"name": "coffee", "type": 3}, 300),
        ({"members": []}, 300),
        ({"members": [{"email": "hugo@acme.example"}] * 21}, 300),
        ({"members": [{"id": "x"}]}, 300),
        ({"members": [{"email": "stranger@nowhere.example"}]}, 5301),
    ],
)
def test_the_fake_refuses_what_zoom_refuses(fake: FakeZoom, general: ConversationId, body: Any, code: int) -> None:
    path = f"/chat/users/me/channels/{general}/members" if "members" in body else "/chat/users/me/channels"
    assert ask(fake, "POST", path, body)[1]["code"] == code
    assert ask(fake, "GET", "/users", status="gone")[1]["code"] == 300
    assert ask(fake, "GET", "/users", page_size="2001")[1]["code"] == 300


# --- What the webhook tells


def told(webhooks: list[Webhook], zoom: Zoom) -> list[Envelope]:
    return [listen(webhook, zoom)[0] for webhook in webhooks]


def test_changes_of_people_and_channels_are_announced_by_their_ids_alone(
    fake: FakeZoom, zoom: Zoom, webhooks: list[Webhook]
) -> None:
    ida = fake.add_person("Ida Novak", "ida@acme.example")
    fake.remove_person("Ida Novak")
    lab = fake.open_as("Hugo Brandt", "lab")
    fake.drop_as("Hugo Brandt", lab)
    envelopes = told(webhooks, zoom)
    assert {envelope.reference.kind for envelope in envelopes} == {Kind.DIRECTORY}
    assert [(one.reference.message, one.reference.conversation) for one in envelopes] == [
        *((ida.id, ""), (ida.id, "")),
        *(("", lab), ("", lab)),
    ]
    assert all(envelope.content is None and envelope.workspace == zoom.credentials.workspace for envelope in envelopes)
    assert len({envelope.event_id for envelope in envelopes}) == 4
    assert zoom.parse({}, envelopes[0].reference) == Skipped("other event")


# --- Asked anywhere


def test_a_slash_command_is_heard_in_a_channel_that_is_not_ours(
    fake: FakeZoom, zoom: Zoom, webhooks: list[Webhook]
) -> None:
    hidden = fake.open_as("Hugo Brandt", "hidden")
    fake.command_as("Hugo Brandt", hidden, "create plans")
    envelope, event = listen(webhooks[-1], zoom)
    assert (envelope.reference.kind, envelope.reference.conversation) == (Kind.COMMAND, hidden)
    assert event == Commanded(account_of(fake, "Hugo Brandt"), "create plans")


def test_all_that_is_said_to_the_chatbot_alone_is_a_command_and_answered_there(
    fake: FakeZoom, zoom: Zoom, webhooks: list[Webhook]
) -> None:
    hugo = account_of(fake, "Hugo Brandt")
    fake.tell_app_as("Hugo Brandt", "  help me ")
    envelope, event = listen(webhooks[0], zoom)
    assert envelope.reference.kind is Kind.COMMAND
    assert event == Commanded(hugo, "help me")
    here = envelope.reference.conversation
    assert run(fake, zoom, zoom.answer(event, here, HELP, BUTTONS)) == []
    (answer,) = fake.whispers(here)
    assert answer.only_for == hugo
    assert "This is what I can do." in answer.html


def test_a_chat_with_the_chatbot_is_one_conversation_however_it_is_told() -> None:
    assert ids.direct("pl9w@xmpp.zoom.us") == "pl9w@xmpp.zoom.us"
    assert ids.direct("5d0c@conference.xmpp.zoom.us") == ids.direct(None) == ids.direct("x@evil.example") == ""
    assert not ids.is_direct(ConversationId("5d0c3b7e9a1f4c62b8d4e7f09a2c6b13"))


def test_what_the_chatbot_says_itself_is_no_command(fake: FakeZoom, zoom: Zoom, webhooks: list[Webhook]) -> None:
    fake.app = replace(fake.app, robot_jid=fake.users[0].jid)
    fake.tell_app_as(fake.users[0].id, "help")
    assert listen(webhooks[0], zoom)[0].reference.kind is Kind.OTHER


def test_without_a_chatbot_there_is_no_private_chat_to_answer_in(fake: FakeZoom, zoom: Zoom) -> None:
    mute = Zoom(replace(zoom.credentials, tokens={"admin": zoom.credentials.tokens["admin"]}))
    with pytest.raises(NotSupported):
        run(fake, mute, mute.answer(Commanded(AccountId("x"), "help"), ids.direct("x@xmpp.zoom.us"), HELP))


def test_who_asks_where_we_cannot_speak_is_answered_in_private(fake: FakeZoom, zoom: Zoom) -> None:
    hugo, hidden = account_of(fake, "Hugo Brandt"), fake.open_as("Carla Jensen", "hidden")
    assert run(fake, zoom, zoom.answer(Commanded(hugo, "help"), hidden, HELP, BUTTONS)) == []
    assert [person for person, _ in fake.greeted] == [hugo]
    mute = Zoom(replace(zoom.credentials, tokens={"admin": zoom.credentials.tokens["admin"]}))
    with pytest.raises(Gone):
        run(fake, mute, mute.answer(Commanded(hugo, "help"), hidden, HELP, BUTTONS))


# --- Buttons


def test_buttons_are_links_on_the_last_card(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    hugo = account_of(fake, "Hugo Brandt")
    long = document([Paragraph((Text("word " * 400),)), Paragraph((Text("word " * 600),))])
    run(fake, zoom, zoom.answer(Commanded(hugo, "help"), general, long, BUTTONS))
    first, last = (shown.html for shown in fake.whispers(general))
    assert "href" not in first
    assert all(f'href="{button.url}"' in last and button.label in last for button in BUTTONS)
    assert (first + last).count("word") == 1000


@hypothesis.given(st.integers(min_value=4000, max_value=4200), st.integers(min_value=0, max_value=3))
def test_a_card_with_its_buttons_is_never_too_long(length: int, buttons: int) -> None:
    fake = FakeZoom(SECRETS, "https://hub.example.com", Now())
    zoom = Zoom(fake.credentials())
    body = document([Paragraph((Text("x" * length),))])
    run(fake, zoom, zoom.greet(account_of(fake, "Hugo Brandt"), body, [*BUTTONS, *BUTTONS][:buttons]))
    assert sum(card.text.count("x") for _, _, card, _ in fake.whispered) == length


def test_a_welcome_names_the_addresses_behind_its_buttons(fake: FakeZoom, zoom: Zoom) -> None:
    run(fake, zoom, zoom.greet(account_of(fake, "Hugo Brandt"), HELP, BUTTONS))
    assert fake.greeted[0][1].splitlines() == [
        "This is what I can do.",
        *(f"{button.label}: {button.url}" for button in BUTTONS),
    ]


def test_where_there_are_no_cards_buttons_are_links_in_the_text(
    fake: FakeZoom, zoom: Zoom, general: ConversationId
) -> None:
    mute = Zoom(replace(zoom.credentials, tokens={"admin": zoom.credentials.tokens["admin"]}))
    root = fake.type_as("Hugo Brandt", general, "@Mio Hub help")
    asked = Commanded(account_of(fake, "Hugo Brandt"), "help", root)
    (said,) = run(fake, mute, mute.answer(asked, general, HELP, BUTTONS))
    shown = fake.shown(general)[-1]
    assert (shown.id, shown.thread) == (said, root)
    assert all(f'href="{button.url}"' in shown.html for button in BUTTONS)


# --- Against Zoom's own specification


@needs_specs
def test_what_we_ask_and_its_answers_are_as_the_specification_says(
    fake: FakeZoom, zoom: Zoom, general: ConversationId
) -> None:
    fake.open_as("Hugo Brandt", "open", public=True)
    hugo = account_of(fake, "Hugo Brandt")
    channels = "/chat/users/{userId}/channels"
    creating = zoom.create("x", is_private=True, team=NO_TEAM, topic="")
    adding = zoom.add(general, [hugo])
    next(adding)
    user = ask(fake, "GET", f"/users/{hugo}")[1]
    for path, call in (
        ("/users", next(zoom.people(()))),
        (channels, next(zoom.conversations(()))),
        ("/chat/channels", next(zoom.conversations((), "public.0."))),
        (f"{channels}/{{channelId}}", next(zoom.conversation(general))),
        (f"{channels}/{{channelId}}/members", next(zoom.members_page(general))),
        (channels, next(creating)),
        (f"{channels}/{{channelId}}/members", adding.send(Response(200, json.dumps(user).encode()))),
        (f"{channels}/{{channelId}}/members/{{identifier}}", next(zoom.remove(general, hugo))),
    ):
        page = operation(call.method, path)
        known = {one["name"]: one["schema"] for one in page["parameters"] if one["in"] == "query"}
        for name, value in (call.query or {}).items():
            Draft202012Validator(known[name]).validate(int(value) if name == "page_size" else value)
        if call.json:
            Draft202012Validator(strict(page["requestBody"]["content"]["application/json"]["schema"])).validate(
                call.json
            )
        status, answer = answered(fake, call)
        assert str(status) in page["responses"], path
        if content := page["responses"][str(status)].get("content"):
            schema = content["application/json"]["schema"]
            Draft202012Validator(schema if "allOf" in schema else strict(schema)).validate(answer)


def answered(fake: FakeZoom, call: Call) -> tuple[int, Any]:
    response = carried(fake, prepare(call, fake.credentials()))
    return response.status, json.loads(response.body or b"null")


# --- Looking up by address


def looked_up(fake: FakeZoom, zoom: Zoom, *emails: str) -> dict[str, Found]:
    return run(fake, zoom, zoom.look_up(emails))


def test_an_address_finds_its_account_whatever_its_case(fake: FakeZoom, zoom: Zoom) -> None:
    found = looked_up(fake, zoom, "Hugo@ACME.example", "nobody@acme.example")
    hugo = Account(account_of(fake, "Hugo Brandt"), "Hugo Brandt", "hugo@acme.example")
    assert found == {"hugo@acme.example": Found(hugo)}


def test_whoever_was_deactivated_is_found_and_cannot_chat(fake: FakeZoom, zoom: Zoom) -> None:
    fake.remove_person("Hugo Brandt")
    [found] = looked_up(fake, zoom, "hugo@acme.example").values()
    assert found.account.is_deleted
    assert not found.is_licensed


@pytest.mark.parametrize("email", ["", "me", "a b@c", "a@b@c", "a@b\r\nc"])
def test_what_is_no_address_is_not_asked_for(zoom: Zoom, email: str) -> None:
    with pytest.raises(StopIteration):
        next(zoom.look_up([email]))


@pytest.mark.parametrize("email", ["../me@x", "a?b=@c", "a#b@c", "a%2f@c"])
def test_no_address_asks_for_anything_else(zoom: Zoom, email: str) -> None:
    url = urlsplit(next(zoom.look_up([email])).url)
    assert (url.path.count("/"), url.query, url.fragment) == (3, "", "")


@pytest.mark.parametrize(
    ("told", "is_licensed"),
    [
        ({}, True),
        ({"status": "pending"}, False),
        ({"status": None}, False),
        ({"email": "other@acme.example"}, None),
        ({"email": 7}, None),
        ({"id": ""}, None),
    ],
)
def test_only_active_people_who_have_the_address_can_chat(
    zoom: Zoom, told: dict[str, object], is_licensed: bool | None
) -> None:
    calls = zoom.look_up(["ann@acme.example"])
    next(calls)
    answer = {"id": "ann1", "email": "ann@acme.example", "status": "active"} | told
    with pytest.raises(StopIteration) as end:
        calls.send(Response(200, json.dumps(answer).encode()))
    assert [one.is_licensed for one in end.value.value.values()] == ([] if is_licensed is None else [is_licensed])
