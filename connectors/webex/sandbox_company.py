"""The state of the fake Webex: one organization, its people, spaces, messages and webhooks. No HTTP here."""

import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from connectors.sandbox import COMPANY, Shown, Webhook, cast_of, digest
from connectors.webex import ids
from connectors.webex.sandbox_text import mentioned, text_of

MOST_MESSAGES = 2_000
"""Per space; older ones are forgotten. A benchmark's worth, some megabytes."""

CLUSTER = "urn:TEAM:eu-central-1_k"
"""Where the organization's spaces live: ids of rooms and messages must work outside the classic ``us`` too (§7.1)."""

FOUNDED = "2026-01-05T09:00:00.000Z"
"""When everything that the sandbox starts with was made."""

READING = ("people_read", "rooms_read", "memberships_read", "messages_read", "teams_read", "team_memberships_read")
SCOPES = frozenset(f"spark:{name}" for name in (*READING, "kms", "messages_write", "memberships_write"))
"""What the service user and the people have consented to (§6.2)."""

ADMIN_SCOPES = SCOPES | {"spark-admin:organizations_read"}


def stable_uuid(*parts: str) -> str:
    """A UUID that is the same after a restart."""
    return str(UUID(hex=digest("webex", *parts)[:32], version=4))


def stamp(seconds: float) -> str:
    """A time as Webex writes it, always with milliseconds and ``Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Member:
    """A person of the organization."""

    name: str
    email: str
    scopes: frozenset[str] = SCOPES

    @property
    def uuid(self) -> str:
        return stable_uuid("person", self.email)

    @property
    def id(self) -> str:
        return ids.encode("PEOPLE", self.uuid)

    @property
    def token(self) -> str:
        return digest("webex", "token", self.email)


@dataclass(slots=True)
class Said:
    """A stored message: as the interface tells it, when, and as drawn once it was shown."""

    data: dict[str, Any]
    at: float
    drawn: str = ""


@dataclass(slots=True)
class Room:
    """A group space that everybody is in; ``messages`` are by id, oldest first."""

    id: str
    uuid: str
    title: str
    created: str
    last_activity: str
    messages: dict[str, Said] = field(default_factory=dict)


@dataclass(slots=True)
class Hook:
    """A webhook that somebody registered: its public fields, its secret and its owner's id."""

    data: dict[str, Any]
    secret: str
    owner: str

    @property
    def told(self) -> dict[str, Any]:
        """As its owner reads it; what is delivered holds no secret (§2.6)."""
        return self.data | ({"secret": self.secret} if self.secret else {})

    def wants(self, resource: str, event: str, data: Mapping[str, Any]) -> bool:
        """Whether an event is one of those it was registered for."""
        filters = parse_qsl(self.data.get("filter", ""))
        return (
            self.data["resource"] in (resource, "all")
            and self.data["event"] in (event, "all")
            and all(data.get(name) == value for name, value in filters)
        )


class Company:
    """Everything there is. ``tell`` takes the webhooks that are due."""

    def __init__(self, clock: Callable[[], float], tell: Callable[[Webhook], None]) -> None:
        self.clock = clock
        self.tell = tell
        self.uuid = stable_uuid("organization", COMPANY)
        self.id = ids.encode("ORGANIZATION", self.uuid)
        self.service_user = Member("Message", "service@acme.example", ADMIN_SCOPES)
        self.cast = [Member(actor.name, actor.email) for actor in cast_of("webex")]
        self.members = {member.id: member for member in (*self.cast, self.service_user)}
        self.by_token = {member.token: member for member in self.members.values()}
        self.team_uuid = stable_uuid("team", COMPANY)
        self.rooms: dict[str, Room] = {}
        self.hooks: dict[str, Hook] = {}
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
        room = Room(ids.encode("ROOM", uuid, CLUSTER), uuid, title, created, created)
        return self.rooms.setdefault(room.id, room)

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

    def message(self, id_: str) -> Said | None:
        """A message of any space."""
        return next((room.messages[id_] for room in self.rooms.values() if id_ in room.messages), None)

    def say(self, author: Member, room: Room, fields: Mapping[str, Any]) -> Said:
        """Store a new message and tell of it; ``fields`` hold its text in every form, ``files`` and ``parentId``."""
        now = self.clock()
        html = fields.get("html", "")
        people, groups = mentioned(html)
        data = {
            "id": ids.encode("MESSAGE", self._new_uuid(), CLUSTER),
            "roomId": room.id,
            "roomType": "group",
            **({"text": text_of(html)} if html else {}),
            **fields,
            "personId": author.id,
            "personEmail": author.email,
            **({"mentionedPeople": people} if people else {}),
            **({"mentionedGroups": groups} if groups else {}),
            "created": stamp(now),
        }
        said = room.messages[data["id"]] = Said(data, now)
        room.last_activity = data["created"]
        while len(room.messages) > MOST_MESSAGES:
            del room.messages[next(iter(room.messages))]
        self._announce("messages", "created", author, _without_text(data))
        return said

    def shown(self, room: Room, draw: Callable[[dict[str, Any]], str]) -> Iterator[Shown]:
        """A space's messages as its client draws them."""
        for said in room.messages.values():
            author = self.members[said.data["personId"]]
            said.drawn = said.drawn or draw(said.data)
            is_app = author is self.service_user
            yield Shown(ids.message(said.data["id"]), author.name, "", said.drawn, said.at, is_app)

    def _announce(self, resource: str, event: str, actor: Member, data: Mapping[str, Any]) -> None:
        """Everybody is in every space, so every webhook's owner may see the event."""
        for hook in self.hooks.values():
            if hook.wants(resource, event, data):
                envelope = hook.data | {"resource": resource, "event": event, "actorId": actor.id, "data": data}
                body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
                self.tell(Webhook(hook.data["targetUrl"], body, partial(_signed, hook.secret, body)))

    def _new_uuid(self) -> str:
        self._number += 1
        return str(UUID(hex=digest("webex", repr(self.clock()), str(self._number))[:32], version=4))


def _without_text(data: Mapping[str, Any]) -> dict[str, Any]:
    told = ("id", "roomId", "roomType", "personId", "personEmail", "parentId", "mentionedPeople", "files", "created")
    return {name: data[name] for name in told if name in data}


def _signed(secret: str, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    if secret:
        headers["X-Spark-Signature"] = hmac.digest(secret.encode(), body, "sha1").hex()
    return headers
