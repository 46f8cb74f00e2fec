"""The hot path's SQL, all of it, batched over mailboxes; nowhere else.

Every write of a worker carries its lease's fence and locks the shard's row against a takeover for the length of the
statement: a worker that slept through its lease writes nothing. Ids are handed out in the order of the rows given.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from django.db import connections
from psycopg.rows import namedtuple_row

from relay.batching import Batcher
from relay.models import Discard, Outcome

log = structlog.get_logger(__name__)

PAGE = 20
"""Rows read ahead per mailbox: enough to keep a busy one going, little enough to keep memory flat over thousands."""


REFUSALS = (psycopg.DataError, psycopg.IntegrityError, UnicodeError)
"""What one item of a batch may bring about that the others must not suffer from."""


class LeaseLost(Exception):
    """Another worker holds the shard now: stop at once, write nothing more."""


DJANGO_S_OWN = ("cursor_factory", "context", "prepare_threshold")


def connection_parameters() -> dict[str, Any]:
    """How to reach the Hub's database (the tests' own in tests), in psycopg's words.

    Without Django's own wishes, above all its ban on prepared statements: planning ours costs more than running them.
    """
    parameters: dict[str, Any] = connections["default"].get_connection_params()
    return {name: value for name, value in parameters.items() if name not in DJANGO_S_OWN}


PLANS = "-c plan_cache_mode=force_generic_plan -c jit=off"
PLANS += " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
"""All our statements reach a few rows by key. Planned once, perhaps while the tables are empty, they must not scan them when
they are full: without this, routing slows down with every message kept."""


async def connect() -> "psycopg.AsyncConnection[Any]":
    """A connection of the relay's own, in autocommit."""
    parameters = connection_parameters()
    parameters["options"] = f"{parameters.get('options', '')} {PLANS}".strip()
    return await psycopg.AsyncConnection.connect(**parameters, autocommit=True, row_factory=namedtuple_row)


# --- accepting webhooks ----------------------------------------------------------------------------------------------

_ACCEPT = """
WITH told AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
        WITH ORDINALITY AS t(platform, workspace, conversation, event_id, kind, message, occurred_at, n)
), placed AS (
    SELECT t.*, i.id AS installation_id, l.id AS link_id, l.conversation_id
    FROM told t
    LEFT JOIN accounts_installation i ON i.platform = t.platform AND i.workspace = t.workspace
    LEFT JOIN relay_conversationlink l ON l.installation_id = i.id AND l.external_id = t.conversation AND l.is_active
), kept AS (
    INSERT INTO relay_inboundevent
        (installation_id, link_id, event_id, kind, message, occurred_at, received_at, state, discard)
    SELECT installation_id, link_id, event_id, kind, message, occurred_at, clock_timestamp(), 0, ''
    FROM placed WHERE link_id IS NOT NULL ORDER BY n
    ON CONFLICT (installation_id, event_id) DO NOTHING
    RETURNING id, installation_id, event_id
)
SELECT p.installation_id, p.link_id, p.conversation_id, k.id AS event
FROM placed p LEFT JOIN kept k ON k.installation_id = p.installation_id AND k.event_id = p.event_id
ORDER BY p.n
"""

_COUNT = """
INSERT INTO relay_dailycount AS counted (platform, what, name, day, count)
SELECT platform, what, name, (now() AT TIME ZONE 'UTC')::date, count
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS t(platform, what, name, count)
ON CONFLICT (platform, what, name, day) DO UPDATE SET count = counted.count + excluded.count
"""

