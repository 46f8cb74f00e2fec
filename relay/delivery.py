"""Saying: one mailbox, in order."""

import time
from collections.abc import Callable
from typing import Any

from accounts.connections import Connections
from accounts.matching import REMEMBERED_SECONDS
from connectors.http import Transport
from relay.changes import Changes
from relay.hearing import Ear
from relay.ledger import PAGE, Ledger
from relay.models import Delivery
from relay.routing import Begun
from relay.standing import Standings
from relay.translate import Translator
from relay.turns import Intent, Said, Turn
from relay.visit import Visit
from relay.voices import Voices


class Deliver:
    """Walks mailboxes of one shard. ``forget`` is told the events whose last delivery is done."""

    def __init__(
        self,
        ledger: Ledger,
        ear: Ear,
        translator: Translator,
        connections: Connections,
        voices: Voices,
        transport: Transport,
        sandbox: str,
    ) -> None:
        self.ledger = ledger
        self.changes = Changes(ledger)
        self.standings = Standings(ledger)
        self.ear = ear
        self.translator = translator
        self.connections = connections
        self.voices = voices
        self.transport = transport
        self.sandbox = sandbox
        self._places: dict[int, tuple[float, Any]] = {}
        self.done: list[int] = []
        """Events whose contents may be forgotten, for the shard to collect."""

    def knows(self, link: int) -> bool:
        """Whether a mailbox was walked lately, so that where it lies and what is set for it is known."""
        return link in self._places and self._places[link][0] > time.monotonic() - REMEMBERED_SECONDS

    def row(self, begun: Begun, event: Any) -> Any:
        """A row as of ``deliveries_open`` for a delivery that was begun together with its routing."""
        _, place = self._places[begun.link]
        return place._replace(
            id=begun.delivery, event=event.id, message=begun.message, state=Delivery.State.SENDING, part=0, tries=0,
            intent_at=begun.intent_at, event_kind=event.kind, event_message=event.message,
            event_occurred_at=event.occurred_at, is_deleted=False, edited_at=None, edit=None,
            origin_installation=event.installation_id, origin_conversation=event.conversation,
            origin_heard_by=event.heard_by,
            setbacks=0, age=0.0, intent_age=0.0, rest=None,
        )  # fmt: skip

    async def send(self, row: Any) -> float | None:
        """Say one delivery whose intent is on record already. Returns as ``walk`` does."""
        visit = Visit(self, row, is_begun=True)
        rest = await visit.pay(None)
        await self.turn(visit.said, None)
        return rest or None

    async def walk(self, link: int, is_ending: Callable[[], bool]) -> float | None:
        """Say a page of what waits. Returns seconds to rest: None when nothing is left, 0 when there is more to do."""
        rows = await self.ledger.deliveries_open(link)
        if not rows:
            return None
        self._places[link] = time.monotonic(), rows[0]
        if rows[0].rest and rows[0].rest > 0:
            return float(rows[0].rest)
        said: Said | None = None
        for row in rows:
            if is_ending():
                break
            visit = Visit(self, row)
            rest = await visit.pay(said)
            said = visit.said
            if rest:
                return rest
        await self.turn(said, None)
        return None if len(rows) < PAGE else 0.0  # who says more rings

    async def turn(self, said: Said | None, intent: Intent | None) -> None:
        """Commit what was said together with what will be said next."""
        if said or intent:
            finished = await self.ledger.turn(Turn(said, intent))
            if finished is not None:
                self.done.append(finished)
