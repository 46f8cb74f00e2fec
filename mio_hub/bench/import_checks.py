"""What must be true after a crowd was imported, asked of the database itself."""

from collections.abc import Iterator, Sequence

from django.db import connection

from accounts.models import DirectoryImport, Installation, SeenAccount, SeenChannel, SeenMember, SeenTeam
from mio_hub.sandbox.crowd import DOMAIN, Crowd

_WHO = f"^person([0-9]+)@{DOMAIN}$"

_PEOPLE = """
SELECT count(*), count(DISTINCT external_id), count(DISTINCT lower(email)), count(*) FILTER (WHERE is_deleted)
FROM accounts_platformaccount WHERE installation_id = %(installation)s AND email ~ %(who)s
"""

_PERSONS = "SELECT count(*), count(DISTINCT lower(email)) FROM accounts_person WHERE email ~ %(who)s"

_MATCHED = """
SELECT count(*) FROM (
    SELECT p.id FROM accounts_person p JOIN accounts_platformaccount a ON a.person_id = p.id
    WHERE p.email ~ %(who)s AND lower(a.email) = lower(p.email)
    GROUP BY p.id HAVING array_agg(a.installation_id ORDER BY a.installation_id) = %(installations)s::bigint[]
) matched
"""

# A channel of the crowd is a row of people by number, and no two begin with the same one.
_CHANNELS = """
SELECT count(*), count(DISTINCT first), count(*) FILTER (
    WHERE members = %(size)s AND last - first = %(size)s - 1 AND (first - 1) %% %(size)s = 0
      AND members_count = everybody)
FROM (
    SELECT c.id, c.members_count, count(*) AS everybody, count(n) AS members, min(n) AS first, max(n) AS last
    FROM accounts_channel c
    JOIN accounts_channelmember x ON x.channel_id = c.id
    JOIN accounts_platformaccount a ON a.id = x.account_id,
    LATERAL (SELECT (substring(a.email FROM %(who)s))::int AS n) numbered
    WHERE c.installation_id = %(installation)s AND c.name ~ '^bench-[0-9]+$'
    GROUP BY c.id
) counted
"""


def complaints(installations: Sequence[Installation], crowd: Crowd) -> list[str]:
    """What is wrong, in words; empty where everything is as it should be."""
    found = list(_of_persons(installations, crowd))
    for installation in installations:
        found += [f"{installation.platform}: {complaint}" for complaint in _of_platform(installation, crowd)]
    return found


def _of_platform(installation: Installation, crowd: Crowd) -> Iterator[str]:
    people, channels = crowd.people, crowd.channels
    if (counts := _row(_PEOPLE, installation=installation.pk)) != (people, people, people, 0):
        yield f"accounts, their ids, their addresses and deleted ones are {counts}, of {people} people"
    if (counts := _row(_CHANNELS, installation=installation.pk, size=crowd.members)) != (channels,) * 3:
        yield f"channels, different ones and those with the right members are {counts}, of {channels}"
    states = set(installation.imports.values_list("state", flat=True))
    if states != {DirectoryImport.State.DONE}:
        yield f"its runs are {', '.join(sorted(states))}"


def _of_persons(installations: Sequence[Installation], crowd: Crowd) -> Iterator[str]:
    if (counts := _row(_PERSONS)) != (crowd.people, crowd.people):
        yield f"persons and their addresses are {counts}, of {crowd.people} people"
    matched = _row(_MATCHED, installations=sorted(installation.pk for installation in installations))
    if matched != (crowd.people,):
        yield f"{matched[0]} of {crowd.people} people have exactly one account on each platform"


def left_over() -> int:
    """Rows that runs were told and that nobody has deleted."""
    return sum(table.objects.count() for table in (SeenTeam, SeenAccount, SeenChannel, SeenMember))


def _row(sql: str, **parameters: int | list[int]) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters | {"who": _WHO})
        row: tuple[int, ...] = cursor.fetchone()
        return row


# --- what a run writes

_WRITTEN_TO = ("team", "person", "platformaccount", "channel", "channelmember", "doubt")

_REMEMBER = """
CREATE TEMPORARY TABLE bench_{table} AS SELECT id, xmin::text AS version FROM accounts_{table}
"""

_WRITTEN = """
SELECT count(*) FROM accounts_{table} a FULL JOIN bench_{table} b ON b.id = a.id
WHERE b.version IS DISTINCT FROM a.xmin::text
"""


def remember_rows() -> None:
    """Note the version of every row, in this connection."""
    with connection.cursor() as cursor:
        for table in _WRITTEN_TO:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.bench_{table}")
            cursor.execute(_REMEMBER.format(table=table))


def rows_written() -> int:
    """How many rows were added, changed or deleted since ``remember_rows``; also those changed into what they were."""
    return sum(_row(_WRITTEN.format(table=table))[0] for table in _WRITTEN_TO)
