"""Slack lets our app in, and puts it out again: scopes, steps, tokens, the papers of an app of one's own."""

import ast
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
import responses
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.slack.provider import SlackProvider
from allauth.socialaccount.providers.slack.views import SlackOAuth2Adapter
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.test import RequestFactory
from joserfc import jwt
from joserfc.jwk import KeySet
from jsonschema import Draft7Validator
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.token_rotation import TokenRotator

from accounts import oauth
from connectors.calls import Response
from connectors.consent import App, Granted, Preset, Purpose, Scope, wanted
from connectors.contract import Credentials, Envelope, Request
from connectors.errors import ConnectorError, Malformed, Reconnect, Refused, WrongAccount
from connectors.http import BlockingTransport, drive_blocking
from connectors.messages import AccountId, Byline, ConversationId, Draft, Kind, WorkspaceId
from connectors.richtext import Document, Paragraph, Text
from connectors.sandbox import Webhook, World
from connectors.slack.connector import Slack
from connectors.slack.events import EVENTS, EVENTS_OF_PEOPLE
from connectors.slack.sandbox import FakeSlack
from connectors.slack.sandbox_consent import BOT_CATALOGUE, USER_CATALOGUE

FOLDER = Path(__file__).parents[3] / "connectors/slack"
SPECS = Path(__file__).parents[3] / "../shared/specs/slack"
HUB = "https://hub.example.com"
TRIP = oauth.Trip(f"{HUB}/connect/slack/callback/", "state-1", "verifier-of-at-least-forty-three-characters-or-so")
[CONNECT] = Slack.steps[Purpose.CONNECT]
[MESSAGES] = Slack.steps[Purpose.MESSAGES]
HELLO = Document((Paragraph((Text("hello"),)),))


@pytest.fixture
def fake(world: World) -> FakeSlack:
    fake = world.fakes["slack"]
    assert isinstance(fake, FakeSlack)
    return fake


@pytest.fixture
def app(fake: FakeSlack, intercepted_requests: responses.RequestsMock) -> App:
    """Our registration, with everything that speaks by ``requests`` led to the fakes."""
    return fake.app


@pytest.fixture
def clock(fake: FakeSlack) -> list[float]:
    """Seconds by which the fake's clock is ahead."""
    ahead = [0.0]
    fake.clock = fake.workspace.clock = lambda: time.time() + ahead[0]
    return ahead


def scopes(preset: Preset = Preset.FULL, purpose: Purpose = Purpose.CONNECT) -> list[Scope]:
    return wanted(Slack.scopes, purpose, preset)


def names(preset: Preset) -> set[str]:
    return {scope.name for scope in scopes(preset)}


