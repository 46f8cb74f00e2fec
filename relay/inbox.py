"""The ingress's half of the ledger: references of events kept in one commit, and what is merely counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from connectors.messages import Kind
from relay.models import Discard

_ACCEPT = """
WITH told AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
            %s::bigint[])
        WITH ORDINALITY AS t(platform, workspace, conversation, event_id, kind, message, occurred_at, app, n)
), placed AS (
    SELECT t.*, i.id AS installation_id, l.id AS link_id, l.conversation_id
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

DOUBTFUL = frozenset({Kind.NOTICE, Kind.DIRECTORY})
"""Kinds after which the directory may hold something else than the platform."""
QUIET_SECONDS = 5.0
"""How long we wait before asking the platform: five hundred people who are brought into a channel are one question."""

Counted = tuple[str, str, str]
"""``(platform, what, name)``, as ``DailyCount`` counts them."""


@dataclass(frozen=True, slots=True)
class Told:
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
    """Where an event went: ``event`` is its row, None when it was discarded for the reason ``discard``."""

    event: int | None
    installation: int | None
    link: int | None
    conversation: int | None
    discard: Discard | None


async def accept(database: "psycopg.AsyncConnection[Any]", told: Sequence[Told]) -> list[Accepted]:
    """Insert the references of events in one commit; what concerns nobody leaves no row. In the order given.

    Their time is the database's, as that of our intents: the two are compared to tell an echo.
    """
    columns = zip(
        *((t.platform, t.workspace, t.conversation, t.event_id, t.kind, t.message, t.occurred_at, t.app) for t in told),
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
    return Accepted(row.event, row.installation_id, row.link_id, row.conversation_id, discard)


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
