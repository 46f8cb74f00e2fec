"""The process that carries files in a benchmark, as a worker does: `python -m mio_hub.bench.carrier <url> <seconds>`.

It prints one JSON object. There is no Hub around it: what is measured is the way of the bytes alone.
"""

import asyncio
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import count

import aiohttp
import uvloop

import connectors
from connectors.contract import Connector, Credentials
from connectors.downloads import opening_over_aiohttp
from connectors.http import over_aiohttp
from connectors.messages import AccountId, Attachment, Byline, ConversationId, Draft, WorkspaceId
from connectors.richtext import Document
from mio_hub.bench import traffic
from relay.files import AT_ONCE, Files

WARM_UP_SECONDS = 1.0
"""Carrying before the measured window, or as long as that if it is shorter: connections are made, buffers find their size."""
SIZE = 1_000_000
"""Bytes of a file."""
HANDLE = "https://files.slack.com/files-pri/T0BENCH001-F0BENCH001/{}"
"""Where Slack keeps the file of a number."""


@dataclass
class Carried:
    """``sent`` files in all; of those within the measured ``seconds``: ``took`` (seconds each), ``cpu`` seconds of this
    process, ``grown`` bytes by which the most memory it ever had became more."""

    sent: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    grown: int = 0
    took: list[float] = field(default_factory=list)


class Carrier:
    """Carries new files, ``AT_ONCE`` at a time, until it is stopped."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._origin = _connector("slack", "bot")
        self._target = _connector("webex", "service")
        self._numbers = count()
        self._open = True
        self.took: list[float] = []

    async def run(self, seconds: float) -> Carried:
        """Carry for ``seconds`` after a warm-up, and finish what is on its way."""
        async with asyncio.TaskGroup() as lanes:
            for _ in range(AT_ONCE):
                lanes.create_task(self._lane())
            await asyncio.sleep(min(WARM_UP_SECONDS, seconds))
            first, begin, cpu, memory = len(self.took), time.perf_counter(), time.process_time(), _most_memory()
            await asyncio.sleep(seconds)
            last, end, used, grown = len(self.took), time.perf_counter(), time.process_time(), _most_memory()
            self._open = False
        return Carried(len(self.took), end - begin, used - cpu, grown - memory, self.took[first:last])

    async def _lane(self) -> None:
        while self._open:
            begin = time.perf_counter()
            await self._carry(next(self._numbers))
            self.took.append(time.perf_counter() - begin)

    async def _carry(self, number: int) -> None:
        """As a delivery does: look whether it can cross, then bring it over."""
        shared = Attachment(f"build {number}.log", "text/plain", HANDLE.format(number), SIZE)
        examined = await self._files.examine(self._origin, shared, self._target)
        draft = Draft(ConversationId(traffic.room(0)), Document(()), f"nonce{number}", Byline("Person 1", "Slack"))
        await self._files.carry(self._origin, examined.attachment, self._target, draft)


def _connector(slug: str, token: str) -> Connector:
    return connectors.get(slug)(Credentials(WorkspaceId(""), AccountId(traffic.SERVICE_USER), {token: "bench"}))


def _most_memory() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


async def carry(url: str, seconds: float) -> Carried:
    """Carry between the platforms at ``url``."""
    async with aiohttp.ClientSession() as session:
        files = Files(over_aiohttp(session), opening_over_aiohttp(session), url)
        return await Carrier(files).run(seconds)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(carry(sys.argv[1], float(sys.argv[2]))))))