Counted = tuple[str, str, str]
"""``(platform, what, name)``, as ``DailyCount`` counts them."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a webhook announced it, ready for the inbox."""

    platform: str
    workspace: str
    conversation: str
    event_id: str
    kind: str
    message: str
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where an event went: ``event`` is its row, None when it was discarded for the reason ``discard``."""

    event: int | None
    link: int | None
    conversation: int | None
    discard: Discard | None


async def accept(database: "psycopg.AsyncConnection[Any]", told: Sequence[Told]) -> list[Accepted]:
    """Insert the references of events in one commit; what concerns nobody leaves no row. In the order given.

    Their time is the database's, as that of our intents: the two are compared to tell an echo.
    """
    columns = zip(
        *((t.platform, t.workspace, t.conversation, t.event_id, t.kind, t.message, t.occurred_at) for t in told),
        strict=True,
    )
    cursor = await database.execute(_ACCEPT, [list(column) for column in columns])
    return [_accepted(row) for row in await cursor.fetchall()]


def _accepted(row: Any) -> Accepted:
    if row.installation_id is None:
        discard: Discard | None = Discard.UNKNOWN_WORKSPACE
    elif row.link_id is None:
        discard = Discard.NOT_LINKED
    else:
        discard = None if row.event else Discard.DUPLICATE
    return Accepted(row.event, row.link_id, row.conversation_id, discard)


async def count(database: "psycopg.AsyncConnection[Any]", happenings: Sequence[Counted]) -> None:
    """Add to today's counts."""
    # Sorted, so that two processes never wait for each other's rows in opposite order.
    rows = [(*happening, times) for happening, times in sorted(Counter(happenings).items())]
    await database.execute(_COUNT, [list(column) for column in zip(*rows, strict=True)])


# --- one shard's work ------------------------------------------------------------------------------------------------

FENCED = "lease AS (SELECT 1 FROM relay_shard WHERE number = %(shard)s AND fence = %(fence)s FOR KEY SHARE)"
"""The first part of every statement that writes: nothing is written where no row of ``lease`` is joined."""

_EVENTS = """
SELECT e.id, e.link_id, e.kind, e.message, e.occurred_at, e.received_at, e.installation_id,
       l.external_id AS conversation, l.conversation_id AS universal, l.name, l.carries_apps,
       extract(epoch FROM clock_timestamp() - e.received_at)::float8 AS age
FROM unnest(%s::bigint[], %s::bigint[]) AS asked(link, after), relay_conversationlink l,
LATERAL (
    SELECT * FROM relay_inboundevent WHERE link_id = asked.link AND state = 0 AND id > asked.after ORDER BY id LIMIT %s
) e
WHERE l.id = asked.link ORDER BY e.id
"""

_ROUTE = f"""
WITH {FENCED}, heard AS (
    SELECT * FROM unnest(%(events)s::bigint[], %(links)s::bigint[], %(ids)s::text[], %(own)s::boolean[],
                         %(received)s::timestamptz[], %(discards)s::text[], %(roots)s::bigint[],
                         %(late_edits)s::boolean[], %(edited)s::timestamptz[], %(notices)s::boolean[])
        WITH ORDINALITY AS h(event, link, external_id, own, received_at, discard, root, late_edit, edited_at, notice, n),
        lease
), judged AS (
    SELECT h.*, l.conversation_id, k.adopted, CASE
        WHEN h.discard <> '' THEN h.discard
        WHEN k.adopted IS NULL AND c.id IS NOT NULL AND m.origin_id = h.link THEN '{Discard.DUPLICATE}'
        WHEN k.adopted IS NULL AND c.id IS NOT NULL THEN '{Discard.ECHO}'
        WHEN h.own AND h.received_at <= l.echoes_until THEN '{Discard.ECHO}'
        WHEN h.own AND EXISTS (
            SELECT 1 FROM relay_delivery d
            WHERE d.link_id = h.link AND d.state IN (1, 2) AND d.intent_at <= h.received_at
        ) THEN 'later'
        WHEN u.archived_at IS NOT NULL AND NOT h.notice THEN '{Discard.ARCHIVED}'
        ELSE '' END AS verdict
    FROM heard h
    JOIN relay_conversationlink l ON l.id = h.link
    JOIN relay_universalconversation u ON u.id = l.conversation_id
    LEFT JOIN relay_messagecopy c ON c.link_id = h.link AND c.external_id = h.external_id
    LEFT JOIN relay_relayedmessage m ON m.id = c.message_id
    -- A root that was known only from replies to it, and is told after all.
    CROSS JOIN LATERAL (
        SELECT CASE WHEN m.is_adopted AND m.deleted_at IS NULL AND NOT h.own THEN m.id END AS adopted
    ) k
), fresh AS (
    SELECT j.*, coalesce(j.adopted, nextval(pg_get_serial_sequence('relay_relayedmessage', 'id'))) AS message
    FROM (SELECT * FROM judged WHERE verdict = '' ORDER BY n) j
), mailboxes AS (
    SELECT f.event, f.message, f.n, l.id AS link, (
        EXISTS (SELECT 1 FROM unnest(%(ready_events)s::bigint[], %(ready_links)s::bigint[]) AS r(event, link)
                WHERE r.event = f.event AND r.link = l.id)
        AND l.not_before IS NULL
        AND NOT EXISTS (SELECT 1 FROM relay_delivery d WHERE d.link_id = l.id AND d.state < 3)
        AND f.n = min(f.n) OVER (PARTITION BY l.id)
    ) AS begun
    FROM fresh f JOIN relay_conversationlink l
        ON l.conversation_id = f.conversation_id AND l.id <> f.link AND l.is_active
), messages AS (
    INSERT INTO relay_relayedmessage (id, conversation_id, origin_id, root_id, edited_at, edited_by_event)
    SELECT message, conversation_id, link, root, edited_at, CASE WHEN late_edit THEN event END FROM fresh
    WHERE adopted IS NULL
), welcomed AS (
    UPDATE relay_relayedmessage m SET is_adopted = false FROM fresh f WHERE m.id = f.adopted
), copies AS (
    INSERT INTO relay_messagecopy (message_id, link_id, external_id, part, revision)
    SELECT message, link, external_id, 0, edited_at FROM fresh WHERE adopted IS NULL
), deliveries AS (
    INSERT INTO relay_delivery (event_id, message_id, link_id, state, part, tries, intent_at, reason)
    SELECT event, message, link, begun::int, 0, begun::int, CASE WHEN begun THEN clock_timestamp() END, ''
    FROM mailboxes ORDER BY n, link
    RETURNING id, event_id, message_id, link_id, state, intent_at
), settled AS (
    UPDATE relay_inboundevent e SET state = 1, discard = j.verdict
    FROM judged j WHERE e.id = j.event AND j.verdict <> 'later'
)
SELECT j.event, j.verdict, d.id, d.message_id AS message, d.link_id AS link, d.state, d.intent_at
FROM judged j LEFT JOIN deliveries d ON d.event_id = j.event ORDER BY j.n, d.id
"""

