"""Auto Sync as an administrator sets it up: groups chosen, tried, switched on and off, put in order, taken away."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone

import connectors
from accounts import audit, group_planning, user_sync
from accounts.asking import ask_over, session
from accounts.matching import storable
from accounts.members import NotPossible, hold
from accounts.models import Installation, SyncGroup, SyncRun, Tenant, User
from accounts.standing_in import speaking
from connectors.directory import Group, ListsGroups, Page
from connectors.errors import ConnectorError, Gone, NotSupported, Reconnect

MOST = 100
"""Groups of a tenant: each costs a question to its platform every quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a group does: whoever is in it uses ``primary`` first, and is synced on ``secondaries``."""

    primary: Installation
    secondaries: tuple[Installation, ...]

    def told(self) -> dict[str, object]:
        return {"primary": str(self.primary), "synced on": [str(one) for one in self.secondaries]}


def platforms(tenant: Tenant) -> list[Installation]:
    """The connections whose platform keeps groups."""
    connected = [one for one in tenant.places if one.state == Installation.State.CONNECTED]
    return [one for one in connected if _has_groups(one)]


def _has_groups(installation: Installation) -> bool:
    return issubclass(connectors.get(installation.platform), ListsGroups)


def offered(installation: Installation, text: str, cursor: str) -> Page[Group]:
    """Groups of a platform to choose from. Raises ``NotPossible`` where it does not tell."""
    try:
        with session() as opened, speaking(installation) as connector:
            return ask_over(opened, connector.groups(text, cursor), connector.credentials)
    except Gone:
        raise NotPossible("This part of the list is no longer there. Begin with the first page.") from None
    except Reconnect as error:
        raise NotPossible(f"{installation} lets us see no groups: {error}. Authorise it again.") from None
    except (ConnectorError, NotSupported) as error:
        raise NotPossible(
            f"{installation} does not tell its groups just now ({error}). Try again in a minute."
        ) from None


def listed(tenant: Tenant) -> QuerySet[SyncGroup]:
    """A tenant's groups in their order, each with how many ``people`` are in it."""
    rows = SyncGroup.objects.filter(tenant=tenant).select_related("installation", "primary")
    return rows.prefetch_related("secondaries").annotate(people=Count("members")).order_by("place", "pk")


@transaction.atomic
def add(installation: Installation, group: Group, choice: Choice, request: HttpRequest) -> SyncGroup:
    """Add a group of a platform after those there are, switched off, and have its members read. Raises ``NotPossible``."""
    tenant = installation.tenant
    hold(tenant)
    known = SyncGroup.objects.filter(tenant=tenant)
    if known.filter(installation=installation, external_id=group.id).exists():
        raise NotPossible(f"{group.name} is on the list already. Nothing was changed.")
    if known.count() >= MOST:
        raise NotPossible(f"The list is full: it holds {MOST}. Remove what is no longer needed.")
    _check(choice)
    row = SyncGroup.objects.create(
        tenant=tenant,
        installation=installation,
        external_id=group.id,
        name=storable(group.name)[:300] or group.id,
        place=(known.aggregate(last=Max("place"))["last"] or 0) + 1,
        primary=choice.primary,
        read_at=timezone.now(),
    )
    row.secondaries.set(choice.secondaries)
    audit.record(tenant, "added auto sync group", row.name, request, after=choice.told())
    return row


def _check(choice: Choice) -> None:
    if not choice.secondaries:
        raise NotPossible("Choose at least one platform on which they are synced. Nothing was changed.")
    if choice.primary in choice.secondaries:
        raise NotPossible(f"{choice.primary} is their primary platform: nobody is synced there. Nothing was changed.")


