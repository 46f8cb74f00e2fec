"""The whole product for browser tests: what `./hub up` starts, in a folder and on ports of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from mio_hub import development

HUB = """
import sys
from pathlib import Path
from mio_hub import supervisor
supervisor.VAR = Path(sys.argv[1])
sys.exit(supervisor.main(sys.argv[2], sys.argv[3:]))
"""
"""A verb of `./hub`, in a folder of its own."""

SERVERS = ("DATABASE_URL", "REDIS_URL")
"""Taken out of the environment: the suite's servers are for the suite, the product starts its own."""

STOPPED_WITHIN = 40.0
"""Seconds; longer than the graces of all its processes together."""


@dataclass(frozen=True)
class RunningHub:
    """A Hub with web, worker, beat, sandbox and demo company."""

    url: str
    folder: Path
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """What a command of `manage.py` writes, beside the running product."""
        command = [sys.executable, "-c", HUB, str(self.folder), "manage", *arguments]
        return subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.fixture(scope="module")
def running_hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Not started where no browser is."""
    folder = tmp_path_factory.mktemp("hub")
    port, sandbox_port = free_port(), free_port()
    own = environment(folder, port, sandbox_port)
    with subprocess.Popen(
        [sys.executable, "-c", HUB, folder, "up"], env=own, stdout=subprocess.PIPE, text=True
    ) as process:
        wait_until_up(process)
        yield RunningHub(f"http://127.0.0.1:{port}", folder, own)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STOPPED_WITHIN)


@pytest.fixture(scope="module")
def hub_url(running_hub: RunningHub) -> str:
    """Its address."""
    return running_hub.url


def environment(folder: Path, port: int, sandbox_port: int) -> dict[str, str]:
    own = {name: value for name, value in development.without_settings(os.environ).items() if name not in SERVERS}
    ports = {"MIO_PORT": str(port), "MIO_SANDBOX_PORT": str(sandbox_port)}
    return own | ports | {"MIO_BEAT_SCHEDULE_FILE": str(folder / "beat-schedule")}


def wait_until_up(process: "subprocess.Popen[str]") -> None:
    """Read what it writes until it says so; it gives up by itself when something does not start."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Mio Hub is up" in line:
            return
    pytest.fail("the Hub did not start:\n" + "".join(lines))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
