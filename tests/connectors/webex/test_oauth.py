"""Webex: consent, tokens, signing in, what is asked for and why, and webhooks as standing orders."""

import ast
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
import responses
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from webexpythonsdk import ApiError, WebexAPI

from accounts import oauth
from accounts.oauth import Trip
from connectors.calls import Call, Calls, Response, T
from connectors.consent import Granted, Identity, Preset, Purpose, wanted
from connectors.contract import Credentials, Request
from connectors.errors import Gone, Malformed, Reconnect, Refused, Unavailable, WrongAccount
from connectors.http import BlockingTransport, drive_blocking
from connectors.messages import AccountId, Kind, Reference, WorkspaceId
from connectors.richtext import Paragraph, Text, document
from connectors.sandbox import Webhook, World
from connectors.webex import ids, scopes
from connectors.webex.connector import Webex
from connectors.webex.sandbox import FakeWebex
from connectors.webex.sandbox_consent import consent_page

HUB = "https://hub.example.com"
BACK = f"{HUB}/connect/webex/callback/"
HOOKS = f"{HUB}/webhooks/webex/"
DAY = 86_400
(STEP,) = Webex.steps[Purpose.CONNECT]
SERVICE_USER = ids.account(FakeWebex(Webex.Secrets("x"), HUB).credentials().account)


class Browser:
    """Somebody at the fake's consent page, and what the Hub does with what comes back."""

    def __init__(self, webex: FakeWebex, transport: BlockingTransport) -> None:
        self.webex = webex
        self.transport = transport
        self.trip = Trip(BACK, "state-1", "v" * 50)

    def open(self, address: str, method: str = "GET", **form: str) -> Response:
        url = urlsplit(address)
        headers = {"content-type": "application/x-www-form-urlencoded"} if form else {}
        query = dict(parse_qsl(url.query))
        body = urlencode(form).encode()
        return self.webex.handle(Request(method, f"https://{url.netloc}{url.path}", headers, query, body))

    def consent(
        self, person: str = SERVICE_USER, decision: str = "allow", preset: Preset = Preset.FULL
    ) -> dict[str, str]:
        """What the browser brings back from the consent page."""
        asked = wanted(Webex.scopes, Purpose.CONNECT, preset)
        address = oauth.consent_address(STEP, self.webex.app, asked, self.trip)
        assert self.open(address).status == 200
        return came_back(self.open(address, "POST", person=person, decision=decision))

    def redeem(self, **fields: Any) -> Granted:
        code = self.consent(**fields)["code"]
        (granted,) = oauth.redeem("service", Webex, self.webex.app, code, self.trip)
        return granted

    def drive(self, call: Callable[[Webex], Calls[T]], token: str) -> T:
        credentials = Credentials(WorkspaceId(""), AccountId(""), {"service": token})
        return drive_blocking(call(Webex(credentials)), self.transport, credentials)

    def identify(self, token: str) -> Identity:
        return self.drive(Webex.identify, token)


def came_back(response: Response) -> dict[str, str]:
    assert response.status == 302, response.body
    address, _, query = response.headers["location"].partition("?")
    assert address == BACK
    return dict(parse_qsl(query))


@pytest.fixture
def webex(world: World) -> FakeWebex:
    fake = world.fakes["webex"]
    assert isinstance(fake, FakeWebex)
    return fake


@pytest.fixture
def browser(
    webex: FakeWebex, blocking_transport: BlockingTransport, intercepted_requests: responses.RequestsMock
) -> Browser:
    return Browser(webex, blocking_transport)


def later(webex: FakeWebex, seconds: float) -> None:
    """Let time pass at Webex."""
    before = webex._company.clock
    webex._company.clock = webex.clock = lambda: before() + seconds


# --- Consent, tokens, whose they are


