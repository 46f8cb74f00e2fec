"""The only place that makes and opens Teams' opaque ids.

A channel is ``<team>/<channel>``, a chat ``chats/<chat>``; a message is ``<root>`` or ``<root>/<reply>``.
"""

import json
import re
from urllib.parse import quote, unquote

from connectors.messages import AccountId, ConversationId, MessageId, TeamId

_SEGMENT = re.compile(r"([A-Za-z]+)\('((?:[^']|'')+)'\)")
_KEY = "([^/?#]+)"
_HOSTED = re.compile(
    rf"https://graph\.microsoft\.com/(?:v1\.0|beta)/(?:teams/{_KEY}/channels/{_KEY}|chats/{_KEY})/messages/{_KEY}"
    rf"(?:/replies/{_KEY})?/hostedContents/{_KEY}/\$value"
)


def channel_id(team: str, channel: str) -> ConversationId:
    """The conversation that a team's channel is."""
    return ConversationId(f"{team}/{channel}")


def chat_id(chat: str) -> ConversationId:
    """The conversation that a direct, group or meeting chat is. No team's id is the word ``chats``."""
    return ConversationId(f"chats/{chat}")


def is_channel(conversation: ConversationId) -> bool:
    """Whether a conversation is a channel and not a chat."""
    return not conversation.startswith("chats/")


def team_and_channel(conversation: ConversationId) -> tuple[str, str]:
    """What ``channel_id`` was made of."""
    team, _, channel = conversation.partition("/")
    return team, channel


def native_id(conversation: ConversationId) -> str:
    """The channel's or the chat's own id."""
    return conversation.partition("/")[2]


def message_id(message: str, root: str | None = None) -> MessageId:
    """``root`` is the message that ``message`` replies to, if any."""
    return MessageId(f"{root}/{message}" if root else message)


def root_and_reply(message: MessageId) -> tuple[str, str | None]:
    """What ``message_id`` was made of: the root, and the reply if it is one."""
    root, _, reply = message.partition("/")
    return root, reply or None


def team_path(team: TeamId) -> str:
    """Graph's path of a team, its id percent-encoded."""
    return f"/teams/{quote(team, safe='')}"


def channel_path(conversation: ConversationId) -> str:
    """Graph's path of a channel, ids percent-encoded."""
    team, channel = team_and_channel(conversation)
    return f"{team_path(TeamId(team))}/channels/{quote(channel, safe='')}"


def conversation_path(conversation: ConversationId) -> str:
    """Graph's path of a channel or a chat, ids percent-encoded."""
    if is_channel(conversation):
        return channel_path(conversation)
    return f"/chats/{quote(native_id(conversation), safe='')}"


def messages_path(conversation: ConversationId) -> str:
    """Graph's path of the messages of a channel or a chat."""
    return f"{conversation_path(conversation)}/messages"


def message_path(conversation: ConversationId, message: MessageId) -> str:
    """Graph's path of one message or reply."""
    root, reply = root_and_reply(message)
    path = f"{messages_path(conversation)}/{quote(root, safe='')}"
    return f"{path}/replies/{quote(reply, safe='')}" if reply else path


def deleting_path(conversation: ConversationId, message: MessageId, author: AccountId) -> str:
    """Graph's path of what takes a message back: one in a chat is named by its author too (§3.2)."""
    whose = "" if is_channel(conversation) else f"/users/{quote(author, safe='')}"
    return f"{whose}{message_path(conversation, message)}/softDelete"


def replies_path(conversation: ConversationId, root: str) -> str:
    """Graph's path of the replies to a message."""
    return f"{messages_path(conversation)}/{quote(root, safe='')}/replies"


def hosted_content(url: str) -> tuple[ConversationId, MessageId, str] | None:
    """The message and the key of a picture or snippet that Graph keeps; None for any other address."""
    found = _HOSTED.fullmatch(url)
    keys = [unquote(key or "") for key in found.groups()] if found else []
    if not keys or any("/" in key for key in keys):
        return None
    team, channel, chat, root, reply, content = keys
    conversation = chat_id(chat) if chat else channel_id(team, channel)
    return conversation, message_id(reply, root) if reply else message_id(root), content


def hosted_path(conversation: ConversationId, message: MessageId, content: str) -> str:
    """Graph's path of what ``hosted_content`` named."""
    return f"{message_path(conversation, message)}/hostedContents/{quote(content, safe='')}/$value"


def hosted_handle(conversation: ConversationId, message: MessageId, content: str) -> str:
    """The handle of an attachment that Graph keeps with a message."""
    return json.dumps(["hosted", conversation, message, content])


def shared_handle(conversation: ConversationId, url: str, author: str = "") -> str:
    """The handle of a file in SharePoint; ``conversation`` is where it was shared, ``author`` who did it."""
    return json.dumps(["shared", conversation, url, author])


def open_handle(handle: str) -> list[str]:
    """What ``hosted_handle`` or ``shared_handle`` was made of, with the word for its kind first."""
    parts: list[str] = json.loads(handle)
    return parts


def command_handle(message: MessageId, asker: str) -> str:
    """The handle of a command: the message that gave it, and its author's name."""
    return f"{message} {asker}"


def open_command_handle(handle: str) -> tuple[MessageId, str]:
    """What ``command_handle`` was made of."""
    message, _, asker = handle.partition(" ")
    return MessageId(message), asker


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
    """The resource of a message, as notifications name it."""
    team, channel = team_and_channel(conversation)
    root, reply = root_and_reply(message)
    where = [("teams", team), ("channels", channel)] if is_channel(conversation) else [("chats", channel)]
    segments = [*where, ("messages", root)] + ([("replies", reply)] if reply else [])
    return "/".join(f"{name}('{_doubled(key)}')" for name, key in segments)


def _doubled(key: str) -> str:
    return key.replace("'", "''")