_DELIVERIES = """
SELECT d.id, d.event_id AS event, d.message_id AS message, d.link_id AS link, d.state, d.part, d.tries, d.intent_at,
       l.installation_id AS installation, l.external_id AS conversation,
       l.allows_broadcast, l.allows_files, l.shows_corrections,
       l.shows_notices, l.follows_names,
       e.kind AS event_kind, e.message AS event_message, e.occurred_at AS event_occurred_at,
       o.installation_id AS origin_installation, o.external_id AS origin_conversation,
       m.deleted_at IS NOT NULL AS is_deleted, m.edited_at, x.id AS edit, x.kind AS edit_kind,
       x.occurred_at AS edit_occurred_at,
       l.setbacks, extract(epoch FROM clock_timestamp() - d.created_at)::float8 AS age,
       extract(epoch FROM clock_timestamp() - d.intent_at)::float8 AS intent_age,
       extract(epoch FROM l.not_before - clock_timestamp())::float8 AS rest
FROM unnest(%s::bigint[]) AS asked(link), relay_conversationlink l,
LATERAL (SELECT * FROM relay_delivery WHERE link_id = asked.link AND state < 3 ORDER BY id LIMIT %s) d,
relay_inboundevent e, relay_conversationlink o,
relay_relayedmessage m LEFT JOIN relay_inboundevent x ON x.id = m.edited_by_event
WHERE l.id = asked.link AND e.id = d.event_id AND o.id = e.link_id AND m.id = d.message_id
ORDER BY d.id
"""

