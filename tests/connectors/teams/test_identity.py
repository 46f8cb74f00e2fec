"""Microsoft's own SDK against the fake, unchanged, and the fake's answers against Microsoft's own description."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
import requests
import responses

from connectors.contract import Request
from connectors.sandbox import CAST
from connectors.teams.connector import Teams
from connectors.teams.ids import native_id
from connectors.teams.sandbox import FakeTeams
from connectors.teams.sandbox_channels import iso
from connectors.teams.sandbox_permissions import PERMISSIONS

SPECS = Path(__file__).parents[3] / "../shared/specs/teams"
GRAPH_SPEC, PERMISSION_SPEC = SPECS / "graph-v1.0-subset.openapi.json", SPECS / "permissions-by-endpoint.json"
REDIRECT = "https://hub.example/oauth/teams/callback"
SCOPES = ["ChannelMessage.Send", "ChannelMessage.Read.All"]
ANN = CAST[0]


class Clock:
    def __init__(self) -> None:
        self.now = 1_767_225_600.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fake() -> FakeTeams:
    return FakeTeams(Teams.Secrets("a key of ours"), "https://hub.example")


@pytest.fixture
def wire(fake: FakeTeams) -> Iterator[responses.RequestsMock]:
    """Everything that speaks through ``requests`` reaches the fake."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(request.url)
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        headers = {name.lower(): value for name, value in request.headers.items()}
        response = fake.handle(Request(request.method, request.url, headers, dict(parse_qsl(url.query)), body))
        return response.status, dict(response.headers), response.body

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST"):
            mock.add_callback(method, re.compile(r"https://(login|graph)\.microsoft.*"), callback=answer)
        yield mock


@pytest.fixture
def app(fake: FakeTeams, wire: responses.RequestsMock) -> msal.ConfidentialClientApplication:
    return application(fake)


def application(fake: FakeTeams, secret: str = "") -> msal.ConfidentialClientApplication:
    authority = f"https://login.microsoftonline.com/{fake.tenant}"
    return msal.ConfidentialClientApplication(
        fake.entra.client_id, client_credential=secret or fake.entra.client_secret, authority=authority
    )


def sign_in(app: msal.ConfidentialClientApplication, scopes: list[str] = SCOPES) -> dict[str, Any]:
    flow = app.initiate_auth_code_flow(scopes, redirect_uri=REDIRECT, login_hint=ANN.email)
    return app.acquire_token_by_auth_code_flow(flow, allowed(flow))


def allowed(flow: dict[str, Any]) -> dict[str, str]:
    """What the browser brings back once Ann has pressed Accept."""
    pressed = {"person": ANN.email, "decision": "allow"}
    back = requests.post(flow["auth_uri"], pressed, allow_redirects=False, timeout=5).headers["location"]
    return dict(parse_qsl(urlsplit(back).query))


def me(token: str) -> requests.Response:
    return requests.get("https://graph.microsoft.com/v1.0/me", headers={"Authorization": f"Bearer {token}"}, timeout=5)


def test_msal_gets_an_application_token_and_keeps_it(app: msal.ConfidentialClientApplication, fake: FakeTeams) -> None:
    first = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    again = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert (first["token_source"], again["token_source"]) == ("identity_provider", "cache")
    grant = fake.entra.grant_of(first["access_token"])
    assert grant is not None
    assert (grant.user, grant.permissions) == ("", fake.entra.app_roles)


def test_msal_signs_a_person_in(app: msal.ConfidentialClientApplication, fake: FakeTeams) -> None:
    result = sign_in(app)
    assert set(SCOPES) <= set(result["scope"].split())
    claims = result["id_token_claims"]
    assert (claims["tid"], claims["oid"], claims["name"]) == (fake.tenant, fake.people()[0].id, ANN.name)
    (account,) = app.get_accounts()
    assert account["home_account_id"] == f"{fake.people()[0].id}.{fake.tenant}"
    assert me(result["access_token"]).status_code == 403, "User.Read was not asked for"


def test_msal_refreshes_and_the_old_refresh_token_stays_valid(app: msal.ConfidentialClientApplication) -> None:
    result = sign_in(app, ["User.Read"])
    for _ in range(2):
        fresh = app.acquire_token_by_refresh_token(result["refresh_token"], ["User.Read"])
        assert me(fresh["access_token"]).json()["displayName"] == ANN.name
        assert fresh["refresh_token"] != result["refresh_token"]


