"""The fidelity page in a real browser: what is typed is seen on all four platforms."""

import pytest
from playwright.sync_api import Locator, Page, expect

import connectors
from tests.browser.looking import faults

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

PATIENCE = 15_000
"""Milliseconds; a drawing takes a tenth of a second, the first one finds a cold process."""


@pytest.fixture
def fidelity(window: Page, hub_url: str) -> Page:
    """The page with the sample drawn."""
    window.goto(f"{hub_url}/fidelity/")
    for slug in connectors.slugs():
        expect(pane(window, slug)).to_contain_text("Friday release", timeout=PATIENCE)
    return window


def pane(page: Page, slug: str) -> Locator:
    return page.locator(f'.pane[data-platform="{slug}"]')


def type_anew(page: Page, text: str) -> None:
    page.get_by_label("Write Markdown").fill(text)


def test_what_is_typed_is_drawn_on_all_four(fidelity: Page) -> None:
    type_anew(fidelity, "Good **morning**, ~~sleepers~~")
    for slug in connectors.slugs():
        expect(pane(fidelity, slug)).not_to_contain_text("Friday release", timeout=PATIENCE)
        expect(pane(fidelity, slug).locator(".message-body strong")).to_have_text("morning")
    expect(pane(fidelity, "slack").locator(".message-body s")).to_have_text("sleepers")
    expect(pane(fidelity, "slack")).to_contain_text("Arrives exactly as written.")
    expect(pane(fidelity, "webex").locator(".message-body s")).to_have_count(0)
    expect(pane(fidelity, "webex")).to_contain_text("Strikethrough: as plain text.")
    expect(fidelity.get_by_role("status")).to_contain_text("Webex: Strikethrough: as plain text.")


def test_what_is_sent_can_be_opened_with_the_keyboard(fidelity: Page) -> None:
    summary = pane(fidelity, "slack").get_by_text("What is sent")
    summary.focus()
    fidelity.keyboard.press("Enter")
    expect(pane(fidelity, "slack").locator("details pre")).to_be_visible()
    expect(pane(fidelity, "slack").locator("details pre")).to_contain_text('"channel"')


def test_hostile_markdown_stays_text(fidelity: Page) -> None:
    type_anew(fidelity, "<img src=x onerror=alert(1)> [x](javascript:alert(1)) <script>alert(2)</script>")
    for slug in connectors.slugs():
        body = pane(fidelity, slug).locator(".message-body")
        expect(body).to_contain_text("<img src=x onerror=alert(1)>", timeout=PATIENCE)
        expect(body.locator("img, script, a[href^=javascript]")).to_have_count(0)


def test_too_long_a_text_is_explained_and_the_panes_stay(fidelity: Page) -> None:
    type_anew(fidelity, "x" * 4_001)
    expect(fidelity.get_by_role("alert")).to_contain_text("4,001 characters", timeout=PATIENCE)
    expect(pane(fidelity, "slack")).to_contain_text("Friday release")
    type_anew(fidelity, "short again")
    expect(fidelity.get_by_role("alert")).to_be_hidden(timeout=PATIENCE)
    expect(pane(fidelity, "zoom")).to_contain_text("short again")


def test_everybody_can_use_it(fidelity: Page) -> None:
    for summary in fidelity.get_by_text("What is sent").all():
        summary.click()
    assert faults(fidelity, "fidelity") == []
    fidelity.set_viewport_size({"width": 375, "height": 900})
    headers = fidelity.get_by_role("table", name="Everything, on every platform").get_by_role("columnheader")
    assert len(headers.all()) == 1 + len(connectors.slugs()), "a table for everyone, on a phone as well"
