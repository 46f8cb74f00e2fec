"""The fidelity page in a real browser: what is typed is seen on all four platforms."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

import connectors

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

PATIENCE = 15_000
"""Milliseconds; a drawing takes a tenth of a second, the first one finds a cold process."""

GRAVE = ("serious", "critical")


@pytest.fixture
def fidelity(page: Page, hub_url: str) -> Page:
    """The page with the sample drawn."""
    page.set_default_timeout(PATIENCE)
    page.goto(f"{hub_url}/fidelity/")
    for slug in connectors.slugs():
        expect(pane(page, slug)).to_contain_text("Friday release", timeout=PATIENCE)
    return page


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
def test_everybody_can_use_it(fidelity: Page, scheme: Any, width: int) -> None:
    fidelity.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    fidelity.set_viewport_size({"width": width, "height": 900})
    for summary in fidelity.get_by_text("What is sent").all():
        summary.click()
    violations = Axe().run(fidelity).response["violations"]
    assert [
        (each["id"], [node["html"] for node in each["nodes"]]) for each in violations if each["impact"] in GRAVE
    ] == []
    assert fidelity.evaluate("document.documentElement.scrollWidth <= innerWidth")
    headers = fidelity.get_by_role("table", name="Everything, on every platform").get_by_role("columnheader")
    assert len(headers.all()) == 1 + len(connectors.slugs()), "a table for everyone, at every width"
