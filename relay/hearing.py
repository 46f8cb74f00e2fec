"""Hearing: from the reference of an event to what happened.

Content comes with the bell or from the vault; what the vault has forgotten, or never held, is fetched from the platform it
came from.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from accounts.connections import Connections
from accounts.matching import Directory
from connectors.contract import Connector, FetchesMessages
from connectors.directory import ListsAccounts
from connectors.errors import Gone, NotSupported, Reconnect, Refused, TryAgain
from connectors.http import Transport, drive
from connectors.messages import (
    Account,
    AccountId,
    Deleted,
    Edited,
    Event,
    Kind,
    Message,
    Noticed,
    Posted,
    Reacted,
    Reference,
    Skipped,
    Stands,
)
from relay import vault
from relay.batching import Batcher
from relay.models import Discard
from relay.voices import Voices

log = structlog.get_logger(__name__)

MOST_BROUGHT = 500
"""Contents that the bell brought and nobody asked for yet, a few megabytes at the most: the vault has them all."""
KEPT_IN_MIND = 2_000
"""Messages a worker remembers between hearing and delivering: a full page for 100 busy mailboxes, a few megabytes."""
LAG_PAUSES = (1.0, 3.0)
"""Seconds between looks for a message that a notification announced and the platform does not show yet (Webex §2.8)."""


class Unheard(Exception):
    """An event that cannot be relayed, with its ``reason``."""

    def __init__(self, reason: Discard) -> None:
        super().__init__(reason.label)
        self.reason = reason


class Ear:
    """Turns references into events, for ingesting and once more for delivering."""

    def __init__(
        self,
        redis: Redis,
        connections: Connections,
        directory: Directory,
        voices: Voices,
        transport: Transport,
        sandbox: str,
    ) -> None:
        self._connections = connections
        self._voices = voices
        self._directory = directory
        self._transport = transport
        self._sandbox = sandbox
        self._brought: OrderedDict[vault.Key, bytes] = OrderedDict()
        self._in_mind: OrderedDict[vault.Key, Event] = OrderedDict()
        self._vault: Batcher[vault.Key, Mapping[str, Any] | None] = Batcher(lambda events: vault.take(redis, events))

    def bring(self, event: vault.Key, sealed: bytes) -> None:
        """Take the content of an event as the bell brought it, so that the vault need not be asked."""
        _remember(self._brought, event, sealed, MOST_BROUGHT)

    async def hear(
        self, event: vault.Key, installation: int, reference: Reference, heard_by: str | None = None
    ) -> Event:
        """What happened. Raises ``Unheard`` for what does not cross, ``TryAgain`` or ``Reconnect`` to come back later.

        ``heard_by`` as in ``ConversationLink``.
        """
        if event not in self._in_mind:
            heard = await self._read(event, installation, reference, heard_by)
            _remember(self._in_mind, event, heard, KEPT_IN_MIND)
        return self._in_mind[event]

    async def message(self, installation: int, reference: Reference, heard_by: str | None = None) -> Message:
        """A message as it stands at its platform, without an event that told of it. Raises as ``hear`` does."""
        connector = await self._connections.connector(installation)
        content = await self._fetch(installation, reference, heard_by)
        match await self._heard(connector, installation, content, reference):
            case Posted(message) | Edited(message) | Stands(message):
                return message
            case _:
                raise Unheard(Discard.NOT_CARRIED)

    def forget(self, event: int) -> None:
        """Drop an event whose last delivery is done."""
        self._in_mind.pop(event, None)
        self._brought.pop(event, None)

    async def _read(self, event: vault.Key, installation: int, reference: Reference, heard_by: str | None) -> Event:
        if reference.kind == Kind.DELETED:
            return Deleted(reference.message)  # there is nothing to read, and nothing left to fetch
        connector = await self._connections.connector(installation)
        content = await self._kept(event) or await self._fetch(installation, reference, heard_by)
        return await self._heard(connector, installation, content, reference)

    async def _heard(
        self, connector: Connector, installation: int, content: Mapping[str, Any], reference: Reference
    ) -> Event:
        try:
            heard = connector.parse(content, reference)
        except Exception as error:  # noqa: BLE001 (one strange message must not stop a mailbox)
            log.error("unreadable message", platform=connector.platform.slug, error=type(error).__name__)
            raise Unheard(Discard.UNREADABLE) from None
        if isinstance(heard, Skipped):
            raise Unheard(Discard.NOT_CARRIED)
        for account, name in _people(heard):
            await self.introduce(installation, account, name)
        return heard

    async def _kept(self, event: vault.Key) -> Mapping[str, Any] | None:
        """What the bell brought or the vault holds; without Redis it holds nothing, and the platform is asked."""
        if sealed := self._brought.pop(event, None):
            return vault.opened(event, sealed)
        try:
            return await self._vault(event)
        except (RedisError, OSError):
            return None

    async def _fetch(self, installation: int, reference: Reference, heard_by: str | None) -> Mapping[str, Any]:
        voice = await self._voices.reader(installation, reference.conversation, heard_by)
        connector = voice.connector
        if not isinstance(connector, FetchesMessages):
            raise Unheard(Discard.GONE)
        for pause in (*LAG_PAUSES, None):
            try:
                return await drive(connector.fetch(reference), self._transport, connector.credentials, self._sandbox)
            except Reconnect as error:
                if not voice.is_a_persons:
                    raise
                await self._voices.lost(voice, f"{error}.")
                raise Unheard(Discard.FORBIDDEN) from None
            except Gone:
                if pause is None:
                    raise Unheard(Discard.GONE) from None
                await asyncio.sleep(pause)
            except (Refused, NotSupported):
                raise Unheard(Discard.FORBIDDEN) from None
        raise AssertionError("the last pause is None")

    async def introduce(self, installation: int, account: AccountId, name: str = "") -> None:
        """Make sure that the directory knows somebody; a name in the event serves where the platform cannot say more."""
        if await self._directory.account(installation, account):
            return
        connector = await self._connections.connector(installation)
        named = Account(account, name or "Someone")
        with suppress(TryAgain, Reconnect):  # asked again with the next message: a guess would be kept for ever
            await self._directory.learn(installation, await self._ask(connector, named))

    async def _ask(self, connector: Connector, named: Account) -> Account:
        if not isinstance(connector, ListsAccounts):
            return named
        try:
            return await drive(connector.account(named.id), self._transport, connector.credentials, self._sandbox)
        except (Gone, Refused, NotSupported):
            return named


def _remember(kept: OrderedDict[vault.Key, Any], event: vault.Key, what: Any, most: int) -> None:
    kept[event] = what
    if len(kept) > most:
        kept.popitem(last=False)


def _people(heard: Event) -> list[tuple[AccountId, str]]:
    """Those who will be named on the other platforms, with the names that the event itself gives them."""
    match heard:
        case Posted(message) | Edited(message):
            return [(message.author, message.author_name)]
        case Stands(message, reactions):
            return [(message.author, message.author_name), *((one.account, "") for one in reactions)]
        case Reacted(_, reaction):
            return [(reaction.account, "")]
        case Noticed(_, accounts):
            return [(account, "") for account in accounts]
        case _:
            return []
