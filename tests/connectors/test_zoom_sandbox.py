"""The fake Zoom, and our client against it: strict where the reference is, and true to Zoom's own specification."""

import base64
import json
import re
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from jsonschema import Draft202012Validator

from connectors.calls import Call, Response, T
from connectors.contract import Credentials, Reply, Request
from connectors.errors import ConnectorError, Gone, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.html import escape
from connectors.http import AnswerLost, Outgoing, drive_blocking
from connectors.messages import AccountId, Byline, ConversationId, Draft, Kind, MessageId, Posted, Reference
from connectors.richtext import Document, Mention, Paragraph, Text, document, mentions, plain
from connectors.sandbox import Webhook
from connectors.zoom import client
from connectors.zoom.connector import Secrets, Zoom
from connectors.zoom.sandbox import SERVICE_USER, FakeZoom
from connectors.zoom.sandbox_api import ROUTES
from connectors.zoom.sandbox_company import ACCOUNT
from connectors.zoom.sandbox_tokens import ADMIN_SCOPES, Token

SECRETS = Secrets("miohub-zoom-secret")
SPECS = Path(__file__).parents[3] / "shared" / "specs" / "zoom"
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="Zoom's specification is not at hand")


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def fake(now: Now) -> FakeZoom:
    return FakeZoom(SECRETS, "https://hub.example.com", now)


@pytest.fixture
def webhooks(fake: FakeZoom) -> list[Webhook]:
    sent: list[Webhook] = []
    fake.deliver = sent.append
    return sent


@pytest.fixture
def zoom(fake: FakeZoom) -> Zoom:
    return Zoom(fake.credentials())


@pytest.fixture
def general(fake: FakeZoom) -> ConversationId:
    return fake.places()[0].conversation


def carried(fake: FakeZoom, outgoing: Outgoing) -> Response:
    url = urlsplit(outgoing.url)
    headers = {name.lower(): value for name, value in outgoing.headers.items()}
    query = dict(parse_qsl(url.query))
    address = f"https://{url.netloc}{url.path}"
    return fake.handle(Request(outgoing.method, address, headers, query, outgoing.body or b""))


def run(fake: FakeZoom, zoom: Zoom, calls: Generator[Call, Response, T]) -> T:
    return drive_blocking(calls, lambda outgoing: carried(fake, outgoing), zoom.credentials)


def ask(fake: FakeZoom, method: str, path: str, body: Any = None, token: str = "", **query: str) -> tuple[int, Any]:
    token = token or fake.credentials().tokens["admin"]
    raw = b"" if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}"}
    response = fake.handle(Request(method, f"https://api.zoom.us/v2{path}", headers, query, raw))
    return response.status, json.loads(response.body)


def said(text: str, *first: Mention) -> Document:
    return document([Paragraph((*first, Text(text)))])


def hear(webhook: Webhook, zoom: Zoom) -> Posted:
    envelopes = Zoom.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), SECRETS)
    assert isinstance(envelopes, list)
    assert envelopes[0].workspace == zoom.credentials.workspace
    assert envelopes[0].content is not None
    event = zoom.parse(envelopes[0].content, envelopes[0].reference)
    assert isinstance(event, Posted)
    return event


# --- Our client


