"""What is heard and what is to be said, in words no platform owns.

Ids are opaque above a platform's ``ids.py``: nobody else builds, splits or compares their inside.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from connectors.richtext import Document

AccountId = NewType("AccountId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
"""Unique within one conversation only: Slack and Teams number messages per channel."""
WorkspaceId = NewType("WorkspaceId", str)


class Kind(StrEnum):
    """What a webhook announces. ``OTHER`` is everything that no conversation shows: it is counted, not stored."""

    POSTED = "posted"
    EDITED = "edited"
    DELETED = "deleted"
    REACTION = "reaction"
    MEMBERSHIP = "membership"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reference:
    """Enough to find a message again at its platform, and nothing of what it says."""

    kind: Kind
    conversation: ConversationId
    message: MessageId
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A person, guest or bot as one platform's directory shows it. ``avatar_url`` is public or empty."""

    id: AccountId
    name: str
    email: str = ""
    avatar_url: str = ""
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was heard. ``author_name`` is what the event itself said, empty where platforms name only the id."""

    id: MessageId
    conversation: ConversationId
    author: AccountId
    body: Document
    sent_at: datetime
    author_name: str = ""
    thread: MessageId | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """Somebody said something new."""

    message: Message


@dataclass(frozen=True, slots=True)
class Skipped:
    """A payload that is understood and does not cross, with its reason: ``system message``, ``edit``, ``bot``, …"""

    why: str


Event = Posted | Skipped


@dataclass(frozen=True, slots=True)
class Byline:
    """Who really speaks when the app or the service user lends its voice. ``platform`` is a label such as ``Slack``."""

    name: str
    platform: str
    avatar_url: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be said in ``conversation``.

    ``nonce`` is ours, unique per part and send; a platform that can carry it hides it in the message, so that a lost
    answer is resolved by looking. ``byline`` is None when the author's own account speaks.
    """

    conversation: ConversationId
    body: Document
    nonce: str
    byline: Byline | None = None
    thread: MessageId | None = None
