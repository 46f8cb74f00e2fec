"""Mirroring: who should be in a synced channel's legs because they are in another one, and who no longer.

Whoever came into one leg on their own, and is represented on another leg's platform, is brought in there; whom we brought in
is taken out when the reason is gone. Nobody else is ever taken out. The database works it out; ``moving.py`` carries it out.
"""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Count

from relay.models import MembershipChange, UniversalConversation

State = MembershipChange.State

AT_ONCE = 100
"""Conversations of one statement: a fraction of a second, and no lock held for longer."""
SETTLING = "interval '1 hour'"
"""How long a membership of our making may take to show up, and its notice to come: Graph allows itself an hour."""

BY_KEY = "SET LOCAL enable_seqscan = off"
"""While its statistics are out of date, as after a first import, the database takes large tables for empty and would compare
everybody with everybody: minutes for five thousand people. With this, and ``OFFSET 0`` behind each lookup, which keeps them
in the order in which they are written, it finds by key what belongs to each row; ``+ 0`` keeps out an index by which it would
go through all of a platform's people for each of them."""

_LEGS = """
leg AS MATERIALIZED (
    SELECT l.*, bool_and(is_known) OVER company AND count(*) OVER company > 1 AS may_take_out FROM (
        SELECT l.id AS link, l.conversation_id AS conversation, l.installation_id AS installation,
            i.tenant_id AS tenant, c.id AS channel,
            -- Our own account is a member everywhere: an empty list is one that nobody has read yet.
            EXISTS (SELECT FROM accounts_channelmember m WHERE m.channel_id = c.id) AS is_known
        FROM relay_conversationlink l
        JOIN relay_universalconversation u ON u.id = l.conversation_id
        JOIN accounts_installation i ON i.id = l.installation_id
        LEFT JOIN accounts_channel c ON c.installation_id = l.installation_id AND c.external_id = l.external_id
        WHERE l.is_active AND u.paused_at IS NULL AND u.ended_at IS NULL AND u.archived_at IS NULL
          AND u.kind = 'channel' AND u.id = ANY(%(conversations)s::bigint[])
    ) l
    WINDOW company AS (PARTITION BY conversation, tenant)
)
"""
"""``may_take_out``: all that could be a reason to be there is known. A leg whose members are not might be one."""

_RESTORE = f"""
WITH {_LEGS}
UPDATE accounts_channelmember SET is_added = true WHERE id = ANY(ARRAY(
    SELECT m.id FROM leg
    CROSS JOIN LATERAL (
        SELECT account_id FROM relay_membershipchange
        WHERE link_id = leg.link AND state = '{State.DONE}' AND is_addition OFFSET 0
    ) w
    CROSS JOIN LATERAL (
        SELECT id FROM accounts_channelmember
        WHERE channel_id = leg.channel AND account_id = w.account_id AND NOT is_added OFFSET 0
    ) m
))
"""
"""A list that was read before a platform showed our doing takes the mark away; the one read after it finds a member."""

_LEFT = f"""
WITH {_LEGS}
UPDATE relay_membershipchange w SET state = '{State.LEFT}', changed_at = now() FROM leg
WHERE w.link_id = leg.link AND leg.is_known AND w.state = '{State.DONE}' AND w.is_addition
  AND w.changed_at < now() - {SETTLING}
  AND NOT EXISTS (
    SELECT FROM accounts_channelmember m WHERE m.channel_id = leg.channel AND m.account_id = w.account_id OFFSET 0
  )
"""

_NATIVES = """
CROSS JOIN LATERAL (
    SELECT account_id FROM accounts_channelmember WHERE channel_id = {leg}.channel AND NOT is_added OFFSET 0
) m
CROSS JOIN LATERAL (
    SELECT person_id, is_deleted FROM accounts_platformaccount WHERE id = m.account_id OFFSET 0
) p
"""
"""Who is in a leg on their own."""

_SYNCS = """
CROSS JOIN LATERAL (
    SELECT account_id, state FROM accounts_usersync
    WHERE person_id = p.person_id AND installation_id + 0 = {leg}.installation OFFSET 0
) s
"""
"""How these people are synced to a leg's platform. Its state is looked at outside: by an index of it, everybody is found."""

