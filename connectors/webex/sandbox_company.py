"""What happens in the fake Webex: one organization, whose webhooks tell of all of it. No HTTP here."""

import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from connectors.sandbox import Webhook, digest
from connectors.sandbox_data import kept
from connectors.webex import ids
from connectors.webex.sandbox_people import People
from connectors.webex.sandbox_state import (
    CLUSTER,
    FOUNDED,
    HOST,
    File,
    Hook,
    Kept,
    Member,
    Room,
    Said,
    Team,
    stable_uuid,
    stamp,
)
from connectors.webex.sandbox_text import TEXT_FIELDS, text_fields, without_text

MOST_MESSAGES = 2_000
"""Per space; older ones are forgotten. A benchmark's worth, some megabytes."""

MOST_BYTES = 256 * 1024**2
"""Of all files together; older ones are forgotten. Two files of the largest size that Webex takes."""


class Company(People):
    """Everything there is. ``tell`` takes the webhooks that are due; ``sends_updates``: edits are among them (§2.3).

    ``lists_open_spaces``: a team's list shows those that one may join (§3.4 leaves it open). ``lets_outsiders_in``: external
    messaging is not blocked (§6.3).
    """

    def __init__(self, clock: Callable[[], float], tell: Callable[[Webhook], None]) -> None:
        super().__init__()
        self.clock = clock
        self.tell = tell
        self.rooms: dict[str, Room] = {}
        self.hooks: dict[str, Hook] = {}
        self.files: dict[str, Kept] = {}
        self.sends_updates = True
        self.lists_open_spaces = False
        self.lets_outsiders_in = True
        self._number = 0

    def remove_member(self, member: Member) -> None:
        """Somebody is no longer known, and in no space; what they said stays theirs."""
        for room in self.rooms_of(member):
            if member.id in room.members:  # leaving a team's General space was leaving all of the team
                self.leave(member, room)
        self.gone[member.id] = self.members.pop(member.id)
        del self.by_email[member.email]
        self.by_token.pop(member.token, None)

    def add_room(self, title: str, created: str) -> Room:
        """A space of the team. The first one is its General, which has the team's UUID (§3.6)."""
        uuid = stable_uuid("room", title) if self.rooms else self.team.uuid
        return self.new_room(uuid, title, created, "group", self.members, self.team)

    def make_room(self, creator: Member, title: str, team: Team | None, is_locked: bool, is_public: bool) -> Room:
        """What somebody makes by the interface; titles may repeat. Only the creator is told of the space itself."""
        now = stamp(self.clock())
        room = self.new_room(self._new_uuid(), title, now, "group", (), team)
        room.creator = creator.id
        room.moderators, room.is_public = {creator.id} if is_locked else set(), is_public
        self.join(creator, room)
        told = {name: value for name, value in self.told(room, creator).items() if name in ROOM_FIELDS}
        self._announce("rooms", "created", creator, room, told, only_to=creator)
        return room

    def direct_room(self, one: Member, other: Member) -> Room:
        """The 1:1 space of two people, made by ``one`` when it is first needed."""
        if found := self.direct_between(one, other):
            return found
        room = self.new_room(_direct_uuid(one, other), "", stamp(self.clock()), "direct", (one.id, other.id))
        room.creator = one.id
        for member in (one, other):
            self._announce("memberships", "created", one, room, self.membership(room, member))
        return room

    def direct_between(self, one: Member, other: Member) -> Room | None:
        """The same where there is one."""
        return self.rooms.get(ids.encode("ROOM", _direct_uuid(one, other), CLUSTER))

    def populate(self, people: int, channels: int, members: int) -> None:
        """A team of many, with spaces of ``members`` people each, in turn; nobody is told. The service user is everywhere."""
        team = Team(stable_uuid("team", "Bench"), "Bench", FOUNDED, {self.service_user.id})
        numbered = self.add_numbered(people)
        self.teams[team.id] = team
        self.new_room(team.uuid, "Bench", FOUNDED, "group", (self.service_user.id, *numbered), team)
        for number in range(1, channels + 1):
            inside = (numbered[(number * members + n) % people] for n in range(min(members, people)))
            uuid = stable_uuid("bench", str(number))
            self.new_room(uuid, f"bench-{number:04}", FOUNDED, "group", (self.service_user.id, *inside), team)

    def new_room(
        self, uuid: str, title: str, created: str, kind: str, members: Iterable[str], team: Team | None = None
    ) -> Room:
        """A space, unless it is there already."""
        id_ = ids.encode("ROOM", uuid, CLUSTER)
        if id_ not in self.rooms:
            since = dict.fromkeys(members, created)
            self.rooms[id_] = Room(id_, uuid, title, created, created, kind, since, team=team)
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
            "orgId": self.organization_of(owner),
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
            **text_fields(fields),
            **({"files": [self._keep(room, uuid, n, file, host) for n, file in enumerate(files)]} if files else {}),
            "personId": author.id,
            "personEmail": author.email,
            "created": stamp(now),
        }
        said = room.messages[data["id"]] = Said(data, now, tuple(files))
        room.last_activity = data["created"]
        while len(room.messages) > MOST_MESSAGES:
            del room.messages[next(iter(room.messages))]
        self._announce("messages", "created", author, room, without_text(data))
        return said

    def edit(self, editor: Member, said: Said, fields: Mapping[str, Any]) -> None:
        """Replace the text in every form."""
        kept = {name: value for name, value in said.data.items() if name not in TEXT_FIELDS}
        said.data = kept | text_fields(fields) | {"updated": stamp(self.clock())}
        said.edits, said.drawn = said.edits + 1, ""
        if self.sends_updates:
            self._announce("messages", "updated", editor, self.rooms[said.data["roomId"]], without_text(said.data))

    def delete(self, actor: Member, said: Said) -> None:
        """Forget a message; answers to it stay (§3.1)."""
        room = self.rooms[said.data["roomId"]]
        del room.messages[said.data["id"]]
        told = {name: said.data[name] for name in ("id", "roomId", "roomType", "personId", "personEmail")}
        self._announce("messages", "deleted", actor, room, told)

    def join(self, member: Member, room: Room, actor: Member | None = None) -> None:
        """Into a team's space one comes by oneself or, where one is not of the team, as a guest (§3.6)."""
        room.members[member.id] = stamp(self.clock())
        self._announce("memberships", "created", actor or member, room, self.membership(room, member))

    def moderate(self, room: Room, actor: Member, person: Member) -> None:
        """Whoever names a moderator is one as well (§3.5)."""
        room.moderators |= {actor.id, person.id}
        self._announce("memberships", "updated", actor, room, self.membership(room, person))

    def leave(self, member: Member, room: Room, actor: Member | None = None) -> None:
        """Whoever leaves a team's General space leaves the team with all its spaces (§3.6)."""
        left = [room, *(self._others(room, member) if room.is_general else ())]
        for one in left:
            told = self.membership(one, member)
            del one.members[member.id]
            one.moderators.discard(member.id)
            self._announce("memberships", "deleted", actor or member, one, told)

    def _others(self, general: Room, member: Member) -> list[Room]:
        return [room for room in self.rooms_of(member) if room.team is general.team and room is not general]

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
            **({"teamId": room.team.id} if room.team else {}),
            "lastActivity": room.last_activity,
            "creatorId": room.creator or self.service_user.id,
            "created": room.created,
            "ownerId": self.id,
            "isAnnouncementOnly": False,
            "isReadOnly": False,
            "isPublic": room.is_public,
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
            "personOrgId": self.organization_of(member),
            "isModerator": member.id in room.moderators,
            "isMonitor": False,
            **({"isRoomHidden": False} if room.type == "direct" else {}),
            "created": room.members[member.id],
        }

    def _keep(self, room: Room, uuid: str, number: int, file: File, host: str) -> str:
        """Store a file; its address."""
        id_ = ids.encode("CONTENT", f"{uuid}/{number}", CLUSTER)
        self.files[id_] = Kept(file, room.id)
        while len(self.files) > 1 and sum(len(kept.file.data) for kept in self.files.values()) > MOST_BYTES:
            del self.files[next(iter(self.files))]
        return f"https://{host}/v1/contents/{id_}"

    def _announce(
        self,
        resource: str,
        event: str,
        actor: Member,
        room: Room,
        data: Mapping[str, Any],
        only_to: Member | None = None,
    ) -> None:
        """Tell those who are in the space, or one of them."""
        told = (only_to.id,) if only_to else room.members
        for hook in self.hooks.values():
            if hook.owner in told and hook.wants(resource, event, data):
                envelope = hook.data | {"resource": resource, "event": event, "actorId": actor.id, "data": data}
                body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
                self.tell(Webhook(hook.data["targetUrl"], body, partial(_signed, hook.secret, body)))

    def _new_uuid(self) -> str:
        self._number += 1
        return str(UUID(hex=digest("webex", repr(self.clock()), str(self._number))[:32], version=4))


def _direct_uuid(one: Member, other: Member) -> str:
    return stable_uuid("direct", *sorted((one.email, other.email)))


ROOM_FIELDS = frozenset(["id", "type", "isLocked", "creatorId", "lastActivity", "created", "teamId"])


def _signed(secret: str, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    if secret:
        headers["X-Spark-Signature"] = hmac.digest(secret.encode(), body, "sha1").hex()
    return headers
