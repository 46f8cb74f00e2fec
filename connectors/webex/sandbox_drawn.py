"""The messages of the fake Webex as its client draws them."""

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.html import to_html
from connectors.messages import Kind, MessageId, Posted, Reference
from connectors.richtext import Document
from connectors.sandbox import Shown
from connectors.webex import ids
from connectors.webex.cards import read_card
from connectors.webex.parse import parse
from connectors.webex.sandbox_people import People
from connectors.webex.sandbox_state import Room


def shown(people: People, room: Room) -> Iterator[Shown]:
    """A space's messages, oldest first."""
    for said in room.messages.values():
        author = people.anybody(said.data["personId"])
        said.drawn = said.drawn or _draw(said.data)
        parent = said.data.get("parentId")
        yield Shown(
            ids.message(said.data["id"]),
            author.name,
            "",
            said.drawn,
            said.at,
            author in (people.service_user, people.bot),
            thread=MessageId(parent) if parent else None,
            reactions=tuple((emoji, _names(people, by)) for emoji, by in said.reactions.items() if by),
            edited=said.edits > 0,
            files=tuple(file.name for file in said.files),
        )


def _names(people: People, by: Iterable[str]) -> tuple[str, ...]:
    return tuple(people.anybody(person).name for person in by)


def _draw(data: dict[str, Any]) -> str:
    """A message as the client shows it: what we read from it, so that the page and the relay agree. A card is drawn in place
    of the text beside it, which is for clients without cards."""
    if cards := data.get("attachments"):
        return to_html(Document(tuple(block for card in cards for block in read_card(card))))
    match parse(data, Reference(Kind.POSTED, ids.conversation(data["roomId"]), ids.message(data["id"]))):
        case Posted(message):
            return to_html(message.body)
    return ""
