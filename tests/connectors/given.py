"""Files that are given to a driver, as a download would give them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from connectors.calls import Calls, Response, T
from connectors.contract import Credentials
from connectors.errors import ConnectorError
from connectors.http import Outgoing, drive
from connectors.streaming import Source


def given(data: bytes, chunk: int = 7, error: ConnectorError | None = None) -> Source:
    """A source of ``data``, ``chunk`` bytes at a time, which breaks with ``error`` after them if there is one."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), chunk):
            yield data[start : start + chunk]
        if error:
            raise error

    @asynccontextmanager
    async def source() -> AsyncIterator[AsyncIterator[bytes]]:
        yield chunks()

    return source


async def whole(outgoing: Outgoing) -> Outgoing:
    """The same with its file as a body of bytes, as a platform sees it."""
    if outgoing.file is None:
        return outgoing
    return replace(outgoing, body=b"".join([chunk async for chunk in outgoing.file.chunks()]))


def uploaded(calls: Calls[T], answer: Callable[[Outgoing], Response], credentials: Credentials, data: bytes) -> T:
    """Run a client method that uploads ``data``, over what answers at once."""

    async def send(outgoing: Outgoing) -> Response:
        return answer(await whole(outgoing))

    return asyncio.run(drive(calls, send, credentials, source=given(data)))
