"""What a platform's events make us doubt is asked for once, a little later, and written down."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

import connectors
from accounts import refreshing
from accounts.memberships import Listed
from accounts.models import (
    Channel,
    ChannelMember,
    DirectoryImport,
    Doubt,
    Installation,
    Person,
    PlatformAccount,
    Team,
    UserSync,
)
from connectors.directory import Page
from connectors.messages import AccountId
from connectors.sandbox import Fault
from relay import tasks
from relay.models import MembershipChange
from tests.house import House


class Slack:
    """The fake workspace, whose directory was read once."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.fake: Any = house.world.fakes["slack"]
        self.installation = house.installations["slack"]
        self.general = house.place("slack")
        DirectoryImport.objects.create(installation=self.installation, state=DirectoryImport.State.DONE)
        refreshing.doubt(self.installation.pk, self.general)
        self.look()
        house.world.log.clear()

    def look(self) -> set[int]:
        """What is in doubt is due, and looked into."""
        self.house.take_webhooks_in()
        Doubt.objects.filter(installation=self.installation).update(not_before=timezone.now())
        return refreshing.refresh(self.installation.pk)

    def miss(self, kind: str) -> None:
        """Events of a kind do not reach us."""
        self.house.webhooks[:] = [hook for hook in self.house.webhooks if f'"{kind}"'.encode() not in hook.body]

    @property
    def channel(self) -> Channel:
        return Channel.objects.get(installation=self.installation, external_id=self.general)

    def members(self) -> list[str]:
        rows = ChannelMember.objects.filter(channel=self.channel).order_by("account__name")
        return list(rows.values_list("account__name", flat=True))

    def account(self, name: str) -> PlatformAccount:
        return PlatformAccount.objects.get(installation=self.installation, name=name)

    def doubts(self) -> list[tuple[str, str]]:
        rows = Doubt.objects.filter(installation=self.installation).order_by("pk")
        return list(rows.values_list("conversation", "account"))

    def in_doubt(self, account: str) -> None:
        """As an event about an account leaves it."""
        Doubt.objects.create(installation=self.installation, account=account)

    def asked(self, method: str) -> int:
        return len([call for call in self.house.world.log if call.url.endswith(method)])


@pytest.fixture
def slack(house: House, intercepted_requests: Any) -> Slack:
    return Slack(house)


PEOPLE = ["Ann Moreau", "Bob Okafor", "Carla Jensen", "Mio"]


# --- Channels and their members


def test_a_channel_in_doubt_is_written_down_with_its_members(slack: Slack) -> None:
    assert slack.members() == PEOPLE
    assert (slack.channel.name, slack.channel.members_count) == ("general", 4)
    assert slack.doubts() == []


def test_who_leaves_and_comes_back_is_noticed(slack: Slack) -> None:
    bob = slack.house.person("slack", "Bob Okafor")
    slack.fake.leave_as(bob, slack.general)
    assert slack.look() == {slack.channel.pk}
    assert slack.members() == ["Ann Moreau", "Carla Jensen", "Mio"]
    assert slack.channel.members_count == 3
    slack.fake.join_as(bob, slack.general)
    assert slack.look() == {slack.channel.pk}
    assert slack.members() == PEOPLE
    assert slack.doubts() == []


def test_many_who_come_at_once_are_one_question(slack: Slack) -> None:
    for number in range(20):
        slack.fake.add_person(f"Newcomer {number}", f"new{number}@acme.example")
    slack.miss("team_join")
    slack.house.take_webhooks_in()
    assert slack.doubts() == [(slack.general, "")]
    assert refreshing.due() == []
    slack.look()
    assert slack.asked("conversations.members") == 1
    assert slack.asked("users.info") == 20
    assert slack.channel.members_count == 24
    newcomer = slack.account("Newcomer 7")
    assert Person.objects.get(accounts=newcomer).email == "new7@acme.example"


def test_more_strangers_than_fit_one_turn_are_asked_for_in_the_next(
    slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "MOST_STRANGERS", 3)
    for number in range(5):
        slack.fake.add_person(f"Newcomer {number}", f"new{number}@acme.example")
    slack.miss("team_join")
    slack.look()
    assert len(slack.members()) == 7
    assert slack.doubts() == [(slack.general, "")]
    slack.look()
    assert len(slack.members()) == 9
    assert slack.doubts() == []


