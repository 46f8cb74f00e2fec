"""How a message stands on one platform: what it should show there, and what it shows.

Its SQL, and what is written down as deliveries bring the second to the first.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.database import FENCED
from relay.ledger import Ledger
from relay.models import MessageCopy

OURS = "us"
"""The account under which our own emoji are written down: which one it is, the connection tells."""
NAMED = 3
"""People named beside an emoji before the rest are counted."""

_FIRST_COPY = f"""
    SELECT c.external_id FROM relay_messagecopy c
    WHERE c.message_id = {{message}} AND c.link_id = %(link)s AND c.part < {MessageCopy.NOTES}
      AND (c.removed_at IS NULL OR c.removed_at > %(then)s::timestamptz)
    ORDER BY c.part LIMIT 1
"""

_THREAD = f"""coalesce(({_FIRST_COPY.format(message="m.root_id")}), (
    SELECT first.external_id FROM relay_relayedmessage r, LATERAL ({_FIRST_COPY.format(message="r.id")}) first
    WHERE r.root_id = m.root_id AND r.id < m.id ORDER BY r.id LIMIT 1
)) AS thread"""
"""Where a reply belongs: under the copy of its root, or of the first reply, which opened the thread where no root was."""

_STANDING = f"""
SELECT m.edited_at, m.edited_by_event, m.reacted_at, {_THREAD},
       m.deleted_by_event,
       (SELECT bool_and(c.removed_at IS NOT NULL) FROM relay_messagecopy c
        WHERE c.message_id = m.id AND c.link_id = %(link)s AND c.part < {MessageCopy.NOTES}) IS TRUE AS is_taken_away,
       EXISTS (
           SELECT 1 FROM relay_delivery d
           WHERE d.link_id = %(link)s AND d.state < 3 AND d.id > %(delivery)s AND d.message_id = m.id
       ) AS is_followed,
       ARRAY(SELECT DISTINCT r.emoji FROM relay_reaction r
             WHERE r.message_id = m.id AND r.link_id <> %(link)s AND NOT r.is_ours ORDER BY 1) AS wanted,
       ARRAY(SELECT r.emoji FROM relay_reaction r
             WHERE r.message_id = m.id AND r.link_id = %(link)s AND r.is_ours ORDER BY r.id) AS placed,
       ARRAY(SELECT r.account FROM relay_reaction r
             WHERE r.message_id = m.id AND r.link_id = %(link)s AND r.is_ours ORDER BY r.id) AS placed_by,
       ARRAY(SELECT NOT r.is_in_doubt FROM relay_reaction r
             WHERE r.message_id = m.id AND r.link_id = %(link)s AND r.is_ours ORDER BY r.id) AS is_certain
FROM relay_relayedmessage m WHERE m.id = %(message)s
"""

_COPIES = """
SELECT id, external_id, part, revision, voice_id AS voice FROM relay_messagecopy
WHERE message_id = %(message)s AND link_id = %(link)s AND removed_at IS NULL ORDER BY part
"""

_REACTED_BY = f"""
SELECT r.emoji, l.installation_id AS installation, r.account, r.total FROM (
    SELECT id, link_id, account, emoji, count(*) OVER (PARTITION BY emoji) AS total,
           row_number() OVER (PARTITION BY emoji ORDER BY id) AS place
    FROM relay_reaction WHERE message_id = %(message)s AND link_id <> %(link)s AND NOT is_ours
) r JOIN relay_conversationlink l ON l.id = r.link_id
WHERE r.place <= {NAMED} ORDER BY r.id
"""

_PUT_ELSEWHERE = """
SELECT r.emoji, l.installation_id AS installation, r.account
FROM relay_reaction r JOIN relay_conversationlink l ON l.id = r.link_id
WHERE r.message_id = %(message)s AND r.link_id <> %(link)s AND NOT r.is_ours ORDER BY r.id
"""

_SHOW = f"""
WITH {FENCED}
UPDATE relay_messagecopy SET revision = %(revision)s FROM lease WHERE id = ANY(%(copies)s) RETURNING id
"""

_REMOVE = f"""
WITH {FENCED}
UPDATE relay_messagecopy SET removed_at = clock_timestamp() FROM lease WHERE id = %(copy)s RETURNING id
"""

_PLACE = f"""
WITH {FENCED}
INSERT INTO relay_reaction AS r (message_id, link_id, account, emoji, is_ours, is_in_doubt)
SELECT %(message)s, %(link)s, %(account)s, %(emoji)s, true, %(is_in_doubt)s FROM lease
ON CONFLICT (message_id, link_id, account, emoji) DO UPDATE SET is_in_doubt = excluded.is_in_doubt WHERE r.is_ours
RETURNING id
"""

_UNPLACE = f"""
WITH {FENCED}
DELETE FROM relay_reaction USING lease
WHERE message_id = %(message)s AND link_id = %(link)s AND account = %(account)s AND emoji = %(emoji)s AND is_ours
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """One part of a message, or something said about it, as it stands on one platform."""

    id: int
    external_id: str
    part: int
    revision: datetime | None
    voice: int | None

    @property
    def is_text(self) -> bool:
        """A part of the message's words."""
        return self.part < MessageCopy.FILES

    @property
    def is_reactions(self) -> bool:
        """The line of reactions that its platform cannot show."""
        return self.part >= MessageCopy.REACTIONS

    @property
    def is_note(self) -> bool:
        """A correction that was said about the message."""
        return MessageCopy.NOTES <= self.part < MessageCopy.REACTIONS


