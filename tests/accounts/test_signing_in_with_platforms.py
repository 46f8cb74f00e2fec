"""Signing up and in with an account of a platform. The platforms are played at the wire, at their real addresses."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import responses
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core import mail
from django.test import Client
from jwt.algorithms import RSAAlgorithm
from redis import Redis

from accounts.models import User
from connectors.consent import App
from mio_hub.sign_in import OFFERS, providers
from tests.people import PASSWORD, People

TENANT, PERSON = "5d3f8a52-1111-4aaa-9bbb-0123456789ab", "0f6b1c9e-2222-4ccc-8ddd-0123456789ab"
WAYS = {"webex": "oidc/webex", "slack": "slack", "teams": "microsoft", "zoom": "zoom"}
UIDS = {"webex": PERSON, "slack": "T1_U1", "teams": f"{TENANT}_{PERSON}", "zoom": "zoom-1"}
VOUCHING = ("webex", "slack", "zoom")
"""Platforms whose word about an address is believed; Microsoft's is not (Teams reference §1.9)."""
WEBEX = "https://webexapis.com/v1"
ENTRA = "https://login.microsoftonline.com/organizations"
AWAY = re.compile(r'http-equiv="refresh" content="0; url=([^"]+)"')
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Platforms:
    """What the four answer. Tests change ``claims``, ``email``, ``verified`` or ``key`` before somebody signs in."""

    def __init__(self, wire: responses.RequestsMock) -> None:
        self.email: str = "grace@acme.example"
        self.verified = True
        self.claims: dict[str, Any] = {}
        self.key = KEY
        self.nonce = ""
        self.wire = wire
        jwk = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "1", "use": "sig", "alg": "RS256"}
        keys = json.dumps({"keys": [jwk]})
        for url, answer in (
            (f"POST {WEBEX}/access_token", lambda: self.tokens(self.webex_claims())),
            (f"GET {WEBEX}/verification", lambda: keys),
            (f"GET {WEBEX}/userinfo", lambda: self.profile(sub=PERSON, verified=str(self.verified).lower())),
            ("POST https://slack.com/api/openid.connect.token", lambda: self.tokens({})),
            ("GET https://slack.com/api/openid.connect.userInfo", lambda: self.profile(self.verified, ok=True)),
            (f"POST {ENTRA}/oauth2/v2.0/token", lambda: self.tokens(self.entra_claims())),
            (f"GET {ENTRA}/discovery/v2.0/keys", lambda: keys),
            ("GET https://graph.microsoft.com/v1.0/me", lambda: self.graph_profile()),
            ("POST https://zoom.us/oauth/token", lambda: self.tokens({})),
            ("GET https://api.zoom.us/v2/users/me", lambda: self.zoom_profile()),
        ):
            wire.add_callback(*url.split(), callback=lambda _, answer=answer: (200, {}, answer()))

    def graph_profile(self) -> str:
        return json.dumps({"id": PERSON, "mail": self.email, "givenName": "Grace", "surname": "Liu"})

    def zoom_profile(self) -> str:
        names = {"first_name": "Grace", "last_name": "Liu"}
        return json.dumps({"id": "zoom-1", "email": self.email, "verified": int(self.verified), **names})

    def profile(self, verified: Any, **more: Any) -> str:
        ids = {"https://slack.com/team_id": "T1", "https://slack.com/user_id": "U1"}
        names = {"name": "Grace Liu", "given_name": "Grace", "family_name": "Liu"}
        return json.dumps({"email": self.email, "email_verified": verified, **ids, **names, **more})

    def webex_claims(self) -> dict[str, Any]:
        return {"iss": "https://idbroker-b-us.webex.com/idb", "sub": PERSON, "aud": "webex-id"}

    def entra_claims(self) -> dict[str, Any]:
        issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
        return {"iss": issuer, "sub": "pairwise", "tid": TENANT, "oid": PERSON, "aud": "teams-id"}

    def tokens(self, claims: dict[str, Any]) -> str:
        now = int(time.time())
        told = {"iat": now, "exp": now + 600, "nonce": self.nonce} | claims | self.claims
        token = jwt.encode(told, self.key, "RS256", headers={"kid": "1"}) if claims else ""
        return json.dumps({"ok": True, "access_token": "t", "token_type": "Bearer", "id_token": token})

    def sign_in(self, browser: Client, platform: str, **more: str) -> Any:
        """Leave for the platform, agree there and come back."""
        asked = self.leave(browser, platform, **more)
        self.nonce = asked["nonce"]
        return browser.get(
            f"/account/{WAYS[platform]}/login/callback/", {"state": asked["state"], "code": "c"}, secure=True
        )

    def leave(self, browser: Client, platform: str, **more: str) -> dict[str, str]:
        page = browser.post(f"/account/{WAYS[platform]}/login/?process={more.get('process', 'login')}", secure=True)
        found = AWAY.search(page.content.decode())
        assert found, page.content
        return {name: values[0] for name, values in parse_qs(urlsplit(found[1].replace("&amp;", "&")).query).items()}


