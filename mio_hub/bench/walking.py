"""Every address of a tenant's pages, found where Django finds them, and something to put into each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import (
    AccountPolicy,
    ApiToken,
    Channel,
    DirectoryImport,
    Installation,
    Invitation,
    Membership,
    Person,
    PlatformAccount,
    PlatformApp,
    RestrictedUser,
    SyncGroup,
    SyncRun,
    Tenant,
    TrustedOrganization,
    User,
    UserSync,
    WebhookEndpoint,
)
from accounts.trusting import domain_of
from mio_hub.bench.failing import failure
from relay import sharing
from relay.models import ChannelInvitation, ConversationLink, Participation, PlannedLeg, UniversalConversation

WHILE_AGO = datetime(2026, 1, 5, tzinfo=UTC)
"""When the import was begun of which every tenant has one."""

OBJECTS: dict[str, Callable[[Tenant], Any]] = {
    "platform": lambda tenant: PlatformApp.objects.get_or_create(tenant=tenant, platform="slack")[0].platform,
    "name": lambda tenant: "slack-app-manifest.json",
    "number": lambda tenant: (
        Installation.objects.get_or_create(
            tenant=tenant, platform="webex", workspace=f"T-{tenant.key}", name=f"{tenant.name} on Webex", account="U0"
        )[0].pk
    ),
    "run": lambda tenant: (
        DirectoryImport.objects.get_or_create(
            installation_id=OBJECTS["number"](tenant),
            started_at=WHILE_AGO,
            defaults={"state": "asking", "report": {"people": {"removed": 312, "of": 900}}},
        )[0].pk
    ),
    "member": lambda tenant: Membership.objects.get_or_create(tenant=tenant, user=_extra(tenant), role="auditor")[0].pk,
    "invitation": lambda tenant: (
        (
            tenant.invitations.filter(email__startswith="guest").first()
            or Invitation.objects.create(
                tenant=tenant,
                email=f"guest@{tenant.key}.example",
                role="auditor",
                digest=tenant.key,
                expires_at=timezone.now() + timedelta(hours=96),
            )
        ).pk
    ),
    "trusted": lambda tenant: (
        TrustedOrganization.objects.get_or_create(tenant=tenant, domain=f"{tenant.key}.example")[0].pk
    ),
    "failure": lambda tenant: failure(tenant).pk,
    "restricted": lambda tenant: (
        RestrictedUser.objects.get_or_create(tenant=tenant, email=f"quiet@{tenant.key}.example")[0].pk
    ),
    "shared": lambda tenant: _part(tenant).pk,
    "ours": lambda tenant: (
        ConversationLink.objects.get_or_create(
            conversation=_part(tenant).conversation,
            installation_id=OBJECTS["number"](tenant),
            external_id=f"shared-{tenant.key}",
            name="shared",
        )[0].pk
    ),
    "company": lambda tenant: (
        Participation.objects.get_or_create(
            conversation=_part(tenant).conversation, tenant=_partner(tenant), domain="partner.example"
        )[0].pk
    ),
    "sent": lambda tenant: _invited(_part(tenant).conversation, f"dana@{tenant.key}.example", f"sent-{tenant.key}").pk,
    "received": lambda tenant: _invited(_part(_partner(tenant)).conversation, _address(tenant), f"got-{tenant.key}").pk,
    "token": lambda tenant: (
        ApiToken.objects.get_or_create(
            tenant=tenant,
            digest=tenant.key,
            defaults={"name": f"{tenant.name} program", "scopes": [], "expires_at": timezone.now() + timedelta(days=9)},
        )[0].pk
    ),
    "endpoint": lambda tenant: (
        WebhookEndpoint.objects.get_or_create(
            tenant=tenant,
            url=f"https://hooks.{tenant.key}.example/{tenant.name}",
            defaults={"secret": "whsec_", "events": ["delivery.failed"]},
        )[0].pk
    ),
    "person": lambda tenant: _person(tenant).pk,
    "sync": lambda tenant: (
        UserSync.objects.get_or_create(
            person=_person(tenant), installation_id=OBJECTS["number"](tenant), defaults={"kind": "guest"}
        )[0].pk
    ),
    "channel": lambda tenant: _channel(tenant).pk,
    "synced": lambda tenant: _synced(tenant).pk,
    "leg": lambda tenant: (
        _synced(tenant)
        .links.get_or_create(
            installation=_channel(tenant).installation, external_id="C0", defaults={"name": f"{tenant.name} channel"}
        )[0]
        .pk
    ),
    "account": lambda tenant: (
        PlatformAccount.objects.get_or_create(
            installation_id=OBJECTS["number"](tenant),
            external_id="U1",
            defaults={"person": _person(tenant), "name": f"{tenant.name} account"},
        )[0].pk
    ),
    "policy": lambda tenant: (
        AccountPolicy.objects.get_or_create(
            tenant=tenant, by="domain", value=f"{tenant.key}.example", defaults={"place": 1, "rule": "never"}
        )[0].pk
    ),
    "sync_run": lambda tenant: (
        (tenant.sync_runs.first() or SyncRun.objects.create(tenant=tenant, deed="sync", state="planned")).pk
    ),
    "group": lambda tenant: (
        SyncGroup.objects.get_or_create(
            tenant=tenant,
            installation_id=OBJECTS["number"](tenant),
            external_id="g",
            defaults={"name": f"{tenant.name} staff"},
        )[0].pk
    ),
    "planned": lambda tenant: (
        PlannedLeg.objects.get_or_create(
            conversation=_synced(tenant), installation=_channel(tenant).installation, name=f"{tenant.name} plan"
        )[0].pk
    ),
}
"""For what stands in an address beside the tenant, something of a tenant to put there. A page with a new kind adds it."""

SHARED = frozenset({"platform", "name"})
"""Of these, what is the same for every tenant: naming it leads to one's own."""