def decide(address: str, person: str, decision: str = "allow") -> dict[str, str]:
    """Answer the consent page as somebody; what comes back to the Hub."""
    answer = requests.post(address, data={"person": person, "decision": decision}, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    location = answer.headers["location"]
    assert location.startswith(TRIP.redirect)
    return dict(parse_qsl(urlsplit(location).query))


def consented(fake: FakeSlack, preset: Preset = Preset.FULL) -> list[Granted]:
    """Ann adds the app to her workspace."""
    address = oauth.consent_address(CONNECT, fake.app, scopes(preset), TRIP)
    back = decide(address, fake.people()[0].id)
    assert back["state"] == TRIP.state
    return oauth.redeem("bot", Slack, fake.app, back["code"], replace(TRIP, verifier=""))


def connector(token: str) -> Slack:
    return Slack(Credentials(WorkspaceId(""), AccountId(""), {"bot": token}))


def told(webhooks: list[Webhook], fake: FakeSlack) -> list[Envelope]:
    found: list[Envelope] = []
    for webhook in webhooks:
        received = Slack.receive(Request("POST", webhook.url, dict(webhook.sign()), {}, webhook.body), fake.secrets)
        assert isinstance(received, list)
        found += received
    return found


# --- Scopes


def used() -> set[str]:
    """The names of scopes that stand in the code that runs: in calls, in events, in what is asked about grants."""
    files = [file for file in FOLDER.glob("*.py") if not file.name.startswith(("scopes", "manifest", "sandbox"))]
    trees = [ast.parse(file.read_text()) for file in files]
    constants = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {name for name in BOT_CATALOGUE | USER_CATALOGUE if name in constants}


def test_exactly_what_the_code_uses_is_asked_for() -> None:
    of_people = {scope.name for scope in scopes(purpose=Purpose.MESSAGES)}
    assert names(Preset.FULL) | of_people == used()
    assert names(Preset.PUBLISHED) <= used()
    assert {scope for any_of in EVENTS.values() for scope in any_of} <= used()
    assert {scope for any_of in EVENTS_OF_PEOPLE.values() for scope in any_of} <= of_people


def test_people_are_asked_for_what_direct_messages_take_and_for_no_channel() -> None:
    asked = {scope.name for scope in scopes(purpose=Purpose.MESSAGES)}
    assert asked >= {"chat:write", "im:history", "mpim:history"}
    assert not any(name.startswith(("channels:", "groups:", "users:", "team:")) for name in asked)


def test_the_published_lists_are_complete_and_spelt_as_slack_spells() -> None:
    published = [scope for scope in Slack.scopes if scope.preset == Preset.PUBLISHED]
    assert [sum(scope.token == kind for scope in published) for kind in ("bot", "person")] == [17 + 1, 14]
    assert {scope.name for scope in Slack.scopes if scope.token == "bot"} <= BOT_CATALOGUE
    assert {scope.name for scope in Slack.scopes if scope.token == "person"} <= USER_CATALOGUE
    assert len({(scope.token, scope.name) for scope in Slack.scopes}) == len(Slack.scopes)


def test_every_scope_has_its_reasons_and_every_addition_says_that_it_is_one() -> None:
    for scope in Slack.scopes:
        assert scope.description
        assert scope.use_case
        assert scope.why
        assert "Mio" not in f"{scope}"
        if scope.preset == Preset.FULL:
            assert "addition" in scope.note
            assert scope.disables
    assert [scope.name for scope in scopes() if not scope.disables] == ["users:read", "chat:write"]


@pytest.mark.skipif(not SPECS.exists(), reason="the published specification is not at hand")
def test_events_need_the_scopes_that_slack_documents() -> None:
    documented = {event["name"]: event for event in json.loads((SPECS / "events_2026.json").read_text())["events"]}
    for event, any_of in [*EVENTS.items(), *EVENTS_OF_PEOPLE.items()]:
        assert set(any_of) <= set(documented[event]["scopes_any_of"])
        assert bool(any_of) == bool(documented[event]["scopes_any_of"])


# --- Connecting


@pytest.mark.parametrize("preset", Preset)
def test_a_consent_gives_a_token_that_tells_whose_it_is(
    fake: FakeSlack, app: App, blocking_transport: BlockingTransport, preset: Preset
) -> None:
    [granted] = consented(fake, preset)
    assert (granted.kind, granted.scopes, granted.lifetime) == ("bot", names(preset), 43_200)
    assert granted.refresh
    assert granted.access not in repr(granted)
    slack = connector(granted.access)
    identity = drive_blocking(slack.identify(), blocking_transport, slack.credentials)
    demo = fake.credentials()
    assert (identity.workspace, identity.account, identity.workspace_name) == (demo.workspace, demo.account, "Acme")
    assert {key: identity.extra[key] for key in demo.extra} == demo.extra
    assert ("nameless" in identity.extra) == (preset == Preset.PUBLISHED)


def test_the_address_of_the_consent_asks_for_scopes_by_commas_and_without_pkce(app: App) -> None:
    query = parse_qs(urlsplit(oauth.consent_address(CONNECT, app, scopes(), TRIP)).query)
    assert set(query["scope"][0].split(",")) == names(Preset.FULL)
    assert (query["client_id"], query["redirect_uri"], query["state"]) == (
        [app.client_id],
        [TRIP.redirect],
        ["state-1"],
    )
    assert "code_challenge" not in query


def test_the_page_tells_in_words_what_is_asked_and_runs_no_script(fake: FakeSlack, app: App) -> None:
    page = requests.get(oauth.consent_address(CONNECT, app, scopes(), TRIP), timeout=5).text
    for scope in scopes():
        assert scope.description.replace("'", "&#x27;") in page
    for person in fake.people():
        assert f'<option value="{person.id}">{person.name}</option>' in page
    assert "<script" not in page


def test_who_says_no_is_brought_back_with_the_state(fake: FakeSlack, app: App) -> None:
    address = oauth.consent_address(CONNECT, app, scopes(), TRIP)
    back = decide(address, fake.people()[0].id, "deny")
    assert back == {"error": "access_denied", "state": TRIP.state}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"client_id": "another"}, "Invalid client_id"),
        ({"redirect_uri": "https://hub.example.com.evil.example/"}, "did not match"),
        ({"redirect_uri": ""}, "did not match"),
        ({"scope": "users:read,users:read:email"}, "Invalid permissions"),
        ({"scope": "users:read commands"}, "Invalid permissions"),
        ({"scope": ""}, "Invalid permissions"),
        ({"scope": "", "user_scope": "channels:manage"}, "Invalid permissions"),
    ],
)
def test_a_request_that_slack_does_not_take_never_comes_back(app: App, change: dict[str, str], reason: str) -> None:
    url = urlsplit(oauth.consent_address(CONNECT, app, scopes(), TRIP))
    query = urlencode(dict(parse_qsl(url.query)) | change)
    answer = requests.get(url._replace(query=query).geturl(), allow_redirects=False, timeout=5)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert reason in answer.text


