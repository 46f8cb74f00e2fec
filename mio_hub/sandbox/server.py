"""The fakes over HTTP: the first part of a path is the real host name, so ``/slack.com/api/…`` is Slack.

Beside the platforms there is a small interface of the sandbox's own: ``/`` tells people, tokens and conversations,
``/faults`` makes trouble, ``/log`` remembers requests, ``/say``, ``/reply`` and the other ``DEEDS`` do what people do,
``/panes``, ``/stream`` and ``/picture`` show.
"""

import asyncio
import json
import re
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import AnswerDropped, Fake, Webhook, World
from connectors.sandbox_data import Served
from mio_hub.sandbox import faults
from mio_hub.sandbox.broadcast import Broadcast
from mio_hub.sandbox.courier import Courier
from mio_hub.sandbox.deeds import DEEDS, Scene
from mio_hub.sandbox.faults import Invalid
from mio_hub.sandbox.panes import panes
from mio_hub.sandbox.pictures import picture

LARGEST_REQUEST = 128 * 1024 * 1024
"""Bytes; the largest file that Webex takes, in its form, and some more to be refused by the fake itself."""

CLOSING_SECONDS = 2.0
"""How long requests in flight may take to finish when the server stops."""

OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers that our HTTP server writes itself."""

NEXT_LINK = re.compile(rb'("@odata\.nextLink"\s*:\s*")https://')


class SandboxServer:
    """A world behind one port. ``start`` gives its address without a trailing slash."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def start(self, host: str, port: int) -> str:
        """Serve; port 0 takes a free one."""
        self.broadcast = Broadcast(self.world)
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=CLOSING_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        couriers = [self._courier(fake).run(self._session) for fake in self.world.fakes.values()]
        self._tasks = [asyncio.create_task(work) for work in (self.broadcast.run(), *couriers)]
        return f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port and forget what was not delivered."""
        for task in self._tasks:
            task.cancel()
        self.broadcast.close()
        await self._runner.cleanup()
        await self._session.close()

    def _courier(self, fake: Fake) -> Courier:
        struck = self.world.struck
        courier = Courier(fake.slug, fake.retries, lambda kind: struck(fake.slug, kind) is not None, fake.undelivered)
        loop = asyncio.get_running_loop()

        def deliver(webhook: Webhook) -> None:
            loop.call_soon_threadsafe(courier.accept, webhook)  # a test may touch a fake from its own thread

        fake.deliver = deliver
        return courier

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[_explain])
        application.add_routes(
            [
                web.get("/", self._index),
                web.get("/faults", self._list_faults),
                web.post("/faults", self._add_fault),
                web.delete("/faults", self._clear_faults),
                web.get("/log", self._log),
                web.post(f"/{{deed:{'|'.join(DEEDS)}}}", self._do),
                web.get("/picture", self._picture),
                web.get("/panes", self._panes),
                web.get("/stream", self._stream),
                web.route("*", "/{path:(?s:.+)}", self._platform),
            ]
        )
        return application

    # --- The platforms

    async def _platform(self, request: web.Request) -> web.StreamResponse:
        host = request.raw_path.lstrip("/").partition("/")[0]
        fake = self.world.fake_at(host)
        if fake is None:
            known = sorted(host for fake in self.world.fakes.values() for host in fake.hosts)
            return web.json_response({"error": f"paths begin with a platform's host: {', '.join(known)}"}, status=404)
        try:
            response = self.world.answer(host, await _as_platform_sees_it(request, host))
        except AnswerDropped:
            return _hang_up(request)
        finally:
            if request.method != "GET":
                self.broadcast.touch()
        if delay := self.world.delay_of(fake.slug):
            await asyncio.sleep(delay)
        if isinstance(response, Served):
            return await _streamed(request, response)
        return _passed_on(response, _base(request), is_head=request.method == "HEAD")

    # --- The sandbox's own interface

    async def _index(self, request: web.Request) -> web.Response:
        return web.json_response(self.world.index(_base(request)))

    async def _list_faults(self, request: web.Request) -> web.Response:
        now = self.world.clock()
        self.world.faults = [fault for fault in self.world.faults if fault.until > now]
        return web.json_response({"faults": [faults.told(fault, now) for fault in self.world.faults]})

    async def _add_fault(self, request: web.Request) -> web.Response:
        now = self.world.clock()
        fault = faults.read(await _json(request), self.world.fakes.keys(), now)
        self.world.faults.append(fault)
        return web.json_response(faults.told(fault, now), status=201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self.world.faults.clear()
        return web.Response(status=204)

    async def _log(self, request: web.Request) -> web.Response:
        platform = request.query.get("platform", "")
        since = _seconds(request.query.get("since", "0"))
        entries = [entry for entry in self.world.log if entry.at > since and platform in ("", entry.platform)]
        names = ("platform", "method", "url", "status", "at", "body")
        return web.json_response({"requests": [{name: getattr(entry, name) for name in names} for entry in entries]})

    async def _do(self, request: web.Request) -> web.Response:
        message = DEEDS[request.match_info["deed"]](Scene(self.world, await _json(request)))
        self.broadcast.touch()
        return web.json_response({"id": message}, status=201)

    async def _picture(self, request: web.Request) -> web.Response:
        kind, data = picture(Scene(self.world, request.query))
        return web.Response(body=data, content_type=kind)

    async def _panes(self, request: web.Request) -> web.Response:
        return web.json_response(panes(self.world))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with suppress(ConnectionResetError):  # how a closed page says goodbye
            async with aclosing(self.broadcast.listen()) as events:
                async for text in events:
                    await response.write(text.encode())
        return response


@web.middleware
async def _explain(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except Invalid as invalid:
        return web.json_response({"error": str(invalid), "field": invalid.field}, status=400)
    return response


async def _as_platform_sees_it(request: web.Request, host: str) -> Request:
    """The path stays as it was sent: Teams ids hold ``%3A`` and ``%40``, which a decoded path would lose."""
    path, _, query = request.raw_path.partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": host}
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    return Request(request.method, f"https://{path.lstrip('/')}", headers, parameters, await request.read())


def _base(request: web.Request) -> str:
    """The sandbox's address as the client calls it, which in a container is not the one it listens on."""
    return str(request.url.origin())


def _passed_on(response: Response, base: str, *, is_head: bool) -> web.Response:
    """The answer, with links to further pages leading back here; to ``HEAD`` it is as long as it would be."""
    length = {"content-length"} if is_head else set()
    headers = {name: value for name, value in response.headers.items() if name.lower() not in OWN_HEADERS - length}
    for name in headers.keys() & {"link", "Link"}:
        headers[name] = headers[name].replace("<https://", f"<{base}/")
    body = response.body
    if "json" in headers.get("content-type", ""):
        body = NEXT_LINK.sub(lambda found: found[1] + base.encode() + b"/", body)
    return web.Response(status=response.status, body=body, headers=headers)


async def _streamed(request: web.Request, response: Served) -> web.StreamResponse:
    answer = web.StreamResponse(headers=response.headers)
    await answer.prepare(request)
    with suppress(ConnectionError):  # who looked at the headers only
        for chunk in response.chunks:
            await answer.write(chunk)
    return answer


def _hang_up(request: web.Request) -> web.Response:
    """Cut the connection: whatever is returned here reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError:
        raise Invalid("body", "a JSON object is expected") from None


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Invalid("since", "seconds since 1970 are expected") from None
