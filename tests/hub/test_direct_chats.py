"""Direct chats belong to the people in them: no page and no answer of the Hub tells whose they are, or which."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db.models import Model
from django.utils import timezone

from accounts.models import (
    Channel,
    ChannelMember,
    Person,
    PlatformAccount,
    Subscription,
    UserSync,
    WebhookCall,
    WebhookEndpoint,
)
from mio_hub.api.views import Action
from mio_hub.bench.failing import failure
from mio_hub.bench.walking import OBJECTS, addresses
from relay import mirroring, obeying, sharing, summing
from relay.models import (
    Attempt,
    ConversationLink,
    DailySpeaker,
    Delivery,
    DirectMember,
    InboundEvent,
    MembershipChange,
    RelayedMessage,
    UniversalConversation,
)
from tests.api.programs import asked, program, token, told
from tests.api.test_access import OPERATIONS, view_of
from tests.hub.reading import page_text
from tests.hub.test_access import Rows
from tests.people import People

CANARY = "nightjar"
"""Stands in every name and id of the chat."""


@pytest.fixture
def chat(people: People) -> UniversalConversation:
    """A direct chat of two people of Acme, on Slack and Teams, in which a message could not be delivered."""
    for make in OBJECTS.values():
        make(people.acme)
    sides = failure(people.acme).message.conversation.links.order_by("pk")
    chat = UniversalConversation.objects.create(tenant=people.acme, kind="direct", name=f"{CANARY} and I")
    links = [_leg(chat, side) for side in sides]
    event = InboundEvent.objects.create(
        installation=links[0].installation, link=links[0], event_id=CANARY, kind="posted", message=CANARY,
        received_at=timezone.now(), state=InboundEvent.State.DONE,
    )  # fmt: skip
    message = RelayedMessage.objects.create(conversation=chat, origin=links[0], author=CANARY)
    failed = Delivery.objects.create(
        event=event, message=message, link=links[1], state=Delivery.State.PARKED, reason="the platform refused it"
    )
    Attempt.objects.create(delivery=failed, outcome="refused", reason=failed.reason)
    return chat


def _leg(chat: UniversalConversation, side: ConversationLink) -> ConversationLink:
    installation = side.installation
    link = ConversationLink.objects.create(
        conversation=chat, installation=installation, external_id=f"D-{CANARY}", name=CANARY, heard_by=f"U-{CANARY}"
    )
    for number in range(2):
        account = PlatformAccount.objects.create(installation=installation, external_id=f"U{number}", name="Pat")
        DirectMember.objects.create(link=link, account=account)
        DailySpeaker.objects.create(link=link, account=account.external_id, day=timezone.now().date(), count=1)
        Subscription.objects.create(installation=installation, account=account, resource=f"chats/{CANARY}/{number}")
    return link


def test_no_page_shows_a_direct_chat(people: People, chat: UniversalConversation) -> None:
    browser = people.browser(people.ann)
    for address in addresses():
        for query in ("", "?state=trouble&search=NIGHT&text=night&channel=night"):
            page = browser.get(address.of(people.acme) + query, secure=True)
            assert CANARY not in page_text(page).lower(), address.name
    assert "a direct chat" in page_text(browser.get(f"/t/{people.acme.key}/failures/", secure=True))


def test_no_page_takes_a_direct_chat_for_a_channel(people: People, chat: UniversalConversation) -> None:
    browser, leg = people.browser(people.ann), chat.links.order_by("pk")[0]
    browser.get(f"/t/{people.acme.key}/", secure=True)
    before = Rows()
    theirs = {"synced": str(chat.pk), "leg": str(leg.pk)}
    found = [address for address in addresses() if theirs.keys() & set(address.arguments)]
    assert len(found) >= 6
    for address in found:
        path = f"/{address.route}".replace("<slug:tenant>", people.acme.key)
        for name, number in theirs.items():
            path = path.replace(f"<int:{name}>", number)
        for ask in (browser.get, browser.post):
            assert ask(path, secure=True).status_code in (404, 405), path
    assert before.are_the_same


def test_no_answer_of_the_api_tells_of_a_direct_chat(people: People, chat: UniversalConversation) -> None:
    client = program(token(people.acme))
    for operation in OPERATIONS:
        if not issubclass(view_of(operation), Action) and not operation.pattern.converters:
            assert CANARY not in str(asked(client, str(operation.pattern))).lower(), operation
    [failed] = [row for row in asked(client, "deliveries")["items"] if row["reason"] == "the platform refused it"]
    assert (failed["channel"], failed["synced_channel"]) == ("a direct chat", None)
    assert CANARY not in str(asked(client, f"deliveries/{failed['id']}")).lower()
    assert client.get(f"/api/v1/synced-channels/{chat.pk}", secure=True).status_code == 404
    for verb in ("pause", "resume", "unsync"):
        assert told(client, f"synced-channels/{chat.pk}/{verb}").status_code == 404, verb


def test_who_is_told_of_failures_does_not_learn_in_which_direct_chat(chat: UniversalConversation) -> None:
    WebhookEndpoint.objects.update(created_at=timezone.now() - timedelta(days=1))
    Attempt.objects.update(ended_at=timezone.now() - 2 * summing.SETTLED)
    summing.sum_up()
    [call] = WebhookCall.objects.order_by("pk")
    assert (call.data["reason"], call.data["synced_channel"]) == ("the platform refused it", None)
    assert CANARY not in str(call.data)


def _of_the_chat(chat: UniversalConversation) -> Iterator[Model]:
    yield chat
    yield from chat.links.order_by("pk")
    yield from InboundEvent.objects.filter(link__conversation=chat).order_by("pk")
    yield from Delivery.objects.filter(link__conversation=chat).order_by("pk")
    yield from Subscription.objects.exclude(account=None).order_by("pk")


def test_the_operator_does_not_see_it_either(people: People, chat: UniversalConversation) -> None:
    type(people.ann).objects.filter(pk=people.ann.pk).update(is_staff=True, is_superuser=True)
    people.ann.refresh_from_db()
    browser = people.browser(people.ann)
    ours = [model for model in admin.site._registry if model._meta.app_label in ("accounts", "relay")]
    pages = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in ours]
    theirs = [f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/" for row in _of_the_chat(chat)]
    for path in [*pages, *theirs]:
        page = browser.get(path, secure=True)
        assert CANARY not in page_text(page).lower(), path


def test_nobody_is_brought_into_a_direct_chat(chat: UniversalConversation) -> None:
    """Not even where a platform lists it among its channels."""
    theirs, ours = chat.links.order_by("pk")
    person = Person.objects.create(tenant=chat.tenant, name="Pat", email="pat@acme.example")
    there, here = (
        PlatformAccount.objects.create(installation=leg.installation, person=person, external_id="P", name="Pat")
        for leg in (theirs, ours)
    )
    UserSync.objects.create(person=person, installation=ours.installation, account=here, kind="full", state="synced")
    for leg, account in ((theirs, there), (ours, ours.people.order_by("pk")[0].account)):
        channel = Channel.objects.create(installation=leg.installation, external_id=leg.external_id, name="Pat and I")
        ChannelMember.objects.create(channel=channel, account=account)
    mirroring.plan(chat.pk)
    mirroring.plan_all()
    assert not MembershipChange.objects.exists()
    assert mirroring.affected(Channel.objects.filter(name="Pat and I").values_list("pk", flat=True)) == []


def test_a_direct_chat_is_never_shared(chat: UniversalConversation) -> None:
    with pytest.raises(sharing.NotPossible, match="stays among the people in it"):
        sharing.open_up(chat, "acme.example")


def test_the_switch_for_notices_leaves_direct_chats_alone_and_that_for_files_does_not(
    people: People, chat: UniversalConversation
) -> None:
    chat.links.update(shows_notices=False)
    obeying.obey(people.acme, {"shows_notices": True, "shares_files": False})
    assert set(chat.links.values_list("shows_notices", "allows_files")) == {(False, False)}
    assert set(ConversationLink.channels.values_list("shows_notices", "allows_files")) == {(True, False)}
