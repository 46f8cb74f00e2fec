"""The cells of the table, and measuring one of them."""

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from connectors.messages import Kind
from mio_hub.bench import cpu
from mio_hub.bench.callers import SPARE, Callers
from mio_hub.bench.layout import Failed, Pipeline
from mio_hub.bench.mix import mixed, only_new
from mio_hub.bench.rounds import Counts, Round, accepted, clock, counts, latencies, percentile
from mio_hub.bench.target import Target
from mio_hub.bench.traffic import Mark, Typist

WARM_UP_SECONDS = 1.0
"""Traffic before the measured window, or as long as that where it is shorter: caches fill, batches find their size."""
FIRST_SECONDS = 60.0
"""How long the very first messages may take: processes are still starting."""
OFFERED = 2.0
"""Messages a second and channel in the open loop: under a third of what a channel on a slow platform can take."""
SLOW_PLATFORM = 0.15
"""Seconds: what Graph and Webex really need for a post."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of traffic. ``delay`` is the platform's answer time in seconds, ``offered`` messages a second (open loop).

    ``is_mixed``: with edits and reactions.
    """

    channels: int
    delay: float
    offered: float | None = None
    is_mixed: bool = False

    @property
    def label(self) -> str:
        """As the table shows it."""
        loop = f", {self.offered:g}/s offered" if self.offered else ""
        mix = "mix 70/10/20, " if self.is_mixed else ""
        return f"{mix}{self.delay * 1000:g} ms, {self.channels} channel{'s' * (self.channels != 1)}{loop}"


def all_cells(channels: Sequence[int]) -> list[Cell]:
    """Every number of channels with an instant and with a slow platform, the open loop over the most of them, the mix."""
    closed = [Cell(number, delay) for delay in (0.0, SLOW_PLATFORM) for number in channels]
    many = sorted(channels)[-2:]
    mix = [Cell(number, delay, is_mixed=True) for delay in (0.0, SLOW_PLATFORM) for number in many]
    return [*closed, _open_loop(max(channels)), *mix]


def few_cells(channels: Sequence[int]) -> list[Cell]:
    """Enough to see whether a change helped."""
    most = max(channels)
    return [Cell(most, 0.0), Cell(most, SLOW_PLATFORM), _open_loop(most), Cell(most, 0.0, is_mixed=True)]


def _open_loop(channels: int) -> Cell:
    return Cell(channels, SLOW_PLATFORM, OFFERED * channels)


@dataclass(frozen=True, slots=True)
class Result:
    """What one pipeline did in one cell. Latencies are in ms; of the open loop, without the platform's answer time.

    ``cpu`` is in µs per message by group, without groups that are not on this machine. ``others`` is the share of the
    machine that somebody else used. ``counts`` cover every message of the cell, warm-up included. ``since`` and ``until``
    are the measured window. ``kinds`` are p50 and p99 by kind of what happened.
    """

    pipeline: str
    rate: float
    p50: float
    p99: float
    cpu: dict[str, float]
    others: float
    counts: Counts
    refused: int
    questions: int
    since: datetime
    until: datetime
    kinds: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass
class Bench:
    """What all cells share."""

    typist: Typist
    target: Target
    servers: dict[str, list[int]]
    seconds: float
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def _warm_up(self) -> float:
        return min(WARM_UP_SECONDS, self.seconds)

    def round(self, callers: Callers, channels: int, **settings: Any) -> Round:
        """New traffic through ``callers``, to which the target listens from now on."""

        def post(mark: Mark) -> None:
            callers.send(self.typist.request(*mark, traffic.plan(*mark[1:])[0]))

        traffic = Round(next(self._numbers), channels, post, **settings)
        self.target.heard, self.target.answered = traffic.on_heard, traffic.on_answered
        self.target.wall.clear()
        return traffic

    async def first(self, pipeline: Pipeline, channels: int) -> None:
        """Wait until one message has crossed in every channel. Raises ``Failed``."""
        await pipeline.listening()
        self.target.delay = 0.0
        callers = await self._callers(pipeline, channels)
        traffic = self.round(callers, channels, endless=False)
        await traffic.start()
        deadline = clock() + FIRST_SECONDS
        while traffic.waiting:
            pipeline.check()
            if clock() > deadline:
                missing = f"{traffic.waiting} of {channels} first messages did not arrive through {pipeline.name}"
                raise Failed(f"{missing}, {callers.refused} webhooks refused.\n{pipeline.last_words()}")
            await asyncio.sleep(0.05)
        await callers.close()

    async def measure(self, pipeline: Pipeline, cell: Cell) -> Result:
        """Run one cell through one pipeline."""
        gc.collect()
        gc.freeze()  # a full collection in the middle would stop people and platform for a tenth of a second
        self.target.delay, questions = cell.delay, self.target.questions
        callers = await self._callers(pipeline, cell.channels)
        plan = mixed if cell.is_mixed else only_new
        traffic = self.round(callers, cell.channels, endless=cell.offered is None, plan=plan)
        groups = self._groups(pipeline)
        speaking = asyncio.create_task(self._speak(traffic, cell))
        await asyncio.sleep(self._warm_up)
        since, begin, before = datetime.now(UTC), clock(), cpu.snapshot(groups)
        await asyncio.sleep(self.seconds)
        until, end, after = datetime.now(UTC), clock(), cpu.snapshot(groups)
        await speaking
        await traffic.finish()
        await callers.close()
        pipeline.check()
        waited = cell.delay if cell.offered else 0.0
        kinds = {kind: latencies(traffic, begin, end, kind) for kind in (Kind.POSTED, Kind.EDITED, Kind.REACTED)}
        p50, p99 = _middle_and_end(latencies(traffic, begin, end), waited)
        messages = accepted(traffic, begin, end)
        used = cpu.per_message(before, after, messages)
        return Result(
            pipeline=pipeline.name,
            rate=messages / (end - begin),
            p50=p50,
            p99=p99,
            cpu={name: used[name] for name in used if groups.get(name, True) and name != cpu.MACHINE},
            others=cpu.others(before, after, end - begin),
            counts=counts(traffic, self.target.wall),
            refused=callers.refused,
            questions=self.target.questions - questions,
            since=since,
            until=until,
            kinds={kind.value: _middle_and_end(took, waited) for kind, took in kinds.items() if took},
        )

    async def _speak(self, traffic: Round, cell: Cell) -> None:
        if cell.offered:
            await traffic.offer(cell.offered, self._warm_up + self.seconds)
        else:
            await traffic.start(cell.delay)

    async def _callers(self, pipeline: Pipeline, channels: int) -> Callers:
        callers = Callers(pipeline.port)
        await callers.open(channels + SPARE)
        return callers

    def _groups(self, pipeline: Pipeline) -> dict[str, list[int]]:
        own = {"web": pipeline.pids("web"), "worker": pipeline.pids("worker")}
        return own | self.servers


def _middle_and_end(ordered: list[float], waited: float) -> tuple[float, float]:
    """p50 and p99 in ms, without what was ``waited`` for the platform."""
    return (percentile(ordered, 0.50) - waited) * 1000, (percentile(ordered, 0.99) - waited) * 1000
