"""Standing orders: made for what is linked, renewed early, mended when a platform ends them, and never asked for in vain."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from accounts import watching
from accounts.models import Installation, Subscription
from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import Fault, Logged
from connectors.webex.sandbox_state import MOST_FAILURES, Hook
from relay import resuming, subscriptions
from relay.models import ConversationLink, InboundEvent
from tests.conftest import HUB
from tests.house import House

RESOURCES = {"messages", "memberships", "rooms"}
"""What is ordered at Webex, for all spaces at once."""


class Orders:
    """What stands at the platforms of a house, and what they were asked."""

    def __init__(self, house: House) -> None:
        self.house = house
        teams: Any = house.world.fakes["teams"]
        self.teams: Any = teams.subscriptions
        self.webex: Any = house.world.fakes["webex"]

    def keep(self, slug: str) -> list[Logged]:
        """One turn of the keeper; what the platform was asked on the way."""
        self.house.world.log.clear()
        subscriptions.keep(self.house.installations[slug].pk)
        return list(self.house.world.log)

    def rows(self, slug: str) -> Any:
        """Its orders; of Teams' those for messages, which are one for each linked channel."""
        rows = Subscription.objects.filter(installation=self.house.installations[slug])
        return rows.filter(resource__endswith="/messages") if slug == "teams" else rows

    def due(self, slug: str) -> None:
        """Let the time of every order come."""
        self.rows(slug).update(renew_at=timezone.now())

    def looked_long_ago(self, slug: str) -> None:
        self.rows(slug).update(checked_at=timezone.now() - subscriptions.LOOK)

    def state(self, slug: str) -> str:
        return Installation.objects.get(pk=self.house.installations[slug].pk).state

    def standing(self) -> dict[str, str]:
        """Teams' orders for messages, by channel's name."""
        named = {place.id: place.name for place in self.house.world.fakes["teams"].places()}
        orders = [(order["resource"].strip("/").split("/"), order["id"]) for order in self.teams.standing()]
        return {named[path[3]]: id_ for path, id_ in orders if path[-1] == "messages"}

    @property
    def hooks(self) -> list[Hook]:
        """Webex' webhooks."""
        return list(self.webex._company.hooks.values())

    def without_seeds(self) -> None:
        """As after a consent: nothing is told that was not ordered."""
        self.teams.seeded = None
        self.webex._company.forget_seeded_hooks()


@pytest.fixture
def orders(house: House, intercepted_requests: Any, settings: Any) -> Orders:
    settings.MIO_BASE_URL = HUB
    orders = Orders(house)
    orders.without_seeds()
    return orders


# --- Ordering


def test_a_linked_channel_is_ordered_and_told_of_from_then_on(orders: Orders) -> None:
    house = orders.house
    orders.keep("teams")
    assert orders.standing().keys() == {"general"}
    handshakes = house.take_webhooks_in()
    assert handshakes == [200, 200] * 3  # messages, channels, people: each for itself and for what happens to the order
    house.type("teams", "Dev Patel", "hello from Teams")
    house.relay()
    assert sum("hello from Teams" in html for html in house.shown("slack")) == 1


def test_a_channel_linked_later_is_ordered_with_the_next_turn(orders: Orders) -> None:
    orders.keep("teams")
    orders.house.link("cake", ["slack", "teams"])
    orders.keep("teams")
    assert orders.standing().keys() == {"general", "cake"}


def test_a_channel_that_is_no_longer_linked_is_cancelled(orders: Orders) -> None:
    orders.keep("teams")
    ConversationLink.objects.filter(installation__platform="teams").update(is_active=False)
    orders.keep("teams")
    assert not orders.standing()
    assert not orders.rows("teams").exists()


def test_an_order_of_ours_that_nobody_wants_any_more_is_cancelled_when_it_is_seen(orders: Orders) -> None:
    orders.house.link("cake", ["slack", "teams"])
    orders.keep("teams")
    ConversationLink.objects.filter(installation__platform="teams", name="cake").delete()
    orders.rows("teams").filter(external_id=orders.standing()["cake"]).delete()  # a crash between call and commit
    orders.looked_long_ago("teams")
    orders.keep("teams")
    assert orders.standing().keys() == {"general"}


def test_webex_is_ordered_at_once_for_all_spaces(orders: Orders) -> None:
    orders.keep("webex")
    assert [hook.data["resource"] for hook in orders.hooks] == ["messages", "memberships", "rooms"]
    assert set(orders.rows("webex").values_list("resource", "renew_at")) == {(one, None) for one in RESOURCES}


