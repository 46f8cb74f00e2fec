"""The fake Zoom's memory: who is in the account, which channels there are, what was said, and how it is told (§2, §3)."""

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.sandbox import digest

KEPT = 2000
"""Messages remembered per channel: more than a page, a test or a benchmark asks for, and a few megabytes at most."""

ACCOUNT = base64.urlsafe_b64encode(bytes.fromhex(digest("zoom", "account"))).decode()[:22]


@dataclass(frozen=True, slots=True)
class User:
    """``id`` and ``email`` are empty for a person of another account, as Zoom shows them to us."""

    id: str
    member_id: str
    name: str
    email: str

    @property
    def contact(self) -> dict[str, str]:
        """How a mention names this person."""
        return {"at_contact": self.email, "at_contact_user_id": self.id, "at_contact_member_id": self.member_id}

    def shown(self) -> dict[str, Any]:
        """The user as the list of users shows it."""
        first, _, last = self.name.partition(" ")
        base = {"id": self.id, "email": self.email, "first_name": first, "last_name": last, "display_name": self.name}
        return base | {"type": 2, "status": "active", "timezone": "UTC", "verified": 1}


def user(name: str, email: str) -> User:
    """A person of the account, the same one after every restart."""
    return User(_short("user", email), _long(email), name, email)


def outsider(name: str) -> User:
    """A person of another account."""
    return User("", _long("outside", name), name, "")


def _short(*parts: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(digest("zoom", *parts))).decode()[:22]


def _long(*parts: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(digest("zoom", "member", *parts))).decode().rstrip("=")


@dataclass(slots=True)
class Said:
    """One message as Zoom keeps it. ``at`` is in milliseconds; ``root`` is the first message of its thread."""

    id: str
    author: User
    at: int
    message: str
    rich_text: list[dict[str, Any]]
    at_items: list[dict[str, Any]]
    root: str = ""

    @property
    def times(self) -> dict[str, Any]:
        moment = datetime.fromtimestamp(self.at / 1000, UTC)
        return {"date_time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "timestamp": self.at}

    @property
    def body(self) -> dict[str, Any]:
        """Text, spans and mentions, left out where there are none."""
        parts = {"message": self.message, "rich_text": self.rich_text, "at_items": self.at_items}
        return {name: part for name, part in parts.items() if part}

    def told(self) -> dict[str, Any]:
        """The message as the message calls show it: by e-mail and member id, without any user id (§3.1)."""
        items = [{k: v for k, v in item.items() if k != "at_contact_user_id"} for item in self.at_items]
        told = {"id": self.id, "sender": self.author.email, "send_member_id": self.author.member_id}
        told |= {"sender_display_name": self.author.name, "message_type": "plain_text_message"}
        told |= self.body | ({"at_items": items} if items else {})
        return told | self.times | ({"reply_main_message_id": self.root} if self.root else {})


@dataclass(slots=True)
class Room:
    """A channel. ``messages`` are by normalised id, oldest first."""

    id: str
    name: str
    linked: bool
    members: list[User]
    messages: dict[str, Said] = field(default_factory=dict)

    def keep(self, said: Said, key: str) -> None:
        self.messages[key] = said
        while len(self.messages) > KEPT:
            del self.messages[next(iter(self.messages))]

    def member(self, contact: str) -> User | None:
        """By user id, member id or e-mail."""
        return by_key(self.members, contact)

    def shown(self) -> dict[str, Any]:
        """The channel as the channel calls show it: private, so that outsiders may be in it."""
        settings = {"add_member_permissions": 1, "posting_permissions": 1, "mention_all_permissions": 1}
        return {
            "id": self.id,
            "jid": f"{self.id}@conference.xmpp.zoom.us",
            "name": self.name,
            "type": 1,
            "channel_url": f"https://zoom.us/launch/chat?src=channel&id={self.id}",
            "channel_settings": settings | {"new_members_can_see_previous_messages_files": True},
        }


def by_key(users: Iterable[User], key: str) -> User | None:
    """The user behind an id, a member id or an e-mail address."""
    return next((user for user in users if key and key in (user.id, user.member_id, user.email)), None)


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


def posted_event(said: Said, room: Room, now: float) -> dict[str, Any]:
    """``team_chat.channel_message_posted`` (§2.7); an outsider's envelope is empty but for the member id (§2.5)."""
    item: dict[str, Any] = {"message_id": said.id, "session_id": room.id, **said.times}
    item |= {"channel_id": room.id, "channel_owner_account_id": ACCOUNT, "channel_name": room.name, **said.body}
    if said.root:
        item["reply_main_message_id"] = said.root
    payload = _actor(said.author) | {
        "operator_member_id": said.author.member_id,
        "by_external_user": not said.author.id,
    }
    return _event("team_chat.channel_message_posted", payload | {"object": item}, now)


def legacy_event(said: Said, room: Room, now: float) -> dict[str, Any]:
    """``chat_message.sent`` or ``.replied`` (§2.6): plain text only, and never of an outsider."""
    item: dict[str, Any] = {"id": said.id, "type": "to_channel", "session_id": room.id, **said.times}
    item |= {"channel_id": room.id, "channel_name": room.name, "message": said.message}
    if said.root:
        item["parent_msg_id"] = said.root
    return _event(f"chat_message.{'replied' if said.root else 'sent'}", _actor(said.author) | {"object": item}, now)


def _actor(user: User) -> dict[str, Any]:
    return {"account_id": ACCOUNT if user.id else "", "operator": user.email, "operator_id": user.id}


def _event(name: str, payload: Mapping[str, Any], now: float) -> dict[str, Any]:
    return {"event": name, "event_ts": int(now * 1000), "payload": payload}
