"""The stories run the real processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from mio_hub.bench.layout import free_port
from tests.stack import Stack, running


@pytest.fixture
def stack(platform_secrets: dict[str, Any], redis: Redis, transactional_db: Any, tmp_path: Path) -> Iterator[Stack]:
    """Web, worker, beat and the four platforms, with the demo company."""
    with running(platform_secrets, tmp_path, free_port()) as started:
        yield started