def test_a_code_is_good_once(fake: FakeSlack, app: App) -> None:
    back = decide(oauth.consent_address(CONNECT, app, scopes(), TRIP), fake.people()[0].id)
    oauth.redeem("bot", Slack, app, back["code"], replace(TRIP, verifier=""))
    with pytest.raises(Refused, match="invalid_code"):
        oauth.redeem("bot", Slack, app, back["code"], replace(TRIP, verifier=""))


def test_a_code_is_good_for_ten_minutes(fake: FakeSlack, app: App, clock: list[float]) -> None:
    back = decide(oauth.consent_address(CONNECT, app, scopes(), TRIP), fake.people()[0].id)
    clock[0] = 601
    with pytest.raises(Refused, match="invalid_code"):
        oauth.redeem("bot", Slack, app, back["code"], replace(TRIP, verifier=""))


@pytest.mark.parametrize(
    ("given", "trip", "error"),
    [
        ({"client_secret": "guessed"}, {}, "bad_client_secret"),
        ({"client_id": "another"}, {}, "invalid_client_id"),
        ({}, {"redirect": f"{HUB}/elsewhere/"}, "bad_redirect_uri"),
        ({}, {"verifier": TRIP.verifier}, "pkce_not_allowed"),
    ],
)
def test_a_code_is_good_for_who_asked_for_it_alone(
    fake: FakeSlack, app: App, given: dict[str, str], trip: dict[str, str], error: str
) -> None:
    back = decide(oauth.consent_address(CONNECT, app, scopes(), TRIP), fake.people()[0].id)
    with pytest.raises(Refused, match=error):
        oauth.redeem("bot", Slack, replace(app, **given), back["code"], replace(TRIP, **{"verifier": ""} | trip))


@pytest.mark.parametrize(
    ("verifier", "secret", "error"),
    [(TRIP.verifier, "", None), ("another", "", "invalid_code_verifier"), (TRIP.verifier, "x", "internal_error")],
)
def test_an_app_with_pkce_proves_itself_by_the_verifier_instead_of_its_secret(
    fake: FakeSlack, app: App, verifier: str, secret: str, error: str | None
) -> None:
    fake.authority.takes_pkce = True
    challenge = urlencode(
        {"code_challenge": create_s256_code_challenge(TRIP.verifier), "code_challenge_method": "S256"}
    )
    back = decide(f"{oauth.consent_address(CONNECT, app, scopes(), TRIP)}&{challenge}", fake.people()[0].id)
    form = {"client_id": app.client_id, "code": back["code"], "redirect_uri": TRIP.redirect, "code_verifier": verifier}
    form |= {"client_secret": app.client_secret} if secret else {}
    answer = requests.post("https://slack.com/api/oauth.v2.access", data=form, timeout=5).json()
    assert answer.get("error") == error


