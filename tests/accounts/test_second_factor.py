"""The second step: setting it up, being asked for it, doing without the telephone, and organizations that require it."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import connection
from django.test import Client
from redis import Redis

from accounts.models import User
from tests.people import PASSWORD, People

SECRET = re.compile(r'id="authenticator_secret"[^>]*value="([A-Z2-7]+)"')
CODES = re.compile(r'id="recovery_codes"[^>]*>([^<]+)<')


@pytest.fixture(autouse=True)
def fresh_limits(redis: Redis, settings: Any) -> None:
    """Tries are counted in Redis: no test inherits another one's."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def browser(people: People) -> Client:
    """Ann's, signed in with her password a moment ago."""
    return signed_in(Client(headers={"x-forwarded-proto": "https"}))


def signed_in(browser: Client) -> Client:
    browser.post("/account/login/", {"login": "ann@acme.example", "password": PASSWORD}, secure=True)
    browser.post("/account/reauthenticate/", {"password": PASSWORD}, secure=True)
    return browser


def code(secret: str) -> str:
    _, now, _ = yield_hotp_counters_from_time()  # the half minutes before and after are good, too
    return format_hotp_value(hotp_value(secret, now))


def set_up(browser: Client) -> str:
    """Let Ann's telephone know the secret; returns it."""
    page = browser.get("/account/2fa/totp/activate/", secure=True).content.decode()
    found = SECRET.search(page)
    assert found, page
    browser.post("/account/2fa/totp/activate/", {"code": code(found[1])}, secure=True)
    assert Authenticator.objects.filter(type="totp").exists()
    return found[1]


def come_back(again: Client, answer: str) -> Any:
    """Sign in anew, with ``answer`` as the second step."""
    asked = again.post("/account/login/", {"login": "ann@acme.example", "password": PASSWORD}, secure=True)
    assert asked.url == "/account/2fa/authenticate/"
    assert again.get("/home/", secure=True).url.startswith("/account/login/")
    return again.post(asked.url, {"code": answer}, secure=True)


def test_with_an_authenticator_app_the_password_alone_opens_nothing(browser: Client, redis: Redis) -> None:
    secret = set_up(browser)
    wrong, right = Client(), Client()
    assert come_back(wrong, "000000").status_code == 200
    redis.flushdb()  # a code is good for one sign-in; this one was spent on setting up
    assert come_back(right, code(secret)).url == "/home/"


def test_a_recovery_code_opens_once(browser: Client) -> None:
    set_up(browser)
    page = browser.get("/account/2fa/recovery-codes/", secure=True).content.decode()
    found = CODES.search(page)
    assert found, page
    first = found[1].split()[0]
    assert come_back(Client(), first).url == "/home/"
    assert come_back(Client(), first).status_code == 200


def test_no_secret_of_a_second_factor_is_in_the_database(browser: Client) -> None:
    secret = set_up(browser)
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        stored = " ".join(row[0] for row in cursor.fetchall())
    assert secret not in stored
    assert stored.count("gAAAA") == 2, "the app's secret and the recovery codes' seed, both as ciphertext"


def test_an_organization_that_requires_it_opens_once_it_is_set_up(people: People, browser: Client) -> None:
    people.acme.requires_two_factor = True
    people.acme.save()
    home = f"/t/{people.acme.key}/"
    led = browser.get(home, secure=True)
    assert led.url == f"/second-factor/{people.acme.key}/"
    page = browser.get(led.url, secure=True).content.decode()
    assert "Acme asks for a second step" in page
    assert "/account/2fa/totp/activate/" in page
    set_up(browser)
    assert browser.get(home, secure=True).status_code == 200
    assert browser.get(led.url, secure=True).url == home


def test_recovery_codes_alone_are_no_second_factor(people: People, browser: Client) -> None:
    people.acme.requires_two_factor = True
    people.acme.save()
    Authenticator.objects.create(user=people.ann, type="recovery_codes", data={})
    assert browser.get(f"/t/{people.acme.key}/", secure=True).status_code == 302


def test_an_outsider_does_not_learn_who_requires_it(people: People) -> None:
    people.acme.requires_two_factor = True
    people.acme.save()
    outsider = people.browser(User.objects.get(email="dev@globex.example"))
    assert outsider.get(f"/second-factor/{people.acme.key}/", secure=True).status_code == 404
    assert outsider.get(f"/t/{people.acme.key}/", secure=True).status_code == 404