def _part(tenant: Tenant) -> Participation:
    """A tenant's part in a universal channel of its own."""
    if found := Participation.objects.filter(tenant=tenant, conversation__tenant=tenant, ended_at=None).first():
        return found
    return sharing.found(tenant, "Shared", f"{tenant.key}.example")


def _partner(tenant: Tenant) -> Tenant:
    """A company with which a tenant shares channels."""
    return Tenant.objects.get_or_create(name=f"Partner of {tenant.key}")[0]


def _invited(conversation: UniversalConversation, email: str, digest: str) -> ChannelInvitation:
    known = {
        "domain": domain_of(email),
        "email": email if digest.startswith("sent") else "",
        "expires_at": timezone.now() + timedelta(hours=96),
    }
    return ChannelInvitation.objects.get_or_create(conversation=conversation, digest=digest, defaults=known)[0]


def _address(tenant: Tenant) -> str:
    """An address of the domain whose people are invited."""
    owner = tenant.memberships.filter(role="owner").select_related("user").first()
    return owner.user.email if owner else f"owner@{tenant.key}.example"


def _channel(tenant: Tenant) -> Channel:
    number = OBJECTS["number"](tenant)
    name = f"{tenant.name} channel"
    return Channel.objects.get_or_create(installation_id=number, external_id="C0", defaults={"name": name})[0]


def _person(tenant: Tenant) -> Person:
    email = f"person@{tenant.key}.example"
    return Person.objects.get_or_create(tenant=tenant, email=email, defaults={"name": f"{tenant.name} person"})[0]


def _synced(tenant: Tenant) -> UniversalConversation:
    return UniversalConversation.objects.get_or_create(tenant=tenant, name=f"{tenant.name} synced")[0]


def _extra(tenant: Tenant) -> Any:
    name = f"extra-{tenant.key}"
    return User.objects.get_or_create(username=name, defaults={"email": f"{name}@extra.example"})[0]


@dataclass(frozen=True)
class Address:
    """One pattern below ``/t/<tenant>/``."""

    name: str
    route: str
    view: Callable[..., Any]
    arguments: tuple[str, ...]

    def of(self, tenant: Tenant, objects_of: Tenant | None = None) -> str:
        """The path, with things of the same or of another tenant in it."""
        path = self.route.replace("<slug:tenant>", tenant.key)
        for argument in self.arguments:
            value = OBJECTS[argument](objects_of or tenant)
            for converter in ("int", "slug", "str"):
                path = path.replace(f"<{converter}:{argument}>", str(value))
        return f"/{path}"


def addresses() -> list[Address]:
    """All of them, whichever module they are in."""
    return [
        Address(pattern.name or route, route, pattern.callback, tuple(sorted(_arguments(patterns) - {"tenant"})))
        for route, pattern, patterns in _walk(get_resolver().url_patterns, "", ())
        if "tenant" in _arguments(patterns)
    ]


def _walk(found: list[Any], route: str, above: tuple[Any, ...]) -> Iterator[tuple[str, URLPattern, tuple[Any, ...]]]:
    for each in found:
        here = (*above, each.pattern)
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, route + str(each.pattern), here)
        else:
            yield route + str(each.pattern), each, here


def _arguments(patterns: tuple[Any, ...]) -> set[str]:
    return {name for pattern in patterns for name in getattr(pattern, "converters", {})}