def test_a_person_allows_for_themselves_without_the_bot(fake: FakeSlack, app: App) -> None:
    asked = [replace(scope, awaits="") for scope in Slack.scopes]
    address = oauth.consent_address(MESSAGES, app, wanted(asked, Purpose.MESSAGES, Preset.FULL), TRIP)
    assert "scope" not in parse_qs(urlsplit(address).query)
    bob = fake.people()[1]
    back = decide(address, bob.id)
    [granted] = oauth.redeem("person", Slack, app, back["code"], replace(TRIP, verifier=""))
    assert (granted.kind, len(granted.scopes)) == ("person", 20)
    assert fake.workspace.callers[granted.access].user == bob.id
    [renewed] = oauth.refresh("person", Slack, app, granted.refresh, "")
    assert (renewed.kind, fake.workspace.callers[renewed.access].user) == ("person", bob.id)
    assert fake.people()[1] == bob


def test_a_scope_that_was_left_out_is_seen_in_what_was_granted(
    fake: FakeSlack, app: App, blocking_transport: BlockingTransport
) -> None:
    fake.authority.withheld = {"im:write"}
    [granted] = consented(fake)
    assert names(Preset.FULL) - granted.scopes == {"im:write"}
    slack = connector(granted.access)
    with pytest.raises(Reconnect, match="im:write"):
        drive_blocking(slack.greet(AccountId(fake.people()[0].id), HELLO), blocking_transport, slack.credentials)


# --- What Slack answers


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ok": True, "authed_user": {"id": "U1"}},
        {"access_token": "", "token_type": "bot"},
        {"access_token": ["x"], "token_type": "bot"},
        {"access_token": "x", "token_type": ["bot"]},
        {"authed_user": {"access_token": "xoxp-1", "token_type": "user"}},
    ],
)
def test_an_answer_without_the_app_s_token_is_no_answer(answer: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Slack.granted("bot", answer)


def test_an_app_and_a_person_may_be_let_in_at_once_and_tokens_need_not_end() -> None:
    person = {"access_token": "xoxp-1", "token_type": "user", "scope": "chat:write"}
    both = {"access_token": "xoxb-1", "token_type": "bot", "scope": "commands,", "authed_user": person}
    assert Slack.granted("bot", both) == [
        Granted("bot", "xoxb-1", scopes=frozenset({"commands"})),
        Granted("person", "xoxp-1", scopes=frozenset({"chat:write"})),
    ]
    assert Slack.granted("bot", both | {"expires_in": "soon", "refresh_token": 7})[0].lifetime is None


BOT = {"ok": True, "team": "Acme", "team_id": "T1", "user": "hub", "user_id": "U1", "bot_id": "B1"}


def asked(answer: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    slack = connector("xoxb-1")
    response = Response(200, json.dumps(answer).encode(), headers or {})
    return drive_blocking(slack.identify(), lambda outgoing: response, slack.credentials)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"bot_id": ""}, WrongAccount, "for a person and not for the app"),
        ({"is_enterprise_install": True, "team_id": "E1"}, WrongAccount, "add it to one workspace instead"),
        ({"team_id": None}, Refused, "which workspace"),
        ({"ok": False, "error": "invalid_auth"}, Reconnect, "no longer accepts"),
    ],
)
def test_an_account_that_cannot_do_the_work_is_told_apart(
    change: dict[str, Any], error: type[ConnectorError], words: str
) -> None:
    with pytest.raises(error, match=words):
        asked(BOT | change)


def test_whether_names_may_be_borrowed_is_read_from_what_slack_lists() -> None:
    assert asked(BOT).extra == {"bot_id": "B1"}
    assert asked(BOT | {"app_id": "A1"}, {"x-oauth-scopes": "chat:write, chat:write.customize"}).extra == {
        "bot_id": "B1",
        "app_id": "A1",
    }
    assert asked(BOT, {"x-oauth-scopes": "chat:write"}).extra == {"bot_id": "B1", "nameless": "yes"}


