"""Auto Sync: the groups whose members are synced, in their order."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import auto_sync, group_planning, user_sync
from accounts.access import May, tenant_of, tenant_page
from accounts.members import NotPossible
from accounts.models import Installation, SyncGroup, SyncRun
from connectors.directory import Group, Page
from mio_hub.hub.asking import ASKING, Question, ask, done
from mio_hub.hub.auto_sync_forms import AddForm, ChoiceForm, FindForm, LeavingForm, choice_of


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    tenant = tenant_of(request)
    conflicts = group_planning.conflicts(tenant)
    runs = SyncRun.objects.filter(tenant=tenant, deed=SyncRun.Deed.GROUP, state__in=user_sync.ACTIVE).order_by("-pk")
    shown = {
        "groups": [(group, conflicts.get(group.pk, 0)) for group in auto_sync.listed(tenant)],
        "platforms": auto_sync.platforms(tenant),
        "runs": [run for run in runs[:5] if not user_sync.is_dry_run(run)],
    }
    return render(request, "hub/people/auto_sync.html", shown)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def add(request: HttpRequest) -> HttpResponse:
    """Find a group on its platform, and say what it does."""
    places = auto_sync.platforms(tenant_of(request))
    find = FindForm(places, request.GET or None)
    place = next((one for one in places if find.is_valid() and one.pk == find.cleaned_data["on"]), None)
    shown: dict[str, object] = {"find": find, "places": places}
    if place is not None:
        try:
            found = auto_sync.offered(place, find.cleaned_data["text"], request.GET.get("cursor", "")[:4000])
        except NotPossible as problem:
            return render(request, "hub/people/auto_sync_add.html", shown | {"problem": str(problem)})
        form = AddForm(place.tenant, place, found.items, request.POST or None, initial={"primary": place.pk})
        if answer := _added(request, place, form):
            return answer
        shown |= {"form": form, "found": found.items, "more": _more(request, found)}
    return render(request, "hub/people/auto_sync_add.html", shown)


def _added(request: HttpRequest, place: Installation, form: AddForm) -> HttpResponse | None:
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        row = auto_sync.add(place, form.cleaned_data["group"], form.choice, request)
    except NotPossible as problem:
        form.add_error(None, str(problem))
        return None
    messages.success(request, f"{row.name} is on the list, switched off. Look at what it would do, then switch it on.")
    return redirect("hub:auto_sync", place.tenant.key)


def _more(request: HttpRequest, found: Page[Group]) -> str:
    return urlencode({**request.GET.dict(), "cursor": found.next}) if found.next else ""


@require_http_methods(ASKING)
@tenant_page()
def group(request: HttpRequest, group: int) -> HttpResponse:
    """One group; posted to, what it does is changed."""
    row = _group(request, group)
    form = ChoiceForm(row.tenant, request.POST or None, initial=choice_of(row))
    if request.method == "POST" and form.is_valid():
        try:
            auto_sync.change(row, form.choice, request)
        except NotPossible as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, "Saved, and switched off. Look at what it would do, then switch it on.")
            return redirect("hub:auto_sync", row.tenant.key)
    return render(request, "hub/people/auto_sync_group.html", {"row": row, "form": form})


@require_POST
@tenant_page()
def act(request: HttpRequest, group: int) -> HttpResponse:
    """Do what the button says: on, off, up, or nothing that a group knows."""
    row, back = _group(request, group), reverse("hub:auto_sync", args=[tenant_of(request).key])
    deeds: dict[str, tuple[Callable[[SyncGroup, HttpRequest], None], str]] = {
        "on": (auto_sync.switch_on, f"{row.name} is on. Its members are synced within minutes."),
        "off": (auto_sync.switch_off, f"{row.name} is off. Whoever is synced stays so."),
        "up": (auto_sync.move_up, f"{row.name} comes before the one that was above it."),
    }
    deed, told = deeds.get(request.POST.get("deed", ""), (_nothing, ""))

    def do() -> str:
        deed(row, request)
        return told

    return done(request, do, back)


def _nothing(row: SyncGroup, request: HttpRequest) -> None:
    raise NotPossible("Choose what to do. Nothing was changed.")


@require_POST
@tenant_page()
def try_out(request: HttpRequest, group: int) -> HttpResponse:
    """Show what a group would do."""
    row = _group(request, group)
    try:
        run = auto_sync.try_out(row, request)
    except NotPossible as problem:
        messages.error(request, str(problem))
        return redirect("hub:auto_sync", row.tenant.key)
    return redirect("hub:sync_run", row.tenant.key, run.pk)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def remove(request: HttpRequest, group: int) -> HttpResponse:
    row = _group(request, group)
    key, form = row.tenant.key, LeavingForm(request.POST or None, initial={"then": "keep"})
    if request.method == "POST" and form.is_valid():
        run = auto_sync.remove(row, request, unsyncs=form.cleaned_data["then"] == "unsync")
        messages.success(request, f"{row.name} is off the list. Nobody is unsynced so far.")
        return redirect("hub:sync_run", key, run.pk) if run else redirect("hub:auto_sync", key)
    consequences = (
        f"People who are synced because they are in {row.name}: {group_planning.synced_by(row.pk)}.",
        "Who joins or leaves the group later changes nothing here. The group itself stays on its platform as it is.",
    )
    return ask(
        request,
        Question(f"Remove {row.name}", consequences, "Remove", reverse("hub:auto_sync", args=[key]), "danger"),
        form,
    )


def _group(request: HttpRequest, pk: int) -> SyncGroup:
    rows = SyncGroup.objects.select_related("tenant", "installation", "primary")
    return get_object_or_404(rows, pk=pk, tenant=tenant_of(request))
