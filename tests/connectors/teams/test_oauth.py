"""Connecting a tenant of Microsoft 365: consent, tokens, whose they are, what is subscribed, and how it ends."""

import ast
import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import msal
import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

import connectors
from accounts import oauth
from connectors.calls import Call, Calls, Response, T
from connectors.consent import App, Granted, Preset, Purpose, Step, Subscribed, wanted
from connectors.contract import Credentials, Request
from connectors.errors import Gone, Malformed, NotSupported, Reconnect, Refused, Unavailable, WrongAccount
from connectors.http import drive_blocking
from connectors.messages import (
    AccountId,
    Attachment,
    ConversationId,
    Draft,
    Kind,
    MessageId,
    Posted,
    Reference,
    TeamId,
    WorkspaceId,
)
from connectors.richtext import Paragraph, Text, document
from connectors.sandbox import Webhook, World
from connectors.teams.connector import Teams
from connectors.teams.papers import IDS
from connectors.teams.sandbox import ADMINISTRATOR, GUEST, SERVICE_USER, FakeTeams
from connectors.teams.sandbox_channels import iso
from connectors.teams.sandbox_entra import Grant
from connectors.teams.scopes import APP, PERSON, SCOPES, SERVICE
from tests.conftest import HUB
from tests.connectors.given import uploaded

pytestmark = pytest.mark.usefixtures("intercepted_requests")

FOLDER = Path(connectors.__file__).parent / "teams"
CATALOGUE = Path(__file__).parents[3] / "../shared/specs/teams/permission-catalog.json"
REDIRECT = f"{HUB}/connect/teams/callback/"
HOOK = f"{HUB}/webhooks/teams/"
ADMIN, SIGN_IN = Teams.steps[Purpose.CONNECT]
HELLO = document([Paragraph((Text("hello"),))])


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0
        self._now = time.time

    def __call__(self) -> float:
        return self._now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(world: World, clock: Clock) -> FakeTeams:
    """A tenant that has thrown the app out, or never knew it: nothing is approved, no token lives."""
    fake = FakeTeams(world.fakes["teams"].secrets, HUB, clock)
    fake.app, fake.deliver = world.fakes["teams"].app, world.fakes["teams"].deliver
    world.fakes["teams"] = fake
    world._hosts |= dict.fromkeys(fake.hosts, fake)
    fake.revoke_app()
    return fake


@pytest.fixture
def app(fake: FakeTeams) -> App:
    return fake.app


def trip(workspace: str = "") -> oauth.Trip:
    return oauth.Trip(REDIRECT, "the state", "v" * 43, workspace)


def address(step: Step, app: App, trip: oauth.Trip, preset: Preset = Preset.FULL) -> str:
    return oauth.consent_address(step, app, wanted(SCOPES, Purpose.CONNECT, preset), trip)


