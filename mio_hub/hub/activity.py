"""Activity: who is active, how channels fare, which companies take part, and how much crosses. Numbers, never content."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import tenant_of, tenant_page
from mio_hub.hub.chart import charts
from mio_hub.hub.spreadsheet import download, line
from relay import activity
from relay.activity import ActiveUser
from relay.models import ActiveAccount

PAGE = 50
"""Rows shown at a time: two or three screens."""

BATCH = 500
"""Users read at a time for an export; no connection is held while a slow browser takes them."""

COLUMNS = ("name", "e-mail", "platforms", "channels", "direct chats", "external organizations", "last active")


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    tenant, search, after = tenant_of(request), _search(request), _number(request, "after")
    rows = activity.active(tenant, search)
    users = activity.users(rows, after, PAGE + 1)
    shown = {
        "charts": charts(activity.traffic(tenant)),
        "users": users[:PAGE],
        "total": rows.count(),
        "search": search,
        "is_later_page": bool(after),
        "next": urlencode({"search": search, "after": users[PAGE - 1].row}) if len(users) > PAGE else "",
        "days": activity.DAYS,
    }
    return render(request, "hub/activity/people.html", shown)


@require_safe
@tenant_page()
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The active users that the page would show, all of them, as CSV."""
    return download("active-users", _lines(activity.active(tenant_of(request), _search(request))))


async def _lines(rows: QuerySet[ActiveAccount]) -> AsyncIterator[str]:
    yield line(COLUMNS)
    read = sync_to_async(activity.users)
    batch = await read(rows, None, BATCH)
    while batch:
        yield "".join(line(_cells(user)) for user in batch)
        batch = await read(rows, batch[-1].row, BATCH)


def _cells(user: ActiveUser) -> list[str]:
    counts = (str(len(user.channels)), str(len(user.direct_chats)))
    where = ("; ".join(user.platforms), *counts, "; ".join(user.organizations))
    return [user.name, user.email, *where, user.last_on.isoformat()]


@require_safe
@tenant_page()
def channels(request: HttpRequest) -> HttpResponse:
    """How every channel fares on each platform."""
    tenant, search, number = tenant_of(request), _search(request), _number(request, "page") or 1
    found = activity.conversations(tenant, search).order_by("name", "pk")
    rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
    legs = activity.legs(tenant, rows[:PAGE])
    shown: dict[str, Any] = {
        "channels": [(row.name, legs[row.pk]) for row in rows[:PAGE]],
        "search": search,
        "previous": urlencode({"search": search, "page": number - 1}) if number > 1 else "",
        "next": urlencode({"search": search, "page": number + 1}) if len(rows) > PAGE else "",
    }
    return render(request, "hub/activity/channels.html", shown)


@require_safe
@tenant_page()
def organizations(request: HttpRequest) -> HttpResponse:
    """The companies that take part in channels of ours, or we in theirs."""
    shown = {"organizations": activity.organizations(tenant_of(request))}
    return render(request, "hub/activity/organizations.html", shown)


def _search(request: HttpRequest) -> str:
    return request.GET.get("search", "").replace("\x00", "").strip()[:100]


def _number(request: HttpRequest, name: str) -> int | None:
    """A number in the address, None where there is none; far pages are as empty as the farthest."""
    text = request.GET.get(name, "")
    return min(int(text[:18]), 10**9) or None if text.isdecimal() else None
