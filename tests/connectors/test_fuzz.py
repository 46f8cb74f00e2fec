"""Whatever arrives: a webhook is taken or refused by name, a message is read or refused by name, and can be said again.

A second for each platform and test, half of it with a new seed, which a failure tells. `FUZZ_SECONDS=60` looks longer,
`FUZZ_SEED=…` looks at the same cases again.
"""

import os
import time
from collections.abc import Callable, Iterator
from random import Random, SystemRandom
from typing import Any

import pytest

import connectors
from connectors.contract import Connector, Envelope, Reply
from connectors.errors import Forged, Malformed
from connectors.messages import Byline, ConversationId, Draft, Edited, Event, Kind, Posted, Reference, Stands
from connectors.richtext import document, plain
from connectors.sandbox import World
from tests.connectors.fuzzing import genuine, proven, signed, spoilt, written
from tests.connectors.samples import load_reference, samples

SECONDS = float(os.environ.get("FUZZ_SECONDS", "1"))
SEEDS = (1, int(os.environ.get("FUZZ_SEED") or SystemRandom().randrange(10**9)))

SLOWEST = 5.0
"""Seconds of CPU for one case: a hundred times what a long message needs, and far below what would stop a worker."""

LONG = 10_000
"""Characters from which a sample is tried rarely: one of those costs as much as a hundred others."""


def cases(seed: int, work: Callable[[Random], None]) -> None:
    """Run ``work`` with ever new dice for half of ``SECONDS``; a failure tells by which case it comes back."""
    until, number = time.monotonic() + SECONDS / len(SEEDS), 0
    while number == 0 or time.monotonic() < until:
        begin = time.process_time()
        try:
            work(Random(f"{seed}/{number}"))
        except Exception as error:
            error.add_note(f"FUZZ_SEED={seed}, case {number}")
            raise
        assert time.process_time() - begin < SLOWEST, f"FUZZ_SEED={seed}, case {number} is too slow"
        number += 1


@pytest.fixture
def speakers(world: World) -> dict[str, Connector]:
    return {slug: connectors.get(slug)(fake.credentials()) for slug, fake in world.fakes.items()}


def read(connector: Connector, content: Any, reference: Reference) -> Event | None:
    try:
        return connector.parse(content, reference)
    except Malformed:
        return None


def say_again(event: Event | None, speakers: dict[str, Connector], to: str) -> None:
    """What was read is normal and fits to be said elsewhere."""
    if not isinstance(event, Posted | Edited | Stands):
        return
    body = event.message.body
    assert body == document(body.blocks, body.degraded)
    plain(body).encode()
    target = speakers[to]
    parts = target.parts(Draft(ConversationId("somewhere"), body, "n", Byline(event.message.author_name, "Slack")))
    assert all(part.size <= target.platform.limits.text for part in parts)


@pytest.mark.parametrize("seed", SEEDS, ids=["fixed", "random"])
@pytest.mark.parametrize("slug", connectors.slugs())
def test_a_spoilt_webhook_is_taken_or_refused_by_name(
    slug: str, seed: int, world: World, speakers: dict[str, Connector]
) -> None:
    fake, connector = world.fakes[slug], speakers[slug]
    bodies, fates = genuine(fake), dict.fromkeys(("taken", "refused"), 0)

    def work(random: Random) -> None:
        body = written(random, proven(slug, fake.secrets, spoilt(random, random.choice(bodies))))
        try:
            got = connector.receive(signed(slug, fake.secrets, body), fake.secrets)
        except (Forged, Malformed):
            fates["refused"] += 1
            return
        fates["taken"] += 1
        for envelope in _envelopes(got):
            assert all(isinstance(text, str) for text in _texts(envelope))
            say_again(read(connector, envelope.content or {}, envelope.reference), speakers, random.choice([*speakers]))

    cases(seed, work)
    assert all(fates.values()), f"mutations did not reach behind the proof: {fates}"


def _envelopes(got: Reply | list[Envelope]) -> list[Envelope]:
    return got if isinstance(got, list) else []


def _texts(envelope: Envelope) -> Iterator[str]:
    yield from (envelope.workspace, envelope.event_id, envelope.reference.conversation, envelope.reference.message)


@pytest.mark.parametrize("seed", SEEDS, ids=["fixed", "random"])
@pytest.mark.parametrize("slug", connectors.slugs())
def test_a_spoilt_message_is_read_or_refused_by_name(slug: str, seed: int, speakers: dict[str, Connector]) -> None:
    heard = [sample.data for sample in samples("heard") if sample.slug == slug]
    short = [data for data in heard if len(str(data)) < LONG]

    def work(random: Random) -> None:
        data = random.choice(heard if random.random() < 0.01 else short)
        content, reference = spoilt(random, data["content"]), load_reference(data["reference"])
        kind = random.choice([reference.kind, reference.kind, *Kind])
        if isinstance(content, dict):
            changed = Reference(kind, reference.conversation, reference.message)
            say_again(read(speakers[slug], content, changed), speakers, random.choice([*speakers]))

    cases(seed, work)
