"""Direct chats where people come and go, where not everybody is synced, and where platforms are in trouble."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from redis import Redis

from accounts.connections import Connections
from accounts.matching import remember
from accounts.models import Channel, Installation, PlatformAccount, UserSync
from connectors.errors import Refused
from connectors.sandbox import Fault
from connectors.teams.ids import chat_id
from relay import channel_list, direct_people, legs, syncing
from relay.activity import conversations
from relay.models import ConversationLink, InboundEvent, Participation, UniversalConversation
from relay.voices import Voices
from tests.house import House
from tests.stories.pals import Pals


@pytest.fixture
def pals(house: House, redis: Redis, intercepted_requests: Any) -> Pals:
    """Pat, at home on Slack, and Quinn, at home on Teams, both of whom have consented."""
    return Pals(house, redis, "slack", "teams")


def words(pals: Pals, slug: str, chat: Any) -> list[str]:
    return [one.html for one in pals.house.world.fakes[slug].shown(chat)]


def test_a_group_with_somebody_who_is_not_synced_is_never_tied_to_the_chat_of_the_others(pals: Pals) -> None:
    noor = pals.person("Noor Haddad", "slack", [])
    group = pals.chat("slack", pals.pat, noor, pals.quinn)
    pals.says(pals.pat, "slack", "to all three", noor, pals.quinn)
    pals.relay()
    assert pals.read("teams", pals.pat, pals.quinn) == []
    pals.says(pals.quinn, "teams", "for Pat alone", pals.pat)
    pals.relay()
    assert len(words(pals, "slack", group)) == 1
    assert len(pals.read("slack", pals.pat, pals.quinn)) == 1


def test_who_left_a_group_reads_nothing_more_of_it_elsewhere(
    house: House, redis: Redis, intercepted_requests: Any
) -> None:
    pals = Pals(house, redis, "teams", "slack")
    rosa = pals.person("Rosa Lind", "slack", ["teams"])
    fake, group = house.world.fakes["teams"], pals.chat("teams", pals.pat, pals.quinn, rosa)
    pat = pals.account(pals.pat, "teams").external_id
    old = fake.type_as(pat, group, "with Rosa")
    pals.relay()
    three = pals.chat("slack", pals.pat, pals.quinn, rosa)
    assert len(words(pals, "slack", three)) == 1
    fake.leave_as(pals.account(rosa, "teams").external_id, group)
    fake.type_as(pat, group, "without Rosa")
    pals.relay()
    assert len(words(pals, "slack", three)) == 1
    assert len(pals.read("slack", pals.pat, pals.quinn)) == 1
    fake.edit_as(pat, group, old, "with Rosa, edited")  # is not said where it never was
    pals.relay()
    assert len(pals.read("slack", pals.pat, pals.quinn)) == 1
    pals.says(pals.quinn, "slack", "the old group goes on", pals.pat, rosa)
    pals.relay()
    rosa_there = pals.account(rosa, "teams").external_id
    [again] = [chat for chat in fake.graph.chats.all.values() if chat.is_group and rosa_there in chat.members]
    assert any("the old group goes on" in html for html in words(pals, "teams", chat_id(again.id)))
    assert not InboundEvent.objects.filter(state=0).exists()
    assert all(one.conversation.ended_at is None for one in ConversationLink.objects.filter(is_active=True))


def test_a_stranger_who_speaks_in_a_group_does_not_end_it(pals: Pals) -> None:
    noor = pals.person("Noor Haddad", "slack", ["teams"])
    stranger = pals.person("Wim Bos", "slack", ["teams"])
    pals.says(pals.pat, "slack", "one", noor, pals.quinn, stranger)
    pals.relay()
    group = pals.chat("teams", pals.pat, pals.quinn, noor, stranger)
    assert len(words(pals, "teams", group)) == 1
    account = pals.account(stranger, "slack").external_id
    place = pals.chat("slack", pals.pat, noor, pals.quinn, stranger)
    PlatformAccount.objects.filter(person=stranger).update(person=None, email="")
    pals.house.world.fakes["slack"].type_as(account, place, "hello")
    pals.relay()
    assert ConversationLink.objects.filter(conversation__kind="direct", is_active=True).count() == 2


def test_nobody_but_its_people_is_shown_a_direct_chat(pals: Pals) -> None:
    pals.says(pals.pat, "slack", "lunch?", pals.quinn)
    pals.relay()
    tenant = pals.house.tenant
    [direct] = UniversalConversation.objects.filter(kind="direct")
    assert direct not in conversations(tenant)
    rows, _ = channel_list.page(tenant, channel_list.Wanted(), channel_list.START)
    assert direct not in [row.conversation for row in rows]
    assert [row.name for row in rows if not row.name] == []


def test_who_withdraws_their_consent_is_silent_at_once(pals: Pals) -> None:
    account = pals.account(pals.pat, "teams")
    voices = Voices(Connections(), pals.house.transport, "")

    async def speaks() -> bool:
        return await voices.by(account.pk) is not None

    assert async_to_sync(speaks)()
    pals.withdraw(pals.pat, "teams")
    assert not async_to_sync(speaks)()


def test_a_channel_is_never_made_a_leg_of_a_direct_chat(pals: Pals) -> None:
    pals.says(pals.pat, "slack", "lunch?", pals.quinn)
    pals.relay()
    [origin] = ConversationLink.objects.filter(conversation__kind="direct", installation__platform="slack")
    channel = pals.house.links["teams/general"]
    with pytest.raises(Refused):
        direct_people.attach(origin.conversation_id, origin.pk, channel.installation_id, channel.external_id, "", [])
    channel.refresh_from_db()
    assert channel.conversation == pals.house.general


def test_a_group_that_becomes_a_channel_is_no_chat_of_its_people_any_more(pals: Pals) -> None:
    noor = pals.person("Noor Haddad", "slack", ["teams"])
    pals.says(pals.pat, "slack", "one", noor, pals.quinn)
    pals.relay()
    [leg] = ConversationLink.objects.filter(conversation__kind="direct", installation__platform="teams")
    channel = Channel.objects.create(
        installation=leg.installation, external_id=leg.external_id, name="now a channel", is_entered=True
    )
    plan = syncing.plan(pals.house.tenant, [channel.pk])
    assert plan.existing is None
    legs.let_go([channel])
    leg.refresh_from_db()
    assert not leg.is_active


def test_the_connection_that_is_lost_is_the_one_whose_token_was_refused(pals: Pals) -> None:
    UserSync.objects.filter(person=pals.pat).update(kind="guest", state="synced")  # our own account opens the chat
    fake: Any = pals.house.world.fakes["teams"]
    fake.revoke_app()
    pals.says(pals.pat, "slack", "lunch?", pals.quinn)
    pals.house.look(1.0)
    lost = Installation.objects.exclude(state="connected").values_list("platform", flat=True)
    assert list(lost) == ["teams"]


def test_a_command_in_a_direct_chat_does_not_open_it_to_other_companies(pals: Pals) -> None:
    pals.says(pals.pat, "slack", "lunch?", pals.quinn)
    pals.relay()
    fake = pals.house.world.fakes["slack"]
    fake.command_as(pals.account(pals.pat, "slack").external_id, pals.chat("slack", pals.pat, pals.quinn), "help")
    pals.relay()
    assert not Participation.objects.filter(conversation__kind="direct").exists()
    assert [entry for entry in pals.house.world.log if "What you write here is read on the other" in entry.body] == []


def test_nobody_is_told_twice_while_a_message_waits_for_another_platform(pals: Pals) -> None:
    wim = pals.person("Wim Bos", "webex", ["slack", "teams"])
    UserSync.objects.filter(person=wim, installation__platform="slack").delete()
    pals.house.world.fakes["webex"].add_person("Pat Ortiz", "pat@acme.example")
    remember(pals.house.installations["webex"].pk, pals.house.world.fakes["webex"].directory())
    pals.sync(pals.pat, "webex")
    pals.house.world.faults.append(Fault("teams", status=503))
    pals.says(pals.pat, "slack", "to both", pals.quinn, wim)
    pals.house.look(3.5)
    pals.house.world.faults.clear()
    pals.relay()
    assert len(pals.told("did not arrive")) == 1
    assert len(pals.read("teams", pals.pat, pals.quinn, wim)) == 1
