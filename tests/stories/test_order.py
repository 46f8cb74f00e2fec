import random
import re
import time

import pytest

from connectors.sandbox import Fault
from tests.stack import Stack

pytestmark = pytest.mark.slow

MESSAGES = 500


def test_two_workers_and_random_pauses_keep_500_messages_of_a_channel_in_order(stack: Stack) -> None:
    stack.start_worker()
    dice = random.Random(11)
    for slug in ("teams", "webex", "zoom"):
        stack.world.faults.append(Fault(slug, delay=0.02, rate=0.2, seed=dice.randrange(1000)))
    for number in range(MESSAGES):
        stack.say("slack", "Bob Okafor", f"number {number}.")
        if dice.random() < 0.02:
            time.sleep(dice.random() / 5)
    stack.wait_until(stack.nothing_is_left, 180.0)
    for slug in ("teams", "webex", "zoom"):
        numbers = [int(match.group(1)) for html in stack.read(slug) if (match := re.search(r"number (\d+)\.", html))]
        assert numbers == list(range(MESSAGES)), f"on {slug}"
