"""Being let into Zoom: scopes, the consent and its tokens, whose they are, the app's papers, and the end of it."""

import ast
import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
from jsonschema import Draft202012Validator

from accounts import oauth
from connectors.calls import Response
from connectors.consent import Granted, Identity, Preset, Purpose, wanted
from connectors.contract import Credentials, Envelope, Request
from connectors.errors import Gone, Malformed, NotSupported, Reconnect, Refused, Unavailable, WrongAccount
from connectors.http import BlockingTransport, drive_blocking
from connectors.messages import AccountId, Kind, WorkspaceId
from connectors.richtext import Paragraph, Text, document
from connectors.sandbox import Webhook, World
from connectors.zoom import events, papers, webhook
from connectors.zoom.connector import Secrets, Zoom
from connectors.zoom.oauth import Registration
from connectors.zoom.sandbox import SERVICE_USER, FakeZoom
from connectors.zoom.sandbox_company import ACCOUNT
from connectors.zoom.scopes import ADMIN, BOT, GRANULAR, SCOPES, granular
from tests.connectors.zoom.scene import needs_specs, specification

FOLDER = Path(str(webhook.__file__)).parent

HUB = "https://hub.example.com"
TRIP = oauth.Trip(f"{HUB}/connect/zoom/callback/", "the state", "a-verifier-that-is-long-enough-for-anyone-0123456789")
STEP = Zoom.steps[Purpose.CONNECT][0]
ASKED = wanted(SCOPES, Purpose.CONNECT, Preset.FULL)
CARD = {"head": {"text": "x"}, "body": [{"type": "message", "text": "y"}]}
WELCOME = document([Paragraph((Text("Welcome, Grace"),))])


@pytest.fixture
def fake(world: World, intercepted_requests: Any) -> FakeZoom:
    found = world.fakes["zoom"]
    assert isinstance(found, FakeZoom)
    return found


@pytest.fixture
def run(fake: FakeZoom, blocking_transport: BlockingTransport) -> Callable[..., Any]:
    """Drive calls with the tokens that were granted, as the Hub does when a consent has come back."""

    def running(act: Callable[[Zoom], Any], *tokens: Granted) -> Any:
        registered = {"robot_jid": fake.app.robot_jid, "bot_name": fake.app.bot_name}
        zoom = Zoom(
            Credentials(WorkspaceId(ACCOUNT), AccountId(""), {one.kind: one.access for one in tokens}, registered)
        )
        return drive_blocking(act(zoom), blocking_transport, zoom.credentials)

    return running


def address(fake: FakeZoom, **changes: str) -> str:
    """The consent page's, with parameters changed; one that is changed to nothing is left out."""
    url = oauth.consent_address(STEP, fake.app, ASKED, TRIP)
    query = dict(parse_qsl(urlsplit(url).query)) | changes
    return f"{url.partition('?')[0]}?{urlencode({name: value for name, value in query.items() if value})}"


def decide(url: str, person: str = SERVICE_USER.email, decision: str = "allow") -> requests.Response:
    assert requests.get(url, timeout=5).status_code == 200
    return requests.post(url, {"person": person, "decision": decision}, timeout=5, allow_redirects=False)


def told(response: requests.Response) -> dict[str, str]:
    """What the browser brings back to the Hub."""
    assert response.status_code == 302
    assert response.headers["location"].startswith(TRIP.redirect)
    return {name: one for name, (one,) in parse_qs(urlsplit(response.headers["location"]).query).items()}


def consent(fake: FakeZoom, person: str = SERVICE_USER.email) -> Granted:
    came_back = told(decide(address(fake), person))
    assert came_back["state"] == TRIP.state
    return oauth.redeem(ADMIN, Zoom, fake.app, came_back["code"], TRIP)[0]


def of_the_account(fake: FakeZoom, role: str) -> None:
    """Give the service user a role."""
    fake.users[-1] = replace(SERVICE_USER, role=role)


