"""Two small platforms of User Sync: Dock makes guests and tells who has a licence, Reef does neither. In memory."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest

import connectors
from accounts.models import Installation, Person, PlatformAccount, Tenant
from accounts.tokens import keep
from connectors.calls import Calls
from connectors.consent import Granted
from connectors.contract import Connector, Content, Envelope, Limits, Platform, Rendered, Reply, Request, Unit
from connectors.messages import Account, AccountId, Draft, Event, MessageId, Reference, Skipped
from connectors.provisioning import Found, ProvisionsAccounts


@dataclass(frozen=True)
class Secrets:
    signing: str = field(default="", repr=False)


class Reef(Connector):
    platform = Platform("reef", "Reef", "#063", Limits(1000, Unit.CHARACTERS, 1000))
    Secrets = Secrets

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return []

    def parse(self, content: Content, reference: Reference) -> Event:
        return Skipped("nothing is told here")

    def render(self, draft: Draft) -> Rendered:
        return Rendered(draft.conversation, {}, 0, draft.nonce)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        yield from ()
        return MessageId("1")

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        yield from ()
        return []


@dataclass
class Registry:
    """What Dock knows. ``before`` is called with the verb and the address of what is asked, and may raise."""

    licences: dict[str, bool] = field(default_factory=dict)
    guests: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda *_: None

    def called(self, verb: str) -> list[str]:
        return [about for called, about in self.calls if called == verb]

    def _call(self, verb: str, about: str) -> None:
        self.calls.append((verb, about))
        self.before(verb, about)


REGISTRY = Registry()


class Dock(Reef, ProvisionsAccounts):
    platform = Platform("dock", "Dock", "#036", Limits(1000, Unit.CHARACTERS, 1000))
    makes = "guest"
    most_looked_up = 1000

    def look_up(self, emails: Sequence[str]) -> Calls[dict[str, Found]]:
        yield from ()
        REGISTRY._call("look up", f"{len(emails)}")
        found = {one: Found(own(one), REGISTRY.licences[one]) for one in emails if one in REGISTRY.licences}
        return found | {one: Found(guest(one)) for one in emails if one in REGISTRY.guests}

    def provision(self, email: str, name: str, message: str = "") -> Calls[Account]:
        yield from ()
        REGISTRY._call("provision", email + (f": {message}" if message else ""))
        REGISTRY.guests[email] = name
        return guest(email)

    def discard(self, account: AccountId) -> Calls[None]:
        yield from ()
        REGISTRY._call("discard", account)
        REGISTRY.guests.pop(account.removeprefix("guest-"), None)


def own(email: str) -> Account:
    return Account(AccountId(f"own-{email}"), email.partition("@")[0].title(), email)


def guest(email: str) -> Account:
    return Account(AccountId(f"guest-{email}"), email.partition("@")[0].title(), email, is_guest=True)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Both platforms, found among the others for the time of a test."""
    slugs = connectors.slugs()
    for platform in (Reef, Dock):
        slug = platform.platform.slug
        package, module = ModuleType(f"connectors.{slug}"), ModuleType(f"connectors.{slug}.connector")
        setattr(module, platform.__name__, platform)
        monkeypatch.setitem(sys.modules, f"connectors.{slug}", package)
        monkeypatch.setitem(sys.modules, f"connectors.{slug}.connector", module)
    monkeypatch.setattr(connectors, "slugs", lambda: (*slugs, "dock", "reef"))
    REGISTRY.__dict__.update(Registry().__dict__)
    yield REGISTRY
    connectors.get.cache_clear()


@dataclass
class Shore:
    """Acme on Slack, Dock and Reef."""

    tenant: Tenant
    slack: Installation
    dock: Installation
    reef: Installation

    def person(self, name: str, *places: Installation) -> Person:
        """Somebody with an account of their own on each of these."""
        email = f"{name.lower()}@acme.example"
        person = Person.objects.create(tenant=self.tenant, name=name, email=email, places=len(places))
        for place in places:
            PlatformAccount.objects.create(
                installation=place, person=person, external_id=own(email).id, name=name, email=email
            )
            if place == self.dock:
                REGISTRY.licences.setdefault(email, True)
        return person


def shore(tenant: Tenant) -> Shore:
    def connect(slug: str) -> Installation:
        row = Installation.objects.create(
            tenant=tenant, platform=slug, workspace=f"{slug}-{tenant.key}", name="Acme", account="A0"
        )
        keep(row, [Granted("bot", "token")])
        return row

    return Shore(tenant, connect("slack"), connect("dock"), connect("reef"))
