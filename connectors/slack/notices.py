"""What Slack tells about a channel: who came or went, its name and topic, archiving (reference §2.6). Pure.

Names are read from the message in the channel and not from ``channel_rename``, which does not tell who did it.
"""

from connectors.messages import AccountId, Happening, Noticed, Skipped
from connectors.slack.ids import is_id
from connectors.slack.mrkdwn import literal
from connectors.slack.rich_text import Object, text_of

_HAPPENINGS = {
    "channel_topic": (Happening.TOPIC, "topic"),
    "group_topic": (Happening.TOPIC, "topic"),
    "channel_name": (Happening.RENAMED, "name"),
    "group_name": (Happening.RENAMED, "name"),
    "channel_archive": (Happening.ARCHIVED, ""),
    "group_archive": (Happening.ARCHIVED, ""),
    "channel_unarchive": (Happening.UNARCHIVED, ""),
    "group_unarchive": (Happening.UNARCHIVED, ""),
}
"""What each says, and the field with its words."""
_MOVES = {"member_joined_channel": Happening.JOINED, "member_left_channel": Happening.LEFT}


def moved(content: Object) -> Noticed:
    """Who joined or left; Slack tells by whom only where somebody was invited."""
    account = _account(content, "user")
    return Noticed(_MOVES[content["type"]], (account,) if account else (), by=_account(content, "inviter"))


def changed(content: Object) -> Noticed | Skipped:
    """What became of the channel itself, told by an event or by a message."""
    what, words = _HAPPENINGS[content["subtype"] if content["type"] == "message" else content["type"]]
    text = literal(text_of(content, words)) if words else ""
    if what is Happening.RENAMED and not text:
        return Skipped("unreadable")
    return Noticed(what, text=text, by=_account(content, "user") or _account(content, "actor_id"))


def _account(content: Object, key: str) -> AccountId | None:
    value = content.get(key)
    return AccountId(value) if isinstance(value, str) and is_id(value) else None
