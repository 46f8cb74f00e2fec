"""Auto Sync compared with who is synced: whom groups would have synced, and whom nothing holds any more.

Somebody in several groups belongs to the first by ``place`` of those that count: the ones that are on, and in a dry run the
one that is tried. A group that was on and is off adds nobody, and still holds those that it had synced. All of it in SQL
over all people of a tenant at once.
"""

from typing import Any

from django.db import connection

from accounts.matching import OWN
from accounts.models import SyncRun, Tenant

_MEMBERS = """
SELECT DISTINCT ON (m.person_id) m.person_id, g.id AS group_id, g.primary_id
FROM accounts_syncgroupmember m JOIN accounts_syncgroup g ON g.id = m.group_id JOIN accounts_person p ON p.id = m.person_id
WHERE g.tenant_id = %(tenant)s AND p.tenant_id = %(tenant)s AND p.places > 0 AND (g.is_on OR g.id = %(tried)s)
ORDER BY m.person_id, g.place, g.id
"""
"""Everybody in a group that counts, with their group. Whoever has left all platforms is in none."""

_DUE = f"""
WITH mine AS MATERIALIZED ({_MEMBERS}), wanted AS MATERIALIZED (
    SELECT mine.person_id, x.installation_id FROM mine JOIN accounts_syncgroup_secondaries x ON x.syncgroup_id = mine.group_id
), due AS (
    SELECT mine.person_id, mine.primary_id AS installation_id, 'primary' AS deed
    FROM mine JOIN accounts_person p ON p.id = mine.person_id
    WHERE p.primary_id IS NULL AND EXISTS (
        SELECT FROM accounts_platformaccount a
        WHERE a.person_id = p.id AND a.installation_id = mine.primary_id AND {OWN.format("a")})
  UNION ALL
    SELECT w.person_id, w.installation_id, 'sync'
    FROM wanted w JOIN accounts_person p ON p.id = w.person_id
    LEFT JOIN accounts_usersync s ON s.person_id = w.person_id AND s.installation_id = w.installation_id
    WHERE coalesce(s.state, 'error') IN ('error', 'unavailable')
      AND p.primary_id IS DISTINCT FROM w.installation_id
  UNION ALL
    SELECT s.person_id, s.installation_id, 'unsync'
    FROM accounts_usersync s JOIN accounts_person p ON p.id = s.person_id
    LEFT JOIN wanted w ON w.person_id = s.person_id AND w.installation_id = s.installation_id
    WHERE s.by_group AND p.tenant_id = %(tenant)s AND w.person_id IS NULL AND (p.places = 0 OR NOT EXISTS (
        SELECT FROM accounts_syncgroupmember m JOIN accounts_syncgroup g ON g.id = m.group_id
        JOIN accounts_syncgroup_secondaries x ON x.syncgroup_id = g.id
        WHERE m.person_id = s.person_id AND x.installation_id = s.installation_id AND g.was_on AND NOT g.is_on))
)
"""
"""``places`` is 0 for whoever was off-boarded: no group holds them."""

_FILL = f"""
{_DUE}
INSERT INTO accounts_syncchange (run_id, person_id, installation_id, subject, deed, action, licence, state, reason)
SELECT %(run)s, p.id, due.installation_id, p.email, due.deed, '', '', 'planned', ''
FROM due JOIN accounts_person p ON p.id = due.person_id
ORDER BY p.id ON CONFLICT DO NOTHING
"""

_CONFLICTS = """
SELECT m.group_id, count(*) FROM accounts_syncgroupmember m JOIN accounts_syncgroup g ON g.id = m.group_id
WHERE g.tenant_id = %(tenant)s AND EXISTS (
    SELECT FROM accounts_syncgroupmember o JOIN accounts_syncgroup h ON h.id = o.group_id
    WHERE o.person_id = m.person_id AND h.tenant_id = g.tenant_id AND (h.place, h.id) < (g.place, g.id))
GROUP BY m.group_id
"""

_LEAVING = """
SELECT count(DISTINCT s.person_id) FROM accounts_usersync s
JOIN accounts_syncgroupmember m ON m.person_id = s.person_id AND m.group_id = %(group)s
JOIN accounts_syncgroup_secondaries x ON x.syncgroup_id = m.group_id AND x.installation_id = s.installation_id
WHERE s.by_group
"""

_KEEP = """
UPDATE accounts_usersync s SET by_group = false
FROM accounts_syncgroupmember m JOIN accounts_syncgroup_secondaries x ON x.syncgroup_id = m.group_id
WHERE m.group_id = %(group)s AND m.person_id = s.person_id AND x.installation_id = s.installation_id AND s.by_group
"""


def fill(run: SyncRun) -> None:
    """Write down what is to be done for the groups of the run's tenant."""
    with connection.cursor() as cursor:
        cursor.execute(_FILL, _about(run.tenant_id, run.wanted.get("group")) | {"run": run.pk})
        cursor.execute("ANALYZE accounts_syncchange")  # or PostgreSQL believes for a minute that there are none


def is_due(tenant: int) -> bool:
    """Whether anybody of a tenant is not as its groups would have it."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_DUE} SELECT EXISTS (SELECT FROM due)", _about(tenant, None))
        return bool(cursor.fetchone()[0])


def _about(tenant: int, tried: int | None) -> dict[str, Any]:
    return {"tenant": tenant, "tried": tried or 0}


def conflicts(tenant: Tenant) -> dict[int, int]:
    """How many members of each group belong to one further up."""
    with connection.cursor() as cursor:
        cursor.execute(_CONFLICTS, {"tenant": tenant.pk})
        return dict(cursor.fetchall())


def synced_by(group: int) -> int:
    """How many people a group holds synced."""
    with connection.cursor() as cursor:
        cursor.execute(_LEAVING, {"group": group})
        return int(cursor.fetchone()[0])


def leave_synced(group: int) -> None:
    """Have those whom a group holds synced stay so without it, as if somebody had synced them by hand."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"group": group})