# --- The scopes


def string_constants() -> Iterator[str]:
    for path in FOLDER.glob("*.py"):
        if path.name not in ("scopes.py", "papers.py") and not path.name.startswith("sandbox"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def used() -> tuple[set[str], set[str]]:
    """Everything in our code that has the shape of a scope's name: the classic ones, the granular ones."""
    names = {name for name in string_constants() if re.fullmatch(r"[a-z_]+(:[a-z_]+)+", name)}
    parts = set(granular(GRANULAR)) - set(GRANULAR)
    return names - parts, names & parts


def names_of(preset: Preset) -> set[str]:
    """Of the account's app; what people allow for themselves is of another one."""
    return {scope.name for scope in wanted(SCOPES, Purpose.CONNECT, preset)}


def people_allow(preset: Preset) -> set[str]:
    return {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, preset)}


OF_GROUPS = {"chat_channel:read", "chat_channel:write", "chat_contact:read"}
"""What group chats take, and no published scope gives to a person."""


def test_exactly_the_scopes_that_our_code_uses_are_requested() -> None:
    classic, parts = used()
    assert names_of(Preset.FULL) | people_allow(Preset.FULL) == classic
    published = names_of(Preset.PUBLISHED) | people_allow(Preset.PUBLISHED)
    assert published == classic - {"chat:read:admin", "chat:read"} - OF_GROUPS
    assert parts <= set(granular(names_of(Preset.FULL) | people_allow(Preset.FULL)))
    assert {"team_chat:write:user_message:admin", "imchat:bot"} <= classic | parts, "the proof has something to prove"


def test_every_call_can_be_made_with_what_is_published() -> None:
    known = names_of(Preset.PUBLISHED) | people_allow(Preset.PUBLISHED) | {"chat_contact:read"}
    classic, _ = used()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple) and not path.name.startswith("sandbox"):
                alternatives = {one.value for one in node.elts if isinstance(one, ast.Constant)} & classic
                assert not alternatives or alternatives & known, (path.name, alternatives)


def test_every_event_that_we_read_has_its_scope_and_no_other_is_subscribed_to() -> None:
    assert {*events.NEEDS, *events.OF_PEOPLE, "team_chat.app_mention"} == set(webhook.KINDS)


def test_of_two_families_of_events_the_one_that_says_more_is_subscribed_to() -> None:
    full, published = events.events(names_of(Preset.FULL)), events.events(names_of(Preset.PUBLISHED))
    assert not [name for name in full if name.startswith("chat_message.")]
    assert "team_chat.channel_message_posted" in full
    assert not [name for name in published if name.startswith("team_chat.")]
    assert {"chat_message.sent", "chat_channel.member_joined"} <= set(published)


def test_the_table_holds_what_was_published_with_its_misprints_corrected() -> None:
    def named(purpose: Purpose, noted: str = "") -> set[str]:
        return {scope.name for scope in SCOPES if scope.purpose == purpose and noted in scope.note}

    additions = {scope.name for scope in SCOPES if scope.note.startswith("Addition")}
    assert additions == {"chat_message:write:admin", "chat:read:admin", "chat:read"} | OF_GROUPS
    assert named(Purpose.CONNECT) - additions == {
        *("chat_channel:read:admin", "chat_channel:read:member", "chat_channel:write:admin", "chat_message:read:admin"),
        *("chat_message:read:member", "imchat:bot", "imchat:bot_member", "user:read:admin"),
    }
    assert named(Purpose.MESSAGES) - additions == {
        "chat_message:write",
        "chat_message:read",
        "user:read",
        "user_info:read",
    }
    assert named(Purpose.FILES) == {"user:read"}
    assert named(Purpose.MESSAGES, "chat_messages:read") == {"chat_message:read"}
    assert named(Purpose.FILES, "Printed as account-level") == {"user:read"}