def test_msal_takes_a_silent_token_from_the_account(app: msal.ConfidentialClientApplication) -> None:
    sign_in(app)
    (account,) = app.get_accounts()
    assert app.acquire_token_silent(SCOPES, account)["token_source"] == "cache"
    forced = app.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert forced["token_source"] == "identity_provider"


def test_a_scope_that_nobody_consented_to_is_refused(app: msal.ConfidentialClientApplication) -> None:
    refused = app.acquire_token_by_refresh_token(sign_in(app)["refresh_token"], ["Files.ReadWrite"])
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [65001])


def test_a_wrong_secret_is_refused(fake: FakeTeams, wire: responses.RequestsMock) -> None:
    refused = application(fake, "wrong").acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert refused["error"] == "invalid_client"


def test_a_code_works_once_and_only_with_its_verifier(app: msal.ConfidentialClientApplication) -> None:
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT, login_hint=ANN.email)
    params = allowed(flow)
    stolen = app.acquire_token_by_auth_code_flow({**flow, "code_verifier": "x" * 43}, params)
    assert stolen["error"] == "invalid_grant"
    assert app.acquire_token_by_auth_code_flow(flow, params)["error"] == "invalid_grant"


def test_without_a_hint_one_chooses_who_signs_in(app: msal.ConfidentialClientApplication) -> None:
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT)
    page = requests.get(flow["auth_uri"], allow_redirects=False, timeout=5)
    assert ANN.email in page.text
    assert requests.get(flow["auth_uri"].replace("hub.example", "evil.example"), timeout=5).status_code == 400


def test_a_json_body_is_no_token_request(fake: FakeTeams, wire: responses.RequestsMock) -> None:
    url = f"https://login.microsoftonline.com/{fake.tenant}/oauth2/v2.0/token"
    assert requests.post(url, json={"grant_type": "client_credentials"}, timeout=5).json()["error"] == "invalid_request"


def test_issued_tokens_expire() -> None:
    clock = Clock()
    fake = FakeTeams(Teams.Secrets("k"), "https://hub.example", clock)
    form = f"client_id={fake.entra.client_id}&client_secret={fake.entra.client_secret}&grant_type=client_credentials"
    form += "&scope=https://graph.microsoft.com/.default"
    url = f"https://login.microsoftonline.com/{fake.tenant}/oauth2/v2.0/token"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    token = json.loads(fake.handle(Request("POST", url, headers, {}, form.encode())).body)["access_token"]
    assert fake.entra.grant_of(token)
    clock.now += 3601
    assert fake.entra.grant_of(token) is None


# What Microsoft publishes about Graph

UNDESCRIBED = {"tenantId", "tag"}
"""Graph sends an identity's tenant and a mention's tag (reference §3.1), though its metadata does not list them there."""
LEFT_OUT = {"/me/transitiveMemberOf", "/groups", "/groups/{group-id}/transitiveMembers"}
"""What the part of Graph's description that is at hand does not have."""
SERVED = sorted(PERMISSIONS)


@pytest.mark.skipif(not PERMISSION_SPEC.exists(), reason="the vendor's specifications are not at hand")
@pytest.mark.parametrize(("method", "path"), SERVED)
def test_what_suffices_in_the_fake_suffices_at_microsoft(method: str, path: str) -> None:
    row = path.removesuffix("/$value") if path.startswith("/chats") else path  # that row is empty, and misses a kind
    published = json.loads(PERMISSION_SPEC.read_text())["endpoints"].get(row, {}).get(method)
    if published is None:
        pytest.skip("Microsoft's table has no row for it")
    for kind, ours in zip(("delegated", "application"), PERMISSIONS[method, path], strict=True):
        listed = published.get(kind, {"least": [], "also": []})
        # importing history is not sending: the one permission that the fake leaves out on purpose
        assert set(ours) <= {*listed["least"], *listed["also"]}
        assert bool(ours) == bool({*listed["least"], *listed["also"]} - {"Teamwork.Migrate.All"}) or not ours


