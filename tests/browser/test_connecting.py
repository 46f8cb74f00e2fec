"""Connect Platforms in a real browser: through the platforms' consent pages to Success, and back out again."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import connectors
from connectors.sandbox import COMPANY
from tests.browser.conftest import RunningHub
from tests.browser.looking import PICTURES, faults
from tests.consenting import SIGNED_IN

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

TROUBLE = """
from accounts.models import Installation
Installation.objects.filter(platform="slack").update(
    state="needs reconnect", problem="Slack no longer accepts our permission.")
Installation.objects.filter(platform="zoom").update(doubts=["The service user has lost its licence."])
"""


def card(page: Page, slug: str) -> Locator:
    return page.get_by_role("region", name=connectors.get(slug).platform.label)


def set_out(page: Page, slug: str) -> None:
    """From a platform's card to its consent page."""
    card(page, slug).get_by_role("link", name=re.compile("^Connect ")).click()
    page.get_by_role("link", name="Continue to what we ask for").click()
    page.get_by_role("button", name="Continue to ").click()


def consent(page: Page, slug: str, decision: str = "allow") -> None:
    """Every consent page of a platform, as whoever its set-up page names."""
    for step, person in enumerate(SIGNED_IN[slug]):
        if step:
            page.locator("main .button").first.click()
        people = page.locator("select[name=person]")
        people.select_option(label=people.locator("option", has_text=person).first.inner_text())
        page.locator(f"button[name=decision][value={decision}]").click()


def connect(page: Page, slug: str) -> None:
    set_out(page, slug)
    consent(page, slug)
    expect(page.get_by_role("heading", name="Success!")).to_be_visible()


def test_pages_before_anything_is_connected_are_for_everybody(visit: Callable[..., Page]) -> None:
    found = []
    for path in ("", "platforms/", "platforms/teams/prepare/", "platforms/slack/scopes/", "platforms/teams/app/"):
        found += faults(visit(path), f"empty-{path.replace('/', '-')}")
    page = visit("platforms/teams/app/")
    page.get_by_role("button", name="Prepare the files").click()
    found += faults(page, "own-app-prepared")
    assert found == []


def test_public_pages_are_for_everybody(window: Page, running_hub: RunningHub) -> None:
    found = []
    for path in ("", "scopes/", "scopes/teams/", "security/"):
        window.goto(f"{running_hub.url}/{path}")
        found += faults(window, f"public-{path.replace('/', '-')}")
    assert found == []


@pytest.mark.parametrize("slug", connectors.slugs())
def test_bob_connects_a_platform_by_its_consent_page(visit: Callable[..., Page], slug: str) -> None:
    page = visit()
    connect(page, slug)
    page.get_by_role("link", name="Connect the next platform").click()
    expect(card(page, slug)).to_contain_text("by Bob Okafor")


def test_whoever_says_no_reads_that_nothing_was_allowed(visit: Callable[..., Page]) -> None:
    page = visit()
    set_out(page, "webex")
    consent(page, "webex", "deny")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nothing was allowed")
    assert faults(page, "setback") == []
    page.get_by_role("link", name="Start again").click()
    expect(page.get_by_role("button", name="Continue to Webex")).to_be_visible()


def test_the_page_between_two_consents_is_for_everybody(visit: Callable[..., Page]) -> None:
    page = visit()
    set_out(page, "teams")
    people = page.locator("select[name=person]")
    people.select_option(label=people.locator("option", has_text="Ann Moreau").first.inner_text())
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    assert faults(page, "onward") == []


def test_a_card_in_trouble_says_so_by_itself_and_one_click_leads_out(
    visit_anew: Callable[..., Page], running_hub: RunningHub
) -> None:
    page = visit_anew()
    connect(page, "slack")
    page.clock.install()
    visit_anew()
    expect(card(page, "slack")).to_contain_text("Connected")
    link = card(page, "slack").get_by_role("link", name=COMPANY)
    link.focus()
    running_hub.does(TROUBLE)
    page.clock.run_for(20_000)
    expect(card(page, "slack")).to_contain_text("Needs you")
    expect(link).to_be_focused()
    page.clock.resume()
    assert faults(visit_anew(), "trouble") == []
    assert faults(visit_anew(""), "overview-trouble") == []
    card(visit_anew(), "slack").get_by_role("button", name="Reauthorise").click()
    consent(page, "slack")
    expect(page.get_by_role("heading", name="Success!")).to_be_visible()
    expect(card(visit_anew(), "slack")).not_to_contain_text("Needs you")


def test_cards_stay_when_their_reader_is_signed_out_meanwhile(visit_anew: Callable[..., Page]) -> None:
    page = visit_anew()
    page.clock.install()
    visit_anew()
    page.context.clear_cookies()
    with page.expect_response("**/login/**"):
        page.clock.run_for(20_000)
    page.clock.resume()
    expect(card(page, "slack")).to_be_visible()


def test_on_a_phone_the_menu_opens_and_closes_by_the_keyboard(visit: Callable[..., Page]) -> None:
    page = visit()
    page.set_viewport_size({"width": 375, "height": 800})
    link = page.get_by_role("link", name="Audit log")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").press("Enter")
    expect(link).to_be_visible()
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "menu.png")
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").press("Enter")
    link.press("Enter")
    expect(page).to_have_url(re.compile("/audit/"))


def test_an_auditor_reads_everything_and_is_offered_no_change(visit: Callable[..., Page]) -> None:
    connect(visit(), "zoom")
    page = visit("platforms/", "Carla")
    changing = re.compile("^(Connect (?!Platforms)|Bring|Continue|Reauthorise|Disconnect|Prepare|Keep|Remove)")
    ways = ["platforms/", "platforms/zoom/prepare/", "platforms/zoom/scopes/", "platforms/zoom/app/"]
    ways += [re.sub(r".*/t/[^/]+/", "", str(card(page, "zoom").get_by_role("link").first.get_attribute("href")))]
    for path in ways:
        main = visit(path, "Carla").get_by_role("main")
        expect(main.get_by_role("heading", level=1)).to_be_visible()
        for role in ("link", "button"):
            expect(main.get_by_role(role, name=changing)).to_have_count(0)  # type: ignore[arg-type]


def test_bob_disconnects_by_typing_the_name(visit: Callable[..., Page]) -> None:
    page = visit()
    connect(page, "webex")
    assert faults(page, "success") == []
    page.get_by_role("link", name="Look at this connection").click()
    assert faults(page, "connection") == []
    page.get_by_role("link", name="Disconnect").click()
    assert faults(page, "disconnect") == []
    page.get_by_label("to confirm").fill("something else")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("That is not the name. Nothing was disconnected.")).to_be_visible()
    page.get_by_label("to confirm").fill(COMPANY)
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("is disconnected. Nothing of it is kept but the audit log.")).to_be_visible()
    expect(card(page, "webex")).to_contain_text("Not connected")
