"""Messages are never stored: what was said is in no table, no key and no log once it has arrived."""

from typing import Any

import pytest
from django.db import connection
from redis import Redis

from tests.stack import Stack

pytestmark = pytest.mark.slow

CANARY = "zinnoberrotkehlchen"
SPEAKERS = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}


def dump_of_every_table() -> str:
    """All rows of all tables as text, the way `COPY` writes them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        tables = cursor.fetchall()
        rows = []
        for schema, table in tables:
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" t')  # noqa: S608 (names from the catalogue)
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)


def dump_of_redis(redis: Redis) -> bytes:
    """Every key with its serialised value."""
    return b"\n".join(key + b" " + (redis.dump(key) or b"") for key in redis.scan_iter("*"))


def test_what_was_said_is_nowhere_once_it_has_arrived(stack: Stack, redis: Redis) -> None:
    for slug, who in SPEAKERS.items():
        stack.say(slug, who, f"The *{CANARY}* sings on {slug}.\n\n`{CANARY}` and https://example.com/{CANARY}")
    stack.world.faults.clear()
    stack.wait_until(lambda: all(len([1 for html in stack.read(slug) if CANARY in html]) == 4 for slug in SPEAKERS))
    stack.wait_until(stack.nothing_is_left)
    stack.wait_until(lambda: not redis.keys("vault:*"), 15.0)
    stack.stop()
    assert CANARY not in dump_of_every_table()
    assert CANARY.encode() not in dump_of_redis(redis)
    assert CANARY not in stack.logs()


def test_what_waits_for_a_platform_that_is_away_lies_sealed_and_nowhere_else(stack: Stack, redis: Redis) -> None:
    stack.refuse("webex", 503)
    stack.say("slack", "Bob Okafor", f"The {CANARY} waits")
    stack.wait_until(lambda: any(CANARY in html for html in stack.read("zoom")))
    assert redis.keys("vault:*")
    assert CANARY not in dump_of_every_table()
    assert CANARY.encode() not in dump_of_redis(redis)
    assert CANARY not in stack.logs()


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
    assert CANARY not in dump_of_every_table()
    assert CANARY.encode() not in dump_of_redis(redis)
    assert CANARY not in stack.logs()