def test_every_scope_says_why_and_what_is_off_without_it() -> None:
    for scope in SCOPES:
        assert scope.description.endswith(".")
        assert scope.use_case.endswith(".")
        assert scope.why.endswith(".")
        assert scope.awaits or scope.disables or "could" in scope.why or "would" in scope.why
        assert (scope.preset == Preset.FULL) <= scope.note.startswith("Addition")
        steps = {kind for trip in Zoom.steps.values() for step in trip for kind in step.asks}
        assert scope.token in {*steps, *Zoom.oauth.minted} or scope.awaits


@pytest.mark.parametrize("name", ["chat_channel:read:member", "chat_message:read:member", "imchat:bot_member"])
def test_what_zoom_does_not_publish_is_listed_and_never_requested(name: str) -> None:
    scope = next(one for one in SCOPES if one.name == name)
    assert scope.note.startswith("Not requested")
    assert name not in names_of(Preset.FULL)


@needs_specs
def test_the_granular_names_are_those_of_the_specification() -> None:
    catalogue = specification("scopes.json")
    operations, by_event = catalogue["by_operation"].values(), catalogue["by_event"]
    for classic, parts in GRANULAR.items():
        pages = [page for page in (*operations, *by_event.values()) if classic in page["classic"]]
        assert parts <= {name for page in pages for name in page["granular"]}, classic
    for event, classic in events.NEEDS.items():
        page = by_event[event] if by_event[event]["classic"] else by_event[event.replace("_added", "_removed")]
        assert classic in page["classic"], event
        assert set(page["granular"]) & GRANULAR[classic], event
    event_parts = {name for event in events.NEEDS for name in by_event[event]["granular"]}
    assert set(granular(names_of(Preset.FULL))) <= used()[1] | event_parts | {"imchat:bot"}, "none that nothing needs"
    assert names_of(Preset.FULL) <= set(catalogue["classic_scope_catalogue"])


# --- Tokens as Zoom hands them out


def test_granular_names_count_as_the_classic_scope_once_all_of_it_is_there() -> None:
    held = GRANULAR["chat_message:read:admin"] | {"team_chat:write:user_message:admin"}
    (token,) = Zoom.granted(
        ADMIN, {"access_token": "a", "refresh_token": "r", "expires_in": "3599", "scope": " ".join(held)}
    )
    assert token.scopes == held | {"chat_message:read:admin"}
    assert (token.refresh, token.lifetime) == ("r", 3599)


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": 3}, {"access_token": None}])
def test_an_answer_without_a_token_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Zoom.granted(ADMIN, answer)


@pytest.mark.parametrize("lifetime", [None, -5, "soon", 0, True, [], "³"])
def test_a_lifetime_that_cannot_be_read_is_zooms_usual_one(lifetime: object) -> None:
    assert Zoom.granted(BOT, {"access_token": "a", "expires_in": lifetime})[0].lifetime == 3600


def test_tokens_and_secrets_show_in_no_repr(fake: FakeZoom) -> None:
    token = consent(fake)
    zoom = Zoom(Credentials(WorkspaceId(ACCOUNT), AccountId(""), {ADMIN: token.access}))
    basic = base64.b64encode(f"{fake.app.client_id}:{fake.app.client_secret}".encode()).decode()
    shown = repr([token, fake.app, next(zoom.revoke(fake.app)), zoom.credentials])
    for secret in (token.access, token.refresh, fake.app.client_secret, fake.app.user_client_secret, basic):
        assert secret not in shown


# --- The consent