@pytest.fixture
def platforms(settings: Any, redis: Redis) -> Iterator[Platforms]:
    settings.SOCIALACCOUNT_PROVIDERS = providers({slug: App(f"{slug}-id", f"{slug}-secret") for slug in OFFERS})
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MIO_SANDBOX_URL = ""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        yield Platforms(wire)


@pytest.fixture
def browser(db: None) -> Client:
    return Client(headers={"x-forwarded-proto": "https"})


@pytest.mark.parametrize("platform", WAYS)
def test_somebody_new_signs_up_and_comes_back_as_the_same_person(
    platforms: Platforms, browser: Client, platform: str
) -> None:
    answer = platforms.sign_in(browser, platform)
    account = SocialAccount.objects.get()
    assert account.uid == UIDS[platform]
    assert account.user.first_name == "Grace"
    if platform in VOUCHING:
        assert answer.url == "/home/"
        platforms.sign_in(browser, platform)
        assert SocialAccount.objects.get() == account


def test_an_address_that_microsoft_tells_has_to_be_confirmed(platforms: Platforms, browser: Client) -> None:
    assert platforms.sign_in(browser, "teams").url == "/account/confirm-email/"
    assert not EmailAddress.objects.get().verified
    assert mail.outbox[0].to == ["grace@acme.example"]


@pytest.mark.parametrize("platform", VOUCHING)
def test_an_address_that_the_platform_does_not_vouch_for_has_to_be_confirmed(
    platforms: Platforms, browser: Client, platform: str
) -> None:
    platforms.verified = False
    assert platforms.sign_in(browser, platform).url == "/account/confirm-email/"
    assert not EmailAddress.objects.get().verified


@pytest.mark.parametrize("platform", WAYS)
def test_nobody_takes_over_an_account_by_its_address(
    platforms: Platforms, browser: Client, people: People, platform: str
) -> None:
    platforms.email = "Ann@acme.example"
    answer = platforms.sign_in(browser, platform)
    assert not SocialAccount.objects.exists()
    assert "_auth_user_id" not in browser.session
    assert User.objects.count() == 4
    if platform in VOUCHING:
        assert "Sign in as you did before" in answer.content.decode()
    else:
        assert answer.url == "/account/confirm-email/"
        assert "already" in mail.outbox[0].subject


@pytest.mark.parametrize("platform", WAYS)
def test_whoever_is_signed_in_connects_a_platform_and_signs_in_with_it_afterwards(
    platforms: Platforms, browser: Client, people: People, platform: str
) -> None:
    platforms.email = "ann@acme.example"
    browser.post("/account/login/", {"login": "ann@acme.example", "password": PASSWORD}, secure=True)
    asked_again = platforms.sign_in(browser, platform, process="connect")
    assert not SocialAccount.objects.exists(), "a browser left alone must not be able to do this"
    browser.post(asked_again.url, {"password": PASSWORD}, secure=True)
    assert SocialAccount.objects.get().user == people.ann
    fresh = Client()
    assert platforms.sign_in(fresh, platform).url == "/home/"
    assert fresh.session["_auth_user_id"] == str(people.ann.pk)


@pytest.mark.parametrize("platform", ["webex", "teams"])
@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"aud": "another-app"},
        {"exp": 1},
        {"iss": "https://evil.example/idb"},
        {"iss": "https://idbroker.webex.com.evil.example/idb"},
        {"sub": "somebody-else", "oid": "somebody-else"},
        {"tid": "another-tenant", "sub": "somebody-else"},
    ],
)
def test_an_id_token_that_does_not_hold_opens_nothing(
    platforms: Platforms, browser: Client, platform: str, claims: dict[str, Any]
) -> None:
    platforms.claims = claims
    page = platforms.sign_in(browser, platform)
    assert "Signing in did not work" in page.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("platform", ["webex", "teams"])
