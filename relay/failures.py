"""What could not be delivered: kept for a decision, waiting for long, or given up. Never what was said."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, TextChoices
from django.utils import timezone

from accounts.models import Tenant
from relay.models import ConversationLink, Delivery

LONG = timedelta(minutes=10)
"""How long something waits before it is shown: two rests of any platform and a restart of ours are no failure."""

LOOKED_THROUGH = 10_000
"""Failures, newest first, of which the reasons are counted: no page takes longer as they grow."""

State = Delivery.State


class What(TextChoices):
    """How things stand with it."""

    KEPT = "kept", "To be decided"
    WAITING = "waiting", "Waiting, tried again by itself"
    GIVEN_UP = "given-up", "Given up"


STANDING = {
    What.KEPT: Q(state=State.PARKED),
    What.WAITING: Q(state__in=(State.WAITING, State.UNSURE)) & ~Q(reason=""),
    What.GIVEN_UP: Q(state=State.SKIPPED) & ~Q(reason=""),
}

Wanted = Mapping[str, str]
"""A filter by name: ``what``, ``channel`` (part of its name), ``platform``, ``reason``, ``since``, ``until`` (ISO days)."""


def of(tenant: Tenant) -> QuerySet[Delivery]:
    """Everything that is to be delivered into the tenant's own channels, whatever its state."""
    return Delivery.objects.filter(link__installation__tenant=tenant)


def matching(tenant: Tenant, wanted: Wanted) -> QuerySet[Delivery]:
    """The failures that a filter lets through, in no order. What makes no sense in it is left out."""
    what = What(wanted["what"]) if wanted.get("what") in What.values else What.KEPT
    rows = of(tenant).filter(STANDING[what])
    if what == What.WAITING:
        rows = rows.filter(created_at__lt=timezone.now() - LONG)
    if wanted.get("channel"):
        named = ConversationLink.objects.filter(installation__tenant=tenant, name__icontains=wanted["channel"])
        rows = rows.filter(link__in=named.values("pk"))
    exact = {"link__installation__platform": wanted.get("platform"), "reason": wanted.get("reason")}
    return rows.filter(_during(tenant, wanted), **{name: value for name, value in exact.items() if value})


def _during(tenant: Tenant, wanted: Wanted) -> Q:
    """Days are those of the tenant's time zone."""
    zone, period = ZoneInfo(tenant.time_zone), Q()
    if since := wanted.get("since"):
        period &= Q(created_at__gte=datetime.combine(date.fromisoformat(since), time.min, zone))
    if until := wanted.get("until"):
        period &= Q(created_at__lte=datetime.combine(date.fromisoformat(until), time.max, zone))
    return period


def reasons(rows: QuerySet[Delivery]) -> list[tuple[str, int]]:
    """How many of the newest failures have which reason, the most frequent first."""
    newest = rows.order_by("-pk").values("pk")[:LOOKED_THROUGH]
    counted = Delivery.objects.filter(pk__in=newest).order_by().values("reason").annotate(many=Count("pk"))
    return [(row["reason"], row["many"]) for row in counted.order_by("-many", "reason")]


def shown(rows: QuerySet[Delivery], before: int | None, many: int) -> list[Any]:
    """A page of them, newest first, with what is told of each."""
    page = rows.filter(pk__lt=before) if before else rows
    return list(
        page.select_related("link__installation", "link__conversation", "event__installation").order_by("-pk")[:many]
    )
