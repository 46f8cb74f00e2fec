"""What the fake Webex is made of: people, spaces, messages, files and webhooks. No behaviour, no HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from connectors.sandbox import digest
from connectors.sandbox_data import Data
from connectors.webex import ids

HOST, OLD_HOST = "webexapis.com", "api.ciscospark.com"
"""Addresses of files name either (§3.3): here the old one where a client posted the file."""
IDBROKER = "idbroker.webex.com"
"""Who vouches for people: the issuer of id tokens, and where tokens are given back (§1.3, §1.4)."""

CLUSTER = "urn:TEAM:eu-central-1_k"
"""Where the organization's spaces live: ids of rooms and messages must work outside the classic ``us`` too (§7.1)."""

MOST_FAILURES, PATIENCE_SECONDS = 100, 300.0
"""As many failures within as many seconds switch a webhook off (§2.8)."""

FOUNDED = "2026-01-05T09:00:00.000Z"
"""When everything that the sandbox starts with was made."""

SERVICE_NAME = "Message"
"""Of our service user, who is mentioned by it."""
BOT_NAME = "Mio"

READING = ("people_read", "rooms_read", "memberships_read", "messages_read", "teams_read", "team_memberships_read")
WRITING = ("messages_write", "memberships_write", "team_memberships_write", "rooms_write")
SCOPES = frozenset(f"spark:{name}" for name in (*READING, *WRITING, "kms"))
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
    """A person, or the operator's bot. ``roles`` are those of an administrator; ``organization`` is the UUID of the one that
    an outsider belongs to, empty for our own people."""

    name: str
    email: str
    scopes: frozenset[str] = SCOPES
    type: str = "person"
    roles: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ("MS",)
    organization: str = ""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = ids.encode("PEOPLE", self.uuid)

    @property
    def uuid(self) -> str:
        return stable_uuid("person", self.email)

    @property
    def token(self) -> str:
        return digest("webex", "token", self.email)


@dataclass(frozen=True, slots=True)
class File:
    """A file as somebody gave it."""

    name: str
    content_type: str
    data: Data = field(repr=False)


@dataclass(slots=True)
class Kept:
    """A file in a space. ``scan`` is what Webex answers for it: 200, 423 while it looks, 410 or 428 where it will not."""

    file: File
    room: str
    scan: int = 200


@dataclass(slots=True)
class Said:
    """A stored message: as the interface tells it, when, how often edited, and as drawn once it was shown.

    ``reactions`` are the people by emoji: the clients have them, the interface does not (§5).
    """

    data: dict[str, Any]
    at: float
    files: tuple[File, ...] = ()
    edits: int = 0
    reactions: dict[str, list[str]] = field(default_factory=dict)
    drawn: str = ""


@dataclass(slots=True)
class Team:
    """A team. Who is in its General space is in the team (§3.6); only ``moderators`` bring people in."""

    uuid: str
    name: str
    created: str
    moderators: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        return ids.encode("TEAM", self.uuid, CLUSTER)

    @property
    def general(self) -> str:
        """The id of its General space."""
        return ids.encode("ROOM", self.uuid, CLUSTER)


@dataclass(slots=True)
class Room:
    """A space; ``members`` tells since when each person is in it, ``messages`` are by id, oldest first. Where there are
    ``moderators``, only they may change it and bring people in. ``team`` is None for a global one. ``creator`` made it;
    empty for what the sandbox starts with."""

    id: str
    uuid: str
    title: str
    created: str
    last_activity: str
    type: str = "group"
    members: dict[str, str] = field(default_factory=dict)
    messages: dict[str, Said] = field(default_factory=dict)
    description: str = ""
    moderators: set[str] = field(default_factory=set)
    team: Team | None = None
    is_public: bool = False
    creator: str = ""

    @property
    def is_general(self) -> bool:
        return self.team is not None and self.uuid == self.team.uuid


@dataclass(slots=True)
class Hook:
    """A webhook that somebody registered: its public fields, its secret and its owner's id.

    ``is_seeded``: the demo began with it. ``failures`` are the times of late at which nobody took what it told.
    """

    data: dict[str, Any]
    secret: str
    owner: str
    is_seeded: bool = False
    failures: list[float] = field(default_factory=list)
    enabled_at: float = -inf

    @property
    def told(self) -> dict[str, Any]:
        """As its owner reads it; what is delivered holds no secret (§2.6)."""
        return self.data | ({"secret": self.secret} if self.secret else {})

    def failed(self, now: float) -> None:
        """Nobody took what it told: too often, or so soon after it was switched on again, and it is off (§2.8)."""
        self.failures = [at for at in self.failures if at > now - PATIENCE_SECONDS] + [now]
        if len(self.failures) >= MOST_FAILURES or now - self.enabled_at < PATIENCE_SECONDS:
            self.data["status"] = "inactive"

    def enable(self, now: float) -> None:
        """Its owner switches it on."""
        if self.data["status"] == "inactive":
            self.data["status"], self.enabled_at, self.failures = "active", now, []

    def wants(self, resource: str, event: str, data: Mapping[str, Any]) -> bool:
        """Whether an event is one of those it was registered for."""
        filters = parse_qsl(self.data.get("filter", ""))
        return (
            self.data["status"] == "active"
            and self.data["resource"] in (resource, "all")
            and self.data["event"] in (event, "all")
            and all(data.get(name) == value for name, value in filters)
        )
