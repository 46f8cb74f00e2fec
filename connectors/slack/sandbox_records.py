"""What the fake Slack's workspace is made of, and the words in which it complains."""

from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox import digest
from connectors.sandbox_data import Data

APP_NAME = "Mio"
OUTSIDE_NAME = "Outside client"

PERSON_SCOPES = (
    "channels:history", "channels:read", "chat:write", "files:read", "files:write", "groups:history", "groups:read",
    "im:read", "mpim:read", "reactions:read", "reactions:write", "team:read", "users:read", "users:read.email",
)  # fmt: skip
OUTSIDE_SCOPES = (*PERSON_SCOPES, "im:history", "im:write", "mpim:history", "mpim:write")
"""Of the outside app in which people type, direct chats included."""
BOT_SCOPES = (
    *PERSON_SCOPES, "channels:join", "channels:manage", "chat:write.customize", "commands", "groups:write", "im:history",
    "im:write", "usergroups:read",
)  # fmt: skip

ICONS = {f"image_{size}": f"https://avatars.slack-edge.com/app_{size}.png" for size in (36, 48, 72)}

ANSWER_SECONDS = 1_800.0
MOST_ANSWERS = 5
"""How long and how often a slash command may be answered (§2.8)."""

Object = dict[str, Any]


class Complaint(Exception):
    """``{"ok": false}`` with an error code and what goes with it."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer: Object = {"ok": False, "error": code} | more


@dataclass(slots=True)
class Caller:
    """Who a token speaks for, until when, and the complaint with which Slack meets it since it was ended.

    The tokens of people that are there from the beginning belong to an app of somebody else, in which they type.
    """

    user: str
    bot_id: str
    app_id: str
    is_bot: bool
    scopes: set[str]
    until: float = float("inf")
    ended: str = ""


def require(caller: Caller, scope: str) -> None:
    """Complain in Slack's words where a token lacks a scope."""
    if scope not in caller.scopes:
        raise Complaint("missing_scope", needed=scope, provided=",".join(sorted(caller.scopes)))


@dataclass(slots=True)
class User:
    """Somebody of the workspace: a person or guest, our app, or Slackbot. ``is_gone``: deactivated."""

    name: str
    email: str = ""
    is_guest: bool = False
    is_gone: bool = False


@dataclass(slots=True)
class UserGroup:
    """``maker`` is the user who made it."""

    id: str
    name: str
    maker: str
    users: list[str]
    is_disabled: bool = False


@dataclass(slots=True)
class Channel:
    """``last`` is the newest event's time in microseconds: two of a channel never share one. ``members`` are in the order
    in which they came.

    ``creator`` alone may rename it. ``direct`` is ``im`` or ``mpim`` where it is a direct chat of two or of a few: their
    members are always the same.
    """

    id: str
    name: str
    linked: bool
    creator: str
    archived: bool = False
    messages: list[Object] = field(default_factory=list)
    last: int = 0
    topic: str = ""
    members: dict[str, None] = field(default_factory=dict)
    is_private: bool = False
    direct: str = ""

    @property
    def kind(self) -> str:
        """Its type, as one asks for it in a list."""
        return self.direct or ("private_channel" if self.is_private else "public_channel")

    @property
    def family(self) -> str:
        """How its scopes and events begin."""
        return self.direct or ("groups" if self.is_private else "channels")

    @property
    def is_general(self) -> bool:
        return self.name == "general"

    def shows_to(self, caller: Caller) -> bool:
        """Public channels are there for everybody, all else for its members."""
        return self.kind == "public_channel" or caller.user in self.members

    def replies(self, root: str) -> list[Object]:
        return [message for message in self.messages if message.get("thread_ts") == root != message["ts"]]

    def find(self, ts: str) -> Object | None:
        return next((message for message in reversed(self.messages) if message["ts"] == ts), None)


@dataclass(slots=True)
class File:
    """A file as the fake keeps it; ``told`` is its file object, ``looks`` how often it hides its shares from a look."""

    data: Data
    told: Object
    owner: str
    looks: int = 0


@dataclass(slots=True)
class Answers:
    """Where a slash command may be answered, how often still and until when."""

    channel: str
    user: str
    until: float
    uses: int = MOST_ANSWERS


def without(outer: Object, key: str) -> Object:
    return {name: value for name, value in outer.items() if name != key}


def id_of(prefix: str, *names: str) -> str:
    return prefix + digest("slack", *names)[:10].upper()
