"""Carrying out a plan of User Sync, each step committed.

What needs no platform is done for many people by one statement. Where an account is made or deleted, the person's row of
``UserSync`` is taken first: of two runs that want the same, one finds it taken and asks the platform for nothing. That we are
about to ask is on record before we do; whoever goes on after a crash asks again, which by contract changes nothing.
"""

from typing import Any

import requests
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.asking import ask_over
from accounts.matching import remember
from accounts.models import Grant, PlatformAccount, SyncChange, SyncRun, UserSync
from accounts.standing_in import speaking
from connectors.errors import Gone, NotSupported, Refused
from connectors.messages import Account

Action, State = SyncChange.Action, SyncChange.State

AT_ONCE = 1_000
"""Changes made by one statement, so that a page that counts them moves."""

OURS_TO_DO = (Action.CHOOSE, Action.ADOPT, Action.REUSE, Action.REMOVE, Action.MAKE, Action.DELETE)
"""In this order: a primary platform before what depends on it, quick ones before those that ask a platform."""

MEANWHILE = "Somebody else changed this meanwhile."
GONE = "The person, or their account there, is no longer there."
STOPPED = "Stopped before its turn."

_CHOOSE = """
WITH batch AS ({batch}), made AS (
    UPDATE accounts_person p SET primary_id = b.installation_id FROM batch b
    WHERE p.id = b.person_id AND b.installation_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM accounts_usersync s WHERE s.person_id = p.id AND s.installation_id = b.installation_id)
    RETURNING b.id
) {end}
"""

_ADOPT = """
WITH batch AS ({batch}), valid AS (
    SELECT b.id, b.person_id, b.installation_id, b.account_id, b.action
    FROM batch b JOIN accounts_person p ON p.id = b.person_id
    JOIN accounts_platformaccount a ON a.id = b.account_id AND a.person_id = p.id AND NOT a.is_deleted
    JOIN accounts_installation i ON i.id = b.installation_id
    ORDER BY b.person_id, b.installation_id FOR KEY SHARE OF p, a, i
), made AS (
    INSERT INTO accounts_usersync AS s (person_id, installation_id, account_id, kind, state, reason, is_ours, by_group,
                                        created_at, change_id)
    SELECT person_id, installation_id, account_id, CASE action WHEN 'adopt' THEN 'full' ELSE 'guest' END,
           CASE WHEN action = 'adopt' AND NOT EXISTS (
               SELECT FROM accounts_grant g WHERE g.account_id = valid.account_id AND g.state = 'granted'
           ) THEN 'pending' ELSE 'synced' END, '', false, %(by_group)s, now(), id
    FROM valid
    ON CONFLICT (person_id, installation_id) DO UPDATE
    SET account_id = excluded.account_id, kind = excluded.kind, state = excluded.state, reason = '', is_ours = false,
        change_id = excluded.change_id, changed_at = now()
    WHERE s.state IN ('unavailable', 'needs reauth', 'error') AND NOT s.is_ours
    RETURNING s.change_id AS id
) {end}
"""
"""An own account waits for its owner's consent, unless that still stands; it is asked for when they first take part. A guest
is never asked."""

_REMOVE = """
WITH batch AS ({batch}), made AS (
    DELETE FROM accounts_usersync s USING batch b
    WHERE s.person_id = b.person_id AND s.installation_id = b.installation_id AND s.state <> 'syncing'
      AND (s.by_group OR NOT %(by_group)s)
    RETURNING b.id
) {end}
"""
"""An Auto Sync takes away only what one put there; what somebody has made by hand meanwhile stays."""

_BATCH = """
SELECT * FROM accounts_syncchange WHERE run_id = %(run)s AND state = 'planned' AND action = %(action)s
ORDER BY id LIMIT %(most)s
"""

_END = """
UPDATE accounts_syncchange c
SET state = CASE WHEN m.id IS NOT NULL THEN 'done' WHEN {known} THEN 'skipped' ELSE 'failed' END,
    reason = CASE WHEN m.id IS NOT NULL THEN '' WHEN {known} THEN %(meanwhile)s ELSE %(gone)s END
FROM batch b LEFT JOIN made m ON m.id = b.id WHERE c.id = b.id
"""
"""What was not made is skipped where all that it needs is ``known`` to be there: then somebody was quicker."""