def test_an_order_that_stands_already_is_taken_over(orders: Orders) -> None:
    """What Graph answers with 409, after an answer of its was lost."""
    orders.keep("teams")
    [before] = orders.standing().values()
    orders.rows("teams").update(external_id="")  # nobody learned that it was made
    orders.due("teams")
    asked = orders.keep("teams")
    assert 409 in [one.status for one in asked]
    assert list(orders.standing().values()) == [before]
    assert orders.rows("teams").get().external_id == before


@pytest.mark.parametrize("slug", ["teams", "webex"])
def test_nothing_is_asked_when_nothing_is_due(orders: Orders, slug: str) -> None:
    assert orders.keep(slug)
    assert orders.keep(slug) == []


def test_nothing_is_asked_for_a_connection_without_links(orders: Orders) -> None:
    ConversationLink.objects.all().delete()
    assert orders.keep("teams") == []


@pytest.mark.parametrize("slug", ["slack", "zoom"])
def test_a_platform_without_orders_is_left_alone(orders: Orders, slug: str) -> None:
    assert orders.keep(slug) == []


@pytest.mark.parametrize("slug", ["teams", "webex"])
def test_two_keepers_at_once_order_once(orders: Orders, slug: str) -> None:
    fake: Any = orders.house.world.fakes[slug]
    answer = fake.handle

    def late(request: Request) -> Response:
        response: Response = answer(request)
        time.sleep(0.05)  # long enough that everybody asks before anybody orders
        return response

    fake.handle = late

    def keeping(_: int) -> None:
        try:
            subscriptions.keep(orders.house.installations[slug].pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keeping, range(8)))
    made = [one for one in orders.house.world.log if one.method == "POST" and "token" not in one.url]
    assert len(made) == Subscription.objects.count() == {"teams": 3, "webex": len(RESOURCES)}[slug]


# --- Renewing


def test_an_order_is_due_long_before_it_ends_and_looking_does_not_put_it_off(orders: Orders) -> None:
    orders.keep("teams")
    first = orders.rows("teams").get()
    assert timezone.now() + timedelta(hours=30) < first.renew_at < first.expires_at - timedelta(hours=30)
    orders.looked_long_ago("teams")
    assert [one.method for one in orders.keep("teams")] == ["GET"]
    assert orders.rows("teams").get().renew_at == first.renew_at


def test_a_due_order_is_extended_and_stays_the_same(orders: Orders) -> None:
    orders.keep("teams")
    before = orders.rows("teams").get()
    orders.teams._orders[before.external_id]["until"] -= 3600.0
    orders.due("teams")
    assert [one.method for one in orders.keep("teams")] == ["PATCH"]
    after = orders.rows("teams").get()
    assert after.external_id == before.external_id
    assert after.renew_at > timezone.now()
    assert orders.teams._orders[after.external_id]["until"] > timezone.now().timestamp() + 70 * 3600


def test_an_order_that_the_platform_ended_is_made_again(orders: Orders) -> None:
    orders.keep("teams")
    [before] = orders.standing().values()
    orders.teams.remove(before)
    orders.due("teams")
    orders.keep("teams")
    [after] = orders.standing().values()
    assert after != before
    assert orders.rows("teams").get().external_id == after


def test_an_order_that_ended_unnoticed_is_missed_by_the_next_look(orders: Orders) -> None:
    orders.keep("teams")
    orders.teams.remove(next(iter(orders.standing().values())))
    orders.looked_long_ago("teams")
    orders.keep("teams")
    assert orders.rows("teams").get().external_id == orders.standing()["general"]


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
@pytest.mark.parametrize("looks_too", [False, True])
def test_what_the_platform_says_of_an_order_makes_it_due_at_once(orders: Orders, event: str, looks_too: bool) -> None:
    orders.keep("teams")
    orders.house.take_webhooks_in()
    orders.teams.lifecycle(event)
    assert orders.house.take_webhooks_in() == [200] * 3
    row = orders.rows("teams").get()
    assert row.renew_at <= timezone.now()
    assert row.problem
    assert not InboundEvent.objects.exists()
    if looks_too:
        orders.looked_long_ago("teams")
    asked = orders.keep("teams")
    assert {"PATCH", "POST"} & {one.method for one in asked}
    mended = orders.rows("teams").get()
    assert (mended.problem, mended.external_id) == ("", orders.standing()["general"])
    assert mended.renew_at > timezone.now()


