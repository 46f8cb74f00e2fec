"""What costs something and needs no account can be asked for only so often, by one address; without Redis, by everybody."""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from redis import Redis

from mio_hub import limits
from mio_hub.fidelity import views as fidelity
from mio_hub.hub import connections
from mio_hub.limits import Limit
from mio_hub.views import invitation

FEW = Limit("few", 2)
pytestmark = pytest.mark.usefixtures("redis")


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """All within one window, of which twenty seconds have passed."""
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_020.0)
    settings.SECURE_SSL_REDIRECT = False


def waits(address: str, times: int, limit: Limit = FEW) -> list[int]:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    return [limit.wait(request) for _ in range(times)]


def test_one_too_many_waits_for_the_rest_of_the_minute() -> None:
    assert waits("192.0.2.1", 4) == [0, 0, 40, 40]


def test_the_next_minute_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waits("192.0.2.1", 3)
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_060.0)
    assert waits("192.0.2.1", 1) == [0]


def test_others_do_not_wait_for_whoever_asks_too_often() -> None:
    waits("192.0.2.1", 3)
    assert waits("192.0.2.2", 1) == [0]
    assert waits("192.0.2.1", 1, Limit("another", 2)) == [0]


def test_the_addresses_of_one_household_are_one_caller() -> None:
    assert waits("2001:db8:1:2::1", 2) + waits("2001:db8:1:2:ffff::9", 1) == [0, 0, 40]
    assert waits("2001:db8:1:3::1", 1) == [0]


def test_without_redis_nobody_waits(settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    assert waits("192.0.2.1", 5) == [0] * 5


def test_nothing_is_left_of_an_address_after_its_minute(redis: Redis) -> None:
    waits("192.0.2.1", 1)
    [key] = redis.keys()
    assert 0 < redis.ttl(key) <= FEW.seconds  # type: ignore[operator]  # redis-py's types cover its asynchronous half too


def asked(client: Client, limit: Limit, path: str, method: str = "get") -> Any:
    """The answer to the first request that is one too many."""
    for _ in range(limit.requests):
        assert getattr(client, method)(path, {"text": "x"}).status_code != 429
    return getattr(client, method)(path, {"text": "x"})


def test_the_preview_says_so_where_its_page_looks_for_it(client: Client) -> None:
    answer = asked(client, fidelity.OFTEN, reverse("fidelity:preview"), "post")
    assert (answer.status_code, answer["Retry-After"]) == (429, "40")
    assert "wait 40 seconds" in answer.json()["error"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("limit", "name", "arguments"),
    [
        (invitation.OFTEN, "invitation", []),
        (invitation.OFTEN, "invitation_link", ["token"]),
        (connections.OFTEN, "connect-callback", ["slack"]),
    ],
)
def test_a_page_that_was_asked_for_too_often_says_what_to_do(
    client: Client, limit: Limit, name: str, arguments: list[str]
) -> None:
    answer = asked(client, limit, reverse(name, args=arguments))
    assert (answer.status_code, answer["Retry-After"]) == (429, "40")
    assert "wait 40 seconds, then try again" in answer.content.decode()