def test_a_consent_brings_tokens_and_the_one_call_tells_whose_they_are(fake: FakeZoom, run: Any) -> None:
    token = consent(fake)
    assert token.scopes == {scope.name for scope in ASKED}
    assert token.lifetime == 3599
    (bot,) = oauth.mint(BOT, Zoom, fake.app, "")
    assert (bot.scopes, bot.refresh) == (frozenset({"imchat:bot"}), "")
    identity: Identity = run(Zoom.identify, token, bot)
    assert identity == Identity(
        WorkspaceId(ACCOUNT), "Acme", AccountId(SERVICE_USER.id), "Mio Hub", SERVICE_USER.email, (),
        {"email": SERVICE_USER.email, "robot_jid": fake.app.robot_jid, "bot_name": fake.app.bot_name},
    )  # fmt: skip
    assert identity.extra == fake.credentials().extra, "what the connector expects"


def test_identifying_and_greeting_take_only_what_is_published(fake: FakeZoom, run: Any) -> None:
    fake.registered = names_of(Preset.PUBLISHED)
    token, (bot,) = consent(fake), oauth.mint(BOT, Zoom, fake.app, "")
    assert token.scopes == names_of(Preset.PUBLISHED)
    identity: Identity = run(Zoom.identify, token, bot)
    run(lambda zoom: zoom.greet(identity.account, WELCOME), token, bot)
    assert fake.greeted == [(SERVICE_USER.id, "Welcome, Grace")]


def test_an_app_of_today_is_registered_with_granular_names_alone(fake: FakeZoom, run: Any) -> None:
    fake.registered = granular(names_of(Preset.FULL))
    token = consent(fake)
    assert names_of(Preset.FULL) <= token.scopes
    assert run(Zoom.identify, token).account == SERVICE_USER.id


def test_the_page_names_what_is_asked_for_and_asks_nothing_of_scripts(fake: FakeZoom) -> None:
    page = requests.get(address(fake), timeout=5).text
    assert all(scope.description.replace("'", "&#x27;") in page or scope.description in page for scope in ASKED)
    assert "<script" not in page
    assert page.count("<option") == len(fake.users)


def test_who_declines_comes_back_with_the_state_and_without_a_code(fake: FakeZoom) -> None:
    assert told(decide(address(fake), decision="deny")) == {"error": "access_denied", "state": TRIP.state}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": "stranger"}, "4,702"),
        ({"client_id": ""}, "4,702"),
        ({"redirect_uri": "https://hub.example.com.evil.example/"}, "4,709"),
        ({"scope": "user:write:admin"}, "4,700"),
        ({"response_type": "token"}, "4,700"),
        ({"code_challenge_method": "S512"}, "4,700"),
    ],
)
def test_the_page_refuses_what_zoom_refuses(fake: FakeZoom, change: dict[str, str], code: str) -> None:
    for response in (
        requests.get(address(fake, **change), timeout=5),
        requests.post(address(fake, **change), {"person": SERVICE_USER.email, "decision": "allow"}, timeout=5),
    ):
        assert response.status_code == 400
        assert code in response.text


def test_a_code_is_good_once(fake: FakeZoom) -> None:
    code = told(decide(address(fake)))["code"]
    oauth.redeem(ADMIN, Zoom, fake.app, code, TRIP)
    with pytest.raises(Reconnect, match="invalid_grant"):
        oauth.redeem(ADMIN, Zoom, fake.app, code, TRIP)


def test_a_code_is_good_for_five_minutes(fake: FakeZoom) -> None:
    code = told(decide(address(fake)))["code"]
    later(fake, 301)
    with pytest.raises(Reconnect, match="invalid_grant"):
        oauth.redeem(ADMIN, Zoom, fake.app, code, TRIP)


@pytest.mark.parametrize(
    ("trip", "error"),
    [
        (replace(TRIP, verifier="another-verifier-that-is-long-enough-for-anyone-012345"), Reconnect),
        (replace(TRIP, verifier=""), Reconnect),
        (replace(TRIP, redirect=f"{HUB}/elsewhere/"), Refused),
    ],
)
def test_a_code_goes_with_its_verifier_and_its_address(
    fake: FakeZoom, trip: oauth.Trip, error: type[Exception]
) -> None:
    code = told(decide(address(fake)))["code"]
    with pytest.raises(error):
        oauth.redeem(ADMIN, Zoom, fake.app, code, trip)