@pytest.mark.parametrize("preset", Preset)
def test_the_service_user_signs_in_and_is_known(browser: Browser, preset: Preset) -> None:
    granted = browser.redeem(preset=preset)
    assert granted.scopes == {scope.name for scope in wanted(Webex.scopes, Purpose.CONNECT, preset)}
    assert (granted.kind, granted.lifetime) == ("service", 1_209_599)
    seeded = browser.webex.credentials()
    assert browser.identify(granted.access) == Identity(
        seeded.workspace, "Acme", seeded.account, "Message", "service@acme.example"
    )


def test_the_address_asks_for_an_account_to_be_chosen_and_carries_no_secret(browser: Browser) -> None:
    address = oauth.consent_address(
        STEP, browser.webex.app, wanted(Webex.scopes, Purpose.CONNECT, Preset.FULL), browser.trip
    )
    query = parse_qs(urlsplit(address).query)
    assert (query["prompt"], query["code_challenge_method"], query["state"]) == (
        ["select_account"],
        ["S256"],
        ["state-1"],
    )
    assert browser.trip.verifier not in address
    assert browser.webex.app.client_secret not in address


def test_the_page_says_in_words_what_is_asked(browser: Browser) -> None:
    _, body, _ = consent_page(["spark:rooms_read"], [browser.webex.member(browser.webex.people()[0].id)])
    page = unescape(body.decode())
    assert scopes.DESCRIPTIONS["spark:rooms_read"] in page
    assert "Elif Kaya (elif@acme.example)" in page
    assert "<script" not in page


def test_who_declines_brings_nothing_but_the_state(browser: Browser) -> None:
    told = browser.consent(decision="deny")
    assert (told["error"], told["state"], "code" in told) == ("access_denied", "state-1", False)


def test_a_code_is_good_once_and_with_its_verifier(browser: Browser) -> None:
    code = browser.consent()["code"]
    oauth.redeem("service", Webex, browser.webex.app, code, browser.trip)
    with pytest.raises(Refused, match="gave no token"):
        oauth.redeem("service", Webex, browser.webex.app, code, browser.trip)
    for other in (Trip(BACK, "state-1", "w" * 50), Trip(f"{HUB}/elsewhere/", "state-1", "v" * 50)):
        with pytest.raises(Refused):
            oauth.redeem("service", Webex, browser.webex.app, browser.consent()["code"], other)
    late = browser.consent()["code"]
    later(browser.webex, 301)
    with pytest.raises(Refused):
        oauth.redeem("service", Webex, browser.webex.app, late, browser.trip)


def test_a_wrong_secret_redeems_nothing(browser: Browser) -> None:
    app = Webex.Registration(browser.webex.app.client_id, "guessed")
    with pytest.raises(Refused):
        oauth.redeem("service", Webex, app, browser.consent()["code"], browser.trip)


def test_a_refresh_keeps_its_refresh_token_for_another_ninety_days(browser: Browser) -> None:
    first = browser.redeem()
    for _ in range(3):
        later(browser.webex, 60 * DAY)
        with pytest.raises(Reconnect):
            browser.identify(first.access)
        (first,) = oauth.refresh("service", Webex, browser.webex.app, first.refresh, "")
        assert browser.identify(first.access).account == SERVICE_USER
    later(browser.webex, 91 * DAY)
    with pytest.raises(Refused):
        oauth.refresh("service", Webex, browser.webex.app, first.refresh, "")


def test_a_token_given_back_is_refused_and_so_is_its_refresh(browser: Browser) -> None:
    granted = browser.redeem()
    for _ in range(2):  # what is revoked already is a success
        browser.drive(lambda speaker: speaker.revoke(browser.webex.app), granted.access)
    with pytest.raises(Reconnect):
        browser.identify(granted.access)
    with pytest.raises(Refused):
        oauth.refresh("service", Webex, browser.webex.app, granted.refresh, "")


def test_nothing_is_asked_where_there_is_no_token_to_give_back(webex: FakeWebex) -> None:
    assert list(Webex(Credentials(WorkspaceId(""), AccountId(""), {})).revoke(webex.app)) == []