def test_what_we_post_comes_back_as_an_event_and_is_found_again(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    grace = fake.people()[1]
    body = said(" hello", Mention("Grace Liu", AccountId(grace.id), "grace@acme.example"))
    rendered = zoom.parts(Draft(general, body, "n", Byline("Ann Moreau", "Slack")))[0]
    since = datetime.now(UTC)
    message = run(fake, zoom, zoom.post(rendered))
    echo = hear(webhooks[0], zoom).message
    assert (echo.id, echo.author) == (message, SERVICE_USER.id)
    assert echo.author in zoom.own_accounts
    assert [mention.account for mention in mentions(echo.body)] == [grace.id]
    assert run(fake, zoom, zoom.find(rendered, since)) == [message]
    assert run(fake, zoom, zoom.find(rendered, since + timedelta(minutes=1))) == []


def test_only_our_own_posts_of_the_same_text_are_found(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, now: Now
) -> None:
    rendered = zoom.render(Draft(general, said("same"), "n"))
    since = datetime.fromtimestamp(now(), UTC)
    fake.type_as(fake.people()[0].id, general, "same")
    ours = []
    for _ in range(60):
        now.at += 1
        ours.append(run(fake, zoom, zoom.post(rendered)))
        run(fake, zoom, zoom.post(zoom.render(Draft(general, said("other"), "n"))))
    assert run(fake, zoom, zoom.find(rendered, since)) == ours, "over several pages, oldest first"


def test_a_fetched_message_reads_like_the_event(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.type_as("Carla Jensen", general, "**Hi** @Hugo Brandt, see [it](https://acme.example) :tada:\n\n- a\n- b")
    heard = hear(webhooks[0], zoom).message
    reference = Reference(Kind.POSTED, general, heard.id)
    fetched = zoom.parse(run(fake, zoom, zoom.fetch(reference)), reference)
    assert isinstance(fetched, Posted)
    assert replace(fetched.message, author_name="") == heard
    assert fetched.message.author_name == "Carla Jensen"
    assert "🎉" in plain(heard.body)


def test_a_fetched_message_of_an_outsider_is_theirs(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    ben = fake.add_outsider("Ben Outside")
    message = fake.type_as(ben.id, general, "hello from next door")
    reference = Reference(Kind.POSTED, general, message)
    fetched = zoom.parse(run(fake, zoom, zoom.fetch(reference)), reference)
    assert isinstance(fetched, Posted)
    assert fetched.message.author == f"member:{ben.id}"


def test_a_message_that_is_not_there_is_gone(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    for conversation in (general, ConversationId("elsewhere")):
        with pytest.raises(Gone):
            run(fake, zoom, zoom.fetch(Reference(Kind.POSTED, conversation, MessageId("NONE"))))


def test_accounts_are_looked_up_and_outsiders_are_not(fake: FakeZoom, zoom: Zoom) -> None:
    for account in fake.directory():
        assert run(fake, zoom, zoom.account(account.id)) == account
    for unknown in (AccountId("nobody"), AccountId("member:aQ8")):
        with pytest.raises(Gone):
            run(fake, zoom, zoom.account(unknown))


def test_a_message_too_long_is_refused(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    with pytest.raises(Refused):
        run(fake, zoom, zoom.post(zoom.render(Draft(general, said("x" * 1025), "n"))))


def answered(status: int, body: Any = None, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


SEND = Call("POST", "https://api.zoom.us/v2/x", repeatable=False)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answered(401, {"code": 124, "message": "Invalid access token."}), Reconnect),
        (answered(400, {"code": 124, "message": "Access token is expired."}), Reconnect),
        (answered(403, {"code": 403, "message": "x"}), Reconnect),
        (answered(401, {"code": 7010, "message": "x"}), Reconnect),
        (answered(400, {"code": 200, "message": "x"}), Refused),
        (answered(400, {"code": 300, "message": "x"}), Refused),
        (answered(404, {"code": 1001, "message": "x"}), Gone),
        (answered(404, {"code": 4130, "message": "x"}), Gone),
        (answered(400, {"code": 5301, "message": "x"}), Unavailable),
        *((answered(400, {"code": code, "message": "x"}), Refused) for code in (5402, 5403, 5418, 5419, 5420, 5421)),
        (answered(400, {"code": 999999, "message": "x"}), Refused),
        (answered(400, b"<html>"), Refused),
        (answered(404, b""), Gone),
        (answered(500, {"code": 124, "message": "x"}), Unsure),
        (answered(503, b"<html>"), Unsure),
        (answered(429, b""), RateLimited),
    ],
)
def test_an_error_means_what_zoom_says(response: Response, error: type[ConnectorError]) -> None:
    with pytest.raises(error) as caught:
        client.judge(SEND, response)
    assert type(caught.value) is error


@pytest.mark.parametrize("code", [4700, 4711])
def test_a_missing_scope_is_named(code: int) -> None:
    message = "Invalid access token, does not contain scopes:[team_chat:write:user_message, chat:x:admin]."
    with pytest.raises(Reconnect, match="team_chat:write:user_message, chat:x:admin"):
        client.judge(SEND, answered(400, {"code": code, "message": message}))


def test_the_words_of_an_unknown_error_are_not_repeated() -> None:
    with pytest.raises(Refused) as caught:
        client.judge(SEND, answered(400, {"code": 300, "message": "a secret plan"}))
    assert "secret" not in str(caught.value)


def pause(**headers: str) -> float:
    with pytest.raises(RateLimited) as caught:
        client.judge(SEND, answered(429, {"code": 429, "message": "x"}, **headers))
    return caught.value.after


def test_retry_after_is_understood_in_both_forms() -> None:
    tomorrow = (datetime.now(UTC) + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert pause(retry_after="7") == 7
    assert pause(x_ratelimit_type="QPS") == client.BURST_PAUSE
    assert 5 * 3600 - 5 < pause(x_ratelimit_type="Daily-limit", retry_after=tomorrow) <= 5 * 3600
    assert pause(x_ratelimit_type="Daily-limit") == client.DAILY_PAUSE
    assert pause(retry_after="inf") == client.LONGEST_PAUSE
    assert pause(retry_after="2000-01-01T00:00:00Z") == 1


def test_a_post_whose_answer_is_lost_is_unsure(zoom: Zoom, general: ConversationId) -> None:
    def lost(outgoing: Outgoing) -> Response:
        raise AnswerLost

    with pytest.raises(Unsure):
        drive_blocking(zoom.post(zoom.render(Draft(general, said("x"), "n"))), lost, zoom.credentials)


def test_a_post_whose_id_cannot_be_read_is_unsure(zoom: Zoom, general: ConversationId) -> None:
    for body in (b"<html>", b"{}", b"[]"):
        with pytest.raises(Unsure):
            drive_blocking(
                zoom.post(zoom.render(Draft(general, said("x"), "n"))),
                lambda outgoing, body=body: Response(201, body),
                zoom.credentials,
            )


def test_a_search_whose_answer_cannot_be_read_does_not_say_that_nothing_is_there(
    zoom: Zoom, general: ConversationId
) -> None:
    for body in (b"<html>", b"{}", b"[]"):
        with pytest.raises(Unavailable):
            drive_blocking(
                zoom.find(zoom.render(Draft(general, said("x"), "n")), datetime.now(UTC)),
                lambda outgoing, body=body: Response(200, body),
                zoom.credentials,
            )


def test_a_search_needs_the_service_users_address(zoom: Zoom, general: ConversationId) -> None:
    nameless = Zoom(replace(zoom.credentials, extra={}))
    with pytest.raises(Reconnect):
        next(nameless.find(nameless.render(Draft(general, said("x"), "n")), datetime.now(UTC)))


# --- The fake's strictness


def test_a_token_must_be_known_and_fresh(fake: FakeZoom, now: Now) -> None:
    assert ask(fake, "GET", "/users", token="nonsense") == (401, {"code": 124, "message": "Invalid access token."})
    fake.tokens.known["short"] = Token(SERVICE_USER, ADMIN_SCOPES, expires=now() + 10)
    assert ask(fake, "GET", "/users", token="short")[0] == 200
    now.at += 11
    assert ask(fake, "GET", "/users", token="short") == (401, {"code": 124, "message": "Access token is expired."})


def test_a_missing_scope_is_refused_with_its_names(fake: FakeZoom) -> None:
    fake.tokens.known["bot"] = Token(SERVICE_USER, frozenset({"imchat:bot"}))
    status, error = ask(fake, "POST", f"/chat/users/{SERVICE_USER.id}/messages", {}, "bot")
    assert (status, error["code"]) == (400, 4711)
    assert "[chat_message:write:admin, team_chat:write:user_message:admin]" in error["message"]


def test_granular_scopes_serve_as_well(fake: FakeZoom) -> None:
    fake.tokens.known["granular"] = Token(SERVICE_USER, frozenset({"user:read:list_users:admin"}))
    assert ask(fake, "GET", "/users", token="granular")[0] == 200
    assert ask(fake, "GET", "/users/me", token="granular")[1]["code"] == 4711


def test_a_person_acts_only_as_me(fake: FakeZoom, general: ConversationId, webhooks: list[Webhook]) -> None:
    carla = fake.people()[0]
    body = {"message": "as myself", "to_channel": general}
    assert ask(fake, "POST", f"/chat/users/{SERVICE_USER.id}/messages", body, carla.token)[0] == 403
    assert ask(fake, "POST", "/chat/users/me/messages", body, carla.token)[0] == 201
    assert json.loads(webhooks[0].body)["payload"]["operator_id"] == carla.id
    assert ask(fake, "GET", "/users/me", token=carla.token)[1]["id"] == carla.id
    assert ask(fake, "GET", "/users", token=carla.token)[1]["users"]


def test_the_account_wide_list_is_not_for_persons(fake: FakeZoom) -> None:
    assert ask(fake, "GET", "/chat/channels", token=fake.people()[0].token)[1]["code"] == 4711


def test_an_unknown_endpoint_is_not_recognised(fake: FakeZoom) -> None:
    assert ask(fake, "GET", "/chat/nonsense")[0] == 404
    assert ask(fake, "DELETE", "/users")[0] == 404


def test_who_is_not_a_member_finds_no_channel(fake: FakeZoom, general: ConversationId) -> None:
    fake.rooms[general].members.remove(SERVICE_USER)
    status, error = ask(fake, "POST", "/chat/users/me/messages", {"message": "x", "to_channel": general})
    assert (status, error["code"]) == (404, 4130)


@pytest.mark.parametrize(
    "more",
    [
        {"message": ""},
        {"message": 7},
        {"message": "👍" * 513},
        {"rich_text": [{"start_position": 0, "end_position": 3, "format_type": "Bold"}]},
        {"rich_text": [{"start_position": 0, "end_position": 3, "format_type": "Code", "format_attr": ""}]},
        {"rich_text": [{"start_position": 0, "end_position": 99, "format_type": "Bold", "format_attr": ""}]},
        {"rich_text": [{"start_position": 0, "end_position": 3, "format_type": "AddLink", "format_attr": "mailto:x"}]},
        {"rich_text": {}},
        {"at_items": [{"at_type": 1, "at_contact": "nobody@acme.example", "start_position": 0, "end_position": 2}]},
        {"at_items": [{"at_type": 1, "at_contact": "grace@acme.example", "start_position": 1, "end_position": 2}]},
        {"at_items": [{"at_type": 1, "at_contact": SERVICE_USER.id, "start_position": 0, "end_position": 2}]},
        {"reply_main_message_id": "none"},
    ],
)
def test_what_zoom_would_refuse_is_refused(fake: FakeZoom, general: ConversationId, more: dict[str, Any]) -> None:
    status, error = ask(fake, "POST", "/chat/users/me/messages", {"message": "@Jo", "to_channel": general} | more)
    assert (status, error["code"]) == (400, 300)


def test_a_reply_goes_to_the_first_message_only(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.families = ("team_chat", "chat_message")
    root = fake.type_as("Hugo Brandt", general, "root")
    body = {"message": "reply", "to_channel": general, "reply_main_message_id": root}
    status, reply = ask(fake, "POST", "/chat/users/me/messages", body)
    assert status == 201
    body["reply_main_message_id"] = reply["id"]
    assert ask(fake, "POST", "/chat/users/me/messages", body)[1]["code"] == 5402
    assert [json.loads(webhook.body)["event"] for webhook in webhooks] == [
        *("team_chat.channel_message_posted", "chat_message.sent"),
        *("team_chat.channel_message_posted", "chat_message.replied"),
    ]
    assert [hear(webhook, zoom).message.thread for webhook in webhooks] == [None, None, root, root]


def test_pages_are_small_and_their_tokens_expire(fake: FakeZoom, general: ConversationId, now: Now) -> None:
    for number in range(25):
        fake.type_as("Hugo Brandt", general, str(number))
    path = f"/chat/users/{SERVICE_USER.id}/messages"
    first = ask(fake, "GET", path, to_channel=general)[1]
    assert [message["message"] for message in first["messages"]] == [str(number) for number in range(24, 14, -1)]
    token = first["next_page_token"]
    second = ask(fake, "GET", path, to_channel=general, next_page_token=token)[1]
    assert second["messages"][0]["message"] == "14"
    assert ask(fake, "GET", path, to_channel=general, next_page_token=token, page_size="9")[1]["code"] == 300
    assert ask(fake, "GET", path, to_channel=general, page_size="51")[1]["code"] == 300
    now.at += 901
    assert ask(fake, "GET", path, to_channel=general, next_page_token=token)[1]["code"] == 300
    assert ask(fake, "GET", path, to_channel=general, **{"from": "2020-01-01T00:00:00Z"})[1]["code"] == 300


def token_call(fake: FakeZoom, **form: str) -> tuple[int, Any]:
    basic = base64.b64encode(f"{fake.tokens.client_id}:{fake.tokens.client_secret}".encode()).decode()
    request = Request("POST", "https://zoom.us/oauth/token", {"authorization": f"Basic {basic}"}, form, b"")
    response = fake.handle(request)
    return response.status, json.loads(response.body)


def test_refresh_tokens_are_single_use_and_access_tokens_expire(fake: FakeZoom, now: Now) -> None:
    first = next(iter(fake.tokens.refresh))
    status, pair = token_call(fake, grant_type="refresh_token", refresh_token=first)
    assert status == 200
    assert ask(fake, "GET", "/users/me", token=pair["access_token"])[0] == 200
    dead = token_call(fake, grant_type="refresh_token", refresh_token=first)
    assert dead == (400, {"reason": "Invalid Token!", "error": "invalid_grant"})
    assert token_call(fake, grant_type="refresh_token", refresh_token=pair["refresh_token"])[0] == 200
    now.at += 3600
    assert ask(fake, "GET", "/users/me", token=pair["access_token"])[1]["code"] == 124


def test_the_other_grants_give_what_they_are_for(fake: FakeZoom) -> None:
    assert token_call(fake, grant_type="client_credentials")[1]["scope"] == "imchat:bot"
    assert (
        "chat_message:write:admin" in token_call(fake, grant_type="account_credentials", account_id=ACCOUNT)[1]["scope"]
    )
    assert token_call(fake, grant_type="account_credentials", account_id="x")[0] == 400
    assert token_call(fake, grant_type="password")[1]["error"] == "unsupported_grant_type"
    unknown = fake.handle(Request("POST", "https://zoom.us/oauth/token", {"authorization": "Basic eDp5"}, {}, b""))
    assert unknown.status == 401


def test_the_hub_answers_the_fakes_validation(fake: FakeZoom, webhooks: list[Webhook]) -> None:
    fake.revalidate()
    request = Request("POST", webhooks[0].url, webhooks[0].sign(), {}, webhooks[0].body)
    assert isinstance(Zoom.receive(request, SECRETS), Reply)


def test_a_webhook_sent_again_keeps_its_request_id_and_is_signed_anew(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], now: Now
) -> None:
    now.at -= 200
    fake.type_as("Hugo Brandt", general, "Grüße ✓ 👍🏽")
    first = webhooks[0].sign()
    now.at += 200
    again = webhooks[0].sign()
    assert first["x-zm-request-id"] == again["x-zm-request-id"]
    assert first["x-zm-signature"] != again["x-zm-signature"]
    assert "Grüße ✓ 👍🏽".encode() in webhooks[0].body
    assert plain(hear(webhooks[0], zoom).message.body) == "Grüße ✓ 👍🏽"


def test_ids_in_braces_are_the_same_ids(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.braces = True
    posted = run(fake, zoom, zoom.post(zoom.render(Draft(general, said("x"), "n"))))
    assert posted == hear(webhooks[0], zoom).message.id
    assert re.fullmatch("[0-9A-F-]{36}", posted)
    assert run(fake, zoom, zoom.fetch(Reference(Kind.POSTED, general, posted)))["message"] == "x"


def test_the_client_shows_what_was_typed_and_nothing_becomes_html(fake: FakeZoom, general: ConversationId) -> None:
    fake.type_as("Hugo Brandt", general, "**bold** <script>alert(1)</script> @Grace Liu\n\n```\ncode\n```")
    shown = fake.shown(general)[0]
    assert (shown.author, shown.is_app) == ("Hugo Brandt", False)
    assert "<strong>bold</strong>" in shown.html
    assert escape("<script>") in shown.html
    assert '<span class="mention">@Grace Liu</span>' in shown.html
    assert "<pre>" in shown.html


def test_a_restarted_sandbox_is_the_same_world(fake: FakeZoom, now: Now) -> None:
    again = FakeZoom(SECRETS, "https://hub.example.com", now)
    assert (again.people(), again.places(), again.directory()) == (fake.people(), fake.places(), fake.directory())
    assert again.credentials() == fake.credentials()
    assert again.add_place("extra").conversation == fake.add_place("extra").conversation


# --- Against Zoom's own specification


def specification(name: str) -> Any:
    return json.loads((SPECS / name).read_text(encoding="utf-8"))


def operation(method: str, path: str) -> Any:
    paths = {**specification("team-chat.openapi.json")["paths"], **specification("users-subset.openapi.json")["paths"]}
    return paths[path][method.lower()]


def strict(schema: Any) -> Any:
    """Objects may hold nothing that the specification does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: strict(part) for name, part in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        schema["additionalProperties"] = False
    return schema


PLACES: dict[str, Callable[[FakeZoom], str]] = {
    "{userId}": lambda fake: SERVICE_USER.id,
    "{channelId}": lambda fake: fake.places()[0].id,
    "{messageId}": lambda fake: fake.type_as("Hugo Brandt", fake.places()[0].conversation, "**a** @Grace Liu"),
}


@needs_specs
@pytest.mark.parametrize(
    "path",
    [
        *("/users", "/users/{userId}", "/chat/channels", "/chat/users/{userId}/channels", "/chat/channels/{channelId}"),
        *("/chat/users/{userId}/channels/{channelId}", "/chat/channels/{channelId}/members"),
        *("/chat/users/{userId}/channels/{channelId}/members", "/chat/users/{userId}/messages"),
        "/chat/users/{userId}/messages/{messageId}",
    ],
)
def test_every_answer_is_as_the_specification_says(fake: FakeZoom, general: ConversationId, path: str) -> None:
    fake.add_outsider("Ben Outside")
    fake.type_as("Hugo Brandt", general, "**bold** @Grace Liu [x](https://acme.example)")
    real = re.sub(r"\{\w+\}", lambda found: PLACES[found[0]](fake), path)
    query = {"to_channel": general} if "messages" in path else {}
    status, body = ask(fake, "GET", real, **query)
    assert status == 200
    schema = operation("GET", path)["responses"]["200"]["content"]["application/json"]["schema"]
    Draft202012Validator(schema if "allOf" in schema else strict(schema)).validate(body)


@needs_specs
def test_what_we_send_and_its_answer_are_as_the_specification_says(
    fake: FakeZoom, zoom: Zoom, general: ConversationId
) -> None:
    body = said(" hi", Mention("Grace Liu", AccountId("x"), "grace@acme.example"))
    sent = zoom.render(Draft(general, body, "n", Byline("Ann Moreau", "Slack"))).payload
    send = operation("POST", "/chat/users/{userId}/messages")
    request = strict(send["requestBody"]["content"]["application/json"]["schema"])
    request["properties"]["at_items"]["items"]["properties"]["at_contact"] = {"type": "string"}
    Draft202012Validator(request).validate(sent)
    status, answer = ask(fake, "POST", "/chat/users/me/messages", sent)
    assert status == 201
    Draft202012Validator(strict(send["responses"]["201"]["content"]["application/json"]["schema"])).validate(answer)


@needs_specs
def test_every_event_is_as_the_specification_says(
    fake: FakeZoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.families = ("team_chat", "chat_message")
    ben = fake.add_outsider("Ben Outside")
    root = fake.type_as("Hugo Brandt", general, "**bold** @Grace Liu [x](https://acme.example)")
    fake.type_as(ben.id, general, "hello")
    ask(fake, "POST", "/chat/users/me/messages", {"message": "r", "to_channel": general, "reply_main_message_id": root})
    events = specification("events.json")
    assert len(webhooks) == 5, "an outsider's message is told by one family only"
    for webhook in webhooks:
        body = json.loads(webhook.body)
        schema = strict(events[body["event"]]["schema"])
        item = schema["properties"]["payload"]["properties"]["object"]
        item["required"] = [name for name in item["required"] if not name.startswith("contact_")]
        Draft202012Validator(schema).validate(body)


@needs_specs
def test_the_scopes_are_those_of_the_specification() -> None:
    for method, pattern, scopes, _ in ROUTES:
        path = re.sub(r"\(\?P<(user|channel|message)>[^)]*\)", r"{\1Id}", pattern.pattern).removeprefix("/v2")
        known = operation(method, path)
        assert set(scopes) <= {*known["x-classic-scopes"], *known["x-granular-scopes"]}, path
    for scopes, method, path in (
        (client.SEND, "POST", "/chat/users/{userId}/messages"),
        (client.LIST, "GET", "/chat/users/{userId}/messages"),
        (client.READ, "GET", "/chat/users/{userId}/messages/{messageId}"),
        (client.WHO, "GET", "/users/{userId}"),
    ):
        known = operation(method, path)
        assert set(scopes) <= {*known["x-classic-scopes"], *known["x-granular-scopes"]}, path


@needs_specs
def test_every_error_code_that_zoom_documents_for_our_calls_has_a_meaning() -> None:
    errors = specification("errors.json")
    for call in ("POST /chat/users/{userId}/messages", "GET /chat/users/{userId}/messages", "GET /users/{userId}"):
        for error in errors[call]:
            with pytest.raises(ConnectorError, match="Zoom code"):
                client.judge(SEND, answered(error["http"], error))


def test_credentials_hide_their_tokens(fake: FakeZoom) -> None:
    credentials: Credentials = fake.credentials()
    assert credentials.tokens["admin"] not in repr(credentials)