_SETTLE = """
UPDATE accounts_person p SET primary_id = a.installation_id
FROM accounts_platformaccount a, accounts_usersync s, accounts_syncchange c
WHERE c.run_id = %(run)s AND c.id = s.change_id AND c.person_id = p.id AND p.primary_id IS NULL AND p.places = 1
  AND a.person_id = p.id AND NOT a.is_bot AND NOT a.is_guest AND NOT a.is_deleted
"""
"""Whoever is synced has a primary platform on record: where there is one to choose from, that one."""

_VALID = "EXISTS (SELECT FROM valid v WHERE v.id = c.id)"

_STATEMENTS = {
    action: statement.format(batch=_BATCH, end=_END.format(known=known))
    for action, statement, known in (
        (Action.CHOOSE, _CHOOSE, "b.person_id IS NOT NULL AND b.installation_id IS NOT NULL"),
        (Action.ADOPT, _ADOPT, _VALID),
        (Action.REUSE, _ADOPT, _VALID),
        (Action.REMOVE, _REMOVE, "true"),
    )
}


def step(run: SyncRun, opened: requests.Session) -> bool:
    """Do some of what is left. False where nothing is. Raises the error family of ``connectors/errors.py``."""
    for action in OURS_TO_DO:
        rows = SyncChange.objects.filter(run=run, action=action)
        if action in _STATEMENTS:
            if rows.filter(state=State.PLANNED).exists():
                _many(run, action)
                return True
        elif change := rows.filter(state__in=(State.PLANNED, State.INTENDED)).order_by("-state", "pk").first():
            _one(change, opened)
            return True
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, {"run": run.pk})
    return False


@transaction.atomic
def _many(run: SyncRun, action: str) -> None:
    values: dict[str, Any] = {"run": run.pk, "action": action, "most": AT_ONCE, "meanwhile": MEANWHILE, "gone": GONE}
    values["by_group"] = run.deed == SyncRun.Deed.GROUP
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENTS[SyncChange.Action(action)], values)


def finish_begun(run: SyncRun, opened: requests.Session) -> bool:
    """Finish one change of a run that stops, of which the platform may have been asked already. False where none is left."""
    change = SyncChange.objects.filter(run=run, state=State.INTENDED).order_by("pk").first()
    if change:
        _one(change, opened)
    return change is not None


@transaction.atomic
def leave_rest(run: SyncRun, reason: str = STOPPED) -> None:
    """Nothing more of a run is done. What it may have asked of a platform in vain is in error, the rest as it was."""
    taken = UserSync.objects.filter(change__run=run, state=UserSync.State.SYNCING)
    taken.filter(change__state=State.PLANNED).delete()
    taken.update(state=UserSync.State.ERROR, reason=reason[:300], changed_at=timezone.now())
    left = SyncChange.objects.filter(run=run, action__in=OURS_TO_DO)
    left.filter(state=State.INTENDED).update(state=State.FAILED, reason=reason[:300])
    left.filter(state=State.PLANNED).update(state=State.SKIPPED, reason=reason[:300])


# --- One person, with the platform's help


def _one(change: SyncChange, opened: requests.Session) -> None:
    """Make or delete an account."""
    if change.person_id is None or change.installation is None:
        _end(change, State.FAILED, GONE)
        return
    taken = {Action.MAKE: _take_to_make, Action.DELETE: _take_to_delete}[Action(change.action)]
    if not taken(change):
        _end(change, State.SKIPPED, MEANWHILE)
        return
    try:
        with speaking(change.installation) as connector:
            {Action.MAKE: _make, Action.DELETE: _delete}[Action(change.action)](change, connector, opened)
    except (Refused, Gone, NotSupported) as error:
        _refused(change, str(error))


@transaction.atomic
def _refused(change: SyncChange, reason: str) -> None:
    UserSync.objects.filter(change=change).update(
        state=UserSync.State.ERROR, reason=reason[:300], changed_at=timezone.now()
    )
    _end(change, State.FAILED, reason)


def _end(change: SyncChange, state: str, reason: str = "") -> None:
    SyncChange.objects.filter(pk=change.pk).update(state=state, reason=reason[:300])