@pytest.mark.parametrize(("status", "raised"), [(400, None), (404, None), (429, Exception), (503, Unavailable)])
def test_giving_back_fails_only_where_another_try_may_help(webex: FakeWebex, status: int, raised: Any) -> None:
    (call,) = Webex(webex.credentials()).revoke(webex.app)
    if raised is None:
        call.judge(call, Response(status))
    else:
        with pytest.raises(raised):
            call.judge(call, Response(status))


def test_an_organisation_that_takes_all_back_is_noticed_at_the_next_call(browser: Browser) -> None:
    granted = browser.redeem()
    seeded = browser.webex.credentials().tokens["service"]
    browser.webex.revoke_app()
    for token in (granted.access, seeded):
        with pytest.raises(Reconnect):
            browser.identify(token)
    assert browser.identify(browser.redeem().access).account == SERVICE_USER


# --- Accounts that will not do, and those that make one wonder


def test_somebodys_own_account_is_told_to_come_as_the_service_user(browser: Browser) -> None:
    granted = browser.redeem(person=browser.webex.people()[1].id)
    with pytest.raises(WrongAccount, match="“Farid Haddad” looks like somebody's own account"):
        browser.identify(granted.access)


def test_a_bot_is_no_service_user(browser: Browser) -> None:
    browser.webex.member(SERVICE_USER).type = "bot"
    with pytest.raises(WrongAccount, match="bot"):
        browser.identify(browser.redeem().access)


def test_an_administrator_under_another_name_is_taken_with_a_doubt(browser: Browser) -> None:
    browser.webex.member(SERVICE_USER).name = "Bob Okafor"
    (doubt,) = browser.identify(browser.redeem().access).doubts
    assert "not called “Message”" in doubt


def test_a_service_user_without_a_role_is_named_after_its_address(browser: Browser) -> None:
    browser.webex.member(SERVICE_USER).roles = ()
    identity = browser.identify(browser.redeem().access)
    assert identity.workspace_name == "acme.example"
    assert [doubt.partition(":")[0] for doubt in identity.doubts] == [
        "Webex does not tell this account what the organisation is called"
    ]


def test_a_lesser_role_and_a_missing_licence_are_doubts(browser: Browser) -> None:
    member = browser.webex.member(SERVICE_USER)
    member.roles, member.licenses = ("id_readonly_admin",), ()
    assert browser.identify(browser.redeem().access).doubts == (
        "The account is not a Full Administrator.",
        "The account has no licence: give it Advanced Messaging.",
    )


@pytest.mark.parametrize(
    "answer", [{}, {"id": 3, "orgId": "x"}, {"id": SERVICE_USER, "orgId": None, "roles": 7, "emails": {}}]
)
def test_an_account_that_webex_does_not_describe_is_trouble_of_theirs(answer: dict[str, Any]) -> None:
    calls = Webex(Credentials(WorkspaceId(""), AccountId(""), {})).identify()
    next(calls)
    with pytest.raises(Unavailable):
        calls.send(Response(200, repr(answer).replace("'", '"').replace("None", "null").encode()))


@pytest.mark.parametrize("wrong", [{"access_token": ""}, {"access_token": 3}, {"expires_in": None}, {"expires_in": True}, {"expires_in": float("nan")}, {"expires_in": 1e300}, {"expires_in": -1}])  # fmt: skip  # noqa: E501
def test_an_answer_without_a_token_or_its_life_is_none(wrong: dict[str, Any]) -> None:
    answer = {"access_token": "a", "expires_in": 10, "refresh_token": "r", "scope": "x y"}
    assert Webex.granted("service", answer)[0].scopes == {"x", "y"}
    assert Webex.granted("service", answer | {"refresh_token": None, "scope": 3}) == [Granted("service", "a", "", 10.0)]
    with pytest.raises(Malformed):
        Webex.granted("service", answer | wrong)