@pytest.mark.skipif(not GRAPH_SPEC.exists(), reason="the vendor's specifications are not at hand")
@pytest.mark.parametrize(("method", "path"), [one for one in SERVED if one[1] not in LEFT_OUT])
def test_answers_of_the_fake_match_the_published_description(method: str, path: str) -> None:
    spec = json.loads(GRAPH_SPEC.read_text())
    fake = FakeTeams(Teams.Secrets("k"), "https://hub.example")
    answers = spec["paths"][path][method.lower()]["responses"]
    status, body = exchange(fake, method, path)
    if body is None:
        assert str(status) in answers or status == 302, "a redirection stands in no description"
        return
    assert str(status) in answers or f"{str(status)[0]}XX" in answers
    schema = answers.get(str(status), answers.get("2XX"))["content"]["application/json"]["schema"]
    assert list(problems(spec, schema, body)) == []
    assert list(unknown(spec, schema, body)) == []


@pytest.mark.skipif(not GRAPH_SPEC.exists(), reason="the vendor's specifications are not at hand")
def test_errors_of_the_fake_match_the_published_description() -> None:
    spec = json.loads(GRAPH_SPEC.read_text())
    fake = FakeTeams(Teams.Secrets("k"), "https://hub.example")
    fake.entra.grants.clear()
    schema = spec["components"]["responses"]["error"]["content"]["application/json"]["schema"]
    status, body = exchange(fake, "GET", "/me")
    assert status == 401
    assert list(problems(spec, schema, body)) == []


def exchange(fake: FakeTeams, method: str, path: str) -> tuple[int, Any]:
    """One genuine request to an endpoint, after a conversation has begun; the body where there is JSON."""
    person, place = fake.people()[0], fake.places()[0]
    chat = fake.chat([person.id, fake.people()[1].id, *([fake.service] if "members" in path else [])])
    if grant := fake.entra.grants.get(person.token):
        permissions = grant.permissions | {
            "Chat.ReadWrite",
            "User.Invite.All",
            "User.DeleteRestore.All",
        }
        fake.entra.grants[person.token] = replace(grant, permissions=permissions)
    pasted = fake.paste_as(person.id, place.conversation, "image/png", b"png")
    said_in = chat if "chatMessage" in path and "chats" in path else place.conversation
    root = pasted if "hostedContents" in path else fake.type_as(person.id, said_in, "hello **@Dev Patel** 🙂")
    if said_in == chat and "hostedContents" in path:
        root = pasted = fake.paste_as(person.id, chat, "image/png", b"png")
    reply = fake.reply_as(person.id, said_in, root, "yes")
    shared = fake.share_as(person.id, place.conversation, "plan.docx", b"plan")
    for message in (root, reply):
        fake.react_as(person.id, said_in, message, "🎉", True)
        if "undoSoftDelete" in path:
            fake.delete_as(person.id, said_in, message)
    known = _ids(fake, root, reply.partition("/")[2], pasted, shared) | {"{chat-id}": native_id(chat)}
    if method == "DELETE":
        known["{user-id}"] = fake.people()[1].id
    if method != "GET" and "{channel-id}/members" in path:
        known["{channel-id}"] = fake.add_place("secret", private=True).id
    roster = fake.channels.all[known["{channel-id}"]] if "/channels/" in path else fake.channels.teams[fake.team]
    known["{conversationMember-id}"] = fake.graph.rosters.shown(roster, fake.people()[1].id)["id"]
    if "hostedContents" in path and "replies" in path:
        known["/replies/{chatMessage-id1}"] = ""
    for name in sorted(known, key=len, reverse=True):
        path = path.replace(name, known[name])
    query = {"@microsoft.graph.conflictBehavior": "rename"}
    sent = b"" if method in ("GET", "DELETE") else json.dumps(sent_to(fake, method, path)).encode()
    headers = {"authorization": f"Bearer {person.token}"}
    response = fake.handle(Request(method, f"https://graph.microsoft.com/v1.0{path}", headers, query, sent))
    return response.status, json.loads(response.body) if "json" in response.headers.get("content-type", "") else None