@pytest.mark.parametrize("change", [{"client_secret": "guessed"}, {"client_secret": ""}, {"client_id": "stranger"}])
def test_an_app_that_cannot_prove_itself_gets_nothing(fake: FakeZoom, change: dict[str, str]) -> None:
    code = told(decide(address(fake)))["code"]
    with pytest.raises(Refused, match="invalid_client"):
        oauth.redeem(ADMIN, Zoom, replace(fake.app, **change), code, TRIP)


def test_an_ordinary_member_is_sent_to_the_administrator(fake: FakeZoom) -> None:
    response = decide(address(fake), "hugo@acme.example")
    assert response.status_code == 403
    assert "administrator" in response.text


def test_an_ordinary_member_who_may_add_apps_is_the_wrong_account(fake: FakeZoom, run: Any) -> None:
    fake.door.members_may_add = True
    with pytest.raises(WrongAccount, match="Hugo Brandt is an ordinary member"):
        run(Zoom.identify, consent(fake, "hugo@acme.example"))


def test_a_consent_for_one_person_only_is_the_wrong_one(fake: FakeZoom) -> None:
    people_app = Registration(fake.app.user_client_id, fake.app.user_client_secret)
    code = told(decide(address(fake, client_id=people_app.client_id)))["code"]
    with pytest.raises(WrongAccount, match="user-managed"):
        oauth.redeem(ADMIN, Zoom, people_app, code, TRIP)


@pytest.mark.parametrize("role", ["Owner", "Admin"])
def test_zooms_own_roles_raise_no_doubts(fake: FakeZoom, run: Any, role: str) -> None:
    of_the_account(fake, role)
    assert run(Zoom.identify, consent(fake)).doubts == ()


def test_a_role_of_the_accounts_own_raises_a_doubt(fake: FakeZoom, run: Any) -> None:
    of_the_account(fake, "Bridge keeper")
    (doubt,) = run(Zoom.identify, consent(fake)).doubts
    assert "Bridge keeper" in doubt
    assert "Chat Messages" in doubt


def test_a_chatbot_without_its_jid_on_record_raises_a_doubt(fake: FakeZoom, run: Any) -> None:
    token = consent(fake)
    fake.app = replace(fake.app, robot_jid="", bot_name="")
    identity: Identity = run(Zoom.identify, token)
    assert "Bot JID" in identity.doubts[0]
    assert identity.extra == {"email": SERVICE_USER.email}


@pytest.mark.parametrize("user", [{}, {"id": "x"}, {"account_id": "y"}, {"id": [], "account_id": {}}])
def test_an_answer_that_names_nobody_is_no_identity(user: dict[str, Any]) -> None:
    calls = Zoom(Credentials(WorkspaceId(""), AccountId(""), {ADMIN: "a"})).identify()
    next(calls)
    with pytest.raises(Unavailable):
        calls.send(Response(200, json.dumps(user).encode()))


def test_a_consent_without_the_scope_to_look_names_the_scope(fake: FakeZoom, run: Any) -> None:
    fake.registered = {"chat_message:read:admin"}
    with pytest.raises(Reconnect, match="user:read:admin"):
        run(Zoom.identify, consent(fake))


# --- Afterwards


def later(fake: FakeZoom, seconds: float) -> None:
    at = fake.clock() + seconds
    fake.tokens.clock = lambda: at


def test_a_refresh_token_is_good_once_and_its_successor_goes_on(fake: FakeZoom, run: Any) -> None:
    first = consent(fake)
    later(fake, 3600)
    with pytest.raises(Reconnect):
        run(Zoom.identify, first)
    (second,) = oauth.refresh(ADMIN, Zoom, fake.app, first.refresh, "")
    assert run(Zoom.identify, second).account == SERVICE_USER.id
    assert second.scopes == first.scopes
    with pytest.raises(Reconnect, match="invalid_grant"):
        oauth.refresh(ADMIN, Zoom, fake.app, first.refresh, "")
    assert oauth.refresh(ADMIN, Zoom, fake.app, second.refresh, "")


