"""What the fakes' own clients would show, as JSON, and the news since it was last looked at."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import connectors
from connectors.sandbox import Fake, Place, Shown, World

SHOWN_MESSAGES = 60
"""The latest messages of a conversation: several screens full; nobody scrolls further back in a demo."""

Snapshot = dict[tuple[str, str], dict[str, Shown]]


def panes(world: World) -> dict[str, Any]:
    """Every platform with its people and its conversations, the messages included."""
    return {"platforms": [_pane(fake) for fake in world.fakes.values()]}


def _pane(fake: Fake) -> dict[str, Any]:
    platform = connectors.get(fake.slug).platform
    return {
        "slug": platform.slug,
        "label": platform.label,
        "colour": platform.colour,
        "ask": f"{fake.calls_app} help",
        "people": [{"name": person.name, "id": person.id} for person in fake.people()],
        "places": [_place(fake, place) for place in fake.places()],
    }


def _place(fake: Fake, place: Place) -> dict[str, Any]:
    messages = [asdict(message) for message in _latest(fake, place)]
    return {"name": place.name, "conversation": place.conversation, "linked": place.linked, "messages": messages}


def _latest(fake: Fake, place: Place) -> list[Shown]:
    messages = [*fake.shown(place.conversation), *fake.whispers(place.conversation)]
    return sorted(messages, key=lambda message: message.at)[-SHOWN_MESSAGES:]


def snapshot(world: World) -> Snapshot:
    """Everything shown, by place and message id."""
    return {
        (fake.slug, place.conversation): {message.id: message for message in _latest(fake, place)}
        for fake in world.fakes.values()
        for place in fake.places()
    }


def news(before: Snapshot, after: Snapshot) -> Iterator[dict[str, Any]]:
    """What is new or has changed between two looks, in the order in which it was said."""
    found = [
        (message.at, {"platform": slug, "conversation": conversation, "message": asdict(message)})
        for (slug, conversation), messages in after.items()
        for message in messages.values()
        if before.get((slug, conversation), {}).get(message.id) != message
    ]
    yield from (entry for _, entry in sorted(found, key=lambda pair: pair[0]))


def gone(before: Snapshot, after: Snapshot) -> Iterator[dict[str, Any]]:
    """What was deleted; a message that merely scrolled out of the window is not."""
    for (slug, conversation), messages in before.items():
        now = after.get((slug, conversation), {})
        oldest = min((message.at for message in now.values()), default=0.0)
        for message in messages.values():
            if message.id not in now and message.at >= oldest:
                yield {"platform": slug, "conversation": conversation, "id": message.id}