def test_where_no_name_may_be_borrowed_the_author_stands_in_the_text() -> None:
    slack = Slack(Credentials(WorkspaceId("T1"), AccountId("U1"), {"bot": "x"}, {"bot_id": "B1", "nameless": "yes"}))
    draft = Draft(ConversationId("C1"), HELLO, "n1", Byline("Dev <3", "Teams", "https://x.example/d"))
    [said] = slack.parts(draft)
    assert said.payload["text"] == "Dev &lt;3 (Teams):\nhello"
    assert said.size == len(said.payload["text"])
    assert not {"username", "icon_url"} & set(said.payload)
    parts = slack.parts(replace(draft, body=Document((Paragraph((Text("word " * 2_000),)),))))
    assert len(parts) > 1
    for part in parts:
        assert part.payload["text"].startswith("Dev &lt;3 (Teams):\n")
        assert len(part.payload["text"]) == part.size <= Slack.platform.limits.text


# --- Tokens


def test_a_token_is_renewed_once_and_ends_by_itself(
    fake: FakeSlack, app: App, blocking_transport: BlockingTransport, clock: list[float]
) -> None:
    [first] = consented(fake)
    [second] = oauth.refresh("bot", Slack, app, first.refresh, "")
    assert len({first.access, first.refresh, second.access, second.refresh}) == 4
    assert second.scopes == first.scopes
    with pytest.raises(Reconnect, match="invalid_refresh_token"):
        oauth.refresh("bot", Slack, app, first.refresh, "")
    clock[0] = 43_201
    old = connector(first.access)
    with pytest.raises(Reconnect):
        drive_blocking(old.identify(), blocking_transport, old.credentials)
    [third] = oauth.refresh("bot", Slack, app, second.refresh, "")
    new = connector(third.access)
    assert drive_blocking(new.identify(), blocking_transport, new.credentials).workspace_name == "Acme"


def test_without_rotation_a_token_lives_on(fake: FakeSlack, app: App) -> None:
    fake.authority.rotates = False
    [granted] = consented(fake)
    assert (granted.refresh, granted.lifetime) == ("", None)


def test_tokens_are_given_back_and_a_second_time_does_no_harm(
    fake: FakeSlack, app: App, blocking_transport: BlockingTransport, world_webhooks: list[Webhook]
) -> None:
    [granted] = consented(fake)
    slack = connector(granted.access)
    for _ in range(2):
        drive_blocking(slack.revoke(app), blocking_transport, slack.credentials)
    with pytest.raises(Reconnect):
        drive_blocking(slack.identify(), blocking_transport, slack.credentials)
    with pytest.raises(Reconnect, match="invalid_refresh_token"):
        oauth.refresh("bot", Slack, app, granted.refresh, "")
    assert [envelope.reference.kind for envelope in told(world_webhooks, fake)] == [Kind.REVOKED, Kind.REVOKED]


def test_an_administrator_removes_the_app_and_adds_it_again(
    fake: FakeSlack, app: App, blocking_transport: BlockingTransport, world_webhooks: list[Webhook]
) -> None:
    [granted] = consented(fake)
    fake.revoke_app()
    first, second = told(world_webhooks, fake)
    assert (first.workspace, first.content) == (fake.workspace.team, None)
    assert (first.reference.kind, first.reference.conversation, first.reference.message) == (Kind.REVOKED, "", "")
    assert first.reference.occurred_at is not None
    assert abs(first.reference.occurred_at.timestamp() - time.time()) < 60
    assert first.event_id != second.event_id
    slack = connector(granted.access)
    with pytest.raises(Reconnect):
        drive_blocking(slack.identify(), blocking_transport, slack.credentials)
    place = fake.places()[0].conversation
    fake.type_as(fake.people()[0].id, place, "nobody hears this")
    assert len(world_webhooks) == 2
    consented(fake)
    fake.type_as(fake.people()[0].id, place, "heard again")
    assert len(world_webhooks) == 3


