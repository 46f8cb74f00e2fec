"""One run of User Sync: its plan, its progress, its report."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import user_sync
from accounts.access import tenant_of, tenant_page
from accounts.brake import is_too_much
from accounts.members import NotPossible
from accounts.models import SyncChange, SyncRun
from accounts.sync_applying import OURS_TO_DO
from mio_hub.hub.asking import done
from mio_hub.hub.people_forms import RemovalForm

PAGE = 50
"""Changes shown at a time."""

State = SyncRun.State

TITLES = {
    "sync": "Sync people",
    "unsync": "Unsync people",
    "file": "Import a file",
    "undo": "Undo a sync",
    "group": "Sync groups",
}

BADGES = {
    State.PLANNING: ("Planning", "warning", "clock"),
    State.PLANNED: ("Waits for you", "warning", "circle-alert"),
    State.APPLYING: ("Under way", "warning", "clock"),
    State.STOPPING: ("Stopping", "warning", "clock"),
    State.DONE: ("Done", "good", "check"),
    State.CANCELLED: ("Cancelled", "quiet", "x"),
    State.FAILED: ("Failed", "bad", "circle-alert"),
}
"""A state's word, tone and icon."""

OUTCOMES = {
    "done": "Done",
    "failed": "Failed",
    "skipped": "Left as it was",
    "planned": "To do",
    "intended": "Being done",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A run in words. ``lines`` are label, key and count, of the plan or of what became of it."""

    run: SyncRun
    title: str
    badge: tuple[str, str, str]
    lines: list[tuple[str, str, int]]
    results: list[tuple[str, str, int]]
    percent: int | None

    @property
    def is_active(self) -> bool:
        """Whether it may become something else by itself, so that a page asks again."""
        return self.run.state in user_sync.WORKED_ON


def tell(run: SyncRun) -> Told:
    lines = [(action.label, action.value, run.counts[action]) for action in SyncChange.Action if run.counts.get(action)]
    todo = sum(run.counts.get(action, 0) for action in OURS_TO_DO)
    left = run.report.get("planned", 0) + run.report.get("intended", 0)
    idle = sum(run.counts.get(action, 0) for action in ("nothing", "impossible"))
    finished = [
        (label, key, run.report[key]) for key, label in OUTCOMES.items() if run.report.get(key) and key != "planned"
    ]
    percent = 100 * (todo - max(left - idle, 0)) // todo if todo and run.report else None
    return Told(run, TITLES[run.deed], BADGES[State(run.state)], lines, finished, percent)


@require_safe
@tenant_page()
def page(request: HttpRequest, sync_run: int) -> HttpResponse:
    row = _run(request, sync_run)
    told, figures = tell(row), user_sync.removals(row)
    shown = {
        "told": told,
        "removals": figures if row.state == State.PLANNED and is_too_much(**figures) else None,
        "form": RemovalForm(),
        "dry_run": row.wanted["group"] if user_sync.is_dry_run(row) else None,
        "todo": sum(row.counts.get(action, 0) for action in OURS_TO_DO),
        "can_undo": bool(row.applied_at) and not told.is_active,
        **_changes(request, row),
    }
    return render(request, "hub/people/run.html", shown)


def _changes(request: HttpRequest, row: SyncRun) -> dict[str, object]:
    """A page of the changes, of one kind where the address says so."""
    if row.state == State.PLANNING:
        return {}
    show, after = request.GET.get("show", "")[:10], request.GET.get("after", "")
    rows = row.changes.select_related("person", "installation").order_by("pk")
    if show in SyncChange.Action.values:
        rows = rows.filter(action=show)
    elif show in SyncChange.State.values:
        rows = rows.filter(state=show)
    if after.isdecimal():
        rows = rows.filter(pk__gt=int(after[:18]))
    found = list(rows[: PAGE + 1])
    more = urlencode({"show": show, "after": found[PAGE - 1].pk}) if len(found) > PAGE else ""
    return {"changes": found[:PAGE], "more": more, "show": show}


@require_POST
@tenant_page()
def apply(request: HttpRequest, sync_run: int) -> HttpResponse:
    row = _run(request, sync_run)
    try:
        user_sync.apply(row, request, may_remove=RemovalForm(request.POST).is_valid())
    except NotPossible as problem:
        messages.error(request, str(problem))
    return redirect("hub:sync_run", tenant_of(request).key, row.pk)


@require_POST
@tenant_page()
def cancel(request: HttpRequest, sync_run: int) -> HttpResponse:
    row = _run(request, sync_run)
    if user_sync.cancel(row, request):
        messages.success(request, "Cancelled. What was done already stays as it is.")
    else:
        messages.warning(request, "It had ended before it could be cancelled.")
    return redirect("hub:sync_run", tenant_of(request).key, row.pk)


@require_POST
@tenant_page()
def undo(request: HttpRequest, sync_run: int) -> HttpResponse:
    """Plan to take back what a run did."""
    row, key = _run(request, sync_run), tenant_of(request).key
    planned: list[int] = [row.pk]

    def act() -> str:
        planned[0] = user_sync.undo(row, request).pk
        return "Here is what taking it back would do. Nothing is changed yet."

    answer = done(request, act, reverse("hub:sync_run", args=[key, row.pk]))
    return redirect("hub:sync_run", key, planned[0]) if planned[0] != row.pk else answer


def _run(request: HttpRequest, pk: int) -> SyncRun:
    rows = SyncRun.objects.select_related("tenant", "started_by", "undoes")
    return get_object_or_404(rows, pk=pk, tenant=tenant_of(request))
