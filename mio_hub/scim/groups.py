"""``/Groups``: each is a ``SyncGroup`` that no platform has, with its ``ScimMember``s."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from scim2_models import Context, InvalidValueException, Meta, PatchOp, SearchRequest
from scim2_models.path import AttrPath, Comparison, ValuePath

from accounts import scim
from accounts.models import ScimMember, SyncGroup, Tenant
from mio_hub.scim.entering import Endpoint, answer_with, read
from mio_hub.scim.filters import GROUPS
from mio_hub.scim.listing import Found, asked, condition, location, page, wants
from mio_hub.scim.resources import FEWER, MOST, Group, Member

LONGEST_NAME = 300
"""Characters of a group's name: more than any identity provider takes."""


class Groups(Endpoint):
    """List groups, and provision one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        search = asked(request, Group)
        return page(search, [found(self.tenant, search)], most(search))

    def post(self, request: HttpRequest) -> HttpResponse:
        group = read(request, Group, Context.RESOURCE_CREATION_REQUEST)
        row = scim.add_group(self.tenant, *_names(group), _keys(each.value for each in group.members or ()), request)
        [drawn] = _drawn([row], asked(request, Group))
        return answer_with(drawn, HTTPStatus.CREATED, {"Location": location("Groups", row.key)})


def found(tenant: Tenant, search: SearchRequest[Any]) -> Found:
    """The groups that a search is for."""
    rows = scim.groups_of(tenant).alias(lower_name=Lower("name")).filter(condition(search, GROUPS))
    return Found(rows, lambda some: _drawn(some, search))


def most(search: SearchRequest[Any]) -> int:
    """How many groups a page has at most."""
    return FEWER if wants(search, "members") else MOST


class OneGroup(Endpoint):
    """Show, replace, change or remove a group."""

    def get(self, request: HttpRequest, key: UUID) -> HttpResponse:
        return self._shown(request, key)

    def put(self, request: HttpRequest, key: UUID) -> HttpResponse:
        group = read(request, Group, Context.RESOURCE_REPLACEMENT_REQUEST)
        with transaction.atomic():
            row = scim.held_group(self.tenant, key)
            self._become(row, group, {key for _, key in _members([row])})
        return self._shown(request, key)

    def patch(self, request: HttpRequest, key: UUID) -> HttpResponse:
        patch = read(request, PatchOp[Group], Context.RESOURCE_PATCH_REQUEST)
        with transaction.atomic():
            row = scim.held_group(self.tenant, key)
            group = _with_members(row, _touched(patch))
            before = _keys(each.value for each in group.members or ())
            patch.patch(group)
            self._become(row, group, before)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)

    def delete(self, request: HttpRequest, key: UUID) -> HttpResponse:
        scim.remove_group(self.tenant, key, request)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)

    def _become(self, row: SyncGroup, group: Group, before: set[UUID]) -> None:
        after = _keys(each.value for each in group.members or ())
        scim.change_group(self.tenant, row, _names(group), after - before, before - after, self.request)

    def _shown(self, request: HttpRequest, key: UUID) -> HttpResponse:
        [drawn] = _drawn([_row(self.tenant, key)], asked(request, Group))
        return answer_with(drawn)


def _row(tenant: Tenant, key: UUID) -> SyncGroup:
    row = scim.groups_of(tenant).filter(key=key).first()
    if row is None:
        raise scim.Unknown("There is no such group.")
    return row


def _names(group: Group) -> tuple[str, str]:
    return scim.cleaned(group.display_name or "", LONGEST_NAME), scim.cleaned(group.external_id or "", 255)


def _keys(values: Iterable[str | None]) -> set[UUID]:
    try:
        return {UUID(each or "") for each in values}
    except ValueError:
        raise InvalidValueException(detail="A member's value is no id of a user here. Nothing was changed.") from None


def _touched(patch: PatchOp[Group]) -> set[str] | None:
    """The members that a PATCH names, where the others do not matter to it; None where all of them do.

    One who joins a group of ten thousand must not cost a look at ten thousand.
    """
    named: set[str] = set()
    for operation in patch.operations or ():
        found = _touched_by(operation)
        if found is None:
            return None
        named |= found
    return named


def _touched_by(operation: Any) -> set[str] | None:
    match operation.path.ast if operation.path else None:
        case ValuePath(val_filter=Comparison(attr_path=AttrPath(attr=attr), op="eq", value=str(value))):
            return {value} if attr.lower() == "value" else None
        case AttrPath(attr=attr) if attr.lower() != "members":
            return set()
        case AttrPath(sub_attr=None):
            told = [operation.value]
        case None if isinstance(operation.value, dict):
            told = [value for name, value in operation.value.items() if name.lower().rpartition(":")[2] == "members"]
        case _:
            return None
    return _values(told) if operation.op != "replace" or not told else None


def _values(told: list[Any]) -> set[str] | None:
    """The values in lists of members; None where something else is told."""
    members = [each for some in told for each in (some if isinstance(some, list) else [some])]
    values = [each.get("value") if isinstance(each, dict) else None for each in members]
    return None if None in values else {str(each) for each in values}


def _members(rows: Iterable[SyncGroup], only: set[str] | None = None) -> QuerySet[ScimMember, tuple[int, UUID]]:
    """Group and id of the members of groups."""
    found = ScimMember.objects.filter(group__in=[row.pk for row in rows])
    if only is not None:
        found = found.filter(user__key__in=_keys(only))
    return found.order_by("pk").values_list("group", "user__key")


def _resource(row: SyncGroup) -> Group:
    """A group without its members."""
    meta = Meta(
        resource_type="Group",
        created=row.created_at,
        last_modified=row.changed_at,
        location=location("Groups", row.key),
    )
    return Group(id=str(row.key), external_id=row.external_id or None, display_name=row.name, meta=meta)


def _with_members(row: SyncGroup, only: set[str] | None) -> Group:
    group = _resource(row)
    group.members = [Member(value=str(key), ref=None, type=None) for _, key in _members([row], only)]
    return group


def _drawn(rows: list[SyncGroup], search: SearchRequest[Any]) -> list[dict[str, Any]]:
    """As they are answered. Ten thousand members take a query and no model."""
    drawn = {
        row.pk: _resource(row).model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=search)
        for row in rows
    }
    if wants(search, "members"):
        for group, key in _members(rows):
            member = {"value": str(key), "$ref": location("Users", key), "type": "User"}
            drawn[group].setdefault("members", []).append(member)
    return list(drawn.values())
