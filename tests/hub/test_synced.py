"""The page of one synced channel: who is on the way into its legs, who could not be brought there, sharing it."""

from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Channel, Installation, PlatformAccount
from relay.models import ConversationLink, MembershipChange, Participation, UniversalConversation
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


def test_a_synced_channel_is_shared_with_another_company_from_its_page(people: People) -> None:
    made, browser = leg(people), people.browser(people.bob)
    assert "Share with another company" in page_of(browser, at(people, made))
    shared = browser.post(at(people, made, "share/"), secure=True, follow=True)
    part = Participation.objects.get(conversation=made.conversation)
    assert (part.tenant, part.domain) == (people.acme, "acme.example")
    assert shared.request["PATH_INFO"] == f"/t/{people.acme.key}/universal/{part.pk}/"
    assert "general can be shared now." in shared.content.decode()
    browser.post(at(people, made, "share/"), secure=True)  # a second click changes nothing
    entry = AuditEntry.objects.get(tenant=people.acme)
    assert (entry.action, entry.actor) == ("made synced channel universal", people.bob)
    page = page_of(browser, at(people, made))
    assert "Share with another company" not in page
    assert f'href="/t/{people.acme.key}/universal/{part.pk}/"' in page


def test_only_who_may_change_shares_a_synced_channel(people: People) -> None:
    made, carla = leg(people), people.browser(people.carla)
    assert "Share with another company" not in page_of(carla, at(people, made))
    assert carla.post(at(people, made, "share/"), secure=True).status_code == 403
    theirs = at(people, made, "share/").replace(people.acme.key, people.globex.key)
    assert people.browser(people.dev).post(theirs, secure=True).status_code == 404
    assert not Participation.objects.exists()


def test_what_was_unsynced_meanwhile_is_not_shared(people: People) -> None:
    made, browser = leg(people), people.browser(people.bob)
    UniversalConversation.objects.update(ended_at=timezone.now())
    said = browser.post(at(people, made, "share/"), secure=True, follow=True).content.decode()
    assert "not synced any more" in said
    assert not Participation.objects.exists()


def page_of(browser: Client, path: str) -> str:
    return browser.get(path, secure=True).content.decode()
