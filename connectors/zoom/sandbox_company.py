"""The fake Zoom's memory: who is in the account, which channels there are, what was said, and how calls show it (§3)."""

import base64
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.sandbox import COMPANY, digest

KEPT = 2000
"""Messages remembered per channel: more than a page, a test or a benchmark asks for, and a few megabytes at most."""

ACCOUNT = base64.urlsafe_b64encode(bytes.fromhex(digest("zoom", "account"))).decode()[:22]


@dataclass(frozen=True, slots=True)
class User:
    """``id`` and ``email`` are empty for a person of another account, as Zoom shows them to us.

    ``role`` is ``Owner``, ``Admin``, ``Member`` or one that the account made up.
    """

    id: str
    member_id: str
    name: str
    email: str
    role: str = "Member"
    status: str = field(default="active", compare=False)

    @property
    def jid(self) -> str:
        return f"{self.id.lower()}@xmpp.zoom.us"

    @property
    def contact(self) -> dict[str, str]:
        """How a mention names this person."""
        return {"at_contact": self.email, "at_contact_user_id": self.id, "at_contact_member_id": self.member_id}

    def shown(self) -> dict[str, Any]:
        """The user as the list of users shows it."""
        first, _, last = self.name.partition(" ")
        base = {"id": self.id, "email": self.email, "first_name": first, "last_name": last, "display_name": self.name}
        return base | {"type": 2, "status": self.status, "timezone": "UTC", "verified": 1}

    def shown_alone(self) -> dict[str, Any]:
        """The user as the call for one user shows it."""
        role = {"role_name": self.role, "role_id": _ROLES.get(self.role, _short("role", self.role))}
        return self.shown() | role | {"account_id": ACCOUNT, "jid": self.jid, "company": COMPANY, "pic_url": ""}


_ROLES = {"Owner": "0", "Admin": "1", "Member": "2"}


def user(name: str, email: str, role: str = "Member") -> User:
    """A person of the account, the same one after every restart."""
    return User(_short("user", email), _long(email), name, email, role)


def outsider(name: str) -> User:
    """A person of another account."""
    return User("", _long("outside", name), name, "")


def _short(*parts: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(digest("zoom", *parts))).decode()[:22]


