"""What a run has read becomes what we hold: all its SQL, set-based, writing only rows that really change.

Each function is one kind and is called in a transaction of its own; each may be run again. Nothing is loaded into memory
here. Who is no longer there stays as a deleted account: as the author of what it said. What came after the run's ``horizon``
was told by an event while the run went on, and is never taken for missing.
"""

from typing import Any

from django.db import connection
from django.db.models import Max

from accounts.matching import match_people
from accounts.models import Channel, ChannelMember, DirectoryImport, PlatformAccount

Changes = dict[str, int]
"""Rows ``added``, ``changed`` and ``removed``."""


def horizon(installation: int) -> dict[str, int]:
    """The newest rows there are, for ``DirectoryImport.horizon``."""
    mine = {
        "people": PlatformAccount.objects.filter(installation=installation),
        "channels": Channel.objects.filter(installation=installation),
        "memberships": ChannelMember.objects.filter(channel__installation=installation),
    }
    return {kind: rows.aggregate(newest=Max("pk"))["newest"] or 0 for kind, rows in mine.items()}


# Teams that were chosen and could not be entered tell nothing: what belongs to them stays as it is.
_SHUT = "SELECT id FROM accounts_team WHERE installation_id = %(installation)s AND is_chosen AND problem <> ''"

# Channels that did not tell their members this time: who is known from there alone is not gone.
_UNREAD = "SELECT external_id FROM accounts_seenchannel WHERE run_id = %(run)s AND NOT is_read AND NOT is_archived"

# Bots are left alone: Slack lists none that is merely the name under which an app posts.
_GONE_PEOPLE = f"""
SELECT a.id FROM accounts_platformaccount a
JOIN accounts_seenaccount s ON s.run_id = %(run)s AND s.external_id = a.external_id
WHERE a.installation_id = %(installation)s AND NOT a.is_deleted AND s.is_deleted
UNION ALL
SELECT a.id FROM accounts_platformaccount a
WHERE a.installation_id = %(installation)s AND NOT a.is_deleted AND NOT %(is_delta)s
  AND a.id <= %(people)s AND a.external_id <> %(ours)s AND NOT a.is_bot
  AND NOT EXISTS (SELECT FROM accounts_seenaccount s WHERE s.run_id = %(run)s AND s.external_id = a.external_id)
  AND NOT EXISTS (SELECT FROM accounts_seenmember m WHERE m.run_id = %(run)s AND m.account = a.external_id)
  AND NOT EXISTS (
    SELECT FROM accounts_channelmember x JOIN accounts_channel c ON c.id = x.channel_id
    WHERE x.account_id = a.id AND (c.team_id IN ({_SHUT}) OR c.external_id IN ({_UNREAD})))
"""

_GONE_CHANNELS = f"""
SELECT c.id FROM accounts_channel c
WHERE c.installation_id = %(installation)s AND c.id <= %(channels)s
  AND NOT EXISTS (SELECT FROM accounts_seenchannel s WHERE s.run_id = %(run)s AND s.external_id = c.external_id)
  AND NOT EXISTS ({_SHUT} AND accounts_team.id = c.team_id)
"""

_GONE_MEMBERSHIPS = f"""
SELECT x.id FROM accounts_channelmember x WHERE x.channel_id IN ({_GONE_CHANNELS})
UNION ALL
SELECT x.id FROM accounts_channelmember x
JOIN accounts_channel c ON c.id = x.channel_id
JOIN accounts_platformaccount a ON a.id = x.account_id
JOIN accounts_seenchannel s ON s.run_id = %(run)s AND s.external_id = c.external_id AND s.is_read
WHERE c.installation_id = %(installation)s AND x.id <= %(memberships)s
  AND NOT EXISTS (SELECT FROM accounts_seenmember m
    WHERE m.run_id = %(run)s AND m.channel = c.external_id AND m.account = a.external_id)
"""

_MAY_BE_REMOVED = f"""
SELECT (SELECT count(*) FROM ({_GONE_PEOPLE}) gone),
       (SELECT count(*) FROM accounts_platformaccount WHERE installation_id = %(installation)s AND NOT is_deleted),
       (SELECT count(*) FROM ({_GONE_MEMBERSHIPS}) gone),
       (SELECT count(*) FROM accounts_channelmember x JOIN accounts_channel c ON c.id = x.channel_id
        WHERE c.installation_id = %(installation)s)
"""


def removals(run: DirectoryImport) -> dict[str, Changes]:
    """How much of each kind a merge would remove, ``of`` how much: ``{"people": {"removed": 30, "of": 90}, …}``."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_seenteam, accounts_seenaccount, accounts_seenchannel, accounts_seenmember")
        cursor.execute(_MAY_BE_REMOVED, _parameters(run))
        people, of_people, memberships, of_memberships = cursor.fetchone()
    return {
        "people": {"removed": people, "of": of_people},
        "memberships": {"removed": memberships, "of": of_memberships},
    }


# --- Teams

_REMOVE_TEAMS = """
DELETE FROM accounts_team t
WHERE t.installation_id = %(installation)s AND NOT t.is_chosen
  AND NOT EXISTS (SELECT FROM accounts_seenteam s WHERE s.run_id = %(run)s AND s.external_id = t.external_id)
  AND NOT EXISTS (SELECT FROM accounts_channel c WHERE c.team_id = t.id)
