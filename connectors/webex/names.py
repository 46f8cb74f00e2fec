"""Titles and descriptions of spaces (reference §3.4). Nothing here does I/O.

``spark:rooms_write`` is in none of the scope lists that the product publishes: it is asked for only where names are carried
on (§6.2). A new description comes back as a notice without saying that it is one (§2.6).
"""

from typing import Any

from connectors.calls import Call, Calls
from connectors.messages import ConversationId
from connectors.naming import NAMELESS, one_line, shortened
from connectors.webex.client import BASE, TOKEN, path_of, room
from connectors.webex.judge import judge_room

WRITING = ("spark:rooms_write",)
LONGEST = 255
"""Of a title and of a description. Webex publishes no limit; more than this nobody reads at the head of a space."""
NO_DESCRIPTION = " "
"""What takes a description away."""


def legal_name(name: str) -> str:
    """``name`` in one line; anything goes but nothing. A legal one stays as it is."""
    return shortened(one_line(name), LONGEST) or NAMELESS


def rename(conversation: ConversationId, name: str) -> Calls[str]:
    """``PUT /rooms/{id}``."""
    legal = legal_name(name)
    yield _put(conversation, {"title": legal})
    return legal


def set_topic(conversation: ConversationId, topic: str) -> Calls[None]:
    """``PUT /rooms/{id}``, which wants the title as well: so it is asked for first."""
    title = (yield from room(conversation)).get("title")
    description = shortened(one_line(topic), LONGEST) or NO_DESCRIPTION
    yield _put(conversation, {"title": title, "description": description})


def _put(conversation: ConversationId, fields: dict[str, Any]) -> Call:
    path = path_of("rooms", conversation)
    return Call("PUT", BASE + path, scopes=WRITING, bucket="rooms", token=TOKEN, json=fields, judge=judge_room)
