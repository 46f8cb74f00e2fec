"""Signing up, in and out with an address and a password: what a person meets, and what a stranger does not learn."""

import re
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import caches
from django.test import Client
from redis import Redis

from accounts.models import AuditEntry, Membership, User
from tests.people import PASSWORD, People

NEW_PASSWORD = "a longer battery of staples"
LINK = re.compile(r"https://testserver(/account/\S+)")


@pytest.fixture(autouse=True)
def fresh_limits(redis: Redis) -> None:
    """Tries are counted in Redis: no test inherits another one's."""


@pytest.fixture
def browser(db: None, settings: Any) -> Client:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ALLOWED_HOSTS = ["testserver"]
    return Client(headers={"x-forwarded-proto": "https"})


def post(browser: Client, path: str, **fields: str) -> Any:
    return browser.post(path, fields, secure=True)


def get(browser: Client, path: str) -> Any:
    return browser.get(path, secure=True)


def sign_up(browser: Client, email: str) -> Any:
    return post(browser, "/account/signup/", email=email, password1=PASSWORD)


def link_in_mail() -> str:
    found = LINK.search(str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def test_somebody_new_confirms_their_address_names_their_organization_and_owns_it(browser: Client) -> None:
    assert sign_up(browser, "frida@initech.example").url == "/account/confirm-email/"
    assert get(browser, "/home/").url.startswith("/account/login/")
    confirmed = post(browser, link_in_mail())
    assert confirmed.url == "/home/"
    assert get(browser, "/home/").url == "/welcome/"
    assert 'value="Initech"' in get(browser, "/welcome/").content.decode()
    made = post(browser, "/welcome/", name="Initech Ltd")
    membership = Membership.objects.get(user__email="frida@initech.example")
    assert membership.role == Membership.Role.OWNER
    assert made.url == f"/success/{membership.tenant.key}/"
    assert "Initech Ltd" in get(browser, made.url).content.decode()
    assert get(browser, "/home/").url == f"/t/{membership.tenant.key}/"
    assert AuditEntry.objects.get(tenant=membership.tenant).action == "created organization"


def test_nobody_comes_in_before_the_address_is_confirmed(browser: Client) -> None:
    sign_up(browser, "frida@initech.example")
    refused = post(browser, "/account/login/", login="frida@initech.example", password=PASSWORD)
    assert refused.url == "/account/confirm-email/"
    assert get(browser, "/welcome/").url.startswith("/account/login/")


def test_a_confirmation_from_another_browser_signs_nobody_in(browser: Client) -> None:
    sign_up(browser, "frida@initech.example")
    another = Client()
    post(another, link_in_mail())
    assert get(another, "/home/").url.startswith("/account/login/")


def test_signing_up_with_a_known_address_looks_like_any_other_and_only_the_owner_learns_of_it(
    browser: Client, people: People
) -> None:
    assert sign_up(browser, "ann@acme.example").url == sign_up(Client(), "new@acme.example").url
    told = next(each for each in mail.outbox if each.to == ["ann@acme.example"])
    assert "already" in told.subject
    assert User.objects.filter(email="ann@acme.example").count() == 1


def test_a_reset_for_an_unknown_address_looks_like_any_other(browser: Client, people: People) -> None:
    known = post(browser, "/account/password/reset/", email="ann@acme.example")
    unknown = post(browser, "/account/password/reset/", email="nobody@acme.example")
    assert known.url == unknown.url


def test_a_forgotten_password_is_replaced_and_the_old_one_is_dead(browser: Client, people: People) -> None:
    post(browser, "/account/password/reset/", email="ann@acme.example")
    form = get(browser, link_in_mail())
    post(browser, form.url, password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    assert post(browser, "/account/login/", login="ann@acme.example", password=PASSWORD).status_code == 200
    assert post(browser, "/account/login/", login="ann@acme.example", password=NEW_PASSWORD).url == "/home/"


def test_whoever_signed_out_is_out(browser: Client, people: People) -> None:
    post(browser, "/account/login/", login="ann@acme.example", password=PASSWORD)
    assert get(browser, "/home/").url == f"/t/{people.acme.key}/"
    post(browser, "/account/logout/")
    assert get(browser, "/home/").url.startswith("/account/login/")


def test_guessing_passwords_is_stopped_and_said_in_plain_words(browser: Client, people: People) -> None:
    answers = [post(browser, "/account/login/", login="ann@acme.example", password=f"guess {n}") for n in range(7)]
    assert "Too many failed" in answers[-1].content.decode()
    right = post(browser, "/account/login/", login="ann@acme.example", password=PASSWORD)
    assert right.status_code == 200, "the right one does not help while guessing is paused"


def test_a_flood_of_log_ins_meets_a_page_in_plain_words(browser: Client, people: People) -> None:
    for _ in range(31):
        answer = post(browser, "/account/login/", login="x@y.example", password="x")
    assert answer.status_code == 429
    assert "Nothing is lost" in answer.content.decode()


def test_other_sessions_are_seen_and_ended(browser: Client, people: People) -> None:
    laptop, phone = browser, Client()
    for each in (laptop, phone):
        post(each, "/account/login/", login="ann@acme.example", password=PASSWORD)
        get(each, "/home/")
    assert get(laptop, "/account/sessions/").content.decode().count("127.0.0.1") == 2
    post(laptop, "/account/sessions/")
    assert get(phone, "/home/").url.startswith("/account/login/")
    assert get(laptop, "/home/").url == f"/t/{people.acme.key}/"


def test_somebody_of_several_organizations_chooses(browser: Client, people: People) -> None:
    Membership.objects.create(tenant=people.globex, user=people.ann, role=Membership.Role.AUDITOR)
    page = get(people.browser(people.ann), "/home/").content.decode()
    assert f"/t/{people.acme.key}/" in page
    assert f"/t/{people.globex.key}/" in page


def test_a_second_click_makes_no_second_organization(browser: Client) -> None:
    sign_up(browser, "frida@gmail.com")
    post(browser, link_in_mail())
    assert "Frida’s organization" in get(browser, "/welcome/").content.decode()
    post(browser, "/welcome/", name="Initech")
    assert post(browser, "/welcome/", name="Initech").url == "/home/"
    assert Membership.objects.filter(user__email="frida@gmail.com").count() == 1


def test_cookies_are_for_us_over_https_and_not_for_scripts(browser: Client, people: People) -> None:
    answer = post(browser, "/account/login/", login="ann@acme.example", password=PASSWORD)
    session = answer.cookies["sessionid"]
    assert (session["secure"], session["httponly"], session["samesite"]) == (True, True, "Lax")


def test_the_tables_have_no_door_of_their_own(browser: Client, people: People) -> None:
    assert get(browser, get(browser, "/admin/").url).url.startswith("/account/login/")


def test_when_a_session_was_last_seen_is_noted_once_a_minute_for_each_browser_and_address(
    browser: Client, people: People
) -> None:
    post(browser, "/account/login/", login="ann@acme.example", password=PASSWORD)
    get(browser, "/home/")
    before = UserSession.objects.get().last_seen_at
    get(browser, "/home/")
    assert UserSession.objects.get().last_seen_at == before
    browser.get("/home/", secure=True, headers={"User-Agent": "Another/1.0"})
    assert UserSession.objects.get().user_agent == "Another/1.0"
    assert UserSession.objects.get().last_seen_at > before
    caches["process"].clear()  # a minute later
    get(browser, "/home/")
    assert UserSession.objects.get().user_agent == ""
