"""The only place that makes and opens Teams' opaque ids.

A channel is ``<team>/<channel>``, a chat ``chats/<chat>``; a message is ``<root>`` or ``<root>/<reply>``.
"""

import re
from urllib.parse import quote

from connectors.messages import ConversationId, MessageId

_SEGMENT = re.compile(r"([A-Za-z]+)\('((?:[^']|'')+)'\)")


def channel_id(team: str, channel: str) -> ConversationId:
    """The conversation that a team's channel is."""
    return ConversationId(f"{team}/{channel}")


def chat_id(chat: str) -> ConversationId:
    """The conversation that a direct, group or meeting chat is. No team's id is the word ``chats``."""
    return ConversationId(f"chats/{chat}")


def team_and_channel(conversation: ConversationId) -> tuple[str, str]:
    """What ``channel_id`` was made of."""
    team, _, channel = conversation.partition("/")
    return team, channel


def message_id(message: str, root: str | None = None) -> MessageId:
    """``root`` is the message that ``message`` replies to, if any."""
    return MessageId(f"{root}/{message}" if root else message)


def root_and_reply(message: MessageId) -> tuple[str, str | None]:
    """What ``message_id`` was made of: the root, and the reply if it is one."""
    root, _, reply = message.partition("/")
    return root, reply or None


def messages_path(conversation: ConversationId) -> str:
    """Graph's path of a channel's messages, ids percent-encoded."""
    team, channel = team_and_channel(conversation)
    return f"/teams/{quote(team, safe='')}/channels/{quote(channel, safe='')}/messages"


def message_path(conversation: ConversationId, message: MessageId) -> str:
    """Graph's path of one message or reply."""
    root, reply = root_and_reply(message)
    path = f"{messages_path(conversation)}/{quote(root, safe='')}"
    return f"{path}/replies/{quote(reply, safe='')}" if reply else path


def read_key_form(resource: str) -> list[tuple[str, str]]:
    """The names and keys of ``teams('T')/channels('19:…')/messages('1')``; a quote within a key is doubled (§2.4).

    Raises ``ValueError``, also for a slash in a key: no id of Graph has one, and it would break the ids made here.
    """
    segments: list[tuple[str, str]] = []
    position = 0
    while match := _SEGMENT.match(resource, position):
        segments.append((match[1], match[2].replace("''", "'")))
        position = match.end() + 1
        if position > len(resource):
            break
        if resource[position - 1] != "/":
            raise ValueError("no slash between two segments")
    if position <= len(resource) or any("/" in key for _, key in segments):
        raise ValueError("not a resource in key form")
    return segments


def in_key_form(conversation: ConversationId, message: MessageId) -> str:
    """The resource of a channel's message, as notifications name it."""
    team, channel = team_and_channel(conversation)
    root, reply = root_and_reply(message)
    segments = [("teams", team), ("channels", channel), ("messages", root)] + ([("replies", reply)] if reply else [])
    return "/".join(f"{name}('{_doubled(key)}')" for name, key in segments)


def _doubled(key: str) -> str:
    return key.replace("'", "''")
