"""What Teams' own client makes of what a person typed (reference teams.md §4.1), and how it draws what was said."""

import json
import re
from collections.abc import Mapping
from typing import Any

from connectors.emoji import shortcode
from connectors.html import escape, to_html
from connectors.markdown import from_markdown
from connectors.messages import Message
from connectors.sandbox import Shown
from connectors.teams.cards import ADAPTIVE
from connectors.teams.render import code_block

_MARKUP = re.compile(r"(<codeblock.*?</codeblock>|<code>.*?</code>|<[^>]*>)", re.DOTALL)
_PICTURE = re.compile("[\U0001f300-\U0001faff](?![\U0001f3fb-\U0001f3ff\u200d])")
_EVERYBODY = ("channel", "everyone")
"""What a person picks to call everybody in a channel."""


def as_client_writes(
    text: str, users: Mapping[str, str], channel: str, kind: str = "channel"
) -> tuple[str, list[dict[str, Any]]]:
    """HTML and mentions as Teams' own client stores what was typed: a person is one ``at`` per word of the name.

    ``channel`` is the id of the channel, or of a chat with its ``kind``.
    """
    mentions: list[dict[str, Any]] = []

    def written(word: str, mentioned: dict[str, Any]) -> str:
        mentions.append({"id": len(mentions), "mentionText": word, "mentioned": mentioned})
        return f'<at id="{len(mentions) - 1}">{word}</at>'

    def at(found: re.Match[str]) -> str:
        if found[1] in _EVERYBODY:
            identity = {"id": channel, "displayName": found[1], "conversationIdentityType": kind}
            return written(found[1], {"conversation": identity})
        user = {"id": users[found[1]], "displayName": found[1], "userIdentityType": "aadUser"}
        return "&nbsp;".join(written(word, {"user": user}) for word in found[1].split())

    anybody = re.compile("@(" + "|".join(map(re.escape, (*users, *_EVERYBODY))) + r")\b")
    pieces = _MARKUP.split(to_html(from_markdown(text), code_block=code_block, deepest_heading=3))
    content = "".join(piece if n % 2 else _with_emoji(anybody.sub(at, piece)) for n, piece in enumerate(pieces))
    return content, mentions


def _with_emoji(text: str) -> str:
    """Single emoji as the client's own element."""

    def element(found: re.Match[str]) -> str:
        name = shortcode(found[0])
        return f'<emoji id="{name}" alt="{found[0]}" title="{name}"></emoji>' if name else found[0]

    return _PICTURE.sub(element, text)


def drawn(message: Mapping[str, Any], read: Message, service: str) -> Shown:
    """A message of Graph, and what we read from it, as the client shows it; ``service`` is our own user."""
    reactions: dict[str, tuple[str, ...]] = {}
    for reaction in message["reactions"]:
        emoji = reaction["reactionType"]
        reactions[emoji] = (*reactions.get(emoji, ()), reaction["user"]["user"]["displayName"])
    return Shown(
        id=read.id,
        author=read.author_name,
        avatar_url="",
        html=to_html(read.body, deepest_heading=0) + "".join(map(_button, _actions(message))),
        at=int(message["id"]) / 1000,
        is_app=read.author == service,
        thread=read.thread,
        reactions=tuple(reactions.items()),
        edited=read.edited_at is not None,
        files=tuple(file.name for file in read.attachments),
    )


def without_cards(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message but for its cards, which are drawn and not read."""
    return {**message, "attachments": [one for one in message["attachments"] if one["contentType"] != ADAPTIVE]}


def _actions(message: Mapping[str, Any]) -> list[dict[str, str]]:
    cards = [json.loads(one["content"]) for one in message["attachments"] if one["contentType"] == ADAPTIVE]
    return [action for card in cards for action in card["actions"]]


def _button(action: Mapping[str, str]) -> str:
    return f'<p><a href="{escape(action["url"])}">{escape(action["title"])}</a></p>'