# --- The page refuses as Webex does


@pytest.mark.parametrize(("change", "error"), [({"scope": "spark-admin:organiztions_read"}, "invalid_scope"), ({"scope": ""}, "invalid_scope"), ({"response_type": "token"}, "unsupported_response_type"), ({"prompt": "none"}, "login_required"), ({"code_challenge_method": "S1"}, "invalid_request")])  # fmt: skip  # noqa: E501
def test_a_wrong_request_goes_back_with_its_error(browser: Browser, change: dict[str, str], error: str) -> None:
    asked = {"client_id": browser.webex.app.client_id, "redirect_uri": BACK, "response_type": "code", "state": "s"}
    address = f"https://webexapis.com/v1/authorize?{urlencode(asked | {'scope': 'spark:kms'} | change)}"
    assert came_back(browser.open(address))["error"] == error


@pytest.mark.parametrize("change", [{"client_id": "x"}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": f"{HUB}.evil.example/"}])  # fmt: skip  # noqa: E501
def test_a_browser_is_sent_to_no_other_place(browser: Browser, change: dict[str, str]) -> None:
    asked = {
        "client_id": browser.webex.app.client_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "spark:kms",
    }
    answer = browser.open(f"https://webexapis.com/v1/authorize?{urlencode(asked | change)}")
    assert (answer.status, "location" in answer.headers) == (400, False)


def test_a_call_whose_scope_was_not_granted_is_refused(browser: Browser) -> None:
    granted = browser.redeem(preset=Preset.PUBLISHED)
    place = browser.webex.places()[0]
    assert browser.drive(lambda speaker: speaker.fetch(_posted(browser)), granted.access)
    with pytest.raises(Refused, match="scope"):
        browser.drive(lambda speaker: speaker.rename(place.conversation, "Square"), granted.access)


def _posted(browser: Browser) -> Reference:
    place, person = browser.webex.places()[0], browser.webex.people()[0]
    return Reference(Kind.POSTED, place.conversation, browser.webex.type_as(person.id, place.conversation, "hi"))


# --- Webex's own SDK, and signing in


def test_the_sdk_redeems_and_refreshes(browser: Browser) -> None:
    app, sdk = browser.webex.app, WebexAPI("none", wait_on_rate_limit=False)
    asked = {"client_id": app.client_id, "redirect_uri": BACK, "response_type": "code", "scope": "spark:people_read"}
    address = f"https://webexapis.com/v1/authorize?{urlencode(asked)}"
    code = came_back(browser.open(address, "POST", person=SERVICE_USER, decision="allow"))["code"]
    token = sdk.access_tokens.get(app.client_id, app.client_secret, code, BACK)
    again = sdk.access_tokens.refresh(app.client_id, app.client_secret, token.refresh_token)
    assert (again.refresh_token, again.access_token != token.access_token) == (token.refresh_token, True)
    assert WebexAPI(again.access_token).people.me().displayName == "Message"
    with pytest.raises(ApiError) as raised:
        sdk.access_tokens.get(app.client_id, app.client_secret, code, BACK)
    assert raised.value.status_code == 400


def test_a_person_signs_in_as_allauth_does_it(browser: Browser) -> None:
    app, grace = browser.webex.app, browser.webex.people()[2]
    config = requests.get("https://webexapis.com/v1/.well-known/openid-configuration", timeout=5).json()
    asked = {"client_id": app.client_id, "redirect_uri": BACK, "response_type": "code", "scope": "email openid profile"}
    address = f"{config['authorization_endpoint']}?{urlencode(asked | {'nonce': 'n-1'})}"
    code = came_back(browser.open(address, "POST", person=grace.id, decision="allow"))["code"]
    form = {"client_id": app.client_id, "client_secret": app.client_secret, "redirect_uri": BACK}
    given = requests.post(
        config["token_endpoint"], data=form | {"grant_type": "authorization_code", "code": code}, timeout=5
    ).json()
    claims = jwtkit.verify_and_decode(
        credential=given["id_token"],
        keys_url=config["jwks_uri"],
        issuer=config["issuer"],
        audience=app.client_id,
        lookup_kid=jwtkit.lookup_kid_jwk,
    )
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    told = requests.get(config["userinfo_endpoint"], headers=headers, timeout=5).json()
    assert (claims["nonce"], claims["sub"], told["sub"]) == ("n-1", told["sub"], ids.uuid(grace.id, "PEOPLE"))
    assert (told["email"], told["email_verified"], told["name"]) == ("grace@acme.example", "true", "Grace Liu")
    assert requests.get("https://webexapis.com/v1/people/me", headers=headers, timeout=5).status_code == 403
    assert len(browser.webex._company.hooks) == 3, "signing in is not connecting"


def test_who_signed_up_is_greeted_by_the_bot_alone(browser: Browser, webex: FakeWebex) -> None:
    body = document([Paragraph((Text("Welcome, *you* <@all>"),))])
    credentials = Credentials(WorkspaceId(""), AccountId(""), {"bot": webex.app.bot_token})
    grace = webex.people()[2].id
    for account in (ids.uuid(grace, "PEOPLE"), grace, "grace@acme.example"):
        sent = next(Webex(credentials).greet(AccountId(str(account)), body))
        assert {"toPersonId": grace, "toPersonEmail": account}.items() & sent.json.items()
        drive_blocking(Webex(credentials).greet(AccountId(str(account)), body), browser.transport, credentials)
    said = webex.whispers(webex.places()[0].conversation)
    assert [(one.author, one.only_for, one.html) for one in said] == [
        ("Mio", grace, "<p>Welcome, *you* &lt;@all&gt;</p>")
    ] * 3


def test_the_bot_sees_no_space_that_it_is_not_in(browser: Browser, webex: FakeWebex) -> None:
    sdk = WebexAPI(webex.app.bot_token, wait_on_rate_limit=False)
    assert (sdk.people.me().type, list(sdk.rooms.list())) == ("bot", [])
    with pytest.raises(ApiError, match="Could not find a room"):
        sdk.messages.create(roomId=webex.places()[0].id, text="x")
    with pytest.raises(ApiError):
        list(sdk.organizations.list())


# --- Standing orders


@pytest.fixture
def token(browser: Browser) -> str:
    return browser.redeem().access


def ordered(browser: Browser, token: str, address: str = HOOKS, secret: str = "webex-webhook_secret-for-tests") -> Any:
    speaker = Webex(Credentials(WorkspaceId(""), AccountId(""), {}))
    return [
        browser.drive(lambda one, resource=resource: one.subscribe(resource, address, secret), token)
        for resource in speaker.resources([])
    ]


def standing(browser: Browser, token: str) -> Any:
    return browser.drive(lambda speaker: speaker.subscriptions(HOOKS), token)


def test_a_hub_let_in_by_consent_hears_what_it_orders(
    browser: Browser, token: str, world_webhooks: list[Webhook]
) -> None:
    place, person = browser.webex.places()[0], browser.webex.people()[0]
    browser.webex.type_as(person.id, place.conversation, "nobody hears this")
    assert world_webhooks == []
    orders = ordered(browser, token)
    assert [one.resource for one in orders] == ["messages", "memberships", "rooms"]
    assert ordered(browser, token) == standing(browser, token) == orders
    message = browser.webex.type_as(person.id, place.conversation, "hello")
    (hook,) = world_webhooks
    headers = {name.lower(): value for name, value in hook.sign().items()}
    (envelope,) = Webex.receive(Request("POST", hook.url, headers, {}, hook.body), browser.webex.secrets)  # type: ignore[misc]
    assert envelope.reference.message == message
    for one in [*orders, *orders]:  # what is gone already is a success
        browser.drive(lambda speaker, one=one: speaker.unsubscribe(one), token)
    assert standing(browser, token) == []


def test_a_webhook_that_webex_switched_off_is_switched_on_again(
    browser: Browser, token: str, world_webhooks: list[Webhook]
) -> None:
    place, person = browser.webex.places()[0], browser.webex.people()[0]
    first = ordered(browser, token)[0]
    browser.webex.type_as(person.id, place.conversation, "hello")
    for _ in range(99):
        browser.webex.undelivered(world_webhooks[0])
    assert standing(browser, token)[0].is_active
    later(browser.webex, 301)
    browser.webex.undelivered(world_webhooks[0])
    assert standing(browser, token)[0].is_active, "the failures are five minutes old"
    for _ in range(99):
        browser.webex.undelivered(world_webhooks[0])
    assert not standing(browser, token)[0].is_active
    browser.webex.type_as(person.id, place.conversation, "nobody hears this")
    assert len(world_webhooks) == 1
    assert browser.drive(lambda speaker: speaker.renew(first), token) == first
    browser.webex.undelivered(world_webhooks[0])
    assert not standing(browser, token)[0].is_active, "the first failure after that is one too many"
    browser.drive(lambda speaker: speaker.renew(first), token)
    later(browser.webex, 301)
    browser.webex.undelivered(world_webhooks[0])
    assert standing(browser, token)[0].is_active


def test_a_webhook_that_is_gone_cannot_be_renewed(browser: Browser, token: str) -> None:
    first = ordered(browser, token)[0]
    browser.drive(lambda speaker: speaker.unsubscribe(first), token)
    with pytest.raises(Gone):
        browser.drive(lambda speaker: speaker.renew(first), token)


def test_a_webhook_with_another_secret_is_given_ours(browser: Browser, token: str) -> None:
    old = ordered(browser, token, secret="old")
    assert ordered(browser, token, secret="new") == old
    assert {hook.secret for hook in browser.webex._company.hooks.values()} == {"new"}


def test_webhooks_of_others_are_left_alone(browser: Browser, token: str) -> None:
    sdk = WebexAPI(token, wait_on_rate_limit=False)
    elsewhere = sdk.webhooks.create("theirs", "https://bot.example/", "messages", "all")
    narrow = sdk.webhooks.create("ours, once", HOOKS, "messages", "created")
    assert standing(browser, token) == []
    assert not {one.id for one in ordered(browser, token)} & {elsewhere.id, narrow.id}


def test_more_webhooks_than_fit_on_a_page_are_all_found(browser: Browser, token: str) -> None:
    sdk = WebexAPI(token, wait_on_rate_limit=False)
    for number in range(101):
        sdk.webhooks.create(str(number), "https://bot.example/", "messages", "all")
    orders = ordered(browser, token)
    assert standing(browser, token) == orders


def test_the_sdk_switches_a_webhook_on_and_never_off(browser: Browser, token: str) -> None:
    sdk = WebexAPI(token, wait_on_rate_limit=False)
    made = sdk.webhooks.create("mine", "https://bot.example/", "messages", "all")
    assert (
        sdk.webhooks.update(made.id, name="yours", targetUrl="https://bot.example/2", status="active").name == "yours"
    )
    with pytest.raises(ApiError, match="Invalid status"):
        sdk.webhooks.update(made.id, name="n", targetUrl="https://bot.example/", status="inactive")


# --- What is asked for

FOLDER = Path(str(scopes.__file__)).parent
LOOKS_LIKE_ONE = re.compile(r"(spark|spark-admin|spark-compliance|identity):[a-z_]+")

BASIC = ["messages_read", "people_read", "rooms_read", "memberships_write", "teams_read"]
MORE = ["memberships_read", "messages_write", "team_memberships_read", "team_memberships_write"]
PUBLISHED = {
    Purpose.SIGN_UP: {*(f"spark:{name}" for name in BASIC), "spark-admin:organizations_read"},
    Purpose.CONNECT: {*(f"spark:{name}" for name in BASIC + MORE), "spark-admin:organizations_read"},
}
"""The seeds' tables, misprints corrected."""
DIRECT = {f"spark:{name}" for name in ("messages_read", "messages_write", "people_read", "rooms_read", "memberships_read", "kms")}  # fmt: skip  # noqa: E501
GROUPS = {"spark:rooms_write", "spark:memberships_write"}
"""What people's own consent takes: no list was ever published."""


def used() -> set[str]:
    """Every scope that a module of ours names."""
    modules = [path for path in FOLDER.glob("*.py") if path.name != "scopes.py" and not path.name.startswith("sandbox")]
    nodes = [node for path in modules for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if LOOKS_LIKE_ONE.fullmatch(text) or text in scopes.DESCRIPTIONS}


def test_what_is_asked_for_is_what_the_code_uses() -> None:
    assert {scope.name for scope in wanted(Webex.scopes, Purpose.CONNECT, Preset.FULL)} == used()
    assert {scope.name for scope in wanted(Webex.scopes, Purpose.CONNECT, Preset.PUBLISHED)} < used()


@pytest.mark.parametrize("purpose", PUBLISHED)
def test_the_published_tables_are_listed_and_additions_say_that_they_are(purpose: Purpose) -> None:
    rows = [scope for scope in Webex.scopes if scope.purpose == purpose]
    assert {row.name for row in rows if not row.note.startswith("An addition")} == PUBLISHED[purpose]
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.description and row.use_case and row.why for row in rows)


def test_signing_up_asks_for_what_allauth_asks_for() -> None:
    asked = [scope.name for scope in wanted(Webex.scopes, Purpose.SIGN_UP, Preset.PUBLISHED)]
    assert sorted(asked) == sorted(OpenIDConnectProvider.get_default_scope(None))  # type: ignore[arg-type]


@pytest.mark.parametrize(("preset", "further"), [(Preset.PUBLISHED, set()), (Preset.FULL, GROUPS)])
def test_people_are_asked_for_what_direct_messages_take_and_for_groups_by_the_fuller_preset(
    preset: Preset, further: set[str]
) -> None:
    asked = wanted(Webex.scopes, Purpose.MESSAGES, preset)
    assert {scope.name for scope in asked} == DIRECT | further
    assert {scope.name for scope in asked if scope.disables} == further


# --- What a console wants to know


def test_the_papers_are_values_to_copy() -> None:
    papers = {paper.name: paper.body.decode() for paper in Webex.papers(HUB, HOOKS, Preset.FULL, "Acme's bridge")}
    assert papers["Redirect URI for connecting"] == BACK
    assert papers["Redirect URI for signing in"] == f"{HUB}/account/oidc/webex/login/callback/"
    assert set(papers["Scopes to tick"].split()) == used()
    assert papers["Integration name"] == papers["Bot name"] == "Acme's bridge"


def test_no_secret_shows_in_what_is_printed(webex: FakeWebex) -> None:
    app = Webex.Registration("client", "hidden-1", "hidden-2")
    assert "hidden" not in repr(app)
    assert "hidden" not in repr(
        Webex.granted("service", {"access_token": "hidden", "expires_in": 9, "refresh_token": "hidden"})
    )


def test_the_guide_has_its_sections_and_its_tasks() -> None:
    text = (FOLDER / "setup.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Before you connect", "Service user", "Your own app"]
    assert text.count("- [ ] ") == 4
    assert set(re.findall(r"\{(\w+)\}", text)) == {"hub_domain", "product"}


def test_every_call_names_its_limit(webex: FakeWebex) -> None:
    speaker = Webex(webex.credentials())
    calls: list[Call] = [next(speaker.identify()), next(speaker.subscriptions(HOOKS)), next(speaker.revoke(webex.app))]
    assert all(call.bucket for call in calls)
    assert [call.token for call in calls] == ["service", "service", ""]