def press(address: str, person: str, decision: str = "allow") -> dict[str, str]:
    """What the browser brings back to the Hub."""
    answer = requests.post(address, {"person": person, "decision": decision}, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert back._replace(query="").geturl() == REDIRECT
    return dict(parse_qsl(back.query))


def approve(app: App) -> str:
    """The first step; the tenant that it tells."""
    return press(address(ADMIN, app, trip()), ADMINISTRATOR)["tenant"]


def sign_in(app: App, person: str, workspace: str, preset: Preset = Preset.FULL) -> Granted:
    """The second step."""
    journey = trip(workspace)
    code = press(address(SIGN_IN, app, journey, preset), person)["code"]
    [granted] = oauth.redeem(SERVICE, Teams, app, code, journey)
    return granted


def connect(app: App, person: str = SERVICE_USER[0], preset: Preset = Preset.FULL) -> Credentials:
    """Both steps; ``account`` is not known yet."""
    workspace = approve(app)
    service = sign_in(app, person, workspace, preset)
    [own] = oauth.mint(APP, Teams, app, workspace)
    return Credentials(WorkspaceId(workspace), AccountId(""), {APP: own.access, SERVICE: service.access})


def answering(fake: FakeTeams) -> Any:
    def send(outgoing: Any) -> Response:
        url = urlsplit(outgoing.url)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        return fake.handle(Request(outgoing.method, outgoing.url, headers, query, outgoing.body or b""))

    return send


def run(fake: FakeTeams, credentials: Credentials, calls: Calls[T]) -> T:
    return drive_blocking(calls, answering(fake), credentials)


# Consent


def test_a_tenant_is_connected_in_two_steps(fake: FakeTeams, app: App) -> None:
    credentials = connect(app)
    identity = run(fake, credentials, Teams(credentials).identify())
    assert (identity.workspace, identity.workspace_name) == (fake.tenant, "Acme")
    assert (identity.account, identity.account_name, identity.email) == (fake.service, *SERVICE_USER)
    assert identity.doubts == ()


def test_identify_needs_no_more_than_the_published_scopes(fake: FakeTeams, app: App) -> None:
    fake.entra.registered_roles = frozenset(one.name for one in published(APP))
    fake.entra.registered_scopes = frozenset(one.name for one in published(SERVICE))
    credentials = connect(app, preset=Preset.PUBLISHED)
    run(fake, credentials, Teams(credentials).identify())


def published(token: str) -> list[Any]:
    return [one for one in wanted(SCOPES, Purpose.CONNECT, Preset.PUBLISHED) if one.token == token]


def test_the_consent_page_names_every_scope_in_words(app: App) -> None:
    page = requests.get(address(SIGN_IN, app, trip()), timeout=5).text
    for scope in wanted(SCOPES, Purpose.CONNECT, Preset.FULL):
        assert (f"{escape(scope.description)} <small>{scope.name}</small>" in page) == (scope.token == SERVICE)
    assert f"{SERVICE_USER[0]} ({SERVICE_USER[1]})" in page
    assert "<script" not in page


def test_the_approval_covers_what_stands_in_the_registration(fake: FakeTeams, app: App) -> None:
    fake.entra.registered_roles = frozenset({"User.Read.All"})
    [own] = oauth.mint(APP, Teams, app, approve(app))
    assert own.scopes == {"User.Read.All"}


def test_the_answer_tells_what_was_granted(app: App) -> None:
    credentials_of = {one.name for one in wanted(SCOPES, Purpose.CONNECT, Preset.FULL) if one.token == SERVICE}
    granted = sign_in(app, SERVICE_USER[0], approve(app))
    assert credentials_of <= granted.scopes
    assert granted.refresh
    assert granted.lifetime == 3600


@pytest.mark.parametrize(("step", "error"), [(ADMIN, "permission_denied"), (SIGN_IN, "access_denied")])
def test_a_refusal_comes_back_with_its_state(app: App, step: Step, error: str) -> None:
    back = press(address(step, app, trip()), ADMINISTRATOR, "deny")
    assert (back["error"], back["state"]) == (error, "the state")


def test_only_an_administrator_can_approve_the_app(app: App) -> None:
    assert press(address(ADMIN, app, trip()), "Dev Patel")["error"] == "access_denied"
    assert "AADSTS90094" in press(address(SIGN_IN, app, trip()), SERVICE_USER[0])["error_description"]


def test_a_foreign_address_gets_no_answer(app: App) -> None:
    for url in (f"{HUB}.evil.example/", "https://evil.example/"):
        journey = replace(trip(), redirect=url)
        assert requests.get(address(SIGN_IN, app, journey), allow_redirects=False, timeout=5).status_code == 400
    assert requests.get(address(ADMIN, App("another"), trip()), timeout=5).status_code == 400


def test_a_scope_that_does_not_exist_is_refused(app: App) -> None:
    url = address(SIGN_IN, app, trip()).replace("ChannelMessage.Send", "Chat.Read.All")
    back = requests.get(url, allow_redirects=False, timeout=5).headers["location"]
    assert "error=invalid_client" in back


def test_a_code_is_good_once(app: App) -> None:
    journey = trip(approve(app))
    code = press(address(SIGN_IN, app, journey), SERVICE_USER[0])["code"]
    oauth.redeem(SERVICE, Teams, app, code, journey)
    with pytest.raises(Reconnect, match="invalid_grant"):
        oauth.redeem(SERVICE, Teams, app, code, journey)


def test_a_code_needs_its_verifier_and_its_address_and_ends(fake: FakeTeams, app: App, clock: Clock) -> None:
    journey = trip(approve(app))
    for wrong in (replace(journey, verifier="w" * 43), replace(journey, verifier=""), replace(journey, redirect=HUB)):
        code = press(address(SIGN_IN, app, journey), SERVICE_USER[0])["code"]
        with pytest.raises(Reconnect, match="invalid_grant"):
            oauth.redeem(SERVICE, Teams, app, code, wrong)
    code = press(address(SIGN_IN, app, journey), SERVICE_USER[0])["code"]
    clock.ahead = 601
    with pytest.raises(Reconnect, match="invalid_grant"):
        oauth.redeem(SERVICE, Teams, app, code, journey)


def test_a_wrong_secret_is_refused(app: App) -> None:
    workspace = approve(app)
    with pytest.raises(Refused, match="invalid_client"):
        oauth.mint(APP, Teams, replace(app, client_secret="wrong"), workspace)


def test_a_refresh_token_may_be_used_again(app: App) -> None:
    workspace = approve(app)
    first = sign_in(app, SERVICE_USER[0], workspace)
    for _ in range(2):
        [fresh] = oauth.refresh(SERVICE, Teams, app, first.refresh, workspace)
        assert fresh.refresh not in ("", first.refresh)
        assert fresh.scopes == first.scopes


def test_tokens_end_and_are_renewed(fake: FakeTeams, app: App, clock: Clock) -> None:
    credentials = connect(app)
    granted = sign_in(app, SERVICE_USER[0], credentials.workspace)
    clock.ahead = 3601
    with pytest.raises(Reconnect):
        run(fake, credentials, Teams(credentials).identify())
    [fresh] = oauth.refresh(SERVICE, Teams, app, granted.refresh, credentials.workspace)
    credentials = replace(credentials, tokens={SERVICE: fresh.access})
    assert run(fake, credentials, Teams(credentials).identify()).account == fake.service


# Whose tokens they are


def test_a_guest_is_the_wrong_account(fake: FakeTeams, app: App) -> None:
    credentials = connect(app, GUEST[0])
    with pytest.raises(WrongAccount, match="guest"):
        run(fake, credentials, Teams(credentials).identify())


def test_an_account_without_a_licence_is_the_wrong_one(fake: FakeTeams, app: App) -> None:
    fake.graph.people.unlicensed.add(fake.service)
    credentials = connect(app)
    with pytest.raises(WrongAccount, match="licence"):
        run(fake, credentials, Teams(credentials).identify())


def test_a_tenant_that_a_redirection_told_falsely_is_found_out(fake: FakeTeams, app: App) -> None:
    credentials = replace(connect(app), workspace=WorkspaceId("00000000-0000-4000-8000-000000000000"))
    with pytest.raises(WrongAccount, match="another organisation"):
        run(fake, credentials, Teams(credentials).identify())


def told(*answers: object) -> Any:
    """``identify`` over answers that say anything."""
    waiting = iter(answers)
    credentials = Credentials(WorkspaceId(""), AccountId(""), {SERVICE: "token"})
    calls = Teams(credentials).identify()

    def send(_: Any) -> Response:
        answer = next(waiting)
        return answer if isinstance(answer, Response) else Response(200, json.dumps(answer).encode())

    return drive_blocking(calls, send, credentials)


HERE = {"value": [{"id": "T", "displayName": "Acme"}]}


def test_a_personal_account_has_no_organisation() -> None:
    with pytest.raises(WrongAccount, match="personal"):
        told({"value": []})


@pytest.mark.parametrize("answers", [([],), (HERE, []), (HERE, {"id": 7}), (HERE, "me")])
def test_an_answer_that_names_nobody_is_no_identity(answers: tuple[object, ...]) -> None:
    with pytest.raises((Unavailable, WrongAccount)):
        told(*answers)


ENTRUSTED = {"value": [{"@odata.type": "#microsoft.graph.directoryRole", "id": "r", "displayName": None}]}


def test_what_cannot_be_seen_of_an_account_is_a_doubt() -> None:
    [doubt] = told(HERE, {"id": "u"}, ENTRUSTED, Response(403, b"{}")).doubts
    assert "licence" in doubt
    [doubt] = told(HERE, {"id": "u"}, Response(403, b"{}"), {"hasTeamsLicense": True}).doubts
    assert "administrator's role" in doubt


def test_an_account_without_any_role_is_somebodys_own(fake: FakeTeams, app: App) -> None:
    fake.entra.entrusted.discard(fake.service)
    credentials = connect(app)
    with pytest.raises(WrongAccount, match="administrator's role"):
        run(fake, credentials, Teams(credentials).identify())


def test_a_role_is_found_behind_many_groups() -> None:
    groups = {"value": [{"@odata.type": "#microsoft.graph.group", "id": "g"}]}
    more = groups | {"@odata.nextLink": "https://graph.microsoft.com/v1.0/me/transitiveMemberOf?$skiptoken=1"}
    assert told(HERE, {"id": "u"}, more, ENTRUSTED, {"hasTeamsLicense": True}).doubts == ()
    for last in (groups, groups | {"@odata.nextLink": "https://evil.example/"}):
        with pytest.raises(WrongAccount):
            told(HERE, {"id": "u"}, more, last)


@pytest.mark.parametrize("answer", [{}, {"access_token": 7}, {"access_token": ""}])
def test_an_answer_without_a_token_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Teams.granted(SERVICE, answer)


@pytest.mark.parametrize("token", ["opaque", "a.!!.c", "a.W10.c", "a.eyJyb2xlcyI6N30.c", "a.é.c"])
def test_a_token_that_cannot_be_read_tells_no_roles(token: str) -> None:
    [granted] = Teams.granted(APP, {"access_token": token, "expires_in": 60})
    assert (granted.scopes, granted.lifetime) == (frozenset(), 60)


@pytest.mark.parametrize("life", [None, "soon", -1, 0, [], {}, float("nan"), 10**400])
def test_a_token_without_a_readable_end_is_renewed_soon(life: object) -> None:
    assert Teams.granted(SERVICE, {"access_token": "x", "expires_in": life})[0].lifetime == 3600


# Every scope is needed, and nothing needs another one


def catalogue() -> set[str]:
    known = {scope.name for scope in SCOPES}
    return known | set(json.loads(CATALOGUE.read_text())["permissions"]) if CATALOGUE.exists() else known


def used() -> set[str]:
    """The names of permissions that our code says, outside the tables and the fake."""
    modules = [path for path in FOLDER.glob("*.py") if not path.name.startswith(("sandbox", "scopes", "papers"))]
    constants = {
        node.value
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return (constants & catalogue()) - {"email"}  # that one is also a property of members


def test_what_is_asked_for_is_what_the_code_needs() -> None:
    asked = [scope for purpose in (Purpose.CONNECT, Purpose.MESSAGES) for scope in wanted(SCOPES, purpose, Preset.FULL)]
    assert {scope.name for scope in asked} == used()
    assert {scope.name for scope in wanted(SCOPES, Purpose.CONNECT, Preset.PUBLISHED)} <= used()


def everything(fake: FakeTeams, credentials: Credentials) -> Iterator[tuple[str, Calls[Any]]]:
    """All that the connector can do, each once."""
    teams, place = Teams(credentials), fake.places()[0].conversation
    person = AccountId(fake.people()[0].id)
    heard = fake.type_as(person, place, "x")
    shared = fake.share_as(person, place, "plan.txt", b"plan")
    draft = Draft(place, HELLO, "n1.0")
    [ours] = teams.parts(draft)
    yield "identify", teams.identify()
    yield "post", teams.post(ours)
    yield "find", teams.find(ours, lately(fake))
    yield "react", teams.react(place, heard, "🎉", True)
    mine = said_by_us(fake, place)
    yield "edit", teams.edit(mine, ours)
    yield "delete", teams.delete(place, mine)
    yield "account", teams.account(person)
    yield "members", teams.members(place)
    team = TeamId(fake.team)
    yield "teams", teams.teams()
    yield "people", teams.people([])
    yield "people of a team", teams.people([team])
    yield "conversations", teams.conversations([team])
    yield "conversation", teams.conversation(place)
    fake.roster(place).discard(fake.service)
    yield "enter team", teams.enter_team(team)
    fake.roster(place).add(fake.service)
    yield "create", teams.create(f"made {len(fake.places())}", is_private=False, team=team, topic="")
    yield "enter", teams.enter(place)
    yield "add", teams.add(place, [person])
    private = fake.add_place("secret", private=True).conversation
    yield "add to private", teams.add(private, [person])
    dev = AccountId(fake.people()[1].id)
    fake.roster(place).add(dev)
    yield "remove", teams.remove(place, dev)
    yield "rename", teams.rename(place, "renamed")
    yield "topic", teams.set_topic(place, "about")
    yield "open", teams.open(attachment_of(fake, teams, place, shared))
    yield "upload", teams.upload(Attachment("a.txt", "text/plain", "not ours", 4), draft)
    yield "greet", teams.greet(person, HELLO)
    yield "order a person's chats", teams.subscribe(teams.resources([], [person])[0], HOOK, "key")
    chat = fake.chat([fake.service, person])
    yield "fetch from a chat", teams.fetch(Reference(Kind.POSTED, chat, fake.type_as(person, chat, "x")))
    yield "groups", teams.groups()
    yield "group members", teams.group_members(next(iter(fake.graph.groups.all)))
    yield "look up", teams.look_up(["nobody@partner.example"])
    yield "provision", teams.provision(f"guest-{uuid4()}@partner.example", "Gus")
    yield "discard", teams.discard(AccountId(fake.add_person("Gia", "gia@partner.example", guest=True).id))
    yield "subscribe", teams.subscribe(teams.resources([place])[0], HOOK, "key")
    yield "subscriptions", teams.subscriptions(HOOK)


def lately(fake: FakeTeams) -> datetime:
    return datetime.fromtimestamp(fake.clock() - 60, UTC)


def said_by_us(fake: FakeTeams, place: ConversationId) -> MessageId:
    return fake.type_as(SERVICE_USER[0], place, "ours")


def attachment_of(fake: FakeTeams, teams: Teams, place: ConversationId, message: MessageId) -> Attachment:
    content = fake.channels.all[fake.places()[0].id].message(message)
    event = teams.parse(content, Reference(Kind.POSTED, place, message))
    assert isinstance(event, Posted)
    return event.message.attachments[0]


def allowed_with(fake: FakeTeams, roles: set[str], scopes: set[str]) -> set[str]:
    """What works with exactly these permissions."""
    fake.entra.grants |= {"own": Grant(frozenset(roles)), "service": Grant(frozenset(scopes), fake.service)}
    credentials = Credentials(WorkspaceId(fake.tenant), AccountId(fake.service), {APP: "own", SERVICE: "service"})
    worked = set()
    for name, calls in everything(fake, credentials):
        try:
            uploaded(calls, answering(fake), credentials, b"plan")
        except (Reconnect, Refused):
            continue
        worked.add(name)
    return worked


def names(preset: Preset, token: str) -> set[str]:
    return {scope.name for scope in wanted(SCOPES, Purpose.CONNECT, preset) if scope.token == token}


NOT_PUBLISHED = {"enter team", "create", "add", "add to private", "remove"} | {
    "rename",
    "topic",
    "open",
    "upload",
    "greet",
    "order a person's chats",
    "fetch from a chat",
    "groups",
    "group members",
    "provision",
    "discard",
}


def test_the_full_set_allows_everything_and_the_published_one_the_essential(fake: FakeTeams) -> None:
    every = allowed_with(fake, names(Preset.FULL, APP), names(Preset.FULL, SERVICE))
    assert {"identify", "subscriptions"} < every
    assert every >= NOT_PUBLISHED
    published = allowed_with(fake, names(Preset.PUBLISHED, APP), names(Preset.PUBLISHED, SERVICE))
    assert published == every - NOT_PUBLISHED


def test_without_any_one_scope_something_is_refused(fake: FakeTeams) -> None:
    roles, scopes = names(Preset.FULL, APP), names(Preset.FULL, SERVICE)
    every = allowed_with(fake, roles, scopes)
    for role in roles:
        assert allowed_with(fake, roles - {role}, scopes) < every, role
    for scope in scopes - {"offline_access"}:  # without that one there is no refresh token, which is no call
        assert allowed_with(fake, roles, scopes - {scope}) < every, scope


def test_every_scope_says_why_in_full_sentences() -> None:
    for scope in SCOPES:
        assert all((scope.description, scope.use_case.endswith("."), scope.why.endswith("."))), scope.name
        assert "mio" not in f"{scope.use_case} {scope.why} {scope.note}".lower().split()
    assert len({(scope.purpose, scope.token, scope.name) for scope in SCOPES}) == len(SCOPES)


def test_a_person_is_asked_for_chat_readwrite_and_signing_in_alone() -> None:
    asked = {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, Preset.FULL)}
    assert asked == {"Chat.ReadWrite", "offline_access", "User.Read"}


# Papers


def papers(preset: Preset) -> dict[str, bytes]:
    return {paper.name: paper.body for paper in Teams.papers(HUB, HOOK, preset, "The Hub")}


@pytest.mark.parametrize("preset", list(Preset))
def test_the_registration_asks_for_exactly_the_scopes(preset: Preset) -> None:
    registration = json.loads(papers(preset)["entra-application.json"])
    [graph] = registration["requiredResourceAccess"]
    by_id = {id_: scope for scope, id_ in IDS.items()}
    asked = [(entry["type"], by_id[entry["id"]][1]) for entry in graph["resourceAccess"]]
    both = [scope for each in (Purpose.CONNECT, Purpose.MESSAGES) for scope in wanted(SCOPES, each, preset)]
    assert set(asked) == {("Role" if scope.token == APP else "Scope", scope.name) for scope in both}
    assert len(asked) == len(set(asked))
    assert [graph] == json.loads(papers(preset)["required-resource-access.json"])
    assert registration["web"]["redirectUris"] == [REDIRECT, f"{HUB}/account/microsoft/login/callback/"]


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the vendor's specifications are not at hand")
def test_the_ids_of_the_permissions_are_microsofts() -> None:
    known = json.loads(CATALOGUE.read_text())["permissions"]
    kinds = {APP: "application", SERVICE: "delegated", PERSON: "delegated"}
    listed = {
        key: id_ for key, id_ in IDS.items() if key[1] != "User.DeleteRestore.All"
    }  # younger than the list at hand
    assert {key: known[key[1]][kinds[key[0]]]["id"] for key in listed} == listed


def test_the_package_for_teams_is_complete_and_always_the_same() -> None:
    package = papers(Preset.FULL)["teams-app.zip"]
    assert package == papers(Preset.FULL)["teams-app.zip"]
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        for icon, side in (("color", 192), ("outline", 32)):
            data = archive.read(manifest["icons"][icon])
            assert data[:8] == b"\x89PNG\r\n\x1a\n"
            assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (side, side)
    assert manifest["validDomains"] == ["hub.example.com"]


# Subscriptions


@pytest.fixture
def connected(fake: FakeTeams, app: App) -> Teams:
    credentials = connect(app)
    return Teams(replace(credentials, account=AccountId(fake.service)))


def order(fake: FakeTeams, teams: Teams, place: int = 0, hook: str = HOOK) -> Subscribed:
    resource = teams.resources([fake.places()[place].conversation])[0]
    key = fake.secrets.client_state_key
    return run(fake, teams.credentials, teams.subscribe(resource, hook, key))


def test_only_what_was_ordered_is_told(fake: FakeTeams, connected: Teams, world_webhooks: list[Webhook]) -> None:
    general, coffee = (place.conversation for place in fake.places())
    fake.type_as("Ann Moreau", general, "before")
    assert world_webhooks == []
    subscribed = order(fake, connected)
    handshakes = [webhook for webhook in world_webhooks if "validationToken=" in webhook.url]
    assert len(handshakes) == len(world_webhooks) == 2
    fake.type_as("Ann Moreau", coffee, "elsewhere")
    fake.type_as("Ann Moreau", general, "after")
    [webhook] = world_webhooks[2:]
    [envelope] = received(fake, webhook)
    assert (envelope.reference.kind, envelope.reference.conversation) == (Kind.POSTED, general)
    assert envelope.workspace == connected.credentials.workspace
    assert run(fake, connected.credentials, connected.subscriptions(HOOK)) == [subscribed]
    assert subscribed.resource in connected.resources([general])


def received(fake: FakeTeams, webhook: Webhook) -> Any:
    return Teams.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), fake.secrets)


