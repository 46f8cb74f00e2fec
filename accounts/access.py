"""Who may see and change what: the only place that decides.

Every page of a tenant is behind ``tenant_page``, which says what it takes to see it. What an outsider asks for does not
exist: the answer is the same as for a tenant that was never there.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from accounts.adapters import has_second_factor
from accounts.models import ApiToken, Membership, Scope, Tenant, User
from accounts.secrets import digest

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
READING = frozenset({"GET", "HEAD"})


class May(IntEnum):
    """What somebody may do in a tenant; each includes those before it."""

    READ = 1
    CHANGE = 2
    OWN = 3


ROLES = {
    Membership.Role.AUDITOR: May.READ,
    Membership.Role.ADMINISTRATOR: May.CHANGE,
    Membership.Role.OWNER: May.OWN,
}
"""An auditor reads everything and changes nothing; an administrator changes everything but who owns the tenant."""


def may(membership: Membership, what: May) -> bool:
    """Whether a role is enough for something."""
    return ROLES[Membership.Role(membership.role)] >= what


def memberships(user: User) -> QuerySet[Membership]:
    """The tenants somebody belongs to, by name."""
    return Membership.objects.filter(user=user).select_related("tenant", "user").order_by("tenant__name", "pk")


def tenant_page(
    read: May = May.READ, change: May = May.CHANGE, second_factor: bool = True
) -> Callable[[View[P]], View[P]]:
    """Let a view be seen by members who may ``read``, and changed (any method but GET and HEAD) by those who may ``change``.

    The address names the tenant as ``tenant``; the view finds it, and the role, by ``membership_of(request)``. Times are
    told in the tenant's time zone. Whoever lacks the second factor that the tenant requires is led to where it is set up,
    unless the page needs none.
    """

    def decorate(view: View[P]) -> View[P]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            membership = enter(request, _user(request), str(kwargs.pop("tenant")))
            if membership is None:
                raise Http404
            if not may(membership, read if request.method in READING else change):
                raise PermissionDenied
            if second_factor and lacks_second_factor(membership):
                return redirect("second_factor", membership.tenant.key)
            with timezone.override(membership.tenant.time_zone):
                return view(request, *args, **kwargs)

        guarded.needs = (read, change)  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]  # mypy does not see that it is the same view

    return decorate


def lacks_second_factor(membership: Membership) -> bool:
    """Whether the tenant requires a second factor that this member has not set up."""
    return membership.tenant.requires_two_factor and not has_second_factor(membership.user)


def enter(request: HttpRequest, user: User, key: str) -> Membership | None:
    """Show a request's answer as a page of this tenant, if the user belongs to it: what ``membership_of`` tells from then on.

    The user's other tenants, to which the page leads, are read with it.
    """
    mine = list(memberships(user))
    found = next((one for one in mine if one.tenant.key == key), None)
    request.membership = found  # type: ignore[attr-defined]
    request.other_tenants = [one.tenant for one in mine if one is not found]  # type: ignore[attr-defined]
    return found


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def membership_of(request: HttpRequest) -> Membership:
    """Whose page of which tenant this is, and in which role."""
    membership: Membership = request.membership  # type: ignore[attr-defined]
    return membership


def tenant_of(request: HttpRequest) -> Tenant:
    """The tenant whose page this is."""
    return membership_of(request).tenant


def bearer(header: str) -> ApiToken | None:
    """The token that an ``Authorization`` header shows, as long as it is good."""
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer":
        return None
    rows = ApiToken.objects.select_related("tenant").filter(revoked_at=None, expires_at__gt=timezone.now())
    return rows.filter(digest=digest(token.strip())).first()


def token_may(token: ApiToken, scope: Scope) -> bool:
    """Whether a token was given a scope. Changing something includes no right to see it, nor the other way round."""
    return scope in token.scopes