_TAKE = """
INSERT INTO accounts_usersync AS s (person_id, installation_id, kind, state, reason, is_ours, by_group, created_at, change_id)
SELECT p.id, %(installation)s, 'guest', 'syncing', '', false, %(by_group)s, now(), %(change)s
FROM accounts_person p WHERE p.id = %(person)s FOR KEY SHARE
ON CONFLICT (person_id, installation_id) DO UPDATE SET state = 'syncing', reason = '', change_id = excluded.change_id
WHERE s.change_id = excluded.change_id OR (s.state IN ('unavailable', 'needs reauth', 'error') AND NOT s.is_ours)
RETURNING s.id
"""


def _take_to_make(change: SyncChange) -> bool:
    values = {"installation": change.installation_id, "change": change.pk, "person": change.person_id}
    values["by_group"] = change.run.deed == SyncRun.Deed.GROUP
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        return cursor.fetchone() is not None


@transaction.atomic
def _take_to_delete(change: SyncChange) -> bool:
    syncing = UserSync.State.SYNCING
    rows = UserSync.objects.filter(person=change.person_id, installation=change.installation_id, is_ours=True)
    free = rows.filter(~Q(state=syncing) | Q(change=change), account=change.account_id)
    if change.run.deed == SyncRun.Deed.GROUP:
        free = free.filter(by_group=True)
    _end(change, State.INTENDED)
    return bool(free.update(state=syncing, reason="", change=change, changed_at=timezone.now()))


def _make(change: SyncChange, connector: Any, opened: requests.Session) -> None:
    """A stand-in that somebody else made is used, and is never ours to delete."""
    address = change.subject.lower()
    if change.state == State.PLANNED:
        found = ask_over(opened, connector.look_up([address]), connector.credentials).get(address)
        if found and _is_stand_in(found.account):
            _made(change, connector, found.account, False, opened)
            return
        _end(change, State.INTENDED)
    name = change.person.name if change.person else address
    calls = connector.provision(address, name, change.run.tenant.guest_message)
    account = ask_over(opened, calls, connector.credentials)
    _made(change, connector, account, _is_stand_in(account), opened)


def _is_stand_in(account: Account) -> bool:
    return account.is_guest or account.is_bot


def _made(change: SyncChange, connector: Any, account: Account, is_ours: bool, opened: requests.Session) -> None:
    if not _represent(change, account, is_ours):  # the person is gone meanwhile; nobody would ever unsync it
        if is_ours:
            ask_over(opened, connector.discard(account.id), connector.credentials)
        _end(change, State.FAILED, GONE)


@transaction.atomic
def _represent(change: SyncChange, account: Account, is_ours: bool) -> bool:
    """Write down who stands for the person now. False where the person is gone."""
    sync = UserSync.objects.select_for_update().filter(change=change).first()
    if sync is None:
        return False
    installation = change.installation_id or 0
    remember(installation, [account])
    row = PlatformAccount.objects.get(installation=installation, external_id=account.id)
    PlatformAccount.objects.filter(pk=row.pk).update(person=sync.person_id)
    kind = UserSync.Kind.BOT if account.is_bot else UserSync.Kind.GUEST if account.is_guest else UserSync.Kind.FULL
    waits = kind == UserSync.Kind.FULL and not Grant.objects.filter(account=row, state=Grant.State.GRANTED).exists()
    state = UserSync.State.PENDING if waits else UserSync.State.SYNCED
    sync.account, sync.kind, sync.state, sync.is_ours, sync.changed_at = row, kind, state, is_ours, timezone.now()
    sync.save()
    SyncChange.objects.filter(pk=change.pk).update(state=State.DONE, reason="", account=row)
    return True


def _delete(change: SyncChange, connector: Any, opened: requests.Session) -> None:
    account = change.account
    if account:
        ask_over(opened, connector.discard(account.external_id), connector.credentials)
    with transaction.atomic():
        PlatformAccount.objects.filter(pk=account.pk if account else 0).update(is_deleted=True)
        UserSync.objects.filter(change=change, state=UserSync.State.SYNCING).delete()
        _end(change, State.DONE)
