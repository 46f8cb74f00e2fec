"""The two drivers that carry ``Call``s to a platform and bring ``Response``s back.

``drive`` runs over aiohttp (delivery), ``drive_blocking`` over requests (imports, OAuth, administration). Both share the
same steps, so a client method behaves the same under either; only the first sends files (``downloads.py`` reads them).
Redirects are never followed: a token must not travel to a host that an answer names.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import requests
from urllib3.exceptions import HTTPError, NewConnectionError
from yarl import URL

from connectors.addresses import is_public
from connectors.calls import Call, Calls, Response, T
from connectors.contract import Credentials
from connectors.errors import ConnectorError, NotSupported, Reconnect, Refused, Unavailable, Unsure
from connectors.streaming import FileBody, Source

CONNECT_SECONDS = 5.0
"""A platform that does not even accept a connection this long is down; the mailbox backs off instead of waiting."""
ANSWER_SECONDS = 30.0
"""Graph and Webex answer slow posts within about 20 s; later than this the answer is taken as lost."""
LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes. The longest page any of our calls asks for is far below; more would be an attack on our memory."""
STALLED_SECONDS = 2 * ANSWER_SECONDS
"""An upload of which nothing more was taken for so long is given up. Longer than its source may be silent: that is told
apart."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A ``Call`` made ready for the wire: final address, token in place, body in bytes or a file to be streamed."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    file: FileBody | None = None


class NotSent(Exception):
    """A transport could not reach the platform: nothing left this machine."""


class AnswerLost(Exception):
    """A transport sent the request and got no complete answer."""


class SourceFailed(Unavailable):
    """The source of an upload did not give the bytes it had promised: ``error`` says why. The platform has no file."""

    def __init__(self, error: ConnectorError) -> None:
        super().__init__(str(error))
        self.error = error


Transport = Callable[[Outgoing], Awaitable[Response]]
BlockingTransport = Callable[[Outgoing], Response]


def prepare(call: Call, credentials: Credentials | None, sandbox: str = "", file: FileBody | None = None) -> Outgoing:
    """Sign and encode a call. ``sandbox`` is the base address under which real host names are path prefixes.

    Raises ``Refused`` for an address that is not a public one: some come from payloads and answers.
    """
    if not is_public(call.url):
        raise Refused("an address that is not a platform's")
    headers = dict(call.headers)
    if credentials is not None and call.token:
        if (token := credentials.signing(call.token)) is None:
            raise Reconnect(f"no {call.token} token: the connection was never completed")
        headers["Authorization"] = f"Bearer {token}"
    body = None
    if call.json is not None:
        body = json.dumps(call.json, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        headers["Content-Type"] = "application/json; charset=utf-8"
    elif call.form is not None:
        body = urlencode(call.form, errors="replace").encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif file is not None:
        headers |= {"Content-Type": file.content_type, "Content-Length": str(file.length)}
    url = f"{sandbox}/{call.url.removeprefix('https://')}" if sandbox else call.url
    if call.query:
        url = f"{url}?{urlencode(call.query, errors='replace')}"
    return Outgoing(call.method, url, headers, body, file)


def judged_fault(call: Call, fault: Exception) -> ConnectorError:
    """What a fault of the wire means."""
    if isinstance(fault, AnswerLost) and not call.repeatable:
        return Unsure("the answer was lost on the way")
    return Unavailable("the platform could not be reached")


async def drive(
    calls: Calls[T],
    transport: Transport,
    credentials: Credentials | None,
    sandbox: str = "",
    source: Source | None = None,
) -> T:
    """Run a client method to its result over an asynchronous transport. Raises the error family of ``errors.py``.

    ``source`` gives the file for calls that upload one. Where it fails, ``SourceFailed`` goes straight to the caller: what
    was wrong there is nothing that the client method could judge.
    """
    try:
        call = next(calls)
        while True:
            try:
                if call.after:
                    await asyncio.sleep(call.after)
                if call.upload is None:
                    response = await transport(prepare(call, credentials, sandbox))
                else:
                    response = await _upload(call, transport, credentials, sandbox, source)
                call.judge(call, response)
            except (NotSent, AnswerLost) as fault:
                call = calls.throw(judged_fault(call, fault))
            except SourceFailed:
                raise
            except ConnectorError as error:
                call = calls.throw(error)
            else:
                call = calls.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


async def _upload(
    call: Call, transport: Transport, credentials: Credentials | None, sandbox: str, source: Source | None
) -> Response:
    if call.upload is None or source is None:
        raise NotSupported("a call that uploads needs a driver with a source")
    async with AsyncExitStack() as opened:
        try:
            body = FileBody(call.upload, await opened.enter_async_context(source()))
        except ConnectorError as error:
            raise SourceFailed(error) from error
        try:
            return await transport(prepare(call, credentials, sandbox, body))
        except AnswerLost:
            raise AnswerLost if body.is_sent else NotSent from None
        finally:
            _check(body.fault)


def _check(fault: Exception | None) -> None:
    """Whatever the platform made of half a file, what broke it decides."""
    if isinstance(fault, ConnectorError):
        raise SourceFailed(fault) from fault
    if fault:
        raise fault


def drive_blocking(
    calls: Calls[T], transport: BlockingTransport, credentials: Credentials | None, sandbox: str = ""
) -> T:
    """The same as ``drive`` over a blocking transport. It sends no files: raises ``NotSupported`` for a call that does."""
    try:
        call = next(calls)
        while True:
            try:
                if call.upload:
                    raise NotSupported("files are sent by the asynchronous driver")
                if call.after:
                    time.sleep(call.after)
                response = transport(prepare(call, credentials, sandbox))
                call.judge(call, response)
            except (NotSent, AnswerLost) as fault:
                call = calls.throw(judged_fault(call, fault))
            except ConnectorError as error:
                call = calls.throw(error)
            else:
                call = calls.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


TIMEOUT = aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS)
"""No total: waiting for a free socket is not the platform being slow, and nothing has been sent by then."""


def over_aiohttp(session: aiohttp.ClientSession) -> Transport:
    """A transport that uses ``session``; the caller owns and closes it."""

    async def send(outgoing: Outgoing) -> Response:
        with wire_faults():
            async with asyncio.timeout(None) as patience, request_over(session, outgoing, patience) as answer:
                return await whole(answer)

    return send


def request_over(
    session: aiohttp.ClientSession, outgoing: Outgoing, patience: asyncio.Timeout | None = None
) -> aiohttp.client._RequestContextManager:
    file = outgoing.file
    return session.request(
        outgoing.method,
        URL(outgoing.url, encoded=outgoing.url.isascii()),  # as it was signed, not as it could be written as well
        headers=outgoing.headers,
        data=_paced(file, patience) if file and patience else outgoing.body,
        allow_redirects=False,
        timeout=TIMEOUT,
    )


async def _paced(file: FileBody, patience: asyncio.Timeout) -> AsyncIterator[bytes]:
    """The bytes of a file, for as long as they are taken: ``patience`` ends when nothing moves."""
    loop = asyncio.get_running_loop()
    async for chunk in file.chunks():
        patience.reschedule(loop.time() + STALLED_SECONDS)
        yield chunk


@contextmanager
def wire_faults() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as fault:
        raise NotSent from fault
    except (aiohttp.ClientError, TimeoutError) as fault:
        raise AnswerLost from fault


async def whole(answer: aiohttp.ClientResponse) -> Response:
    return Response(answer.status, b"".join([chunk async for chunk in _bounded(answer.content)]), headers_of(answer))


def headers_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


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