_TURN = f"""
WITH {FENCED}, said AS (
    SELECT * FROM unnest(%(deliveries)s::bigint[], %(parts)s::int[], %(ids)s::text[], %(last)s::boolean[],
                         %(next)s::boolean[], %(outcomes)s::text[], %(news)s::boolean[],
                         %(revisions)s::timestamptz[])
        AS s(delivery, part, external_id, last, next, outcome, is_news, revision), lease
), moved AS (
    UPDATE relay_delivery d SET
        state = CASE WHEN s.last THEN 3 WHEN s.next THEN 1 ELSE 0 END, part = s.part + 1, reason = '',
        tries = CASE WHEN s.next THEN 1 ELSE 0 END,
        intent_at = CASE WHEN s.next THEN clock_timestamp() ELSE d.intent_at END
    FROM said s WHERE d.id = s.delivery
    RETURNING d.id, d.event_id, d.message_id, d.link_id, s.external_id, s.part, s.last, s.outcome, s.is_news,
        s.revision
), copies AS (
    INSERT INTO relay_messagecopy (message_id, link_id, external_id, part, revision)
    SELECT message_id, link_id, external_id, part, revision FROM moved
    ON CONFLICT DO NOTHING
), tried AS (
    INSERT INTO relay_attempt (delivery_id, outcome, reason)
    SELECT id, outcome, '' FROM moved WHERE is_news
), calmed AS (
    UPDATE relay_conversationlink l SET setbacks = 0, reason = '', not_before = NULL
    FROM moved m WHERE l.id = m.link_id AND l.setbacks > 0
), intended AS (
    UPDATE relay_delivery d SET state = 1, part = i.part, tries = d.tries + 1, intent_at = clock_timestamp()
    FROM unnest(%(intents)s::bigint[], %(intent_parts)s::int[]) AS i(delivery, part), lease
    WHERE d.id = i.delivery RETURNING d.id
)
SELECT (SELECT count(*) FROM moved) + (SELECT count(*) FROM intended) AS written,
       ARRAY(SELECT m.event_id FROM moved m WHERE m.last AND NOT EXISTS (
           SELECT 1 FROM relay_delivery d
           WHERE d.event_id = m.event_id AND d.state < 3 AND d.id NOT IN (SELECT id FROM moved WHERE last)
       )) AS finished
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
    UPDATE relay_delivery d SET state = %(state)s, reason = %(reason)s
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


@dataclass(frozen=True, slots=True)
class Heard:
    """An event that was read, on its way to be routed. ``own``: written by the account that speaks for us there.

    ``root`` is the message whose thread it belongs to. ``is_late_edit``: the event tells an edit of a message that nobody
    told us of, ``edited_at`` is when it was made. ``is_notice``: about the conversation, told even while that is archived.
    ``ready`` are mailboxes whose actor waits for this very commit: it may record the intent to send along with the message.
    """

    event: int
    link: int
    external_id: str
    own: bool
    received_at: datetime
    discard: str = ""
    ready: tuple[int, ...] = ()
    root: int | None = None
    is_late_edit: bool = False
    edited_at: datetime | None = None
    is_notice: bool = False


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of an event: its verdict ('' = relayed, 'later', or a ``Discard``) and the mailboxes it went to.

    ``begun`` are those of the ready ones whose intent is on record: it is for the caller to send now.
    """

    event: int
    verdict: str
    links: list[int]
    begun: list["Begun"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A delivery whose first part is about to be sent."""

    delivery: int
    message: int
    link: int
    intent_at: datetime


LATER = "later"
"""Verdict on a post by our own account while a send is under way there: it may be that send coming back; ask again."""


@dataclass(frozen=True, slots=True)
class Said:
    """A part that went out, under the id the platform gave it.

    ``is_news``: not simply at the first try. ``revision`` is the edit whose words it has, None for the original ones.
    """

    delivery: int
    event: int
    part: int
    external_id: str
    is_last: bool
    outcome: Outcome
    is_news: bool = True
    revision: datetime | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A part about to be sent."""

    delivery: int
    part: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of a mailbox, in one commit: what was said, and what will be said next. Either may be missing."""

    said: Said | None
    intent: Intent | None

    @property
    def continues(self) -> bool:
        """The next part of the same delivery follows: one row, so one update must do both."""
        return bool(self.said and self.intent and self.said.delivery == self.intent.delivery)


class Ledger:
    """One leased shard's view of the database. ``take`` gives one or None; ``close`` gives the lease back."""

    def __init__(self, shard: int, of: int, fence: int, database: "psycopg.AsyncConnection[Any]") -> None:
        self.shard = shard
        self.of = of
        self._lease = {"shard": shard, "of": of, "fence": fence}
        self._database = database
        self._lines: list[psycopg.AsyncConnection[Any]] = [database]
        self.events_waiting: Batcher[tuple[int, int], list[Any]] = Batcher(self._on_line(self._events))
        self.route: Batcher[list[Heard], list[Routed]] = Batcher(self._on_line(self._route))
        self.deliveries_open: Batcher[int, list[Any]] = Batcher(self._on_line(self._deliveries))
        self.turn: Batcher[Turn, int | None] = Batcher(self._on_line(self._turn))
        self._query: Batcher[tuple[str, Mapping[str, Any]], list[Any]] = Batcher(self._on_line(self._rows))

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

        ``unclaimed``: it is over, and whether something arrived was never learned.
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
        """See the module's ``count``."""
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
        cursor = await line.execute(_EVENTS, (links, [after for _, after in asked], PAGE))
        return _by_link(links, await cursor.fetchall(), "link_id")

    async def _deliveries(self, line: Any, links: list[int]) -> list[list[Any]]:
        cursor = await line.execute(_DELIVERIES, (links, PAGE))
        return _by_link(links, await cursor.fetchall(), "link")

    async def _route(self, line: Any, batches: list[list[Heard]]) -> list[list[Routed]]:
        heard = [one for batch in batches for one in batch]
        values = {
            "events": [h.event for h in heard],
            "links": [h.link for h in heard],
            "ids": [h.external_id for h in heard],
            "own": [h.own for h in heard],
            "received": [h.received_at for h in heard],
            "discards": [h.discard for h in heard],
            "roots": [h.root for h in heard],
            "late_edits": [h.is_late_edit for h in heard],
            "edited": [h.edited_at for h in heard],
            "notices": [h.is_notice for h in heard],
            "ready_events": [h.event for h in heard for _ in h.ready],
            "ready_links": [link for h in heard for link in h.ready],
        }
        cursor = await line.execute(_ROUTE, self._lease | values)
        routed = _routed(await cursor.fetchall())
        if len(routed) != len(heard):
            raise LeaseLost
        return [[routed[one.event] for one in batch] for batch in batches]

    async def _rows(self, line: Any, asked: list[tuple[str, Mapping[str, Any]]]) -> list[list[Any]]:
        # Without the transaction, what stands before a statement that psycopg itself refuses would be committed.
        async with line.transaction(), line.pipeline():
            cursors = [await line.execute(statement, {**self._lease, **values}) for statement, values in asked]
        return [await cursor.fetchall() for cursor in cursors]

    async def _turn(self, line: Any, turns: list[Turn]) -> list[int | None]:
        """Returns for each turn the event whose contents may be forgotten after it, if any."""
        said = [(turn.said, turn.continues) for turn in turns if turn.said]
        intents = [turn.intent for turn in turns if turn.intent and not turn.continues]
        cursor = await line.execute(_TURN, self._lease | _said_columns(said) | _intent_columns(intents))
        row = await cursor.fetchone()
        if row.written != len(said) + len(intents):
            raise LeaseLost
        finished = set(row.finished)
        return [turn.said.event if turn.said and turn.said.event in finished else None for turn in turns]


async def _alone(work: Callable[..., Any], line: Any, item: Any) -> Any:
    """One item's own result, or its own error: it must not take its batch along."""
    try:
        return (await work(line, [item]))[0]
    except REFUSALS as error:
        return error


def _said_columns(said: list[tuple[Said, bool]]) -> dict[str, Any]:
    return {
        "deliveries": [one.delivery for one, _ in said],
        "parts": [one.part for one, _ in said],
        "ids": [one.external_id for one, _ in said],
        "last": [one.is_last for one, _ in said],
        "next": [continues for _, continues in said],
        "outcomes": [one.outcome.value for one, _ in said],
        "news": [one.is_news for one, _ in said],
        "revisions": [one.revision for one, _ in said],
    }


def _intent_columns(intents: list[Intent]) -> dict[str, Any]:
    return {"intents": [one.delivery for one in intents], "intent_parts": [one.part for one in intents]}


def _routed(rows: list[Any]) -> dict[int, Routed]:
    routed: dict[int, Routed] = {}
    for row in rows:
        one = routed.setdefault(row.event, Routed(row.event, row.verdict, [], []))
        if row.link is not None:
            one.links.append(row.link)
            if row.state:
                one.begun.append(Begun(row.id, row.message, row.link, row.intent_at))
    return routed


def _by_link(links: list[int], rows: list[Any], column: str) -> list[list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, column)].append(row)
    return [found[link] for link in links]
