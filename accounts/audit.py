"""Writing down every change in a tenant: who, what, before and after without secrets, when and from where."""

from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from accounts.models import ApiToken, AuditEntry, Tenant, User

BY_ITSELF = "Mio Hub"
"""Who did what nobody asked for, such as noticing that a token is dead."""


def record(
    tenant: Tenant,
    action: str,
    subject: str,
    request: HttpRequest | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry. ``action`` is a verb with its object in the past ("invited member"), ``subject`` what it happened to.

    ``before`` and ``after`` are the values that changed; the caller leaves secrets out. Call it in the transaction of the
    change, so that neither is there without the other.
    """
    actor = request.user if request and isinstance(request.user, User) else None
    return AuditEntry.objects.create(
        tenant=tenant,
        actor=actor,
        actor_name=_name(request.user if request else None),
        action=action,
        subject=subject[:300],
        before=dict(before or {}),
        after=dict(after or {}),
        address=address_of(request) if request else None,
    )


def _name(actor: object) -> str:
    match actor:
        case User():
            return actor.email or actor.username
        case ApiToken():
            return f"API token {actor}"
        case _:
            return BY_ITSELF


def address_of(request: HttpRequest) -> str:
    """Where a request comes from. Behind a proxy (``MIO_BEHIND_PROXY``) what that proxy saw, not what a browser claims."""
    return str(get_adapter().get_client_ip(request))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of two states the values that differ."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
