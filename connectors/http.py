"""The two drivers that carry ``Call``s to a platform and bring ``Response``s back.

``drive`` runs over aiohttp (delivery), ``drive_blocking`` over requests (imports, OAuth, administration). Both share the
same steps, so a client method behaves the same under either. Redirects are never followed: a token must not travel to a
host that an answer names.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from connectors.calls import Call, Calls, Response, T
from connectors.contract import Credentials
from connectors.errors import ConnectorError, Reconnect, Unavailable, Unsure

CONNECT_SECONDS = 5.0
"""A platform that does not even accept a connection this long is down; the mailbox backs off instead of waiting."""
ANSWER_SECONDS = 30.0
"""Graph and Webex answer slow posts within about 20 s; later than this the answer is taken as lost."""
LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes. The longest page any of our calls asks for is far below; more would be an attack on our memory."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A ``Call`` made ready for the wire: final address, token in place, body in bytes."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class NotSent(Exception):
    """A transport could not reach the platform: nothing left this machine."""


class AnswerLost(Exception):
    """A transport sent the request and got no complete answer."""


Transport = Callable[[Outgoing], Awaitable[Response]]
BlockingTransport = Callable[[Outgoing], Response]


def prepare(call: Call, credentials: Credentials | None, sandbox: str = "") -> Outgoing:
    """Sign and encode a call. ``sandbox`` is the base address under which real host names are path prefixes."""
    headers = dict(call.headers)
    if credentials is not None and call.token:
        try:
            headers["Authorization"] = f"Bearer {credentials.tokens[call.token]}"
        except KeyError:
            raise Reconnect(f"no {call.token} token: the connection was never completed") from None
    body = None
    if call.json is not None:
        body = json.dumps(call.json, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        headers["Content-Type"] = "application/json; charset=utf-8"
    elif call.form is not None:
        body = urlencode(call.form, errors="replace").encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    url = f"{sandbox}/{call.url.removeprefix('https://')}" if sandbox else call.url
    if call.query:
        url = f"{url}?{urlencode(call.query)}"
    return Outgoing(call.method, url, headers, body)


def _fault(call: Call, fault: Exception) -> ConnectorError:
    if isinstance(fault, AnswerLost) and not call.repeatable:
        return Unsure("the answer was lost on the way")
    return Unavailable("the platform could not be reached")


async def drive(calls: Calls[T], transport: Transport, credentials: Credentials | None, sandbox: str = "") -> T:
    """Run a client method to its result over an asynchronous transport. Raises the error family of ``errors.py``."""
    try:
        call = next(calls)
        while True:
            try:
                if call.after:
                    await asyncio.sleep(call.after)
                response = await transport(prepare(call, credentials, sandbox))
                call.judge(call, response)
            except (NotSent, AnswerLost) as fault:
                call = calls.throw(_fault(call, fault))
            except ConnectorError as error:
                call = calls.throw(error)
            else:
                call = calls.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


def drive_blocking(
    calls: Calls[T], transport: BlockingTransport, credentials: Credentials | None, sandbox: str = ""
) -> T:
    """The same as ``drive`` over a blocking transport."""
    try:
        call = next(calls)
        while True:
            try:
                if call.after:
                    time.sleep(call.after)
                response = transport(prepare(call, credentials, sandbox))
                call.judge(call, response)
            except (NotSent, AnswerLost) as fault:
                call = calls.throw(_fault(call, fault))
            except ConnectorError as error:
                call = calls.throw(error)
            else:
                call = calls.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


def over_aiohttp(session: aiohttp.ClientSession) -> Transport:
    """A transport that uses ``session``; the caller owns and closes it."""
    # No total: waiting for a free socket is not the platform being slow, and nothing has been sent by then.
    timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS)

    async def send(outgoing: Outgoing) -> Response:
        try:
            async with session.request(
                outgoing.method,
                outgoing.url,
                headers=outgoing.headers,
                data=outgoing.body,
                allow_redirects=False,
                timeout=timeout,
            ) as answer:
                body = b"".join([chunk async for chunk in _bounded(answer.content)])
                return Response(answer.status, body, {name.lower(): value for name, value in answer.headers.items()})
        except aiohttp.ClientConnectorError as fault:
            raise NotSent from fault
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise AnswerLost from fault

    return send


async def _bounded(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > LARGEST_ANSWER:
            raise AnswerLost  # whatever was asked for was done: not a refusal
        yield chunk


def over_requests(session: requests.Session) -> BlockingTransport:
    """A blocking transport that uses ``session``; the caller owns and closes it."""

    def send(outgoing: Outgoing) -> Response:
        try:
            answer = session.request(
                outgoing.method,
                outgoing.url,
                headers=dict(outgoing.headers),
                data=outgoing.body,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                stream=True,
            )
            body = answer.raw.read(LARGEST_ANSWER + 1, decode_content=True)
        except requests.ConnectionError as fault:
            raise (NotSent if _never_connected(fault) else AnswerLost) from fault
        except (requests.RequestException, HTTPError) as fault:
            raise AnswerLost from fault
        if len(body) > LARGEST_ANSWER:
            raise AnswerLost  # whatever was asked for was done: not a refusal
        return Response(answer.status_code, body, {name.lower(): value for name, value in answer.headers.items()})

    return send


def _never_connected(fault: requests.ConnectionError) -> bool:
    reason = getattr(fault.args[0], "reason", None) if fault.args else None
    return isinstance(fault, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)
