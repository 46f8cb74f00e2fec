"""Files per second: what one process carries from one platform to another, with both platforms in this process."""

import asyncio
import json
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from mio_hub.bench.carrier import SIZE, Carried
from mio_hub.bench.layout import Failed
from mio_hub.bench.rounds import percentile
from mio_hub.bench.target import Connection
from mio_hub.processes import bound_to
from relay.files import AT_ONCE

LABEL = f"files of {SIZE // 1_000_000} MB, carried by one process, {AT_ONCE} at once"
"""No message around them, no ledger: the Hub's own work for a message is in the other cells."""

DATA = random.Random(1).randbytes(SIZE)  # noqa: S311 - no secret
"""What every file holds; nothing on the way can guess or shrink it."""

GIVE = b"GET /files.slack.com/files-pri/"
TAKE = b"POST /webexapis.com/v1/messages "

_NAME = re.compile(rb'filename="([^"]+)"')
_GIVEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"
_TAKEN = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"id":"taken"}'
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Platforms:
    """The platform that has the files and the one that takes them. ``taken`` counts by name, ``damaged`` in all."""

    def __init__(self) -> None:
        self.taken: Counter[bytes] = Counter()
        self.damaged = 0

    def answer(self, request: bytes, reply: Callable[[bytes], None]) -> None:
        """Handle one complete request."""
        if request.startswith(GIVE):
            reply(_GIVEN % (SIZE, DATA))
        elif request.startswith(TAKE) and (name := _NAME.search(request)):
            self.taken[name[1]] += 1
            self.damaged += DATA not in request
            reply(_TAKEN)
        else:
            reply(_NOT_FOUND)


@dataclass(frozen=True, slots=True)
class FileFigures:
    """``rate`` in files a second, p50 and p99 in ms, ``cpu`` in µs a file, ``grown`` in MiB of memory at its most."""

    rate: float
    p50: float
    p99: float
    cpu: float
    grown: float
    lost: int
    doubled: int
    damaged: int

    @property
    def is_sound(self) -> bool:
        """Whether every file came once and whole."""
        return (self.lost, self.doubled, self.damaged) == (0, 0, 0)


async def files_per_second(seconds: float) -> FileFigures:
    """Have a process of its own carry files for ``seconds``. Raises ``Failed`` when it does not come to an end well."""
    platforms = Platforms()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(platforms.answer), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mio_hub.bench.carrier", f"http://{host}:{port}", str(seconds)),
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=bound_to(os.getpid()),
    )
    told, _ = await process.communicate()
    server.close()
    if process.returncode:
        raise Failed(f"the process that carries files ended with code {process.returncode}")
    return figures(Carried(**json.loads(told)), platforms)


def figures(carried: Carried, platforms: Platforms) -> FileFigures:
    """What a process did, and what the platforms have of it."""
    took, number = sorted(carried.took), len(carried.took)
    return FileFigures(
        rate=number / carried.seconds,
        p50=percentile(took, 0.50) * 1000,
        p99=percentile(took, 0.99) * 1000,
        cpu=carried.cpu / max(number, 1) * 1e6,
        grown=carried.grown / 2**20,
        lost=carried.sent - len(platforms.taken),
        doubled=platforms.taken.total() - len(platforms.taken),
        damaged=platforms.damaged,
    )


def files_table(found: FileFigures) -> str:
    """The figures in words."""
    return (
        f"{LABEL}: {found.rate:,.0f} files/s, p50 / p99 {found.p50:,.0f} / {found.p99:,.0f} ms,\n"
        f"{found.cpu:,.0f} µs of CPU a file, memory at its most {found.grown:.1f} MiB more than after warming up; "
        f"lost {found.lost}, doubled {found.doubled}, damaged {found.damaged}"
    )