_PLAN = f"""
WITH {_LEGS}, fact AS (
    -- Who is in another leg, on their own: whom we brought in is no reason to bring them in elsewhere.
    SELECT ours.link, ours.may_take_out, s.account_id AS account,
        true AS is_elsewhere, false AS is_here, false AS is_added, NULL::bigint AS change
    FROM leg theirs
    JOIN leg ours ON ours.conversation = theirs.conversation AND ours.link <> theirs.link AND ours.is_known
    {_NATIVES.format(leg="theirs")}
    {_SYNCS.format(leg="ours")}
    CROSS JOIN LATERAL (SELECT is_deleted FROM accounts_platformaccount WHERE id = s.account_id OFFSET 0) a
    WHERE NOT p.is_deleted AND NOT a.is_deleted AND s.state IN ('synced', 'pending')
    UNION ALL  -- who is here on their own, with whatever account
    SELECT leg.link, leg.may_take_out, s.account_id, false, true, false, NULL
    FROM leg
    {_NATIVES.format(leg="leg")}
    {_SYNCS.format(leg="leg")}
    WHERE s.account_id IS NOT NULL
    UNION ALL
    SELECT leg.link, leg.may_take_out, m.account_id, false, NOT m.is_added, m.is_added, NULL
    FROM leg CROSS JOIN LATERAL (
        SELECT account_id, is_added FROM accounts_channelmember WHERE channel_id = leg.channel OFFSET 0
    ) m
    UNION ALL
    SELECT leg.link, leg.may_take_out, w.account_id, false, false, false, w.id
    FROM leg CROSS JOIN LATERAL (
        SELECT id, account_id FROM relay_membershipchange WHERE link_id = leg.link OFFSET 0
    ) w
), seen AS (
    SELECT link, may_take_out, account, bool_or(is_elsewhere) AND NOT bool_or(is_here) AS is_wanted,
        bool_or(is_added) AS is_added, max(change) AS change
    FROM fact GROUP BY link, may_take_out, account
), judged AS MATERIALIZED (
    SELECT *, is_added AND NOT is_wanted AND may_take_out AS is_unwanted FROM seen
), moot AS (
    DELETE FROM relay_membershipchange
    WHERE id = ANY(ARRAY(SELECT change FROM judged WHERE NOT is_wanted AND NOT is_unwanted)) AND (
        state IN ('{State.WAITING}', '{State.FAILED}', '{State.LEFT}')
        OR state = '{State.DONE}' AND changed_at < now() - {SETTLING}
    )
)
INSERT INTO relay_membershipchange AS held (link_id, account_id, is_addition, state, reason, tries)
SELECT link, account, is_wanted, '{State.WAITING}', '', 0 FROM judged
WHERE is_wanted AND NOT is_added OR is_unwanted
ORDER BY 1, 2
ON CONFLICT (link_id, account_id) DO UPDATE SET
    is_addition = excluded.is_addition, state = excluded.state, reason = '', tries = 0, not_before = now(),
    changed_at = now()
WHERE held.is_addition <> excluded.is_addition AND held.state <> '{State.UNDER_WAY}'
"""
"""Facts are gathered and counted per leg and account: the time this takes grows with their number, whatever the database
guesses of it."""

_TAKE_OUT = """
INSERT INTO relay_membershipchange AS held (link_id, account_id, is_addition, state, reason, tries)
SELECT l.id, m.account_id, false, 'waiting', '', 0
FROM relay_conversationlink l
JOIN accounts_channel c ON c.installation_id = l.installation_id AND c.external_id = l.external_id
JOIN accounts_channelmember m ON m.channel_id = c.id AND m.is_added
WHERE l.id = %s ORDER BY 2
ON CONFLICT (link_id, account_id) DO UPDATE SET
    is_addition = false, state = excluded.state, reason = '', tries = 0, not_before = now(), changed_at = now()
WHERE held.is_addition
"""


def plan(*conversations: int) -> None:
    """Bring what is to be done in line with who is where. Doing it twice changes nothing.

    Nothing is asked for in conversations that rest, and of legs whose members nobody has read.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BY_KEY)
        for statement in (_RESTORE, _LEFT, _PLAN):
            cursor.execute(statement, {"conversations": list(conversations)})


def plan_all() -> None:
    """Do so in every conversation that is alive, and forget whom we meant to bring into legs that are no more."""
    MembershipChange.objects.filter(link__is_active=False, is_addition=True).delete()
    alive = list(UniversalConversation.channels.filter(ended_at=None).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(alive), AT_ONCE):
        plan(*alive[start : start + AT_ONCE])


def take_out(link: int) -> None:
    """Have everybody whom we brought into a leg's channel taken out of it: it is no longer synced, by somebody's choice."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OUT, [link])


def affected(channels: Iterable[int]) -> list[int]:
    """The conversations that have one of these channels as a leg."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT l.conversation_id
            FROM accounts_channel c
            JOIN relay_conversationlink l ON l.installation_id = c.installation_id AND l.external_id = c.external_id
            WHERE c.id = ANY(%s) AND l.is_active AND l.heard_by IS NULL ORDER BY 1
            """,
            [list(channels)],
        )
        return [conversation for (conversation,) in cursor.fetchall()]


def progress(links: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many changes of each leg are in which state (``MembershipChange.State``); legs without any are left out."""
    rows = MembershipChange.objects.filter(link__in=list(links)).values_list("link", "state")
    counts: dict[int, dict[str, int]] = {}
    for link, state, number in rows.annotate(number=Count("pk")).order_by("link", "state"):
        counts.setdefault(link, {})[state] = number
    return counts
