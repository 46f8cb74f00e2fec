"""What happens to a message after it was said: its SQL, one event at a time.

The ledger keeps the state that is wanted: edited, deleted, who reacted with what. A delivery of a change brings one copy to
it (``standing.py``), whatever happened in between: that folds what waits, and makes every step repeatable.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from relay.database import FENCED
from relay.ledger import Ledger
from relay.models import Discard, MessageCopy
from relay.routing import Routed

UNKNOWN = "unknown"
"""Verdict on a change of a message nobody told us of yet: the caller decides by its age."""

Put = tuple[str, str]
"""``(account, emoji)``: who reacted with what."""

_KNOWN = f"""known AS (
    SELECT m.id, m.conversation_id, m.edited_at, m.deleted_at, m.is_adopted,
           m.origin_id = %(link)s AND c.part < {MessageCopy.NOTES} AS is_original
    FROM relay_messagecopy c JOIN relay_relayedmessage m ON m.id = c.message_id
    WHERE c.link_id = %(link)s AND c.external_id = %(external_id)s
)"""
"""The message that an event is about. What we said about it where it was said itself is not the original: we change it."""


_HERE = "EXISTS (SELECT 1 FROM relay_conversationlink o WHERE o.id = %(link)s AND o.is_active)"
"""Of a leg that was taken out after we heard of the change nothing crosses any more."""


_WAS_TOLD = """CASE WHEN l.heard_by IS NULL THEN true ELSE
    (SELECT true FROM relay_delivery w WHERE w.message_id = c.id AND w.link_id = l.id LIMIT 1) IS TRUE
    OR (SELECT true FROM relay_messagecopy w WHERE w.message_id = c.id AND w.link_id = l.id LIMIT 1) IS TRUE END"""
"""Of a direct chat: what was not for its people, or not yet, is not told them by an edit.

No ``EXISTS``: beside an ``OR`` PostgreSQL may answer that by reading both tables once, which here is for one row.
"""


def _spread_to(mailboxes: str, only: str = _HERE) -> str:
    return f"""deliveries AS (
    INSERT INTO relay_delivery (event_id, message_id, link_id, state, part, tries, reason)
    SELECT %(event)s, c.id, l.id, 0, 0, 0, '' FROM changed c
    JOIN relay_conversationlink l ON l.conversation_id = c.conversation_id AND ({mailboxes}) AND l.is_active
    WHERE ({only}) AND {_WAS_TOLD}
    ORDER BY l.id
    ON CONFLICT (event_id, link_id) DO NOTHING
    RETURNING link_id
)"""


_ELSEWHERE = "l.id <> %(link)s"
_RUNNING = "EXISTS (SELECT 1 FROM relay_universalconversation u WHERE u.id = c.conversation_id AND u.paused_at IS NULL)"
"""While a channel is paused only deletions cross: they add nothing, and somebody wants it gone."""
_SPREAD = _spread_to(f"""{_ELSEWHERE} AND (
    c.is_edited AND l.id <> ALL(%(barred)s::bigint[]) OR c.is_reacted AND l.id <> ALL(%(kept_from)s::bigint[])
)""", f"{_HERE} AND {_RUNNING}")  # fmt: skip
_SPREAD_TO_WORDS = _spread_to(f"""{_ELSEWHERE}
    OR EXISTS (SELECT 1 FROM relay_delivery d WHERE d.message_id = c.id AND d.link_id = l.id AND d.state < 3)
    OR EXISTS (SELECT 1 FROM relay_messagecopy w WHERE w.message_id = c.id AND w.link_id = l.id
               AND w.part >= {MessageCopy.NOTES} AND w.removed_at IS NULL)""")
"""Where the message itself was said there may be words of ours about it: who reacted elsewhere."""

_SETTLE = f"""settled AS (
    UPDATE relay_inboundevent e SET state = 1, discard = v.verdict
    FROM verdict v, lease WHERE e.id = %(event)s AND v.verdict <> '{UNKNOWN}'
)
SELECT v.verdict, ARRAY(SELECT link_id FROM deliveries) AS links FROM verdict v, lease"""


def _verdict(is_echo: str) -> str:
    return f"""verdict AS (
    SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM known) THEN '{UNKNOWN}'
        WHEN {is_echo} THEN '{Discard.ECHO}'
        WHEN NOT EXISTS (SELECT 1 FROM changed) THEN '{Discard.STALE}'
        ELSE '' END AS verdict
)"""


_NOT_THE_AUTHOR_S = "NOT (SELECT is_original FROM known)"
"""Reactions are anybody's, but words and the end of a message are its author's: of a copy they are our own doing."""

_AMEND = f"""
WITH {FENCED}, {_KNOWN}, put AS (
    INSERT INTO relay_reaction (message_id, link_id, account, emoji, is_ours)
    SELECT k.id, %(link)s, p.account, p.emoji, false
    FROM known k, lease, unnest(%(put_accounts)s::text[], %(put_emoji)s::text[]) AS p(account, emoji)
    WHERE k.deleted_at IS NULL
    ON CONFLICT DO NOTHING RETURNING message_id
), taken AS (
    DELETE FROM relay_reaction r USING known k, lease,
        unnest(%(taken_accounts)s::text[], %(taken_emoji)s::text[]) AS t(account, emoji)
    WHERE r.message_id = k.id AND r.link_id = %(link)s AND r.account = t.account AND r.emoji = t.emoji
      AND NOT r.is_ours
    RETURNING r.message_id
), news AS (
    SELECT k.id, EXISTS (SELECT 1 FROM put) OR EXISTS (SELECT 1 FROM taken) AS is_reacted,
           k.is_original AND k.deleted_at IS NULL AND NOT k.is_adopted
           AND (coalesce(k.edited_at, '-infinity') < %(edited_at)s::timestamptz) IS TRUE AS is_edited
    FROM known k
), changed AS (
    UPDATE relay_relayedmessage m SET
        edited_at = CASE WHEN n.is_edited THEN %(edited_at)s ELSE m.edited_at END,
        edited_by_event = CASE WHEN n.is_edited THEN %(event)s ELSE m.edited_by_event END,
        reacted_at = CASE WHEN n.is_reacted THEN clock_timestamp() ELSE m.reacted_at END
    FROM news n, lease WHERE m.id = n.id AND (n.is_edited OR n.is_reacted)
    RETURNING m.id, m.conversation_id, n.is_edited, n.is_reacted
), {_SPREAD}, {_verdict(f"%(is_words)s AND {_NOT_THE_AUTHOR_S}")}, {_SETTLE}
"""
"""New words and reactions at once: a mailbox that carried out the one would not look again for the other.

