"""The page of one synced channel: who is on the way into its legs, and who could not be brought there."""

from accounts.models import Channel, Installation, PlatformAccount
from relay.models import ConversationLink, MembershipChange, UniversalConversation
from tests.people import People

State = MembershipChange.State


def leg(people: People) -> ConversationLink:
    """Of a synced channel on Slack, into which three people are to be brought; one could not be."""
    place = Installation.objects.create(
        tenant=people.acme, platform="slack", workspace="W1", name="Acme HQ", account="U0"
    )
    Channel.objects.create(installation=place, external_id="C1", name="general", members_count=7)
    conversation = UniversalConversation.objects.create(tenant=people.acme, name="general")
    made = ConversationLink.objects.create(
        conversation=conversation, installation=place, external_id="C1", name="general"
    )
    for name, state in (("Eva", State.WAITING), ("Gil", State.UNDER_WAY), ("Kim", State.FAILED)):
        account = PlatformAccount.objects.create(installation=place, external_id=name, name=name)
        reason = "guests may not join this channel" if state == State.FAILED else ""
        MembershipChange.objects.create(link=made, account=account, is_addition=True, state=state, reason=reason)
    return made


def at(people: People, made: ConversationLink, path: str = "") -> str:
    return f"/t/{people.acme.key}/channels/synced/{made.conversation_id}/{path}"


def test_the_page_tells_how_many_are_on_their_way_and_how_many_could_not_be_moved(people: People) -> None:
    page = people.browser(people.carla).get(at(people, leg(people)), secure=True).content.decode()
    assert "2 on their way" in page
    assert "1 could not be moved" in page


def test_those_who_could_not_be_moved_are_named_with_the_reason_and_tried_again(people: People) -> None:
    made = leg(people)
    browser = people.browser(people.bob)
    page = browser.get(at(people, made, f"legs/{made.pk}/"), secure=True).content.decode()
    assert "guests may not join this channel" in page
    again = browser.post(at(people, made, f"legs/{made.pk}/move-again/"), secure=True, follow=True)
    assert "1 tried again" in again.content.decode()
    assert not MembershipChange.objects.filter(state=State.FAILED).exists()
