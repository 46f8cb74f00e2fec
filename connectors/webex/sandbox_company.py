"""What happens in the fake Webex: one organization, whose webhooks tell of all of it. No HTTP here."""

import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from connectors.messages import MessageId
from connectors.sandbox import COMPANY, Shown, Webhook, cast_of, digest
from connectors.sandbox_data import kept
from connectors.webex import ids
from connectors.webex.sandbox_state import (
    ADMIN_SCOPES,
    BOT_NAME,
    CLUSTER,
    HOST,
    SERVICE_NAME,
    File,
    Hook,
    Kept,
    Member,
    Room,
    Said,
    stable_uuid,
    stamp,
)
from connectors.webex.sandbox_text import mentioned, text_of

MOST_MESSAGES = 2_000
"""Per space; older ones are forgotten. A benchmark's worth, some megabytes."""

MOST_BYTES = 256 * 1024**2
"""Of all files together; older ones are forgotten. Two files of the largest size that Webex takes."""


class Company:
    """Everything there is. ``tell`` takes the webhooks that are due; ``sends_updates``: edits are among them (§2.3)."""

    def __init__(self, clock: Callable[[], float], tell: Callable[[Webhook], None]) -> None:
        self.clock = clock
        self.tell = tell
        self.uuid = stable_uuid("organization", COMPANY)
        self.id = ids.encode("ORGANIZATION", self.uuid)
        self.service_user = Member(SERVICE_NAME, "service@acme.example", ADMIN_SCOPES, roles=("id_full_admin",))
        self.bot = Member(BOT_NAME, "mio@webex.bot", type="bot")
        self.cast = [Member(actor.name, actor.email) for actor in cast_of("webex")]
        self.members = {member.id: member for member in (*self.cast, self.service_user)}
        self.by_token = {member.token: member for member in self.members.values()}
        self.team_uuid = stable_uuid("team", COMPANY)
        self.rooms: dict[str, Room] = {}
        self.hooks: dict[str, Hook] = {}
        self.files: dict[str, Kept] = {}
        self.sends_updates = True
        self._number = 0

    @property
    def team_id(self) -> str:
        return ids.encode("TEAM", self.team_uuid, CLUSTER)

    def find(self, key: str) -> tuple[str, str] | None:
        """Id and name of a member by e-mail address or by any form of the id."""
        wanted = ids.account(key)
        for member in self.members.values():
            if wanted == member.id or key.lower() == member.email:
                return member.id, member.name
        return None

    def add_room(self, title: str, created: str) -> Room:
        """The first space is the team's General, which has the team's UUID (§3.6)."""
        uuid = stable_uuid("room", title) if self.rooms else self.team_uuid
        return self._new_room(uuid, title, created, "group", self.members)

    def direct_room(self, one: Member, other: Member) -> Room:
        """The 1:1 space of two people, made when it is first needed."""
        uuid = stable_uuid("direct", *sorted((one.email, other.email)))
        return self._new_room(uuid, other.name, stamp(self.clock()), "direct", (one.id, other.id))

    def _new_room(self, uuid: str, title: str, created: str, kind: str, members: Iterable[str]) -> Room:
        id_ = ids.encode("ROOM", uuid, CLUSTER)
        if id_ not in self.rooms:
            self.rooms[id_] = Room(id_, uuid, title, created, created, kind, dict.fromkeys(members, created))
        return self.rooms[id_]

    def rooms_of(self, member: Member) -> list[Room]:
        """The spaces that somebody is in."""
        return [room for room in self.rooms.values() if member.id in room.members]

    def add_hook(self, owner: Member, secret: str, data: Mapping[str, Any]) -> Hook:
        """Register a webhook; ``data`` are its name, target, resource, event and filter."""
        id_ = ids.encode("WEBHOOK", self._new_uuid(), CLUSTER)
        given = {
            "id": id_,
            **data,
            "orgId": self.id,
            "createdBy": owner.id,
            "appId": ids.encode("APPLICATION", "C" + digest("webex", "app")),
            "ownedBy": "creator",
            "status": "active",
            "created": stamp(self.clock()),
        }
        self.hooks[id_] = Hook(given, secret, owner.id)
        return self.hooks[id_]

    def forget_seeded_hooks(self) -> None:
        """A Hub that was let in by consent is told what it orders, and nothing else."""
        self.hooks = {id_: hook for id_, hook in self.hooks.items() if not hook.is_seeded}

    def anybody(self, id_: str) -> Member:
        """A person, or the bot."""
        return self.bot if id_ == self.bot.id else self.members[id_]

    def message(self, id_: str, reader: Member) -> Said | None:
        """A message of any space that ``reader`` is in."""
        return next((room.messages[id_] for room in self.rooms_of(reader) if id_ in room.messages), None)

    def say(
        self, author: Member, room: Room, fields: Mapping[str, Any], files: Sequence[File] = (), host: str = HOST
    ) -> Said:
        """Store a new message and tell of it; ``fields`` hold its text in every form and ``parentId``."""
        now, uuid = self.clock(), self._new_uuid()
        files = [replace(file, data=kept(file.data)) for file in files]
        data = {
            "id": ids.encode("MESSAGE", uuid, CLUSTER),
            "roomId": room.id,
            "roomType": room.type,
            **_text_fields(fields),
            **({"files": [self._keep(room, uuid, n, file, host) for n, file in enumerate(files)]} if files else {}),
            "personId": author.id,
            "personEmail": author.email,
            "created": stamp(now),
        }
        said = room.messages[data["id"]] = Said(data, now, tuple(files))
        room.last_activity = data["created"]
        while len(room.messages) > MOST_MESSAGES:
            del room.messages[next(iter(room.messages))]
        self._announce("messages", "created", author, room, _without_text(data))
        return said

    def edit(self, editor: Member, said: Said, fields: Mapping[str, Any]) -> None:
        """Replace the text in every form."""
        kept = {name: value for name, value in said.data.items() if name not in TEXT_FIELDS}
        said.data = kept | _text_fields(fields) | {"updated": stamp(self.clock())}
        said.edits, said.drawn = said.edits + 1, ""
        if self.sends_updates:
            self._announce("messages", "updated", editor, self.rooms[said.data["roomId"]], _without_text(said.data))

    def delete(self, actor: Member, said: Said) -> None:
        """Forget a message; answers to it stay (§3.1)."""
        room = self.rooms[said.data["roomId"]]
        del room.messages[said.data["id"]]
        told = {name: said.data[name] for name in ("id", "roomId", "roomType", "personId", "personEmail")}
        self._announce("messages", "deleted", actor, room, told)

    def join(self, member: Member, room: Room) -> None:
        room.members[member.id] = stamp(self.clock())
        self._announce("memberships", "created", member, room, self.membership(room, member))

    def leave(self, member: Member, room: Room) -> None:
        told = self.membership(room, member)
        del room.members[member.id]
        self._announce("memberships", "deleted", member, room, told)

    def change_room(self, actor: Member, room: Room, title: str, description: str) -> None:
        """The webhook tells neither the title nor what was changed (§2.6)."""
        room.title, room.description, room.last_activity = title, description.strip(), stamp(self.clock())
        told = {name: value for name, value in self.told(room, actor).items() if name in ROOM_FIELDS}
        self._announce("rooms", "updated", actor, room, told)

    def told(self, room: Room, reader: Member) -> dict[str, Any]:
        """A space as the interface tells it; a 1:1 space is named after the other one."""
        direct = room.type == "direct"
        other = next((id_ for id_ in room.members if id_ != reader.id), reader.id)
        return {
            "id": room.id,
            "title": self.anybody(other).name if direct else room.title,
            "type": room.type,
            "isLocked": bool(room.moderators),
            **({} if direct else {"teamId": self.team_id}),
            "lastActivity": room.last_activity,
            "creatorId": self.service_user.id,
            "created": room.created,
            "ownerId": self.id,
            "isAnnouncementOnly": False,
            "isReadOnly": False,
            "isPublic": False,
            **({"description": room.description} if room.description else {}),
        }

    def membership(self, room: Room, member: Member) -> dict[str, Any]:
        """Somebody's being in a space as the interface tells it."""
        return {
            "id": ids.encode("MEMBERSHIP", f"{member.uuid}:{room.uuid}", CLUSTER),
            "roomId": room.id,
            "roomType": room.type,
            "personId": member.id,
            "personEmail": member.email,
            "personDisplayName": member.name,
            "personOrgId": self.id,
            "isModerator": False,
            "isMonitor": False,
            "created": room.members[member.id],
        }

    def shown(self, room: Room, draw: Callable[[dict[str, Any]], str]) -> Iterator[Shown]:
        """A space's messages as its client draws them."""
        for said in room.messages.values():
            author = self.anybody(said.data["personId"])
            said.drawn = said.drawn or draw(said.data)
            parent = said.data.get("parentId")
            yield Shown(
                ids.message(said.data["id"]),
                author.name,
                "",
                said.drawn,
                said.at,
                author in (self.service_user, self.bot),
                thread=MessageId(parent) if parent else None,
                reactions=tuple((emoji, self._names(people)) for emoji, people in said.reactions.items() if people),
                edited=said.edits > 0,
                files=tuple(file.name for file in said.files),
            )

    def _names(self, people: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.members[person].name for person in people)

    def _keep(self, room: Room, uuid: str, number: int, file: File, host: str) -> str:
        """Store a file; its address."""
        id_ = ids.encode("CONTENT", f"{uuid}/{number}", CLUSTER)
        self.files[id_] = Kept(file, room.id)
        while len(self.files) > 1 and sum(len(kept.file.data) for kept in self.files.values()) > MOST_BYTES:
            del self.files[next(iter(self.files))]
        return f"https://{host}/v1/contents/{id_}"

    def _announce(self, resource: str, event: str, actor: Member, room: Room, data: Mapping[str, Any]) -> None:
        """Tell those who are in the space."""
        for hook in self.hooks.values():
            if hook.owner in room.members and hook.wants(resource, event, data):
                envelope = hook.data | {"resource": resource, "event": event, "actorId": actor.id, "data": data}
                body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
                self.tell(Webhook(hook.data["targetUrl"], body, partial(_signed, hook.secret, body)))

    def _new_uuid(self) -> str:
        self._number += 1
        return str(UUID(hex=digest("webex", repr(self.clock()), str(self._number))[:32], version=4))


TEXT_FIELDS = frozenset(["text", "markdown", "html", "mentionedPeople", "mentionedGroups"])
ROOM_FIELDS = frozenset(["id", "type", "isLocked", "creatorId", "lastActivity", "created", "teamId"])


def _text_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A text in every form, with whom it mentions."""
    html = fields.get("html", "")
    people, groups = mentioned(html)
    return {
        **({"text": text_of(html)} if html else {}),
        **fields,
        **({"mentionedPeople": people} if people else {}),
        **({"mentionedGroups": groups} if groups else {}),
    }


def _without_text(data: Mapping[str, Any]) -> dict[str, Any]:
    told = ("id", "roomId", "roomType", "personId", "personEmail", "parentId", "mentionedPeople", "files", "created")
    return {name: data[name] for name in told if name in data}


def _signed(secret: str, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    if secret:
        headers["X-Spark-Signature"] = hmac.digest(secret.encode(), body, "sha1").hex()
    return headers