def test_a_refresh_token_ends_after_ninety_days(fake: FakeZoom) -> None:
    token = consent(fake)
    later(fake, 91 * 86_400)
    with pytest.raises(Reconnect):
        oauth.refresh(ADMIN, Zoom, fake.app, token.refresh, "")


def test_a_second_consent_ends_the_first_and_spares_the_seeded_connection(fake: FakeZoom, run: Any) -> None:
    first, second = consent(fake), consent(fake)
    with pytest.raises(Reconnect):
        run(Zoom.identify, first)
    seeded = Granted(ADMIN, fake.credentials().tokens[ADMIN])
    assert run(Zoom.identify, second) == run(Zoom.identify, seeded)


def test_revoking_ends_both_tokens_and_may_be_repeated(fake: FakeZoom, run: Any) -> None:
    token = consent(fake)
    for _ in range(2):
        run(lambda zoom: zoom.revoke(fake.app), token)
    with pytest.raises(Reconnect):
        run(Zoom.identify, token)
    with pytest.raises(Reconnect):
        oauth.refresh(ADMIN, Zoom, fake.app, token.refresh, "")


def test_revoking_with_the_wrong_secret_is_refused_and_without_a_token_nothing_is_asked(
    fake: FakeZoom, run: Any
) -> None:
    token = consent(fake)
    with pytest.raises(Refused, match="client id"):
        run(lambda zoom: zoom.revoke(replace(fake.app, client_secret="guessed")), token)
    run(lambda zoom: zoom.revoke(fake.app))
    assert run(Zoom.identify, token)


def test_an_account_that_takes_the_app_away_is_heard_and_shuts_us_out(
    fake: FakeZoom, run: Any, world_webhooks: list[Webhook]
) -> None:
    token, (bot,) = consent(fake), oauth.mint(BOT, Zoom, fake.app, "")
    fake.revoke_app()
    (sent,) = world_webhooks
    request = Request("POST", sent.url, sent.sign(), {}, sent.body)
    heard = Zoom.receive(request, fake.secrets)
    assert isinstance(heard, list)
    (envelope,) = heard
    assert (envelope.workspace, envelope.reference.kind, envelope.content) == (ACCOUNT, Kind.REVOKED, None)
    assert (envelope.reference.conversation, envelope.reference.message) == ("", "")
    assert heard == Zoom.receive(replace(request, headers=sent.sign()), fake.secrets), "the same event when sent again"
    for lost in (token, Granted(ADMIN, fake.credentials().tokens[ADMIN])):
        with pytest.raises(Reconnect):
            run(Zoom.identify, lost)
    with pytest.raises(Reconnect):
        oauth.refresh(ADMIN, Zoom, fake.app, token.refresh, "")
    status, code = said_by(fake, bot, {"robot_jid": fake.app.robot_jid, "account_id": ACCOUNT, "content": CARD})
    assert (status, code) == (403, 7004), "the chatbot's token lives and is of no use"


def said_by(fake: FakeZoom, bot: Granted, body: dict[str, Any]) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {bot.access}"}
    url = "https://api.zoom.us/v2/im/chat/messages"
    response = fake.handle(Request("POST", url, headers, {}, json.dumps(body).encode()))
    answer = json.loads(response.body)
    return response.status, answer.get("code", answer)


def heard_of(payload: Any) -> list[Envelope]:
    body = json.dumps({"event": "app_deauthorized", "payload": payload}).encode()
    at = str(int(datetime.now(UTC).timestamp()))
    headers = {"x-zm-request-timestamp": at, "x-zm-signature": webhook.signature("s", at, body)}
    heard = Zoom.receive(Request("POST", "https://hub.example.com/webhooks/zoom/", headers, {}, body), Secrets("s"))
    assert isinstance(heard, list)
    return heard


