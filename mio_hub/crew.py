"""Several processes run as one: their output side by side, restarted when they die, stopped in reverse order."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from mio_hub.processes import bound_to

BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before the first, second, … restart in a row: quick after a slip, patient with a mistake being edited."""

STEADY_AFTER = 60.0
"""Seconds of life after which the next death counts as the first again."""

COLOURS = (36, 35, 33, 32, 34)
"""ANSI colours of the name columns, in the order of starting."""

NAME_WIDTH = 8


class Member:
    """One process: its command, its log, and when to try again."""

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str], log: Path, *, grace: float, prefix: str
    ) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = log.open("wb")  # of this run only, so that nothing needs rotating
        self.grace = grace
        self.prefix = prefix.encode()
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.restart_at = 0.0
        self.deaths = 0
        self.unfinished_line = b""

    def start(self) -> IO[bytes]:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops everyone in order
            preexec_fn=bound_to(os.getpid()),
        )
        assert self.process.stdout is not None  # noqa: S101 - asked for above
        return self.process.stdout

    def ended(self) -> int | None:
        """The exit code, once."""
        code = self.process.poll() if self.process else None
        if code is not None:
            self.process = None
        return code

    def plan_restart(self) -> float:
        """When to start again. Returns the pause in seconds."""
        now = time.monotonic()
        self.deaths = 0 if now - self.started_at > STEADY_AFTER else self.deaths
        pause = BACK_OFF[min(self.deaths, len(BACK_OFF) - 1)]
        self.deaths += 1
        self.restart_at = now + pause
        return pause

    def show(self, output: bytes) -> None:
        self.log.write(output)
        self.log.flush()
        *lines, self.unfinished_line = (self.unfinished_line + output).split(b"\n")
        for line in lines:
            sys.stdout.buffer.write(self.prefix + line + b"\n")
        sys.stdout.flush()

    def tell(self, signal_number: signal.Signals) -> None:
        if self.process:
            self.process.send_signal(signal_number)

    def kill(self) -> None:
        """With everything it has started: it leads a session of its own."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Crew:
    """The processes, and the loop that reads and revives them. One thread: the kernel ties children to threads."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        self.members: list[Member] = []
        self.selector = selectors.DefaultSelector()

    def start(self, name: str, command: list[str], environment: Mapping[str, str], *, grace: float = 10.0) -> None:
        """`grace`: seconds between being asked to stop and being killed."""
        log = self.logs / f"{name}.log"
        member = Member(name, command, environment, log, grace=grace, prefix=self.prefix(name))
        self.members.append(member)
        self.listen_to(member)

    def prefix(self, name: str) -> str:
        column = f"{name:>{NAME_WIDTH}} | "
        return f"\033[{COLOURS[len(self.members) % len(COLOURS)]}m{column}\033[0m" if sys.stdout.isatty() else column

    def listen_to(self, member: Member) -> None:
        self.selector.register(member.start(), selectors.EVENT_READ, member)

    def tend(self, seconds: float) -> None:
        """Show output and restart the dead, for about so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.read(left)
        for member in self.members:
            code = member.ended()
            if code is not None:
                pause = member.plan_restart()
                member.show(f"ended with code {code}; it is started again in {pause:g} s\n".encode())
            elif member.process is None and time.monotonic() >= member.restart_at:
                self.listen_to(member)

    def read(self, seconds: float) -> None:
        for key, _ in self.selector.select(seconds):
            output = os.read(key.fd, 65536)
            if output:
                key.data.show(output)
            else:
                self.selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]  # only pipes are registered

    def stop(self) -> None:
        """Ask one after the other, the last started first, and wait for each."""
        for member in reversed(self.members):
            member.tell(signal.SIGTERM)
            deadline = time.monotonic() + member.grace
            while member.process and member.process.poll() is None and time.monotonic() < deadline:
                self.read(0.05)
            member.kill()
            self.read(0)
            member.log.close()
