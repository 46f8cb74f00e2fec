"""Names and descriptions of channels (reference teams.md §3.5). Nothing here does I/O.

The service account does it, so that Teams tells the change as that account's own; it has to be a member, and the team has
to let members change channels.
"""

import re
from collections.abc import Mapping

from connectors.calls import Call, Calls
from connectors.messages import ConversationId
from connectors.naming import NAMELESS, one_line, shortened
from connectors.teams.client import GRAPH, judge
from connectors.teams.ids import channel_path
from connectors.teams.scopes import SERVICE

LONGEST_NAME, LONGEST_TOPIC = 50, 1024
"""Characters (§3.5)."""

_QUOTES = str.maketrans("'\"", "’”")
_ILLEGAL = re.compile(r"[~#%&*{}/\\:<>?+|]+")


def legal_name(name: str) -> str:
    """``name`` without what Teams takes in no name of a channel. A legal one stays as it is."""
    words = _ILLEGAL.sub("-", one_line(name).translate(_QUOTES)).lstrip(" _.").rstrip(" .")
    return shortened(words, LONGEST_NAME) if words.strip("-") else NAMELESS


def rename(conversation: ConversationId, name: str) -> Calls[str]:
    """``PATCH`` of the channel; Teams does not answer with what it took."""
    legal = legal_name(name)
    yield _patch(conversation, {"displayName": legal})
    return legal


def set_topic(conversation: ConversationId, topic: str) -> Calls[None]:
    """What others call a topic is a channel's description."""
    yield _patch(conversation, {"description": shortened(one_line(topic), LONGEST_TOPIC)})


def _patch(conversation: ConversationId, changes: Mapping[str, str]) -> Call:
    return Call(
        "PATCH",
        GRAPH + channel_path(conversation),
        scopes=("ChannelSettings.ReadWrite.All",),
        bucket="patch channel",
        token=SERVICE,
        json=changes,
        judge=judge,
    )
