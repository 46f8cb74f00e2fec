"""Every page of a tenant, walked as everybody: who sees it, who changes what, and that nothing of others is on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from redis import Redis

from accounts.access import May
from accounts.audit import record
from accounts.models import Channel, Installation, Invitation, Membership, Person, Tenant, User
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

CANARY = "nightjar"
"""Stands in everything that is Globex's, besides its key. (A time zone is called Atlantic/Canary.)"""

SEEN = (200, 302, 405)
"""What may see a page sees it, is led on, or is told that the address takes another method."""


def test_every_address_of_a_tenant_is_guarded_and_walked() -> None:
    assert len(addresses()) > 15
    assert [address.name for address in addresses() if not hasattr(address.view, "needs")] == []
    assert {argument for address in addresses() for argument in address.arguments} <= set(OBJECTS)


@dataclass
class Regulars(People):
    """Each has signed in and been seen; every browser of theirs carries that session. To sign in takes longer than a page."""

    def __post_init__(self) -> None:
        self._cookies: dict[int, SimpleCookie] = {}
        for user in (self.ann, self.bob, self.carla, self.dev):
            browser = super().browser(user)
            browser.get("/account/email/", secure=True)
            self._cookies[user.pk] = browser.cookies

    def browser(self, user: User) -> Client:
        client = Client(headers={"x-forwarded-proto": "https"})
        client.cookies = deepcopy(self._cookies[user.pk])
        return client


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
    return Regulars(**vars(people))


class Rows:
    """The rows of every table of both apps as they were, to see whether any has changed."""

    def __init__(self) -> None:
        self._rows, self._written = _rows(), _written()

    def begin(self) -> None:
        """From here on; what was written before has been taken back."""
        self._written = _written()

    @property
    def are_the_same(self) -> bool:
        """Looks through them only where something was written since: that takes longer than most pages."""
        return _written() == self._written or _rows() == self._rows


def _written() -> int:
    """How many rows this transaction has written by now, those of tables that are none of ours included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0])


def _rows() -> dict[str, Any]:
    models = [model for model in apps.get_models() if model._meta.app_label in ("accounts", "relay")]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(ROWS_OF.format(**_names(model)) for model in models))
        return dict(cursor.fetchall())


ROWS_OF = """
SELECT '{model}', string_agg(t::text, ' ' ORDER BY t.{key}) FROM {table} t
"""


def _names(model: Any) -> dict[str, str]:
    return {"model": model.__name__, "table": model._meta.db_table, "key": model._meta.pk.column}


def test_an_address_gives_everybody_what_is_theirs_and_nothing_else(
    prepared: People, redis: Redis, subtests: pytest.Subtests
) -> None:
    """As everybody in turn, each on rows as they were at the beginning: to prepare them takes longer than to walk."""
    before = Rows()
    for address in addresses():
        with subtests.test(address.name):
            redis.flushdb()  # how often each has asked for something
            for walk in WALKS:
                with _undone():
                    before.begin()
                    walk(prepared, address, before)


@contextmanager
def _undone() -> Iterator[None]:
    """What is done inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def a_stranger_is_led_to_sign_in(prepared: People, address: Address, before: Rows) -> None:
    for method in ("get", "post"):
        page = getattr(Client(headers={"x-forwarded-proto": "https"}), method)(address.of(prepared.acme), secure=True)
        assert page.status_code == 405 or page["Location"].startswith("/account/login/")
    assert before.are_the_same


def for_an_outsider_nothing_of_it_exists(prepared: People, address: Address, before: Rows) -> None:
    browser = prepared.browser(prepared.dev)
    for method in ("get", "post", "put", "delete"):
        page = getattr(browser, method)(address.of(prepared.acme), secure=True)
        assert page.status_code in (404, 405)
        assert "Acme" not in page.content.decode()
    assert before.are_the_same


def a_role_sees_and_changes_what_the_page_says(
    role: str, allowed: May, prepared: People, address: Address, before: Rows
) -> None:
    read, change = address.view.needs  # type: ignore[attr-defined]
    browser = prepared.browser(getattr(prepared, role))
    seen = browser.get(address.of(prepared.acme), secure=True)
    assert seen.status_code in (SEEN if allowed >= read else (403, 405)), role
    assert before.are_the_same, f"{role} only looked"
    posted = browser.post(address.of(prepared.acme), secure=True)
    if allowed >= change:
        assert posted.status_code in SEEN, role
    else:
        assert posted.status_code in (403, 405), role
        assert before.are_the_same, role


def a_post_needs_the_token_against_forgery(prepared: People, address: Address, before: Rows) -> None:
    browser = prepared.browser(prepared.ann)
    browser.handler.enforce_csrf_checks = True
    assert browser.post(address.of(prepared.acme), {"role": "owner"}, secure=True).status_code == 403
    assert before.are_the_same


def the_page_shows_nothing_of_another_tenant(prepared: People, address: Address, before: Rows) -> None:
    text = page_text(prepared.browser(prepared.ann).get(address.of(prepared.acme), secure=True))
    assert CANARY not in text.lower()
    assert prepared.globex.key not in text


def what_belongs_to_another_tenant_is_not_there(prepared: People, address: Address, before: Rows) -> None:
    if not {*address.arguments} - SHARED:
        return
    browser, path = prepared.browser(prepared.ann), address.of(prepared.acme, objects_of=prepared.globex)
    for method in ("get", "post"):
        assert getattr(browser, method)(path, {"role": "owner", "name": "x"}, secure=True).status_code in (404, 405)
    assert before.are_the_same


def companies_that_share_a_channel_see_nothing_else_of_each_other(
    prepared: People, address: Address, before: Rows
) -> None:
    become_neighbours(prepared)
    page = prepared.browser(prepared.ann).get(address.of(prepared.acme), secure=True, follow=True)
    assert CANARY not in page_text(page).lower()


ROLES = {"carla": May.READ, "bob": May.CHANGE, "ann": May.OWN}

WALKS: list[Callable[[People, Address, Rows], None]] = [
    a_stranger_is_led_to_sign_in,
    for_an_outsider_nothing_of_it_exists,
    *(partial(a_role_sees_and_changes_what_the_page_says, role, allowed) for role, allowed in ROLES.items()),
    a_post_needs_the_token_against_forgery,
    the_page_shows_nothing_of_another_tenant,
    what_belongs_to_another_tenant_is_not_there,
    companies_that_share_a_channel_see_nothing_else_of_each_other,
]


def test_a_change_is_noticed_until_it_is_taken_back(people: People) -> None:
    rows = Rows()
    with _undone():
        rows.begin()
        Tenant.objects.filter(pk=people.acme.pk).update(name="Other")
        assert not rows.are_the_same
    assert rows.are_the_same
    rows.begin()
    with _undone():
        Tenant.objects.create(name="One more")
        assert not rows.are_the_same
    assert rows.are_the_same
    Tenant.objects.filter(pk=people.globex.pk).delete()
    assert not rows.are_the_same


def test_an_auditor_changes_nothing_but_that_they_are_one() -> None:
    assert [address.name for address in addresses() if address.view.needs[1] < May.CHANGE] == ["leave"]  # type: ignore[attr-defined]


def test_only_owners_decide_who_owns_the_tenant_and_whether_it_ends() -> None:
    owners = {address.name for address in addresses() if address.view.needs[1] == May.OWN}  # type: ignore[attr-defined]
    assert owners == {"transfer", "delete_tenant", "keep_tenant"}


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


def become_neighbours(prepared: People) -> None:
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
