"""With ``-n``, several processes run the tests at once: each gets a Valkey of its own. Its database is pytest-django's care.

A plugin and not a fixture, for it must be there before Django reads its settings; what the tests start inherits it.
"""

import os
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mio_hub import embedded


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    if "PYTEST_XDIST_WORKER" in os.environ:
        servers = ExitStack()
        early_config.add_cleanup(servers.close)
        folder = Path(servers.enter_context(tempfile.TemporaryDirectory(prefix="mio-", dir=embedded.short_folder())))
        servers.enter_context(embedded.valkey(folder, folder))
        os.environ["REDIS_URL"] = f"unix://{folder / 'valkey.sock'}"
    return (yield)
