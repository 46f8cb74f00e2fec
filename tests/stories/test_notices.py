"""What happens to a conversation itself is told elsewhere, or followed there; our app answers when it is asked."""

from typing import Any

import pytest

from connectors.contract import NamesConversations
from relay.models import ConversationLink, DailyCount, Discard, UniversalConversation
from tests.house import House
from tests.stories.test_conversation import LABELS, SPEAKERS, Talk


def somebody_else(house: House, slug: str) -> tuple[str, str]:
    """Another person of the platform than its speaker: id and name."""
    person = next(one for one in house.world.fakes[slug].people() if one.name != SPEAKERS[slug])
    return person.id, person.name


@pytest.mark.parametrize("source", LABELS)
def test_who_leaves_and_joins_is_told_on_the_other_platforms(house: House, source: str) -> None:
    fake: Any = house.world.fakes[source]
    who, name = somebody_else(house, source)
    fake.leave_as(who, house.place(source))
    house.relay()
    for slug in set(LABELS) - {source}:
        assert len([html for html in house.shown(slug) if f"{name} left on {LABELS[source]}" in html]) == 1
    fake.join_as(who, house.place(source))
    house.relay()
    for slug in set(LABELS) - {source}:
        assert len([html for html in house.shown(slug) if f"{name} joined on {LABELS[source]}" in html]) == 1


def test_joining_is_not_told_where_nobody_wants_to_know(house: House) -> None:
    ConversationLink.objects.filter(pk=house.links["teams/general"].pk).update(shows_notices=False)
    fake: Any = house.world.fakes["slack"]
    fake.leave_as(somebody_else(house, "slack")[0], house.place("slack"))
    house.relay()
    assert any("left on Slack" in html for html in house.shown("zoom"))
    assert not any("left on Slack" in html for html in house.shown("teams"))


@pytest.mark.parametrize("source", LABELS)
def test_a_new_name_is_taken_on_everywhere_once(house: House, source: str) -> None:
    fake: Any = house.world.fakes[source]
    fake.rename_as(house.person(source, SPEAKERS[source]), house.place(source), "launch-room")
    place = house.place(source, "launch-room")
    house.relay()
    assert {link.name for link in ConversationLink.objects.filter(conversation=house.general)} == {"launch-room"}
    assert house.world.fakes[source].shown(place) == []
    for target in LABELS:
        assert isinstance(house.installations[target].connector(), NamesConversations)
        assert house.place(target, "launch-room")
        assert not any("now called" in message.html for message in house.messages(target, "launch-room"))


def test_a_name_that_may_not_be_taken_on_is_told(house: House) -> None:
    ConversationLink.objects.filter(pk=house.links["teams/general"].pk).update(follows_names=False)
    fake: Any = house.world.fakes["slack"]
    fake.rename_as(house.person("slack", "Bob Okafor"), house.place("slack"), "launch-room")
    house.relay()
    assert any("now called launch-room on Slack" in html for html in house.shown("teams"))


@pytest.mark.parametrize("source", ["slack", "zoom"])
def test_an_archived_conversation_rests_until_it_is_taken_out_of_the_archive(house: House, source: str) -> None:
    fake: Any = house.world.fakes[source]
    who, place = house.person(source, SPEAKERS[source]), house.place(source)
    fake.archive_as(who, place)
    house.relay()
    assert UniversalConversation.objects.get(pk=house.general.pk).archived_at
    assert any(f"archived on {LABELS[source]}" in html for html in house.shown("webex"))
    house.type("webex", "Farid Haddad", "into the void")
    house.relay()
    assert not any("into the void" in html for html in house.shown("teams"))
    assert DailyCount.objects.get(platform="webex", name=Discard.ARCHIVED).count == 1
    fake.archive_as(who, place, False)
    house.relay()
    house.type("webex", "Farid Haddad", "back again")
    house.relay()
    assert any("back again" in html for html in house.shown("teams"))


def ask(house: House, slug: str, words: str, channel: str = "general") -> None:
    """Ask our app something, as people of the platform do."""
    fake: Any = house.world.fakes[slug]
    if slug in ("slack", "zoom"):
        fake.command_as(house.person(slug, SPEAKERS[slug]), house.place(slug, channel), words)
    else:
        app = "Message" if slug == "webex" else "Mio Hub"  # the service user's name, as the published set-up wants it
        house.type(slug, SPEAKERS[slug], f"@{app} {words}", channel)
    house.relay()


def answers(house: House, slug: str) -> str:
    """What our app said to the asker, wherever the platform puts it."""
    private = [message.html for message in house.world.fakes[slug].whispers(house.place(slug))]
    return "\n".join([*private, *house.shown(slug)])


@pytest.mark.parametrize("slug", LABELS)
def test_help_tells_what_can_be_asked(house: House, slug: str) -> None:
    ask(house, slug, "help")
    assert "who is here, of which company, and on which platform" in answers(house, slug)
    for other in set(LABELS) - {slug}:
        assert house.shown(other) == []


@pytest.mark.parametrize("slug", LABELS)
def test_members_lists_everybody_by_company_and_platform(house: House, slug: str) -> None:
    ask(house, slug, "members")
    told = answers(house, slug)
    assert "Acme" in told
    for label, speaker in zip(LABELS.values(), SPEAKERS.values(), strict=True):
        assert label in told
        assert speaker in told
    assert told.index("Slack") < told.index("Bob Okafor")


@pytest.mark.parametrize("slug", LABELS)
def test_a_word_nobody_knows_gets_the_help(house: House, slug: str) -> None:
    ask(house, slug, "dance")
    assert "did not understand" in answers(house, slug)


def test_a_command_is_nobody_elses_business(house: House) -> None:
    talk = Talk(house, "slack", "teams")
    ask(house, "slack", "members")
    assert talk.read() == []
    assert DailyCount.objects.get(name=Discard.ANSWERED).count == 1