def test_a_handshake_is_answered_with_its_token(
    fake: FakeTeams, connected: Teams, world_webhooks: list[Webhook]
) -> None:
    order(fake, connected)
    query = dict(parse_qsl(urlsplit(world_webhooks[0].url).query))
    reply: Any = Teams.receive(Request("POST", HOOK, {}, query, b""), fake.secrets)
    assert reply.body.decode() == query["validationToken"]


def test_an_order_that_stands_is_found(fake: FakeTeams, connected: Teams) -> None:
    assert order(fake, connected) == order(fake, connected)
    assert len(fake.subscriptions.standing()) == 1


def test_an_order_that_tells_another_address_is_placed_anew(fake: FakeTeams, connected: Teams) -> None:
    old = order(fake, connected, hook=f"{HUB}/webhooks/teams/old/")
    new = order(fake, connected)
    assert new.id != old.id
    assert [one["notificationUrl"] for one in fake.subscriptions.standing()] == [HOOK]
    assert run(fake, connected.credentials, connected.subscriptions(f"{HUB}/webhooks/teams/old/")) == []


def test_an_order_lives_nearly_three_days_and_is_renewed(
    fake: FakeTeams, connected: Teams, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed = order(fake, connected)
    assert subscribed.expires_at is not None
    assert 4300 * 60 < subscribed.expires_at - clock() <= 4310 * 60
    clock.ahead = 1800
    monkeypatch.setattr("connectors.teams.subscriptions.time.time", clock)
    renewed = run(fake, connected.credentials, connected.renew(subscribed))
    assert renewed.id == subscribed.id
    assert renewed.expires_at is not None
    assert 1795 <= renewed.expires_at - subscribed.expires_at <= 1805


def test_an_order_that_ended_is_gone_and_tells_nothing(
    fake: FakeTeams, connected: Teams, clock: Clock, world_webhooks: list[Webhook]
) -> None:
    subscribed = order(fake, connected)
    clock.ahead = 4311 * 60
    fake.entra.grants = {token: replace(one, until=float("inf")) for token, one in fake.entra.grants.items()}
    world_webhooks.clear()
    fake.type_as("Ann Moreau", fake.places()[0].conversation, "unheard")
    assert world_webhooks == []
    with pytest.raises(Gone):
        run(fake, connected.credentials, connected.renew(subscribed))


def test_a_cancelled_order_tells_nothing_and_cancelling_twice_is_no_error(
    fake: FakeTeams, connected: Teams, world_webhooks: list[Webhook]
) -> None:
    subscribed = order(fake, connected)
    for _ in range(2):
        run(fake, connected.credentials, connected.unsubscribe(subscribed))
    world_webhooks.clear()
    fake.type_as("Ann Moreau", fake.places()[0].conversation, "unheard")
    assert world_webhooks == []


def test_every_page_of_orders_is_read(fake: FakeTeams, connected: Teams) -> None:
    for number in range(100):
        fake.add_place(f"place {number}")
        order(fake, connected, number)
    order(fake, connected, 100)
    assert len(run(fake, connected.credentials, connected.subscriptions(HOOK))) == 101


def test_channels_and_the_chats_of_each_person_are_ordered_once(connected: Teams) -> None:
    team, chat = ConversationId("T/19:c@thread.tacv2"), ConversationId("chats/19:x@thread.v2")
    messages = "/teams/T/channels/19:c@thread.tacv2/messages"
    assert connected.resources([team, chat, team]) == [messages, "/teams/T/channels", "/users"]
    assert connected.resources([chat]) == []
    ann = AccountId("ann")
    assert connected.resources([chat], [ann, ann]) == ["/users/ann/chats/getAllMessages", "/users"]


def test_an_address_that_microsoft_cannot_reach_may_be_tried_again(fake: FakeTeams, connected: Teams) -> None:
    with pytest.raises(Unavailable, match="could not reach"):
        order(fake, connected, hook="https://elsewhere.example/hook")


def sent(channel: str, **changes: Any) -> Call:
    genuine = {"changeType": "created", "notificationUrl": HOOK, "resource": channel, "clientState": "s"}
    return Call("POST", "https://graph.microsoft.com/v1.0/subscriptions", token=APP, json=genuine | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"expirationDateTime": "2200-01-01T00:00:00Z", "lifecycleNotificationUrl": HOOK},
        {"expirationDateTime": "2020-01-01T00:00:00Z"},
        {"expirationDateTime": "in a day"},
        {"expirationDateTime": "in two hours"},
        {"changeType": "read"},
        {"clientState": "x" * 129},
        {"resource": "/chats/getAllMessages"},
    ],
)
def test_the_fake_refuses_orders_that_graph_refuses(
    fake: FakeTeams, connected: Teams, clock: Clock, changes: dict[str, Any]
) -> None:
    hours = {"expirationDateTime": iso(clock() + (7200 if "two hours" in str(changes) else 1800))}
    told = changes if "two hours" not in str(changes) else {}
    resource = connected.resources([fake.places()[0].conversation])[0]

    def calls() -> Calls[Response]:
        return (yield sent(resource, **hours | told))

    with pytest.raises(Refused, match="400"):
        run(fake, connected.credentials, calls())


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
def test_what_happens_to_an_order_is_told_with_its_id(
    fake: FakeTeams, connected: Teams, world_webhooks: list[Webhook], event: str
) -> None:
    subscribed = order(fake, connected)
    fake.subscriptions.lifecycle(event)
    [envelope] = received(fake, world_webhooks[-1])
    assert (envelope.reference.kind, envelope.reference.message) == (Kind.LAPSED, subscribed.id)
    assert (envelope.workspace, envelope.reference.conversation) == (fake.tenant, "")
    [again] = received(fake, world_webhooks[-1])
    assert again.event_id == envelope.event_id


