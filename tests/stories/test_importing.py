"""A whole import from each platform: the engine asks the fakes page by page, and the Hub knows what they know."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.importing import begin, choose, list_teams
from accounts.models import Channel, ChannelMember, DirectoryImport, Installation, PlatformAccount, Team
from connectors.sandbox import Fault
from tests.accounts.directories import imported, let_pass, run_on
from tests.house import House

State = DirectoryImport.State


class Import:
    """One platform of the house, of which nothing was read yet."""

    def __init__(self, house: House, slug: str) -> None:
        self.house, self.slug = house, slug
        self.fake: Any = house.world.fakes[slug]
        self.installation: Installation = house.installations[slug]
        PlatformAccount.objects.filter(installation=self.installation).delete()

    def choose(self, *names: str) -> None:
        """Have the teams listed, and choose some by name."""
        assert run_on(list_teams(self.installation)).state == State.DONE
        chosen = Team.objects.filter(installation=self.installation, name__in=names)
        assert chosen.count() == len(names)
        choose(self.installation, chosen.values_list("external_id", flat=True))

    def run(self) -> DirectoryImport:
        return imported(self.installation)

    def again(self) -> dict[str, dict[str, int]]:
        """A second run; the kinds of which it changed anything."""
        report = self.run().report
        return {kind: deeds for kind, deeds in report.items() if kind != "unread" and any(deeds.values())}

    def asked(self) -> list[tuple[str, str]]:
        """What the platform was asked: methods and paths."""
        return [(call.method, urlsplit(call.url).path) for call in self.house.world.log if call.platform == self.slug]

    def people(self, **more: Any) -> set[str]:
        rows = PlatformAccount.objects.filter(installation=self.installation, **more)
        return set(rows.values_list("name", flat=True))

    def channels(self, **more: Any) -> set[str]:
        rows = Channel.objects.filter(installation=self.installation, **more)
        return set(rows.values_list("name", flat=True))

    def members(self, channel: str) -> set[str]:
        rows = ChannelMember.objects.filter(channel__installation=self.installation, channel__name=channel)
        return set(rows.values_list("account__name", flat=True))

    def of_the_demo(self) -> set[str]:
        """The people of the company that lives in every fake."""
        return {person.name for person in self.fake.people()}


@pytest.fixture
def platform(house: House, intercepted_requests: Any) -> Callable[[str], Import]:
    return lambda slug: Import(house, slug)


def test_t_03_a_webex_team_gets_the_service_user_and_its_people_are_stored_by_space(
    platform: Callable[[str], Import],
) -> None:
    webex = platform("webex")
    webex.fake.add_person("Dana Lee", "dana@acme.example")  # in the team, and in none of its spaces but General
    webex.choose("Acme")
    webex.house.world.log.clear()
    webex.run()
    assert ("POST", "/v1/team/memberships") in webex.asked()
    assert webex.of_the_demo() | {"Dana Lee"} <= webex.people()
    ours = webex.installation.account
    for channel in Channel.objects.filter(installation=webex.installation).order_by("name"):
        assert channel.is_entered
        assert channel.members.filter(account__external_id=ours).exists()
    assert webex.members("coffee") >= webex.of_the_demo() - {"Dana Lee"}
    assert webex.again() == {}


def test_a_webex_team_that_shut_the_service_user_out_loses_nobody(
    platform: Callable[[str], Import],
) -> None:
    webex = platform("webex")
    webex.choose("Acme")
    webex.run()
    before = webex.people(is_deleted=False), webex.channels(), webex.members("general")
    general, [token] = webex.house.place("webex"), webex.fake.credentials().tokens.values()
    [ours] = [one for one in webex.fake.room(general).members if webex.fake.member(one).token == token]
    webex.fake.leave_as(ours, general)
    run = run_on(begin(webex.installation))
    assert run.state == State.FAILED
    assert "no team to import" in run.problem
    assert Team.objects.get(is_chosen=True).problem
    assert (webex.people(is_deleted=False), webex.channels(), webex.members("general")) == before


def test_the_chosen_teams_of_microsoft_are_joined_and_read_and_no_others(platform: Callable[[str], Import]) -> None:
    teams = platform("teams")
    design, legal = teams.fake.add_team("Design"), teams.fake.add_team("Legal")
    plans = teams.fake.add_place("plans", private=True, team=design)
    teams.fake.add_person("Dana Lee", "dana@acme.example")  # who is in no team
    teams.choose("Design")
    teams.run()
    rosters = teams.fake.channels.teams
    assert (teams.fake.service in rosters[design].members, teams.fake.service in rosters[legal].members) == (
        True,
        False,
    )
    assert teams.channels() == {"General", "plans"}
    assert teams.channels(is_private=True) == {plans.name}
    assert teams.of_the_demo() - {"Dana Lee"} <= teams.people()
    assert "Dana Lee" not in teams.people()
    assert teams.members("General") >= teams.of_the_demo() - {"Dana Lee"}
    assert teams.again() == {}


def test_everybody_of_zoom_is_imported_and_who_is_deactivated_is_marked(platform: Callable[[str], Import]) -> None:
    zoom = platform("zoom")
    dana = zoom.fake.add_person("Dana Lee", "dana@acme.example")
    ann = zoom.fake.people()[0]
    zoom.fake.open_as(ann.id, "lobby", public=True)
    zoom.run()
    assert zoom.of_the_demo() | {"Dana Lee"} <= zoom.people(is_deleted=False)
    assert {"general", "coffee"} <= zoom.channels(is_entered=True)
    assert zoom.channels(is_entered=False) == {"lobby"}
    assert zoom.members("general") >= zoom.of_the_demo() - {"Dana Lee"}
    known = PlatformAccount.objects.filter(installation=zoom.installation, external_id=ann.id)
    assert known.update(avatar_url="https://avatars.example/ann.png") == 1
    assert zoom.again() == {}
    zoom.fake.remove_person(dana.id)
    assert zoom.again().keys() == {"people"}
    assert zoom.people(is_deleted=True) == {"Dana Lee"}


def test_everybody_of_slack_is_imported_through_rate_limits(platform: Callable[[str], Import]) -> None:
    slack = platform("slack")
    slack.fake.add_person("Gil Guest", "gil@globex.example", guest=True)
    slack.house.world.faults.append(Fault("slack", status=429, rate=0.5, seed=3))
    run = begin(slack.installation)
    while run_on(run).state == State.RUNNING:
        assert run.not_before
        let_pass(run)
    assert (run.state, run.problem) == (State.DONE, "")
    slack.house.world.faults.clear()
    assert slack.of_the_demo() <= slack.people()
    assert slack.people(is_guest=True) == {"Gil Guest"}
    assert {place.name for place in slack.fake.places()} <= slack.channels()
    assert slack.members("general") >= slack.of_the_demo() - {"Gil Guest"}
    assert slack.again() == {}