@dataclass(frozen=True, slots=True)
class Standing:
    """What one mailbox should show of a message, and what it shows.

    ``deleted_by_event`` is the inbound event that told of its end. ``thread`` is the root that replies are put under there.
    ``is_taken_away``: it stood there, and nothing of it does any more. ``is_followed``: another change waits behind this
    one. ``wanted`` are the emoji that anybody put elsewhere, ``placed`` those that we put there, each behind the account that
    did (``OURS``, or in a direct chat that of the person), and whether that is certain.
    """

    edited_at: datetime | None
    edited_by_event: int | None
    reacted_at: datetime | None
    deleted_by_event: int | None
    thread: str | None
    is_taken_away: bool
    is_followed: bool
    wanted: frozenset[str]
    placed: dict[tuple[str, str], bool]
    copies: list[Copy]


class Standings:
    """The standings of one leased shard's messages."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def of(self, message: int, link: int, delivery: int, then: datetime | None = None) -> Standing:
        """Where a copy stands and where it should, for a ``delivery`` of its mailbox; its thread as it was ``then``."""
        here = {"message": message, "link": link, "delivery": delivery, "then": then or "infinity"}
        [row], copies = await asyncio.gather(self._ledger.rows(_STANDING, here), self._ledger.rows(_COPIES, here))
        return Standing(
            row.edited_at, row.edited_by_event, row.reacted_at, row.deleted_by_event,
            row.thread, row.is_taken_away, row.is_followed,
            frozenset(row.wanted), dict(zip(zip(row.placed_by, row.placed, strict=True), row.is_certain, strict=True)),
            [Copy(*copy) for copy in copies],
        )  # fmt: skip

    async def put_elsewhere(self, message: int, link: int) -> list[Any]:
        """Every reaction that people put elsewhere: ``emoji``, ``installation`` and ``account``."""
        return await self._ledger.rows(_PUT_ELSEWHERE, {"message": message, "link": link})

    async def reacted_by(self, message: int, link: int) -> list[Any]:
        """Who put what elsewhere, in the order in which they did: ``emoji``, its first few as ``installation`` and
        ``account``, and ``total``.
        """
        return await self._ledger.rows(_REACTED_BY, {"message": message, "link": link})

    async def shows(self, copies: Iterable[Copy], revision: datetime | None) -> None:
        """Copies now have the words of an edit."""
        if ids := [copy.id for copy in copies]:
            await self._ledger.written(_SHOW, {"copies": ids, "revision": revision})

    async def removed(self, copy: Copy) -> None:
        """A copy was taken back."""
        await self._ledger.written(_REMOVE, {"copy": copy.id})

    async def placed(
        self, message: int, link: int, account: str, emoji: str, *, on: bool, is_in_doubt: bool = False
    ) -> None:
        """We put an emoji on a copy with ``account``, or took it back; ``is_in_doubt``: the platform did not say whether."""
        values = {"message": message, "link": link, "account": account, "emoji": emoji}
        if on or is_in_doubt:
            await self._ledger.rows(_PLACE, values | {"is_in_doubt": is_in_doubt})
        else:
            await self._ledger.rows(_UNPLACE, values)
