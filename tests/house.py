"""Everything between a webhook and the fakes, driven by hand: no web server and no Celery, but all of the relay."""

import asyncio
import hashlib
import hmac
import json
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import psycopg
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.matching import remember
from accounts.models import Tenant
from connectors.calls import Response
from connectors.downloads import Opener
from connectors.http import Outgoing, Transport
from connectors.messages import ConversationId
from connectors.sandbox import Shown, Webhook, World
from mio_hub.sandbox import demo
from relay import ingress
from relay.database import connection_parameters
from relay.models import ConversationLink, UniversalConversation
from relay.shards import drain


class House:
    """A small company on all fakes, connected and linked in the database, and a worker that drains by hand."""

    def __init__(self, world: World, webhooks: list[Webhook], transport: Transport, opener: Opener) -> None:
        self.world = world
        self.webhooks = webhooks
        self.transport = transport
        self.opener = opener
        self.tenant = Tenant.objects.create(name="Acme")
        self.installations = demo.connect(self.tenant, world)
        self.links: dict[str, ConversationLink] = {}
        for slug, fake in world.fakes.items():
            remember(self.installations[slug].pk, fake.directory())
        self.general = self.link("general", list(world.fakes))

    def link(self, name: str, slugs: list[str]) -> UniversalConversation:
        """Join the channels of that name on several platforms."""
        universal = UniversalConversation.objects.create(tenant=self.tenant, name=name)
        for slug in slugs:
            place = next((p for p in self.world.fakes[slug].places() if p.name == name), None)
            place = place or self.world.fakes[slug].add_place(name)
            self.links[f"{slug}/{name}"] = ConversationLink.objects.create(
                conversation=universal,
                installation=self.installations[slug],
                external_id=place.conversation,
                name=name,
            )
        return universal

    def place(self, slug: str, name: str = "general") -> ConversationId:
        return next(p.conversation for p in self.world.fakes[slug].places() if p.name == name)

    def person(self, slug: str, name: str) -> str:
        return next(person.id for person in self.world.fakes[slug].people() if person.name == name)

    def type(self, slug: str, who: str, text: str, channel: str = "general") -> str:
        """Somebody types; the webhooks wait in ``webhooks``."""
        return self.world.fakes[slug].type_as(self.person(slug, who), self.place(slug, channel), text)

    def shown(self, slug: str, channel: str = "general") -> list[str]:
        """What the platform's client draws, one HTML text per message."""
        return [message.html for message in self.world.fakes[slug].shown(self.place(slug, channel))]

    def messages(self, slug: str, channel: str = "general") -> list[Shown]:
        """What the platform's client draws, with authors."""
        return self.world.fakes[slug].shown(self.place(slug, channel))

    def look(self, seconds: float) -> None:
        """Bring the waiting webhooks in and let a worker look at them for a while, whether or not it comes to an end."""

        async def work() -> None:
            try:
                await self.post_webhooks()
                await drain(0, 1, lambda: False, self.transport, self.opener, seconds)
            finally:
                await ingress.close_inbox()
                await sync_to_async(connections.close_all)()

        asyncio.run(work())

    def join(self, slug: str, person: str, channel: str = "general") -> None:
        """Somebody comes into a channel."""
        fake: Any = self.world.fakes[slug]
        fake.join_as(person, self.place(slug, channel))

    def take_webhooks_in(self) -> list[int]:
        """Bring the waiting webhooks to the ingress and no further."""

        async def work() -> list[int]:
            try:
                return await self.post_webhooks()
            finally:
                await ingress.close_inbox()
                await sync_to_async(connections.close_all)()

        return asyncio.run(work())

    def let_webhooks_overtake(self, slug: str) -> None:
        """From now on a platform's webhook of our own post reaches the ingress before the answer reaches us."""
        reach = self.transport

        async def overtaken(outgoing: Outgoing) -> Response:
            response = await reach(outgoing)
            if self.world.fakes[slug].hosts[0] in outgoing.url and self.webhooks:
                await self.post_webhooks()
                await asyncio.sleep(0.3)  # the worker hears of it by bell and judges it while the answer is on its way
            return response

        self.transport = overtaken

    def with_other_event_id(self, webhook: Webhook) -> Webhook:
        """A Slack webhook once more under another event id, as Slack was seen to send it."""
        payload = json.loads(webhook.body) | {"event_id": "Ev0OTHERID"}
        body = json.dumps(payload).encode()
        secret = self.world.fakes["slack"].secrets.signing_secret.encode()

        def sign() -> dict[str, str]:
            stamp = str(int(time.time()))
            mac = hmac.new(secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
            return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}

        return Webhook(webhook.url, body, sign)

    async def post_webhooks(self) -> list[int]:
        """Bring the waiting webhooks to the ingress, one after the other; the statuses it answered."""
        statuses = []
        while self.webhooks:
            webhook = self.webhooks.pop(0)
            url = urlsplit(webhook.url)
            statuses.append(await knock(url.path, webhook.body, dict(webhook.sign()), query=url.query))
        return statuses

    def relay(self, rounds: int = 30) -> None:
        """Let everything cross until nothing moves: webhooks in, a worker's slice, echoes in, and again."""
        asyncio.run(self._relay(rounds))

    async def _relay(self, rounds: int) -> None:
        try:
            with psycopg.connect(**connection_parameters(), autocommit=True) as database:
                for _ in range(rounds):
                    if not await self.post_webhooks() and _is_idle(database):
                        break
                    await self._slice(database, 20.0, goes_on=rounds > 1)
        finally:
            await ingress.close_inbox()
            await sync_to_async(connections.close_all)()

    async def drain_until_idle(self, seconds: float) -> None:
        """One worker's slice that ends as soon as no work is left."""
        with psycopg.connect(**connection_parameters(), autocommit=True) as database:
            await self._slice(database, seconds, goes_on=False)

    async def _slice(self, database: "psycopg.Connection[Any]", seconds: float, *, goes_on: bool) -> None:
        """Until no work is left. One that ``goes_on`` gets the webhooks that come of it, each time it has nothing to do."""
        is_over = False

        async def watch() -> None:
            nonlocal is_over
            while not is_over:
                await asyncio.sleep(0.01)
                is_over = _is_idle(database) and not (goes_on and await self.post_webhooks())

        watching = asyncio.create_task(watch())
        try:
            await drain(0, 1, lambda: is_over, self.transport, self.opener, seconds)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching


def _is_idle(database: "psycopg.Connection[Any]") -> bool:
    row = database.execute(
        "SELECT EXISTS (SELECT 1 FROM relay_inboundevent WHERE state = 0)"
        " OR EXISTS (SELECT 1 FROM relay_delivery d JOIN relay_conversationlink l ON l.id = d.link_id"
        " WHERE d.state < 3 AND coalesce(l.not_before <= clock_timestamp(), true))"
    ).fetchone()
    return not (row and row[0])


async def knock(path: str, body: bytes, headers: dict[str, str], method: str = "POST", query: str = "") -> int:
    """One request to the ingress app, as uvicorn would hand it over; the status of the answer."""
    sent: list[Any] = []
    chunks = [{"type": "http.request", "body": body, "more_body": False}]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> Any:
        return chunks.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await ingress.application(scope, receive, send)
    return int(sent[0]["status"])
