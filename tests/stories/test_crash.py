"""What was answered 200 arrives exactly once and in order, whatever dies in between."""

import random
import re
import time
from functools import partial

import psycopg
import pytest
from django.db import connections
from redis import Redis

from relay.database import connection_parameters
from relay.models import Delivery
from tests.stack import Stack

pytestmark = pytest.mark.slow

SPEAKERS = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}


def told(stack: Stack, slug: str, by: str) -> list[int]:
    """The numbers of the messages of one speaker, in the order in which a platform shows them."""
    found = (re.search(rf"{by} says (\d+)\.", html) for html in stack.read(slug))
    return [int(match.group(1)) for match in found if match]


def under_way(stack: Stack, count: int) -> bool:
    """Some of the newest messages have arrived and some have not."""
    return len(told(stack, "webex", "slack")) > count - 20


def everything_arrived(stack: Stack, by: str, count: int) -> None:
    stack.wait_until(stack.nothing_is_left, 120.0)
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()
    for slug in SPEAKERS:
        assert told(stack, slug, by) == list(range(count)), f"on {slug}"


def test_a_worker_killed_in_mid_batch_loses_doubles_and_swaps_nothing(stack: Stack) -> None:
    dice = random.Random(7)
    worker = stack.processes[1]
    count = 0
    for _ in range(2):
        for _ in range(40):
            stack.say("slack", SPEAKERS["slack"], f"slack says {count}.")
            count += 1
        stack.wait_until(partial(under_way, stack, count))
        time.sleep(dice.random() / 20)
        stack.kill(worker)
        worker = stack.start_worker()
    everything_arrived(stack, "slack", count)


def test_database_connections_that_all_break_at_once_stop_nothing(stack: Stack) -> None:
    for number in range(40):
        stack.say("slack", SPEAKERS["slack"], f"slack says {number}.")
        if number % 20 == 10:
            with psycopg.connect(**connection_parameters(), autocommit=True) as database:
                database.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            connections.close_all()
    everything_arrived(stack, "slack", 40)


def test_a_redis_flushed_under_a_working_worker_loses_doubles_and_swaps_nothing(stack: Stack, redis: Redis) -> None:
    for number in range(150):
        stack.say("zoom", SPEAKERS["zoom"], f"zoom says {number}.")
        if number % 50 == 25:
            redis.flushall()
    everything_arrived(stack, "zoom", 150)


def test_a_flushed_redis_with_a_backlog_loses_doubles_and_swaps_nothing(stack: Stack, redis: Redis) -> None:
    stack.kill(stack.processes[1])
    for number in range(400):
        stack.say("slack", SPEAKERS["slack"], f"slack says {number}.")
    stack.wait_until(lambda: stack.accepted() == 400)
    assert redis.keys("vault:*")
    redis.flushall()
    stack.start_worker()
    everything_arrived(stack, "slack", 400)
