"""Brings a fake platform's webhooks to the Hub, with the platform's own patience and the troubles asked for."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import structlog

from connectors.sandbox import Webhook

log = structlog.get_logger(__name__)

LONGEST_QUEUE = 10_000
"""Webhooks that wait for a Hub that is away: an hour of a busy channel, some ten megabytes. The oldest go first."""

ANSWER_SECONDS = 3.0
"""Slack, Webex and Zoom want an answer within three seconds; Teams is more patient, but may be treated alike."""

HELD_SECONDS = 1.0
"""A webhook held back for ``reorder`` goes out after this long even if no other one follows."""

BROKEN = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A webhook and how often it has been tried."""

    webhook: Webhook
    tries: int = 0


class Courier:
    """One platform's webhooks, one after the other, so that they arrive in the order in which things happened.

    ``struck`` says whether a fault of a kind hits this time. ``given_up`` hears of a webhook that nobody took.
    """

    def __init__(
        self,
        slug: str,
        retries: tuple[float, ...],
        struck: Callable[[str], bool],
        given_up: Callable[[Webhook], None] = lambda webhook: None,
    ) -> None:
        self.slug = slug
        self.retries = retries
        self.struck = struck
        self.given_up = given_up
        self.dropped = 0
        self._queue: deque[Parcel] = deque()
        self._held: Webhook | None = None
        self._filled = asyncio.Event()

    def accept(self, webhook: Webhook) -> None:
        """Take a webhook in; called in the loop's own thread."""
        if self._held is None and self.struck("reorder"):
            self._held = webhook
            asyncio.get_running_loop().call_later(HELD_SECONDS, self._release, webhook)
            return
        for _ in range(2 if self.struck("duplicate") else 1):
            self._enqueue(Parcel(webhook))
        if self._held is not None:
            self._release(self._held)

    def _release(self, webhook: Webhook) -> None:
        if self._held is webhook:
            self._held = None
            self._enqueue(Parcel(webhook))

    def _enqueue(self, parcel: Parcel) -> None:
        if len(self._queue) >= LONGEST_QUEUE:
            self._queue.popleft()
            self.dropped += 1
            log.warning("sandbox_webhook_dropped", platform=self.slug, dropped=self.dropped)
        self._queue.append(parcel)
        self._filled.set()

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Deliver for ever."""
        while True:
            await self._filled.wait()
            while self._queue:
                await self._bring(session, self._queue.popleft())
            self._filled.clear()

    async def _bring(self, session: aiohttp.ClientSession, parcel: Parcel) -> None:
        obstacle = await self._obstacle(session, parcel.webhook)
        if obstacle is None:
            return
        if parcel.tries < len(self.retries):
            # A retry gets in line anew: what happened since must not wait for it.
            again = Parcel(parcel.webhook, parcel.tries + 1)
            asyncio.get_running_loop().call_later(self.retries[parcel.tries], self._enqueue, again)
        else:
            log.warning("sandbox_webhook_given_up", platform=self.slug, tries=parcel.tries + 1, obstacle=obstacle)
            self.given_up(parcel.webhook)

    async def _obstacle(self, session: aiohttp.ClientSession, webhook: Webhook) -> str | None:
        """Why the Hub did not take it: a status or the name of an error."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with session.post(
                webhook.url, data=webhook.body, headers=webhook.sign(), timeout=timeout, allow_redirects=False
            ) as answer:
                return None if 200 <= answer.status < 300 else str(answer.status)
        except BROKEN as error:
            return type(error).__name__
