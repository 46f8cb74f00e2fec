"""The fake Zoom: strict where the reference is, and true to Zoom's own specification."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connectors.contract import Credentials, Reply, Request
from connectors.errors import ConnectorError
from connectors.html import escape
from connectors.messages import AccountId, Byline, ConversationId, Draft, Kind, Reference
from connectors.richtext import Mention, plain
from connectors.sandbox import Webhook
from connectors.zoom import answers, client, client_files, directory, judging, managing, names
from connectors.zoom.connector import Zoom
from connectors.zoom.sandbox import SERVICE_USER, FakeZoom
from connectors.zoom.sandbox_company import ACCOUNT
from connectors.zoom.sandbox_routes import ROUTES
from connectors.zoom.sandbox_tokens import ADMIN_SCOPES, Token
from tests.connectors.zoom.scene import (
    SECRETS,
    SEND,
    Now,
    answered,
    ask,
    hear,
    needs_specs,
    operation,
    run,
    said,
    specification,
    strict,
)


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
    basic = base64.b64encode(f"{fake.app.client_id}:{fake.app.client_secret}".encode()).decode()
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


PLACES: dict[str, Callable[[FakeZoom], str]] = {
    "{fileId}": lambda fake: next(iter(fake.files_kept.stored)),
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
        *("/chat/users/{userId}/messages/{messageId}", "/chat/files/{fileId}"),
    ],
)
def test_every_answer_is_as_the_specification_says(fake: FakeZoom, general: ConversationId, path: str) -> None:
    fake.add_outsider("Ben Outside")
    message = fake.type_as("Hugo Brandt", general, "**bold** @Grace Liu [x](https://acme.example)")
    fake.react_as("Ben Outside", general, message, "👍", on=True)
    fake.share_as("Hugo Brandt", general, "a.png", b"x")
    real = re.sub(r"\{\w+\}", lambda found: PLACES[found[0]](fake), path)
    query = {"to_channel": general} if "messages" in path else {}
    reader = fake.people()[0].token if "files" in path else ""
    status, body = ask(fake, "GET", real, token=reader, **query)
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
    rename, change = next(zoom.rename(general, "x")), operation("PATCH", "/chat/users/{userId}/channels/{channelId}")
    Draft202012Validator(strict(change["requestBody"]["content"]["application/json"]["schema"])).validate(rename.json)


@needs_specs
def test_every_event_is_as_the_specification_says(
    fake: FakeZoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.families = ("team_chat", "chat_message")
    ben = fake.add_outsider("Ben Outside")
    root = fake.type_as("Hugo Brandt", general, "**bold** @Grace Liu [x](https://acme.example)")
    fake.type_as(ben.id, general, "hello")
    ask(fake, "POST", "/chat/users/me/messages", {"message": "r", "to_channel": general, "reply_main_message_id": root})
    assert len(webhooks) == 5, "an outsider's message is told by one family only"
    fake.share_as("Hugo Brandt", general, "a.png", b"x", "see")
    fake.mention_app_as("Hugo Brandt", general, "help")
    fake.edit_as("Hugo Brandt", general, root, "@all **bold**")
    fake.react_as("Hugo Brandt", general, root, "👍🏽", on=True)
    fake.react_as("Hugo Brandt", general, root, "👍🏽", on=False)
    fake.delete_as("Hugo Brandt", general, root)
    fake.leave_as("Hugo Brandt", general)
    fake.join_as("Hugo Brandt", general)
    fake.invite_as("Hugo Brandt", general, "Grace Liu")
    fake.invite_as("Hugo Brandt", general, "Grace Liu", here=False)
    fake.rename_as("Hugo Brandt", general, "new")
    fake.archive_as("Hugo Brandt", general)
    fake.archive_as("Hugo Brandt", general, archived=False)
    fake.command_as("Hugo Brandt", general, "help")
    fake.tell_app_as("Hugo Brandt", "help")
    fake.drop_as("Hugo Brandt", fake.open_as("Hugo Brandt", "brief"))
    fake.add_person("Ida Novak", "ida@acme.example")
    fake.remove_person("Ida Novak")
    events = specification("events.json")
    assert len({json.loads(webhook.body)["event"] for webhook in webhooks}) == 22
    for webhook in webhooks:
        body = json.loads(webhook.body)
        schema = strict(events[body["event"]]["schema"])
        schema["properties"]["event_ts"] = {"type": "integer"}  # some pages say text: scalars change type (§2.5)
        payload = schema["properties"]["payload"]["properties"]
        if item := payload.get("object"):
            item["required"] = [name for name in item["required"] if not name.startswith("contact_")]
            item["properties"] = {name: {} for name in item["required"]} | item["properties"]
        else:
            payload["userMemberId"] = {"type": "string"}  # in the reference, not in the published schema
        Draft202012Validator(schema).validate(body)


@needs_specs
def test_the_scopes_are_those_of_the_specification() -> None:
    for route in ROUTES:
        path = re.sub(r"\(\?P<(user|channel|message|file)>[^)]*\)", r"{\1Id}", route.pattern.pattern)
        path = path.replace("(?P<identifier>[^/]+)", "{identifier}")
        known = operation(route.method, path.removeprefix("/v2"))
        assert set(route.scopes) <= {*known["x-classic-scopes"], *known.get("x-granular-scopes", ())}, path
    for scopes, method, path in (
        (client.SEND, "POST", "/chat/users/{userId}/messages"),
        (client.LIST, "GET", "/chat/users/{userId}/messages"),
        (client.READ, "GET", "/chat/users/{userId}/messages/{messageId}"),
        (client.EDIT, "PUT", "/chat/users/{userId}/messages/{messageId}"),
        (client.DELETE, "DELETE", "/chat/users/{userId}/messages/{messageId}"),
        (client.REACT, "PATCH", "/chat/users/{userId}/messages/{messageId}/emoji_reactions"),
        (client_files.STORE, "POST", "/chat/users/{userId}/files"),
        (client_files.SHARE, "POST", "/chat/users/{userId}/messages/files"),
        (answers.SPEAK, "POST", "/im/chat/messages"),
        (directory.MEMBERS, "GET", "/chat/users/{userId}/channels/{channelId}/members"),
        (directory.PEOPLE, "GET", "/users"),
        (directory.OURS, "GET", "/chat/users/{userId}/channels"),
        (directory.PUBLIC, "GET", "/chat/channels"),
        (directory.CHANNEL, "GET", "/chat/users/{userId}/channels/{channelId}"),
        (directory.ANY_CHANNEL, "GET", "/chat/channels/{channelId}"),
        (managing.CREATE, "POST", "/chat/users/{userId}/channels"),
        (managing.ADD, "POST", "/chat/users/{userId}/channels/{channelId}/members"),
        (managing.REMOVE, "DELETE", "/chat/users/{userId}/channels/{channelId}/members/{identifier}"),
        (names.CHANGE, "PATCH", "/chat/users/{userId}/channels/{channelId}"),
        (client.WHO, "GET", "/users/{userId}"),
    ):
        known = operation(method, path)
        assert set(scopes) <= {*known["x-classic-scopes"], *known.get("x-granular-scopes", ())}, path


@needs_specs
def test_every_error_code_that_zoom_documents_for_our_calls_has_a_meaning() -> None:
    errors = specification("errors.json")
    messages = "/chat/users/{userId}/messages"
    calls = [f"POST {messages}", f"GET {messages}", f"POST {messages}/files", "POST /chat/users/{userId}/files"]
    calls += [f"{method} {messages}/{{messageId}}" for method in ("GET", "PUT", "DELETE")]
    calls += [f"PATCH {messages}/{{messageId}}/emoji_reactions", "POST /im/chat/messages", "GET /users/{userId}"]
    channels = "/chat/users/{userId}/channels"
    calls += [
        "GET /users",
        "GET /chat/channels",
        "GET /chat/channels/{channelId}",
        f"POST {channels}",
        f"GET {channels}",
    ]
    calls += [f"{method} {channels}/{{channelId}}" for method in ("GET", "PATCH")]
    calls += [f"{method} {channels}/{{channelId}}/members" for method in ("GET", "POST")]
    calls += [f"DELETE {channels}/{{channelId}}/members/{{identifier}}"]
    for call in calls:
        for error in errors[call]:
            with pytest.raises(ConnectorError, match="Zoom code"):
                judging.judge(SEND, answered(error["http"], error))


def test_credentials_hide_their_tokens(fake: FakeZoom) -> None:
    credentials: Credentials = fake.credentials()
    assert credentials.tokens["admin"] not in repr(credentials)
