"""Reading files from a platform: the answer's body is passed on in chunks, with no more of it in memory than a few."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace

import aiohttp

from connectors.calls import Call, Response
from connectors.contract import Credentials
from connectors.errors import Refused
from connectors.http import (
    AnswerLost,
    NotSent,
    Outgoing,
    headers_of,
    judged_fault,
    prepare,
    request_over,
    whole,
    wire_faults,
)
from connectors.streaming import CHUNK, Incoming

Opener = Callable[[Outgoing], AbstractAsyncContextManager[Incoming]]
"""A transport for answers that are files: they are read while the block lasts. Raises ``NotSent`` and ``AnswerLost``."""


@asynccontextmanager
async def download(
    call: Call, opener: Opener, credentials: Credentials | None, sandbox: str = ""
) -> AsyncIterator[Incoming]:
    """The file behind what ``CarriesFiles.open`` returned. Raises as ``drive`` does, also while it is read."""
    outgoing = prepare(call, credentials, sandbox)
    # Compressed, the length that is told would not be the file's.
    outgoing = replace(outgoing, headers={**outgoing.headers, "Accept-Encoding": "identity"})
    async with AsyncExitStack() as opened:
        try:
            incoming = await opened.enter_async_context(opener(outgoing))
        except (NotSent, AnswerLost) as fault:
            raise judged_fault(call, fault) from fault
        call.judge(call, incoming.response)
        if incoming.response.status != 200:
            raise Refused(f"the platform answered with HTTP {incoming.response.status} in place of the file")
        yield replace(incoming, chunks=_judged(call, incoming.chunks))


async def _judged(call: Call, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except AnswerLost as fault:
        raise judged_fault(call, fault) from fault


def opening_over_aiohttp(session: aiohttp.ClientSession) -> Opener:
    """An opener that uses ``session``; the caller owns and closes it."""

    @asynccontextmanager
    async def opening(outgoing: Outgoing) -> AsyncIterator[Incoming]:
        with wire_faults():
            answer = await request_over(session, outgoing)
        try:
            with wire_faults():
                is_file = answer.status == 200
                response = Response(answer.status, b"", headers_of(answer)) if is_file else await whole(answer)
            yield Incoming(response, _chunks(answer.content))
        finally:
            answer.close()  # of a file that was not read to its end, no more is taken in

    return opening


async def _chunks(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    with wire_faults():
        async for chunk in content.iter_chunked(CHUNK):
            yield chunk
