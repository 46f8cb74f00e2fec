"""One platform's people talk, and the other three are read: what the stories about faults share."""

from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from connectors.calls import Response
from connectors.http import AnswerLost, Outgoing
from connectors.sandbox import Shown
from connectors.webex import client as webex_client
from relay import hearing, ingest, page, shards, visit
from relay.database import LeaseLost
from relay.models import ConversationLink, Delivery, InboundEvent
from tests.house import House
from tests.stories.test_conversation import SPEAKERS, Talk

State = Delivery.State
ROUNDS = 12
"""Turns of the relay until everything must have come to an end, however often it was set back."""


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make short every pause that real platforms need, for the fakes show a change at once."""
    monkeypatch.setattr(visit, "SETTLE", 0.0)
    monkeypatch.setattr(visit, "growing_rest", lambda setbacks: 0.02)
    monkeypatch.setattr(hearing, "LAG_PAUSES", (0.01,))
    monkeypatch.setattr(page, "OVERTAKEN_REST", 0.03)
    monkeypatch.setattr(ingest, "TROUBLE_REST", 0.03)
    monkeypatch.setattr(shards, "SWEEP_SECONDS", 0.2)
    monkeypatch.setattr(webex_client, "READING_LAGS", timedelta(0))


class Circle(Talk):
    """A conversation held on one platform and read on all others: three directions at once."""

    def __init__(self, house: House, source: str) -> None:
        super().__init__(house, source, source)
        self.source = source
        self.others = [slug for slug in SPEAKERS if slug != source]

    @property
    def reacts(self) -> bool:
        """Whether reactions here are told to anybody: Webex keeps them to its own clients."""
        return self.source != "webex"

    def settle(self) -> None:
        """Let everything cross, with as many tries as it takes; nothing may be left open or kept for a decision."""
        for _ in range(ROUNDS):
            self.house.relay()
            if not open_ones() and not InboundEvent.objects.filter(state=InboundEvent.State.WAITING).exists():
                break
            ConversationLink.objects.update(not_before=None)
        assert not open_ones()
        assert not InboundEvent.objects.filter(state=InboundEvent.State.WAITING).exists()

    def standing(self, needle: str) -> dict[str, list[Shown]]:
        """By platform other than the source, the messages that hold ``needle``."""
        return {slug: [m for m in self.house.messages(slug) if needle in m.html] for slug in self.others}

    def once(self, needle: str) -> dict[str, Shown]:
        """By platform other than the source, the one message that holds ``needle``."""
        found = self.standing(needle)
        counts = {slug: len(copies) for slug, copies in found.items()}
        assert counts == dict.fromkeys(self.others, 1), [(m.html, m.thread) for ms in found.values() for m in ms]
        return {slug: copies[0] for slug, copies in found.items()}

    def counts(self) -> dict[str, int]:
        """How many messages each platform shows, the source included."""
        return {slug: len(self.house.messages(slug)) for slug in SPEAKERS}


def open_ones() -> list[tuple[str, int, str]]:
    """Deliveries that did not come to a good end."""
    found = Delivery.objects.exclude(state__in=[State.DONE, State.SKIPPED])
    return list(found.values_list("link__installation__platform", "state", "reason"))


WRITING = ("chat.postMessage", "chat.update", "chat.delete", "reactions.")
"""What changes something at Slack, where nearly everything is a ``POST``."""


class Troubled:
    """A transport in whose way something gets, for the next writes of chosen platforms. ``writes`` counts those done."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.reach = house.transport
        self.coming: dict[str, list[str]] = {}
        self.writes: dict[str, int] = {}
        self.bodies: dict[str, list[str]] = {}
        house.transport = self

    def expect(self, *trouble: str, on: list[str]) -> None:
        """``lost``: done, but its answer never comes. ``died``: done, and the worker dies over it. ``well``: done.
        A number: that status instead of the deed."""
        self.coming = {slug: list(trouble) for slug in on}

    @property
    def is_over(self) -> bool:
        """Whether everything expected has struck."""
        return not any(self.coming.values())

    async def __call__(self, outgoing: Outgoing) -> Response:
        fake = self.house.world.fake_at(urlsplit(outgoing.url).netloc)
        if fake is None or not _writes(fake.slug, outgoing):
            return await self.reach(outgoing)
        coming = self.coming.get(fake.slug)
        trouble = coming.pop(0) if coming else "well"
        if trouble.isdigit():
            return Response(int(trouble), b"", {"retry-after": "0.01"})
        response = await self.reach(outgoing)
        self.writes[fake.slug] = self.writes.get(fake.slug, 0) + 1
        self.bodies.setdefault(fake.slug, []).append((outgoing.body or b"").decode())
        if trouble == "lost":
            raise AnswerLost
        if trouble == "died":
            raise LeaseLost
        return response


def _writes(slug: str, outgoing: Outgoing) -> bool:
    if slug == "slack":
        return any(method in outgoing.url for method in WRITING)
    return outgoing.method != "GET" and "oauth" not in outgoing.url


def settle_over(circle: Circle, trouble: Troubled) -> None:
    """As ``Circle.settle``, with workers that may die on the way."""
    for _ in range(ROUNDS):
        with suppress(LeaseLost):
            circle.house.relay()
        ConversationLink.objects.update(not_before=None)
        if trouble.is_over:
            break
    assert trouble.is_over, trouble.coming
    circle.settle()
