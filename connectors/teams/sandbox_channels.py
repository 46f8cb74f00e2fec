"""Channels of the fake and what is said in them: the rules of ids, etags and times (reference teams.md §3.1 to §3.3)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from connectors.messages import ConversationId, MessageId
from connectors.sandbox import digest
from connectors.teams.ids import channel_id, hosted_path, message_id, root_and_reply
from connectors.teams.sandbox_drive import Drive
from connectors.teams.sandbox_entra import guid
from connectors.teams.sandbox_rules import USER_IDENTITY, Denied

GRAPH = "https://graph.microsoft.com/v1.0"
RESERVED = 30 * 24 * 3600
"""Seconds for which the name of a deleted channel stays taken (§3.5)."""
MOST_STANDARD, MOST_PRIVATE = 1_000, 30
"""Channels of a team."""
KEPT = 2_000
"""Threads kept per channel: more than any page shows or test posts, a few megabytes at most."""

Message = dict[str, Any]
_SYSTEM = {"messageType": "systemEventMessage", "body": {"contentType": "html", "content": "<systemEventMessage/>"}}
_EMPTIED: Mapping[str, Any] = {"attachments": [], "mentions": [], "reactions": [], "subject": None}


@dataclass(slots=True)
class Thread:
    root: Message
    replies: dict[str, Message] = field(default_factory=dict)


@dataclass(slots=True)
class Team:
    """``lets_create`` is its setting for channels made by members, ``lets_guests`` the one for guests."""

    id: str
    name: str
    members: set[str]
    owners: set[str] = field(default_factory=set)
    lets_create: bool = True
    lets_guests: bool = True


@dataclass(slots=True)
class Channel:
    """``folder_ready`` is False while the channel's folder is still being made (§3.9). What others call a topic is its
    ``description``. The members of a standard channel are its team's: the very same set."""

    id: str
    name: str
    linked: bool
    members: set[str]
    team: str
    is_private: bool = False
    owners: set[str] = field(default_factory=set)
    threads: dict[str, Thread] = field(default_factory=dict)
    folder_ready: bool = True
    description: str = ""

    def placed(self, message: str) -> dict[str, Any]:
        """Where a message of it is, in the message's own words."""
        url = f"https://teams.microsoft.com/l/message/{self.id}/{message}?groupId={self.team}"
        return {"chatId": None, "channelIdentity": {"teamId": self.team, "channelId": self.id}, "webUrl": url}

    def message(self, message: MessageId) -> Message:
        """A root or a reply. Raises ``Denied``."""
        root, reply = root_and_reply(message)
        thread = self.threads.get(root)
        if thread is None or (reply is not None and reply not in thread.replies):
            raise Denied(404, "NotFound", "The message was not found.")
        return thread.root if reply is None else thread.replies[reply]


