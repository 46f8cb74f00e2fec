"""Deleting a tenant for good: asked for by an owner, kept for days of grace, then nothing of it is left."""

from datetime import datetime, timedelta

import structlog
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.disconnecting import take_leave
from accounts.emptying import empty, owned
from accounts.members import hold
from accounts.models import Installation, Membership, Tenant, User

log = structlog.get_logger(__name__)

GRACE = timedelta(days=7)
"""How long a deletion can be taken back: whoever was away for a few days still can."""


def gone_at(tenant: Tenant) -> datetime | None:
    """When a tenant will be deleted; None where nobody asked for it."""
    return tenant.deleted_at + GRACE if tenant.deleted_at else None


@transaction.atomic
def ask(tenant: Tenant, request: HttpRequest) -> None:
    """Begin the days of grace. Asking again does not begin them anew."""
    if hold(tenant).deleted_at is None:
        Tenant.objects.filter(pk=tenant.pk).update(deleted_at=timezone.now())
        record(tenant, "asked for deletion", tenant.name, request)


@transaction.atomic
def keep(tenant: Tenant, request: HttpRequest) -> bool:
    """Take the deletion back. False where its time has come: it may be under way already."""
    is_kept = Tenant.objects.filter(pk=tenant.pk, deleted_at__gt=timezone.now() - GRACE).update(deleted_at=None)
    if is_kept:
        record(tenant, "took back the deletion", tenant.name, request)
    return bool(is_kept)


def due() -> QuerySet[Tenant]:
    """The tenants whose grace is over. Nothing takes them back from there."""
    return Tenant.objects.filter(deleted_at__lte=timezone.now() - GRACE)


def delete(pk: int) -> None:
    """Delete a tenant whose time has come, with everybody who belongs to no other. May be run again if it was interrupted.

    Its connections are ended at the platforms first: they must not go on telling us.
    """
    for tenant in due().filter(pk=pk):
        for installation in Installation.objects.filter(tenant=tenant).select_related("app"):
            take_leave(installation)
        for relation in owned(Tenant):
            if relation.related_model is not Membership:  # kept to the last: it tells which users to delete
                empty(relation.related_model, relation.field.name, [pk])
        _finish(tenant)
        log.info("tenant_deleted", tenant=pk)


@transaction.atomic
def _finish(tenant: Tenant) -> None:
    left = User.objects.filter(memberships__tenant=tenant, is_staff=False)
    homeless = left.exclude(memberships__in=Membership.objects.exclude(tenant=tenant))
    users = list(homeless.values_list("pk", flat=True))
    tenant.delete()
    Session.objects.filter(session_key__in=_sessions(users)).delete()
    User.objects.filter(pk__in=users, memberships=None).delete()


def _sessions(users: list[int]) -> QuerySet[models.Model]:
    from allauth.usersessions.models import UserSession

    rows: QuerySet[models.Model] = UserSession.objects.filter(user__in=users).values("session_key")
    return rows
