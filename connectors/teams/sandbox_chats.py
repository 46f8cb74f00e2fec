"""Chats of the fake: of two people or of a group, and who is in them (reference teams.md §3.4)."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from connectors.sandbox import digest
from connectors.teams.sandbox_channels import Channel, Channels, iso
from connectors.teams.sandbox_people import People
from connectors.teams.sandbox_rules import Denied, check_roster

CHATS = "chats"
"""What stands in the place of a team: a chat has none, and no team's id is this word."""
MOST_MEMBERS = 250
"""Of a group."""
MEMBERS_PAGE = 25
"""Members listed at once: as many as Graph is known to show (§3.4)."""
_BIND = re.compile(r"https://graph\.microsoft\.com/v1\.0/users(?:\('([^']+)'\)|/([^/]+))")
_KIND = "#microsoft.graph.aadUserConversationMember"


@dataclass(slots=True)
class Chat(Channel):
    """A group where ``is_group``; its ``name`` is the topic. Things are said, changed and taken back as in a channel."""

    is_group: bool = False
    made: float = 0.0

    def placed(self, message: str) -> dict[str, Any]:
        return {"chatId": self.id, "channelIdentity": None, "webUrl": None}


class Chats:
    """All chats by id. ``channels`` keeps what is said in them."""

    def __init__(self, tenant: str, people: People, channels: Channels, clock: Callable[[], float]) -> None:
        self.all: dict[str, Chat] = {}
        self._tenant, self._people, self._channels, self._clock = tenant, people, channels, clock

    def id_of(self, one: str, other: str) -> str:
        """The id of the chat of two people."""
        return "19:{}_{}@unq.gbl.spaces".format(*sorted((one, other)))

    def at(self, chat: str) -> Chat:
        """Raises ``Denied``."""
        if chat not in self.all:
            raise Denied(404, "NotFound", "No chat found with this id.")
        return self.all[chat]

    def of(self, user: str) -> list[Chat]:
        """The chats that somebody is in."""
        return [chat for chat in self.all.values() if user in chat.members]

    def between(self, users: Collection[str]) -> Chat:
        """What the client shows who types these names, opened by the first of them: also of a group the one there is."""
        there = (chat for chat in self.all.values() if chat.members == set(users))
        return next(there, None) or self._made(list(users), next(iter(users)))

    def _made(self, users: list[str], by: str, topic: str = "", is_group: bool | None = None) -> Chat:
        is_group = len(users) > 2 if is_group is None else is_group
        id_ = f"19:{digest('group', str(len(self.all)))[:32]}@thread.v2" if is_group else self.id_of(*users)
        if id_ not in self.all:
            owners = {user for user in users if user not in self._people.guests}
            chat = Chat(id_, topic, False, set(users), CHATS, True, owners, is_group=is_group, made=self._clock())
            self.all[id_] = chat
            if is_group:
                self._told(chat, "membersAdded", by, users)
        return self.all[id_]

    def _told(self, chat: Chat, kind: str, by: str, users: Iterable[str]) -> None:
        self._channels.tell(chat, kind, by, members=[self._channels.named(user) for user in users])

    def open(self, user: str, sent: object) -> dict[str, Any]:
        """``POST /chats``: always the same chat for the same two, a new one for a group. Raises ``Denied``."""
        members = sent.get("members") if isinstance(sent, dict) else None
        if (
            not isinstance(sent, dict)
            or sent.get("chatType") not in ("oneOnOne", "group")
            or not isinstance(members, list)
        ):
            raise Denied(400, "BadRequest", "A chat needs its type and its members.")
        is_group, topic = sent["chatType"] == "group", sent.get("topic")
        users = [self._bound(member) for member in members]
        if len(set(users)) < len(users) or not (2 <= len(users) <= MOST_MEMBERS if is_group else len(users) == 2):
            raise Denied(400, "BadRequest", "A oneOnOne chat has exactly two different members, a group two or more.")
        if user not in users:
            raise Denied(403, "Forbidden", "The caller must be one of the members.")
        if topic is not None and (not is_group or not isinstance(topic, str)):
            raise Denied(400, "BadRequest", "Only a group has a topic.")
        return self.shown(self._made(users, user, topic or "", is_group))

    def _bound(self, member: object) -> str:
        """Whom a membership names. Raises ``Denied``."""
        sent = member if isinstance(member, dict) else {}
        found = _BIND.fullmatch(str(sent.get("user@odata.bind")))
        user = unquote(found[1] or found[2]) if found else ""
        if sent.get("@odata.type") != _KIND or user not in self._people:
            raise Denied(400, "BadRequest", "A member has a type and is somebody of the tenant.")
        if sent.get("roles") != ["guest" if user in self._people.guests else "owner"]:
            raise Denied(400, "BadRequest", "Invalid roles: a member of the tenant is an owner, a guest is a guest.")
        return user

    def add(self, by: str, chat: Chat, sent: object) -> str:
        """``POST`` of a member; the address of the membership. Raises ``Denied``."""
        check_roster(by, chat.members)
        user = self._bound(sent)
        if not chat.is_group:
            raise Denied(400, "BadRequest", "The members of a oneOnOne chat cannot be changed.")
        if len(chat.members) >= MOST_MEMBERS:
            raise Denied(403, "Forbidden", "The maximum number of members is reached.")
        if user not in chat.members:
            chat.members.add(user)
            self._told(chat, "membersAdded", by, [user])
        return f"/chats('{quote(chat.id)}')/members('{self.member(chat, user)['id']}')"

    def rename(self, chat: Chat, by: str, topic: str) -> None:
        """Give a group another name."""
        chat.name = topic
        self._channels.tell(chat, "chatRenamed", by, chatId=chat.id, chatDisplayName=topic)

    def shown(self, chat: Chat) -> dict[str, Any]:
        at = iso(chat.made)
        kind, topic = ("group", chat.name or None) if chat.is_group else ("oneOnOne", None)
        known = {"id": chat.id, "chatType": kind, "topic": topic, "tenantId": self._tenant}
        url = f"https://teams.microsoft.com/l/chat/{quote(chat.id, safe='')}/0?tenantId={self._tenant}"
        return known | {"createdDateTime": at, "lastUpdatedDateTime": at, "webUrl": url}

    def member(self, chat: Chat, user: str) -> Mapping[str, Any]:
        """A membership. Who left the directory is still in it, without a name."""
        name, email = self._people.named(user) if user in self._people else (None, None)
        return {
            "@odata.type": _KIND,
            "id": digest("membership", chat.id, user)[:40],
            "roles": ["guest" if user in self._people.guests else "owner"],
            "displayName": name,
            "userId": user,
            "email": email,
            "tenantId": self._tenant,
        }
