"""Messages are never stored: what was said is in no table, no key and no log once it has arrived."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from accounts.matching import remember
from accounts.models import Grant, Installation, Person, PlatformAccount, UserSync
from relay.models import DailyCount, Discard, InboundEvent
from tests.leftovers import dump_of_every_table, dump_of_redis
from tests.stack import Stack
from tests.stories.pals import allow

pytestmark = pytest.mark.slow

CANARY = "zinnoberrotkehlchen"
SPEAKERS = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}


def nowhere(redis: Redis, stack: Stack) -> None:
    """Neither in a table, nor in a key of Redis (what lies sealed in the vault is unreadable), nor in a log."""
    assert CANARY not in dump_of_every_table()
    assert CANARY.encode() not in dump_of_redis(redis)
    assert CANARY not in stack.logs()


def test_what_was_said_is_nowhere_once_it_has_arrived(stack: Stack, redis: Redis) -> None:
    for slug, who in SPEAKERS.items():
        stack.say(slug, who, f"The *{CANARY}* sings on {slug}.\n\n`{CANARY}` and https://example.com/{CANARY}")
    stack.world.faults.clear()
    stack.wait_until(lambda: all(len([1 for html in stack.read(slug) if CANARY in html]) == 4 for slug in SPEAKERS))
    stack.wait_until(stack.nothing_is_left)
    stack.wait_until(lambda: not redis.keys("vault:*"), 15.0)
    stack.stop()
    nowhere(redis, stack)


def test_what_waits_for_a_platform_that_is_away_lies_sealed_and_nowhere_else(stack: Stack, redis: Redis) -> None:
    stack.refuse("webex", 503)
    stack.say("slack", "Bob Okafor", f"The {CANARY} waits")
    stack.wait_until(lambda: any(CANARY in html for html in stack.read("zoom")))
    assert redis.keys("vault:*")
    nowhere(redis, stack)


def test_what_was_edited_answered_shared_asked_and_taken_back_is_nowhere_either(stack: Stack, redis: Redis) -> None:
    said = {}
    for slug, who in SPEAKERS.items():
        fake: Any = stack.world.fakes[slug]
        place, person = stack.place(slug), stack.person(slug, who)
        said[slug] = fake.type_as(person, place, f"first words about the {CANARY}")
        fake.share_as(person, place, f"{CANARY}.txt", CANARY.encode() * 1000, f"a {CANARY} file")
        stack.wait_until(lambda: all(any(f"a {CANARY} file" in html for html in stack.read(one)) for one in SPEAKERS))
        fake.edit_as(person, place, said[slug], f"better words about the {CANARY} on {slug}")
        fake.reply_as(person, place, said[slug], f"more of the {CANARY}")
        fake.react_as(person, place, said[slug], "🎉", True)
    stack.wait_until(
        lambda: all(sum("better words" in html for html in stack.read(slug)) == len(SPEAKERS) for slug in SPEAKERS)
    )
    slack: Any = stack.world.fakes["slack"]
    slack.command_as(stack.person("slack", "Bob Okafor"), stack.place("slack"), f"sing {CANARY}")
    slack.delete_as(stack.person("slack", "Bob Okafor"), stack.place("slack"), said["slack"])
    stack.wait_until(lambda: not any("on slack" in html for html in stack.read("zoom")))
    stack.wait_until(stack.nothing_is_left)
    stack.wait_until(lambda: not redis.keys("vault:*"), 15.0)
    stack.stop()
    nowhere(redis, stack)


def somebody(stack: Stack, name: str, home: str, away: str, *, consents: bool = True) -> dict[str, str]:
    """Somebody with an account on both platforms, at home on the first and synced to the second; the accounts' ids."""
    places = {slug: Installation.objects.get(platform=slug) for slug in (home, away)}
    for slug, place in places.items():
        fake: Any = stack.world.fakes[slug]
        fake.add_person(name, f"{name.lower()}@acme.example")
        remember(place.pk, fake.directory())
    person = Person.objects.get(email=f"{name.lower()}@acme.example")
    Person.objects.filter(pk=person.pk).update(primary=places[home])
    accounts = PlatformAccount.objects.select_related("installation__tenant", "person").filter(person=person)
    own = {account.installation.platform: account for account in accounts.order_by("pk")}
    UserSync.objects.create(person=person, installation=places[away], account=own[away], kind="full", state="pending")
    if consents:
        allow(stack.world, own[away])
    return {slug: account.external_id for slug, account in own.items()}


def test_what_was_said_in_direct_chats_and_what_waited_in_vain_for_consent_is_nowhere(
    stack: Stack, redis: Redis
) -> None:
    quinn = somebody(stack, "Quinn", "teams", "slack")
    pat = somebody(stack, "Pat", "slack", "teams")
    noor = somebody(stack, "Noor", "slack", "teams", consents=False)
    slack, teams = stack.world.fakes["slack"], stack.world.fakes["teams"]

    def read() -> str:
        return " ".join(one.html for one in teams.shown(teams.chat([pat["teams"], quinn["teams"]])))

    chat = slack.chat([pat["slack"], quinn["slack"]])
    said = slack.type_as(pat["slack"], chat, f"first words about the {CANARY}")
    slack.share_as(pat["slack"], chat, f"{CANARY}.txt", CANARY.encode() * 1000, f"a {CANARY} file")
    stack.wait_until(lambda: f"first words about the {CANARY}" in read() and f"a {CANARY} file" in read())
    slack.edit_as(pat["slack"], chat, said, f"better words about the {CANARY}")
    stack.wait_until(lambda: "better words" in read())

    slack.type_as(noor["slack"], slack.chat([noor["slack"], quinn["slack"]]), f"may the {CANARY} pass?")
    stack.wait_until(lambda: Grant.objects.filter(account__external_id=noor["teams"], times_asked=1).exists())
    assert redis.keys("vault:*")
    nowhere(redis, stack)
    InboundEvent.objects.filter(state=0).update(received_at=timezone.now() - timedelta(hours=1))
    stack.wait_until(lambda: DailyCount.objects.filter(name=Discard.NOT_SYNCED).exists())
    stack.wait_until(stack.nothing_is_left)
    stack.wait_until(lambda: not redis.keys("vault:*"), 15.0)
    stack.stop()
    nowhere(redis, stack)