class Channels:
    """``users`` are names by object id; ``notify`` hears of every change with its ``changeType``.

    ``lets_edit`` and ``lets_delete`` are the tenant's messaging policy (§3.2).
    """

    def __init__(
        self,
        tenant: str,
        home: Team,
        users: Mapping[str, tuple[str, str]],
        notify: Callable[[ConversationId, MessageId, str], None],
        clock: Callable[[], float],
    ) -> None:
        self.all: dict[str, Channel] = {}
        self.heed: Callable[[Channel, str], None] = lambda channel, change: None
        self.teams = {home.id: home}
        self.reserved: dict[tuple[str, str], float] = {}
        self.drive = Drive(clock)
        self._tenant, self._home, self._users = tenant, home, users
        self._notify, self._clock = notify, clock
        self._last_id = 0
        self._deleted: dict[str, Message] = {}
        self._app = {"application": {"id": guid("client"), "displayName": "Mio Hub"}, "device": None, "user": None}
        self.lets_edit = self.lets_delete = True

    def open(self, name: str, linked: bool, team: str = "", owner: str = "") -> Channel:
        """A channel of the first or another team, private where it has an owner; the same one for the same name."""
        home = self.teams[team] if team else self._home
        parts = ("teams", "channel", name) if home is self._home else ("teams", home.id, "channel", name)
        id_ = f"19:{digest(*parts)[:32]}@thread.tacv2"
        if owner:
            return self.all.setdefault(id_, Channel(id_, name, linked, {owner}, home.id, True, {owner}))
        return self.all.setdefault(id_, Channel(id_, name, linked, home.members, home.id, owners=home.owners))

    def close(self, channel: Channel) -> None:
        """Delete a channel: its name stays taken for a while."""
        self.reserved[channel.team, channel.name.lower()] = self._clock() + RESERVED
        del self.all[channel.id]
        self.heed(channel, "deleted")

    def of(self, team: str) -> list[Channel]:
        """The channels of a team."""
        return [channel for channel in self.all.values() if channel.team == team]

    def is_taken(self, team: str, name: str, by: Channel | None = None) -> bool:
        """Whether a channel other than ``by`` has, or lately had, a name."""
        held = any(one.name.lower() == name.lower() for one in self.of(team) if one is not by)
        return held or self.reserved.get((team, name.lower()), 0.0) > self._clock()

    def named(self, user: str) -> dict[str, Any]:
        """Somebody as system messages name them."""
        return {"@odata.type": USER_IDENTITY, "id": user, "displayName": None, "userIdentityType": "aadUser"}

    def say(self, channel: Channel, user: str, said: Message, root: str | None = None) -> Message:
        """Store a message and notify the subscription: before the answer, as happens in reality."""
        pictures = said.pop("hostedContents", ())
        message = self._message(channel, root) | {"from": self._from(user)} | said
        self._keep_pictures(channel, message, pictures)
        return self._stored(channel, message)

    def tell(self, channel: Channel, kind: str, initiator: str, **detail: object) -> Message:
        """A system message of Teams itself; ``kind`` is that of its ``eventDetail``, an empty ``initiator`` the app."""
        event = {"@odata.type": f"#microsoft.graph.{kind}EventMessageDetail", **detail}
        event |= {"initiator": self._from(initiator) if initiator else self._app}
        return self._stored(channel, self._message(channel, None) | _SYSTEM | {"from": None, "eventDetail": event})

    def edit(self, channel: Channel, user: str, id_: MessageId, said: Message) -> None:
        """Replace all of an own message: what is not sent again is gone, files included. Raises ``Denied``."""
        message = self._own(channel, user, id_, allowed=self.lets_edit)
        pictures = said.pop("hostedContents", ())
        message |= {**said, "subject": said["subject"] or message["subject"]}
        self._keep_pictures(channel, message, pictures)
        message["lastEditedDateTime"] = self._touched(message)
        self._heard(channel, message, "updated")

    def remove(self, channel: Channel, user: str, id_: MessageId) -> None:
        """Soft delete: it stays listed without its content, and its replies stay. Raises ``Denied``."""
        message = self._own(channel, user, id_, allowed=self.lets_delete)
        before = dict(message)
        message |= {**_EMPTIED, "body": {"contentType": "html", "content": ""}}
        message["deletedDateTime"] = self._touched(message)
        self._deleted[message["etag"]] = before
        if len(self._deleted) > KEPT:
            del self._deleted[next(iter(self._deleted))]
        self._heard(channel, message, "deleted")

    def restore(self, channel: Channel, user: str, id_: MessageId) -> None:
        """Undo a soft delete. Raises ``Denied``."""
        message = channel.message(id_)
        before = self._deleted.pop(message["etag"], None)
        if before is None or before["from"]["user"]["id"] != user:
            raise Denied(404, "NotFound", "There is no deleted message of yours.")
        message |= {name: before[name] for name in ("body", *_EMPTIED)} | {"deletedDateTime": None}
        self._touched(message)
        self._heard(channel, message, "updated")

    def react(self, channel: Channel, user: str, id_: MessageId, emoji: str, on: bool) -> None:
        """Set or unset a reaction; setting it again changes nothing and says nothing. Raises ``Denied``."""
        message = self._standing(channel, id_)
        others = [
            one for one in message["reactions"] if (one["user"]["user"]["id"], one["reactionType"]) != (user, emoji)
        ]
        already = len(others) < len(message["reactions"])
        if not on and not already:
            raise Denied(404, "NotFound", "The reaction was not found.")
        if on and already:
            return
        message["reactions"] = [*others, self._reaction(user, emoji)] if on else others
        self._touched(message)
        self._heard(channel, message, "updated")

    def _reaction(self, user: str, emoji: str) -> dict[str, Any]:
        identities = {"application": None, "device": None, "user": self._identity(user)}
        at = iso(self._clock())
        known = {"reactionType": emoji, "displayName": None, "reactionContentUrl": None}
        return known | {"createdDateTime": at, "user": identities}

    def _standing(self, channel: Channel, id_: MessageId) -> Message:
        message = channel.message(id_)
        if message["deletedDateTime"]:
            raise Denied(404, "NotFound", "The message was deleted.")
        return message

    def _own(self, channel: Channel, user: str, id_: MessageId, *, allowed: bool) -> Message:
        message = self._standing(channel, id_)
        if not allowed:
            raise Denied(403, "Forbidden", "The messaging policy does not allow this.")
        author = (message["from"] or {}).get("user") or {}
        if author.get("id") != user:
            raise Denied(403, "Forbidden", "Only the sender of a message can change it.")
        return message

    def _touched(self, message: Message) -> str:
        """A new etag and time of modification, which every change brings; the time."""
        now = self._tick()
        message |= {"etag": str(now), "lastModifiedDateTime": iso(now / 1000)}
        return iso(now / 1000)

    def _tick(self) -> int:
        """Milliseconds of the clock, but never the same twice."""
        self._last_id = max(int(self._clock() * 1000), self._last_id + 1)
        return self._last_id

    def _stored(self, channel: Channel, message: Message) -> Message:
        root = message["replyToId"]
        if root is None:
            channel.threads[message["id"]] = Thread(message)
            if len(channel.threads) > KEPT:
                del channel.threads[next(iter(channel.threads))]
        else:
            channel.threads[root].replies[message["id"]] = message
        self._heard(channel, message, "created")
        return message

    def _heard(self, channel: Channel, message: Message, change: str) -> None:
        id_ = message_id(message["id"], message["replyToId"])
        self._notify(channel_id(channel.team, channel.id), id_, change)

    def _keep_pictures(self, channel: Channel, message: Message, pictures: Iterable[tuple[str, str, bytes]]) -> None:
        """Pictures sent with a message get an address of Graph, which its text then names (§3.10)."""
        conversation = channel_id(channel.team, channel.id)
        id_ = message_id(message["id"], message["replyToId"])
        for temporary, kind, data in pictures:
            key = uuid4().hex
            url = GRAPH + hosted_path(conversation, id_, key)
            self.drive.keep_picture(url, kind, data)
            body = message["body"]
            content = body["content"].replace(f"../hostedContents/{temporary}/$value", url)
            message["body"] = body | {"content": content}

    def _from(self, user: str) -> dict[str, Any]:
        return {"application": None, "device": None, "user": self._identity(user)}

    def _identity(self, user: str) -> dict[str, Any]:
        identity = {"@odata.type": USER_IDENTITY, "id": user, "displayName": self._users[user][0]}
        return identity | {"userIdentityType": "aadUser", "tenantId": self._tenant}

    def _message(self, channel: Channel, root: str | None) -> Message:
        id_ = str(self._tick())
        at = iso(int(id_) / 1000)
        return {
            "id": id_,
            "replyToId": root,
            "etag": id_,
            "messageType": "message",
            "createdDateTime": at,
            "lastModifiedDateTime": at,
            "lastEditedDateTime": None,
            "deletedDateTime": None,
            "subject": None,
            "summary": None,
            "locale": "en-us",
            "policyViolation": None,
            "eventDetail": None,
            "attachments": [],
            "mentions": [],
            "reactions": [],
            **channel.placed(id_),
        }


def iso(at: float) -> str:
    """A time as Graph writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"
