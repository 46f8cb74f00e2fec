"""Names and topics of channels (reference §3.5). Nothing here does I/O.

A bot may do this with the scopes that it has for making channels (``channels:manage``, ``groups:write``). Slack lets only
who made a channel, or an administrator, rename it; anybody in it may set its topic.
"""

import unicodedata

from connectors.calls import Calls
from connectors.messages import ConversationId
from connectors.naming import NAMELESS, one_line, shortened
from connectors.slack.plain_text import escape
from connectors.slack.rich_text import text_of
from connectors.slack.web import inner, telling

MANAGE = ("channels:manage", "groups:write")
"""Any one that fits the channel's type."""

LONGEST_NAME, LONGEST_TOPIC = 80, 250
"""Characters (reference §4.3)."""

_MARKS = ("Mn", "Mc")
"""Categories of vowels and accents, without which the names of half the world cannot be read."""


def legal_name(name: str) -> str:
    """``name`` as Slack takes it: lower-case letters, digits, ``-`` and ``_`` of any script. A legal one stays as it is."""
    if _is_legal(name):
        return name
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", one_line(name)).lower())
    words = "".join(character if _fits(character) else " " for character in folded).split()
    made = "-".join(words)[:LONGEST_NAME].strip("-")
    return made if _is_legal(made) else NAMELESS


def _is_legal(name: str) -> bool:
    whole = name == name.lower() and all(character in "-_" or _fits(character) for character in name)
    return whole and len(name) <= LONGEST_NAME and any(map(str.isalnum, name))


def _fits(character: str) -> bool:
    is_mark = unicodedata.category(character) in _MARKS and not "\ufe00" <= character <= "\ufe0f"
    return character == "_" or is_mark or (character.isalnum() and character == character.lower())


def rename(conversation: ConversationId, name: str) -> Calls[str]:
    """``conversations.rename``; Slack may make the name still more normal, and says so."""
    wanted = {"channel": conversation, "name": legal_name(name)}
    response = yield telling("conversations.rename", wanted, *MANAGE)
    return text_of(inner(response.json(), "channel"), "name") or wanted["name"]


def set_topic(conversation: ConversationId, topic: str) -> Calls[None]:
    """``conversations.setTopic``, escaped: what a person typed calls nobody."""
    text = shortened(one_line(topic), LONGEST_TOPIC, lambda part: len(escape(part)))
    yield telling("conversations.setTopic", {"channel": conversation, "topic": escape(text)}, *MANAGE)
