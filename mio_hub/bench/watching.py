"""What happens while imports run: the memory of their workers, and what the platforms were asked and refused."""

import threading
from collections import Counter
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]  # it has no types
import requests

from mio_hub.bench.cpu import family
from mio_hub.bench.layout import Pipeline

MEMORY_SECONDS = 0.1
"""Between two looks at memory: a page of people lives for about as long."""
LOG_SECONDS = 1.0
"""Between two looks at the sandbox's log, which holds 5,000 requests: ten times what it answers in that time."""
TOO_MANY = 429


@dataclass
class Watch:
    """Looks from threads of its own, from ``with`` to its end.

    ``largest`` is the MiB of the largest process of the role, ``together`` of all of them, memory that they share counted
    once. ``asked`` are requests by platform and status.
    """

    pipeline: Pipeline
    role: str
    sandbox: str
    largest: float = 0.0
    together: float = 0.0
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)

    def __enter__(self) -> "Watch":
        self._over = threading.Event()
        self._threads = [threading.Thread(target=look) for look in (self._look_at_memory, self._look_at_log)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def calls(self, slug: str) -> int:
        """Requests that a platform got, those it refused included."""
        return sum(times for (platform, _), times in self.asked.items() if platform == slug)

    def refused(self, slug: str) -> int:
        """Requests that a platform answered with 429."""
        return self.asked[slug, TOO_MANY]

    def _look_at_memory(self) -> None:
        while not self._over.wait(MEMORY_SECONDS):
            resident, proportional = _memory(self.pipeline.pids(self.role)[0])
            self.largest = max(self.largest, resident)
            self.together = max(self.together, proportional)

    def _look_at_log(self) -> None:
        since, is_over = 0.0, False
        with requests.Session() as session:
            session.trust_env = False
            while not is_over:
                is_over = self._over.wait(LOG_SECONDS)  # once more after the end
                told = session.get(f"{self.sandbox}/log", params={"since": repr(since)}, timeout=30).json()
                for request in told["requests"]:
                    self.asked[request["platform"], request["status"]] += 1
                    since = request["at"]


def _memory(pid: int) -> tuple[float, float]:
    """MiB: the most of one process, and of a process with its descendants."""
    resident, proportional = [0.0], 0.0
    for process in family(pid):
        try:
            memory = process.memory_full_info()
        except psutil.Error:  # it has just been killed
            continue
        resident.append(memory.rss / 2**20)
        proportional += getattr(memory, "pss", memory.uss) / 2**20  # only Linux knows how many share a page
    return max(resident), proportional
