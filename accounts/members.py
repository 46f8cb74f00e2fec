"""Who belongs to a tenant and in which role: change it, end it, hand the tenant over.

Every change is decided under the tenant's lock on rows read anew, so that two at once cannot leave it without an owner.
"""

from django.db import transaction
from django.http import HttpRequest

from accounts.access import May, may
from accounts.audit import record
from accounts.models import Membership, Tenant

Role = Membership.Role


class NotPossible(Exception):
    """Nothing was changed. Its text says why and is fit to be shown."""


def hold(tenant: Tenant) -> Tenant:
    """The tenant as it is now, locked until the transaction ends. Rows that only refer to it may still be added."""
    return Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def assignable(actor: Membership) -> list[Role]:
    """The roles that somebody may give: only an owner makes owners."""
    return [role for role in Role if role != Role.OWNER or may(actor, May.OWN)]


def must_be_assignable(actor: Membership, *roles: str) -> None:
    """Raise ``NotPossible`` where one of the roles is not the actor's to give or to take."""
    if not set(roles) <= set(assignable(actor)):
        raise NotPossible("Only an owner can decide who owns the organization. Nothing was changed.")


@transaction.atomic
def change_role(actor: Membership, member: Membership, role: str, request: HttpRequest) -> None:
    """Give a member another role. Raises ``NotPossible``."""
    actor, member = _as_they_are(actor, member)
    must_be_assignable(actor, member.role, role)
    if role != Role.OWNER:
        _must_leave_an_owner(member)
    _become(member, role, request)


@transaction.atomic
def remove(actor: Membership, member: Membership, request: HttpRequest) -> None:
    """End a membership, one's own or another's; access ends with it. Raises ``NotPossible``."""
    actor, member = _as_they_are(actor, member)
    is_leaving = actor == member
    if not is_leaving:
        if not may(actor, May.CHANGE):
            raise NotPossible("Your role does not allow this any more. Nothing was changed.")
        must_be_assignable(actor, member.role)
    _must_leave_an_owner(member)
    member.delete()
    action = "left the organization" if is_leaving else "removed member"
    record(member.tenant, action, member.user.email, request, before={"role": member.role})


@transaction.atomic
def transfer(actor: Membership, member: Membership, request: HttpRequest) -> None:
    """Make a member an owner in place of the actor, who becomes an administrator. Raises ``NotPossible``."""
    actor, member = _as_they_are(actor, member)
    must_be_assignable(actor, Role.OWNER)
    if member.role == Role.OWNER:
        raise NotPossible(f"{member.user.email} is an owner already. Nothing was changed.")
    _become(member, Role.OWNER, request)
    _become(actor, Role.ADMINISTRATOR, request)


def _as_they_are(actor: Membership, member: Membership) -> tuple[Membership, Membership]:
    hold(actor.tenant)
    rows = Membership.objects.select_related("tenant", "user").filter(tenant=actor.tenant_id)
    found = rows.in_bulk({actor.pk, member.pk})
    try:
        return found[actor.pk], found[member.pk]
    except KeyError:
        raise NotPossible("Somebody was removed meanwhile. Nothing was changed.") from None


def _must_leave_an_owner(member: Membership) -> None:
    others = Membership.objects.filter(tenant=member.tenant_id, role=Role.OWNER).exclude(pk=member.pk)
    if member.role == Role.OWNER and not others.exists():
        raise NotPossible(
            f"{member.user.email} is the only owner, and an organization needs one. Nothing was changed. "
            "Make somebody else an owner first."
        )


def _become(member: Membership, role: str, request: HttpRequest) -> None:
    before, member.role = member.role, role
    if before == role:
        return
    member.save(update_fields=["role"])
    record(member.tenant, "changed role", member.user.email, request, {"role": before}, {"role": role})