def _long(*parts: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(digest("zoom", "member", *parts))).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as Zoom keeps it; its bytes may be forgotten before its message is."""

    id: str
    name: str
    size: int

    @property
    def extension(self) -> str:
        return self.name.rpartition(".")[2].upper() if "." in self.name else ""

    @property
    def is_image(self) -> bool:
        return self.extension in IMAGES

    def announced(self) -> dict[str, Any]:
        """The file as events show it: without any address (§2.7)."""
        kind = "image" if self.is_image else "file"
        named = {"file_id": self.id, "file_name": self.name, "file_size": self.size}
        return named | {"OS_file_type": self.extension, "file_message_type": kind}


@dataclass(slots=True)
class Said:
    """One message as Zoom keeps it. ``at`` is in milliseconds; ``root`` is the first message of its thread.

    ``reactions`` are the people by emoji, as ``U+1F44D`` or the name of a custom one.
    """

    id: str
    author: User
    at: int
    message: str
    rich_text: list[dict[str, Any]]
    at_items: list[dict[str, Any]]
    root: str = ""
    files: list[Stored] = field(default_factory=list)
    reactions: dict[str, list[User]] = field(default_factory=dict)
    edited: bool = False

    @property
    def times(self) -> dict[str, Any]:
        moment = datetime.fromtimestamp(self.at / 1000, UTC)
        return {"date_time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "timestamp": self.at}

    @property
    def body(self) -> dict[str, Any]:
        """Text, files, spans and mentions, left out where there are none."""
        files = [file.announced() for file in self.files]
        parts = {"message": self.message, "files": files, "rich_text": self.rich_text, "at_items": self.at_items}
        return {name: part for name, part in parts.items() if part}

    @property
    def kind(self) -> str:
        if not self.files:
            return "plain_text_message"
        if self.message:
            return "file_and_text"
        return _KINDS.get(self.files[0].extension, "others")

    def told(self, address: Callable[[Stored], str]) -> dict[str, Any]:
        """The message as the message calls show it: by e-mail and member id, without any user id (§3.1)."""
        items = [{k: v for k, v in item.items() if k != "at_contact_user_id"} for item in self.at_items]
        files = [_told_file(file, address(file)) for file in self.files]
        told = {"id": self.id, "sender": self.author.email, "send_member_id": self.author.member_id}
        told |= {"sender_display_name": self.author.name, "message_type": self.kind}
        told |= self.body | ({"at_items": items} if items else {}) | ({"files": files, **files[0]} if files else {})
        return told | self.times | ({"reply_main_message_id": self.root} if self.root else {})

    def reacted_by_ids(self) -> list[dict[str, Any]]:
        """Reactions as the call for one message shows them."""
        return [
            {
                "emoji": emoji,
                "total_count": len(people),
                "user_ids": [person.id for person in people],
                "member_ids": [person.member_id for person in people],
            }
            for emoji, people in self.reactions.items()
        ]

    def reacted_by_senders(self) -> list[dict[str, Any]]:
        """Reactions as the list of messages shows them."""
        return [
            {
                "emoji": emoji,
                "total_count": len(people),
                "senders": [{"user_id": person.id, "member_id": person.member_id} for person in people],
            }
            for emoji, people in self.reactions.items()
        ]


@dataclass(frozen=True, slots=True)
class Card:
    """What the chatbot said: its lines, and below them its links, each with what it is called."""

    text: str
    links: tuple[tuple[str, str], ...]

    @property
    def typed(self) -> str:
        return "\n".join((self.text, *(f"{label}: {url}" for label, url in self.links)))


IMAGES = ("PNG", "JPG", "JPEG", "GIF")
_KINDS = {"PNG": "png_image_file", "JPG": "jpg_image_file", "JPEG": "jpg_image_file", "GIF": "gif_file"}


def _told_file(file: Stored, address: str) -> dict[str, Any]:
    return {"file_id": file.id, "file_name": file.name, "file_size": file.size, "download_url": address}


@dataclass(slots=True)
class Room:
    """A channel, a group chat (type 4) or the chat of two people (``is_pair``). ``messages`` are by normalised id, oldest
    first. Where it has an ``owner``, only that user may rename it and send people away; where it is ``closed``, only that
    user may bring people. ``type`` is as in §3.2.
    """

    id: str
    name: str
    linked: bool
    members: list[User]
    archived: bool = False
    owner: User | None = None
    closed: bool = False
    type: int = 1
    is_pair: bool = False
    messages: dict[str, Said] = field(default_factory=dict)

    def keep(self, said: Said, key: str) -> None:
        self.messages[key] = said
        while len(self.messages) > KEPT:
            del self.messages[next(iter(self.messages))]

    def other(self, one: User) -> User:
        """Whom somebody talks to in a chat of two."""
        return next(member for member in self.members if member != one)

    def member(self, contact: str) -> User | None:
        """By user id, member id or e-mail."""
        return by_key(self.members, contact)

    def shown(self) -> dict[str, Any]:
        """The channel as the channel calls show it. Those of the company are private, and outsiders may be in them."""
        settings = {
            "add_member_permissions": 2 if self.closed else 1,
            "posting_permissions": 1,
            "mention_all_permissions": 1,
        }
        return {
            "id": self.id,
            "jid": f"{self.id}@conference.xmpp.zoom.us",
            "name": self.name,
            "type": self.type,
            "channel_url": f"https://zoom.us/launch/chat?src=channel&id={self.id}",
            "channel_settings": settings | {"new_members_can_see_previous_messages_files": True},
        }


def by_key(users: Iterable[User], key: str) -> User | None:
    """The user behind an id, a member id or an e-mail address."""
    return next((user for user in users if key and key in (user.id, user.member_id, user.email)), None)


GROUP = 4
"""The type of a group chat (§3.2)."""


def pair(one: User, other: User) -> Room:
    """The chat of two people."""
    sessions = sorted(member.id.lower() or member.member_id for member in (one, other))
    return Room(":".join(sessions), "", False, [one, other], type=0, is_pair=True)


def room(name: str, linked: bool, members: list[User]) -> Room:
    """A channel, the same one after every restart."""
    return Room(digest("zoom", "channel", name)[:32], name, linked, members)


def message_id(now: float, number: int) -> str:
    """Follows the clock, so it never repeats."""
    return str(uuid.UUID(digest("zoom", "message", repr(now), str(number))[:32])).upper()


def member_shown(user: User, owner: bool) -> dict[str, Any]:
    """A member as the member calls show one: outsiders without id and e-mail."""
    first, _, last = user.name.partition(" ")
    names = {"first_name": first, "last_name": last, "name": user.name, "role": "owner" if owner else "member"}
    return {"id": user.id, "member_id": user.member_id, "email": user.email, "is_external": not user.id} | names
