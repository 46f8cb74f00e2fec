import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from connectors import http
from connectors.addresses import PublicResolver
from connectors.calls import Call, Calls, Response, Upload
from connectors.downloads import download, opening_over_aiohttp
from connectors.errors import Gone, NotSupported, Refused, Unavailable, Unsure
from connectors.http import Outgoing, SourceFailed, drive, drive_blocking, over_aiohttp, prepare
from connectors.streaming import Source
from tests.connectors.given import given

PLATFORM = "https://files.example.com"
DATA = bytes(range(256)) * 4_000
"""A megabyte: more than all buffers between two processes."""


def asked_later() -> Calls[int]:
    response = yield Call("GET", "https://example.com/", scopes=(), bucket="x", token="", after=2.5)
    return response.status


def test_both_drivers_wait_before_a_call_that_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[Any] = []

    async def pause(seconds: float) -> None:
        happened.append(seconds)

    async def send(outgoing: Outgoing) -> Response:
        return send_blocking(outgoing)

    def send_blocking(outgoing: Outgoing) -> Response:
        happened.append(outgoing.method)
        return Response(200, b"")

    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", happened.append)
        assert drive_blocking(asked_later(), send_blocking, None) == 200
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", pause)
        assert asyncio.run(drive(asked_later(), send, None)) == 200
    assert happened == [2.5, "GET", 2.5, "GET"]


@pytest.mark.parametrize(
    "url",
    [
        "http://slack.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://localhost/x",
        "https://slack.com:8443/x",
        "https://me@slack.com/x",
        "https://slack.com\\@evil.example/x",
        "https://slack.com#@evil.example/x",
        "https://slack.com/x y",
        "https://slack.com/x\r\nX-Evil: 1",
        "file:///etc/passwd",
        "",
    ],
)
def test_no_call_leaves_for_an_address_that_is_not_public(url: str) -> None:
    with pytest.raises(Refused):
        prepare(Call("GET", url, token=""), None)


def test_a_name_that_leads_into_a_private_network_leads_nowhere() -> None:
    async def resolved() -> None:
        resolver = PublicResolver()
        try:
            await resolver.resolve("localhost", 443)
        finally:
            await resolver.close()

    with pytest.raises(OSError, match="private network"):
        asyncio.run(resolved())


# --- Uploads

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Step = Callable[[aiohttp.ClientSession, str], Coroutine[Any, Any, Any]]


@asynccontextmanager
async def platform(handler: Handler) -> AsyncIterator[str]:
    """A platform that answers with ``handler``; the base address for ``sandbox``."""
    application = web.Application(client_max_size=2 * len(DATA))
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def against(handler: Handler, step: Step) -> Any:
    async def work() -> Any:
        async with platform(handler) as base, aiohttp.ClientSession() as session, asyncio.timeout(20):
            return await step(session, base)

    return asyncio.run(work())


def sent(calls: Calls[Any], source: Source | None, handler: Handler) -> Any:
    """Run a client method that uploads."""
    return against(handler, lambda session, base: drive(calls, over_aiohttp(session), None, base, source))


def putting(size: int, *, repeatable: bool = False, **upload: Any) -> Calls[bytes]:
    file = Upload(**{"name": "a.bin", "content_type": "image/png", "size": size} | upload)
    call = Call("POST", f"{PLATFORM}/upload", token="", upload=file, repeatable=repeatable)
    return (yield call).body