def test_a_webhook_that_webex_switched_off_is_switched_on_again(orders: Orders) -> None:
    orders.keep("webex")
    hook = orders.hooks[0]
    for _ in range(MOST_FAILURES):
        hook.failed(orders.house.world.clock())
    assert hook.data["status"] == "inactive"
    orders.looked_long_ago("webex")
    orders.keep("webex")
    assert hook.data["status"] == "active"
    assert len(orders.hooks) == len(RESOURCES)
    assert orders.keep("webex") == []


# --- Trouble


@pytest.mark.parametrize("slug", ["teams", "webex"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_platform_that_asks_for_patience_is_asked_later_and_nothing_is_lost(
    orders: Orders, slug: str, status: int
) -> None:
    orders.keep(slug)
    orders.due(slug)
    before = set(orders.rows(slug).values_list("external_id", flat=True))
    orders.house.world.faults = [Fault(slug, status=status)]
    orders.keep(slug)
    assert set(orders.rows(slug).values_list("external_id", flat=True)) == before
    assert orders.state(slug) == "connected"
    orders.house.world.faults.clear()
    orders.due(slug)
    orders.keep(slug)
    assert not orders.rows(slug).filter(renew_at__lte=timezone.now()).exists()
    assert not orders.rows(slug).exclude(problem="").exists()


def test_after_one_429_the_rest_is_not_asked(orders: Orders) -> None:
    orders.keep("webex")
    orders.due("webex")
    orders.house.world.faults = [Fault("webex", status=429)]
    assert len(orders.keep("webex")) == 1


def test_a_channel_that_cannot_be_ordered_says_so_and_the_others_are(orders: Orders) -> None:
    orders.keep("teams")
    gone = ConversationLink.objects.get(installation__platform="teams", name="general").external_id + "nowhere"
    ConversationLink.objects.filter(installation__platform="teams").update(external_id=gone)
    orders.house.link("cake", ["slack", "teams"])
    orders.keep("teams")
    assert orders.standing().keys() == {"cake"}
    failed = orders.rows("teams").exclude(problem="").get()
    assert (failed.external_id, failed.expires_at) == ("", None)
    assert orders.keep("teams") == []
    orders.looked_long_ago("teams")
    assert [one.method for one in orders.keep("teams")] == ["GET"]
    orders.rows("teams").filter(pk=failed.pk).update(renew_at=timezone.now())
    assert [one.method for one in orders.keep("teams")] == ["POST"]


@pytest.mark.parametrize("slug", ["teams", "webex"])
def test_a_dead_token_flags_the_connection(orders: Orders, slug: str) -> None:
    orders.keep(slug)
    fake: Any = orders.house.world.fakes[slug]
    fake.revoke_app()
    orders.due(slug)
    orders.keep(slug)
    assert orders.state(slug) == "needs reconnect"
    assert orders.keep(slug) == []


def test_after_connecting_again_every_order_is_seen_to(orders: Orders) -> None:
    orders.keep("teams")
    orders.teams.remove(orders.standing()["general"])
    resuming.resume(orders.house.installations["teams"].pk)
    orders.keep("teams")
    assert orders.standing().keys() == {"general"}


# --- The demo


def test_the_demo_is_kept_and_tells_everything_once(house: House, intercepted_requests: Any, settings: Any) -> None:
    settings.MIO_BASE_URL = HUB
    speakers = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}
    for turn in range(2):
        for installation in house.installations.values():
            subscriptions.keep(installation.pk)
            watching.look(installation.pk)
        assert set(Installation.objects.values_list("state", flat=True)) == {"connected"}
        assert all(status == 200 for status in house.take_webhooks_in())
        for slug, who in speakers.items():
            house.type(slug, who, f"turn {turn} on {slug}")
            told = len(house.webhooks)
            assert told == 1, slug
            house.relay()
        for slug in speakers:
            said = " ".join(house.shown(slug))
            assert [said.count(f"turn {turn} on {source}") for source in speakers] == [1] * len(speakers)
        Subscription.objects.update(checked_at=timezone.now() - subscriptions.LOOK)
    assert {hook.data["resource"] for hook in Orders(house).hooks} == RESOURCES
    assert len(Orders(house).hooks) == len(RESOURCES)
