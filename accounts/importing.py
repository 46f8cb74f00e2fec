"""Importing a connection's directory: which teams, begun by somebody or at night, worked on in slices, stopped or let go on.

A run is a row. Whoever holds it reads page after page (``accounts/reading.py``); where a platform wants patience the row says
until when, and no worker sleeps. Beat has every run worked on that nobody holds: new ones, those that waited, and those of a
worker that died.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, merging, seeing, tokens
from accounts.asking import session
from accounts.models import DirectoryImport, Installation, Team, User
from accounts.reading import HOLD, Lost, Reader, State, Unreadable
from connectors.errors import ConnectorError, NotSupported, RateLimited, Reconnect, TryAgain, Unsure

log = structlog.get_logger(__name__)

ACTIVE = (State.RUNNING, State.ASKING)
SLICE = 5.0
"""Seconds after which a worker gives the run back, so that what else is waiting in the queue has its turn."""
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0
"""Seconds after a first failure, doubled with each one that follows, up to what an administrator would wait."""
MOST_FAILURES = 10
"""In a row. With the pauses between them that is three quarters of an hour: longer than most outages."""
RETRY = timedelta(seconds=30)
"""When to ask again with other tokens, after those we had were not accepted; a lost connection is waited for anyway."""
NAMED = 20
"""Teams that an audit entry names; the rest are counted. Somebody may choose thousands at once."""
KEPT_RUNS = 20
"""Per connection: three weeks of nights."""
NIGHT = 6 * 60
"""Minutes after midnight, UTC, over which connections are spread."""
STRIDE = 37
"""Minutes between the nights of two connections made one after the other; it has no divisor in common with ``NIGHT``."""


@transaction.atomic
def choose(installation: Installation, external_ids: Iterable[str], request: HttpRequest | None = None) -> None:
    """Have these teams imported and no others, from the next run on. Ids nobody knows are left out."""
    rows, wanted = Team.objects.filter(installation=installation), set(external_ids)
    added = rows.filter(external_id__in=wanted, is_chosen=False)
    dropped = rows.filter(is_chosen=True).exclude(external_id__in=wanted)
    changes = {"added": _named(added), "removed": _named(dropped)}
    if added.update(is_chosen=True) + dropped.update(is_chosen=False, problem=""):
        audit.record(installation.tenant, "chose teams to import", str(installation), request, after=changes)


def _named(teams: QuerySet[Team]) -> list[str]:
    """The first few by name, and how many more there are."""
    names, more = list(teams.order_by("name", "pk").values_list("name", flat=True)[:NAMED]), teams.count() - NAMED
    return [*names, f"and {more:,} more"] if more > 0 else names


def list_teams(installation: Installation) -> DirectoryImport:
    """Have the list of teams read again, as a run of its own. Returns the run that is active, whichever it is."""
    return _begin(installation, is_listing=True)[0]


@transaction.atomic
def begin(installation: Installation, request: HttpRequest | None = None, *, nightly: bool = False) -> DirectoryImport:
    """Begin a run. One at a time: where there is one already, that one is returned."""
    user = request.user if request and isinstance(request.user, User) else None
    run, is_new = _begin(installation, is_nightly=nightly, started_by=user)
    if is_new and not nightly:
        audit.record(installation.tenant, "began import", str(installation), request)
    return run


def _begin(installation: Installation, **values: Any) -> tuple[DirectoryImport, bool]:
    chosen = Team.objects.filter(installation=installation, is_chosen=True)
    values["teams"] = sorted(chosen.values_list("external_id", flat=True))
    values["horizon"] = merging.horizon(installation.pk)
    return DirectoryImport.objects.get_or_create(
        installation=installation, state__in=ACTIVE, defaults=values | {"state": State.RUNNING}
    )


@transaction.atomic
def cancel(run: DirectoryImport, request: HttpRequest | None = None) -> bool:
    """Throw away what a run has read. What it has merged already stays. False where it has ended by itself."""
    rows = DirectoryImport.objects.filter(pk=run.pk, state__in=ACTIVE)
    if not rows.update(state=State.CANCELLED, ended_at=timezone.now(), held_until=None):
        return False
    audit.record(run.installation.tenant, "cancelled import", str(run.installation), request)
    return True


def stop(installation: Installation) -> None:
    """End what is under way, because the connection ends. Returns when no worker writes any more of it."""
    active = DirectoryImport.objects.filter(installation=installation, state__in=ACTIVE)
    active.update(state=State.CANCELLED, ended_at=timezone.now(), held_until=None)


@transaction.atomic
def approve(run: DirectoryImport, request: HttpRequest | None = None) -> bool:
    """Let a run that asks remove what it found missing. False where it no longer asks."""
    rows = DirectoryImport.objects.filter(pk=run.pk, state=State.ASKING)
    if not rows.update(state=State.RUNNING, may_remove=True):
        return False
    removals = DirectoryImport.objects.get(pk=run.pk).report
    audit.record(run.installation.tenant, "approved import", str(run.installation), request, after=removals)
    return True


# --- Working


def unheld() -> list[int]:
    """The runs that can go on and that nobody works on, those that wait longest first."""
    rows = _workable().order_by(F("not_before").asc(nulls_first=True), "pk")
    return list(rows.values_list("pk", flat=True))


def _workable() -> QuerySet[DirectoryImport]:
    now = timezone.now()
    return DirectoryImport.objects.filter(
        Q(held_until=None) | Q(held_until__lt=now),
        Q(not_before=None) | Q(not_before__lte=now),
        state=State.RUNNING,
        installation__state=Installation.State.CONNECTED,
    )


def work(pk: int) -> bool:
    """Work on a run for a slice, unless somebody does. True where it can go on at once."""
    run = _hold(pk)
    if run is None:
        return False
    try:
        with session() as opened:
            changes = _slice(Reader(run, opened))
    except Lost:
        return False
    except Exception:
        _release(run, _stumbled(run, "Something went wrong in Mio Hub; its operators find it in the log"))
        raise
    return run.state == State.RUNNING and _release(run, changes) and not changes


@transaction.atomic
def _hold(pk: int) -> DirectoryImport | None:
    """Take a run, so that no other worker does."""
    rows = _workable().select_for_update(of=("self",), skip_locked=True)
    run = rows.select_related("installation__tenant").filter(pk=pk).first()
    if run is None:
        return None
    if run.held_until:  # its worker died; if that goes on, it is of this run
        run.failures += 1
    run.held_until = timezone.now() + HOLD
    run.save(update_fields=["held_until", "failures"])
    return run


def _slice(reader: Reader) -> dict[str, Any]:
    """Read page after page for a while. Returns what is to be written on the run, which is then no longer held."""
    run, end = reader.run, time.monotonic() + SLICE
    if run.failures > MOST_FAILURES:
        return _failed(
            "The import broke down again and again. Nothing was changed; the operators of Mio Hub can tell why."
        )
    try:
        while run.state == State.RUNNING and time.monotonic() < end:
            reader.step()
    except RateLimited as error:
        return {"not_before": timezone.now() + timedelta(seconds=error.after)}
    except (TryAgain, Unsure) as error:
        return _stumbled(run, f"The platform does not answer as it should ({error})")
    except Reconnect as error:
        tokens.refused(run.installation_id, reader.connector.credentials.tokens, f"{error}.")
        problem = "The import goes on by itself once the connection works again."
        return {"not_before": timezone.now() + RETRY, "problem": problem}
    except Unreadable as error:
        return _failed(str(error))
    except (ConnectorError, NotSupported) as error:
        return _failed(f"The platform refused: {error}. Nothing was changed.")
    return {}


def _stumbled(run: DirectoryImport, problem: str) -> dict[str, Any]:
    if run.failures >= MOST_FAILURES:
        return _failed(f"{problem}. Nothing was changed; import again later.")
    pause = min(FIRST_PAUSE * 2**run.failures, LONGEST_PAUSE)
    until = timezone.now() + timedelta(seconds=pause)
    return {"failures": run.failures + 1, "not_before": until, "problem": f"{problem}. It is tried again."[:500]}


def _failed(problem: str) -> dict[str, Any]:
    return {"state": State.FAILED, "ended_at": timezone.now(), "problem": problem[:500]}


def _release(run: DirectoryImport, changes: dict[str, Any]) -> bool:
    """Give a run back. False where it was no longer ours."""
    rows = DirectoryImport.objects.filter(pk=run.pk, state=State.RUNNING, held_until=run.held_until)
    return bool(rows.update(**{"held_until": None, "not_before": timezone.now()} | changes))


def tidy() -> None:
    """Delete what ended runs were told, and the oldest of the runs."""
    seeing.forget(KEPT_RUNS)


# --- Nights


def begin_nightly(now: datetime) -> None:
    """Begin a run for every connection whose minute of this day has passed and that was not imported since."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    connected = Installation.objects.filter(
        state=Installation.State.CONNECTED, imports__state=State.DONE, imports__is_listing=False
    )
    for installation in connected.distinct().order_by("pk"):
        due = midnight + timedelta(minutes=installation.pk * STRIDE % NIGHT)
        since = installation.imports.filter(is_listing=False, started_at__gte=due)
        if due <= now and not since.exists():
            begin(installation, nightly=True)
