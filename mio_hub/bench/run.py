"""A whole benchmark, from starting the processes to the finished lines of the table."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from redis import Redis

from mio_hub.bench import cpu
from mio_hub.bench.bare import QUEUE
from mio_hub.bench.cells import Bench, Cell, Result
from mio_hub.bench.layout import Pipeline, the_bare_one, the_hub
from mio_hub.bench.memory import Reading, memory
from mio_hub.bench.report import Line
from mio_hub.bench.rounds import Counts
from mio_hub.bench.target import Target
from mio_hub.bench.traffic import Typist


async def side_by_side(cells: Sequence[Cell], seconds: float, folder: Path) -> list[Line]:
    """Every cell through the Hub and at once through the bare pipeline, so that a busy machine is busy for both."""
    target = Target()
    await target.start()
    with ExitStack() as stack:
        pipelines = [
            stack.enter_context(the_hub(target.url, folder)),
            stack.enter_context(the_bare_one(target.url, folder, settings.MIO_SHARDS + 1)),
        ]
        bench = new_bench(target, seconds)
        for pipeline in pipelines:
            await bench.first(pipeline, max(cell.channels for cell in cells))
        lines = [Line(cell, {p.name: await measured(bench, p, cell) for p in pipelines}) for cell in cells]
    await target.stop()
    return lines


async def memory_run(channels: int, messages: int, folder: Path) -> tuple[list[Reading], Counts]:
    """The Hub alone, for as long as ``messages`` take."""
    target = Target()
    await target.start()
    with the_hub(target.url, folder) as hub:
        bench = new_bench(target, 0)
        await bench.first(hub, channels)
        found = await memory(bench, hub, channels, messages)
    await target.stop()
    return found


def new_bench(target: Target, seconds: float) -> Bench:
    """What the cells share; the servers are found where the environment says."""
    servers = cpu.server_processes(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])
    typist = Typist(settings.MIO_PLATFORM_SECRETS["slack"].signing_secret)
    target.recall, target.wall.named = typist.recall, typist.named
    return Bench(typist, target, servers, seconds)


async def measured(bench: Bench, pipeline: Pipeline, cell: Cell) -> Result:
    """One cell through one pipeline; what the bare one left behind is thrown away, or the next cell would wait for it."""
    print(f"bench: {pipeline.name}, {cell.label} …", file=sys.stderr, flush=True)
    result = await bench.measure(pipeline, cell)
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.delete(QUEUE)
    return result
