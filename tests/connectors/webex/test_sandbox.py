"""The fake Webex: Webex's own SDK works against it, its answers are what the published specification says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from openapi_schema_validator import OAS30Validator
from webexpythonsdk import ApiError, WebexAPI

from connectors.contract import Request
from connectors.sandbox import Webhook
from connectors.webex import sandbox_company
from connectors.webex.connector import Secrets, Webex
from connectors.webex.sandbox import FakeWebex

SECRETS = Secrets("hub-secret-1")
HUB = "https://hub.example.com"
SPECIFICATION = Path(__file__).parents[3] / "../shared/specs/webex/webex-messaging.openapi.json"


@pytest.fixture
def hooks() -> list[Webhook]:
    return []


@pytest.fixture
def webex(hooks: list[Webhook]) -> FakeWebex:
    clock = iter(range(1_772_446_530, 1_772_546_530))
    fake = FakeWebex(SECRETS, HUB, lambda: float(next(clock)))
    fake.deliver = hooks.append
    return fake


@pytest.fixture
def wire(webex: FakeWebex) -> Iterator[responses.RequestsMock]:
    """The real address, answered by the fake."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        given = request.body.read() if hasattr(request.body, "read") else request.body or b""
        body = given.encode() if isinstance(given, str) else given
        return asked(webex, request.method, request.url, dict(request.headers), body)

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT", "DELETE"):
            mock.add_callback(method, re.compile(r"https://webexapis\.com/.*"), callback=answer, content_type=None)
        yield mock


@pytest.fixture
def farid(webex: FakeWebex, wire: responses.RequestsMock) -> WebexAPI:
    """Webex's own SDK with the token of a person."""
    return WebexAPI(webex.people()[1].token, wait_on_rate_limit=False)


@pytest.fixture
def service_user(webex: FakeWebex, wire: responses.RequestsMock) -> WebexAPI:
    return WebexAPI(webex.credentials().tokens["service"], wait_on_rate_limit=False)


