"""What a leased shard reads and writes, batched over mailboxes: the hot path's SQL, here and in what is imported here.

``inbox.py`` takes events in, ``routing.py`` says where they go, ``turns.py`` what was said; this module leases, reads and
ends deliveries. Every write of a worker carries its lease's fence and locks the shard's row against a takeover for the
length of the statement: a worker that slept through its lease writes nothing. Ids are handed out in the order of the rows
given.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import structlog

from relay.batching import Batcher
from relay.database import FENCED, REFUSALS, LeaseLost, connect
from relay.inbox import Counted, count
from relay.models import Outcome
from relay.routing import Heard, Routed, route
from relay.turns import Turn, take_turns

log = structlog.get_logger(__name__)

STATEMENTS = 32
"""Statements of other modules in one transaction: each is short, and nothing marches on together after it."""
TURNS = 32
"""Deliveries looked for or closed in one go. When platforms answer at once everybody waits for this: with eight, a hundred
channels took a fifth longer. Nothing marches on together after it, for new messages go out with their routing."""
PAGE = 20
"""Rows read ahead per mailbox: enough to keep a busy one going, little enough to keep memory flat over thousands."""

_EVENTS = """
SELECT e.id, e.link_id, e.kind, e.message, e.occurred_at, e.received_at, e.installation_id,
       l.external_id AS conversation, l.conversation_id AS universal, l.name, l.carries_apps, l.heard_by,
       EXISTS (SELECT 1 FROM relay_participation p WHERE p.conversation_id = l.conversation_id) AS is_shared,
       extract(epoch FROM clock_timestamp() - e.received_at)::float8 AS age
FROM unnest(%s::bigint[], %s::bigint[]) AS asked(link, after), relay_conversationlink l,
LATERAL (
    SELECT * FROM relay_inboundevent WHERE link_id = asked.link AND state = 0 AND id > asked.after ORDER BY id LIMIT %s
) e
WHERE l.id = asked.link AND l.conversation_id %% %s = %s ORDER BY e.id
"""
"""A leg that moved to a conversation of another shard is that one's from then on; so below."""

_DELIVERIES = """
SELECT d.id, d.event_id AS event, d.message_id AS message, d.link_id AS link, d.state, d.part, d.tries, d.intent_at,
       l.installation_id AS installation, l.external_id AS conversation,
       l.allows_broadcast, l.shows_corrections,
       l.shows_notices, l.follows_names,
       e.kind AS event_kind, e.message AS event_message, e.occurred_at AS event_occurred_at,
       o.installation_id AS origin_installation, o.external_id AS origin_conversation, o.heard_by AS origin_heard_by,
       l.heard_by IS NOT NULL AS is_direct,
       m.deleted_at IS NOT NULL AS is_deleted, m.edited_at, x.id AS edit, x.kind AS edit_kind,
       x.occurred_at AS edit_occurred_at,
       l.setbacks, extract(epoch FROM clock_timestamp() - d.created_at)::float8 AS age,
       extract(epoch FROM clock_timestamp() - d.intent_at)::float8 AS intent_age,
       extract(epoch FROM l.not_before - clock_timestamp())::float8 AS rest
FROM unnest(%s::bigint[]) AS asked(link), relay_conversationlink l,
LATERAL (SELECT * FROM relay_delivery WHERE link_id = asked.link AND state < 3 ORDER BY id LIMIT %s) d,
relay_inboundevent e, relay_conversationlink o,
relay_relayedmessage m LEFT JOIN relay_inboundevent x ON x.id = m.edited_by_event
WHERE l.id = asked.link AND l.conversation_id %% %s = %s AND e.id = d.event_id AND o.id = e.link_id AND m.id = d.message_id
ORDER BY d.id
"""

_FINISHED = """
SELECT event FROM unnest(%s::bigint[]) AS asked(event)
WHERE NOT EXISTS (SELECT 1 FROM relay_delivery d WHERE d.event_id = asked.event AND d.state < 3)
"""

UNCLAIMED = timedelta(hours=4)
"""How long after a send of which we never learned its id may come back: Graph tells a change again for as long (§4.4)."""

_CLOSE = f"""
WITH {FENCED}, moved AS (
    UPDATE relay_delivery SET state = %(state)s, reason = '' FROM lease
    WHERE id = %(delivery)s RETURNING id, event_id, link_id
), tried AS (
    INSERT INTO relay_attempt (delivery_id, outcome, reason) SELECT id, %(outcome)s, '' FROM moved
), calmed AS (
    UPDATE relay_conversationlink l SET setbacks = 0, reason = '', not_before = NULL,
        echoes_until = CASE WHEN %(unclaimed)s THEN clock_timestamp() + %(window)s ELSE l.echoes_until END
    FROM moved m WHERE l.id = m.link_id AND (l.setbacks > 0 OR %(unclaimed)s)
)
SELECT event_id, NOT EXISTS (
    SELECT 1 FROM relay_delivery d WHERE d.event_id = moved.event_id AND d.state < 3 AND d.id <> moved.id
) AS finished FROM moved
"""