def test_what_one_person_takes_back_leaves_the_connection_alone(
    fake: FakeSlack, app: App, world_webhooks: list[Webhook]
) -> None:
    back = decide(oauth.consent_address(MESSAGES, app, [person_scope()], TRIP), fake.people()[1].id)
    [granted] = oauth.redeem("person", Slack, app, back["code"], replace(TRIP, verifier=""))
    headers = {"authorization": f"Bearer {granted.access}"}
    assert requests.post("https://slack.com/api/auth.revoke", headers=headers, timeout=5).json()["revoked"]
    assert [envelope.reference.kind for envelope in told(world_webhooks, fake)] == [Kind.OTHER]
    assert fake.workspace.installed


def person_scope() -> Scope:
    return next(scope for scope in Slack.scopes if (scope.token, scope.name) == ("person", "chat:write"))


def test_the_welcome_is_a_direct_message_of_the_app(
    fake: FakeSlack, app: App, blocking_transport: BlockingTransport, world_webhooks: list[Webhook]
) -> None:
    [granted] = consented(fake, Preset.PUBLISHED)
    slack = connector(granted.access)
    ann = fake.people()[0]
    drive_blocking(slack.greet(AccountId(ann.id), HELLO), blocking_transport, slack.credentials)
    [shown] = fake.shown(fake.chat_with(ann.id))
    assert ("hello" in shown.html, shown.is_app) == (True, True)
    assert json.loads(world_webhooks[0].body)["event"]["channel_type"] == "im"
    assert [place.name for place in fake.places()] == ["general", "coffee"]


# --- Slack's own SDK


def test_slack_s_sdk_adds_the_app_renews_its_token_and_gives_it_back(
    fake: FakeSlack, app: App, sandbox_url: str, clock: list[float]
) -> None:
    client = WebClient(base_url=f"{sandbox_url}/slack.com/api/")
    back = decide(oauth.consent_address(CONNECT, app, scopes(), TRIP), fake.people()[0].id)
    intercepted = {"client_id": app.client_id, "client_secret": app.client_secret}
    answer = client.oauth_v2_access(**intercepted, code=back["code"], redirect_uri=TRIP.redirect)
    assert answer["team"] == {"id": fake.workspace.team, "name": "Acme"}
    bot = {"bot_id": fake.workspace.bot_id, "bot_user_id": answer["bot_user_id"], "bot_token": answer["access_token"]}
    ends = {"bot_refresh_token": answer["refresh_token"], "bot_token_expires_in": answer["expires_in"]}
    installation = Installation(user_id=answer["authed_user"]["id"], team_id=answer["team"]["id"], **bot, **ends)
    rotator = TokenRotator(**intercepted, client=client)
    assert rotator.perform_token_rotation(installation=installation) is None
    renewed = rotator.perform_token_rotation(installation=installation, minutes_before_expiration=60 * 13)
    assert renewed is not None
    assert renewed.bot_token not in (None, installation.bot_token)
    client.token = renewed.bot_token
    assert client.auth_test()["team_id"] == fake.workspace.team
    assert client.auth_revoke(test=True)["revoked"] is False
    assert client.auth_revoke()["revoked"] is True
    with pytest.raises(SlackApiError, match="token_revoked"):
        client.auth_test()
    with pytest.raises(SlackApiError, match="invalid_code"):
        client.oauth_v2_access(**intercepted, code=back["code"], redirect_uri=TRIP.redirect)


# --- Signing in


def signed_in(fake: FakeSlack, **more: str) -> dict[str, Any]:
    query = {"client_id": fake.app.client_id, "redirect_uri": TRIP.redirect, "response_type": "code", "state": "s"}
    query |= {"scope": "openid profile email"} | more
    back = decide(f"{SlackOAuth2Adapter.authorize_url}?{urlencode(query)}", fake.people()[0].id)
    form = {"client_id": fake.app.client_id, "client_secret": fake.app.client_secret, "code": back["code"]}
    form |= {"redirect_uri": TRIP.redirect, "grant_type": "authorization_code"}
    found: dict[str, Any] = requests.post(SlackOAuth2Adapter.access_token_url, data=form, timeout=5).json()
    return found


