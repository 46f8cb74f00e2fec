"""Changing a tenant's settings, each change on record with what was there before."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from accounts.audit import changes, record
from accounts.members import NotPossible, hold
from accounts.models import RestrictedUser, Tenant, TrustedOrganization

MOST_LISTED = 500
"""Domains, or people, on one list: it is read on one page and looked through for every message to the outside."""


@transaction.atomic
def change(tenant: Tenant, values: Mapping[str, Any], request: HttpRequest) -> dict[str, Any]:
    """Set fields of the tenant. Returns those that are different now."""
    now = hold(tenant)
    before, after = changes({name: getattr(now, name) for name in values}, values)
    if after:
        Tenant.objects.filter(pk=tenant.pk).update(**after)
        record(tenant, "changed settings", ", ".join(name.replace("_", " ") for name in after), request, before, after)
    return after


def trust(tenant: Tenant, domain: str, request: HttpRequest) -> None:
    """Let people of a domain be talked to. ``domain`` is in small letters. Raises ``NotPossible``."""
    _add(TrustedOrganization(tenant=tenant, domain=domain), "trusted an organization", request)


def restrict(tenant: Tenant, email: str, request: HttpRequest) -> None:
    """Keep somebody's messages inside the organization. ``email`` is in small letters. Raises ``NotPossible``."""
    _add(RestrictedUser(tenant=tenant, email=email), "restricted a user", request)


@transaction.atomic
def _add(entry: TrustedOrganization | RestrictedUser, action: str, request: HttpRequest) -> None:
    hold(entry.tenant)
    listed = type(entry).objects.filter(tenant=entry.tenant).values_list(_field(entry), flat=True)
    if str(entry) in listed:
        raise NotPossible(f"{entry} is on the list already.")
    if len(listed) >= MOST_LISTED:
        raise NotPossible(f"The list is full: it holds {MOST_LISTED}. Remove what is no longer needed.")
    entry.save()
    record(entry.tenant, action, str(entry), request)


def _field(entry: TrustedOrganization | RestrictedUser) -> str:
    return "domain" if isinstance(entry, TrustedOrganization) else "email"


@transaction.atomic
def take_off(entry: TrustedOrganization | RestrictedUser, request: HttpRequest) -> None:
    """Take a domain or a person off its list."""
    action = (
        "no longer trusts an organization" if isinstance(entry, TrustedOrganization) else "no longer restricts a user"
    )
    entry.delete()
    record(entry.tenant, action, str(entry), request)
