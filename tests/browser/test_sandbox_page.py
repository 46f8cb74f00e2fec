"""The sandbox page in a real browser, with the whole product behind it."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

import connectors
from tests.browser.looking import faults

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

PATIENCE = 15_000
"""Milliseconds for a message to cross: fifty are usual, but the first one finds cold processes."""


def pane(page: Page, slug: str) -> Locator:
    return page.locator(f'.pane[data-platform="{slug}"]')


def field(page: Page, slug: str) -> Locator:
    return pane(page, slug).get_by_role("textbox")


def message(page: Page, slug: str, text: str) -> Locator:
    return pane(page, slug).locator(".message", has_text=text)


def crossed(page: Page, text: str, slugs: tuple[str, ...]) -> None:
    for slug in slugs:
        expect(message(page, slug, text)).to_be_visible(timeout=PATIENCE)


def test_a_message_typed_in_slack_appears_in_the_three_others_with_its_time(sandbox: Page) -> None:
    field(sandbox, "slack").fill("Good morning from Slack")
    field(sandbox, "slack").press("Enter")
    for slug in ("teams", "webex", "zoom"):
        copy = message(sandbox, slug, "Good morning from Slack")
        expect(copy).to_contain_text("Ann Moreau", timeout=PATIENCE)
        expect(copy.locator(".crossing")).to_have_text(re.compile(r"^\d+ ms from Slack$"), timeout=PATIENCE)
    expect(message(sandbox, "slack", "Good morning from Slack")).to_have_count(1)


@pytest.mark.parametrize("origin", ["teams", "webex", "zoom"])
def test_every_platform_is_heard_by_all_others(sandbox: Page, origin: str) -> None:
    field(sandbox, origin).fill(f"Greetings from {origin}")
    pane(sandbox, origin).get_by_role("button", name="Send").click()
    crossed(sandbox, f"Greetings from {origin}", tuple(slug for slug in connectors.slugs() if slug != origin))


def test_what_is_said_in_a_channel_that_is_not_linked_stays_there(sandbox: Page) -> None:
    pane(sandbox, "slack").get_by_role("button", name="coffee").click()
    expect(pane(sandbox, "slack")).to_contain_text("what is said here stays in Slack")
    field(sandbox, "slack").fill("Only for Slack")
    field(sandbox, "slack").press("Enter")
    expect(message(sandbox, "slack", "Only for Slack")).to_be_visible()
    pane(sandbox, "slack").get_by_role("button", name="general").click()
    field(sandbox, "slack").fill("Said after it")
    field(sandbox, "slack").press("Enter")
    crossed(sandbox, "Said after it", ("teams", "webex", "zoom"))
    expect(sandbox.get_by_text("Only for Slack")).to_have_count(0)


def test_the_keyboard_alone_suffices(sandbox: Page) -> None:
    sandbox.keyboard.press("Alt+4")
    expect(field(sandbox, "zoom")).to_be_focused()
    sandbox.keyboard.press("Control+2")
    expect(field(sandbox, "teams")).to_be_focused()
    sandbox.keyboard.press("Tab")
    expect(pane(sandbox, "teams").get_by_role("combobox")).to_be_focused()
    sandbox.keyboard.press("ArrowDown")
    sandbox.keyboard.press("Shift+Tab")
    sandbox.keyboard.type("First line")
    sandbox.keyboard.press("Shift+Enter")
    sandbox.keyboard.type("second line")
    sandbox.keyboard.press("Enter")
    expect(message(sandbox, "teams", "First line").locator(".author")).to_have_text("Dev Patel")
    expect(message(sandbox, "teams", "First line")).to_contain_text("second line")


def test_markup_that_somebody_types_stays_text(sandbox: Page) -> None:
    typed = "<img src=x onerror=alert(1)> & <b>bold</b>"
    field(sandbox, "slack").fill(typed)
    field(sandbox, "slack").press("Enter")
    for slug in connectors.slugs():
        shown = message(sandbox, slug, typed).locator(".message-body")
        expect(shown).to_be_visible(timeout=PATIENCE)
        expect(shown.locator("img, b")).to_have_count(0)


def test_html_that_is_not_on_the_list_leaves_only_its_text(sandbox: Page) -> None:
    hostile = (
        '<p onclick="x()">fine <a href="javascript:x()">click</a><script>x()</script>'
        '<svg onload="x()"></svg><b style="color:red">bold</b></p>'
    )
    shown = sandbox.evaluate(
        """async (html) => {
            const { safe } = await import("/static/mio_hub/sandbox-html.js");
            const box = document.createElement("div");
            box.append(safe(html));
            return box.innerHTML;
        }""",
        hostile,
    )
    assert shown == "<p>fine <span>click</span><b>bold</b></p>"


def test_a_pane_that_is_out_of_sight_on_a_phone_says_that_it_has_news(sandbox: Page) -> None:
    sandbox.set_viewport_size({"width": 375, "height": 812})
    tab = sandbox.get_by_role("navigation", name="Platforms").get_by_role("button", name="Webex")
    expect(tab).not_to_have_attribute("aria-current", "true")
    field(sandbox, "slack").fill("Anybody out there?")
    field(sandbox, "slack").press("Enter")
    expect(tab).to_have_attribute("data-unread", "", timeout=PATIENCE)
    tab.click()
    expect(tab).not_to_have_attribute("data-unread", "")
    expect(field(sandbox, "webex")).to_be_focused()
    assert sandbox.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_sandbox_that_is_not_running_is_explained_and_comes_back_by_itself(page: Page, hub_url: str) -> None:
    def away(route: Route) -> None:
        route.fulfill(status=503, content_type="application/json", body=json.dumps({"error": "Start it: ./hub up"}))

    page.route("**/sandbox/stream/", away)
    page.goto(f"{hub_url}/sandbox/")
    expect(page.get_by_role("alert").first).to_have_text("Start it: ./hub up", timeout=PATIENCE)
    page.unroute("**/sandbox/stream/")
    expect(page.get_by_role("alert").first).to_be_hidden(timeout=PATIENCE)
    expect(pane(page, "slack").get_by_role("combobox").locator("option").first).to_be_attached(timeout=PATIENCE)


def test_text_that_could_not_be_sent_is_kept(sandbox: Page) -> None:
    sandbox.route("**/sandbox/say/", lambda route: route.abort())
    field(sandbox, "slack").fill("Do not lose me")
    field(sandbox, "slack").press("Enter")
    expect(pane(sandbox, "slack").get_by_role("alert")).to_contain_text("Your text is kept")
    expect(field(sandbox, "slack")).to_have_value("Do not lose me")


def test_everybody_can_use_it(sandbox: Page) -> None:
    field(sandbox, "slack").fill("`code` and *bold*, drawn in every look")
    field(sandbox, "slack").press("Enter")
    crossed(sandbox, "drawn in every look", ("teams", "webex", "zoom"))
    pane(sandbox, "webex").get_by_role("button", name="coffee").click()
    assert faults(sandbox, "sandbox") == []
