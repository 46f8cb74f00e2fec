"""Signing up and in, in a real browser: every page can be used by everybody, and passkeys work without a password."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from mio_hub.sandbox import demo
from tests.browser.looking import faults

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

PATIENCE = 15_000
"""Milliseconds; the first page finds a cold process."""
OUTSIDE = ["/", "/account/login/", "/account/signup/", "/account/password/reset/", "/account/confirm-email/"]
OUTSIDE += ["/account/3rdparty/login/cancelled/", "/account/3rdparty/login/error/"]
INSIDE = ["/account/email/", "/account/password/change/", "/account/2fa/", "/account/2fa/totp/activate/"]
INSIDE += ["/account/2fa/webauthn/add/", "/account/3rdparty/", "/account/sessions/", "/account/logout/"]


@pytest.fixture
def page(page: Page) -> Page:
    page.set_default_timeout(PATIENCE)
    return page


@pytest.fixture
def demo_page(page: Page, hub_url: str) -> Page:
    """The demo company's owner, signed in a moment ago."""
    # localhost, not 127.0.0.1: a passkey belongs to a name
    page.goto(f"{hub_url.replace('127.0.0.1', 'localhost')}/account/login/")
    page.get_by_label("Email").fill(demo.EMAIL)
    page.get_by_label("Password").fill(demo.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile("/t/"))
    return page


@pytest.fixture
def passkey(demo_page: Page) -> Iterator[None]:
    """The laptop has a fingerprint reader that always knows its owner."""
    session = demo_page.context.new_cdp_session(demo_page)
    session.send("WebAuthn.enable")
    reader = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**reader, "isUserVerified": True, "automaticPresenceSimulation": True}
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": added["authenticatorId"]})


def confirm_access(page: Page) -> None:
    """Whoever wants to change how one signs in is asked again who they are."""
    if "/reauthenticate/" in page.url:
        page.get_by_label("Password").fill(demo.PASSWORD)
        page.get_by_role("button", name="Confirm").click()


def test_every_page_before_the_door_is_for_everybody(page: Page, hub_url: str) -> None:
    for path in OUTSIDE:
        page.goto(hub_url + path)
        assert faults(page) == [], path


def test_every_page_of_an_account_is_for_everybody_and_runs_nothing_forbidden(demo_page: Page) -> None:
    forbidden: list[str] = []
    demo_page.on("console", lambda line: forbidden.append(line.text) if "Content Security" in line.text else None)
    root = demo_page.url.partition("/t/")[0]
    for path in INSIDE:
        demo_page.goto(root + path)
        confirm_access(demo_page)
        assert faults(demo_page) == [], path
    assert forbidden == []


def test_a_passkey_is_added_and_opens_the_hub_without_a_password(demo_page: Page, passkey: None) -> None:
    root = demo_page.url.partition("/t/")[0]
    demo_page.goto(f"{root}/account/2fa/webauthn/add/")
    confirm_access(demo_page)
    demo_page.get_by_role("checkbox").check()
    demo_page.get_by_role("button", name="Add").click()
    expect(demo_page).to_have_url(re.compile("/account/2fa/(?!webauthn/add)"))
    demo_page.goto(f"{root}/account/logout/")
    demo_page.get_by_role("main").get_by_role("button", name="Sign Out").click()
    demo_page.goto(f"{root}/account/login/")
    demo_page.get_by_role("button", name="Sign in with a passkey").click()
    expect(demo_page).to_have_url(re.compile("/t/"))


def test_a_refused_passkey_is_said_in_plain_words(page: Page, hub_url: str) -> None:
    page.goto(f"{hub_url}/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")


def test_somebody_signs_up_with_webex_sees_success_and_is_welcomed_there(page: Page, hub_url: str) -> None:
    page.goto(f"{hub_url}/account/signup/")
    page.get_by_role("button", name="Sign up with Webex").click()
    page.get_by_label("You are").select_option(label="Grace Liu (grace@acme.example)")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_label("Name of your organization")).to_have_value("Acme")
    assert faults(page) == []
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Success!")).to_be_visible()
    assert faults(page) == []
    waits = page.get_by_text("A welcome message waits for you in Webex")
    for _ in range(20):  # a worker sends it
        page.wait_for_timeout(500)
        page.reload()
        if waits.is_visible():
            break
    expect(waits).to_be_visible()
