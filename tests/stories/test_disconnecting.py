"""The end of a connection gives back what people allowed, with their own tokens, before everything of it is deleted."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from redis import Redis

from accounts import deleting, disconnecting
from accounts.models import AuditEntry, Grant, Installation, Subscription, Tenant
from connectors.sandbox import Fault
from tests.house import House
from tests.people import Role, person
from tests.queue import run_queued
from tests.stories.pals import Pals


@pytest.fixture
def pals(house: House, redis: Redis, intercepted_requests: Any) -> Pals:
    """Pat and Rosa have consented on Webex, where orders are made with consents, and Quinn on Slack."""
    pals = Pals(house, redis, "slack", "webex")
    pals.person("Rosa Lind", "teams", ["webex"])
    return pals


def webex(pals: Pals) -> Installation:
    return Installation.objects.select_related("app", "tenant").get(pk=pals.house.installations["webex"].pk)


def orders() -> list[str]:
    """Of people, as Webex calls them."""
    rows = Subscription.objects.exclude(account=None).order_by("pk")
    return list(rows.values_list("external_id", flat=True))


def given_back(pals: Pals) -> list[str]:
    """What Webex took back, in turn: the id of an order, or "token"."""
    done = [entry for entry in pals.house.world.log if entry.platform == "webex" and entry.status < 300]
    return [
        "token" if "/revoke" in entry.url else entry.url.rpartition("/")[2]
        for entry in done
        if entry.method == "DELETE" or "/revoke" in entry.url
    ]


def test_orders_of_people_are_cancelled_with_their_own_token_which_is_revoked_then(pals: Pals) -> None:
    stood = orders()
    assert len(stood) >= 2
    disconnecting.disconnect(webex(pals))
    back = given_back(pals)
    assert set(stood) <= set(back)
    first, second, *_ours = (index for index, one in enumerate(back) if one == "token")
    assert set(back[:first]) | set(back[first + 1 : second]) == set(stood), "each person's before their own token"
    assert not Installation.objects.filter(platform="webex").exists()
    assert list(Grant.objects.order_by("pk").values_list("account__installation__platform", "state")) == [
        ("slack", "granted")
    ]
    told = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert told[-3:] == ["gave consent back", "gave consent back", "disconnected platform"]


def test_a_platform_in_trouble_keeps_nobody_from_disconnecting(pals: Pals) -> None:
    pals.house.world.faults.append(Fault("webex", status=500))
    assert disconnecting.disconnect(webex(pals))
    assert not Installation.objects.filter(platform="webex").exists()


def test_the_end_of_a_company_gives_back_as_well(pals: Pals) -> None:
    stood = orders()
    Tenant.objects.filter(pk=pals.house.tenant.pk).update(deleted_at=timezone.now() - deleting.GRACE)
    deleting.delete(pals.house.tenant.pk)
    assert set(stood) <= set(given_back(pals))
    assert not Grant.objects.exists()


def disconnect_by_hand(pals: Pals) -> str:
    """What Ann, who owns the company, is told by the page."""
    ann = person("Ann", "Moreau", "ann@acme.example")
    pals.house.tenant.memberships.create(user=ann, role=Role.OWNER)
    browser = Client(headers={"x-forwarded-proto": "https"})
    browser.force_login(ann, backend="allauth.account.auth_backends.AuthenticationBackend")
    row = webex(pals)
    page = f"/t/{pals.house.tenant.key}/connections/{row.pk}/end/"
    return browser.post(page, {"typed": row.name}, secure=True, follow=True).content.decode()


def test_where_many_have_consented_a_worker_gives_back_portion_by_portion(
    pals: Pals, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(disconnecting, "AT_ONCE", 1)
    monkeypatch.setattr(disconnecting, "PORTION", 1)
    stood = orders()
    with django_capture_on_commit_callbacks(execute=True):
        page = disconnect_by_hand(pals)
    assert "is being disconnected" in page
    assert webex(pals).state == Installation.State.NEEDS_RECONNECT
    assert given_back(pals) == []
    turns = 0
    while run_queued(pals.redis, "accounts.tasks.disconnect"):
        turns += 1
    assert turns == 3
    assert set(stood) <= set(given_back(pals))
    assert not Installation.objects.filter(platform="webex").exists()
    assert AuditEntry.objects.filter(action="disconnected platform").count() == 1


def test_whoever_reauthorises_meanwhile_keeps_the_connection(pals: Pals) -> None:
    Installation.objects.filter(platform="webex").update(problem=disconnecting.UNDER_WAY)
    Installation.objects.filter(platform="webex").update(problem="", state=Installation.State.CONNECTED)
    assert not disconnecting.go_on(webex(pals).pk)
    assert Installation.objects.filter(platform="webex").exists()
