"""The real processes: web, workers and beat on the test's own database and Valkey, with the fakes over HTTP."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import psutil
import requests
from django.conf import settings

from connectors.messages import ConversationId
from connectors.sandbox import Fault, World
from mio_hub import platforms
from mio_hub.sandbox import demo
from mio_hub.sandbox.threads import served
from mio_hub.supervisor import services
from relay.models import Delivery, InboundEvent
from tests.database import address

ROOT = Path(__file__).resolve().parent.parent
CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "mio_hub"]
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
PATIENCE = 60.0
"""Seconds for anything to happen: usual are a few, a crash costs a lease and a look more."""


class Stack:
    """The processes, what they wrote, and the world they serve."""

    def __init__(self, world: World, hub: str, sandbox: str, folder: Path) -> None:
        self.world = world
        self.hub = hub
        self.sandbox = sandbox
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self._environment = self._settings()

    def _settings(self) -> dict[str, str]:
        secrets = {
            platforms.variable(slug, field.name): getattr(held, field.name)
            for known in (settings.MIO_PLATFORM_SECRETS, settings.MIO_PLATFORM_APPS)
            for slug, held in known.items()
            for field in fields(held)
        }
        return (
            os.environ
            | secrets
            | {
                "DATABASE_URL": address(),
                "MIO_BASE_URL": self.hub,
                "MIO_SANDBOX_URL": self.sandbox,
                "MIO_BEAT_SCHEDULE_FILE": str(self.folder / "beat"),
                "MIO_HTTPS": "false",
                "MIO_ALLOWED_HOSTS": "127.0.0.1",
            }
        )

    def start_all(self) -> None:
        """Web, one worker and beat."""
        self.start_web()
        self.start_worker()
        self.start("beat", [*CELERY, "beat", "--pidfile="])
        self.wait_until(self._is_healthy)

    def _is_healthy(self) -> bool:
        try:
            return requests.get(f"{self.hub}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    def start_web(self) -> subprocess.Popen[bytes]:
        """The web process, at the address the platforms know."""
        commands = {name: command for name, command, _ in services({"MIO_PORT": self.hub.rpartition(":")[2]})}
        return self.start("web", commands["web"])

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One more worker; it shares the shards with the others."""
        return self.start(
            "worker", [*CELERY, "worker", "--queues", "default,shards,imports", "--concurrency=3", *QUIET]
        )

    def start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """A process whose output goes to the folder's logs."""
        log = (self.folder / f"{name}-{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            command, env=self._environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As a power cut would: the process and all it started, at once."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        """End everything that still runs and is asked nothing any more."""
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)

    def stop(self) -> None:
        """End everything that still runs as an operator would, so that it finishes what it is doing."""
        for process in self.processes:
            family = [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            psutil.wait_procs(family, timeout=5)

    def logs(self) -> str:
        """All that the processes wrote."""
        return "\n".join(log.read_text(errors="replace") for log in sorted(self.folder.glob("*.log")))

    def person(self, slug: str, who: str) -> str:
        """The id of somebody on a platform."""
        return next(person.id for person in self.world.fakes[slug].people() if person.name == who)

    def place(self, slug: str, channel: str = "general") -> ConversationId:
        """The id of a channel on a platform."""
        return next(place.conversation for place in self.world.fakes[slug].places() if place.name == channel)

    def say(self, slug: str, who: str, text: str, channel: str = "general") -> None:
        """Somebody types in a platform's client."""
        said = {"platform": slug, "person": self.person(slug, who), "conversation": self.place(slug, channel)}
        said["text"] = text
        requests.post(f"{self.sandbox}/say", json=said, timeout=10).raise_for_status()

    def read(self, slug: str, channel: str = "general") -> list[str]:
        """What a platform's client shows, one HTML text per message."""
        while True:
            with suppress(RuntimeError):  # the fakes live in another thread, which may be adding a message just now
                return [message.html for message in self.world.fakes[slug].shown(self.place(slug, channel))]

    def wait_until(self, happened: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Wait for something; says what the processes wrote when it never happens."""
        deadline = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > deadline:
                raise AssertionError(f"it never happened; the logs end so:\n{self.logs()[-6000:]}")
            time.sleep(0.05)

    def refuse(self, slug: str, status: int) -> None:
        """From now on a platform answers every call with an error."""
        self.world.faults.append(Fault(slug, status=status))

    def accepted(self) -> int:
        """How many webhooks were taken in, our own messages coming back included."""
        return InboundEvent.objects.count()

    def nothing_is_left(self) -> bool:
        """Whether every event is routed and every delivery has come to an end."""
        return not (InboundEvent.objects.filter(state=0).exists() or Delivery.objects.filter(state__lt=3).exists())


@contextmanager
def running(secrets: dict[str, Any], folder: Path, port: int) -> Iterator[Stack]:
    """The whole product with its company linked, for as long as the block lasts."""
    hub = f"http://127.0.0.1:{port}"
    world = World(secrets, hub, apps=settings.MIO_PLATFORM_APPS)
    with served(world) as sandbox:
        demo.seed(world)
        stack = Stack(world, hub, sandbox, folder)
        try:
            stack.start_all()
            yield stack
        finally:
            stack.kill_all()
