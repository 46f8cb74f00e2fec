"""One step of a mailbox in one commit: what was said there, and what will be said next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from relay.database import FENCED, Lease, LeaseLost, records
from relay.models import Outcome

_TURN = f"""
WITH {FENCED}, said AS (
    SELECT s.* FROM lease, json_to_recordset(%(said)s) AS s(
        delivery bigint, part int, external_id text, is_last boolean, outcome text, is_news boolean, revision timestamptz,
        voice bigint)
), intents AS (
    SELECT i.* FROM lease, json_to_recordset(%(intents)s) AS i(delivery bigint, part int)
), moved AS (
    UPDATE relay_delivery d SET
        state = CASE WHEN s.is_last THEN 3 WHEN i.delivery IS NOT NULL THEN 1 ELSE 0 END, part = s.part + 1, reason = '',
        tries = CASE WHEN i.delivery IS NOT NULL THEN 1 ELSE 0 END,
        intent_at = CASE WHEN i.delivery IS NOT NULL THEN clock_timestamp() ELSE d.intent_at END
    FROM said s LEFT JOIN intents i ON i.delivery = s.delivery  -- the next part follows: one row, so one update does both
    WHERE d.id = s.delivery
    RETURNING d.id, d.event_id, d.message_id, d.link_id, s.external_id, s.part, s.is_last, s.outcome, s.is_news,
        s.revision, s.voice, i.delivery IS NOT NULL AS continues
), copies AS (
    INSERT INTO relay_messagecopy (message_id, link_id, external_id, part, revision, voice_id)
    SELECT message_id, link_id, external_id, part, revision, voice FROM moved
    ON CONFLICT DO NOTHING
), tried AS (
    INSERT INTO relay_attempt (delivery_id, outcome, reason)
    SELECT id, outcome, '' FROM moved WHERE is_news
), calmed AS (
    UPDATE relay_conversationlink l SET setbacks = 0, reason = '', not_before = NULL
    FROM moved m WHERE l.id = m.link_id AND l.setbacks > 0
), next AS (  -- as it is now, whoever ended it a moment ago
    SELECT d.id, d.state, i.part FROM relay_delivery d, intents i
    WHERE d.id = i.delivery AND i.delivery NOT IN (SELECT delivery FROM said) FOR UPDATE OF d
), intended AS (
    UPDATE relay_delivery d SET state = 1, part = next.part, tries = d.tries + 1, intent_at = clock_timestamp()
    FROM next WHERE d.id = next.id AND next.state < 3 RETURNING d.id
), called_off AS (
    SELECT id FROM next WHERE state >= 3
)
SELECT (SELECT count(*) + count(*) FILTER (WHERE continues) FROM moved)
       + (SELECT count(*) FROM intended) + (SELECT count(*) FROM called_off) AS written,
       ARRAY(SELECT id FROM called_off) AS called_off,
       ARRAY(SELECT m.event_id FROM moved m WHERE m.is_last AND NOT EXISTS (
           SELECT 1 FROM relay_delivery d
           WHERE d.event_id = m.event_id AND d.state < 3 AND d.id NOT IN (SELECT id FROM moved WHERE is_last)
       )) AS finished
"""


class CalledOff(Exception):
    """A delivery that was read ahead was ended meanwhile, as when its channel was unsynced: it is not to be sent."""


class Said(NamedTuple):
    """A part that went out, under the id the platform gave it.

    ``is_news``: not simply at the first try. ``revision`` is the edit whose words it has, None for the original ones.
    ``voice`` is the person's own account that said it, None where ours did.
    """

    delivery: int
    event: int
    part: int
    external_id: str
    is_last: bool
    outcome: Outcome
    is_news: bool = True
    revision: datetime | None = None
    voice: int | None = None


class Intent(NamedTuple):
    """A part about to be sent."""

    delivery: int
    part: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of a mailbox, in one commit: what was said, and what will be said next. Either may be missing."""

    said: Said | None
    intent: Intent | None


async def take_turns(lease: Lease, line: Any, turns: list[Turn]) -> list[int | CalledOff | None]:
    """Returns for each turn the event whose contents may be forgotten after it, if any; ``CalledOff`` for one whose intent is
    void, with what was said before it written down. Raises ``LeaseLost``.
    """
    said = [turn.said for turn in turns if turn.said]
    intents = [turn.intent for turn in turns if turn.intent]
    cursor = await line.execute(_TURN, {**lease, "said": records(said), "intents": records(intents)})
    row = await cursor.fetchone()
    if row.written != len(said) + len(intents):
        raise LeaseLost
    finished, called_off = set(row.finished), set(row.called_off)
    return [_outcome(turn, finished, called_off) for turn in turns]


def _outcome(turn: Turn, finished: set[int], called_off: set[int]) -> int | CalledOff | None:
    if turn.intent and turn.intent.delivery in called_off:
        return CalledOff()
    return turn.said.event if turn.said and turn.said.event in finished else None