def test_the_end_of_a_consent_says_when_it_was() -> None:
    payload = {"account_id": "a", "user_id": "u", "deauthorization_time": "2026-01-15T09:31:02.114Z", "client_id": "c"}
    (envelope,) = heard_of(payload)
    assert envelope.reference.occurred_at == datetime(2026, 1, 15, 9, 31, 2, 114_000, UTC)
    assert envelope.event_id == heard_of(payload)[0].event_id != heard_of(payload | {"user_id": "v"})[0].event_id


@pytest.mark.parametrize("payload", [None, [], {}, {"account_id": ["x"]}, {"account_id": "x" * 300}])
def test_the_end_of_a_consent_that_names_no_account_is_malformed(payload: Any) -> None:
    with pytest.raises(Malformed):
        heard_of(payload)


# --- A word to one person


def test_a_connection_without_a_chatbot_greets_nobody(fake: FakeZoom, run: Any) -> None:
    with pytest.raises(NotSupported):
        run(lambda zoom: zoom.greet(AccountId(SERVICE_USER.id), WELCOME), consent(fake))


def test_people_of_other_accounts_are_not_greeted(fake: FakeZoom, run: Any) -> None:
    token, (bot,) = consent(fake), oauth.mint(BOT, Zoom, fake.app, "")
    for account, error in ((AccountId("member:abc"), Gone), (AccountId("nobody"), Gone)):
        with pytest.raises(error):
            run(lambda zoom, one=account: zoom.greet(one, WELCOME), token, bot)


# --- Signing in with Zoom, as allauth does it


def test_people_sign_in_through_the_user_managed_app(fake: FakeZoom) -> None:
    back = f"{HUB}/account/zoom/login/callback/"
    url = address(
        fake, client_id=fake.app.user_client_id, redirect_uri=back, code_challenge="", code_challenge_method=""
    )
    response = decide(f"{url}&scope=", "hugo@acme.example")
    code = dict(parse_qsl(urlsplit(response.headers["location"]).query))["code"]
    app = {"client_id": fake.app.user_client_id, "client_secret": fake.app.user_client_secret}
    form = {"redirect_uri": back, "grant_type": "authorization_code", "code": code, **app}
    tokens = requests.post("https://zoom.us/oauth/token", form, timeout=5).json()
    assert not [name for name in tokens["scope"].split() if name.endswith(":admin")]
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    profile = requests.get("https://api.zoom.us/v2/users/me", headers=bearer, timeout=5).json()
    assert (profile["email"], profile["verified"]) == ("hugo@acme.example", 1)
    assert (profile["first_name"], profile["last_name"], bool(profile["id"])) == ("Hugo", "Brandt", True)


# --- The app's papers


def manifests(preset: Preset) -> list[dict[str, Any]]:
    made = Zoom.papers(HUB, f"{HUB}/webhooks/zoom/", preset, "Acme Bridge")
    return [json.loads(paper.body)["manifest"] for paper in made if paper.content_type]


@pytest.mark.parametrize("preset", Preset)
def test_the_manifest_of_the_account_holds_our_addresses_scopes_and_events(preset: Preset) -> None:
    manifest, _ = manifests(preset)
    given, features = manifest["oauth_information"], manifest["features"]
    assert (given["usage"], given["strict_mode"]) == ("ADMIN_MANAGEMENT", True)
    assert given["oauth_allow_list"] == [given["production_redirect_uri"]] == [f"{HUB}/connect/zoom/callback/"]
    assert [one["scope"] for one in given["scopes"]] == granular(names_of(preset))
    (subscription,) = features["event_subscription"]["events"]
    assert subscription["event_types"] == events.events(names_of(preset))
    slash = features["team_chat_subscription"]["slash_command"]
    assert slash["command"] == "acme_bridge"
    assert slash["production_message_url"] == subscription["production_webhook_url"] == f"{HUB}/webhooks/zoom/"


