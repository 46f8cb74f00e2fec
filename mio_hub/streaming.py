"""Answers that are sent bit by bit, to readers who may be slow."""

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import StreamingHttpResponse

Chunk = TypeVar("Chunk", str, bytes)


def streamed(chunks: AsyncIterator[Chunk], content_type: str, headers: Mapping[str, str]) -> StreamingHttpResponse:
    """The answer that brings ``chunks``, and keeps no connection to the database while its reader is slow."""
    return StreamingHttpResponse(_unhurried(chunks), content_type=content_type, headers=headers)


async def _unhurried(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    """While a chunk is on its way, the connection to the database is for other pages."""
    async for chunk in chunks:
        await sync_to_async(_give_back)()
        yield chunk


def _give_back() -> None:
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
