"""Slack's names of reactions and the characters they stand for (reference §3.4). Pure."""

from typing import Any

from connectors.emoji import character, shortcode
from connectors.messages import AccountId, Reaction
from connectors.richtext import encodable
from connectors.slack.ids import is_id
from connectors.slack.rich_text import Object, objects, text_of


def emoji_of(name: str) -> str:
    """``wave::skin-tone-3`` as a character; a workspace's own emoji stays ``:name:``."""
    base = name.partition("::")[0]
    return character(name) or character(base) or f":{base}:"


def name_of(emoji: str) -> str | None:
    """The name to react with; a character that Slack has no name for is None."""
    if len(emoji) > 2 and emoji[0] == emoji[-1] == ":":
        return emoji[1:-1]
    return shortcode(emoji)


def standing(message: Object) -> frozenset[Reaction]:
    """All reactions that a message of a listing carries."""
    return frozenset(
        Reaction(AccountId(user), emoji_of(name))
        for reaction in objects(message.get("reactions"))
        if (name := text_of(reaction, "name"))
        for user in _users(reaction)
    )


def is_truncated(message: Object) -> bool:
    """Whether a listing names fewer people than reacted."""
    return any(
        isinstance(count := reaction.get("count"), int) and count > len(_users(reaction))
        for reaction in objects(message.get("reactions"))
    )


def _users(reaction: Object) -> list[str]:
    users: Any = reaction.get("users")
    return [encodable(user) for user in users if is_id(user)] if isinstance(users, list) else []
