"""User Sync: a run of many changes begun, planned in slices, decided by somebody, applied in slices, stopped, undone.

As an import, a run is a row: beat has every one worked on that nobody holds, and where a platform wants patience the row
says until when.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, group_planning, sync_applying, sync_planning
from accounts.asking import session
from accounts.brake import is_too_much
from accounts.importing import FIRST_PAUSE, LONGEST_PAUSE, MOST_FAILURES, RETRY, SLICE
from accounts.members import NotPossible
from accounts.models import Installation, SyncChange, SyncRun, Tenant, User, UserSync
from accounts.people_filter import Wanted
from accounts.reading import HOLD
from connectors.errors import ConnectorError, NotSupported, RateLimited, Reconnect, TryAgain, Unsure

State, Deed, Action = SyncRun.State, SyncRun.Deed, SyncChange.Action

WORKED_ON = (State.PLANNING, State.APPLYING, State.STOPPING)
ACTIVE = (*WORKED_ON, State.PLANNED)
STALE = timedelta(days=1)
"""A plan that nobody applied by then is thrown away: the directory has moved on."""
KEPT_RUNS = 50
"""Per tenant; each may hold a hundred thousand changes."""


def begin(
    tenant: Tenant,
    deed: str,
    installations: Iterable[int],
    who: Iterable[int] | Wanted,
    request: HttpRequest | None = None,
) -> SyncRun:
    """Have it planned to sync or unsync people, by number or by filter, on these connections. Nothing is changed yet."""
    ours = Installation.objects.filter(tenant=tenant, pk__in=list(installations)).order_by("pk")
    wanted: dict[str, Any] = {"installations": list(ours.values_list("pk", flat=True))}
    wanted |= {"filter": who.told()} if isinstance(who, Wanted) else {"people": sorted(set(who))}
    if not wanted["installations"]:
        raise NotPossible("Choose at least one platform. Nothing was changed.")
    return SyncRun.objects.create(tenant=tenant, deed=deed, wanted=wanted, started_by=_user(request))


@transaction.atomic
def begin_with(tenant: Tenant, changes: Iterable[SyncChange], request: HttpRequest | None = None) -> SyncRun:
    """The same for changes that somebody has written down, one by one."""
    run = SyncRun.objects.create(tenant=tenant, deed=Deed.FILE, started_by=_user(request))
    for change in changes:
        change.run = run
    SyncChange.objects.bulk_create(changes, batch_size=1000, ignore_conflicts=True)
    return run


@transaction.atomic
def undo(run: SyncRun, request: HttpRequest | None = None) -> SyncRun:
    """Have it planned to take back what a run did. Raises ``NotPossible`` where it has not ended or is an undo itself."""
    if run.state not in (State.DONE, State.CANCELLED, State.FAILED) or not run.applied_at:
        raise NotPossible("There is nothing to undo: this was not applied.")
    return SyncRun.objects.create(tenant=run.tenant, deed=Deed.UNDO, undoes=run, started_by=_user(request))


def _user(request: HttpRequest | None) -> User | None:
    return request.user if request and isinstance(request.user, User) else None


def removals(run: SyncRun) -> dict[str, int]:
    """How many syncs a plan would end, ``of`` how many the tenant has."""
    removed = sum(run.counts.get(action, 0) for action in (Action.REMOVE, Action.DELETE))
    return {"removed": removed, "of": UserSync.objects.filter(installation__tenant=run.tenant_id).count()}


def is_dry_run(run: SyncRun) -> bool:
    """Whether a plan is there to be looked at only."""
    return run.deed == Deed.GROUP and "group" in run.wanted


@transaction.atomic
def apply(run: SyncRun, request: HttpRequest | None = None, *, may_remove: bool = False) -> None:
    """Have a plan carried out. Raises ``NotPossible`` where somebody decided already, or where it would end many syncs."""
    if is_dry_run(run):
        raise NotPossible(
            "This only shows what a group would do. Switch the group on to have it done; nothing was changed."
        )
    figures = removals(run)
    if is_too_much(**figures) and not may_remove:
        raise NotPossible("This would end many syncs. Say that you mean it; nothing was changed.")
    rows = SyncRun.objects.filter(pk=run.pk, state=State.PLANNED)
    if not rows.update(state=State.APPLYING, applied_at=timezone.now(), not_before=None, failures=0):
        raise NotPossible("Somebody else has decided meanwhile. This page shows what became of it.")
    audit.record(run.tenant, "applied user sync", str(run), request, after=run.counts | {"deed": run.deed})


@transaction.atomic
def cancel(run: SyncRun, request: HttpRequest | None = None) -> bool:
    """Throw a plan away, or stop while it is applied: what is done stays. False where it has ended by itself."""
    rows = SyncRun.objects.filter(pk=run.pk)
    planned = rows.filter(state__in=(State.PLANNING, State.PLANNED))
    if planned.update(state=State.CANCELLED, ended_at=timezone.now(), held_until=None):
        return True
    if not rows.filter(state=State.APPLYING).update(state=State.STOPPING, not_before=None):
        return False
    audit.record(run.tenant, "stopped user sync", str(run), request)
    return True


# --- Working


def unheld() -> list[int]:
    """The runs that can go on and that nobody works on, those that wait longest first."""
    return list(_workable().order_by(F("not_before").asc(nulls_first=True), "pk").values_list("pk", flat=True))


def _workable() -> QuerySet[SyncRun]:
    now = timezone.now()
    return SyncRun.objects.filter(
        Q(held_until=None) | Q(held_until__lt=now), Q(not_before=None) | Q(not_before__lte=now), state__in=WORKED_ON
    )


def work(pk: int) -> bool:
    """Work on a run for a slice, unless somebody does. True where it can go on at once."""
    run = _hold(pk)
    if run is None:
        return False
    try:
        changes = _slice(run)
    except Exception:
        _release(run, _stumbled(run, "Something went wrong in Mio Hub; its operators find it in the log"))
        raise
    return _release(run, changes) and not {"state", "not_before"} & changes.keys()


@transaction.atomic
def _hold(pk: int) -> SyncRun | None:
    run = _workable().select_for_update(of=("self",), skip_locked=True).select_related("tenant").filter(pk=pk).first()
    if run is None:
        return None
    if run.held_until:  # its worker died; if that goes on, it is of this run
        run.failures += 1
    run.held_until = timezone.now() + HOLD
    run.save(update_fields=["held_until", "failures"])
    return run


def _slice(run: SyncRun) -> dict[str, Any]:
    """Do step after step for a while. Returns what is to be written on the run."""
    if run.failures > MOST_FAILURES:
        return _failed(run, "This broke down again and again. What is done stays; the rest was left")
    end = time.monotonic() + SLICE
    try:
        with session() as opened:
            while time.monotonic() < end:
                if changes := _step(run, opened):
                    return changes
                run.failures = 0
                if not SyncRun.objects.filter(pk=run.pk, state=run.state, held_until=run.held_until).exists():
                    break
    except RateLimited as error:
        return {"not_before": timezone.now() + timedelta(seconds=error.after)} | _report(run)
    except (TryAgain, Unsure) as error:
        return _stumbled(run, f"A platform does not answer as it should ({error})")
    except Reconnect:
        return _stumbled(run, "A connection has to be authorised again", RETRY)
    except (ConnectorError, NotSupported) as error:
        return _failed(run, f"A platform refused: {error}. What is done stays; the rest was left")
    return {"failures": 0, "problem": ""} | _report(run)


def _step(run: SyncRun, opened: Any) -> dict[str, Any]:
    """One step; what ends the state that the run is in, once it is over."""
    if run.state == State.PLANNING:
        return _plan(run, opened)
    goes_on = sync_applying.step if run.state == State.APPLYING else sync_applying.finish_begun
    if goes_on(run, opened):
        return {}
    sync_applying.leave_rest(run)
    ended = State.DONE if run.state == State.APPLYING else State.CANCELLED
    return {"state": ended, "ended_at": timezone.now(), "problem": ""} | _report(run)


def _plan(run: SyncRun, opened: Any) -> dict[str, Any]:
    if not run.counts:
        with transaction.atomic():
            if run.deed == Deed.UNDO:
                sync_planning.fill_undo(run)
            elif run.deed == Deed.GROUP:
                group_planning.fill(run)
            elif run.deed != Deed.FILE:
                sync_planning.fill(run)
            run.counts = {"": run.changes.count()}
            run.save(update_fields=["counts"])
        return {}
    if sync_planning.decide(run) or sync_planning.look_up(run, opened):
        return {}
    return {"state": State.PLANNED, "counts": sync_planning.counted(run, "action"), "problem": ""}


def _report(run: SyncRun) -> dict[str, Any]:
    return {} if run.state == State.PLANNING else {"report": sync_planning.counted(run, "state")}


def _stumbled(run: SyncRun, problem: str, pause: timedelta | None = None) -> dict[str, Any]:
    if run.failures >= MOST_FAILURES:
        return _failed(run, f"{problem}. What is done stays; the rest was left")
    wait = pause or timedelta(seconds=min(FIRST_PAUSE * 2**run.failures, LONGEST_PAUSE))
    told = {"failures": run.failures + 1, "problem": f"{problem}. It is tried again."[:500]}
    return told | {"not_before": timezone.now() + wait} | _report(run)


def _failed(run: SyncRun, problem: str) -> dict[str, Any]:
    sync_applying.leave_rest(run, f"{problem}.")
    return {"state": State.FAILED, "ended_at": timezone.now(), "problem": f"{problem}."[:500]} | _report(run)


def _release(run: SyncRun, changes: Mapping[str, Any]) -> bool:
    """Give a run back. False where it was no longer ours. Stopped meanwhile, it does not end by itself, but is stopped."""
    rows = SyncRun.objects.filter(pk=run.pk, held_until=run.held_until)
    given_back = {"held_until": None, **changes}
    if rows.filter(state=run.state).update(**given_back):
        return True
    return bool(rows.filter(state=State.STOPPING).update(held_until=None))


def tidy() -> None:
    """Throw stale plans away, and all but the newest runs of each tenant."""
    stale = SyncRun.objects.filter(state=State.PLANNED, started_at__lt=timezone.now() - STALE)
    stale.update(state=State.CANCELLED, ended_at=timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:  # row by row, Django would hold every change in memory
        cursor.execute(_OLD, {"kept": KEPT_RUNS})
        old = [pk for (pk,) in cursor.fetchall()]
        for statement in _FORGET:
            cursor.execute(statement, [old])


_OLD = """
SELECT id FROM (
    SELECT id, state, row_number() OVER (PARTITION BY tenant_id ORDER BY id DESC) AS place FROM accounts_syncrun
) placed WHERE place > %(kept)s AND state IN ('done', 'cancelled', 'failed')
"""

_FORGET = (
    """UPDATE accounts_usersync s SET change_id = NULL FROM accounts_syncchange c
    WHERE c.id = s.change_id AND c.run_id = ANY(%s)""",
    "DELETE FROM accounts_syncchange WHERE run_id = ANY(%s)",
    "UPDATE accounts_syncrun SET undoes_id = NULL WHERE undoes_id = ANY(%s)",
    "DELETE FROM accounts_syncrun WHERE id = ANY(%s)",
)
