"""That a fault of a page is found: the tests that find none would pass as well if nobody looked."""

import pytest
from playwright.sync_api import Page

from tests.browser.looking import faults

pytestmark = pytest.mark.browser

PAGE = "<html lang=en><title>Hub</title><main><h1>Hub</h1>{}</main>"


def test_a_pale_text_and_a_button_without_a_name_are_found_in_both_looks(page: Page) -> None:
    page.set_content(PAGE.format("<p style='color: #bbb; background: #fff'>pale</p><button></button>"))
    found = [fault.split(" [")[0] for fault in faults(page)]
    assert found == [
        f"{look}: {rule}" for look in ("1440 light", "375 dark") for rule in ("button-name", "color-contrast")
    ]


def test_what_is_wider_than_the_screen_is_found_where_it_is(page: Page) -> None:
    page.set_content(PAGE.format("<p style='width: 600px'>wide</p>"))
    assert faults(page) == ["375 light: wider than the screen", "375 dark: wider than the screen"]


def test_a_page_without_a_fault_has_none(page: Page) -> None:
    page.set_content(PAGE.format("<p>fine</p>"))
    assert faults(page) == []