def test_an_id_token_signed_by_somebody_else_opens_nothing(
    platforms: Platforms, browser: Client, platform: str
) -> None:
    platforms.key = FOREIGN_KEY
    assert "Signing in did not work" in platforms.sign_in(browser, platform).content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("url", ["https://webexapis.com/v1/userinfo", "https://webexapis.com/v1/verification"])
@pytest.mark.parametrize("body", ["", "[]", "{}", '{"keys": 1}', '{"sub": 5}', "<html>"])
def test_a_platform_that_answers_nonsense_gets_a_page_in_plain_words(
    platforms: Platforms, browser: Client, url: str, body: str
) -> None:
    platforms.wire.replace(responses.GET, url, body=body)
    assert "Signing in did not work" in platforms.sign_in(browser, "webex").content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("platform", WAYS)
def test_a_callback_works_once_and_only_in_the_browser_that_left(
    platforms: Platforms, browser: Client, platform: str
) -> None:
    asked = platforms.leave(browser, platform)
    platforms.nonce = asked["nonce"]
    back = {"state": asked["state"], "code": "c"}
    path = f"/account/{WAYS[platform]}/login/callback/"
    assert "Signing in did not work" in Client().get(path, back, secure=True).content.decode()
    assert browser.get(path, back, secure=True).status_code == 302
    assert "Signing in did not work" in browser.get(path, back, secure=True).content.decode()


def test_whoever_says_no_at_the_platform_is_told_that_nothing_changed(platforms: Platforms, browser: Client) -> None:
    asked = platforms.leave(browser, "webex")
    back = {"state": asked["state"], "error": "access_denied"}
    answer = browser.get("/account/oidc/webex/login/callback/", back, secure=True, follow=True)
    assert "Nothing was changed" in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("platform", WAYS)
def test_only_who_somebody_is_is_asked_and_an_address_cannot_ask_for_more(
    platforms: Platforms, browser: Client, platform: str
) -> None:
    tricked = f"/account/{WAYS[platform]}/login/?scope=admin&auth_params=prompt%3Dnone"
    found = AWAY.search(browser.post(tricked, secure=True).content.decode())
    assert found
    asked = parse_qs(urlsplit(found[1].replace("&amp;", "&")).query)
    assert "admin" not in str(asked.get("scope"))
    assert "prompt" not in asked
    assert asked["client_id"] == [f"{platform}-id"]
    assert platform == "slack" or asked["code_challenge_method"] == ["S256"]


def test_a_link_alone_leaves_for_no_platform(platforms: Platforms, browser: Client) -> None:
    page = browser.get("/account/oidc/webex/login/?process=connect", secure=True)
    assert page.status_code == 200
    assert not AWAY.search(page.content.decode())


def test_in_the_sandbox_browser_and_back_channel_go_to_the_fake(
    platforms: Platforms, browser: Client, settings: Any
) -> None:
    settings.MIO_SANDBOX_URL = "http://127.0.0.1:8100"
    page = browser.post("/account/oidc/webex/login/", secure=True).content.decode()
    assert "url=http://127.0.0.1:8100/webexapis.com/v1/authorize?" in page
    for url in ("access_token", "verification", "userinfo"):
        method = "POST" if url == "access_token" else "GET"
        platforms.wire.add(method, f"http://127.0.0.1:8100/webexapis.com/v1/{url}", body="{}")
    platforms.sign_in(browser, "webex")
    assert {urlsplit(call.request.url).netloc for call in platforms.wire.calls} == {"127.0.0.1:8100"}


def test_a_platform_without_an_app_has_no_button(platforms: Platforms, browser: Client, settings: Any) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = providers({"webex": App("id", "secret"), "slack": App()})
    page = browser.get("/account/signup/", secure=True).content.decode()
    assert "Sign up with Webex" in page
    assert "Slack" not in page
    assert browser.post("/account/slack/login/", secure=True).status_code == 404


def test_nothing_of_a_profile_is_kept_but_name_and_address(platforms: Platforms, browser: Client) -> None:
    platforms.sign_in(browser, "webex")
    assert SocialAccount.objects.get().extra_data == {"name": "Grace Liu", "email": "grace@acme.example"}
