"""The ingress's half of the ledger: references of events kept in one commit, and what is merely counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from connectors.messages import Kind
from relay.database import records
from relay.models import Discard
from relay.waiting import Waiting

_ACCEPT = """
WITH told AS (
    SELECT t.*, t.ordinality AS n FROM ROWS FROM (json_to_recordset(%s) AS (
        platform text, workspace text, conversation text, event_id text, kind text, message text, occurred_at timestamptz,
        app bigint)) WITH ORDINALITY AS t
), placed AS (
    SELECT t.*, i.id AS installation_id, l.id AS link_id, l.conversation_id,
        l.name, l.carries_apps, l.heard_by
    FROM told t
    LEFT JOIN accounts_installation i ON i.platform = t.platform AND i.workspace = t.workspace
        AND i.app_id IS NOT DISTINCT FROM t.app  -- who holds one app's secret speaks for that app's workspaces only
    LEFT JOIN relay_conversationlink l ON l.installation_id = i.id AND l.external_id = t.conversation AND l.is_active
), kept AS (
    INSERT INTO relay_inboundevent
        (installation_id, link_id, event_id, kind, message, occurred_at, received_at, state, discard)
    SELECT installation_id, link_id, event_id, kind, message, occurred_at, clock_timestamp(), 0, ''
    FROM placed WHERE link_id IS NOT NULL ORDER BY n
    ON CONFLICT (installation_id, event_id) DO NOTHING
    RETURNING id, installation_id, event_id, received_at
)
SELECT p.installation_id, p.link_id, p.conversation_id, p.name, p.carries_apps, p.heard_by, k.id AS event, k.received_at,
       EXISTS (SELECT 1 FROM relay_participation s WHERE s.conversation_id = p.conversation_id) AS is_shared,
       EXISTS (SELECT 1 FROM relay_inboundevent w WHERE w.link_id = p.link_id AND w.state = 0) AS is_behind
FROM placed p LEFT JOIN kept k ON k.installation_id = p.installation_id AND k.event_id = p.event_id
ORDER BY p.n
"""

_COUNT = """
INSERT INTO relay_dailycount AS counted (platform, what, name, day, count)
SELECT platform, what, name, (now() AT TIME ZONE 'UTC')::date, count
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS t(platform, what, name, count)
ON CONFLICT (platform, what, name, day) DO UPDATE SET count = counted.count + excluded.count
"""

_DOUBT = """
INSERT INTO accounts_doubt AS held (installation_id, conversation, account, noticed_at, not_before)
SELECT DISTINCT i.id, t.conversation, t.account, now(), now() + make_interval(secs => %s)
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[])
    AS t(platform, workspace, app, conversation, account)
JOIN accounts_installation i ON i.platform = t.platform AND i.workspace = t.workspace
    AND i.app_id IS NOT DISTINCT FROM t.app
WHERE t.conversation || t.account <> ''
  AND EXISTS (SELECT 1 FROM accounts_directoryimport r WHERE r.installation_id = i.id)
ORDER BY 1, 2, 3  -- so that two processes never wait for each other's rows in opposite order
ON CONFLICT (installation_id, conversation, account) DO UPDATE SET noticed_at = excluded.noticed_at
"""

_BEGIN_DIRECT = """
WITH told AS (
    SELECT DISTINCT ON (i.id, t.conversation)
        i.id AS installation, i.tenant_id AS tenant, t.conversation, t.hearer, c.shares_files
    FROM unnest(%(platforms)s::text[], %(workspaces)s::text[], %(apps)s::bigint[], %(conversations)s::text[],
                %(hearers)s::text[]) AS t(platform, workspace, app, conversation, hearer)
    JOIN accounts_installation i ON i.platform = t.platform AND i.workspace = t.workspace
        AND i.app_id IS NOT DISTINCT FROM t.app
    JOIN accounts_tenant c ON c.id = i.tenant_id
    WHERE c.prompts_unsynced OR EXISTS (
        SELECT FROM accounts_usersync s JOIN accounts_installation o ON o.id = s.installation_id
        WHERE o.tenant_id = i.tenant_id)
    ORDER BY i.id, t.conversation
), again AS (
    UPDATE relay_conversationlink l SET is_active = true, heard_by = told.hearer
    FROM told, relay_universalconversation u
    WHERE l.installation_id = told.installation AND l.external_id = told.conversation AND u.id = l.conversation_id
      AND NOT l.is_active AND u.kind = 'direct' AND u.ended_at < now() - make_interval(secs => %(pause)s)
    RETURNING l.conversation_id
), opened AS (
    UPDATE relay_universalconversation u SET ended_at = NULL FROM again WHERE u.id = again.conversation_id
), fresh AS (
    SELECT told.*, nextval(pg_get_serial_sequence('relay_universalconversation', 'id')) AS id FROM told
    WHERE NOT EXISTS (SELECT FROM relay_conversationlink l
                      WHERE l.installation_id = told.installation AND l.external_id = told.conversation)
), conversations AS (
    INSERT INTO relay_universalconversation (id, tenant_id, kind, name, created_at)
    SELECT id, tenant, 'direct', '', now() FROM fresh
)
INSERT INTO relay_conversationlink (conversation_id, installation_id, external_id, name, heard_by, is_active,
    allows_broadcast, allows_files, carries_apps, shows_notices, follows_names, shows_corrections, setbacks, reason)