``barred`` are the mailboxes that the words must not reach, ``kept_from`` those that the reactions must not. ``is_words``: of
nothing but words was told.
"""

_DELETE = f"""
WITH {FENCED}, {_KNOWN}, changed AS (
    UPDATE relay_relayedmessage m SET deleted_at = clock_timestamp(), deleted_by_event = %(event)s
    FROM known k, lease WHERE m.id = k.id AND k.is_original AND k.deleted_at IS NULL
    RETURNING m.id, m.conversation_id
), gone AS (
    UPDATE relay_messagecopy c SET removed_at = clock_timestamp()
    FROM lease WHERE c.link_id = %(link)s AND c.external_id = %(external_id)s AND c.removed_at IS NULL
), {_SPREAD_TO_WORDS}, {_verdict(_NOT_THE_AUTHOR_S)}, {_SETTLE}
"""

_BURY = f"""
WITH {FENCED}, message AS (
    INSERT INTO relay_relayedmessage (conversation_id, origin_id, deleted_at, is_adopted)
    SELECT l.conversation_id, l.id, clock_timestamp(), true FROM relay_conversationlink l, lease WHERE l.id = %(link)s
    RETURNING id
), copy AS (
    INSERT INTO relay_messagecopy (message_id, link_id, external_id, part, removed_at)
    SELECT id, %(link)s, %(external_id)s, 0, clock_timestamp() FROM message
)
UPDATE relay_inboundevent SET state = 1, discard = '{Discard.UNKNOWN_MESSAGE}' FROM lease WHERE id = %(event)s
RETURNING '{Discard.UNKNOWN_MESSAGE}' AS verdict, ARRAY[]::bigint[] AS links
"""

_REACTIONS_HERE = f"""
WITH {_KNOWN}
SELECT r.account, r.emoji FROM relay_reaction r, known k
WHERE r.message_id = k.id AND r.link_id = %(link)s AND NOT r.is_ours
"""

_ROOT = f"""
WITH {_KNOWN}
SELECT coalesce(m.root_id, m.id) AS root FROM known k JOIN relay_relayedmessage m ON m.id = k.id
"""

_ADOPT = f"""
WITH {FENCED}, message AS (
    INSERT INTO relay_relayedmessage (conversation_id, origin_id, is_adopted)
    SELECT l.conversation_id, l.id, true FROM relay_conversationlink l, lease WHERE l.id = %(link)s
    RETURNING id
), copy AS (
    INSERT INTO relay_messagecopy (message_id, link_id, external_id, part)
    SELECT id, %(link)s, %(external_id)s, 0 FROM message
)
SELECT id AS root FROM message
"""

_ARCHIVE = f"""
WITH {FENCED}
UPDATE relay_universalconversation SET archived_at = CASE WHEN %(on)s THEN clock_timestamp() END
FROM lease WHERE id = %(conversation)s RETURNING id
"""

_RENAME = f"""
WITH {FENCED}, newest AS (
    UPDATE relay_universalconversation u SET renamed_by_event = %(event)s
    FROM relay_conversationlink l, lease WHERE l.id = %(link)s AND u.id = l.conversation_id AND %(event)s::bigint > 0
)
UPDATE relay_conversationlink SET name = CASE WHEN heard_by IS NULL THEN %(name)s ELSE '' END
FROM lease WHERE id = %(link)s RETURNING id
"""

_NEWEST_NAME = """
SELECT 1 FROM relay_conversationlink l JOIN relay_universalconversation u ON u.id = l.conversation_id
WHERE l.id = %(link)s AND u.renamed_by_event = %(event)s
"""

_EXPECT_ECHO = f"""
WITH {FENCED}
UPDATE relay_conversationlink SET
    echoes_until = greatest(echoes_until, clock_timestamp() + make_interval(secs => %(seconds)s))
