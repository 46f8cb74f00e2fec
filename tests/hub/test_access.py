"""Every page of a tenant, walked as everybody: who sees it, who changes what, and that nothing of others is on it."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from accounts.access import May
from accounts.audit import record
from accounts.models import Channel, Installation, Invitation, Membership, Person, Tenant
from mio_hub.bench.walking import OBJECTS, SHARED, Address, addresses
from relay.models import (
    ConversationLink,
    Delivery,
    InboundEvent,
    Participation,
    RelayedMessage,
    UniversalConversation,
)
from tests.hub.reading import page_text
from tests.people import People

EVERYWHERE = [pytest.param(address, id=address.name) for address in addresses()]

CANARY = "nightjar"
"""Stands in everything that is Globex's, besides its key. (A time zone is called Atlantic/Canary.)"""

SEEN = (200, 302, 405)
"""What may see a page sees it, is led on, or is told that the address takes another method."""


def test_every_address_of_a_tenant_is_guarded_and_walked() -> None:
    assert len(addresses()) > 15
    assert [address.name for address in addresses() if not hasattr(address.view, "needs")] == []
    assert {argument for address in addresses() for argument in address.arguments} <= set(OBJECTS)


@pytest.fixture
def prepared(people: People) -> People:
    """Globex is full of its canary's name, and both have something of every kind."""
    globex = people.globex
    Tenant.objects.filter(pk=globex.pk).update(name="Nightjar Corp", product_name="Nightjar Product")
    Person.objects.create(tenant=globex, name="Nightjar Person", email="person@nightjar.example")
    Installation.objects.create(
        tenant=globex, platform="slack", workspace="nightjar-ws", name="Nightjar Workspace", account="c"
    )
    record(globex, "nightjar", "nightjar", after={"nightjar": "nightjar"})
    for tenant in (people.acme, people.globex):
        for make in OBJECTS.values():
            make(tenant)
    return people


def everything() -> dict[str, Any]:
    """The rows of both apps, to see whether any has changed."""
    models = [model for model in apps.get_models() if model._meta.app_label in ("accounts", "relay")]
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list("pk", *_stable(model)))
        for model in models
    }


def _stable(model: Any) -> list[str]:
    return [field.attname for field in model._meta.fields if field.attname != "last_login"]


@pytest.mark.parametrize("address", EVERYWHERE)
def test_a_stranger_is_led_to_sign_in(prepared: People, address: Address) -> None:
    before = everything()
    for method in ("get", "post"):
        page = getattr(Client(headers={"x-forwarded-proto": "https"}), method)(address.of(prepared.acme), secure=True)
        assert page.status_code == 405 or page["Location"].startswith("/account/login/")
    assert everything() == before


@pytest.mark.parametrize("address", EVERYWHERE)
def test_for_an_outsider_nothing_of_it_exists(prepared: People, address: Address) -> None:
    before, browser = everything(), prepared.browser(prepared.dev)
    for method in ("get", "post", "put", "delete"):
        page = getattr(browser, method)(address.of(prepared.acme), secure=True)
        assert page.status_code in (404, 405)
        assert "Acme" not in page.content.decode()
    assert everything() == before


@pytest.mark.parametrize("address", EVERYWHERE)
@pytest.mark.parametrize("role", ["carla", "bob", "ann"])
def test_a_role_sees_and_changes_what_the_page_says(prepared: People, address: Address, role: str) -> None:
    allowed = {"carla": May.READ, "bob": May.CHANGE, "ann": May.OWN}[role]
    read, change = address.view.needs  # type: ignore[attr-defined]
    browser = prepared.browser(getattr(prepared, role))
    seen = browser.get(address.of(prepared.acme), secure=True)
    assert seen.status_code in (SEEN if allowed >= read else (403, 405))
    before = everything()
    posted = browser.post(address.of(prepared.acme), secure=True)
    if allowed >= change:
        assert posted.status_code in SEEN
    else:
        assert posted.status_code in (403, 405)
        assert everything() == before


def test_an_auditor_changes_nothing_but_that_they_are_one() -> None:
    assert [address.name for address in addresses() if address.view.needs[1] < May.CHANGE] == ["leave"]  # type: ignore[attr-defined]