"""

_CHANGE_TEAMS = """
UPDATE accounts_team t SET name = s.name, description = s.description
FROM accounts_seenteam s
WHERE s.run_id = %(run)s AND t.installation_id = %(installation)s AND t.external_id = s.external_id
  AND (t.name, t.description) IS DISTINCT FROM (s.name, s.description)
"""

_ADD_TEAMS = """
INSERT INTO accounts_team (installation_id, external_id, name, description, is_chosen, problem)
SELECT %(installation)s, s.external_id, s.name, s.description, false, '' FROM accounts_seenteam s
WHERE s.run_id = %(run)s AND NOT EXISTS (
    SELECT FROM accounts_team t WHERE t.installation_id = %(installation)s AND t.external_id = s.external_id)
ON CONFLICT DO NOTHING
"""


def teams(run: DirectoryImport) -> dict[str, Changes]:
    """A team that was chosen stays until it is no longer chosen, also where the platform no longer shows it."""
    removed, changed, added = _execute(run, _REMOVE_TEAMS, _CHANGE_TEAMS, _ADD_TEAMS)
    return {"teams": {"added": added, "changed": changed, "removed": removed}}


# --- People

_REMOVE_PEOPLE = f"UPDATE accounts_platformaccount SET is_deleted = true WHERE id IN ({_GONE_PEOPLE})"

_AVATAR = "coalesce(nullif(s.avatar_url, ''), a.avatar_url)"

# Where a platform tells of an account nothing but that it is deleted, the rest stays as we know it; and so does a picture,
# which Zoom shows with a single person and not in its lists.
_CHANGE_PEOPLE = f"""
UPDATE accounts_platformaccount a
SET name = s.name, email = s.email, avatar_url = {_AVATAR},
    is_bot = s.is_bot, is_guest = s.is_guest, is_deleted = s.is_deleted
FROM accounts_seenaccount s
WHERE s.run_id = %(run)s AND NOT (s.is_deleted AND s.name = '')
  AND a.installation_id = %(installation)s AND a.external_id = s.external_id
  AND (a.name, a.email, a.avatar_url, a.is_bot, a.is_guest, a.is_deleted)
      IS DISTINCT FROM (s.name, s.email, {_AVATAR}, s.is_bot, s.is_guest, s.is_deleted)
"""

# Some accounts are told as members and on no list: those of other organizations.
_BRING_BACK_PEOPLE = """
UPDATE accounts_platformaccount a SET is_deleted = false
WHERE a.installation_id = %(installation)s AND a.is_deleted AND NOT %(is_delta)s
  AND EXISTS (SELECT FROM accounts_seenmember m WHERE m.run_id = %(run)s AND m.account = a.external_id)
  AND NOT EXISTS (SELECT FROM accounts_seenaccount s WHERE s.run_id = %(run)s AND s.external_id = a.external_id)
"""

_ADD_PEOPLE = """
INSERT INTO accounts_platformaccount
    (installation_id, external_id, name, email, avatar_url, is_bot, is_guest, is_deleted)
SELECT %(installation)s, s.external_id, s.name, s.email, s.avatar_url, s.is_bot, s.is_guest, s.is_deleted
FROM accounts_seenaccount s
WHERE s.run_id = %(run)s AND NOT (s.is_deleted AND s.name = '') AND NOT EXISTS (
    SELECT FROM accounts_platformaccount a
    WHERE a.installation_id = %(installation)s AND a.external_id = s.external_id)
ON CONFLICT DO NOTHING
"""

# Who they are is asked for soon, one by one, as for any account of which an event told only the id.
_ADD_STRANGERS = """
WITH added AS (
    INSERT INTO accounts_platformaccount
        (installation_id, external_id, name, email, avatar_url, is_bot, is_guest, is_deleted)
    SELECT DISTINCT %(installation)s::bigint, m.account, '', '', '', false, false, false
    FROM accounts_seenmember m
    WHERE m.run_id = %(run)s AND NOT EXISTS (
        SELECT FROM accounts_platformaccount a
        WHERE a.installation_id = %(installation)s AND a.external_id = m.account)
    ON CONFLICT DO NOTHING
    RETURNING external_id
), doubted AS (
    INSERT INTO accounts_doubt (installation_id, conversation, account)
    SELECT %(installation)s, '', external_id FROM added
    ON CONFLICT DO NOTHING
)
SELECT external_id FROM added
"""


# After a hundred thousand new rows PostgreSQL believes for a minute that there are none, and would join them row by row.
_COUNT_PEOPLE = "ANALYZE accounts_platformaccount"


def people(run: DirectoryImport) -> dict[str, Changes]:
    """Accounts, and the persons they are of."""
    removed, changed, back, added, strangers, _ = _execute(
        run, _REMOVE_PEOPLE, _CHANGE_PEOPLE, _BRING_BACK_PEOPLE, _ADD_PEOPLE, _ADD_STRANGERS, _COUNT_PEOPLE
    )
    match_people(run.installation_id)
    return {"people": {"added": added + strangers, "changed": changed + back, "removed": removed}}


# --- Channels and their members

_REMOVE_MEMBERSHIPS = f"DELETE FROM accounts_channelmember WHERE id IN ({_GONE_MEMBERSHIPS})"

_REMOVE_CHANNELS = f"DELETE FROM accounts_channel WHERE id IN ({_GONE_CHANNELS})"

_CHANGE_CHANNELS = """
UPDATE accounts_channel c
SET team_id = t.id, name = s.name, topic = s.topic,
    is_private = s.is_private, is_archived = s.is_archived, is_entered = s.is_entered
