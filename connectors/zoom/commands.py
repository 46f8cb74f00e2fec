"""What people ask our app: a slash command, or a message that begins with its name (§2.10). Pure.

The chatbot's mention and the ordinary message that it is in are told as two events of one id: either makes the command.
"""

import re
from collections.abc import Mapping
from typing import Any

from connectors.contract import Credentials
from connectors.messages import Commanded, Message
from connectors.richtext import Document, Mention, Paragraph, plain
from connectors.zoom import ids

_FIRST_WORD = r"@\S+"


def slash(content: Mapping[str, Any]) -> Commanded:
    """``/miohub help``: the words after the command's name."""
    account = ids.account(content.get("userId"), content.get("userMemberId"))
    return Commanded(account, ids.readable(content.get("cmd")).strip())


def asked(message: Message, credentials: Credentials) -> Commanded | None:
    """The command that a message is: one that begins with a mention of the service user or the chatbot."""
    match message.body.blocks:
        case (Paragraph((Mention() as mention, *rest)), *others) if _is_us(mention, credentials):
            words = plain(Document((Paragraph(tuple(rest)), *others)))
            return _commanded(message, words)
    return None


def mentioned(message: Message, text: str, credentials: Credentials) -> Commanded | None:
    """The same from ``team_chat.app_mention``, which marks no names: ours is known, or ends with the first blank."""
    name = credentials.extra.get("bot_name", "")
    found = re.match(re.escape(f"@{name}") if name else _FIRST_WORD, text.lstrip(), re.IGNORECASE)
    return _commanded(message, text.lstrip()[found.end() :]) if found else None


def _commanded(message: Message, words: str) -> Commanded:
    return Commanded(message.author, words.strip().lstrip(",:").strip(), message.thread or message.id)


def _is_us(mention: Mention, credentials: Credentials) -> bool:
    """The chatbot is no user: its mention carries its JID, whole or without the server, under one of three names."""
    jid = credentials.extra.get("robot_jid", "")
    bot = {jid, jid.partition("@")[0]} - {""}
    named = {str(mention.account), mention.address}
    return mention.account == credentials.account or not named.isdisjoint(bot | {ids.account("", one) for one in bot})
