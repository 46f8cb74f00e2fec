"""What is heard and what is to be said, in words no platform owns.

Ids are opaque above a platform's ``ids.py``: nobody else builds, splits or compares their inside.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from connectors.richtext import Document

AccountId = NewType("AccountId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
"""Unique within one conversation only: Slack and Teams number messages per channel."""
WorkspaceId = NewType("WorkspaceId", str)
TeamId = NewType("TeamId", str)
"""A group of conversations with members of its own: a team in Teams and in Webex. Slack and Zoom have none."""
NO_TEAM = TeamId("")
NO_ACCOUNT = AccountId("")


class Kind(StrEnum):
    """What a webhook announces.

    ``CHANGED`` is a platform's word that something about a message is different, without what: its text, its reactions or
    nothing that shows. ``NOTICE`` is about the conversation: joined, left, renamed, topic, archived. ``OTHER`` is
    everything that no conversation shows: it is counted, not stored. ``DIRECTORY``: an account or a conversation is not what
    the directory holds: ``Reference.message`` is the account's id or empty, ``Reference.conversation`` the conversation's or
    empty (with both, it is about that account's membership there). ``REVOKED``: the workspace took back what it had granted
    us. ``LAPSED``: an order to be told of things has ended or is about to; ``Reference.message`` is its id.
    """

    POSTED = "posted"
    EDITED = "edited"
    DELETED = "deleted"
    REACTED = "reacted"
    UNREACTED = "unreacted"
    CHANGED = "changed"
    NOTICE = "notice"
    COMMAND = "command"
    DIRECTORY = "directory"
    OTHER = "other"
    REVOKED = "revoked"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Reference:
    """Enough to find a message again at its platform, and nothing of what it says."""

    kind: Kind
    conversation: ConversationId
    message: MessageId
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A person, guest or bot as one platform's directory shows it. ``avatar_url`` is public or empty.

    ``is_guest``: of another organization, with limited rights here. ``is_deleted``: deactivated or removed, and still named
    as the author of what it said.
    """

    id: AccountId
    name: str
    email: str = ""
    avatar_url: str = ""
    is_bot: bool = False
    is_guest: bool = False
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file or image of a message.

    ``handle`` is opaque: what the source connector needs to open it. ``link`` is where a person may look at it, empty where
    there is no such place. ``size`` is in bytes, None where the platform tells it only on download.
    """

    name: str
    content_type: str
    handle: str = field(repr=False)
    size: int | None = None
    link: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was heard, as it stands.

    ``author_name`` is what the event itself said, empty where platforms name only the id. ``thread`` is the root it
    answers, None for a message of its own. ``edited_at`` is None until its author changes it; ``is_app`` marks what another
    app said.
    """

    id: MessageId
    conversation: ConversationId
    author: AccountId
    body: Document
    sent_at: datetime
    author_name: str = ""
    thread: MessageId | None = None
    edited_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    is_app: bool = False


@dataclass(frozen=True, slots=True)
class Reaction:
    """One account's emoji on a message: a Unicode character with its modifiers, or ``:name:`` for a workspace's own."""

    account: AccountId
    emoji: str


@dataclass(frozen=True, slots=True)
class Posted:
    """Somebody said something new."""

    message: Message


@dataclass(frozen=True, slots=True)
class Edited:
    """Its author changed a message; ``message`` is all of it as it now reads, ``edited_at`` tells which edit is newer."""

    message: Message


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message is gone."""

    message: MessageId


@dataclass(frozen=True, slots=True)
class Reacted:
    """Somebody put an emoji on a message."""

    message: MessageId
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class Unreacted:
    """Somebody took an emoji back."""

    message: MessageId
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class Stands:
    """A message with all its reactions as it stands now, where a platform tells only that something changed.

    Compared with what is known: a newer ``edited_at`` is an edit, other reactions are reactions, and nothing is nothing.
    """

    message: Message
    reactions: frozenset[Reaction]


class Happening(StrEnum):
    """What a notice tells about a conversation."""

    JOINED = "joined"
    LEFT = "left"
    RENAMED = "renamed"
    TOPIC = "topic"
    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something about the conversation itself: who joined or left, or its new name or topic in ``text``.

    ``by`` is the account that did it, our own where this is the echo of what we did; None where the platform does not
    tell. A ``RENAMED`` always has a name, which may be the one that is known already: Webex and Zoom announce every
    change of a conversation alike.
    """

    what: Happening
    accounts: tuple[AccountId, ...] = ()
    text: str = ""
    by: AccountId | None = None


@dataclass(frozen=True, slots=True)
class Commanded:
    """Somebody asked our app for something: ``words`` after its name. ``handle`` is the connector's, to answer by."""

    account: AccountId
    words: str
    handle: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press below an answer of our app: opens ``url``."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A payload that is understood and does not cross, with its reason: ``system message``, ``edit``, ``bot``, …"""

    why: str


Event = Posted | Edited | Deleted | Reacted | Unreacted | Stands | Noticed | Commanded | Skipped


LONGEST_NAME = 256
"""Characters of a byline's name: longer than names are, and even when all of them are escaped most of a part is text."""


@dataclass(frozen=True, slots=True)
class Byline:
    """Who really speaks when the app or the service user lends its voice. ``platform`` is a label such as ``Slack``.

    ``stand_in`` is the account that represents them there, empty where none does: it is mentioned where the platform shows
    people by that. Raises what a mention in the text does: ``Refused`` where it may not be mentioned.

    A name longer than ``LONGEST_NAME`` is cut: it stands in every part of a message and must leave room for the text.
    """

    name: str
    platform: str
    avatar_url: str = ""
    stand_in: AccountId = NO_ACCOUNT

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME:
            object.__setattr__(self, "name", self.name[: LONGEST_NAME - 1] + "…")


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
