"""Users and groups as the company's identity provider tells of them over SCIM.

What it told is kept as it told it. Who is in a group follows from it: the people of its active users. Everything is
decided under the tenant's lock, so that two requests at once cannot leave somebody in who was deactivated.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import auto_sync
from accounts.audit import changes, record
from accounts.matching import storable
from accounts.members import NotPossible, hold
from accounts.models import Person, ScimMember, ScimUser, SyncGroup, Tenant

NAMED = 20
"""Members whose names an entry of the audit log holds; of more it holds how many."""


class Taken(NotPossible):
    """Somebody else has that name or id."""


class Unknown(NotPossible):
    """It is not there, or not any more."""


@dataclass(frozen=True, slots=True)
class Told:
    """A user as it is to be; the fields are those of ``ScimUser``."""

    user_name: str
    external_id: str = ""
    email: str = ""
    name: str = ""
    is_active: bool = True
    details: dict[str, Any] = field(default_factory=dict)


def groups_of(tenant: Tenant) -> QuerySet[SyncGroup]:
    """The groups that were provisioned."""
    return SyncGroup.objects.filter(tenant=tenant, installation=None)


# --- Users


@transaction.atomic
def add_user(tenant: Tenant, told: Told, request: HttpRequest) -> ScimUser:
    """Provision a user, who is the person of their address. Raises ``Taken``."""
    hold(tenant)
    _must_be_free(tenant, told.user_name)
    user = ScimUser.objects.create(tenant=tenant, person=_person_of(tenant, told), **asdict(told))
    record(tenant, "provisioned user", user.user_name, request, after=_shown(user))
    return user


@transaction.atomic
def change_user(tenant: Tenant, key: UUID, told: Told, request: HttpRequest) -> ScimUser:
    """Make a user what they are told to be. Raises ``Taken`` and ``Unknown``."""
    hold(tenant)
    user = _user(tenant, key)
    if told.user_name.lower() != user.user_name.lower():
        _must_be_free(tenant, told.user_name)
    before, was, as_told = _shown(user), user.person_id, asdict(told)
    if {name: getattr(user, name) for name in as_told} == as_told:
        return user
    for name, value in as_told.items():
        setattr(user, name, value)
    user.person, user.changed_at = _person_of(tenant, told), timezone.now()
    user.save()
    _bring_in_step(_groups_with(user), [was, user.person_id])
    before, after = changes(before, _shown(user))
    record(tenant, "changed provisioned user", user.user_name, request, before=before, after=after)
    return user


@transaction.atomic
def remove_user(tenant: Tenant, key: UUID, request: HttpRequest) -> None:
    """Take a user out of every group and forget them. The person, and who they are elsewhere, stays. Raises ``Unknown``."""
    hold(tenant)
    user = _user(tenant, key)
    groups = _groups_with(user)
    user.delete()
    _bring_in_step(groups, [user.person_id])
    record(tenant, "removed provisioned user", user.user_name, request, before=_shown(user))


def _user(tenant: Tenant, key: UUID) -> ScimUser:
    user = ScimUser.objects.filter(tenant=tenant, key=key).first()
    if user is None:
        raise Unknown("There is no such user. Nothing was changed.")
    return user


def _must_be_free(tenant: Tenant, user_name: str) -> None:
    if (
        ScimUser.objects.filter(tenant=tenant)
        .extra(where=["lower(user_name) = lower(%s)"], params=[user_name])
        .exists()
    ):
        raise Taken("There is a user of that name already. Nothing was changed.")


def _groups_with(user: ScimUser) -> list[int]:
    return list(user.memberships.order_by("group").values_list("group", flat=True))


def _shown(user: ScimUser) -> dict[str, Any]:
    return {"user name": user.user_name, "email": user.email, "name": user.name, "active": user.is_active}


def _person_of(tenant: Tenant, told: Told) -> Person | None:
    """Whoever has the address, made where nobody has: the identity provider vouches for it."""
    if not told.email:
        return None
    newcomer = Person(tenant=tenant, name=told.name, email=told.email)
    Person.objects.bulk_create([newcomer], ignore_conflicts=True)
    rows = Person.objects.filter(tenant=tenant)
    same: Person | None = rows.extra(where=["lower(email) = lower(%s)"], params=[told.email]).first()
    return same


# --- Groups


@transaction.atomic
def add_group(tenant: Tenant, name: str, external_id: str, members: set[UUID], request: HttpRequest) -> SyncGroup:
    """Provision a group with members. Nobody is synced until somebody switches it on. Raises ``Taken`` and ``Unknown``."""
    hold(tenant)
    if external_id and groups_of(tenant).filter(external_id=external_id).exists():
        raise Taken("There is a group of that external id already. Nothing was changed.")
    group = SyncGroup.objects.create(tenant=tenant, name=name, external_id=external_id)
    record(tenant, "provisioned group", name, request)
    _change_members(group, members, set(), request)
    return group


@transaction.atomic
def change_group(
    tenant: Tenant,
    group: SyncGroup,
    names: tuple[str, str],
    add: set[UUID],
    remove: set[UUID],
    request: HttpRequest,
) -> None:
    """Give a group its name and external id, and let members come and go. Raises ``Unknown`` and ``Taken``."""
    before = {"name": group.name, "external id": group.external_id}
    after = dict(zip(before, names, strict=True))
    if before != after:
        if names[1] and groups_of(tenant).filter(external_id=names[1]).exclude(pk=group.pk).exists():
            raise Taken("There is a group of that external id already. Nothing was changed.")
        now = timezone.now()
        groups_of(tenant).filter(pk=group.pk).update(name=names[0], external_id=names[1], changed_at=now)
        before, after = changes(before, after)
        record(tenant, "changed provisioned group", names[0], request, before=before, after=after)
    _change_members(group, add, remove, request)


@transaction.atomic
def remove_group(tenant: Tenant, key: UUID, request: HttpRequest) -> None:
    """Forget a group: those who were synced because of it no longer are in it. Raises ``Unknown``."""
    group = held_group(tenant, key)
    auto_sync.remove(group, request, unsyncs=group.was_on)


def held_group(tenant: Tenant, key: UUID) -> SyncGroup:
    """A group that nobody else changes until the transaction ends. Raises ``Unknown``."""
    hold(tenant)
    group = groups_of(tenant).filter(key=key).first()
    if group is None:
        raise Unknown("There is no such group. Nothing was changed.")
    return group


def _change_members(group: SyncGroup, add: set[UUID], remove: set[UUID], request: HttpRequest) -> None:
    if not add and not remove:
        return
    users = dict(ScimUser.objects.filter(tenant=group.tenant_id, key__in=add | remove).values_list("key", "pk"))
    if add - users.keys():
        raise Unknown("Some of the members are no users that were provisioned here. Nothing was changed.")
    ScimMember.objects.filter(group=group, user__in=[users[key] for key in remove & users.keys()]).delete()
    rows = [ScimMember(group=group, user_id=users[key]) for key in sorted(add)]
    ScimMember.objects.bulk_create(rows, ignore_conflicts=True, batch_size=5000)
    _bring_in_step([group.pk])
    after = {"added": _names(add), "removed": _names(remove & users.keys())}
    record(group.tenant, "changed members of provisioned group", group.name, request, after=after)


def _names(keys: Iterable[UUID]) -> list[str] | int:
    some = set(keys)
    if len(some) > NAMED:
        return len(some)
    return list(ScimUser.objects.filter(key__in=some).order_by("user_name").values_list("user_name", flat=True))


_COUNTS = "u.is_active AND u.person_id IS NOT NULL"

_OUT = f"""
DELETE FROM accounts_syncgroupmember m
WHERE m.group_id = ANY(%(groups)s) AND (%(people)s::bigint[] IS NULL OR m.person_id = ANY(%(people)s)) AND NOT EXISTS (
    SELECT FROM accounts_scimmember s JOIN accounts_scimuser u ON u.id = s.user_id
    WHERE s.group_id = m.group_id AND u.person_id = m.person_id AND {_COUNTS}
) RETURNING m.group_id
"""

_IN = f"""
INSERT INTO accounts_syncgroupmember (group_id, person_id)
SELECT DISTINCT s.group_id, u.person_id FROM accounts_scimmember s JOIN accounts_scimuser u ON u.id = s.user_id
WHERE s.group_id = ANY(%(groups)s) AND (%(people)s::bigint[] IS NULL OR u.person_id = ANY(%(people)s)) AND {_COUNTS}
ON CONFLICT DO NOTHING RETURNING group_id
"""


def _bring_in_step(groups: list[int], people: Iterable[int | None] | None = None) -> None:
    """Have the people of the active users in these groups, and nobody else; of ``people`` alone where they are named."""
    only = None if people is None else [each for each in people if each is not None]
    touched: set[int] = set()
    with connection.cursor() as cursor:
        for statement in (_OUT, _IN):
            cursor.execute(statement, {"groups": groups, "people": only})
            touched |= {group for (group,) in cursor.fetchall()}
    now = timezone.now()
    SyncGroup.objects.filter(pk__in=touched).update(settle_at=now, changed_at=now)


def cleaned(text: str, most: int) -> str:
    """Text of outside as it can be kept. Raises ``NotPossible``: an identity provider must not find another value later."""
    if text != storable(text) or len(text) > most:
        raise NotPossible(
            f"A text is longer than {most} characters, or has some that cannot be kept. Nothing was changed."
        )
    return text