def test_a_challenge_after_a_renewal_is_another_event(
    fake: FakeTeams, connected: Teams, clock: Clock, world_webhooks: list[Webhook], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed = order(fake, connected)
    fake.subscriptions.lifecycle("reauthorizationRequired")
    clock.ahead = 60
    monkeypatch.setattr("connectors.teams.subscriptions.time.time", clock)
    run(fake, connected.credentials, connected.renew(subscribed))
    fake.subscriptions.lifecycle("reauthorizationRequired")
    first, second = (received(fake, webhook)[0] for webhook in world_webhooks[-2:])
    assert first.event_id != second.event_id


def test_a_removed_app_is_told_and_every_token_is_dead(
    fake: FakeTeams, app: App, connected: Teams, world_webhooks: list[Webhook]
) -> None:
    subscribed = order(fake, connected)
    granted = sign_in(app, SERVICE_USER[0], fake.tenant)
    fake.revoke_app()
    [envelope] = received(fake, world_webhooks[-1])
    assert (envelope.reference.kind, envelope.reference.message) == (Kind.LAPSED, subscribed.id)
    with pytest.raises(Reconnect):
        run(fake, connected.credentials, connected.identify())
    with pytest.raises(Reconnect):
        run(fake, connected.credentials, connected.renew(subscribed))
    with pytest.raises(Reconnect, match="invalid_grant"):
        oauth.refresh(SERVICE, Teams, app, granted.refresh, fake.tenant)
    with pytest.raises(Refused, match="unauthorized_client"):
        oauth.mint(APP, Teams, app, fake.tenant)


def test_giving_tokens_back_calls_nobody(fake: FakeTeams, app: App, connected: Teams) -> None:
    assert list(connected.revoke(app)) == []


def test_the_demo_hears_everything_without_ordering(world: World, world_webhooks: list[Webhook]) -> None:
    seeded = world.fakes["teams"]
    seeded.type_as("Ann Moreau", seeded.places()[1].conversation, "hi")
    assert len(world_webhooks) == 1


# The welcome message


def test_the_service_user_greets_a_person_in_their_chat(fake: FakeTeams, connected: Teams) -> None:
    dev = fake.people()[1]
    for _ in range(2):
        run(fake, connected.credentials, connected.greet(AccountId(dev.id), HELLO))
    assert [(shown.html, shown.is_app) for shown in fake.direct(dev.name)] == [("<p>hello</p>", True)] * 2
    assert len(fake.graph.chats.all) == 1


def test_the_service_user_does_not_greet_itself(fake: FakeTeams, connected: Teams) -> None:
    with pytest.raises(NotSupported):
        run(fake, connected.credentials, connected.greet(AccountId(fake.service), HELLO))


# Microsoft's SDK, and signing in with Microsoft


def test_msal_walks_the_whole_way(fake: FakeTeams, app: App) -> None:
    authority = f"https://login.microsoftonline.com/{approve(app)}"
    client = msal.ConfidentialClientApplication(app.client_id, app.client_secret, authority=authority)
    scopes = sorted(names(Preset.FULL, SERVICE) - {"offline_access"})
    flow = client.initiate_auth_code_flow(scopes, redirect_uri=REDIRECT, response_mode="query")
    result = client.acquire_token_by_auth_code_flow(flow, press(flow["auth_uri"], SERVICE_USER[1]))
    assert set(scopes) <= set(result["scope"].split())
    assert result["id_token_claims"]["oid"] == fake.service
    fresh = client.acquire_token_by_refresh_token(result["refresh_token"], scopes)
    assert fresh["access_token"] != result["access_token"]
    fake.revoke_app()
    assert client.acquire_token_by_refresh_token(fresh["refresh_token"], scopes)["error"] == "invalid_grant"


def test_an_id_token_is_signed_with_the_published_key(fake: FakeTeams, app: App) -> None:
    authority = f"https://login.microsoftonline.com/{fake.tenant}"
    client = msal.ConfidentialClientApplication(app.client_id, app.client_secret, authority=authority)
    flow = client.initiate_auth_code_flow(["User.Read"], redirect_uri=REDIRECT, response_mode="query")
    result = client.acquire_token_by_auth_code_flow(flow, press(flow["auth_uri"], "Ann Moreau"))
    discovery = requests.get(f"{authority}/v2.0/.well-known/openid-configuration", timeout=5).json()
    keys = KeySet.import_key_set(requests.get(discovery["jwks_uri"], timeout=5).json())
    claims = jwt.decode(result["id_token"], keys, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"], claims["tid"]) == (discovery["issuer"], app.client_id, fake.tenant)


def test_a_person_signs_up_without_openid_and_without_pkce_as_allauth_does(fake: FakeTeams, app: App) -> None:
    base = "https://login.microsoftonline.com/common/oauth2/v2.0"
    query = {"client_id": app.client_id, "redirect_uri": REDIRECT, "response_type": "code", "scope": "User.Read"}
    address = requests.Request("GET", f"{base}/authorize", params=query | {"state": "s"}).prepare().url
    assert address
    code = press(address, "Ann Moreau")["code"]
    form = {"client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "authorization_code"}
    form |= {"code": code, "redirect_uri": REDIRECT}
    answer = requests.post(f"{base}/token", form, timeout=5).json()
    assert "id_token" not in answer
    assert "refresh_token" not in answer
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    select = {"$select": "businessPhones,displayName,givenName,id,mail,surname,userPrincipalName"}
    me = requests.get("https://graph.microsoft.com/v1.0/me", select, headers=headers, timeout=5).json()
    assert (me["id"], me["mail"]) == (fake.people()[0].id, "ann@acme.example")
