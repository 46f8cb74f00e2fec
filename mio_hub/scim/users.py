"""``/Users``: each is a ``ScimUser``."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.fields.json import KT
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from scim2_models import Context, Meta, PatchOp, SearchRequest

from accounts import scim
from accounts.members import hold
from accounts.models import ScimUser, Tenant
from mio_hub.scim.entering import Endpoint, answer_with, read
from mio_hub.scim.filters import USERS
from mio_hub.scim.listing import Found, asked, condition, location, page
from mio_hub.scim.resources import User

LONGEST_NAME = 320
"""Characters of a user name, which is an address more often than not, and of an address."""


_DISPLAY_NAME = Lower(KT("details__displayName"))


class Users(Endpoint):
    """List users, and provision one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        search = asked(request, User)
        return page(search, [found(self.tenant, search)])

    def post(self, request: HttpRequest) -> HttpResponse:
        told = _told(read(request, User, Context.RESOURCE_CREATION_REQUEST))
        row = scim.add_user(self.tenant, told, request)
        where = {"Location": location("Users", row.key)}
        return answer_with(_drawn(row, asked(request, User)), HTTPStatus.CREATED, where)


def found(tenant: Tenant, search: SearchRequest[Any]) -> Found:
    """The users that a search is for."""
    lower = {"lower_user_name": Lower("user_name"), "lower_email": Lower("email"), "lower_name": _DISPLAY_NAME}
    rows = ScimUser.objects.filter(tenant=tenant).alias(**lower).filter(condition(search, USERS))
    return Found(rows, lambda some: [_drawn(each, search) for each in some])


class OneUser(Endpoint):
    """Show, replace, change or remove a user."""

    def get(self, request: HttpRequest, key: UUID) -> HttpResponse:
        return answer_with(_drawn(_row(self.tenant, key), asked(request, User)))

    def put(self, request: HttpRequest, key: UUID) -> HttpResponse:
        told = _told(read(request, User, Context.RESOURCE_REPLACEMENT_REQUEST))
        row = scim.change_user(self.tenant, key, told, request)
        return answer_with(_drawn(row, asked(request, User)))

    def patch(self, request: HttpRequest, key: UUID) -> HttpResponse:
        patch = read(request, PatchOp[User], Context.RESOURCE_PATCH_REQUEST)
        with transaction.atomic():
            hold(self.tenant)
            user = _resource(_row(self.tenant, key))
            patch.patch(user)
            row = scim.change_user(self.tenant, key, _told(user), request)
        return answer_with(_drawn(row, asked(request, User)))

    def delete(self, request: HttpRequest, key: UUID) -> HttpResponse:
        scim.remove_user(self.tenant, key, request)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _row(tenant: Tenant, key: UUID) -> ScimUser:
    row = ScimUser.objects.filter(tenant=tenant, key=key).first()
    if row is None:
        raise scim.Unknown("There is no such user.")
    return row


def _resource(row: ScimUser) -> User:
    meta = Meta(
        resource_type="User", created=row.created_at, last_modified=row.changed_at, location=location("Users", row.key)
    )
    user: User = User.model_validate(row.details)
    user.id, user.meta, user.user_name = str(row.key), meta, row.user_name
    user.external_id = row.external_id or None
    return user


def _drawn(row: ScimUser, search: SearchRequest[Any]) -> dict[str, Any]:
    drawn: dict[str, Any] = _resource(row).model_dump(
        scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=search
    )
    return drawn


def _told(user: User) -> scim.Told:
    """What is told of a user, who is active where nothing is said of it."""
    details = user.model_dump(include={"name", "display_name", "emails", "active"})
    details.pop("schemas", None)
    _look_through(details)
    user_name = scim.cleaned(user.user_name or "", LONGEST_NAME)
    return scim.Told(
        user_name=user_name,
        external_id=scim.cleaned(user.external_id or "", 255),
        email=scim.cleaned(_address(user), LONGEST_NAME),
        name=_name(user)[:200],
        is_active=user.active is not False,
        details=details,
    )


def _look_through(value: Any) -> None:
    """Raise ``NotPossible`` where a text somewhere in it cannot be kept."""
    match value:
        case str():
            scim.cleaned(value, LONGEST_NAME)
        case list() | dict():
            for each in value.values() if isinstance(value, dict) else value:
                _look_through(each)
        case _:
            pass


def _address(user: User) -> str:
    """The address that counts: the primary one, else that of work, else the first; else a user name that is one."""
    emails = sorted(user.emails or (), key=lambda each: (not each.primary, (each.type or "").lower() != "work"))
    said = [each.value.strip() for each in emails if each.value]
    return next((each for each in [*said, user.user_name or ""] if "@" in each.strip("@")), "")


def _name(user: User) -> str:
    """What somebody is called."""
    parts = [user.name.given_name, user.name.family_name] if user.name else []
    formatted = user.name.formatted if user.name else None
    return user.display_name or formatted or " ".join(filter(None, parts)) or user.user_name or ""
