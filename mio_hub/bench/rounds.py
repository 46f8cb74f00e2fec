"""One round of traffic: who says what when, and what became of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

from connectors.messages import Kind
from mio_hub.bench.mix import Plan, only_new
from mio_hub.bench.traffic import Mark
from mio_hub.bench.wall import Wall

DRAIN_SECONDS = 10.0
"""How long stragglers are waited for after the last message; what is not there by then counts as lost."""

clock = time.perf_counter


@dataclass
class Round:
    """Traffic over ``channels``. ``post`` sends one message; ``endless`` answers each with the next one (closed loop).

    ``plan`` says which messages are edits and reactions instead; they are counted with them.
    """

    number: int
    channels: int
    post: Callable[[Mark], None]
    endless: bool = True
    limit: int | None = None
    """At most so many messages; None for no limit."""
    plan: Plan = only_new
    sent: dict[tuple[int, int], float] = field(default_factory=dict)
    answered: dict[tuple[int, int], float] = field(default_factory=dict)
    arrivals: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = [0] * self.channels
        self._open = True
        self._all_answered = asyncio.Event()

    def say(self, channel: int) -> None:
        """Type the next message into a channel."""
        if self.limit is not None and len(self.sent) >= self.limit:
            self._open = False
            return
        number = self._next[channel]
        self._next[channel] += 1
        self.sent[channel, number] = clock()
        self.post((self.number, channel, number))

    def on_heard(self, mark: Mark) -> None:
        """The target has it."""
        if mark[0] == self.number:
            self.arrivals.setdefault(mark[1], []).append(mark[2])

    def on_answered(self, mark: Mark) -> None:
        """The target has accepted it. In a closed loop, its channel goes on."""
        if mark[0] != self.number or mark[1:] in self.answered:
            return
        self.answered[mark[1:]] = clock()
        if self.endless and self._open:
            self.say(mark[1])
        elif not self.waiting:
            self._all_answered.set()

    async def start(self, seconds: float = 0.0) -> None:
        """One message in every channel, spread over ``seconds``: people in different channels do not type in step."""
        begin = clock()
        for channel in range(self.channels):
            await _until(begin + channel / self.channels * seconds)
            self.say(channel)

    async def offer(self, rate: float, seconds: float) -> None:
        """``rate`` messages a second whatever happens to them, evenly over time and channels.

        Evenly, so that what is measured is the pipeline and not the wait behind an earlier message of one's own channel.
        """
        begin = clock()
        for number in range(int(rate * seconds)):
            await _until(begin + number / rate)
            self.say(number % self.channels)

    async def finish(self) -> None:
        """Say nothing more, and wait for what is on its way."""
        self._open = False
        if self.waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_answered.wait(), DRAIN_SECONDS)

    @property
    def waiting(self) -> int:
        """Messages that the target has not accepted (yet)."""
        return len(self.sent) - len(self.answered)


async def _until(then: float) -> None:
    pause = then - clock()
    if pause > 0:
        await asyncio.sleep(pause)


@dataclass(frozen=True, slots=True)
class Counts:
    """What must be zero: what never came, came again, came after something later of its channel.

    ``stale`` are messages that do not stand there as they were left: with the newest text and every reaction once.
    """

    lost: int
    doubled: int
    swapped: int
    stale: int


NOTHING_WRONG = Counts(0, 0, 0, 0)


def counts(traffic: Round, wall: Wall) -> Counts:
    """Check everything that happened in a round, and what it came to on the ``wall``."""
    doubled = swapped = 0
    for numbers in traffic.arrivals.values():
        doubled += sum(times - 1 for times in Counter(numbers).values())
        first_time = list(dict.fromkeys(numbers))
        swapped += sum(later < earlier for earlier, later in pairwise(first_time))
    texts, reactions = _standing(traffic)
    stale = sum(wall.shows(message) != (text, reactions.get(message, [])) for message, text in texts.items())
    return Counts(traffic.waiting, doubled, swapped, stale)


def _standing(traffic: Round) -> tuple[dict[Mark, Mark], dict[Mark, list[Mark]]]:
    """By message, the text it should have and the reactions, as far as the target accepted them: the rest is lost."""
    texts: dict[Mark, Mark] = {}
    reactions: dict[Mark, list[Mark]] = {}
    for channel, number in sorted(traffic.answered):
        kind, about = traffic.plan(channel, number)
        mark, message = (traffic.number, channel, number), (traffic.number, channel, about)
        if kind is Kind.REACTED:
            reactions.setdefault(message, []).append(mark)
        else:
            texts[message] = mark
    return texts, reactions


def latencies(traffic: Round, begin: float, end: float, kind: Kind | None = None) -> list[float]:
    """Sorted seconds from sending to acceptance, of what was sent between two times and accepted at all.

    Of one ``kind`` or of all.
    """
    within = (mark for mark, at in traffic.sent.items() if begin <= at < end and mark in traffic.answered)
    return sorted(
        traffic.answered[mark] - traffic.sent[mark] for mark in within if kind in (None, traffic.plan(*mark)[0])
    )


def accepted(traffic: Round, begin: float, end: float) -> int:
    """How many messages the target accepted between two times."""
    return sum(begin <= at < end for at in traffic.answered.values())


def percentile(ordered: list[float], share: float) -> float:
    """The value below which a ``share`` of ``ordered`` lies; not a number where there is none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
