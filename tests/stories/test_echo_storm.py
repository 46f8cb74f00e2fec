"""Two universal channels over the same four workspaces, everybody busy in both, and webhooks twice, late and out of order.

Whatever came back as if it were news would cross again, and again: at the end each platform shows exactly what people
typed. ``STORM_SECONDS=60 ./hub test tests/stories/test_echo_storm.py`` takes its time.
"""

import asyncio
import os
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from connectors.messages import MessageId
from connectors.sandbox import Fault, Shown, Webhook
from relay import ingress, page
from relay.models import Delivery, InboundEvent
from relay.shards import drain
from tests.house import House, knock
from tests.stories.crossing import hurry, open_ones
from tests.stories.test_conversation import LABELS

SECONDS = float(os.environ.get("STORM_SECONDS", "5"))
CHANNELS = ("general", "ring")
EMOJI = ("👍", "🎉", "😂")
MOST_EDITS = 4
"""Of one message: Webex lets it be edited ten times, and what comes after those is said in words."""
CALM_SECONDS = 60.0
"""How long what was typed may take to come to rest."""
NUMBER = re.compile(r"storm (\d+) v(\d+)\.")
"""The last in a message is its own: a reply may quote its root."""

Place = tuple[str, str]
"""``(platform, channel)``."""


@dataclass(slots=True)
class Typed:
    """What somebody typed, and what became of it."""

    number: int
    place: Place
    who: str
    id: MessageId
    root: int | None
    version: int = 0
    deleted: bool = False
    reactions: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def text(self) -> str:
        """Half of all messages say what others say, too."""
        return f"the same words, storm {self.number} v{self.version}."


