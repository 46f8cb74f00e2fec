"""A mistake of ours may quote what it stumbled over. What it quotes is told to nobody: a log names its kind and no more."""

import asyncio
from typing import Any, NoReturn

import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

from connectors.slack.connector import Slack
from connectors.zoom.connector import Zoom
from relay import ingress
from relay.commands import Commands
from relay.delivery import Deliver
from relay.ingest import Ingest
from relay.models import ConversationLink, InboundEvent
from relay.shards import drain
from tests.house import House
from tests.leftovers import dump_of_every_table, dump_of_redis
from tests.queue import run_queued

CANARY = "zinnoberrotkehlchen"


class Stumble:
    """Something of the Hub's that raises, and quotes a message in it."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error
        self.stumbled = False

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        self.stumbled = True
        raise self.error(f"what to do with '{CANARY}'?")


def looked_at(house: House, stumble: Stumble) -> None:
    """A worker looks at what came in, until it has stumbled."""
    asyncio.run(drain(0, 1, lambda: stumble.stumbled, house.transport, house.opener, 20.0))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], redis: Redis) -> Any:
    """Everything that is kept anywhere of what the test did, as text."""
    caplog.set_level("DEBUG")

    def told() -> str:
        logged = "\n".join(f"{record.getMessage()} {record.exc_info} {record.exc_text}" for record in caplog.records)
        return logged + "".join(capfd.readouterr()) + dump_of_every_table() + str(dump_of_redis(redis))

    return told


@pytest.mark.parametrize(
    ("owner", "step", "error", "status"),
    [
        (Slack, "receive", KeyError, 500),
        (ingress, "accept", KeyError, 500),
        (ingress, "accept", psycopg.DataError, 503),
        (ingress, "accept", RedisError, 503),
    ],
)
def test_a_webhook_that_makes_us_stumble_is_quoted_nowhere(
    house: House, monkeypatch: pytest.MonkeyPatch, told: Any, owner: Any, step: str, error: type[Exception], status: int
) -> None:
    monkeypatch.setattr(owner, step, Stumble(error))
    house.type("slack", "Bob Okafor", CANARY)
    assert set(house.take_webhooks_in()) == {status}
    everything = told()
    assert error.__name__ in everything
    assert CANARY not in everything


@pytest.mark.parametrize(("owner", "step"), [(Slack, "parse"), (Zoom, "render"), (Ingest, "walk"), (Deliver, "walk")])
def test_a_message_that_makes_us_stumble_is_quoted_nowhere(
    house: House, monkeypatch: pytest.MonkeyPatch, told: Any, owner: Any, step: str
) -> None:
    stumble = Stumble(LookupError)
    house.type("slack", "Bob Okafor", CANARY)
    house.take_webhooks_in()
    monkeypatch.setattr(owner, step, stumble)
    looked_at(house, stumble)
    everything = told()
    assert InboundEvent.objects.exists()
    assert "LookupError" in everything
    assert CANARY not in everything


def test_a_command_that_makes_us_stumble_is_quoted_nowhere(
    house: House, redis: Redis, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    ConversationLink.objects.all().delete()
    slack: Any = house.world.fakes["slack"]
    slack.command_as(house.person("slack", "Bob Okafor"), house.place("slack"), f"invite {CANARY}")
    house.take_webhooks_in()
    monkeypatch.setattr(Commands, "obey", Stumble(LookupError))
    assert run_queued(redis, "relay.tasks.answer_asked")
    everything = told()
    assert "LookupError" in everything
    assert CANARY not in everything
