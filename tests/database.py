"""The tests' own database: its address for other processes, and the relay's connections to it."""

import asyncio
import select
from itertools import chain
from typing import Any, ClassVar, Self
from urllib.parse import quote

import psycopg
from django.db import connections
from psycopg.pq import TransactionStatus


def address(name: str = "") -> str:
    """The URL of this process's database, or of another one on the same server."""
    here = connections["default"].settings_dict
    return f"postgresql://{here['USER']}@/{name or here['NAME']}?host={quote(str(here['HOST']), safe='')}"


class KeptConnection(psycopg.AsyncConnection[Any]):
    """Stays open when it is closed, for whoever asks for the same one next.

    A worker's slice opens half a dozen for five minutes' work. In tests it works for a tenth of a second, and a new server
    process for each, that plans every statement anew, was a third of all that a story cost.
    """

    _idle: ClassVar[dict[str, list["KeptConnection"]]] = {}
    _place: list["KeptConnection"]

    @classmethod
    async def connect(cls, conninfo: str = "", **parameters: Any) -> Self:  # type: ignore[override]  # Any, for Psycopg's own
        place = cls._idle.setdefault(repr((conninfo, sorted(parameters.items()))), [])
        while place:
            kept = place.pop()
            if kept._is_well():
                kept.lock = asyncio.Lock()  # the old one may belong to a loop that is over
                return kept
            await kept._hang_up()
        made = await super().connect(conninfo, **parameters)
        made._place = place
        return made

    async def close(self) -> None:
        if self.autocommit and self.pgconn.transaction_status == TransactionStatus.IDLE:
            self._place.append(self)
        else:
            await self._hang_up()

    def _is_well(self) -> bool:
        """What the server tells an idle connection is that it ends."""
        return not select.select([self.fileno()], [], [], 0)[0]

    async def _hang_up(self) -> None:
        await super().close()

    @classmethod
    def finish(cls) -> None:
        """Hang up all."""
        for kept in chain.from_iterable(cls._idle.values()):
            kept.pgconn.finish()
        cls._idle.clear()
