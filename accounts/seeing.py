"""What a run was told, page by page, kept in the ``Seen…`` tables until it is merged.

Names, e-mail addresses, avatar addresses and ids, and nothing else. What cannot be an id is left out; names lose what
PostgreSQL cannot hold. Each function writes one page with one statement and returns how many of its items are new to the run.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from accounts.matching import LONGEST_ID, LONGEST_URL, storable
from connectors.directory import Place, Team
from connectors.messages import Account, AccountId

LONGEST_CONVERSATION = 512
"""Teams' channel ids with their team's are the longest, about 150."""

_TEAMS = """
INSERT INTO accounts_seenteam (run_id, external_id, name, description)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT (run_id, external_id) DO UPDATE SET name = excluded.name, description = excluded.description
RETURNING xmax = 0
"""

_PEOPLE = """
INSERT INTO accounts_seenaccount (run_id, external_id, name, email, avatar_url, is_bot, is_guest, is_deleted)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::bool[], %s::bool[])
ON CONFLICT (run_id, external_id) DO UPDATE SET name = excluded.name, email = excluded.email,
    avatar_url = excluded.avatar_url, is_bot = excluded.is_bot, is_guest = excluded.is_guest,
    is_deleted = excluded.is_deleted
RETURNING xmax = 0
"""

_CHANNELS = """
INSERT INTO accounts_seenchannel
    (run_id, external_id, team, name, topic, is_private, is_archived, is_entered, is_read)
SELECT %s, *, false
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::bool[], %s::bool[])
ON CONFLICT (run_id, external_id) DO UPDATE SET team = excluded.team, name = excluded.name, topic = excluded.topic,
    is_private = excluded.is_private, is_archived = excluded.is_archived, is_entered = excluded.is_entered
RETURNING xmax = 0
"""

_MEMBERS = """
INSERT INTO accounts_seenmember (run_id, channel, account)
SELECT %s, channel, account FROM unnest(%s::text[], %s::text[]) AS told (account, channel)
ON CONFLICT (run_id, channel, account) DO NOTHING
RETURNING true
"""


def teams(run: int, told: Iterable[Team]) -> int:
    rows = [(team.id, storable(team.name)[:300], storable(team.description)[:1000]) for team in told]
    return _write(_TEAMS, run, rows)


def people(run: int, told: Iterable[Account]) -> int:
    return _write(_PEOPLE, run, [_account(account) for account in told])


def _account(account: Account) -> tuple[Any, ...]:
    avatar = storable(account.avatar_url) if len(account.avatar_url) <= LONGEST_URL else ""
    name, email = storable(account.name)[:200], storable(account.email)[:320]
    return account.id, name, email, avatar, account.is_bot, account.is_guest, account.is_deleted


def channels(run: int, told: Iterable[Place], chosen: Collection[str]) -> int:
    """Where there are ``chosen`` teams, channels of other ones are not wanted."""
    wanted = [place for place in told if not (chosen and place.team) or place.team in chosen]
    return _write(_CHANNELS, run, [_place(place) for place in wanted], LONGEST_CONVERSATION)


def _place(place: Place) -> tuple[Any, ...]:
    name, topic = storable(place.name)[:300], storable(place.topic)[:1000]
    team = place.team if _is_id(place.team) else ""
    return place.id, team, name, topic, place.is_private, place.is_archived, place.is_entered


def members(run: int, channel: str, told: Iterable[AccountId]) -> int:
    return _write(_MEMBERS, run, [(account, channel) for account in told])


def _write(sql: str, run: int, rows: Sequence[tuple[Any, ...]], longest: int = LONGEST_ID) -> int:
    """Each row begins with its id; of those with the same one the last counts."""
    good = list({row[0]: row for row in rows if _is_id(row[0], longest)}.values())
    if not good:
        return 0
    columns = [list(column) for column in zip(*good, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(sql, [run, *columns])
        return sum(is_new for (is_new,) in cursor.fetchall())


def _is_id(text: str, longest: int = LONGEST_ID) -> bool:
    return 0 < len(text) <= longest and text == storable(text)


_FORGET = """
DELETE FROM accounts_{table} s USING accounts_directoryimport r
WHERE r.id = s.run_id AND r.state NOT IN ('running', 'asking')
"""

_PRUNE = """
DELETE FROM accounts_directoryimport r USING (
    SELECT id, row_number() OVER (PARTITION BY installation_id ORDER BY id DESC) AS place,
        row_number() OVER (PARTITION BY installation_id, state, is_listing ORDER BY id DESC) AS place_of_its_kind
    FROM accounts_directoryimport
) placed
WHERE placed.id = r.id AND placed.place > %s AND r.state NOT IN ('running', 'asking')
  AND NOT (r.state = 'done' AND place_of_its_kind = 1)
"""


def forget(kept: int) -> None:
    """Delete what runs that have ended were told, and of each connection's runs all but the newest ``kept``.

    The last one that came to its end stays, after however many that did not: it is when the connection was imported, and
    where the next one goes on.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("seenteam", "seenaccount", "seenchannel", "seenmember"):
            cursor.execute(_FORGET.format(table=table))
        cursor.execute(_PRUNE, [kept])