def sent_to(fake: FakeTeams, method: str, path: str) -> dict[str, object]:
    """A genuine body of a request."""
    if path.startswith("/subscriptions/"):
        return {"expirationDateTime": iso(fake.clock() + 6000)}
    if path == "/subscriptions":
        return ordered(fake, 1)
    if path == "/invitations":
        return {"invitedUserEmailAddress": "gus@partner.example", "inviteRedirectUrl": "https://teams.microsoft.com"}
    if path == "/chats":
        pair = [fake.people()[0].id, fake.people()[1].id]
        return {"chatType": "oneOnOne", "members": [bound(user) for user in pair]}
    if path.startswith("/chats/") and path.endswith("/members"):
        return bound(fake.people()[2].id)
    if path.endswith("/members"):
        return member(fake)
    if path.endswith("/members/add"):
        return {"values": [member(fake)]}
    if path.endswith("/channels"):
        return {"displayName": "made", "membershipType": "standard"}
    if method == "PATCH" and "messages" not in path:
        return {"displayName": "x", "description": "y"}
    return {"body": {"contentType": "html", "content": "<p>x</p>"}, "reactionType": "🎉"}


def member(fake: FakeTeams) -> dict[str, object]:
    """A new member, who is Dev."""
    return bound(fake.people()[1].id) | {"roles": []}


def bound(user: str) -> dict[str, object]:
    kind, address = "#microsoft.graph.aadUserConversationMember", f"https://graph.microsoft.com/v1.0/users('{user}')"
    return {"@odata.type": kind, "roles": ["owner"], "user@odata.bind": address}


def ordered(fake: FakeTeams, place: int) -> dict[str, object]:
    """An order for the messages of one of the places."""
    where = fake.places()[place]
    return {
        "changeType": "created",
        "notificationUrl": f"{fake.hub}/webhooks/teams/",
        "resource": f"/teams/{where.team_id}/channels/{where.id}/messages",
        "expirationDateTime": iso(fake.clock() + 3000),
    }


def _ids(fake: FakeTeams, root: str, reply: str, pasted: str, shared: str) -> dict[str, str]:
    place, channel = fake.places()[0], fake.channels.all[fake.places()[0].id]
    folder = fake.channels.drive.folder(channel.id, channel.name)
    picture = _pasted(fake, pasted)["body"]["content"].partition("/hostedContents/")[2].partition("/")[0]
    url = channel.threads[shared].root["attachments"][0]["contentUrl"]
    return {
        "{team-id}": place.team_id,
        "{channel-id}": place.id,
        "{user-id}": fake.people()[0].id,
        "{subscription-id}": fake.subscriptions.create("app", ordered(fake, 0))["id"],
        "{chatMessage-id}": root,
        "{chatMessage-id1}": reply,
        "{chatMessageHostedContent-id}": picture,
        "{drive-id}": folder["parentReference"]["driveId"],
        "{driveItem-id}": folder["id"],
        "{fileName}": "a.txt",
        "{sharedDriveItem-id}": "u!" + base64.urlsafe_b64encode(url.encode()).decode().rstrip("="),
    }


def _pasted(fake: FakeTeams, message: str) -> dict[str, Any]:
    places = [*fake.channels.all.values(), *fake.graph.chats.all.values()]
    return next(place.threads[message].root for place in places if message in place.threads)


def problems(spec: dict[str, Any], schema: dict[str, Any], body: object) -> Iterator[str]:
    from openapi_schema_validator import OAS30ReadValidator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT4

    resource = Resource.from_contents(spec, default_specification=DRAFT4)
    registry: Any = Registry().with_resource("urn:graph", resource)
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:graph#/'))
    for error in OAS30ReadValidator(absolute, registry=registry).iter_errors(body):
        yield f"{error.json_path}: {error.message}"


def unknown(spec: dict[str, Any], schema: dict[str, Any], body: Any, at: str = "") -> Iterator[str]:
    """Properties of an answer that Microsoft does not describe."""
    if isinstance(body, list):
        for entry in body:
            yield from unknown(spec, schema.get("items", {}), entry, f"{at}[]")
    if not isinstance(body, dict):
        return
    kind = body.get("@odata.type", "").lstrip("#")
    described = properties(spec, {"$ref": f"#/components/schemas/{kind}"} if kind else schema)
    for name in [name for name in body if "@odata" not in name and name not in UNDESCRIBED]:
        if name in described:
            yield from unknown(spec, described[name], body[name], f"{at}.{name}")
        else:
            yield f"{at}.{name}"


def properties(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """All properties of a schema, inherited ones included."""
    if reference := schema.get("$ref"):
        return properties(spec, spec["components"]["schemas"][reference.rpartition("/")[2]])
    merged: dict[str, Any] = {}
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        merged |= properties(spec, part)
    return merged | schema.get("properties", {})
