"""The tests' own database: its address for other processes, and the connections of this one."""

import asyncio
import select
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, Self
from urllib.parse import quote

import psycopg
import pytest
from django.db import connections
from psycopg.pq import TransactionStatus


def address(name: str = "") -> str:
    """The URL of this process's database, or of another one on the same server."""
    here = connections["default"].settings_dict
    return f"postgresql://{here['USER']}@/{name or here['NAME']}?host={quote(str(here['HOST']), safe='')}"


@contextmanager
def kept_connections() -> Iterator[None]:
    """Connections stay open when they are closed, for whoever asks for the same one next.

    A worker's slice opens half a dozen for five minutes' work, and each thread one of its own. In tests that work takes a
    tenth of a second, and new server processes, that plan every statement anew, were more than a third of what a story cost.
    """
    connect = psycopg.connect

    def connected(conninfo: str = "", **parameters: Any) -> Any:
        """Those that come with a URL are to other servers."""
        return connect(conninfo, **parameters) if conninfo else Kept.connect(**parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg, "connect", connected)
        patch.setattr(psycopg, "AsyncConnection", AsyncKept)
        yield
        for kept in chain.from_iterable(_idle.values()):
            kept.pgconn.finish()
        _idle.clear()


_idle: dict[str, list[Any]] = {}


class Kept(psycopg.Connection[Any]):
    """Django's, and those of the tests themselves."""

    _place: list["Kept"]

    @classmethod
    def connect(cls, conninfo: str = "", **parameters: Any) -> Self:  # type: ignore[override]  # Any, for Psycopg's own
        place = _place(cls, conninfo, parameters)
        while place:
            kept = place.pop()
            if _is_well(kept):
                kept.autocommit = parameters.get("autocommit", False)
                return kept
            kept._hang_up()
        made = super().connect(conninfo, **parameters)
        made._place = place
        return made

    def close(self) -> None:
        if not _is_idle(self):
            self._hang_up()
        elif self not in self._place:
            self._place.append(self)

    def _hang_up(self) -> None:
        super().close()


class AsyncKept(psycopg.AsyncConnection[Any]):
    """The relay's."""

    _place: list["AsyncKept"]

    @classmethod
    async def connect(cls, conninfo: str = "", **parameters: Any) -> Self:  # type: ignore[override]  # as above
        place = _place(cls, conninfo, parameters)
        while place:
            kept = place.pop()
            if _is_well(kept):
                kept.lock = asyncio.Lock()  # the old one may belong to a loop that is over
                return kept
            await kept._hang_up()
        made = await super().connect(conninfo, **parameters)
        made._place = place
        return made

    async def close(self) -> None:
        if not (self.autocommit and _is_idle(self)):
            await self._hang_up()
        elif self not in self._place:
            self._place.append(self)

    async def _hang_up(self) -> None:
        await super().close()


def _place(kind: type, conninfo: str, parameters: dict[str, Any]) -> list[Any]:
    return _idle.setdefault(repr((kind, conninfo, sorted(parameters.items()))), [])


def _is_idle(connection: "Kept | AsyncKept") -> bool:
    return connection.pgconn.transaction_status == TransactionStatus.IDLE


def _is_well(connection: "Kept | AsyncKept") -> bool:
    """What the server tells an idle connection is that it ends."""
    return not select.select([connection.fileno()], [], [], 0)[0]
