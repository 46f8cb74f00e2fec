"""Two people at home on different platforms, each represented on the other's; and what the stories do with them."""

from collections.abc import Iterable
from typing import Any

from redis import Redis

import connectors
from accounts import consenting, grants
from accounts.matching import remember
from accounts.models import Grant, Person, PlatformAccount, UserSync
from connectors.consent import Granted, Preset, Purpose, wanted
from connectors.messages import ConversationId, MessageId
from connectors.sandbox import Shown, World
from relay import forgetting, subscriptions
from relay.models import ConversationLink
from tests.house import House
from tests.queue import run_queued

PLATFORMS = ("slack", "teams", "webex", "zoom")
DIRECTIONS = [(home, away) for home in PLATFORMS for away in PLATFORMS if home != away]


APP_WRITES = tuple(
    f"accounts.tasks.{name}"
    for name in (
        "prompt",
        "prompt_sender",
        "prompt_recipient",
        "tell_sender",
        "tell_waited",
    )
)
"""What our app says to one person."""


def allow(world: World, account: PlatformAccount) -> None:
    """Somebody allows us to speak for them with an account of theirs."""
    slug = account.installation.platform
    credentials = world.fakes[slug].own_credentials(account.external_id, Preset.FULL)
    asked: Any = connectors.get(slug)
    scopes = frozenset(one.name for one in wanted(asked.scopes, Purpose.MESSAGES, Preset.FULL))
    grant, _ = Grant.objects.get_or_create(account=account)
    grants.give(grant, Granted(credentials.person, credentials.tokens[credentials.person], scopes=scopes))


class Pals:
    """``pat`` is at home on ``home``, ``quinn`` on ``away``. Everybody has consented unless ``grants`` is false."""

    def __init__(self, house: House, redis: Redis, home: str, away: str, *, grants: bool = True) -> None:
        self.house = house
        self.redis = redis
        self.home, self.away = home, away
        self.pat = self.person("Pat Ortiz", home, [away], grants=grants)
        self.quinn = self.person("Quinn Abe", away, [home], grants=grants)

    def person(
        self, name: str, home: str, others: Iterable[str], *, grants: bool = True, is_synced: bool = True
    ) -> Person:
        """Somebody with an account on each of these platforms, at home on the first."""
        email = f"{name.split(maxsplit=1)[0].lower()}@acme.example"
        for slug in (home, *others):
            fake = self.house.world.fakes[slug]
            fake.add_person(name, email)
            remember(self.house.installations[slug].pk, fake.directory())
        person = Person.objects.get(email=email)
        Person.objects.filter(pk=person.pk).update(primary=self.house.installations[home])
        for slug in others if is_synced else ():
            account = self.account(person, slug)
            UserSync.objects.create(
                person=person, installation=account.installation, account=account, kind="full", state="pending"
            )
            if grants:
                allow(self.house.world, account)
        self.order(home, *others)
        return person

    def consent(self, person: Person, slug: str) -> None:
        """Somebody allows us to speak for them on a platform."""
        allow(self.house.world, self.account(person, slug))
        self.order(slug)

    def order(self, *platforms: str) -> None:
        """Have the Hub order what it must to hear of direct chats."""
        for slug in platforms:
            subscriptions.keep(self.house.installations[slug].pk)

    def account(self, person: Person, slug: str) -> PlatformAccount:
        rows = PlatformAccount.objects.select_related("installation__tenant", "person")
        return rows.get(person=person, installation__platform=slug)

    def chat(self, slug: str, *people: Person) -> ConversationId:
        """The chat of these people on a platform, as they open it there."""
        return self.house.world.fakes[slug].chat([self.account(person, slug).external_id for person in people])

    def says(self, person: Person, slug: str, text: str, *others: Person) -> MessageId:
        """Somebody writes to the others on a platform."""
        chat = self.chat(slug, person, *others)
        return self.house.world.fakes[slug].type_as(self.account(person, slug).external_id, chat, text)

    def shown(self, slug: str, *people: Person) -> list[Shown]:
        """What stands in the chat of these people."""
        return self.house.world.fakes[slug].shown(self.chat(slug, *people))

    def group(self, slug: str) -> ConversationId:
        """The one chat on a platform that the Hub knows."""
        links = ConversationLink.objects.filter(installation__platform=slug, heard_by__isnull=False, is_active=True)
        return ConversationId(links.get().external_id)

    def in_group(self, slug: str) -> list[Shown]:
        """What stands in it."""
        return self.house.world.fakes[slug].shown(self.group(slug))

    def says_in_group(self, person: Person, slug: str, text: str) -> MessageId:
        """Somebody writes in it."""
        who = self.account(person, slug).external_id
        return self.house.world.fakes[slug].type_as(who, self.group(slug), text)

    def read(self, slug: str, *people: Person) -> list[tuple[str, str]]:
        """The same as authors and words."""
        return [(one.author, one.html) for one in self.shown(slug, *people)]

    def prompts(self, person: Person, slug: str) -> int:
        """How often somebody was asked for their consent on a platform."""
        return sum(Grant.objects.filter(account=self.account(person, slug)).values_list("times_asked", flat=True))

    def told(self, needle: str) -> list[str]:
        """What our app wrote to people with these words in it, as it went out."""
        return [entry.body for entry in self.house.world.log if needle in entry.body and entry.status < 300]

    def sync(self, person: Person, slug: str) -> None:
        """An administrator syncs somebody, who consents."""
        account = self.account(person, slug)
        UserSync.objects.create(
            person=person, installation=account.installation, account=account, kind="full", state="pending"
        )
        self.consent(person, slug)

    def withdraw(self, person: Person, slug: str) -> None:
        """Somebody takes their consent back."""
        rows = Grant.objects.select_related("account__installation__tenant", "account__installation__app")
        consenting.withdraw(rows.get(account=self.account(person, slug)))

    def post(self, person: Person, slug: str, text: str) -> MessageId:
        """Somebody writes into the channel."""
        return self.house.world.fakes[slug].type_as(
            self.account(person, slug).external_id, self.house.place(slug), text
        )

    def relay(self) -> None:
        """Let everything cross that can, and the app write to whom it has to."""
        self.house.relay()
        self.run()

    def run(self) -> None:
        """Let the app write to whom it has to."""
        run_queued(self.redis, *APP_WRITES, "relay.tasks.keep_subscriptions_of")

    def forget(self) -> None:
        """Let everything be forgotten that has ended."""
        forgetting.forget_uninvolved()
