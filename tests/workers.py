"""With ``-n``, several processes run the tests at once: each gets whole files, and a Valkey of its own.

Its database is pytest-django's care. A plugin and not a fixture, for the Valkey must be there before Django reads its
settings; what the tests start inherits it.
"""

import gc
import os
import re
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

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


class FileByFile(LoadFileScheduling):
    """A file is for one process, and so are all files of a group: they share something that takes long to start.

    The groups are those of ``xdist_group``; xdist's own ``loadgroup`` keeps no file together, and under pytest 9 no group.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(self.config.rootpath / super()._split_scope(nodeid))

    def _reschedule(self, node: WorkerController) -> None:
        """A process is given its next file with the last test of the one before, for it begins no test without knowing what
        comes after. xdist gives it two tests earlier: where each takes a minute, files waited behind them to the very end,
        while the other processes had nothing to do any more."""
        if self._pending_of(self.assigned_work[node]) <= 1:
            super()._reschedule(node)


@cache
def _group(file: Path) -> str:
    """Read from the file, for whoever shares out knows nothing but names."""
    named = re.search(r'mark\.xdist_group\("(\w+)"\)', file.read_text(encoding="utf-8"))
    return named[1] if named else str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileByFile | None:
    return FileByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_configure() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """What was read and collected by now stays to the end: to look through it again and again took a tenth of the time, and
    to look for garbage every 700 objects another tenth."""
    gc.set_threshold(20_000, 10, 10)
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with slow tests first: at the end, all processes have something quick to do."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        items.sort(key=lambda item: -slow[item.path])
