"""A whole benchmark, for tests."""

import subprocess
from pathlib import Path

import pytest

from mio_hub import embedded, supervisor

RUN_WITHIN = 300.0
"""Seconds for a run that takes twenty: the machine may be busy with the rest of the suite, and slow besides."""


def bench_run(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> "subprocess.CompletedProcess[str]":
    """The benchmark as `./hub bench` runs it, without waiting for the disk: its figures are not looked at."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    with embedded.servers(folder, fresh=True, durable=False) as servers:
        environment = supervisor.throw_away_environment(servers)
        command = [*supervisor.MANAGE, "bench", *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_WITHIN, check=False)
