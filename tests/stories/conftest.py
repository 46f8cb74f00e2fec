"""The stories run the real processes."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.stack import Stack, running


@pytest.fixture
def stack(platform_secrets: dict[str, Any], redis: Redis, transactional_db: Any, tmp_path: Path) -> Iterator[Stack]:
    """Web, worker, beat and the four platforms, with the demo company."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with running(platform_secrets, tmp_path, port) as started:
        yield started