_SET_BACK = f"""
WITH {FENCED}, moved AS (
    UPDATE relay_delivery d SET  -- what was skipped while it was tried stays so
        state = CASE WHEN d.state < 4 THEN %(state)s ELSE d.state END, reason = %(reason)s,
        intent_at = CASE WHEN %(state)s >= 3 AND NOT %(unclaimed)s THEN NULL ELSE d.intent_at END
    FROM lease WHERE d.id = %(delivery)s RETURNING d.id, d.link_id
), mailbox AS (
    UPDATE relay_conversationlink l SET
        not_before = clock_timestamp() + make_interval(secs => %(pause)s), reason = %(reason)s,
        setbacks = CASE WHEN %(pause)s > 0 THEN l.setbacks + 1 ELSE 0 END,
        echoes_until = CASE WHEN %(unclaimed)s THEN clock_timestamp() + %(window)s ELSE l.echoes_until END
    FROM moved WHERE l.id = moved.link_id RETURNING l.setbacks
), tried AS (
    INSERT INTO relay_attempt (delivery_id, outcome, reason) SELECT id, %(outcome)s, %(reason)s FROM moved
)
SELECT setbacks FROM mailbox
"""

_SWEEP = """
SELECT DISTINCT e.link_id, false AS deliver FROM relay_inboundevent e
JOIN relay_conversationlink l ON l.id = e.link_id
WHERE e.state = 0 AND l.conversation_id %% %(of)s = %(shard)s
UNION ALL
SELECT DISTINCT d.link_id, true FROM relay_delivery d JOIN relay_conversationlink l ON l.id = d.link_id
WHERE d.state < 3 AND l.conversation_id %% %(of)s = %(shard)s AND coalesce(l.not_before <= clock_timestamp(), true)
"""

_LEASE = """
WITH free AS (
    SELECT number FROM relay_shard
    WHERE number = %(shard)s AND expires_at < clock_timestamp()
      AND NOT EXISTS (SELECT 1 FROM relay_shard o WHERE o.of <> %(of)s AND o.expires_at > clock_timestamp())
    FOR UPDATE
)
UPDATE relay_shard s SET fence = s.fence + 1, of = %(of)s,
    expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM free WHERE s.number = free.number RETURNING s.fence
"""

_RENEW = """
UPDATE relay_shard SET expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE number = %(shard)s AND fence = %(fence)s RETURNING number
"""