FROM lease WHERE id = %(link)s RETURNING id
"""

_MOVED = """
SELECT a.external_id AS account
FROM relay_membershipchange w
JOIN accounts_platformaccount a ON a.id = w.account_id
WHERE w.link_id = %(link)s AND w.is_addition = %(come)s AND w.state IN ('under way', 'done')
  AND a.external_id = ANY(%(accounts)s)
"""


class Changes:
    """The changes of one leased shard."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def edited(
        self, event: int, link: int, external_id: str, edited_at: datetime, barred: Sequence[int] = ()
    ) -> Routed:
        """Write down that a message now reads differently; the newest edit wins."""
        return await self._amend(event, link, external_id, edited_at, barred=barred, is_words=True)

    async def reacted(
        self,
        event: int,
        link: int,
        external_id: str,
        put: Iterable[Put],
        taken: Iterable[Put],
        barred: Sequence[int] = (),
    ) -> Routed:
        """Write down emoji that people put on a message and took back."""
        return await self._amend(event, link, external_id, None, put, taken, kept_from=barred)

    async def stands(
        self,
        event: int,
        link: int,
        external_id: str,
        edited_at: datetime | None,
        put: Iterable[Put],
        taken: Iterable[Put],
        barred: Sequence[int],
        kept_from: Sequence[int],
    ) -> Routed:
        """Write both down: words of ``edited_at``, which ``barred`` do not get, and reactions, which ``kept_from`` do not."""
        return await self._amend(event, link, external_id, edited_at, put, taken, barred=barred, kept_from=kept_from)

    async def _amend(
        self,
        event: int,
        link: int,
        external_id: str,
        edited_at: datetime | None,
        put: Iterable[Put] = (),
        taken: Iterable[Put] = (),
        *,
        barred: Sequence[int] = (),
        kept_from: Sequence[int] = (),
        is_words: bool = False,
    ) -> Routed:
        put, taken = list(put), list(taken)
        return await self._spread(
            _AMEND, event, link, external_id,
            edited_at=edited_at, barred=list(barred), kept_from=list(kept_from), is_words=is_words,
            put_accounts=[account for account, _ in put], put_emoji=[emoji for _, emoji in put],
            taken_accounts=[account for account, _ in taken], taken_emoji=[emoji for _, emoji in taken],
        )  # fmt: skip

    async def deleted(self, event: int, link: int, external_id: str) -> Routed:
        """Write down that a message is gone; one that we never heard of is remembered, should it still be told."""
        routed = await self._spread(_DELETE, event, link, external_id)
        return await self._spread(_BURY, event, link, external_id) if routed.verdict == UNKNOWN else routed

    async def reactions_here(self, link: int, external_id: str) -> set[Put]:
        """What is known of people's reactions where they were put."""
        rows = await self._ledger.rows(_REACTIONS_HERE, {"link": link, "external_id": external_id})
        return {(row.account, row.emoji) for row in rows}

    async def root(self, link: int, external_id: str) -> int | None:
        """The message that replies to ``external_id`` belong under; None when nobody told us of it."""
        rows = await self._ledger.rows(_ROOT, {"link": link, "external_id": external_id})
        return int(rows[0].root) if rows else None

    async def adopt(self, link: int, external_id: str) -> int:
        """Take note of a message that goes nowhere: a root from before the link, an answer of our own."""
        return int((await self._ledger.written(_ADOPT, {"link": link, "external_id": external_id})).root)

    async def archived(self, conversation: int, *, on: bool) -> None:
        """Stop or resume what crosses."""
        await self._ledger.written(_ARCHIVE, {"conversation": conversation, "on": on})

    async def renamed(self, link: int, name: str, event: int = 0) -> None:
        """Write down what a leg is called, and with ``event`` that this is the newest name of all."""
        await self._ledger.written(_RENAME, {"link": link, "name": name[:300], "event": event})

    async def is_newest_name(self, link: int, event: int) -> bool:
        """Whether nobody renamed any leg since ``event`` told of a new name."""
        return bool(await self._ledger.rows(_NEWEST_NAME, {"link": link, "event": event}))

    async def moved_by_us(self, link: int, accounts: Iterable[str], *, come: bool) -> set[str]:
        """Those of ``accounts`` whom we brought into a conversation, or took out of it."""
        rows = await self._ledger.rows(_MOVED, {"link": link, "accounts": list(accounts), "come": come})
        return {row.account for row in rows}

    async def expect_echo(self, link: int, seconds: float) -> None:
        """Our own account is about to say something here that is not a message of anybody's."""
        await self._ledger.written(_EXPECT_ECHO, {"link": link, "seconds": seconds})

    async def _spread(self, statement: str, event: int, link: int, external_id: str, **values: Any) -> Routed:
        told = {"event": event, "link": link, "external_id": external_id}
        row = await self._ledger.written(statement, told | values)
        return Routed(event, row.verdict, list(row.links), [])
