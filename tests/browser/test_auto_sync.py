"""Auto Sync in a real browser: a group is found, tried, switched on, and taken away again."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts import tasks
from accounts.matching import remember
from accounts.models import SyncGroup, User, UserSync
from connectors.sandbox import World
from mio_hub.sandbox import demo
from tests.browser.looking import faults
from tests.people import People

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SignedIn = Callable[[User], Page]


@pytest.fixture
def company(
    redis: Any, world: World, intercepted_requests: Any, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acme on all platforms, and its people known."""
    for task in (tasks.read_group, tasks.sync_people):
        monkeypatch.setattr(task, "delay", task)
    installations = demo.connect(people.acme, world)
    for slug, fake in world.fakes.items():
        remember(installations[slug].pk, fake.directory())


def work() -> None:
    """What beat and a worker do."""
    for _ in range(3):
        tasks.keep_groups_synced()
        tasks.keep_syncing_people()


def test_bob_has_a_group_synced_after_he_saw_what_it_would_do(
    signed_in: SignedIn,
    people: People,
    company: None,
) -> None:
    page = signed_in(people.bob)
    page.get_by_role("link", name="User Sync").click()
    page.get_by_role("link", name="Auto Sync").click()
    expect(page.get_by_role("heading", name="No group is synced yet")).to_be_visible()
    page.get_by_role("link", name="Add a group").click()
    page.get_by_label("Platform").select_option(label="Acme on Teams")
    page.get_by_role("button", name="Find groups").click()
    page.get_by_label("Everybody at Acme").check()
    page.get_by_role("checkbox", name="Acme on Slack").check()
    assert faults(page, "auto-sync-add") == []
    page.get_by_role("button", name="Add the group").click()
    expect(page.get_by_text("is on the list, switched off")).to_be_visible()
    work()
    page.get_by_role("button", name="See what Everybody at Acme would do").click()
    expect(page.get_by_text("Looking at everybody.")).to_be_visible()
    work()
    expect(page.get_by_text("This is a dry run")).to_be_visible()
    assert not UserSync.objects.exists()
    page.get_by_role("button", name="Switch the group on").click()
    expect(page.get_by_text("Everybody at Acme is on.")).to_be_visible()
    work()
    assert UserSync.objects.filter(by_group=True).exists()
    SyncGroup.objects.update(problem="The platform no longer knows this group. Everybody stays as they were.")
    page.reload()
    expect(page.get_by_text("no longer knows this group")).to_be_visible()
    assert faults(page, "auto-sync-list") == []
    page.get_by_role("link", name="Everybody at Acme", exact=True).click()
    expect(page.get_by_role("heading", name="Everybody at Acme")).to_be_visible()
    page.get_by_role("link", name="Back to Auto Sync").click()
    page.get_by_role("link", name="Remove Everybody at Acme").click()
    expect(page.get_by_role("heading", name="Remove Everybody at Acme")).to_be_visible()
    page.get_by_label("Are unsynced: show me the plan").check()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("is off the list")).to_be_visible()
    assert not SyncGroup.objects.exists()
