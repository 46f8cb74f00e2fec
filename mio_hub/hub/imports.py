"""Import: which teams, how far a run is, what it asks, what it changed."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import connectors
from accounts import importing
from accounts.access import tenant_of, tenant_page
from accounts.models import DirectoryImport, Installation
from connectors.directory import ListsTeams
from mio_hub.hub.asking import ASKING
from mio_hub.hub.choosing_teams import TeamFilter, keep
from mio_hub.hub.import_words import badge, summary, tell

PAGE = 50
"""Teams on a screen: two or three on a phone's, and few enough to read before ticking."""

SHUT = 20
"""Teams named that could not be joined; the rest are behind a link."""


@require_safe
@tenant_page()
def page(request: HttpRequest, number: int) -> HttpResponse:
    """What runs now, how to begin, and what the last runs did."""
    installation = _installation(request, number)
    runs = installation.imports.filter(is_listing=False).select_related("started_by").defer("teams").order_by("-pk")
    history = [(run, badge(run), summary(run)) for run in runs[: importing.KEPT_RUNS]]
    running = _active(installation)
    shown = {
        **_frame(installation),
        "told": tell(running) if running else None,
        "history": history,
        "chosen": installation.teams.filter(is_chosen=True).count(),
    }
    return render(request, "hub/imports/page.html", shown)


@require_http_methods(ASKING)
@tenant_page()
def teams(request: HttpRequest, number: int) -> HttpResponse:
    """Choose what is imported; whatever button leads away from a screen, its ticks are kept."""
    installation = _installation(request, number)
    if not has_teams(installation):
        return redirect("hub:import", tenant_of(request).key, number)
    if request.method == "POST":
        keep(installation, request)
        return _chosen(request, installation)
    return _list(request, installation)


def _chosen(request: HttpRequest, installation: Installation) -> HttpResponse:
    """To where the button says: the import, its page, or another screen of teams."""
    if "import" in request.POST:
        return _begun(request, installation)
    if "keep" in request.POST:
        return redirect("hub:import", tenant_of(request).key, installation.pk)
    query = {name: request.POST.get(name, "") for name in ("q", "show", "page")}
    return redirect(f"{request.path}?{urlencode({name: value for name, value in query.items() if value})}")


def _list(request: HttpRequest, installation: Installation) -> HttpResponse:
    running, form = _active(installation), TeamFilter(request.GET)
    listed = installation.imports.filter(is_listing=True, state=DirectoryImport.State.DONE).order_by("-pk")
    shown = {
        **_frame(installation),
        "told": tell(running) if running else None,
        "filter": form,
        "screen": Paginator(form.of(installation), PAGE).get_page(request.GET.get("page")),
        "count": installation.teams.count(),
        "chosen": installation.teams.filter(is_chosen=True).count(),
        "listed_at": listed.values_list("ended_at", flat=True).first(),
    }
    return render(request, "hub/imports/teams.html", shown)


@require_POST
@tenant_page()
def refresh(request: HttpRequest, number: int) -> HttpResponse:
    """Have the list of teams read again."""
    installation = _installation(request, number)
    importing.list_teams(installation)
    return redirect("hub:import_teams", tenant_of(request).key, number)


@require_POST
@tenant_page()
def begin(request: HttpRequest, number: int) -> HttpResponse:
    return _begun(request, _installation(request, number))


def _begun(request: HttpRequest, installation: Installation) -> HttpResponse:
    """Begin, and lead to where one sees how far it is."""
    key = tenant_of(request).key
    if has_teams(installation) and not installation.teams.filter(is_chosen=True).exists():
        messages.error(request, "Choose at least one team first. Nothing was imported.")
        return redirect("hub:import_teams", key, installation.pk)
    run = importing.begin(installation, request)
    if run.is_listing:
        messages.warning(request, "The list of teams is still being read. Import as soon as it is there.")
        return redirect("hub:import_teams", key, installation.pk)
    return redirect("hub:import_run", key, run.pk)


# --- One run


@require_safe
@tenant_page()
def run(request: HttpRequest, run: int) -> HttpResponse:
    """How far it is; once it is over, what it did."""
    row = _run(request, run)
    shut = row.installation.teams.exclude(problem="").filter(is_chosen=True).order_by("name", "pk")[: SHUT + 1]
    shown = {**_frame(row.installation), "told": tell(row), "shut": shut[:SHUT], "is_more_shut": len(shut) > SHUT}
    return render(request, "hub/imports/run.html", shown)


@require_POST
@tenant_page()
def cancel(request: HttpRequest, run: int) -> HttpResponse:
    """Stop a run, whether it reads or asks."""
    row = _run(request, run)
    if importing.cancel(row, request):
        messages.success(request, "The import is cancelled. What it had read is thrown away; you can import again.")
    else:
        messages.warning(request, "The import had ended before it could be cancelled.")
    return redirect("hub:import_run", tenant_of(request).key, row.pk)


@require_POST
@tenant_page()
def approve(request: HttpRequest, run: int) -> HttpResponse:
    """Let a run remove what it found missing."""
    row = _run(request, run)
    if not importing.approve(row, request):
        messages.warning(request, "Somebody else has decided meanwhile. This page shows what became of it.")
    return redirect("hub:import_run", tenant_of(request).key, row.pk)


# ---


def has_teams(installation: Installation) -> bool:
    """Whether one chooses by team what is imported; elsewhere it is everybody."""
    return issubclass(connectors.get(installation.platform), ListsTeams)


def _frame(installation: Installation) -> dict[str, object]:
    return {
        "installation": installation,
        "platform": connectors.get(installation.platform).platform,
        "has_teams": has_teams(installation),
        "is_connected": installation.state == Installation.State.CONNECTED,
    }


def _active(installation: Installation) -> DirectoryImport | None:
    return installation.imports.filter(state__in=importing.ACTIVE).select_related("installation", "started_by").first()


def _installation(request: HttpRequest, number: int) -> Installation:
    return get_object_or_404(Installation, pk=number, tenant=tenant_of(request))


def _run(request: HttpRequest, pk: int) -> DirectoryImport:
    rows = DirectoryImport.objects.select_related("installation__tenant", "started_by")
    return get_object_or_404(rows, pk=pk, installation__tenant=tenant_of(request))