FROM accounts_seenchannel s
LEFT JOIN accounts_team t ON t.installation_id = %(installation)s AND t.external_id = s.team
WHERE s.run_id = %(run)s AND c.installation_id = %(installation)s AND c.external_id = s.external_id
  AND (c.team_id, c.name, c.topic, c.is_private, c.is_archived, c.is_entered)
      IS DISTINCT FROM (t.id, s.name, s.topic, s.is_private, s.is_archived, s.is_entered)
"""

_ADD_CHANNELS = """
INSERT INTO accounts_channel
    (installation_id, team_id, external_id, name, topic, is_private, is_archived, is_entered, members_count)
SELECT %(installation)s, t.id, s.external_id, s.name, s.topic, s.is_private, s.is_archived, s.is_entered, 0
FROM accounts_seenchannel s
LEFT JOIN accounts_team t ON t.installation_id = %(installation)s AND t.external_id = s.team
WHERE s.run_id = %(run)s AND NOT EXISTS (
    SELECT FROM accounts_channel c WHERE c.installation_id = %(installation)s AND c.external_id = s.external_id)
ON CONFLICT DO NOTHING
"""

_COUNT_CHANNELS = "ANALYZE accounts_channel"

_ADD_MEMBERSHIPS = """
INSERT INTO accounts_channelmember (channel_id, account_id, is_added)
SELECT c.id, a.id, false
FROM accounts_seenmember m
JOIN accounts_seenchannel s ON s.run_id = m.run_id AND s.external_id = m.channel AND s.is_read
JOIN accounts_channel c ON c.installation_id = %(installation)s AND c.external_id = m.channel
JOIN accounts_platformaccount a ON a.installation_id = %(installation)s AND a.external_id = m.account
WHERE m.run_id = %(run)s AND NOT EXISTS (
    SELECT FROM accounts_channelmember x WHERE x.channel_id = c.id AND x.account_id = a.id)
ON CONFLICT DO NOTHING
"""

_COUNT_MEMBERS = """
UPDATE accounts_channel c SET members_count = counted.members
FROM (
    SELECT k.id, count(x.id) AS members
    FROM accounts_channel k LEFT JOIN accounts_channelmember x ON x.channel_id = k.id
    WHERE k.installation_id = %(installation)s
    GROUP BY k.id
) counted
WHERE counted.id = c.id AND c.members_count <> counted.members
"""


def channels(run: DirectoryImport) -> dict[str, Changes]:
    """Channels and memberships. Only of channels that were read to the end a membership can be missing."""
    out, gone, changed, added, _, joined, _ = _execute(
        run,
        _REMOVE_MEMBERSHIPS,
        _REMOVE_CHANNELS,
        _CHANGE_CHANNELS,
        _ADD_CHANNELS,
        _COUNT_CHANNELS,
        _ADD_MEMBERSHIPS,
        _COUNT_MEMBERS,
    )
    return {
        "channels": {"added": added, "changed": changed, "removed": gone},
        "memberships": {"added": joined, "changed": 0, "removed": out},
    }


# A table in which there was nothing a minute ago is believed to be empty still, and is then read once for every row that is
# added to it: minutes of work for a hundred thousand people in place of a second. Holds until the transaction ends.
_NOT_ROW_BY_ROW = "SET LOCAL enable_nestloop = off"


def _execute(run: DirectoryImport, *statements: str) -> list[int]:
    """How many rows each statement touched."""
    parameters = _parameters(run)
    touched = []
    with connection.cursor() as cursor:
        cursor.execute(_NOT_ROW_BY_ROW)
        for statement in statements:
            cursor.execute(statement, parameters)
            touched.append(cursor.rowcount)
    return touched


def _parameters(run: DirectoryImport) -> dict[str, Any]:
    return {
        "run": run.pk,
        "installation": run.installation_id,
        "ours": run.installation.account,
        "is_delta": run.is_delta,
        **run.horizon,
    }
