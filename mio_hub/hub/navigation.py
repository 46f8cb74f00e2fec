"""What stands at the side of every page of a tenant."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.access import May, may
from accounts.deleting import gone_at

PAGES = (
    ("hub:home", "Overview", "house"),
    ("hub:connections", "Connect Platforms", "plug"),
    ("hub:channels", "Channel Sync", "hash"),
    ("hub:people", "User Sync", "user-check"),
    ("hub:universal", "Universal channels", "building-2"),
    ("hub:activity", "Activity", "chart-column"),
    ("hub:failures", "Failures", "triangle-alert"),
    ("hub:members", "Roles & permissions", "users"),
    ("hub:audit", "Audit log", "scroll-text"),
    ("hub:api", "API & webhooks", "braces"),
    ("hub:general", "General", "settings"),
    ("hub:security", "Security", "shield"),
)
"""Name of the page's address, its label, its icon."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation."""

    address: str
    label: str
    icon: str
    is_current: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context of a tenant's pages: the membership and what it may do, the navigation, the other tenants one may
    switch to, and when this one is going to be deleted.
    """
    membership = getattr(request, "membership", None)
    if membership is None:
        return {}
    key = membership.tenant.key
    return {
        "membership": membership,
        "can_change": may(membership, May.CHANGE),
        "can_own": may(membership, May.OWN),
        "navigation": _entries(request.path, key),
        "other_tenants": request.other_tenants,  # type: ignore[attr-defined]
        "gone_at": gone_at(membership.tenant),
    }


def _entries(path: str, key: str) -> list[Entry]:
    addresses = [(reverse(name, args=[key]), label, icon) for name, label, icon in PAGES]
    if path.startswith((f"/t/{key}/connections/", "/connect/")):  # further steps of the same story
        path = reverse("hub:connections", args=[key])
    current = max((address for address, _, _ in addresses if path.startswith(address)), key=len, default="")
    return [Entry(address, label, icon, address == current) for address, label, icon in addresses]