class Ledger:
    """One leased shard's view of the database. ``take`` gives one or None; ``close`` gives the lease back."""

    def __init__(self, shard: int, of: int, fence: int, database: "psycopg.AsyncConnection[Any]") -> None:
        self.shard = shard
        self.of = of
        self._lease = {"shard": shard, "of": of, "fence": fence}
        self._database = database
        self._lines: list[psycopg.AsyncConnection[Any]] = [database]
        self.events_waiting: Batcher[tuple[int, int], list[Any]] = Batcher(self._on_line(self._events))
        self.route: Batcher[list[Heard], list[Routed]] = Batcher(self._on_line(partial(route, self._lease)))
        self.deliveries_open: Batcher[int, list[Any]] = Batcher(self._on_line(self._deliveries), TURNS)
        self.turn: Batcher[Turn, int | None] = Batcher(self._on_line(partial(take_turns, self._lease)), TURNS)
        self._query: Batcher[tuple[str, Mapping[str, Any]], list[Any]] = Batcher(self._on_line(self._rows), STATEMENTS)

    @classmethod
    async def take(cls, shard: int, of: int, seconds: float) -> "Ledger | None":
        """Lease a shard for ``seconds``; None while somebody else holds it, or shards of another division are leased."""
        database = await connect()
        await database.execute(
            "INSERT INTO relay_shard (number, of, fence, expires_at) VALUES (%s, %s, 0, 'epoch') ON CONFLICT DO NOTHING",
            (shard, of),
        )
        cursor = await database.execute(_LEASE, {"shard": shard, "of": of, "seconds": seconds})
        row = await cursor.fetchone()
        if row is None:
            await database.close()
            return None
        return cls(shard, of, row.fence, database)

    async def renew(self, seconds: float) -> None:
        """Keep the lease for another ``seconds``. Raises ``LeaseLost``."""
        cursor = await self._database.execute(_RENEW, self._lease | {"seconds": seconds})
        if await cursor.fetchone() is None:
            raise LeaseLost

    async def close(self) -> None:
        """Give the lease back and hang up."""
        try:
            await self._database.execute(_RENEW, self._lease | {"seconds": 0})
        finally:
            for line in self._lines:
                await line.close()

    async def sweep(self) -> list[tuple[int, bool]]:
        """Every mailbox of the shard with work: ``(link, True)`` to deliver, ``(link, False)`` to ingest."""
        cursor = await self._database.execute(_SWEEP, self._lease)
        return [(row.link_id, row.deliver) for row in await cursor.fetchall()]

    async def set_back(
        self, delivery: int, state: int, outcome: Outcome, reason: str, pause: float, *, unclaimed: bool = False
    ) -> int:
        """Record a try that did not succeed; the mailbox rests for ``pause`` seconds. Returns its setbacks in a row.

        ``unclaimed``: it is over, and whether something arrived was never learned. Its intent stays on record for whoever
        tries again.
        """
        values = {
            "delivery": delivery,
            "state": state,
            "outcome": outcome.value,
            "reason": reason[:500],
            "pause": pause,
            "unclaimed": unclaimed,
            "window": UNCLAIMED,
        }
        cursor = await self._database.execute(_SET_BACK, self._lease | values)
        row = await cursor.fetchone()
        if row is None:
            raise LeaseLost
        return int(row.setbacks)

    async def rows(self, statement: str, values: Mapping[str, Any]) -> list[Any]:
        """Run a statement of another module, together with those of other mailboxes; its rows.

        The lease's parameters are added, so that ``FENCED`` may be a part of it. What writes returns a row when it may.
        """
        return await self._query((statement, values))

    async def written(self, statement: str, values: Mapping[str, Any]) -> Any:
        """The one row of a statement that writes. Raises ``LeaseLost``."""
        rows = await self.rows(statement, values)
        if not rows:
            raise LeaseLost
        return rows[0]

    async def close_delivery(
        self, delivery: int, state: int, outcome: Outcome, *, unclaimed: bool = False
    ) -> int | None:
        """End a delivery without a last part to say; returns its event when nobody else waits for that.

        ``unclaimed`` as in ``set_back``.
        """
        values = {"delivery": delivery, "state": state, "outcome": outcome.value}
        row = await self.written(_CLOSE, {**values, "unclaimed": unclaimed, "window": UNCLAIMED})
        return int(row.event_id) if row.finished else None

    async def unknown(self, link: int, external_ids: list[str]) -> list[str]:
        """Those of the ids that no copy in this conversation has, in the order given."""
        cursor = await self._database.execute(
            "SELECT external_id FROM relay_messagecopy WHERE link_id = %s AND external_id = ANY(%s)",
            (link, external_ids),
        )
        known = {row.external_id for row in await cursor.fetchall()}
        return [external_id for external_id in external_ids if external_id not in known]

    async def finished(self, events: list[int]) -> list[int]:
        """Those of the events with nothing left to deliver: their contents may be forgotten."""
        cursor = await self._database.execute(_FINISHED, (events,))
        return [row.event for row in await cursor.fetchall()]

    async def count(self, happenings: Sequence[Counted]) -> None:
        """See ``inbox.count``."""
        await count(self._database, happenings)

    def _on_line(self, work: Callable[..., Any]) -> Callable[[list[Any]], Any]:
        """Give a batch its own connection, so that batches of different kinds do not wait for one another."""
        line: list[psycopg.AsyncConnection[Any]] = []

        async def flush(items: list[Any]) -> list[Any]:
            if not line:
                line.append(await connect())
                self._lines.extend(line)
            try:
                results: list[Any] = await work(line[0], items)
            except REFUSALS as error:
                if len(items) == 1:
                    raise
                log.error("batch refused, going one by one", error=type(error).__name__)
                return [await _alone(work, line[0], item) for item in items]
            return results

        return flush

    async def _events(self, line: Any, asked: list[tuple[int, int]]) -> list[list[Any]]:
        """A page of each link's events behind the one given, 0 for all."""
        links = [link for link, _ in asked]
        cursor = await line.execute(_EVENTS, (links, [after for _, after in asked], PAGE, self.of, self.shard))
        return _by_link(links, await cursor.fetchall(), "link_id")

    async def _deliveries(self, line: Any, links: list[int]) -> list[list[Any]]:
        cursor = await line.execute(_DELIVERIES, (links, PAGE, self.of, self.shard))
        return _by_link(links, await cursor.fetchall(), "link")

    async def _rows(self, line: Any, asked: list[tuple[str, Mapping[str, Any]]]) -> list[list[Any]]:
        # Without the transaction, what stands before a statement that psycopg itself refuses would be committed.
        async with line.transaction(), line.pipeline():
            cursors = [await line.execute(statement, {**self._lease, **values}) for statement, values in asked]
        return [await cursor.fetchall() for cursor in cursors]


async def _alone(work: Callable[..., Any], line: Any, item: Any) -> Any:
    """One item's own result, or its own error: it must not take its batch along."""
    try:
        return (await work(line, [item]))[0]
    except REFUSALS as error:
        return error


def _by_link(links: list[int], rows: list[Any], column: str) -> list[list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, column)].append(row)
    return [found[link] for link in links]