def test_whom_we_added_stays_marked(slack: Slack) -> None:
    ChannelMember.objects.filter(account=slack.account("Ann Moreau")).update(is_added=True)
    slack.fake.leave_as(slack.house.person("slack", "Bob Okafor"), slack.general)
    slack.look()
    marked = ChannelMember.objects.filter(is_added=True).order_by("account__name")
    assert list(marked.values_list("account__name", flat=True)) == ["Ann Moreau"]


def test_a_large_channel_is_gone_through_by_the_database(slack: Slack, django_assert_max_num_queries: Any) -> None:
    slack.fake.populate(3000, 1, 3000)
    PlatformAccount.objects.bulk_create(
        PlatformAccount(installation=slack.installation, external_id=f"U0BENCH{number:05}", name="Somebody")
        for number in range(1, 3001)
    )
    refreshing.doubt(slack.installation.pk, "C0BENCH0001")
    with django_assert_max_num_queries(60):
        slack.look()
    assert Channel.objects.get(external_id="C0BENCH0001").members_count == 3001


def test_a_list_of_members_without_an_end_is_left_alone(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    before, pages = slack.members(), count()

    def endless(self: Any, conversation: Any, cursor: str = "") -> Any:
        yield from ()
        return Page((AccountId(f"U{next(pages)}"),), f"{next(pages)}")

    monkeypatch.setattr(connectors.get("slack"), "members_page", endless)
    refreshing.doubt(slack.installation.pk, slack.general)
    slack.look()
    assert (slack.members(), slack.doubts()) == (before, [])


def test_a_channel_that_is_gone_is_forgotten(slack: Slack) -> None:
    del slack.fake.workspace.channels[slack.general]
    refreshing.doubt(slack.installation.pk, slack.general)
    slack.look()
    assert not Channel.objects.filter(installation=slack.installation).exists()
    assert slack.doubts() == []


def test_a_channel_takes_on_its_new_name(slack: Slack) -> None:
    slack.fake.rename_as(slack.house.person("slack", "Bob Okafor"), slack.general, "launch-room")
    slack.look()
    assert slack.channel.name == "launch-room"


def test_a_channel_of_a_team_that_nobody_chose_is_not_asked_for(slack: Slack) -> None:
    team = Team.objects.create(installation=slack.installation, external_id="t", name="Team")
    Channel.objects.filter(pk=slack.channel.pk).update(team=team)
    refreshing.doubt(slack.installation.pk, slack.general)
    slack.look()
    assert slack.asked("conversations.info") == 0
    assert slack.doubts() == []


# --- Accounts


def test_an_account_in_doubt_takes_on_what_the_platform_says(slack: Slack) -> None:
    carla = slack.house.person("slack", "Carla Jensen")
    slack.fake.workspace.actors[carla].name = "Carla Jensen-Smith"
    slack.in_doubt(carla)
    assert slack.look() == set()
    assert slack.account("Carla Jensen-Smith").external_id == carla


def test_somebody_who_was_deactivated_is_marked_and_their_channels_are_told(slack: Slack) -> None:
    carla = slack.house.person("slack", "Carla Jensen")
    slack.fake.workspace.actors[carla].is_gone = True
    slack.in_doubt(carla)
    assert slack.look() == {slack.channel.pk}
    assert slack.account("Carla Jensen").is_deleted


def test_an_account_that_is_no_more_is_marked(slack: Slack) -> None:
    ghost = PlatformAccount.objects.create(installation=slack.installation, external_id="U0GHOST0001", name="Ghost")
    slack.in_doubt(ghost.external_id)
    slack.in_doubt("U0NEVERSEEN")
    slack.look()
    assert slack.account("Ghost").is_deleted
    assert not PlatformAccount.objects.filter(external_id="U0NEVERSEEN").exists()
    assert slack.doubts() == []


def test_where_teams_are_chosen_strangers_are_not_asked_for(slack: Slack) -> None:
    Team.objects.create(installation=slack.installation, external_id="t", name="Team", is_chosen=True)
    stranger = slack.fake.add_person("Newcomer", "new@acme.example")
    slack.house.webhooks.clear()
    slack.in_doubt(stranger.id)
    slack.look()
    assert slack.asked("users.info") == 0
    assert slack.doubts() == []


# --- Trouble


@pytest.mark.parametrize("status", [429, 503])
def test_while_a_platform_is_in_trouble_doubts_wait(slack: Slack, status: int) -> None:
    bob = slack.house.person("slack", "Bob Okafor")
    slack.fake.leave_as(bob, slack.general)
    slack.house.world.faults.append(Fault("slack", status=status))
    slack.look()
    assert slack.doubts() == [(slack.general, "")]
    assert refreshing.due() == []
    slack.house.world.faults.clear()
    slack.look()
    assert "Bob Okafor" not in slack.members()


def test_a_connection_that_must_be_made_again_is_flagged_and_its_doubts_stay(slack: Slack) -> None:
    refreshing.doubt(slack.installation.pk, slack.general)
    slack.fake.revoke_app()
    slack.house.webhooks.clear()
    slack.look()
    assert Installation.objects.get(pk=slack.installation.pk).state == Installation.State.NEEDS_RECONNECT
    assert slack.doubts() == [(slack.general, "")]
    Doubt.objects.update(not_before=timezone.now())
    assert refreshing.due() == []


def test_what_is_noticed_while_the_platform_is_asked_is_asked_for_again(slack: Slack) -> None:
    refreshing.doubt(slack.installation.pk, slack.general)
    handle = slack.fake.handle

    def meanwhile(request: Any) -> Any:
        Doubt.objects.update(noticed_at=timezone.now())
        return handle(request)

    slack.fake.handle = meanwhile
    slack.look()
    assert slack.doubts() == [(slack.general, "")]
    slack.fake.handle = handle
    slack.look()
    assert slack.doubts() == []


@pytest.mark.parametrize("state", ["running", "asking"])
def test_while_a_run_reads_everything_a_doubt_is_kept_for_what_it_will_write(slack: Slack, state: str) -> None:
    run = DirectoryImport.objects.create(installation=slack.installation, state=state)
    slack.fake.leave_as(slack.house.person("slack", "Bob Okafor"), slack.general)
    slack.look()
    assert "Bob Okafor" not in slack.members()
    assert slack.doubts() == [(slack.general, "")]
    assert Doubt.objects.get().not_before > timezone.now() + timedelta(minutes=5)
    DirectoryImport.objects.filter(pk=run.pk).update(state=DirectoryImport.State.DONE)
    slack.look()
    assert slack.doubts() == []


def test_somebody_whom_we_bring_in_while_members_are_read_is_not_taken_for_gone(slack: Slack) -> None:
    dana = PlatformAccount.objects.create(installation=slack.installation, external_id="U0DANA00001", name="Dana")
    handle = slack.fake.handle

    def meanwhile(request: Any) -> Any:
        response = handle(request)
        if request.url.endswith("conversations.members"):
            ChannelMember.objects.create(channel=slack.channel, account=dana, is_added=True)
        return response

    slack.fake.handle = meanwhile
    refreshing.doubt(slack.installation.pk, slack.general)
    slack.look()
    assert "Dana" in slack.members()


def test_an_id_that_no_database_takes_stops_nothing(slack: Slack) -> None:
    listed = Listed(slack.channel.pk, slack.installation.pk)
    bob = AccountId(slack.house.person("slack", "Bob Okafor"))
    listed.add([AccountId("U" + "X" * 300), AccountId("U\x00"), AccountId("U\ud800"), bob])
    assert listed.strangers(10) == []
    assert listed.merge()
    assert slack.members() == ["Bob Okafor"]


def test_beat_leads_from_who_joins_to_bringing_them_in_elsewhere(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (tasks.refresh_directory, tasks.mirror_conversation):
        monkeypatch.setattr(task, "delay", task)  # no queue here: what is queued runs at once
    webex = slack.house.installations["webex"]
    DirectoryImport.objects.create(installation=webex, state=DirectoryImport.State.DONE)
    space = slack.house.place("webex")
    Channel.objects.create(installation=webex, external_id=space, name="general")
    refreshing.doubt(webex.pk, space)
    slack.fake.add_person("Dana", "dana@acme.example")
    slack.house.take_webhooks_in()
    Doubt.objects.update(not_before=timezone.now())
    tasks.look_into_doubts()
    assert "Dana" in slack.members()
    assert not MembershipChange.objects.exists()
    person = slack.account("Dana").person
    account = PlatformAccount.objects.create(installation=webex, external_id="dana", name="Dana", person=person)
    UserSync.objects.create(person=person, installation=webex, account=account, kind=UserSync.Kind.FULL)
    slack.fake.leave_as(slack.house.person("slack", "Bob Okafor"), slack.general)
    slack.house.take_webhooks_in()
    Doubt.objects.update(not_before=timezone.now())
    tasks.look_into_doubts()
    assert MembershipChange.objects.get().account == account
