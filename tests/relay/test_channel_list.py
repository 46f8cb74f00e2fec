"""The table of channels and the suggestions: what is found, in which state, and at what cost."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.members import NotPossible
from accounts.models import Channel, DirectoryImport, Installation, Team
from relay import channel_list, suggesting, syncing, unsyncing
from relay.channel_list import PAGE, Wanted
from relay.models import ConversationLink, Delivery, PlannedLeg, UniversalConversation
from tests.accounts.asking import request_of
from tests.people import People
from tests.relay.test_channel_sync import deliver


@pytest.fixture(autouse=True)
def _broker(redis: Any) -> None:
    """Tasks that are queued on commit go there, and nobody takes them."""


@pytest.fixture
def connected(people: People) -> dict[str, Installation]:
    return {
        slug: Installation.objects.create(
            tenant=people.acme, platform=slug, workspace=f"W-{slug}", name="Acme", account="0"
        )
        for slug in ("slack", "teams", "webex", "zoom")
    }


def channel(installation: Installation, name: str, **fields: Any) -> Channel:
    number = f"{name}{fields.get('team') or ''}"
    return Channel.objects.create(installation=installation, external_id=number, name=name, **fields)


def shown(people: People, **wanted: Any) -> list[str]:
    rows, _ = channel_list.page(people.acme, Wanted(**wanted))
    return [f"{row.name}: {', '.join(leg.platform.slug for leg in row.legs)}" for row in rows]


def test_what_is_synced_is_one_row_and_the_rest_one_each(people: People, connected: dict[str, Installation]) -> None:
    pair = [channel(connected[slug], "general").pk for slug in ("slack", "zoom")]
    syncing.sync(people.acme, pair)
    channel(connected["teams"], "Apples")
    channel(connected["webex"], "zebra")
    assert shown(people) == ["Apples: teams", "general: slack, zoom", "zebra: webex"]


def test_it_is_searched_and_filtered(people: People, connected: dict[str, Installation]) -> None:
    sales = Team.objects.create(installation=connected["teams"], external_id="t", name="Sales")
    pair = [channel(connected["slack"], "general").pk, channel(connected["teams"], "All hands", team=sales).pk]
    synced = syncing.sync(people.acme, pair)
    channel(connected["slack"], "100%_sure", is_private=True)
    channel(connected["slack"], "100 percent")
    assert shown(people, text="hands") == [f"{synced.name}: slack, teams"]
    assert shown(people, text="%_S") == ["100%_sure: slack"]
    assert shown(people, platform="zoom") == []
    assert shown(people, team=sales.pk) == [f"{synced.name}: slack, teams"]
    assert shown(people, privacy="private") == ["100%_sure: slack"]
    assert shown(people, state="open", privacy="public") == ["100 percent: slack"]
    assert shown(people, state="synced") == [f"{synced.name}: slack, teams"]
    unsyncing.pause(people.acme, synced.pk, request_of(people.ann))
    assert shown(people, state="paused") == [f"{synced.name}: slack, teams"]


def test_pages_follow_each_other_without_gap_or_double(people: People, connected: dict[str, Installation]) -> None:
    names = [f"Room {number:03}" for number in range(PAGE + 7)]
    for name in names:
        channel(connected["slack"], name)
    first, more = channel_list.page(people.acme, Wanted())
    assert more is not None
    second, end = channel_list.page(people.acme, Wanted(), more)
    assert [row.name for row in [*first, *second]] == names
    assert end is None


def state(people: People, conversation: UniversalConversation) -> tuple[str, list[str]]:
    [row] = channel_list.rows(people.acme, [conversation.pk])
    return row.state[0], row.reasons


def test_a_synced_channel_says_how_it_is_doing(people: People, connected: dict[str, Installation]) -> None:
    slack, zoom = channel(connected["slack"], "general"), channel(connected["zoom"], "general")
    made = syncing.sync(people.acme, [slack.pk, zoom.pk])
    assert state(people, made) == ("Active", [])
    first, second = made.links.order_by("installation__platform")
    deliver(second, first)
    assert state(people, made)[0] == "Active"
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert state(people, made) == ("Behind", ["Messages to general on Zoom wait for more than 10 minutes."])
    unsyncing.pause(people.acme, made.pk, request_of(people.ann))
    assert state(people, made)[0] == "Paused"
    Channel.objects.filter(pk=zoom.pk).update(is_archived=True)
    assert state(people, made)[0] == "Archived"
    Installation.objects.filter(pk=connected["slack"].pk).update(state=Installation.State.NEEDS_RECONNECT)
    assert state(people, made)[0] == "Needs reconnecting"
    PlannedLeg.objects.create(
        conversation=made, installation=connected["webex"], name="x", state="refused", reason="name taken."
    )
    assert state(people, made)[0] == "Not complete"
    assert "x on Webex could not be made: name taken." in state(people, made)[1]


def test_a_leg_whose_channel_an_import_no_longer_saw_is_broken(
    people: People, connected: dict[str, Installation]
) -> None:
    slack, zoom = channel(connected["slack"], "general"), channel(connected["zoom"], "general")
    made = syncing.sync(people.acme, [slack.pk, zoom.pk])
    zoom.delete()
    assert state(people, made)[0] == "Active", "it may never have been imported"
    DirectoryImport.objects.create(installation=connected["zoom"], state=DirectoryImport.State.DONE)
    UniversalConversation.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert state(people, made)[0] == "Broken"
    assert shown(people, state="trouble") == ["general: slack, zoom"]
    assert ConversationLink.objects.filter(is_active=True).count() == 2, "nothing is deleted elsewhere"


def test_the_table_costs_as_much_with_many_channels_as_with_few(
    people: People, connected: dict[str, Installation]
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            channel_list.page(people.acme, Wanted())
        return len(captured)

    syncing.sync(people.acme, [channel(connected[slug], "a").pk for slug in ("slack", "zoom")])
    channel(connected["webex"], "b")
    few = cost()
    for number in range(20):
        syncing.sync(people.acme, [channel(connected[slug], f"c{number}").pk for slug in ("slack", "zoom")])
    assert cost() == few <= 7


# --- suggestions


def test_equal_names_belong_together_whatever_case_gaps_and_emoji(
    people: People, connected: dict[str, Installation]
) -> None:
    channel(connected["slack"], "team-news")
    channel(connected["teams"], "Team News 🚀")
    channel(connected["webex"], "TEAM_NEWS")
    channel(connected["zoom"], "team newsletter")
    [one] = suggesting.suggestions(people.acme).plain
    assert [each.name for each in one.channels] == ["team-news", "Team News 🚀", "TEAM_NEWS"]


def test_no_suggestion_where_a_name_is_not_clear_or_not_free(
    people: People, connected: dict[str, Installation]
) -> None:
    sales = Team.objects.create(installation=connected["teams"], external_id="t", name="Sales")
    for each in ({"team": sales}, {}):
        channel(connected["teams"], "General", **each)
    channel(connected["slack"], "general")
    channel(connected["slack"], "🚀")
    channel(connected["zoom"], "🎉")
    channel(connected["slack"], "old", is_archived=True)
    channel(connected["zoom"], "old")
    syncing.sync(people.acme, [channel(connected[slug], "done").pk for slug in ("slack", "zoom")])
    assert suggesting.suggestions(people.acme).plain == []


def test_private_with_public_is_listed_apart_and_never_accepted_in_bulk(
    people: People, connected: dict[str, Installation]
) -> None:
    channel(connected["slack"], "board", is_private=True)
    channel(connected["zoom"], "board")
    for name in ("ideas", "Plans"):
        for slug in ("slack", "zoom"):
            channel(connected[slug], name)
    assert [one.key for one in suggesting.suggestions(people.acme).plain] == ["ideas", "plans"]
    assert [one.key for one in suggesting.suggestions(people.acme).mixed] == ["board"]
    assert len(shown(people, state="suggested")) == 6
    offer = suggesting.offer(people.acme)
    assert offer.by_platform == {"Slack": 2, "Zoom": 2}
    assert suggesting.accept_all(people.acme, offer.mark, request_of(people.ann)) == 2
    assert shown(people, state="synced") == ["ideas: slack, zoom", "Plans: slack, zoom"]


def test_all_are_accepted_only_as_they_were_shown(people: People, connected: dict[str, Installation]) -> None:
    for slug in ("slack", "zoom"):
        channel(connected[slug], "ideas")
    mark = suggesting.offer(people.acme).mark
    channel(connected["webex"], "Ideas")
    with pytest.raises(NotPossible, match="others by now"):
        suggesting.accept_all(people.acme, mark, request_of(people.ann))
    assert not UniversalConversation.objects.exists()


def test_accepting_many_costs_no_more_statements_than_accepting_few(
    people: People, connected: dict[str, Installation]
) -> None:
    for number in range(30):
        for slug in ("slack", "zoom"):
            channel(connected[slug], f"room {number}")
    mark = suggesting.offer(people.acme).mark
    with CaptureQueriesContext(connection) as captured:
        assert suggesting.accept_all(people.acme, mark, request_of(people.ann)) == 30
    assert len(captured) < 15
