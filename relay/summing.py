"""Summing up the ledger into small tables, every few minutes: who said something when, and how much crossed.

Each portion is counted and its mark moved in one commit: a crash repeats nothing, two at once take turns. Days are UTC's.
"""

from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from relay.models import ActiveAccount, DailySpeaker, DailyTraffic, RollupMark

PORTION = 20_000
"""Rows of the ledger summed up in one transaction: about a second's work."""

SETTLED = timedelta(minutes=1)
"""A row is counted once it is older than this and than every transaction that still writes: ids are handed out before rows
are seen, and what came to light behind the mark would never be counted."""

TRAFFIC_DAYS = 400
"""How long days are kept: a year, and the same month of the year before."""

SPEAKER_DAYS = 60
"""How long accounts are: twice the month that the pages tell of."""

_COPIES = """
WITH batch AS MATERIALIZED (
    SELECT c.link_id, c.created_at, m.author, m.origin_id = c.link_id AS is_said, l.installation_id,
           (c.created_at AT TIME ZONE 'UTC')::date AS day,
           CASE WHEN m.origin_id <> c.link_id THEN extract(epoch FROM c.created_at - m.created_at)::float8 END AS delay
    FROM relay_messagecopy c
    JOIN relay_relayedmessage m ON m.id = c.message_id
    JOIN relay_conversationlink l ON l.id = c.link_id
    WHERE c.id > %(after)s AND c.id <= %(upto)s AND c.part = 0 AND m.author <> ''
), traffic AS (
    INSERT INTO relay_dailytraffic AS t (installation_id, day, said, delivered, failed)
    SELECT installation_id, day, count(*) FILTER (WHERE is_said), count(*) FILTER (WHERE NOT is_said), 0
    FROM batch GROUP BY 1, 2
    ON CONFLICT (installation_id, day) DO UPDATE
        SET said = t.said + excluded.said, delivered = t.delivered + excluded.delivered
), speakers AS (
    INSERT INTO relay_dailyspeaker AS t (link_id, account, day, count)
    SELECT link_id, author, day, count(*) FROM batch WHERE is_said GROUP BY 1, 2, 3
    ON CONFLICT (account, link_id, day) DO UPDATE SET count = t.count + excluded.count
), active AS (
    INSERT INTO relay_activeaccount AS t (account_id, tenant_id, last_on)
    SELECT a.id, i.tenant_id, max(b.day) FROM batch b
    JOIN accounts_installation i ON i.id = b.installation_id
    JOIN accounts_platformaccount a ON a.installation_id = b.installation_id AND a.external_id = b.author
    WHERE b.is_said GROUP BY 1, 2
    ON CONFLICT (account_id) DO UPDATE SET last_on = greatest(t.last_on, excluded.last_on)
)
INSERT INTO relay_linkpulse AS t (link_id, last_at, delay)
SELECT link_id, max(created_at), percentile_cont(0.5) WITHIN GROUP (ORDER BY delay) FROM batch GROUP BY 1
ON CONFLICT (link_id) DO UPDATE
    SET last_at = greatest(t.last_at, excluded.last_at), delay = coalesce(excluded.delay, t.delay)
"""
"""What was said and delivered. Of a message in several parts the first counts. One without an author is no message."""

_ATTEMPTS = """
INSERT INTO relay_dailytraffic AS t (installation_id, day, said, delivered, failed)
SELECT l.installation_id, (a.ended_at AT TIME ZONE 'UTC')::date, 0, 0, count(*) FROM relay_attempt a
JOIN relay_delivery d ON d.id = a.delivery_id JOIN relay_conversationlink l ON l.id = d.link_id
WHERE a.id > %(after)s AND a.id <= %(upto)s AND a.reason <> ''
  AND (a.outcome IN ('refused', 'gone', 'not supported') OR a.reason LIKE 'tried for a day:%%')
GROUP BY 1, 2
ON CONFLICT (installation_id, day) DO UPDATE SET failed = t.failed + excluded.failed
"""
"""Tries after which a delivery was kept for a decision or given up."""

_FAILURES = """
INSERT INTO accounts_webhookcall (endpoint_id, event, data)
SELECT e.id, 'delivery.failed', jsonb_build_object(
    'connection', i.id, 'platform', i.platform, 'synced_channel', c.conversation_id, 'reason', a.reason,
    'count', count(*), 'deliveries', (array_agg(d.id ORDER BY d.id))[:100]
)
FROM relay_attempt a JOIN relay_delivery d ON d.id = a.delivery_id
JOIN relay_conversationlink l ON l.id = d.link_id JOIN accounts_installation i ON i.id = l.installation_id
LEFT JOIN relay_conversationlink c ON c.id = l.id AND c.heard_by IS NULL
JOIN accounts_webhookendpoint e ON e.tenant_id = i.tenant_id AND e.disabled_at IS NULL AND a.ended_at >= e.created_at
    AND 'delivery.failed' = ANY(e.events)
WHERE a.id > %(after)s AND a.id <= %(upto)s AND a.reason <> ''
  AND (a.outcome IN ('refused', 'gone', 'not supported') OR a.reason LIKE 'tried for a day:%%')
GROUP BY e.id, c.id, c.conversation_id, i.id, a.reason ORDER BY min(a.id), e.id
"""
"""The same tries, for the servers of tenants that want to be told: one call for each channel and reason, however many
messages it was, with the numbers of the first hundred. All direct chats of a connection are one: not even how many there are
is told."""

_UPTO = """
WITH settled AS (
    SELECT least(now(), min(xact_start)) - %(settled)s AS at FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
), window_ AS (
    SELECT least(coalesce((SELECT max(id) FROM {table}), 0), %(after)s + %(portion)s) AS upto
)
SELECT coalesce((
    SELECT min(id) - 1 FROM {table}, settled, window_
    WHERE id > %(after)s AND id <= window_.upto AND {time} >= settled.at
), (SELECT upto FROM window_), %(after)s)
"""

SOURCES = {
    "copies": ("relay_messagecopy", "created_at", _COPIES),
    "attempts": ("relay_attempt", "ended_at", _ATTEMPTS),
    "failures": ("relay_attempt", "ended_at", _FAILURES),
}
"""By the name of its mark: the table that is summed up, when its rows came to be, and the statement that does it."""


def sum_up() -> None:
    """Bring all sums up to date."""
    for name in SOURCES:
        RollupMark.objects.get_or_create(name=name)
        while _portion(name):
            pass


@transaction.atomic
def _portion(name: str) -> bool:
    """Returns whether there was anything to count."""
    table, time, statement = SOURCES[name]
    mark = RollupMark.objects.select_for_update().get(name=name)
    about: dict[str, Any] = {"after": mark.upto, "settled": SETTLED, "portion": PORTION}
    with connection.cursor() as cursor:
        cursor.execute(_UPTO.format(table=table, time=time), about)
        (upto,) = _row(cursor)
        if upto <= mark.upto:
            return False
        cursor.execute(statement, {"after": mark.upto, "upto": upto})
    mark.upto = upto
    mark.save()
    return True


def _row(cursor: Any) -> Any:
    return cursor.fetchone()


def forget() -> None:
    """Drop what is too old to be told of."""
    today = timezone.now().date()
    DailySpeaker.objects.filter(day__lt=_before(today, SPEAKER_DAYS)).delete()
    ActiveAccount.objects.filter(last_on__lt=_before(today, SPEAKER_DAYS)).delete()
    DailyTraffic.objects.filter(day__lt=_before(today, TRAFFIC_DAYS)).delete()


def _before(day: date, days: int) -> date:
    return day - timedelta(days=days)
