"""User Sync in a real browser: choosing a primary platform, one person synced as full and one as guest, up to the report."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts import user_sync
from accounts.models import Person, SyncRun, User, UserSync
from tests.accounts.stand_ins import Registry, Shore, registry, shore  # noqa: F401 (a fixture)
from tests.browser.looking import faults
from tests.people import People

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SignedIn = Callable[[User], Page]


@pytest.fixture
def company(redis: Any, registry: Registry, people: People) -> Shore:  # noqa: F811
    """Eva has accounts on two platforms, Gil on one."""
    acme = shore(people.acme)
    acme.person("Eva", acme.slack, acme.dock)
    acme.person("Gil", acme.slack)
    return acme


def work() -> None:
    """What a worker does."""
    for pk in user_sync.unheld():
        while user_sync.work(pk):
            pass


def test_bob_chooses_a_primary_platform_and_syncs_one_as_full_and_one_as_guest(
    signed_in: SignedIn,
    people: People,
    company: Shore,
) -> None:
    page = signed_in(people.bob)
    page.get_by_role("link", name="User Sync").click()
    page.get_by_label("Primary platform of Eva", exact=True).select_option(str(company.slack.pk))
    page.get_by_role("button", name="Set the primary platform of Eva").click()
    expect(page.get_by_text("Eva uses Acme on Slack first.")).to_be_visible()
    assert Person.objects.get(name="Eva").primary == company.slack

    page.get_by_label("Choose Eva").check()
    page.get_by_label("Choose Gil").check()
    page.get_by_label("Acme on Dock").last.check()
    page.get_by_role("button", name="Plan").click()
    expect(page.get_by_text("Looking at everybody.")).to_be_visible()
    work()
    expect(page.get_by_role("row", name="Use their own account 1")).to_be_visible()
    expect(page.get_by_role("row", name="Make an account for them 1")).to_be_visible()
    assert not UserSync.objects.exists()
    page.get_by_role("button", name="Apply 2 changes").click()
    expect(page.get_by_text("Under way")).to_be_visible()
    work()
    expect(page.get_by_role("row", name="Done 2")).to_be_visible()
    page.get_by_role("link", name="Back to User Sync").click()
    expect(page.get_by_role("row", name="Eva").get_by_text("Waits for consent")).to_be_visible()
    expect(page.get_by_role("row", name="Gil").get_by_text("Synced", exact=True)).to_be_visible()


def test_everybody_can_use_every_page(
    signed_in: SignedIn,
    people: People,
    company: Shore,
    hub: str,
) -> None:
    run = user_sync.begin(people.acme, "sync", [company.dock.pk], [row.pk for row in Person.objects.order_by("pk")])
    work()
    page = signed_in(people.ann)
    eva = Person.objects.get(name="Eva")
    account = eva.accounts.order_by("pk").first()
    assert account is not None
    paths = ["", "?text=nobody", "import/", "unmatched/", "policy/", f"{eva.pk}/", f"runs/{run.pk}/"]
    for path in [*paths, f"accounts/{account.pk}/assign/"]:
        page.goto(f"{hub}/t/{people.acme.key}/people/{path}")
        assert faults(page, f"people-{paths.index(path) if path in paths else 9}") == [], path
    assert SyncRun.objects.get().state == "planned"
