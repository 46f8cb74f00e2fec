"""The pages on which one says where a channel is to be made."""

import pytest
from django.test import Client

from accounts.models import Channel, Installation, Team
from relay import sharing
from tests.people import People


@pytest.fixture
def addresses(people: People) -> list[str]:
    """Of both pages, in a company with a channel on Slack and forty teams on Teams."""
    slack, teams = (
        Installation.objects.create(tenant=people.acme, platform=slug, workspace=slug, name="Acme", account="0")
        for slug in ("slack", "teams")
    )
    numbers = range(40)
    Team.objects.bulk_create(
        Team(installation=teams, external_id=f"t{n}", name=f"Team {n:02}", is_chosen=True) for n in numbers
    )
    channel = Channel.objects.create(installation=slack, external_id="C1", name="general")
    part = sharing.found(people.acme, "Partners", "acme.example")
    return [f"channels/{channel.pk}/create/", f"universal/{part.pk}/channels/"]


def shown(people: People, path: str) -> str:
    browser: Client = people.browser(people.ann)
    return browser.get(f"/t/{people.acme.key}/{path}", secure=True).content.decode()


def test_of_many_teams_the_first_are_offered_and_the_others_are_found_by_name(
    people: People, addresses: list[str]
) -> None:
    for address in addresses:
        page = shown(people, address)
        assert "Team 29 on Teams" in page
        assert "Team 30 on Teams" not in page
        assert "the first 30 teams are shown" in page
        page = shown(people, f"{address}?team=EAM+38")
        assert "Team 38 on Teams" in page
        assert "Team 29 on Teams" not in page
        assert 'value="EAM 38"' in page


def test_what_is_looked_for_in_vain_can_be_looked_for_again(people: People, addresses: list[str]) -> None:
    Installation.objects.filter(platform="slack").update(state=Installation.State.NEEDS_RECONNECT)
    for address in addresses:
        page = shown(people, f"{address}?team=nobody")
        assert "No team fits" in page
        assert "Search for a team" in page


def test_of_few_teams_all_are_offered_without_a_search(people: People, addresses: list[str]) -> None:
    Team.objects.exclude(name="Team 07").delete()
    for address in addresses:
        page = shown(people, address)
        assert "Team 07 on Teams" in page
        assert "Search for a team" not in page


def test_a_team_beyond_the_first_can_be_chosen(people: People, addresses: list[str]) -> None:
    team = Team.objects.get(name="Team 38")
    page = shown(people, f"{addresses[0]}?spot={team.installation_id}-{team.pk}")
    assert "This will be made" in page
    assert "Team 38 on Teams" in page
