"""Hearing: from the reference of an event to what was said, and on to the mailboxes of everyone else.

Content comes from the vault; what the vault has forgotten, or never held, is fetched from the platform it came from.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from accounts.connecting import Connections
from accounts.matching import Directory
from connectors.contract import Connector, FetchesMessages, ListsAccounts
from connectors.errors import ConnectorError, Gone, NotSupported, Reconnect, Refused, TryAgain
from connectors.http import Transport, drive
from connectors.messages import Account, ConversationId, Kind, Message, MessageId, Posted, Reference
from relay import vault
from relay.batching import Batcher
from relay.ledger import LATER, PAGE, Happening, Heard, Ledger, Routed
from relay.models import ConversationLink, DailyCount, Discard

log = structlog.get_logger(__name__)

DEGRADED = DailyCount.What.DEGRADED.value
DISCARD = DailyCount.What.DISCARD.value
KEPT_IN_MIND = 2_000
"""Messages a worker remembers between hearing and delivering: a full page for 100 busy mailboxes, a few megabytes."""
ASK_AGAIN = 0.05
"""Seconds until a post by our own account is judged again: about the time a platform takes to answer the send."""
LAG_PAUSES = (1.0, 3.0)
"""Seconds between looks for a message that a notification announced and the platform does not show yet (Webex §2.8)."""

TROUBLE_REST = 1.0
"""Seconds until a source platform that was out of reach is asked again."""
RECONNECT_REST = 60.0
"""Seconds between looks whether an administrator has connected again."""


class Unheard(Exception):
    """An event that cannot be relayed, with its ``reason``."""

    def __init__(self, reason: Discard) -> None:
        super().__init__(reason)
        self.reason = reason


class Ear:
    """Turns references into messages, for ingesting and once more for delivering."""

    def __init__(
        self, redis: Redis, connections: Connections, directory: Directory, transport: Transport, sandbox: str
    ) -> None:
        self._connections = connections
        self._directory = directory
        self._transport = transport
        self._sandbox = sandbox
        self._in_mind: OrderedDict[int, Message] = OrderedDict()
        self._vault: Batcher[int, Mapping[str, Any] | None] = Batcher(lambda events: vault.take(redis, events))

    async def hear(self, event: int, installation: int, kind: str, conversation: str, message: str) -> Message:
        """What was said. Raises ``Unheard`` for what does not cross, ``TryAgain`` or ``Reconnect`` to come back later."""
        if event not in self._in_mind:
            reference = Reference(Kind(kind), ConversationId(conversation), MessageId(message))
            self._keep(event, await self._read(event, installation, reference))
        return self._in_mind[event]

    def forget(self, event: int) -> None:
        """Drop a message whose last delivery is done."""
        self._in_mind.pop(event, None)

    def _keep(self, event: int, message: Message) -> None:
        self._in_mind[event] = message
        if len(self._in_mind) > KEPT_IN_MIND:
            self._in_mind.popitem(last=False)

    async def _read(self, event: int, installation: int, reference: Reference) -> Message:
        connector = await self._connections.connector(installation)
        content = await self._kept(event) or await self._fetch(connector, reference)
        try:
            heard = connector.parse(content, reference)
        except Exception as error:  # noqa: BLE001 (one strange message must not stop a mailbox)
            log.error("unreadable message", platform=connector.platform.slug, error=type(error).__name__)
            raise Unheard(Discard.UNREADABLE) from None
        match heard:
            case Posted(message):
                await self._introduce(connector, installation, message)
                return message
            case _:
                raise Unheard(Discard.NOT_CARRIED)

    async def _kept(self, event: int) -> Mapping[str, Any] | None:
        """What the vault holds; without Redis it holds nothing, and the platform is asked."""
        try:
            return await self._vault(event)
        except (RedisError, OSError):
            return None

    async def _fetch(self, connector: Connector, reference: Reference) -> Mapping[str, Any]:
        if not isinstance(connector, FetchesMessages):
            raise Unheard(Discard.GONE)
        for pause in (*LAG_PAUSES, None):
            try:
                return await drive(connector.fetch(reference), self._transport, connector.credentials, self._sandbox)
            except Gone:
                if pause is None:
                    raise Unheard(Discard.GONE) from None
                await asyncio.sleep(pause)
            except Refused:
                raise Unheard(Discard.FORBIDDEN) from None
        raise AssertionError("the last pause is None")

    async def _introduce(self, connector: Connector, installation: int, message: Message) -> None:
        """Make sure that the directory knows the author; a name in the event serves where the platform cannot say more."""
        if await self._directory.account(installation, message.author):
            return
        named = Account(message.author, message.author_name or "Someone")
        with suppress(TryAgain, Reconnect):  # asked again with the next message: a guess would be kept for ever
            await self._directory.learn(installation, await self._ask(connector, named))

    async def _ask(self, connector: Connector, named: Account) -> Account:
        if not isinstance(connector, ListsAccounts):
            return named
        try:
            return await drive(connector.account(named.id), self._transport, connector.credentials, self._sandbox)
        except (Gone, Refused, NotSupported):
            return named


class Mailboxes(Protocol):
    """Those that wait to be told of a message: where a mailbox is idle, the intent to send goes with the message."""

    def reserve(self, origin: int) -> tuple[int, ...]:
        """Idle mailboxes that what was heard at ``origin`` will go to, kept idle until ``hand_over``."""

    def hand_over(self, reserved: tuple[int, ...], rows: list[Any], routed: list[Routed]) -> None:
        """Start those whose delivery was begun, let go of the others; ``rows`` are the events that were routed."""


class Ingest:
    """Walks one conversation's events in arrival order."""

    def __init__(
        self, ledger: Ledger, ear: Ear, connections: Connections, redis: Redis, mailboxes: "Mailboxes"
    ) -> None:
        self._ledger = ledger
        self._mailboxes = mailboxes
        self._ear = ear
        self._connections = connections
        self._redis = redis
        self._degraded: dict[int, list[Happening]] = {}

    async def walk(self, link: int) -> tuple[float | None, set[int]]:
        """Route a page of events. Returns seconds to rest (None: nothing left; 0: more to do), and the mailboxes reached."""
        rows = await self._ledger.events_waiting(link)
        if not rows:
            return None, set()
        found, is_all = len(rows), len(rows) < PAGE
        rows = _each_message_once(rows)
        judged = await asyncio.gather(*map(self._judge, rows), return_exceptions=True)
        heard: list[Heard] = []
        rest = 0.0
        for row, result in zip(rows, judged, strict=True):
            if isinstance(result, BaseException):
                rest = await self._trouble(row, result)
                break
            heard.append(result)
            if result.own:
                break  # nothing behind it may overtake it while its verdict is open
        rest, reached = await self._route(rows, heard, rest)
        return (None if not rest and is_all and len(heard) == found else rest), reached  # who says more rings

    async def _trouble(self, row: Any, error: BaseException) -> float:
        """Seconds until the event is tried again; an error that is no platform's goes on to whoever runs the shard."""
        match error:
            case TryAgain():
                return max(TROUBLE_REST, getattr(error, "after", 0.0))
            case Reconnect():
                await self._connections.lost(row.installation_id)
                return RECONNECT_REST
            case ConnectorError() | NotSupported():
                return TROUBLE_REST
            case _:
                raise error

    async def _judge(self, row: Any) -> Heard:
        try:
            said = await self._ear.hear(row.id, row.installation_id, row.kind, row.conversation, row.message)
        except Unheard as unheard:
            return Heard(row.id, row.link_id, row.message, False, row.received_at, unheard.reason)
        connector = await self._connections.connector(row.installation_id)
        self._degraded[row.id] = [(connector.platform.slug, DEGRADED, construct) for construct in said.body.degraded]
        own = said.author in connector.own_accounts
        return Heard(row.id, row.link_id, row.message, own, row.received_at)

    async def _route(self, rows: list[Any], heard: list[Heard], rest: float) -> tuple[float, set[int]]:
        if not heard:
            return rest, set()
        ready = self._mailboxes.reserve(heard[0].link)
        routed: list[Routed] = []
        try:
            routed = await self._ledger.route([replace(heard[0], ready=ready), *heard[1:]])
        finally:
            self._mailboxes.hand_over(ready, rows, routed)
        over = [one.event for one in routed if not one.links and one.verdict != LATER]
        for event in over:
            self._ear.forget(event)
        await vault.drop(self._redis, over)
        if any(one.verdict == LATER for one in routed):
            rest = max(rest, ASK_AGAIN)
        await self._count(heard, routed)
        return rest, {link for one in routed for link in one.links}

    async def _count(self, heard: list[Heard], routed: list[Routed]) -> None:
        """What crossed degraded, and what was discarded; echoes are no news, each relayed message has three."""
        happenings: list[Happening] = []
        for told, one in zip(heard, routed, strict=True):
            degraded = self._degraded.pop(one.event, [])
            if one.links:
                happenings += degraded
            elif one.verdict not in ("", LATER, Discard.ECHO):
                happenings.append((await self._platform(told.link), DISCARD, one.verdict))
        if happenings:
            await self._ledger.count(happenings)

    async def _platform(self, link: int) -> str:
        installation = await ConversationLink.objects.values_list("installation__platform", flat=True).aget(pk=link)
        return str(installation)


def _each_message_once(rows: list[Any]) -> list[Any]:
    """The rows up to the first that tells of a message a second time: the ledger judges it once the first is written."""
    seen: set[str] = set()
    for number, row in enumerate(rows):
        if row.message in seen:
            return rows[:number]
        seen.add(row.message)
    return rows