class Taken:
    """What a platform was brought; ``complete`` are the bodies that arrived whole."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.complete: list[bytes] = []

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.complete.append(await request.read())
        return web.Response(body=b"taken")


@pytest.mark.parametrize("data", [b"", b"x", DATA])
def test_a_file_is_sent_raw_with_its_length_and_type(data: bytes) -> None:
    taken = Taken()
    assert sent(putting(len(data)), given(data, 10_000), taken.take) == b"taken"
    assert taken.complete == [data]
    headers = taken.requests[0].headers
    assert (headers["Content-Length"], headers["Content-Type"]) == (str(len(data)), "image/png")
    assert "Transfer-Encoding" not in headers


@pytest.mark.parametrize("data", [b"", DATA, b"\r\n--boundary--\r\n" * 99])
def test_a_file_is_sent_as_a_part_of_a_form(data: bytes) -> None:
    name, read = 'plän "1"\r\nX-Evil: 1\r\n\r\n.pdf', dict[str, Any]()

    async def form(request: web.Request) -> web.StreamResponse:
        read["length"] = (request.content_length, "Transfer-Encoding" in request.headers)
        async for part in await request.multipart():
            assert isinstance(part, aiohttp.BodyPartReader)
            read[str(part.name)] = (dict(part.headers), bytes(await part.read()))
        return web.Response()

    fields = {"roomId": "r 1", "markdown": "**grüße**\r\n--x\r\n"}
    sent(putting(len(data), name=name, part="files", form=fields), given(data, 999), form)
    assert {key: value[1].decode() for key, value in read.items() if key in fields} == fields
    told, got = read["files"]
    assert got == data
    assert (
        told["Content-Disposition"] == 'form-data; name="files"; filename="plän %221%22%0D%0AX-Evil: 1%0D%0A%0D%0A.pdf"'
    )
    assert read["length"][0] > len(data)
    assert not read["length"][1]


@pytest.mark.parametrize("kind", ["image/png\r\nX-Evil: 1", "", "nonsense", 'a/b; name="x"', "ä/ö"])
def test_a_type_that_is_none_is_not_passed_on(kind: str) -> None:
    taken = Taken()
    sent(putting(1, content_type=kind), given(b"x"), taken.take)
    assert taken.requests[0].headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("part", ["", "files"])
@pytest.mark.parametrize("promised", [0, 1, 65_536, len(DATA) - 1, len(DATA) + 1, 2 * len(DATA)])
def test_a_source_that_is_shorter_or_longer_than_promised_makes_no_file(promised: int, part: str) -> None:
    taken = Taken()
    with pytest.raises(Unavailable, match=r"longer|ended"):
        sent(putting(promised, part=part), given(DATA, 65_536), taken.take)
    assert taken.complete == []


@pytest.mark.parametrize("promised", [2 * len(DATA), len(DATA)])
def test_a_source_that_breaks_makes_no_file_and_says_why(promised: int) -> None:
    taken = Taken()
    with pytest.raises(SourceFailed) as failed:
        sent(putting(promised), given(DATA, 65_536, Gone("deleted meanwhile")), taken.take)
    assert isinstance(failed.value.error, Gone)
    assert taken.complete == []


def test_a_source_that_does_not_open_is_no_matter_of_the_target() -> None:
    @asynccontextmanager
    async def source() -> AsyncIterator[AsyncIterator[bytes]]:
        raise Gone("deleted")
        yield

    def careless() -> Calls[str]:
        try:
            yield from putting(1)
        except Unavailable:
            return "swallowed"
        return "sent"

    taken = Taken()
    with pytest.raises(SourceFailed, match="deleted"):
        sent(careless(), source, taken.take)
    assert taken.requests == []


def test_an_upload_that_is_sent_on_begins_again_and_takes_no_token_along() -> None:
    seen: list[tuple[str, bytes, bool]] = []

    async def moving(request: web.Request) -> web.StreamResponse:
        seen.append((request.path, await request.read(), "Authorization" in request.headers))
        status = 307 if len(seen) == 1 else 200
        return web.Response(status=status, headers={"location": "/evil.example.com/x"} if status == 307 else {})

    def followed() -> Calls[int]:
        file = Upload("a", "image/png", len(DATA))
        moved = yield Call("POST", f"{PLATFORM}/a", token="", upload=file, judge=lambda call, response: None)
        assert moved.status == 307
        return (yield Call("POST", "https://other.example.com/b", token="", upload=file)).status

    assert sent(followed(), given(DATA, 9_999), moving) == 200
    assert seen == [("/files.example.com/a", DATA, False), ("/other.example.com/b", DATA, False)]


def test_what_was_cut_off_before_its_end_is_no_reason_for_doubt() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        await request.content.readexactly(10)
        request.transport.abort()  # type: ignore[union-attr]
        return web.Response()

    with pytest.raises(Unavailable):
        sent(putting(len(DATA) * 20), given(DATA * 20, 65_536), cut)


def test_an_answer_that_is_lost_after_the_whole_file_is_a_reason_for_doubt() -> None:
    async def lost(request: web.Request) -> web.StreamResponse:
        await request.read()
        request.transport.abort()  # type: ignore[union-attr]
        return web.Response()

    with pytest.raises(Unsure):
        sent(putting(len(DATA)), given(DATA, 65_536), lost)
    with pytest.raises(Unavailable):
        sent(putting(len(DATA), repeatable=True), given(DATA, 65_536), lost)


def test_an_upload_that_nobody_takes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STALLED_SECONDS", 0.3)

    async def deaf(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    with pytest.raises(Unavailable):
        sent(putting(len(DATA) * 40), given(DATA * 40, 65_536), deaf)


def test_a_file_needs_a_driver_that_has_one() -> None:
    with pytest.raises(NotSupported):
        drive_blocking(putting(1), lambda outgoing: Response(200), None)
    with pytest.raises(NotSupported):
        sent(putting(1), None, Taken().take)


# --- Downloads


def read(handler: Handler, **call: Any) -> bytes:
    """All of a file, as the source of an upload would read it."""

    async def work(session: aiohttp.ClientSession, base: str) -> bytes:
        asked = Call("GET", f"{PLATFORM}/file", token="", **call)
        async with download(asked, opening_over_aiohttp(session), None, base) as incoming:
            return b"".join([chunk async for chunk in incoming.chunks])

    found: bytes = against(handler, work)
    return found


def answering(**answer: Any) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(**answer)

    return handler


def test_a_download_comes_in_chunks_and_tells_its_size() -> None:
    async def work(session: aiohttp.ClientSession, base: str) -> tuple[int | None, int, bytes]:
        call = Call("GET", f"{PLATFORM}/file", token="")
        async with download(call, opening_over_aiohttp(session), None, base) as incoming:
            chunks = [chunk async for chunk in incoming.chunks]
            return incoming.size, max(map(len, chunks)), b"".join(chunks)

    size, largest, data = against(answering(body=DATA), work)
    assert (size, data) == (len(DATA), DATA)
    assert largest <= 65_536


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 307, 308])
def test_what_is_no_file_is_not_taken_for_one(status: int) -> None:
    with pytest.raises(Refused, match=str(status)):
        read(answering(status=status, headers={"location": "/files.example.com/x"}), judge=lambda call, response: None)


def test_an_error_in_place_of_a_file_is_judged_by_its_words() -> None:
    def judge(call: Call, response: Response) -> None:
        raise Gone(response.body.decode())

    with pytest.raises(Gone, match="by its owner"):
        read(answering(status=403, body=b"by its owner"), judge=judge)


def test_a_download_that_breaks_off_may_be_tried_again() -> None:
    async def breaking(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(len(DATA))})
        await answer.prepare(request)
        await answer.write(DATA[:1000])
        request.transport.abort()  # type: ignore[union-attr]
        return answer

    with pytest.raises(Unavailable):
        read(breaking)


def test_nothing_stays_open_of_a_download_that_is_left() -> None:
    async def work(session: aiohttp.ClientSession, base: str) -> int:
        call = Call("GET", f"{PLATFORM}/file", token="")
        async with download(call, opening_over_aiohttp(session), None, base) as incoming:
            async for _ in incoming.chunks:
                break
        connector = session.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        return len(connector._acquired)

    assert against(answering(body=DATA * 10), work) == 0
