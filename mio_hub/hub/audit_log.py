"""The audit log: who changed what, when and from where; to filter and to export."""

from collections.abc import AsyncIterator
from datetime import datetime, time
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import tenant_of, tenant_page
from accounts.models import AuditEntry, Tenant
from mio_hub.hub.forms import AuditFilter
from mio_hub.hub.spreadsheet import download, line

PAGE = 50
"""Entries shown at a time: two or three screens."""

BATCH = 500
"""Entries read at a time for an export; no connection is held while a slow browser takes them."""

RECENT = 2_000
"""Entries looked through for what the filter offers, so that it takes no longer as the log grows."""

COLUMNS = ("when", "who", "action", "subject", "before", "after", "address")


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    tenant, form = tenant_of(request), AuditFilter(request.GET)
    entries = _filtered(tenant, form)
    if (before := request.GET.get("before", "")).isdecimal():
        entries = entries.filter(pk__lt=int(before[:18]))
    rows = list(entries[: PAGE + 1])
    form.offer(*_offered(tenant))
    chosen = {name: value for name, value in request.GET.items() if name in form.fields and value}
    shown = {
        "filter": form,
        "entries": rows[:PAGE],
        "is_filtered": bool(chosen),
        "is_later_page": bool(before),
        "filter_query": urlencode(chosen),
        "older": urlencode({**chosen, "before": rows[PAGE - 1].pk}) if len(rows) > PAGE else "",
    }
    return render(request, "hub/audit.html", shown)


@require_safe
@tenant_page()
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The entries that the page would show, all of them, as CSV."""
    tenant = tenant_of(request)
    lines = _lines(_filtered(tenant, AuditFilter(request.GET)), ZoneInfo(tenant.time_zone))
    return download("audit-log", lines)


def _filtered(tenant: Tenant, form: AuditFilter) -> QuerySet[AuditEntry]:
    """Newest first. What was filled in wrongly filters nothing out; the form says so."""
    form.is_valid()
    since, until = form.period
    wanted: dict[str, Any] = {
        "actor_name": form.cleaned_data.get("person"),
        "action": form.cleaned_data.get("action"),
        "at__gte": timezone.make_aware(datetime.combine(since, time.min)) if since else None,
        "at__lte": timezone.make_aware(datetime.combine(until, time.max)) if until else None,
    }
    return tenant.audit.order_by("-pk").filter(**{name: value for name, value in wanted.items() if value})


def _offered(tenant: Tenant) -> tuple[list[str], list[str]]:
    recent = tenant.audit.order_by("-pk").values("pk")[:RECENT]
    pairs = AuditEntry.objects.filter(pk__in=recent).order_by().values_list("actor_name", "action").distinct()
    people, actions = {person for person, _ in pairs}, {action for _, action in pairs}
    return sorted(people), sorted(actions)


async def _lines(entries: QuerySet[AuditEntry], zone: ZoneInfo) -> AsyncIterator[str]:
    yield line(COLUMNS)
    batch = [entry async for entry in entries[:BATCH]]
    while batch:
        yield "".join(line(_cells(entry, zone)) for entry in batch)
        batch = [entry async for entry in entries.filter(pk__lt=batch[-1].pk)[:BATCH]]


def _cells(entry: AuditEntry, zone: ZoneInfo) -> list[str]:
    when = entry.at.astimezone(zone).isoformat(" ", "seconds")
    values = (_told(entry.before), _told(entry.after))
    return [when, entry.actor_name, entry.action, entry.subject, *values, entry.address or ""]


def _told(values: dict[str, Any]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in values.items())