@transaction.atomic
def change(group: SyncGroup, choice: Choice, request: HttpRequest) -> None:
    """Change what a group does; it is switched off until somebody has looked what that means. Raises ``NotPossible``."""
    _check(choice)
    before = {"primary": str(group.primary or ""), "synced on": [str(one) for one in group.secondaries.order_by("pk")]}
    rows = SyncGroup.objects.filter(pk=group.pk)
    rows.update(primary=choice.primary, is_on=False, tried_at=None, changed_at=timezone.now())
    group.secondaries.set(choice.secondaries)
    audit.record(group.tenant, "changed auto sync group", group.name, request, before, choice.told())


@transaction.atomic
def try_out(group: SyncGroup, request: HttpRequest) -> SyncRun:
    """Have it planned what a group would do if it were on. Nothing is changed. Raises ``NotPossible``."""
    if group.primary is None or not group.secondaries.exists():
        raise NotPossible("Choose first which platform its members use, and where they are synced.")
    if group.installation and not group.reading:
        raise NotPossible("Its members are still being read. Try again in a moment.")
    _end_dry_runs(group)
    SyncGroup.objects.filter(pk=group.pk).update(tried_at=timezone.now())
    return _begin(group.tenant, request, {"group": group.pk})


def _end_dry_runs(group: SyncGroup) -> None:
    for run in SyncRun.objects.filter(tenant=group.tenant, wanted__group=group.pk).order_by("pk"):
        user_sync.cancel(run)


def _begin(tenant: Tenant, request: HttpRequest, wanted: dict[str, int]) -> SyncRun:
    user = request.user if isinstance(request.user, User) else None
    return SyncRun.objects.create(tenant=tenant, deed=SyncRun.Deed.GROUP, wanted=wanted, started_by=user)


@transaction.atomic
def switch_on(group: SyncGroup, request: HttpRequest) -> None:
    """From now on its members are synced, and whoever leaves it is unsynced. Raises ``NotPossible`` before a dry run."""
    if group.tried_at is None:
        raise NotPossible("Look first at what it would do. Nothing was changed.")
    now = timezone.now()
    read_at = now if group.installation else None
    on = {"is_on": True, "was_on": True, "settle_at": now, "read_at": read_at, "changed_at": now}
    if SyncGroup.objects.filter(pk=group.pk, is_on=False).update(**on):
        _end_dry_runs(group)
        audit.record(group.tenant, "switched auto sync on", group.name, request)


@transaction.atomic
def switch_off(group: SyncGroup, request: HttpRequest) -> None:
    """From now on nobody is synced or unsynced by it; who is synced stays so."""
    if SyncGroup.objects.filter(pk=group.pk, is_on=True).update(is_on=False, tried_at=None, changed_at=timezone.now()):
        audit.record(group.tenant, "switched auto sync off", group.name, request)


@transaction.atomic
def move_up(group: SyncGroup, request: HttpRequest) -> None:
    """Have a group come before the one above it: whoever is in both belongs to it."""
    hold(group.tenant)
    order = list(SyncGroup.objects.filter(tenant=group.tenant).order_by("place", "pk"))
    here = order.index(group)
    if not here:
        return
    order[here - 1 : here + 1] = order[here], order[here - 1]
    _number(order)
    both = SyncGroup.objects.filter(pk__in=[one.pk for one in order[here - 1 : here + 1]])
    both.update(settle_at=timezone.now())
    audit.record(group.tenant, "moved auto sync group", group.name, request, after={"before": order[here].name})


def _number(order: Iterable[SyncGroup]) -> None:
    """Places anew: those that another door made may all have the same."""
    for place, one in enumerate(order, 1):
        SyncGroup.objects.filter(pk=one.pk).update(place=place)


@transaction.atomic
def remove(group: SyncGroup, request: HttpRequest, *, unsyncs: bool) -> SyncRun | None:
    """Take a group off the list. Those whom it holds synced stay so, or have it planned that they are unsynced."""
    if not unsyncs:
        group_planning.leave_synced(group.pk)
    _end_dry_runs(group)
    tenant, name = group.tenant, group.name
    group.delete()
    audit.record(tenant, "removed auto sync group", name, request, after={"unsyncs": unsyncs})
    return _begin(tenant, request, {}) if unsyncs else None