def test_the_manifest_for_people_asks_who_they_are_and_for_their_direct_messages() -> None:
    full, published = (manifests(preset)[1] for preset in (Preset.FULL, Preset.PUBLISHED))
    given = full["oauth_information"]
    assert given["usage"] == "USER_OPERATION"
    assert given["production_redirect_uri"] == f"{HUB}/account/zoom/login/callback/"
    people = granular(scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, Preset.FULL))
    assert given["scopes"] == [{"scope": name, "optional": False} for name in people]
    assert {"user:read:user", "team_chat:write:user_message"} <= set(people)
    told = [one["features"]["event_subscription"]["events"][0] for one in (full, published)]
    assert told[0]["production_webhook_url"] == f"{HUB}/webhooks/zoom/"
    assert set(told[0]["event_types"]) - set(told[1]["event_types"]) == {
        "team_chat.dm_reaction_added",
        "team_chat.dm_reaction_removed",
    }
    assert "chat_message.sent" in told[1]["event_types"]


def test_a_manifest_mixes_no_kinds_of_scope() -> None:
    for manifest in manifests(Preset.FULL):
        wide = manifest["oauth_information"]["usage"] == "ADMIN_MANAGEMENT"
        names = [one["scope"] for one in manifest["oauth_information"]["scopes"]]
        assert all(name.endswith(":admin") is wide for name in names if name != "imchat:bot")


def test_what_the_manifest_has_no_place_for_is_a_value_to_copy() -> None:
    (value,) = [paper for paper in Zoom.papers(HUB, "https://h/w/", Preset.FULL, "x") if not paper.content_type]
    assert (value.name, value.body) == ("Deauthorization notification endpoint URL", b"https://h/w/")


@pytest.mark.parametrize(("name", "command"), [("Mio Hub", "mio_hub"), ("Brücke!", "br_cke"), ("橋", "hub")])
def test_a_slash_command_has_letters_that_commands_have(name: str, command: str) -> None:
    assert papers.command(name) == command


def test_the_guide_has_its_checklist_and_its_sections() -> None:
    guide = (FOLDER / "setup.md").read_text(encoding="utf-8")
    assert re.findall("^## (.*)", guide, re.MULTILINE) == ["Before you connect", "Service user", "Your own app"]
    assert guide.partition("## Service user")[0].count("- [ ] ") >= 5
    assert all(paper.name in guide for paper in Zoom.papers(HUB, HUB, Preset.FULL, "x"))


# --- Against Zoom's own specification


@needs_specs
def test_the_greeting_and_its_answer_are_as_the_specification_says(fake: FakeZoom, world: World, run: Any) -> None:
    token, (bot,) = consent(fake), oauth.mint(BOT, Zoom, fake.app, "")
    run(lambda zoom: zoom.greet(AccountId(SERVICE_USER.id), WELCOME), token, bot)
    sent = json.loads(world.log[-1].body)
    page = specification("chatbot.openapi.json")["paths"]["/im/chat/messages"]["post"]
    asked, answered = page["requestBody"], page["responses"]["201"]
    for schema, body in ((asked, sent), (answered, said_by(fake, bot, sent)[1])):
        closed = schema["content"]["application/json"]["schema"] | {"additionalProperties": False}
        Draft202012Validator(closed).validate(body)


@needs_specs
def test_the_end_of_a_consent_is_told_as_the_specification_says(fake: FakeZoom, world_webhooks: list[Webhook]) -> None:
    fake.revoke_app()
    schema = specification("events.json")["app_deauthorized"]["schema"]
    schema["properties"]["payload"]["additionalProperties"] = False
    Draft202012Validator(schema).validate(json.loads(world_webhooks[0].body))
