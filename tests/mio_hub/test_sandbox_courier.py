"""The courier brings webhooks in order, again and in spite of trouble."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from connectors.sandbox import Webhook
from mio_hub.sandbox import courier as module
from mio_hub.sandbox.courier import Courier

Handler = Callable[[web.Request], Awaitable[web.Response]]

PATIENCE = 5.0
"""Seconds after which a webhook that has not arrived never will."""


class Hub:
    """Where webhooks arrive; answers with the statuses it is given, then 200."""

    def __init__(self, statuses: tuple[int, ...] = ()) -> None:
        self.heard: list[str] = []
        self.signatures: list[str] = []
        self.statuses = list(statuses)
        self._came = asyncio.Event()

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append(await request.text())
        self.signatures.append(request.headers["x-signature"])
        self._came.set()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def has_heard(self, count: int) -> list[str]:
        async with asyncio.timeout(PATIENCE):
            while len(self.heard) < count:
                self._came.clear()
                await self._came.wait()
        return self.heard


class Trouble:
    """Says yes to a kind of fault as often as it is told to."""

    def __init__(self, **times: int) -> None:
        self.times = times

    def __call__(self, kind: str) -> bool:
        self.times[kind] = self.times.get(kind, 0) - 1
        return self.times[kind] >= 0


def run(hub: Hub, texts: list[str], expected: int, retries: tuple[float, ...] = (), **trouble: int) -> Courier:
    """Give ``texts`` to a courier and wait until ``expected`` webhooks have arrived."""

    async def story() -> Courier:
        application = web.Application()
        application.add_routes([web.post("/", hub.hear)])
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        signatures = iter(range(100))
        courier = Courier("slack", retries, Trouble(**trouble))
        async with aiohttp.ClientSession() as session:
            work = asyncio.create_task(courier.run(session))
            for text in texts:
                courier.accept(Webhook(url, text.encode(), lambda: {"x-signature": str(next(signatures))}))
            await hub.has_heard(expected)
            work.cancel()
        await runner.cleanup()
        return courier

    return asyncio.run(story())


def test_webhooks_arrive_in_the_order_in_which_things_happened() -> None:
    hub = Hub()
    run(hub, ["1", "2", "3"], 3)
    assert hub.heard == ["1", "2", "3"]


def test_a_refused_webhook_comes_again_freshly_signed_and_does_not_hold_up_the_next_one() -> None:
    hub = Hub(statuses=(503,))
    run(hub, ["1", "2"], 3, retries=(0.05,))
    assert hub.heard == ["1", "2", "1"]
    assert len(set(hub.signatures)) == 3


def test_a_webhook_is_given_up_after_the_platforms_last_retry() -> None:
    hub = Hub(statuses=(500, 500))
    run(hub, ["1"], 2, retries=(0.01,))
    assert hub.heard == ["1", "1"]


def test_a_hub_that_is_away_is_tried_again() -> None:
    async def story() -> int:
        asked = 0

        def sign() -> dict[str, str]:
            nonlocal asked
            asked += 1
            if asked == 3:
                done.set()
            return {}

        done = asyncio.Event()
        courier = Courier("slack", (0.01, 0.01), Trouble())
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
            work = asyncio.create_task(courier.run(session))
            courier.accept(Webhook("http://127.0.0.1:1/", b"", sign))
            await done.wait()
            work.cancel()
        return asked

    assert asyncio.run(story()) == 3


def test_a_duplicated_webhook_arrives_twice() -> None:
    hub = Hub()
    run(hub, ["1", "2"], 3, duplicate=1)
    assert hub.heard == ["1", "1", "2"]


def test_a_reordered_webhook_arrives_after_the_next_one() -> None:
    hub = Hub()
    run(hub, ["1", "2", "3"], 3, reorder=1)
    assert hub.heard == ["2", "1", "3"]


def test_a_reordered_webhook_that_nothing_follows_arrives_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_SECONDS", 0.01)
    hub = Hub()
    run(hub, ["1"], 1, reorder=1)
    assert hub.heard == ["1"]


def test_what_waits_is_bounded_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_QUEUE", 2)
    hub = Hub()
    courier = run(hub, ["1", "2", "3"], 2)
    assert hub.heard == ["2", "3"]
    assert courier.dropped == 1
