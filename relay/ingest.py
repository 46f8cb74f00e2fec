"""Ingesting: one conversation's events in arrival order, from what was heard to the mailboxes of everyone else."""

from typing import Any, Protocol

from redis.asyncio import Redis

from accounts.connections import Connections
from accounts.matching import Directory
from connectors.errors import ConnectorError, NotSupported, Reconnect, TryAgain
from relay.changes import Changes
from relay.commands import Commands
from relay.direct_chats import DirectChats
from relay.hearing import Ear
from relay.ledger import PAGE, Ledger
from relay.page import Page
from relay.routing import Routed
from relay.voices import Voices
from relay.waiting import Waiting

TROUBLE_REST = 1.0
"""Seconds until a source platform that was out of reach is asked again."""
RECONNECT_REST = 60.0
"""Seconds between looks whether an administrator has connected again."""


class Mailboxes(Protocol):
    """Those that wait to be told of a message: where a mailbox is idle, the intent to send goes with the message."""

    def reserve(self, origin: int) -> tuple[int, ...]:
        """Idle mailboxes that what was heard at ``origin`` will go to, kept idle until ``hand_over``."""

    def hand_over(self, reserved: tuple[int, ...], rows: list[Any], routed: list[Routed]) -> None:
        """Start those whose delivery was begun, let go of the others; ``rows`` are the events that were routed."""


class Ingest:
    """Walks one conversation's events. ``walk`` is called for one conversation at a time by its own actor."""

    def __init__(
        self,
        ledger: Ledger,
        ear: Ear,
        connections: Connections,
        directory: Directory,
        commands: Commands,
        voices: Voices,
        direct_chats: DirectChats,
        redis: Redis,
        mailboxes: Mailboxes,
    ) -> None:
        self.ledger = ledger
        self.changes = Changes(ledger)
        self.ear = ear
        self.connections = connections
        self.directory = directory
        self.commands = commands
        self.voices = voices
        self.direct_chats = direct_chats
        self.redis = redis
        self.mailboxes = mailboxes
        self._passed: dict[int, int] = {}
        """By conversation, the last event of a full page in which some wait for what may come behind it."""

    async def walk(self, link: int, rung: Waiting | None = None) -> tuple[float | None, set[int]]:
        """Route a page of events, or the one that was ``rung`` for. Returns seconds to rest (None: nothing left; 0: more to
        do), and the mailboxes reached.
        """
        rows = [rung] if rung else await self.ledger.events_waiting((link, self._passed.pop(link, 0)))
        if not rows:
            return None, set()
        page = Page(self, rows)
        rest = await page.turn()
        if page.waiting and len(rows) == PAGE:
            self._passed[link] = rows[-1].id
            rest = 0.0
        return rest, page.reached

    async def trouble(self, row: Any, error: BaseException) -> float:
        """Seconds until an event is tried again; an error that is no platform's goes on to whoever runs the shard."""
        match error:
            case TryAgain():
                return max(TROUBLE_REST, getattr(error, "after", 0.0))
            case Reconnect():
                await self.connections.lost(row.installation_id)
                return RECONNECT_REST
            case ConnectorError() | NotSupported():
                return TROUBLE_REST
            case _:
                raise error

    async def is_own(self, row: Any, account: str) -> bool:
        """Whether what an account of the event's installation did is our doing: in a direct chat all that anybody does who is
        not at home there, for what they do there themselves stays there."""
        if row.heard_by is not None:
            return not await self.direct_chats.is_at_home(row.installation_id, account)
        return await self.is_ours(row, account)

    async def is_ours(self, row: Any, account: str) -> bool:
        """Whether an account of the event's installation is the one that speaks for us."""
        return account in (await self.connections.connector(row.installation_id)).own_accounts
