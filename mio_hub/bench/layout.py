"""The processes under measurement, started as in production and stopped with the benchmark."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mio_hub.processes import bound_to
from mio_hub.supervisor import services

STOP_SECONDS = 15.0
"""How long a process may take to stop before it is killed; a worker finishes its slice first."""
START_SECONDS = 30.0
"""How long a web process may take to listen. Two are usual."""
LAST_LINES = 15
"""Of a log, shown when something did not work."""
ROLES = ("worker", "beat", "web")
PORTS = range(20_000, 32_000)
"""None of those from which connections go out: Linux takes them from 32,768, macOS from 49,152."""
NOTHING: Mapping[str, str] = {}


class Failed(Exception):
    """A process ended, or nothing came through. Its text is fit to be shown."""


@dataclass
class Pipeline:
    """A web process, a worker, and whatever else belongs to them. ``port`` is where webhooks are taken."""

    name: str
    port: int
    logs: Path
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _started: dict[str, tuple[list[str], Mapping[str, str]]] = field(default_factory=dict)

    def pids(self, role: str) -> list[int]:
        """The process numbers of a role, ``web`` or ``worker``."""
        return [self.processes[role].pid]

    def start(self, role: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start one process; it ends with this one, however this one ends."""
        self._started[role] = command, environment
        with self._log(role).open("wb") as log:
            self.processes[role] = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; they are stopped in order
                preexec_fn=bound_to(os.getpid()),  # noqa: PLW1509 - nothing else runs here yet, no thread either
            )

    def replace(self, role: str) -> None:
        """End a process as a power cut would, with everything it started, and start another one like it."""
        process = self.processes[role]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.start(role, *self._started[role])

    async def listening(self) -> None:
        """Wait until the web process takes connections. Raises ``Failed``."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not _answers(self.port):
            self.check()
            if asyncio.get_running_loop().time() > deadline:
                raise Failed(f"the {self.name} web process does not listen.\n{self.last_words()}")
            await asyncio.sleep(0.05)

    def check(self) -> None:
        """Raise ``Failed`` when one of the processes has ended."""
        for role, process in self.processes.items():
            if process.poll() is not None:
                raise Failed(f"the {self.name} {role} ended with code {process.returncode}.\n{self.last_words()}")

    def last_words(self) -> str:
        """The ends of all logs."""
        logs = {role: self._log(role).read_text(errors="replace").splitlines()[-LAST_LINES:] for role in self.processes}
        return "\n".join(f"{self.name} {role} | {line}" for role, lines in logs.items() for line in lines)

    def stop(self) -> None:
        """Ask all, last started first, and wait; kill who does not listen, with everything it started."""
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _log(self, role: str) -> Path:
        return self.logs / f"{self.name}-{role}.log"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port of this machine that nobody uses at the moment, and that no outgoing connection takes before a server does."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def the_hub(
    platform_url: str, folder: Path, roles: Collection[str] = ROLES, extra: Mapping[str, str] = NOTHING
) -> Iterator[Pipeline]:
    """The Hub's own processes, as `./hub up` starts them: all of them or some ``roles``, with ``extra`` settings."""
    pipeline = Pipeline("hub", free_port(), folder)
    environment = os.environ | {
        "MIO_SANDBOX_URL": platform_url,
        "MIO_PORT": str(pipeline.port),
        "MIO_BEAT_SCHEDULE_FILE": str(folder / "beat-schedule"),
        **extra,
    }
    with _running(pipeline):
        for role, command, _ in services(environment):
            if role in roles:
                pipeline.start(role, command, environment)
        yield pipeline


@contextmanager
def the_bare_one(platform_url: str, folder: Path, processes: int) -> Iterator[Pipeline]:
    """The bare pipeline in the same layout, its worker with as many pool ``processes`` as the Hub's."""
    pipeline = Pipeline("bare", free_port(), folder)
    environment = os.environ | {"MIO_SANDBOX_URL": platform_url}
    module = "mio_hub.bench.bare"
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", module, "worker", f"--concurrency={processes}"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    uvicorn = [sys.executable, "-m", "uvicorn", f"{module}:application", "--no-access-log", "--lifespan", "on"]
    with _running(pipeline):
        pipeline.start("worker", [*celery, *quiet], environment)
        pipeline.start("web", [*uvicorn, "--host", "127.0.0.1", "--port", str(pipeline.port)], environment)
        yield pipeline


@contextmanager
def _running(pipeline: Pipeline) -> Iterator[None]:
    try:
        yield
    finally:
        pipeline.stop()
