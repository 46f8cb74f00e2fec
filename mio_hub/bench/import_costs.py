"""How long the database takes for an import's last steps alone: all that is held, merged into empty tables and undone."""

import time
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts import merging
from accounts.matching import match_people
from accounts.models import DirectoryImport, Installation

_TAKE_AWAY = (
    "DELETE FROM accounts_channelmember",
    "DELETE FROM accounts_channel",
    "DELETE FROM accounts_platformaccount",
    "DELETE FROM accounts_person",
)

_UNMATCH = ("UPDATE accounts_platformaccount SET person_id = NULL", "DELETE FROM accounts_person")

_TELL = (
    """
    INSERT INTO accounts_seenaccount (run_id, external_id, name, email, avatar_url, is_bot, is_guest, is_deleted)
    SELECT %(run)s, external_id, name, email, avatar_url, is_bot, is_guest, is_deleted
    FROM accounts_platformaccount WHERE installation_id = %(installation)s
    """,
    """
    INSERT INTO accounts_seenchannel (run_id, external_id, team, name, topic, is_private, is_archived, is_entered, is_read)
    SELECT %(run)s, c.external_id, coalesce(t.external_id, ''), c.name, c.topic, c.is_private, c.is_archived, c.is_entered,
        true
    FROM accounts_channel c LEFT JOIN accounts_team t ON t.id = c.team_id WHERE c.installation_id = %(installation)s
    """,
    """
    INSERT INTO accounts_seenmember (run_id, channel, account)
    SELECT %(run)s, c.external_id, a.external_id
    FROM accounts_channelmember x
    JOIN accounts_channel c ON c.id = x.channel_id JOIN accounts_platformaccount a ON a.id = x.account_id
    WHERE c.installation_id = %(installation)s
    """,
)


def costs(installation: Installation) -> dict[str, float]:
    """Seconds by step; everybody else must be away meanwhile. What it does is undone."""
    with transaction.atomic():
        run = DirectoryImport.objects.create(
            installation=installation,
            horizon=merging.horizon(installation.pk),
            not_before=timezone.now() + timedelta(days=1),
        )
        _execute(*_TELL, run=run)
        found = {"look for removals": _seconds(lambda: merging.removals(run))}
        _execute(*_TAKE_AWAY)
        found["merge people"] = _seconds(lambda: merging.people(run))
        found["merge channels"] = _seconds(lambda: merging.channels(run))
        found["merge again"] = _seconds(lambda: (merging.people(run), merging.channels(run)))
        _execute(*_UNMATCH)
        found["match alone"] = _seconds(lambda: match_people(installation.pk))
        transaction.set_rollback(True)
    return found


def _seconds(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin


def _execute(*statements: str, run: DirectoryImport | None = None) -> None:
    parameters = {"run": run.pk, "installation": run.installation_id} if run else None
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, parameters)
