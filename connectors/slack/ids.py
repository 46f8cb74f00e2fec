"""The only place that makes and opens Slack's ids (reference: conventions).

A conversation is its channel id, whoever is told of it and whoever speaks there; a direct chat has one like any other. A
message is its ``ts``: a text of seconds with six decimals, unique within one channel, never turned into a number to be
compared or sent back. A workspace is its team id.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.messages import AccountId, ConversationId, MessageId

_TS = re.compile(r"[0-9]{1,11}\.[0-9]{1,9}")
"""Eleven digits of seconds last for three thousand years; more would not be a date."""
_ID = re.compile(r"[A-Z0-9]{2,64}")
"""Ids are opaque and of varying length; this keeps out only what could never be one."""


def is_ts(value: Any) -> bool:
    """Whether a value from the wire is a message id."""
    return isinstance(value, str) and _TS.fullmatch(value) is not None


def is_id(value: Any) -> bool:
    """Whether a value from the wire looks like the id of a channel, person, team or app."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def moment(ts: str) -> datetime:
    """When a message was posted; ``ts`` must have passed ``is_ts``."""
    return datetime.fromtimestamp(float(ts), UTC)


def ts_of(when: datetime) -> str:
    """A time as the ``oldest`` of a listing."""
    return f"{when.timestamp():.6f}"


def author(message: Mapping[str, Any]) -> AccountId | None:
    """Who posted: the user, or the bot profile where an app posts under a name of its own and no user is given."""
    return next((AccountId(message[key]) for key in ("user", "bot_id") if is_id(message.get(key))), None)


def thread(message: Mapping[str, Any]) -> MessageId | None:
    """The parent of a reply; a parent names itself, which is no thread yet."""
    root = message.get("thread_ts")
    return MessageId(str(root)) if is_ts(root) and root != message.get("ts") else None


def edited_at(message: Mapping[str, Any], event_ts: Any = None) -> datetime | None:
    """When its author last changed a message; None where nobody did.

    Slack tells it to the second, and apps that write as they think edit more often. The time of an event of that same
    second is finer; a later event only shows the edit again, with a preview perhaps, and is no newer.
    """
    edited = message.get("edited")
    ts = edited.get("ts") if isinstance(edited, dict) else None
    if not isinstance(ts, str) or not is_ts(ts):
        return None
    same = is_ts(event_ts) and event_ts.partition(".")[0] == ts.partition(".")[0]
    return moment(max(ts, event_ts) if same else ts)


def is_chat(conversation: Any) -> bool:
    """Whether an id is of a direct chat of two (``D…``). Groups have ids like channels."""
    return is_id(conversation) and conversation.startswith("D")


def fitting(conversation: ConversationId, *scopes: str) -> tuple[str, ...]:
    """Those of ``scopes`` that may fit the conversation, as far as its id tells: ``im:…`` alone opens a chat of two."""
    return tuple(scope for scope in scopes if scope.startswith("im:") == is_chat(conversation))


def is_bot_profile(account: AccountId) -> bool:
    """Bot profiles (``B…``) are looked up apart from users and cannot be mentioned."""
    return account.startswith("B")


def post_bucket(conversation: ConversationId) -> str:
    """Posts are limited per channel, about one a second (reference §3.1)."""
    return f"chat.postMessage:{conversation}"
