"""Channel Sync in a real browser: syncing, creating, unsyncing; and that everybody can use its pages."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Channel, Installation, Team, User
from relay import syncing
from relay.models import PlannedLeg, UniversalConversation
from tests.browser.looking import faults
from tests.people import People
from tests.relay.harbour import Server, harbour, moored  # noqa: F401 (a fixture)
from tests.relay.test_channel_sync import see_to

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SignedIn = Callable[[User], Page]


@pytest.fixture
def company(redis: Any, harbour: Server, people: People) -> dict[str, Installation]:  # noqa: F811
    """Acme on Slack, Zoom, Teams and a platform that can make channels, with a few imported."""
    rows = {
        slug: Installation.objects.create(
            tenant=people.acme, platform=slug, workspace=f"W-{slug}", name="Acme", account="0"
        )
        for slug in ("slack", "teams", "zoom")
    } | {"harbour": moored(people.acme)}
    sales = Team.objects.create(installation=rows["teams"], external_id="t", name="Sales", is_chosen=True)
    for name in ("general", "ideas", "random"):
        channel(rows["slack"], name, members_count=1234)
        channel(rows["zoom"], name.capitalize(), members_count=7)
    channel(rows["slack"], "board", is_private=True)
    channel(rows["teams"], "Board", team=sales)
    channel(rows["harbour"], "a-rather-long-name-of-a-channel-that-somebody-made-and-nobody-dares-to-rename")
    return rows


def channel(installation: Installation, name: str, **fields: Any) -> Channel:
    return Channel.objects.create(installation=installation, external_id=name, name=name, **fields)


def test_bob_syncs_two_channels_and_unsyncs_them(
    signed_in: SignedIn,
    people: People,
    company: dict[str, Installation],
) -> None:
    page = signed_in(people.bob)
    page.get_by_role("link", name="Channel Sync").click()
    page.get_by_label("Choose general (Slack)").check()
    page.get_by_label("Choose General (Zoom)").check()
    page.get_by_role("button", name="Sync these").click()
    expect(page.get_by_text("What is written from now on in one of them is read in all of them")).to_be_visible()
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text("general is synced.")).to_be_visible()
    expect(page.get_by_text("Active", exact=True)).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("link", name="Unsync").click()
    page.get_by_label("Also take out the accounts that we made members").check()
    page.get_by_role("button", name="Unsync").click()
    expect(page.get_by_text("general is no longer synced.")).to_be_visible()
    ended = UniversalConversation.objects.get(name="general")
    assert ended.ended_at is not None


def test_the_choice_is_kept_while_ann_looks_for_more_and_mixing_needs_a_yes(
    signed_in: SignedIn,
    people: People,
    company: dict[str, Installation],
) -> None:
    page = signed_in(people.ann)
    page.get_by_role("link", name="Channel Sync").click()
    page.get_by_label("Choose board (Slack)").check()
    page.get_by_role("button", name="Keep the choice and look for more").click()
    page.get_by_label("Team", exact=True).select_option("Sales")
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Choose Board (Teams)").check()
    page.get_by_role("button", name="Sync these").click()
    expect(page.get_by_text("Private and public channels come together here.")).to_be_visible()
    page.get_by_role("button", name="Sync", exact=True).click()
    assert not UniversalConversation.objects.exists(), "the browser asks for the box first"
    page.get_by_label("I understand").check()
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text("board is synced.")).to_be_visible()


def test_a_counterpart_is_made_and_one_that_is_refused_says_why(
    signed_in: SignedIn,
    people: People,
    company: dict[str, Installation],
    harbour: Server,  # noqa: F811
) -> None:
    page = signed_in(people.ann)
    page.get_by_role("link", name="Channel Sync").click()
    page.get_by_role("link", name="Create a counterpart of random (Slack)").click()
    page.get_by_label("Pier on Harbour").check()
    page.get_by_role("button", name="See what will be made").click()
    expect(page.get_by_text("This will be made")).to_be_visible()
    page.get_by_role("button", name="Create and sync").click()
    expect(page.get_by_text("Being made", exact=True)).to_be_visible()
    harbour.refusal = "this name is taken"
    see_to()
    page.reload()
    expect(page.get_by_text("random on Harbour could not be made: this name is taken.")).to_be_visible()
    harbour.refusal = ""
    page.get_by_role("button", name="Try random again").click()
    see_to()
    page.reload()
    expect(page.get_by_text("Active", exact=True)).to_be_visible()


def test_suggestions_are_accepted_in_bulk_after_a_look(
    signed_in: SignedIn,
    people: People,
    company: dict[str, Installation],
) -> None:
    page = signed_in(people.ann)
    page.get_by_role("link", name="Channel Sync").click()
    page.get_by_role("link", name="Suggestions").click()
    page.get_by_role("link", name="Sync them all").click()
    expect(page.get_by_text("3 channels on Slack and 3 channels on Zoom")).to_be_visible()
    page.get_by_role("button", name="Sync 3 channels").click()
    expect(page.get_by_text("3 channels are synced.")).to_be_visible()
    assert not UniversalConversation.objects.filter(name="board").exists()


def test_carla_reads_and_changes_nothing(
    signed_in: SignedIn,
    people: People,
    company: dict[str, Installation],
) -> None:
    made = furnish(people, company)
    page = signed_in(people.carla)
    page.get_by_role("link", name="Channel Sync").click()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.get_by_role("link", name=made.name, exact=True).click()
    expect(page.get_by_role("button")).to_have_count(1)  # signing out
    page.get_by_role("link", name="Settings of general on Slack").click()
    expect(page.get_by_label("Files come in")).to_be_disabled()


def furnish(people: People, company: dict[str, Installation]) -> UniversalConversation:
    """A synced channel with a leg that was refused."""
    numbers = Channel.objects.filter(name__iexact="general", installation__tenant=people.acme).values_list(
        "pk", flat=True
    )
    made = syncing.sync(people.acme, list(numbers))
    PlannedLeg.objects.create(
        conversation=made, installation=company["harbour"], name="general", state="refused", reason="the name is taken."
    )
    return made


def test_everybody_can_use_every_page(
    signed_in: SignedIn,
    people: People,
    company: dict[str, Installation],
    hub: str,
) -> None:
    made = furnish(people, company)
    board = [row.pk for row in Channel.objects.filter(name__iexact="board").order_by("pk")]
    link = made.links.order_by("pk").first()
    assert link is not None
    page = signed_in(people.ann)
    pages = {
        "table": "channels/", "chosen": f"channels/?channel={board[0]}", "nothing": "channels/?text=nowhere",
        "plan": f"channels/sync/?channel={board[0]}&channel={board[1]}", "create": f"channels/{board[0]}/create/",
        "ordered": f"channels/{board[0]}/create/?spot={company['harbour'].pk}", "suggestions": "channels/suggestions/",
        "accept": "channels/suggestions/accept/", "synced": f"channels/synced/{made.pk}/",
        "leg": f"channels/synced/{made.pk}/legs/{link.pk}/", "unsync": f"channels/synced/{made.pk}/unsync/",
    }  # fmt: skip
    for name, path in pages.items():
        page.goto(f"{hub}/t/{people.acme.key}/{path}")
        assert faults(page, f"channels-{name}") == [], name
