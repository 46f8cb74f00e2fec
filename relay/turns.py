"""One step of a mailbox in one commit: what was said there, and what will be said next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.database import FENCED, Lease, LeaseLost
from relay.models import Outcome

_TURN = f"""
WITH {FENCED}, said AS (
    SELECT * FROM unnest(%(deliveries)s::bigint[], %(parts)s::int[], %(ids)s::text[], %(last)s::boolean[],
                         %(next)s::boolean[], %(outcomes)s::text[], %(news)s::boolean[],
                         %(revisions)s::timestamptz[], %(voices)s::bigint[])
        AS s(delivery, part, external_id, last, next, outcome, is_news, revision, voice), lease
), moved AS (
    UPDATE relay_delivery d SET
        state = CASE WHEN s.last THEN 3 WHEN s.next THEN 1 ELSE 0 END, part = s.part + 1, reason = '',
        tries = CASE WHEN s.next THEN 1 ELSE 0 END,
        intent_at = CASE WHEN s.next THEN clock_timestamp() ELSE d.intent_at END
    FROM said s WHERE d.id = s.delivery
    RETURNING d.id, d.event_id, d.message_id, d.link_id, s.external_id, s.part, s.last, s.outcome, s.is_news,
        s.revision, s.voice
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
    SELECT d.id, d.state FROM relay_delivery d, lease WHERE d.id = ANY(%(intents)s::bigint[]) FOR UPDATE OF d
), intended AS (
    UPDATE relay_delivery d SET state = 1, part = i.part, tries = d.tries + 1, intent_at = clock_timestamp()
    FROM unnest(%(intents)s::bigint[], %(intent_parts)s::int[]) AS i(delivery, part), next
    WHERE d.id = i.delivery AND next.id = d.id AND next.state < 3 RETURNING d.id
), called_off AS (
    SELECT id FROM next WHERE state >= 3
)
SELECT (SELECT count(*) FROM moved) + (SELECT count(*) FROM intended) + (SELECT count(*) FROM called_off) AS written,
       ARRAY(SELECT id FROM called_off) AS called_off,
       ARRAY(SELECT m.event_id FROM moved m WHERE m.last AND NOT EXISTS (
           SELECT 1 FROM relay_delivery d
           WHERE d.event_id = m.event_id AND d.state < 3 AND d.id NOT IN (SELECT id FROM moved WHERE last)
       )) AS finished
"""


class CalledOff(Exception):
    """A delivery that was read ahead was ended meanwhile, as when its channel was unsynced: it is not to be sent."""


@dataclass(frozen=True, slots=True)
class Said:
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


async def take_turns(lease: Lease, line: Any, turns: list[Turn]) -> list[int | CalledOff | None]:
    """Returns for each turn the event whose contents may be forgotten after it, if any; ``CalledOff`` for one whose intent is
    void, with what was said before it written down. Raises ``LeaseLost``.
    """
    said = [(turn.said, turn.continues) for turn in turns if turn.said]
    intents = [turn.intent for turn in turns if turn.intent and not turn.continues]
    cursor = await line.execute(_TURN, {**lease, **_said_columns(said), **_intent_columns(intents)})
    row = await cursor.fetchone()
    if row.written != len(said) + len(intents):
        raise LeaseLost
    finished, called_off = set(row.finished), set(row.called_off)
    return [_outcome(turn, finished, called_off) for turn in turns]


def _outcome(turn: Turn, finished: set[int], called_off: set[int]) -> int | CalledOff | None:
    if turn.intent and turn.intent.delivery in called_off:
        return CalledOff()
    return turn.said.event if turn.said and turn.said.event in finished else None


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
        "voices": [one.voice for one, _ in said],
    }


def _intent_columns(intents: list[Intent]) -> dict[str, Any]:
    return {"intents": [one.delivery for one in intents], "intent_parts": [one.part for one in intents]}
