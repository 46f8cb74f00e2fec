"""The whole product for browser tests: what `./hub up` starts, in a folder and on ports of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from mio_hub import development

UP = """
import sys
from pathlib import Path
from mio_hub import supervisor
supervisor.VAR = Path(sys.argv[1])
sys.exit(supervisor.main("up", []))
"""

SERVERS = ("DATABASE_URL", "REDIS_URL")
"""Taken out of the environment: the suite's servers are for the suite, the product starts its own."""

STOPPED_WITHIN = 40.0
"""Seconds; longer than the graces of all its processes together."""


@pytest.fixture(scope="module")
def hub_url(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Hub with web, worker, beat, sandbox and demo company; not started where no browser is."""
    folder = tmp_path_factory.mktemp("hub")
    port, sandbox_port = free_port(), free_port()
    with subprocess.Popen(
        [sys.executable, "-c", UP, folder],
        env=environment(folder, port, sandbox_port),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until_up(process)
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STOPPED_WITHIN)


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