SELECT id, installation, conversation, '', hearer, true, false, shares_files, false, false, false, true, 0, '' FROM fresh
ON CONFLICT DO NOTHING
"""

QUIET_CHAT_SECONDS = 60.0
"""How long a direct chat that concerned nobody is left alone: then somebody in it may be synced by now."""

DOUBTFUL = frozenset({Kind.NOTICE, Kind.DIRECTORY})
"""Kinds after which the directory may hold something else than the platform."""
QUIET_SECONDS = 5.0
"""How long we wait before asking the platform: five hundred people who are brought into a channel are one question."""

Counted = tuple[str, str, str]
"""``(platform, what, name)``, as ``DailyCount`` counts them."""


class Told(NamedTuple):
    """One event as a webhook announced it, ready for the inbox. ``app`` is the tenant's own app that was told; None: ours."""

    platform: str
    workspace: str
    conversation: str
    event_id: str
    kind: str
    message: str
    occurred_at: datetime | None
    app: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where an event went: ``event`` is its row, None when it was discarded for the reason ``discard``.

    ``waiting`` is what a worker needs of a new message before which nothing of its link was waiting.
    """

    event: int | None
    installation: int | None
    link: int | None
    conversation: int | None
    discard: Discard | None
    waiting: Waiting | None = None

    @property
    def is_unlinked(self) -> bool:
        """Of a workspace that is connected, and of a conversation of which nothing crosses."""
        return self.installation is not None and self.discard == Discard.NOT_LINKED


async def accept(database: "psycopg.AsyncConnection[Any]", told: Sequence[Told]) -> list[Accepted]:
    """Insert the references of events in one commit; what concerns nobody leaves no row. In the order given.

    Their time is the database's, as that of our intents: the two are compared to tell an echo.
    """
    cursor = await database.execute(_ACCEPT, [records(told)])
    return [_accepted(row, one) for row, one in zip(await cursor.fetchall(), told, strict=True)]


def _accepted(row: Any, told: Told) -> Accepted:
    if row.installation_id is None:
        discard: Discard | None = Discard.UNKNOWN_WORKSPACE
    elif row.link_id is None:
        discard = Discard.NOT_LINKED
    else:
        discard = None if row.event else Discard.DUPLICATE
    is_alone = row.event and told.kind == Kind.POSTED and not row.is_behind
    return Accepted(
        row.event,
        row.installation_id,
        row.link_id,
        row.conversation_id,
        discard,
        _waiting(row, told) if is_alone else None,
    )


def _waiting(row: Any, told: Told) -> Waiting:
    return Waiting(
        row.event, row.link_id, told.kind, told.message, told.occurred_at, row.received_at, row.installation_id,
        told.conversation, row.conversation_id, row.name, row.carries_apps, row.heard_by, row.is_shared,
    )  # fmt: skip


async def begin_direct(database: "psycopg.AsyncConnection[Any]", told: Sequence[tuple[Told, str]]) -> None:
    """Make conversations of direct chats that nobody told us of yet, each with its hearer (``Envelope.hearer``).

    Whether they concern anybody is found out by whoever reads them. Nothing happens for companies that sync nobody.
    """
    values = {
        "platforms": [t.platform for t, _ in told],
        "workspaces": [t.workspace for t, _ in told],
        "apps": [t.app for t, _ in told],
        "conversations": [t.conversation for t, _ in told],
        "hearers": [hearer for _, hearer in told],
        "pause": QUIET_CHAT_SECONDS,
    }
    await database.execute(_BEGIN_DIRECT, values)


async def doubt(database: "psycopg.AsyncConnection[Any]", told: Sequence[Told]) -> None:
    """Write down what of the directory is to be asked for again; nothing where no directory was ever read."""
    subjects = [(t.platform, t.workspace, t.app, t.conversation, _account_in_doubt(t)) for t in told]
    columns = zip(*subjects, strict=True)
    await database.execute(_DOUBT, [QUIET_SECONDS, *(list(column) for column in columns)])


def _account_in_doubt(told: Told) -> str:
    """Where a conversation is named all of its members are asked for: many who join at once are one question."""
    return "" if told.conversation else told.message


async def count(database: "psycopg.AsyncConnection[Any]", happenings: Sequence[Counted]) -> None:
    """Add to today's counts."""
    # Sorted, so that two processes never wait for each other's rows in opposite order.
    rows = [(*happening, times) for happening, times in sorted(Counter(happenings).items())]
    await database.execute(_COUNT, [list(column) for column in zip(*rows, strict=True)])
