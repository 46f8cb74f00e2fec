"""Speaks to the sandbox on behalf of the page, so that the browser needs to know one address only."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

ANSWER_SECONDS = 5.0
"""The sandbox answers from memory, on this machine or the next one."""

QUIET_SECONDS = 60.0
"""The stream says something every quarter of a minute; a minute's silence means that the sandbox is gone."""


class Away(Exception):
    """The sandbox cannot be reached."""


async def do(base: str, deed: str, words: Mapping[str, str]) -> tuple[int, Any]:
    """Do what somebody does, one of ``DEEDS``. The sandbox's own status and answer."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{base}/{deed}", json=words) as answer,
        ):
            return answer.status, await answer.json()
    except aiohttp.ContentTypeError:
        return HTTPStatus.BAD_GATEWAY, {"error": "The sandbox could not do this, and nothing was sent."}
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Away from error


async def picture(base: str, which: Mapping[str, str]) -> tuple[int, str, bytes]:
    """A picture that was shared: status, type and bytes."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{base}/picture", params=which) as answer,
        ):
            return answer.status, answer.content_type, await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Away from error


async def stream(base: str) -> AsyncIterator[bytes]:
    """The sandbox's events as they come. Raises ``Away`` when it is not there at all, ends when it goes later."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_SECONDS, sock_read=QUIET_SECONDS)
    begun = False
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{base}/stream") as answer:
            async for chunk in answer.content.iter_any():
                begun = True
                yield chunk
    except (aiohttp.ClientError, TimeoutError) as error:
        if not begun:
            raise Away from error