def asked(
    webex: FakeWebex, method: str, url: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    split = urlsplit(url)
    lowered = {name.lower(): value for name, value in headers.items()}
    address = f"https://{split.netloc}{split.path}"
    response = webex.handle(Request(method, address, lowered, dict(parse_qsl(split.query)), body))
    return response.status, dict(response.headers), response.body


def ask(webex: FakeWebex, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
    """A request with a person's token: status and JSON."""
    headers = {"Authorization": f"Bearer {webex.people()[0].token}", "Content-Type": kind}
    sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = asked(webex, method, f"https://webexapis.com/v1{path}", headers, sent)
    return status, json.loads(answer) if answer else None


WRONG = [
    ("POST", "/rooms", {}, 400), ("POST", "/rooms", {"title": "x", "isPublic": True}, 400),
    ("POST", "/rooms", {"title": "x", "isAnnouncementOnly": True}, 400),
    ("POST", "/rooms", {"title": "x", "teamId": "y"}, 404),
    ("POST", "/rooms", {"title": "x", "colour": "red"}, 400), ("GET", "/rooms?teamId=x", None, 404),
    ("POST", "/memberships", {}, 400), ("POST", "/memberships", {"roomId": "x", "personId": "y"}, 404),
    ("POST", "/memberships", {"roomId": "{room}"}, 400), ("POST", "/memberships", {"roomId": "{room}", "personId": "y"}, 404),
    ("DELETE", "/memberships/x", None, 404), ("GET", "/memberships?roomId=x", None, 404),
    ("GET", "/team/memberships", None, 400), ("GET", "/team/memberships?teamId=x", None, 404), ("GET", "/teams/x", None, 404),
    ("POST", "/team/memberships", {"teamId": "x", "personId": "y"}, 404),
    ("GET", "/people?id=" + ",".join("x" * 86), None, 400),
    ("GET", "/people", None, 400), ("GET", "/rooms?max=0", None, 400), ("GET", "/rooms?cursor=x.1", None, 400),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_question_about_the_directory_is_refused(webex: FakeWebex, number: int) -> None:
    method, path, body, status = WRONG[number]
    given = json.loads(json.dumps(body).replace("{room}", webex.places()[0].id))
    assert ask(webex, method, path, given)[0] == status


# --- The SDK


def test_the_sdk_finds_people_spaces_and_teams(webex: FakeWebex, farid: WebexAPI, service_user: WebexAPI) -> None:
    me = farid.people.me()
    assert (me.displayName, me.emails, me.created.year) == ("Farid Haddad", ["farid@acme.example"], 2026)
    assert [person.id for person in farid.people.list(email="grace@acme.example")] == [webex.people()[2].id]
    assert farid.people.get(webex.people()[2].id).displayName == "Grace Liu"
    rooms = list(farid.rooms.list())
    assert [(room.title, room.id) for room in rooms] == [(place.name, place.id) for place in webex.places()]
    assert farid.rooms.get(rooms[0].id).teamId == next(iter(farid.teams.list())).id
    assert {m.personDisplayName for m in farid.memberships.list(roomId=rooms[0].id)} >= {"Farid Haddad", "Message"}
    assert [organization.displayName for organization in service_user.organizations.list()] == ["Acme"]


def test_the_sdk_posts_and_the_hub_is_told(webex: FakeWebex, farid: WebexAPI, hooks: list[Webhook]) -> None:
    place, grace = webex.places()[0], webex.people()[2]
    posted = farid.messages.create(roomId=place.id, markdown=f"**Hi** <@personId:{grace.id}|Grace> and <@all>\n\n- x")
    assert posted.html.startswith("<p><strong>Hi</strong> <spark-mention")
    assert (posted.mentionedPeople, posted.json_data["mentionedGroups"]) == ([grace.id], ["all"])
    assert posted.text == "Hi Grace and All x"
    answer = farid.messages.create(roomId=place.id, text="*plain*", parentId=posted.id)
    assert [message.id for message in farid.messages.list(roomId=place.id)] == [answer.id, posted.id]
    assert farid.messages.get(answer.id).text == "*plain*"
    assert not hasattr(farid.messages.get(answer.id), "html") or farid.messages.get(answer.id).html is None
    assert [json.loads(hook.body)["data"]["id"] for hook in hooks] == [posted.id, answer.id]


def test_the_sdk_edits_and_deletes(webex: FakeWebex, farid: WebexAPI, hooks: list[Webhook]) -> None:
    place = webex.places()[0]
    posted = farid.messages.create(roomId=place.id, markdown="**one**")
    edited = farid.messages.update(posted.id, roomId=place.id, markdown="*two*")
    assert (edited.html, edited.text, edited.updated > edited.created) == ("<p><em>two</em></p>", "two", True)
    plain = farid.messages.update(posted.id, roomId=place.id, text="three")
    assert ("html" in plain.json_data, plain.text) == (False, "three")
    assert farid.messages.get(posted.id).updated == plain.updated
    farid.messages.delete(posted.id)
    assert list(farid.messages.list(roomId=place.id)) == []
    events = [json.loads(hook.body)["event"] for hook in hooks]
    assert events == ["created", "updated", "updated", "deleted"]
    assert "updated" not in json.loads(hooks[1].body)["data"]


def test_the_sdk_edits_ten_times_and_never_a_file(webex: FakeWebex, farid: WebexAPI, tmp_path: Path) -> None:
    place = webex.places()[0]
    posted = farid.messages.create(roomId=place.id, text="0")
    for number in range(10):
        farid.messages.update(posted.id, roomId=place.id, text=str(number))
    (tmp_path / "a.txt").write_bytes(b"a")
    shared = farid.messages.create(roomId=place.id, text="see", files=[str(tmp_path / "a.txt")])
    for message in (posted, shared):
        with pytest.raises(ApiError) as raised:
            farid.messages.update(message.id, roomId=place.id, text="again")
        assert raised.value.status_code == 400


def test_the_sdk_renames_a_space(webex: FakeWebex, farid: WebexAPI) -> None:
    room = webex.places()[0].id
    assert farid.rooms.update(room, title="Town Square").title == webex.places()[0].name == "Town Square"
    with pytest.raises(ApiError, match="Title cannot be empty"):
        farid.rooms.update(room, title=" ")


def test_the_sdk_makes_a_space_and_says_who_is_in_it(webex: FakeWebex, farid: WebexAPI) -> None:
    grace, team = webex.people()[2], next(iter(farid.teams.list()))
    room = farid.rooms.create("Plans", teamId=team.id, description="What is next", isLocked=True)
    assert (room.teamId, room.isLocked, farid.rooms.get(room.id).title) == (team.id, True, "Plans")
    added = farid.memberships.create(room.id, personEmail="grace@acme.example")
    assert (added.personId, farid.memberships.get(added.id).isModerator) == (grace.id, False)
    with pytest.raises(ApiError, match="409"):
        farid.memberships.create(room.id, personId=grace.id)
    farid.memberships.delete(added.id)
    assert [one.personDisplayName for one in farid.memberships.list(roomId=room.id)] == ["Farid Haddad"]
    assert {one.title for one in farid.rooms.list(teamId=team.id, type="group")} == {"general", "coffee", "Plans"}


def test_the_sdk_lists_a_team_page_by_page_and_only_a_moderator_adds(
    webex: FakeWebex, farid: WebexAPI, service_user: WebexAPI
) -> None:
    team, grace = farid.teams.get(webex.team), webex.people()[2]
    everybody = {one.personId for one in farid.team_memberships.list(team.id, max=1)}
    assert everybody == {account.id for account in webex.directory()}
    assert {one.id for one in farid.people.list(id=",".join(everybody), max=2)} == everybody
    webex.leave_as(grace.id, webex.places()[0].conversation)
    with pytest.raises(ApiError, match="403"):
        farid.team_memberships.create(team.id, personId=grace.id)
    assert service_user.team_memberships.create(team.id, personId=grace.id).personDisplayName == "Grace Liu"


def test_the_sdk_posts_a_card(webex: FakeWebex, farid: WebexAPI) -> None:
    content = {"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "TextBlock", "text": "Hi"}], "actions": []}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    posted = farid.messages.create(roomId=webex.places()[0].id, text="Hi", attachments=[attachment])
    assert posted.attachments[0]["content"] == content
    with pytest.raises(ApiError, match="400"):
        farid.messages.create(roomId=webex.places()[0].id, text="Hi", attachments=[attachment, attachment])


def test_the_sdk_touches_no_message_of_another(webex: FakeWebex, farid: WebexAPI, service_user: WebexAPI) -> None:
    place = webex.places()[0]
    posted = service_user.messages.create(roomId=place.id, text="ours")
    with pytest.raises(ApiError) as edited:
        farid.messages.update(posted.id, roomId=place.id, text="mine")
    with pytest.raises(ApiError) as deleted:
        farid.messages.delete(posted.id)
    assert (edited.value.status_code, deleted.value.status_code) == (403, 403)


def test_the_sdk_uploads_and_a_member_downloads(webex: FakeWebex, farid: WebexAPI, tmp_path: Path) -> None:
    place, data = webex.places()[0], bytes(range(256)) * 40 + b"\r\n--x--\r\n"
    (tmp_path / "Bericht.pdf").write_bytes(data)
    shared = farid.messages.create(roomId=place.id, markdown="**see**", files=[str(tmp_path / "Bericht.pdf")])
    assert (shared.html, webex.files(place.conversation)) == ("<p><strong>see</strong></p>", [("Bericht.pdf", data)])
    headers = {"Authorization": f"Bearer {webex.people()[2].token}"}
    for method, body in (("GET", data), ("HEAD", b"")):
        status, told, answer = asked(webex, method, shared.files[0], headers)
        assert (status, answer, told["content-length"]) == (200, body, str(len(data)))
        assert told["content-disposition"] == 'attachment; filename="Bericht.pdf"'
    webex.leave_as(webex.people()[2].id, place.conversation)
    assert asked(webex, "GET", shared.files[0], headers)[0] == 404


def test_a_file_that_cannot_be_scanned_is_only_given_to_who_insists(webex: FakeWebex) -> None:
    place, person = webex.places()[0], webex.people()[1]
    message = webex.share_as(person.id, place.conversation, "secret.zip", b"PK")
    webex.scan(place.conversation, message, 428)
    (address,) = ask(webex, "GET", f"/messages/{message}")[1]["files"]
    headers = {"Authorization": f"Bearer {person.token}"}
    assert asked(webex, "GET", address, headers)[0] == 428
    assert asked(webex, "GET", f"{address}?allow=unscannable", headers)[::2] == (200, b"PK")


def test_the_sdk_speaks_to_one_person(webex: FakeWebex, farid: WebexAPI, service_user: WebexAPI) -> None:
    elif_, user = webex.people()[0], webex.credentials().account
    farid.messages.create(toPersonEmail="service@acme.example", text="psst")
    said = service_user.messages.create(toPersonId=webex.people()[1].id, text="pong")
    assert (said.roomType, [m.text for m in farid.messages.list_direct(personId=user)]) == ("direct", ["pong", "psst"])
    assert farid.rooms.get(said.roomId).title == "Message"
    assert [room.id for room in farid.rooms.list(type="direct")] == [said.roomId]
    headers = {"Authorization": f"Bearer {elif_.token}"}
    for path in (f"rooms/{said.roomId}", f"messages/{said.id}", f"messages?roomId={said.roomId}"):
        assert asked(webex, "GET", f"https://webexapis.com/v1/{path}", headers)[0] == 404


def test_the_sdk_pages_through_many_messages(webex: FakeWebex, farid: WebexAPI) -> None:
    place = webex.add_place("busy")
    typed = [webex.type_as(webex.people()[0].id, place.conversation, f"number {number}") for number in range(25)]
    assert [message.id for message in farid.messages.list(roomId=place.id, max=10)] == typed[::-1]


def test_the_sdk_registers_a_webhook_that_delivers(webex: FakeWebex, farid: WebexAPI, hooks: list[Webhook]) -> None:
    general, coffee = webex.places()
    created = farid.webhooks.create(
        "mine", "https://bot.example/hook", "messages", "created", filter=f"roomId={coffee.id}", secret="s"
    )
    assert [hook.id for hook in farid.webhooks.list()] == [farid.webhooks.get(created.id).id] == [created.id]
    for place in (general, coffee):
        webex.type_as(webex.people()[0].id, place.conversation, "hello")
    assert [hook.url for hook in hooks] == [
        f"{HUB}/webhooks/webex/",
        f"{HUB}/webhooks/webex/",
        "https://bot.example/hook",
    ]
    mine = hooks[-1]
    (envelope,) = Webex.receive(
        Request("POST", mine.url, {name.lower(): value for name, value in mine.sign().items()}, {}, mine.body),
        Secrets("s"),
    )  # type: ignore[misc]
    assert envelope.reference.conversation == coffee.conversation
    assert b"secret" not in mine.body
    farid.webhooks.delete(created.id)
    assert not list(farid.webhooks.list())


def test_the_hubs_own_webhooks_are_there_from_the_start(webex: FakeWebex, service_user: WebexAPI) -> None:
    hooks = list(service_user.webhooks.list())
    assert {hook.resource for hook in hooks} == {"messages", "memberships", "rooms"}
    assert {(hook.targetUrl, hook.event) for hook in hooks} == {(f"{HUB}/webhooks/webex/", "all")}


def test_the_sdk_reads_a_refusal(farid: WebexAPI) -> None:
    with pytest.raises(ApiError, match="Could not find a room") as raised:
        farid.rooms.get("Y2lz")
    assert (raised.value.status_code, raised.value.tracking_id[:7]) == (404, "ROUTER_")


# --- Strictness


def test_a_request_without_a_known_token_is_refused(webex: FakeWebex) -> None:
    status, _, body = asked(webex, "GET", "https://webexapis.com/v1/people/me", {"Authorization": "Bearer x"})
    assert (status, json.loads(body)["message"][:28]) == (401, "The request requires a valid")


def test_a_missing_scope_is_refused(webex: FakeWebex) -> None:
    assert ask(webex, "GET", "/organizations")[0] == 403


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/people/me", 405), ("GET", "/messages", 400), ("GET", "/messages?roomId=x", 404), ("GET", "/messages/x", 404), ("GET", "/people", 400), ("GET", "/people/x", 404), ("GET", "/rooms?max=x", 400), ("GET", "/memberships?personId=x", 400), ("GET", "/webhooks/x", 404)])  # fmt: skip  # noqa: E501
def test_what_webex_does_not_serve_is_refused(webex: FakeWebex, method: str, path: str, status: int) -> None:
    assert ask(webex, method, path)[0] == status


def refused_posts(room: str) -> list[dict[str, Any]]:
    return [
        {"roomId": room},
        {"text": "x"},
        {"roomId": room, "toPersonEmail": "a@b.example", "text": "x"},
        {"roomId": room, "markdown": " "},
        {"roomId": room, "text": 3},
        {"roomId": room, "text": "é" * 3720},
        {"roomId": room, "markdown": "x" * 7440},
        {"roomId": room, "html": "<b>x</b>"},
        {"roomId": room, "text": "x", "parentId": "unknown"},
        {"toPersonId": 3, "text": "x"},
        {"roomId": room, "files": ["https://a.example/1", "https://a.example/2"]},
    ]


@pytest.mark.parametrize("number", range(len(refused_posts(""))))
def test_a_wrong_post_is_refused(webex: FakeWebex, number: int) -> None:
    assert ask(webex, "POST", "/messages", refused_posts(webex.places()[0].id)[number])[0] == 400


@pytest.mark.parametrize(("body", "kind", "status"), [(b"{", "application/json", 400), (b"[]", "application/json", 400), (b"x", "text/plain", 415), (b"x", "multipart/form-data", 400), (b"--b\r\nx\r\n--b--", "multipart/form-data; boundary=b", 400)])  # fmt: skip  # noqa: E501
def test_a_body_that_is_none_is_refused(webex: FakeWebex, body: bytes, kind: str, status: int) -> None:
    assert ask(webex, "POST", "/messages", body, kind)[0] == status


def test_the_longest_text_is_accepted_and_counted_in_bytes(webex: FakeWebex) -> None:
    room = webex.places()[0].id
    assert ask(webex, "POST", "/messages", {"roomId": room, "text": "é" * 3719})[0] == 200


def test_a_reply_to_a_reply_is_refused(webex: FakeWebex) -> None:
    room = webex.places()[0].id
    root = ask(webex, "POST", "/messages", {"roomId": room, "text": "root"})[1]["id"]
    reply = ask(webex, "POST", "/messages", {"roomId": room, "text": "reply", "parentId": root})[1]["id"]
    assert ask(webex, "POST", "/messages", {"roomId": room, "text": "no", "parentId": reply})[0] == 400


def test_a_form_is_a_body_too(webex: FakeWebex) -> None:
    body = f"roomId={webex.places()[0].id}&text=hi".encode()
    assert ask(webex, "POST", "/messages", body, "application/x-www-form-urlencoded")[1]["text"] == "hi"


def test_a_client_that_forgets_to_escape_shows_it(webex: FakeWebex) -> None:
    answer = ask(webex, "POST", "/messages", {"roomId": webex.places()[0].id, "markdown": "<b>x</b><script>y</script>"})
    assert answer[1]["html"] == "<p><b>x</b>y</p>"


@pytest.mark.parametrize("change", [{"resource": "teams"}, {"event": "seen"}, {"targetUrl": ""}, {"filter": "roomId=x"}, {"filter": "colour=red"}])  # fmt: skip  # noqa: E501
def test_a_wrong_webhook_is_refused(webex: FakeWebex, change: dict[str, str]) -> None:
    wanted = {"name": "n", "targetUrl": "https://a.example", "resource": "messages", "event": "created"}
    assert ask(webex, "POST", "/webhooks", wanted | change)[0] == 400


def test_nobody_touches_the_webhook_of_another(webex: FakeWebex, service_user: WebexAPI) -> None:
    hook = next(iter(service_user.webhooks.list()))
    assert ask(webex, "DELETE", f"/webhooks/{hook.id}")[0] == 400


# --- The world


def test_a_restarted_sandbox_is_the_same_world(webex: FakeWebex) -> None:
    again = FakeWebex(SECRETS, HUB)
    assert (again.people(), again.places(), again.credentials()) == (
        webex.people(),
        webex.places(),
        webex.credentials(),
    )
    assert again.credentials().tokens == webex.credentials().tokens


def test_ids_of_messages_never_repeat(webex: FakeWebex) -> None:
    place, person = webex.places()[0], webex.people()[0]
    assert len({webex.type_as(person.id, place.conversation, "x") for _ in range(200)}) == 200


def test_old_messages_are_forgotten(webex: FakeWebex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_company, "MOST_MESSAGES", 3)
    place, person = webex.places()[0], webex.people()[0]
    typed = [webex.type_as(person.id, place.conversation, str(number)) for number in range(5)]
    assert [shown.id for shown in webex.shown(place.conversation)] == typed[2:]
    assert ask(webex, "GET", f"/messages/{typed[0]}")[0] == 404


def test_what_is_shown_holds_no_markup_of_a_person(webex: FakeWebex) -> None:
    place, person = webex.places()[0], webex.people()[0]
    webex.type_as(person.id, place.conversation, "<script>alert(1)</script> **b** `<i>`")
    assert webex.shown(place.conversation)[0].html == (
        "<p>&lt;script&gt;alert(1)&lt;/script&gt; <strong>b</strong> <code>&lt;i&gt;</code></p>"
    )


# --- The specification


ANSWERS = {
    "/people/me": "Person",
    "/people?email=farid@acme.example": "PersonCollectionResponse",
    "/rooms": "RoomCollectionResponse",
    "/memberships": "MembershipCollectionResponse",
    "/memberships?roomId={room}": "MembershipCollectionResponse",
    "/teams": "TeamCollectionResponse",
    "/team/memberships?teamId={team}": "TeamMembershipCollectionResponse",
    "/messages?roomId={room}": "ListMessageCollectionResponse",
    "/messages/{message}": "ListMessage",
    "/webhooks": "WebhookCollectionResponse",
}


@pytest.mark.skipif(not SPECIFICATION.exists(), reason="the published specification is not at hand")
@pytest.mark.parametrize("path", ANSWERS)
def test_answers_are_as_specified(webex: FakeWebex, path: str) -> None:
    room = webex.places()[0]
    message = webex.type_as(webex.people()[0].id, room.conversation, "Hi @Farid Haddad and @all\n\n- x")
    hook = {"name": "n", "targetUrl": "https://a.example", "resource": "messages", "event": "created"}
    ask(webex, "POST", "/webhooks", hook)
    status, answer = ask(webex, "GET", path.format(room=room.id, message=message, team=webex.team))
    assert (status, "items" not in answer or len(answer["items"]) > 0) == (200, True)
    assert_as_specified(answer, ANSWERS[path])


@pytest.mark.skipif(not SPECIFICATION.exists(), reason="the published specification is not at hand")
def test_a_created_message_is_as_specified(webex: FakeWebex) -> None:
    room = webex.places()[0].id
    posted = ask(webex, "POST", "/messages", {"roomId": room, "markdown": "**x** <@all>"})[1]
    assert_as_specified(posted, "ListMessage")
    edited = ask(webex, "PUT", f"/messages/{posted['id']}", {"roomId": room, "markdown": "y"})[1]
    assert_as_specified(edited, "ListMessage")


@pytest.mark.skipif(not SPECIFICATION.exists(), reason="the published specification is not at hand")
def test_a_changed_space_is_as_specified(webex: FakeWebex) -> None:
    changed = ask(webex, "PUT", f"/rooms/{webex.places()[0].id}", {"title": "x", "description": "y"})[1]
    assert (changed["title"], changed["description"]) == ("x", "y")
    assert_as_specified(changed, "Room")


def assert_as_specified(answer: Any, schema: str) -> None:
    specification = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    wanted = {"$ref": f"#/components/schemas/{schema}", "components": specification["components"]}
    OAS30Validator(wanted).validate(answer)
    item = specification["components"]["schemas"][schema]["properties"]
    known = item["items"]["items"].get("$ref", "").rpartition("/")[2] if "items" in item else schema
    fields = specification["components"]["schemas"].get(known, {"properties": item})["properties"]
    for one in answer.get("items", [answer]):
        assert one.keys() <= fields.keys() | {"appId", "createdBy", "orgId"}, (
            "fields that the specification does not know"
        )
