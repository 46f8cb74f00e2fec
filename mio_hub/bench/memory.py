"""`./hub bench --memory`: does a busy worker stay as small as it was?"""

import asyncio
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]  # it has no types

from mio_hub.bench.callers import SPARE, Callers
from mio_hub.bench.cells import Bench
from mio_hub.bench.cpu import family
from mio_hub.bench.layout import Failed, Pipeline
from mio_hub.bench.rounds import Counts, clock, counts

STEPS = 5
"""How often memory is read on the way."""
SLOWEST = 100
"""Messages a second below which something is wrong and the run is given up."""


@dataclass(frozen=True, slots=True)
class Reading:
    """MiB of resident memory by process after a number of messages."""

    messages: int
    mebibytes: dict[str, float]


async def memory(bench: Bench, hub: Pipeline, channels: int, messages: int) -> tuple[list[Reading], Counts]:
    """Relay ``messages`` messages in a closed loop over an instant platform. Raises ``Failed`` when it takes too long."""
    bench.target.delay = 0.0
    callers = Callers(hub.port)
    await callers.open(channels + SPARE)
    traffic = bench.round(callers, channels, limit=messages)
    readings = [Reading(0, _read(hub))]
    deadline = clock() + messages / SLOWEST + 10
    await traffic.start()
    for step in range(1, STEPS + 1):
        wanted = messages * step // STEPS
        while len(traffic.answered) < wanted:
            hub.check()
            if clock() > deadline:
                raise Failed(f"{len(traffic.answered)} of {messages} messages crossed in time.\n{hub.last_words()}")
            await asyncio.sleep(0.05)
        readings.append(Reading(len(traffic.answered), _read(hub)))
    await traffic.finish()
    await callers.close()
    return readings, counts(traffic, bench.target.wall)


def _read(hub: Pipeline) -> dict[str, float]:
    read: dict[str, float] = {}
    for role in ("web", "worker"):
        for number, process in enumerate(family(hub.pids(role)[0])):
            name = role if number == 0 else f"{role} pool {number}"
            try:
                read[name] = process.memory_info().rss / 2**20
            except psutil.NoSuchProcess:
                continue
    return read


def memory_table(readings: list[Reading], found: Counts) -> str:
    """Resident memory over messages."""
    names = list(readings[0].mebibytes)
    rows = ["messages".rjust(10) + "".join(f"{name:>15}" for name in names) + "   (MiB resident)"]
    for reading in readings:
        figures = (reading.mebibytes.get(name) for name in names)
        rows.append(f"{reading.messages:>10,}" + "".join(f"{figure or 0:>15.1f}" for figure in figures))
    wrong = f"lost {found.lost}, doubled {found.doubled}, out of order {found.swapped}, stale {found.stale}"
    rows.append(f"hub: {wrong}")
    return "\n".join(rows)