def test_only_owners_decide_who_owns_the_tenant_and_whether_it_ends() -> None:
    owners = {address.name for address in addresses() if address.view.needs[1] == May.OWN}  # type: ignore[attr-defined]
    assert owners == {"transfer", "delete_tenant", "keep_tenant"}


@pytest.mark.parametrize("address", EVERYWHERE)
def test_every_post_needs_the_token_against_forgery(prepared: People, address: Address) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"x-forwarded-proto": "https"})
    browser.force_login(prepared.ann, backend="allauth.account.auth_backends.AuthenticationBackend")
    before = everything()
    assert browser.post(address.of(prepared.acme), {"role": "owner"}, secure=True).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("address", EVERYWHERE)
def test_no_page_shows_anything_of_another_tenant(prepared: People, address: Address) -> None:
    page = prepared.browser(prepared.ann).get(address.of(prepared.acme), secure=True)
    text = page_text(page)
    assert CANARY not in text.lower()
    assert prepared.globex.key not in text


@pytest.mark.parametrize("address", [each for each in EVERYWHERE if {*each.values[0].arguments} - SHARED])  # type: ignore[attr-defined]
def test_what_belongs_to_another_tenant_is_not_there(prepared: People, address: Address) -> None:
    browser = prepared.browser(prepared.ann)
    path, before = address.of(prepared.acme, objects_of=prepared.globex), everything()
    for method in ("get", "post"):
        assert getattr(browser, method)(path, {"role": "owner", "name": "x"}, secure=True).status_code in (404, 405)
    assert everything() == before


def test_access_ends_with_the_membership_at_once(people: People) -> None:
    browser = people.browser(people.bob)
    page = f"/t/{people.acme.key}/members/"
    assert browser.get(page, secure=True).status_code == 200
    Membership.objects.filter(user=people.bob).delete()
    assert browser.get(page, secure=True).status_code == 404


def test_who_belongs_to_several_tenants_switches_between_them(people: People) -> None:
    Membership.objects.create(tenant=people.globex, user=people.bob, role=Membership.Role.AUDITOR)
    page = people.browser(people.bob).get(f"/t/{people.acme.key}/", secure=True).content.decode()
    assert f'<a href="/t/{people.globex.key}/">Globex</a>' in page


def test_an_invitation_is_no_key_to_the_pages(people: People) -> None:
    Invitation.objects.create(
        tenant=people.acme,
        email=people.dev.email,
        role="owner",
        digest="x",
        expires_at=timezone.now() + timedelta(hours=1),
    )
    assert people.browser(people.dev).get(f"/t/{people.acme.key}/members/", secure=True).status_code == 404


@pytest.fixture
def neighbours(prepared: People) -> People:
    """Globex takes part in every conversation of Acme's, with a channel that Acme's people must not learn the name of."""
    Tenant.objects.filter(pk=prepared.globex.pk).update(name="Globex")
    place = Installation.objects.get(workspace="nightjar-ws")
    for conversation in UniversalConversation.objects.filter(tenant=prepared.acme).order_by("pk"):
        Participation.objects.get_or_create(conversation=conversation, tenant=prepared.globex, domain="globex.example")
        Participation.objects.get_or_create(
            conversation=conversation, tenant=prepared.acme, defaults={"domain": "acme.example"}
        )
        external_id = f"nightjar-{conversation.pk}"
        Channel.objects.create(installation=place, external_id=external_id, name="nightjar channel", topic="nightjar")
        link = ConversationLink.objects.create(
            conversation=conversation, installation=place, external_id=external_id, name="nightjar channel"
        )
        failed(link)
    return prepared


def failed(link: ConversationLink) -> None:
    """Something that was said in a company's channel, and something that could not be said there."""
    event = InboundEvent.objects.create(
        installation=link.installation, link=link, event_id=f"nightjar-{link.pk}", kind="posted", message="1",
        received_at=timezone.now(),
    )  # fmt: skip
    message = RelayedMessage.objects.create(conversation=link.conversation, origin=link)
    Delivery.objects.create(
        event=event, message=message, link=link, state=Delivery.State.PARKED, reason="nightjar refuses"
    )


@pytest.mark.parametrize("address", EVERYWHERE)
def test_companies_that_share_a_channel_see_nothing_else_of_each_other(neighbours: People, address: Address) -> None:
    page = neighbours.browser(neighbours.ann).get(address.of(neighbours.acme), secure=True, follow=True)
    assert CANARY not in page_text(page).lower()