class Storm:
    """People who type, edit, delete, answer and react, at random."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.dice = random.Random(seed)
        self.typed: list[Typed] = []
        self.people = {slug: [one.id for one in fake.people()] for slug, fake in house.world.fakes.items()}
        self.places = [(slug, channel) for slug in LABELS for channel in CHANNELS]
        self.over = self.calm = False
        self._late: list[Webhook] = []

    def fake(self, place: Place) -> Any:
        return self.house.world.fakes[place[0]]

    def shown(self, place: Place) -> list[Shown]:
        return self.house.messages(*place)

    def act(self) -> None:
        """One thing that somebody does."""
        deed = self.dice.choices([self.say, self.reply, self.edit, self.delete, self.react], [30, 15, 20, 7, 28])[0]
        deed()

    def say(self) -> None:
        place = self.dice.choice(self.places)
        self._say(place, None, "")

    def reply(self) -> None:
        """To a message of our own kind or to a copy of one, whatever is seen there."""
        place = self.dice.choice(self.places)
        if roots := [one for one in self.shown(place) if one.thread is None and NUMBER.search(one.html)]:
            root = self.dice.choice(roots[-10:])
            self._say(place, number_of(root), root.id)

    def _say(self, place: Place, root: int | None, thread: str) -> None:
        who = self.dice.choice(self.people[place[0]])
        typed = Typed(len(self.typed), place, who, MessageId(""), root)
        where = self.house.place(*place)
        fake = self.fake(place)
        typed.id = fake.reply_as(who, where, thread, typed.text) if thread else fake.type_as(who, where, typed.text)
        self.typed.append(typed)

    def edit(self) -> None:
        if able := [one for one in self.typed[-20:] if not one.deleted and one.version < MOST_EDITS]:
            one = self.dice.choice(able)
            one.version += 1
            self.fake(one.place).edit_as(one.who, self.house.place(*one.place), one.id, one.text)

    def delete(self) -> None:
        if able := [one for one in self.typed[-20:] if not one.deleted]:
            one = self.dice.choice(able)
            one.deleted = True
            self.fake(one.place).delete_as(one.who, self.house.place(*one.place), one.id)

    def react(self) -> None:
        """Put an emoji on what is seen somewhere, or take it back."""
        place = self.dice.choice([place for place in self.places if place[0] != "webex"])
        if seen := [one for one in self.shown(place)[-10:] if NUMBER.search(one.html)]:
            message, who = self.dice.choice(seen), self.dice.choice(self.people[place[0]])
            one, reaction = self.typed[number_of(message)], (place[0], who, self.dice.choice(EMOJI))
            on = reaction not in one.reactions
            (one.reactions.add if on else one.reactions.discard)(reaction)
            self.fake(place).react_as(who, self.house.place(*place), message.id, reaction[2], on)

    # --- the platforms' side

    def due(self) -> list[Webhook]:
        """The webhooks to bring now: some twice, some only next time. Who puts an emoji and takes it back is heard so."""
        told, self.house.webhooks[:] = [*self._late, *self.house.webhooks], []
        self._late = []
        due = []
        for webhook in told:
            if b"reaction" not in webhook.body and self.dice.random() < 0.15 and not self.over:
                self._late.append(webhook)
                continue
            due += [webhook] * (2 if self.dice.random() < 0.1 else 1)
        return due

    # --- all at once

    async def rage(self) -> None:
        """Type for ``SECONDS`` while webhooks are brought and a worker works, then wait until all is calm."""
        working = asyncio.create_task(self._work())
        bringing = asyncio.create_task(self._bring())
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            self.act()
            await asyncio.sleep(self.dice.uniform(0.01, 0.06))
        self.over = True
        self.house.world.faults.clear()
        await bringing
        self.calm = True
        await working
        await ingress.close_inbox()
        await sync_to_async(connections.close_all)()

    async def _work(self) -> None:
        while not self.calm:
            await drain(0, 1, lambda: self.calm, self.house.transport, self.house.opener, seconds=7.0)

    async def _bring(self) -> None:
        deadline = time.monotonic() + SECONDS + CALM_SECONDS
        quiet = 0
        while quiet < 10:
            assert time.monotonic() < deadline, "it never comes to rest"
            due = self.due()
            for webhook in due:
                await knock(webhook.url.split("example.com", 1)[1], webhook.body, dict(webhook.sign()))
            await asyncio.sleep(0.02)
            calm = self.over and not due and not self._late and not await sync_to_async(is_anything_left)()
            quiet = quiet + 1 if calm else 0

    # --- at the end

    def check(self) -> None:
        """Each platform shows what was typed in its universal channel, once, as it reads now, with its reactions."""
        for place in self.places:
            self._check(place, {one.number: one for one in self.typed if one.place[1] == place[1] and not one.deleted})

    def _check(self, place: Place, living: dict[int, Typed]) -> None:
        shown = self.shown(place)
        numbered = [one for one in shown if NUMBER.search(one.html)]
        found = Counter((number_of(one), version_of(one)) for one in numbered)
        wanted = Counter((one.number, one.version) for one in living.values())
        assert found == wanted, place
        lines = [one for one in living.values() if one.reactions] if place[0] == "webex" else []
        assert len(shown) - len(numbered) == len(lines), place
        at = {one.id: number_of(one) for one in numbered}
        for one in numbered:
            typed = living[number_of(one)]
            # An answer to an answer goes to the root of that.
            if typed.root in living and living[typed.root].root is None:
                assert at.get(one.thread or MessageId("")) == typed.root, (place, typed)
            if place[0] != "webex":
                assert {emoji: len(people) for emoji, people in one.reactions} == expected(typed, place[0]), (
                    place,
                    typed,
                )


def expected(typed: Typed, slug: str) -> dict[str, int]:
    """Emoji on a message at a platform: of each person there, and one for everybody elsewhere."""
    here = Counter(emoji for where, _, emoji in typed.reactions if where == slug)
    return dict(here + Counter({emoji for where, _, emoji in typed.reactions if where != slug}))


def number_of(shown: Shown) -> int:
    return int(NUMBER.findall(shown.html)[-1][0])


def version_of(shown: Shown) -> int:
    return int(NUMBER.findall(shown.html)[-1][1])


def is_anything_left() -> bool:
    waiting = InboundEvent.objects.filter(state=InboundEvent.State.WAITING).exists()
    return waiting or Delivery.objects.filter(state__lt=Delivery.State.DONE).exists()


def test_a_storm_over_two_universal_channels_leaves_what_people_typed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    # A webhook is late by turns here, and the machine may be slow.
    monkeypatch.setattr(page, "ROOT_SECONDS", CALM_SECONDS)
    house.link("ring", list(reversed(LABELS)))
    storm = Storm(house, seed=7)
    house.world.faults += [Fault(slug, status=429, rate=0.02, seed=n) for n, slug in enumerate(LABELS)]
    house.world.faults += [Fault(slug, timeout_after_success=True, rate=0.02, seed=3) for slug in ("slack", "teams")]
    asyncio.run(storm.rage())
    assert not open_ones()
    assert len(storm.typed) > 5 * SECONDS
    storm.check()
