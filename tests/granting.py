"""People of the demo company who are asked for their own consent, and their way through it."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from django.test import Client
from redis import Redis

from accounts.granting import Why, prompt
from accounts.matching import remember
from accounts.models import Grant, Person, PlatformAccount, UserSync
from connectors.sandbox import World
from mio_hub.sandbox import demo
from tests.consenting import Traveller
from tests.people import People

WHO = {
    "slack": ("Ann Moreau", "teams"),
    "teams": ("Ann Moreau", "slack"),
    "webex": ("Elif Kaya", "teams"),
    "zoom": ("Carla Jensen", "slack"),
}
"""Who is synced to a platform in these tests, and the primary platform on which they are asked."""
OTHER = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}
"""Somebody else with an account there."""
SAYING = {"slack": re.compile("/chat.postMessage$"), "teams": re.compile("/chats/[^/]+/messages$")}
"""Where the app's words to one person go."""
HUB = "https://hub.example.com"
"""The Hub's address in tests, as in ``conftest``, which imports this."""
LINK = re.compile(rf"{re.escape(HUB)}/consent/[\w-]{{20,}}/")


@dataclass
class Asked:
    """The company on all fakes, and a browser without an account in the Hub."""

    world: World
    people: People
    browser: Client
    installations: dict[str, Any]

    def sync(self, slug: str, kind: str = "full") -> UserSync:
        """Somebody who is synced to a platform and was not asked yet."""
        primary = WHO[slug][1]
        account = self.account(slug)
        person = Person.objects.get(accounts=account)
        person.primary = self.installations[primary]
        person.save()
        sync = UserSync.objects.create(
            person=person, installation=self.installations[slug], account=account, kind=kind, state="pending"
        )
        return UserSync.objects.select_related("account__person", "account__installation__tenant").get(pk=sync.pk)

    def account(self, slug: str) -> PlatformAccount:
        return PlatformAccount.objects.get(installation=self.installations[slug], name=WHO[slug][0])

    def told(self, slug: str) -> list[str]:
        """What the app wrote on the primary platform of whoever is synced to another, as it went out, oldest first."""
        posts = SAYING[WHO[slug][1]]
        return [entry.body for entry in self.world.log if posts.search(entry.url) and entry.status < 300]

    def links(self, slug: str) -> list[str]:
        return [found for body in self.told(slug) for found in LINK.findall(body)][-1:]

    def prompted(self, slug: str) -> Grant:
        """Somebody who was just asked, and opened the link."""
        sync = self.sync(slug)
        assert prompt(sync, Why.SENT)
        self.open(slug)
        return Grant.objects.get(account=sync.account)

    def open(self, slug: str) -> Any:
        """Follow the newest link; the page."""
        return self.browser.get(self.links(slug)[0].removeprefix(HUB), secure=True, follow=True)

    def page(self) -> Any:
        return self.browser.get("/consent/", secure=True)

    def set_out(self) -> str:
        """Press the button; where the browser is sent."""
        answer = self.browser.post("/consent/", secure=True)
        found = re.search(r'url=(https://[^"]+)"', answer.content.decode())
        assert found, answer.content.decode()
        return unescape(found[1])

    def consent(self, slug: str, person: str = "", decision: str = "allow") -> Any:
        """The way to the platform's page and back; the page at its end."""
        there = Traveller(self.world, self.people, self.browser)
        back = there.decide(self.set_out(), person or WHO[slug][0], decision)
        return self.browser.get(back, secure=True, follow=True)

    def granted(self, slug: str) -> Grant:
        """Somebody who was asked and said yes."""
        grant = self.prompted(slug)
        assert self.consent(slug).status_code == 200
        grant.refresh_from_db()
        return grant


@pytest.fixture
def asked(world: World, people: People, redis: Redis, intercepted_requests: Any, settings: Any) -> Asked:
    settings.MIO_BASE_URL = HUB
    installations = demo.connect(people.acme, world)
    for slug, fake in world.fakes.items():
        remember(installations[slug].pk, fake.directory())
    return Asked(world, people, Client(headers={"x-forwarded-proto": "https"}), installations)