def test_the_hub_s_sign_in_learns_who_somebody_is(fake: FakeSlack, app: App) -> None:
    ann = fake.people()[0]
    data = SlackOAuth2Adapter(RequestFactory().get("/")).get_data(signed_in(fake)["access_token"])
    provider = SlackProvider(RequestFactory().get("/"), SocialApp(provider="slack"))
    assert provider.extract_uid(data) == f"{fake.workspace.team}_{ann.id}"
    [address] = provider.extract_email_addresses(data)
    assert (address.email, address.verified, data["name"]) == ("ann@acme.example", True, "Ann Moreau")


def test_an_identity_is_signed_for_our_app_and_bears_the_nonce(fake: FakeSlack, app: App) -> None:
    discovery = requests.get("https://slack.com/.well-known/openid-configuration", timeout=5).json()
    keys = KeySet.import_key_set(requests.get(discovery["jwks_uri"], timeout=5).json())
    token = jwt.decode(signed_in(fake, nonce="n-1")["id_token"], keys, algorithms=["RS256"])
    assert (token.claims["iss"], token.claims["aud"]) == (discovery["issuer"], app.client_id)
    assert (token.claims["nonce"], token.claims["sub"]) == ("n-1", fake.people()[0].id)


def test_a_sign_in_is_no_consent(fake: FakeSlack, app: App) -> None:
    token = signed_in(fake, scope="openid")["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    who = requests.get(SlackOAuth2Adapter.identity_url, headers=headers, timeout=5).json()
    assert (who["ok"], "email" in who) == (True, False)
    users = requests.get("https://slack.com/api/users.list", headers=headers, timeout=5).json()
    assert (users["error"], users["needed"]) == ("missing_scope", "users:read")


# --- An app of one's own


def manifest(preset: Preset, name: str = "Acme Relay") -> dict[str, Any]:
    [paper] = Slack.papers(HUB, f"{HUB}/webhooks/slack/k3y/", preset, name)
    assert (paper.name, paper.content_type) == ("slack-app-manifest.json", "application/json")
    found: dict[str, Any] = json.loads(paper.body)
    return found


@pytest.mark.parametrize("preset", Preset)
def test_the_manifest_holds_what_the_preset_asks_for_and_no_event_beyond_it(preset: Preset) -> None:
    made = manifest(preset)
    config, settings = made["oauth_config"], made["settings"]
    assert set(config["scopes"]["bot"]) == names(preset)
    people = {scope.name for scope in wanted(Slack.scopes, Purpose.MESSAGES, preset)}
    assert set(config["scopes"]["user"]) == {"openid", "email", "profile"} | people
    assert config["redirect_urls"] == [TRIP.redirect, f"{HUB}/account/slack/login/callback/"]
    assert settings["event_subscriptions"]["request_url"] == f"{HUB}/webhooks/slack/k3y/"
    events = set(settings["event_subscriptions"]["bot_events"])
    assert set(EVENTS) - events == (set() if preset == Preset.FULL else {"message.mpim"})
    assert set(settings["event_subscriptions"]["user_events"]) == set(EVENTS_OF_PEOPLE)


@pytest.mark.skipif(not SPECS.exists(), reason="the published specification is not at hand")
@pytest.mark.parametrize("name", ["Acme Relay", "R", "Ünïted & Söns " * 9, "🦄", '"}\n', "/mio"])
def test_the_manifest_is_what_slack_s_schema_allows_whatever_the_app_is_called(name: str) -> None:
    made = manifest(Preset.FULL, name)
    Draft7Validator(json.loads((SPECS / "app_manifest.schema.2.0.0.json").read_text())).validate(made)
    [command] = made["features"]["slash_commands"]
    assert command["command"].startswith("/")
    assert not any(character.isspace() or character.isupper() for character in command["command"])


def test_the_slash_command_is_named_after_the_app() -> None:
    [command] = manifest(Preset.FULL)["features"]["slash_commands"]
    assert (command["command"], command["url"]) == ("/acme-relay", f"{HUB}/webhooks/slack/k3y/")


def test_each_task_before_connecting_leads_to_where_it_is_done() -> None:
    text = (FOLDER / "setup.md").read_text()
    tasks = text.partition("## Before you connect")[2].partition("\n## ")[0].split("- [ ] ")[1:]
    assert len(tasks) >= 5
    assert all("](https://" in task for task in tasks)
    assert "## Your own app" in text
    assert "Mio" not in text
