"""Auto Sync: what its groups would have done is planned when they change, and applied by itself unless it removes much.

A plan that would end many syncs, or that follows a group from which everybody has gone, waits for an administrator as any
other plan does. The next change, at the latest the next day, throws it away and plans anew: the groups have moved on.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit, group_planning, user_sync
from accounts.brake import is_too_much
from accounts.members import hold
from accounts.models import SyncGroup, SyncRun, Tenant

State = SyncRun.State

AGAIN = timedelta(days=1)
"""After so long the groups are looked at also without a change: a plan may have failed, or somebody has an account now."""
ASKED = "A group would unsync many people, or everybody in it. Nothing is done until somebody has decided."


def due() -> list[int]:
    """The tenants of whose groups something has changed."""
    rows = SyncGroup.objects.filter(is_on=True, settle_at__lte=timezone.now())
    return list(rows.order_by("tenant").values_list("tenant", flat=True).distinct())


@transaction.atomic
def settle(pk: int) -> SyncRun | None:
    """Have it planned what the groups of a tenant would have done. None where that is nothing, or where one is under way."""
    tenant = Tenant.objects.get(pk=pk)
    hold(tenant)
    if _runs(tenant, State.APPLYING, State.STOPPING).exists():
        return None
    now = timezone.now()
    SyncGroup.objects.filter(tenant=tenant, settle_at__lte=now).update(settle_at=now + AGAIN)
    for waiting in _runs(tenant, State.PLANNING, State.PLANNED).order_by("pk"):
        user_sync.cancel(waiting)
    return SyncRun.objects.create(tenant=tenant, deed=SyncRun.Deed.GROUP) if group_planning.is_due(pk) else None


def _runs(tenant: Tenant, *states: str) -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(tenant=tenant, deed=SyncRun.Deed.GROUP, state__in=states, started_by=None)


def apply_planned() -> None:
    """Have plans carried out that nobody has to decide on; the others say why they wait."""
    rows = SyncRun.objects.filter(deed=SyncRun.Deed.GROUP, state=State.PLANNED, started_by=None, problem="")
    for run in rows.select_related("tenant").order_by("pk"):
        if must_ask(run):
            _ask(run)
        else:
            user_sync.apply(run)


def must_ask(run: SyncRun) -> bool:
    """Whether a plan removes so much that it has to wait for a decision."""
    figures = user_sync.removals(run)
    emptied = SyncGroup.objects.filter(tenant=run.tenant_id, is_on=True, members=None)
    return is_too_much(**figures) or (figures["removed"] > 0 and emptied.exists())


@transaction.atomic
def _ask(run: SyncRun) -> None:
    if SyncRun.objects.filter(pk=run.pk, state=State.PLANNED, problem="").update(problem=ASKED):
        audit.record(run.tenant, "stopped auto sync to ask", str(run), after=run.counts)
