"""Import in a real browser: choose teams, watch a run that real workers carry out, decide, read the report."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunningHub
from tests.browser.looking import faults
from tests.browser.test_connecting import card, connect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

DONE_WITHIN = 60_000
"""Milliseconds; beat looks every two seconds, and a small company takes a few slices."""

MIDDLE = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import DirectoryImport, Installation
zoom = Installation.objects.get(platform="zoom")
DirectoryImport.objects.filter(installation=zoom, state__in=["running", "asking"]).update(state="cancelled")
run = DirectoryImport.objects.create(
    installation=zoom, stage="people", counts={"people": 1200}, totals={"people": 5000}, pages={"people": 12},
    not_before=timezone.now() + timedelta(hours=1))
print(run.pk)
"""
"""A run in the middle, which the platform has asked to wait."""

ASKING = """
from accounts.models import DirectoryImport
DirectoryImport.objects.filter(state="running").update(
    state="asking", report={"people": {"removed": 312, "of": 900}, "memberships": {"removed": 40, "of": 5000}})
"""

CROWD = """
from accounts.models import Installation, Team
webex = Installation.objects.get(platform="webex")
Team.objects.bulk_create(
    Team(installation=webex, external_id=f"crowd{n}", name=f"Team {n:04} of a rather large organization",
         description="Everybody who works on it" if n % 2 else "",
         problem="" if n else "Only its moderators may add people.") for n in range(2000))
"""


def test_bob_imports_a_company_and_watches_it_to_its_report(visit: Callable[..., Page]) -> None:
    page = visit()
    connect(page, "zoom")
    assert faults(page, "import-success") == []
    assert faults(visit(), "import-card-new") == []
    card(page, "zoom").get_by_role("link", name="Import", exact=True).click()
    page.get_by_role("button", name="Import users and channels").click()
    expect(page.get_by_role("progressbar", name="Import")).to_be_visible()
    people = page.get_by_role("row", name=re.compile(r"^People [1-9]"))
    expect(people).to_be_visible(timeout=DONE_WITHIN)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert faults(page, "import-report") == []
    page.get_by_role("link", name="All imports from").click()
    expect(page.get_by_role("row", name=re.compile("Bob Okafor.*Done"))).to_be_visible()
    assert faults(page, "import-history") == []
    expect(card(visit(), "zoom")).to_contain_text("Imported")
    expect(card(page, "zoom")).not_to_contain_text("Not yet")


def test_bob_chooses_teams_and_imports_them(visit: Callable[..., Page], running_hub: RunningHub) -> None:
    page = visit()
    connect(page, "webex")
    page.get_by_role("button", name="Choose teams to import").click()
    ticks = page.get_by_role("checkbox")
    expect(ticks.first).to_be_visible(timeout=DONE_WITHIN)
    team = ticks.first.locator("xpath=..").inner_text()
    address = page.url
    running_hub.does(CROWD)
    page.reload()
    page.get_by_label("Team 0001 of").check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Page 2 of 41")).to_be_visible()
    expect(page.get_by_text("1 of 2,0")).to_be_visible()
    page.get_by_label("Team 0060 of").check()
    page.get_by_label("Search teams").fill("team 0001")
    page.get_by_label("Search teams").press("Enter")
    expect(page.get_by_label("Team 0001 of")).to_be_checked()
    expect(page.get_by_text("2 of 2,0")).to_be_visible()
    page.goto(f"{address}?show=shut")
    expect(page.get_by_text("Only its moderators may add people.")).to_be_visible()
    assert faults(page, "import-teams-shut") == []
    page.goto(address)
    assert faults(page, "import-teams") == []
    page.goto(f"{address}?show=chosen")
    page.get_by_role("button", name="Choose none of them").click()
    expect(page.get_by_text("No team fits")).to_be_visible()
    page.goto(address)
    page.get_by_label("Search teams").fill(team)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("checkbox", name=team).check()
    page.get_by_role("button", name="Import teams and channels").click()
    people = page.get_by_role("row", name=re.compile(r"^People [1-9]"))
    expect(people).to_be_visible(timeout=DONE_WITHIN)
    expect(card(visit(), "webex")).to_contain_text("in 1 chosen team")


def test_a_run_that_waits_and_asks_is_told_everywhere_and_by_itself(
    visit: Callable[..., Page], running_hub: RunningHub
) -> None:
    connect(visit(), "zoom")
    run = running_hub.does(MIDDLE).strip()
    assert "Importing" in card(visit(), "zoom").inner_text()
    assert faults(visit(), "import-card") == []
    assert faults(visit(""), "import-overview") == []
    page = visit(f"connections/imports/{run}/")
    expect(page.get_by_text("1,200 of 5,000 people")).to_be_visible()
    expect(page.get_by_text("asks us to slow down")).to_be_visible()
    assert faults(page, "import-waiting") == []
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    running_hub.does(ASKING)
    expect(page.get_by_text("This import would remove 312 of 900 people and 40 of 5,000 memberships")).to_be_visible()
    assert faults(page, "import-asking") == []
    assert faults(visit(""), "import-overview-asking") == []
    page = visit(f"connections/imports/{run}/", "Carla")
    expect(page.get_by_text("Nothing was removed yet")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    page = visit(f"connections/imports/{run}/")
    page.get_by_role("button", name="Throw this import away").click()
    expect(page.get_by_text("The import is cancelled.")).to_be_visible()
    assert faults(page, "import-cancelled") == []
