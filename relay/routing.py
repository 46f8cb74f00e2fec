"""Where a post goes: every event that was read is judged, kept and handed to the other mailboxes in one commit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from relay.database import FENCED, Lease, LeaseLost, records
from relay.models import Discard

LATER = "later"
"""Verdict on a post by an account with which we speak, while a send is under way there: it may be that send coming back."""
SETTLED = "settled"
"""Verdict on an event that was routed before, or is another shard's by now: a ring brought it late."""

_ROUTE = f"""
WITH {FENCED}, heard AS (
    SELECT h.* FROM lease, json_to_recordset(%(heard)s) AS h(
        event bigint, link bigint, external_id text, own boolean, received_at timestamptz, discard text, ready bigint[],
        barred bigint[], root bigint, is_late_edit boolean, edited_at timestamptz, is_notice boolean, author text,
        is_voiced boolean)
), judged AS (
    SELECT h.*, l.conversation_id, k.adopted, CASE
        WHEN e.state <> 0 OR e.link_id <> h.link OR l.conversation_id %% %(of)s <> %(shard)s THEN '{SETTLED}'
        WHEN h.discard <> '' AND NOT (h.discard = '{Discard.SECONDARY}' AND c.id IS NOT NULL) THEN h.discard
        WHEN k.adopted IS NULL AND c.id IS NOT NULL AND m.origin_id = h.link THEN '{Discard.DUPLICATE}'
        WHEN k.adopted IS NULL AND c.id IS NOT NULL THEN '{Discard.ECHO}'
        WHEN h.own AND h.received_at <= l.echoes_until THEN '{Discard.ECHO}'
        WHEN (h.own OR h.is_voiced) AND EXISTS (
            SELECT 1 FROM relay_delivery d
            WHERE d.link_id = h.link AND d.state IN (1, 2) AND d.intent_at <= h.received_at
        ) THEN '{LATER}'
        WHEN NOT l.is_active THEN '{Discard.NOT_LINKED}'
        WHEN u.paused_at IS NOT NULL THEN '{Discard.PAUSED}'
        WHEN u.archived_at IS NOT NULL AND NOT h.is_notice THEN '{Discard.ARCHIVED}'
        ELSE '' END AS verdict
    FROM heard h
    JOIN relay_inboundevent e ON e.id = h.event
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
    FROM (SELECT * FROM judged WHERE verdict = '' ORDER BY event) j
), mailboxes AS (
    SELECT f.event, f.message, l.id AS link, (
        l.id = ANY(f.ready)
        AND l.not_before IS NULL
        AND NOT EXISTS (SELECT 1 FROM relay_delivery d WHERE d.link_id = l.id AND d.state < 3)
        AND f.event = min(f.event) OVER (PARTITION BY l.id)
    ) AS begun
    FROM fresh f JOIN relay_conversationlink l
        ON l.conversation_id = f.conversation_id AND l.id <> f.link AND l.is_active AND l.id <> ALL(f.barred)
), messages AS (
    INSERT INTO relay_relayedmessage (id, conversation_id, origin_id, root_id, edited_at, edited_by_event, author)
    SELECT message, conversation_id, link, root, edited_at, CASE WHEN is_late_edit THEN event END, author FROM fresh
    WHERE adopted IS NULL
), welcomed AS (
    UPDATE relay_relayedmessage m SET is_adopted = false FROM fresh f WHERE m.id = f.adopted
), copies AS (
    INSERT INTO relay_messagecopy (message_id, link_id, external_id, part, revision)
    SELECT message, link, external_id, 0, edited_at FROM fresh WHERE adopted IS NULL
), deliveries AS (
    INSERT INTO relay_delivery (event_id, message_id, link_id, state, part, tries, intent_at, reason)
    SELECT event, message, link, begun::int, 0, begun::int, CASE WHEN begun THEN clock_timestamp() END, ''
    FROM mailboxes ORDER BY event, link
    RETURNING id, event_id, message_id, link_id, state, intent_at
), settled AS (
    UPDATE relay_inboundevent e SET state = 1, discard = j.verdict
    FROM judged j WHERE e.id = j.event AND j.verdict NOT IN ('{LATER}', '{SETTLED}')
)
SELECT j.event, j.verdict, d.id, d.message_id AS message, d.link_id AS link, d.state, d.intent_at
FROM judged j LEFT JOIN deliveries d ON d.event_id = j.event ORDER BY j.event, d.id
"""


class Heard(NamedTuple):
    """An event that was read, on its way to be routed. ``own``: written by the account that speaks for us there.

    ``root`` is the message whose thread it belongs to. ``is_late_edit``: the event tells an edit of a message that nobody
    told us of, ``edited_at`` is when it was made. ``is_notice``: about the conversation, told even while that is archived.
    ``author`` is the account that said it, kept to tell who is active. ``is_voiced``: we may speak with that account there,
    so that this may be our own message coming back.
    ``ready`` are mailboxes whose actor waits for this very commit: it may record the intent to send along with the message.
    ``barred`` are mailboxes that it must not reach.
    """

    event: int
    link: int
    external_id: str
    own: bool
    received_at: datetime
    discard: str = ""
    ready: tuple[int, ...] = ()
    barred: tuple[int, ...] = ()
    root: int | None = None
    is_late_edit: bool = False
    edited_at: datetime | None = None
    is_notice: bool = False
    author: str = ""
    is_voiced: bool = False


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of an event: its verdict ('' = relayed, ``LATER``, ``SETTLED``, ``Discard``) and the mailboxes it went to.

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


async def route(lease: Lease, line: Any, batches: list[list[Heard]]) -> list[list[Routed]]:
    """Route what several mailboxes heard, in the order of the events. Raises ``LeaseLost``."""
    heard = [one for batch in batches for one in batch]
    cursor = await line.execute(_ROUTE, {**lease, "heard": records(heard)})
    routed = _routed(await cursor.fetchall())
    if len(routed) != len(heard):
        raise LeaseLost
    return [[routed[one.event] for one in batch] for batch in batches]


def _routed(rows: list[Any]) -> dict[int, Routed]:
    routed: dict[int, Routed] = {}
    for row in rows:
        one = routed.setdefault(row.event, Routed(row.event, row.verdict, [], []))
        if row.link is not None:
            one.links.append(row.link)
            if row.state:
                one.begun.append(Begun(row.id, row.message, row.link, row.intent_at))
    return routed
