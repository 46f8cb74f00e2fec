"""A person's own consent in a real browser, without an account in the Hub: prompt, pages, Microsoft's page, and back."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunningHub
from tests.browser.looking import faults

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

PROMPT = """
import json
from accounts import granting
from accounts.secrets import digest
from accounts.models import Grant, Installation, PlatformAccount, UserSync
teams = Installation.objects.get(platform="teams")
account = PlatformAccount.objects.select_related("person", "installation__tenant").get(installation=teams, name="Ann Moreau")
assert account.person.primary is None
account.person.primary = Installation.objects.get(platform="slack")
account.person.save()
sync = UserSync.objects.create(person=account.person, installation=teams, account=account, kind="full", state="pending")
assert granting.prompt(sync, granting.Why.SENT)
Grant.objects.update(digest=digest("the-token-that-only-ann-was-sent"))
print(json.dumps({"link": "/consent/the-token-that-only-ann-was-sent/"}))
"""
"""Ann, who is on Slack, is synced to Teams and writes for the first time; of her link only the token is ours."""

FORGET = """
from accounts.models import Grant, Person, UserSync
Grant.objects.all().delete()
UserSync.objects.all().delete()
Person.objects.update(primary=None)
"""
"""The demo company as others expect it."""


@pytest.fixture
def link(running_hub: RunningHub) -> Iterator[str]:
    """What Ann was sent."""
    yield json.loads(running_hub.does(PROMPT))["link"]
    running_hub.does(FORGET)


def test_ann_says_no_then_yes_at_microsoft_and_withdraws(page: Page, running_hub: RunningHub, link: str) -> None:
    page.set_default_timeout(15_000)
    page.goto(f"{running_hub.url}{link}")
    expect(page.get_by_role("heading", name="Your own name on")).to_be_visible()
    assert "the-token" not in page.url
    found = faults(page, "consent")
    for decision, heading in (("deny", "Nothing was allowed"), ("allow", "Done: your own name on")):
        page.get_by_role("button", name="Continue to").press("Enter")
        people = page.locator("select[name=person]")
        people.select_option(label=people.locator("option", has_text="Ann Moreau").inner_text())
        page.locator(f"button[name=decision][value={decision}]").click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        found += faults(page, f"consent-{decision}")
        if decision == "deny":
            page.get_by_role("link", name="Back to what you are asked for").click()
            expect(page.get_by_text("You said no before")).to_be_visible()
    page.get_by_role("button", name="Withdraw my consent").press("Enter")
    expect(page.get_by_text("You have withdrawn your consent").first).to_be_visible()
    found += faults(page, "consent-withdrawn")
    page.goto(f"{running_hub.url}/consent/of-nobody/")
    expect(page.get_by_role("heading", name="This link leads nowhere")).to_be_visible()
    assert found + faults(page, "consent-gone") == []
