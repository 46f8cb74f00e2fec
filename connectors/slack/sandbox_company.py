"""The fake Slack's one workspace: its people, our app, an outside app that people use, its channels and their messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox import CHANNELS, COMPANY, Actor, cast_of, digest

KEPT = 2_000
"""Messages remembered per channel: more than any test or demo scrolls back."""

APP_NAME = "Mio"
OUTSIDE_NAME = "Outside client"

PERSON_SCOPES = ("channels:history", "channels:read", "chat:write", "team:read", "users:read", "users:read.email")
BOT_SCOPES = (*PERSON_SCOPES, "chat:write.customize")

Object = dict[str, Any]


class Complaint(Exception):
    """``{"ok": false}`` with an error code and what goes with it."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer: Object = {"ok": False, "error": code} | more


@dataclass(slots=True)
class Caller:
    """Who a token speaks for. A person's token belongs to an app of somebody else, in which that person types."""

    user: str
    bot_id: str
    app_id: str
    is_bot: bool
    scopes: set[str]


@dataclass(slots=True)
class Channel:
    """``last`` is the newest message's time in microseconds: two messages of a channel never share one."""

    id: str
    name: str
    linked: bool
    archived: bool = False
    messages: list[Object] = field(default_factory=list)
    last: int = 0

    def find(self, ts: str) -> Object | None:
        return next((message for message in reversed(self.messages) if message["ts"] == ts), None)


def without(outer: Object, key: str) -> Object:
    return {name: value for name, value in outer.items() if name != key}


def _id(prefix: str, *names: str) -> str:
    return prefix + digest("slack", *names)[:10].upper()


class Workspace:
    """The workspace *Acme*. ``posted`` is told of every new message; ``callers`` are by token, ``channels`` by id."""

    def __init__(self, clock: Callable[[], float], posted: Callable[[Object, Channel], None]) -> None:
        self.clock = clock
        self.posted = posted
        self.team, self.app_id, self.outside_app = _id("T", COMPANY), _id("A", "hub"), _id("A", "outside")
        self.bot_user, self.bot_id, self.bot_token = _id("U", "hub"), _id("B", "hub"), f"xoxb-{digest('slack', 'bot')}"
        self.actors = {_id("U", actor.name): actor for actor in cast_of("slack")}
        self.callers = {self.bot_token: Caller(self.bot_user, self.bot_id, self.app_id, True, set(BOT_SCOPES))}
        for user, actor in self.actors.items():
            caller = Caller(user, _id("B", actor.name), self.outside_app, False, set(PERSON_SCOPES))
            self.callers[f"xoxp-{digest('slack', 'person', actor.name)}"] = caller
        self.channels: dict[str, Channel] = {}
        for channel in CHANNELS:
            self.open(channel.name, channel.linked)

    def open(self, name: str, linked: bool) -> Channel:
        """The channel of that name, made if it is not there; everybody and our app is in it."""
        channel = Channel(_id("C", name), name, linked)
        return self.channels.setdefault(channel.id, channel)

    def open_channels(self) -> list[Channel]:
        return [channel for channel in self.channels.values() if not channel.archived]

    def keep(self, channel: Channel, message: Object) -> Object:
        """Store a message under the next free ``ts`` of its channel, and tell about it."""
        channel.last = max(int(self.clock() * 1_000_000), channel.last + 1)
        ts = f"{channel.last // 1_000_000}.{channel.last % 1_000_000:06}"
        kept = {"type": "message", "ts": ts} | message
        channel.messages.append(kept)
        del channel.messages[:-KEPT]
        self.posted(kept, channel)
        return kept

    def name_of(self, user: str) -> str:
        return self.actors[user].name if user in self.actors else APP_NAME

    def channel(self, arguments: Object) -> Channel:
        channel = self.channels.get(str(arguments.get("channel", "")))
        if channel is None:
            raise Complaint("channel_not_found")
        return channel

    def conversation(self, channel: Channel) -> Object:
        note = {"value": "", "creator": "", "last_set": 0}
        kinds = dict.fromkeys(("is_group", "is_im", "is_mpim", "is_private", "is_shared", "is_org_shared"), False)
        shared = {"is_ext_shared": False, "is_pending_ext_shared": False, "pending_shared": [], "previous_names": []}
        named = {"id": channel.id, "name": channel.name, "name_normalized": channel.name, "creator": self.bot_user}
        state: Object = {"is_channel": True, "is_archived": channel.archived, "is_general": channel.name == "general"}
        state |= {"is_member": True, "created": 1_700_000_000, "unlinked": 0, "context_team_id": self.team}
        return named | state | kinds | shared | {"topic": note, "purpose": note}

    def user(self, user: str, caller: Caller) -> Object:
        actor = self.actors.get(user, Actor(APP_NAME, "", ()))
        profile = {"real_name": actor.name, "display_name": actor.name, "team": self.team, "avatar_hash": "g0"}
        if actor.email and "users:read.email" in caller.scopes:
            profile["email"] = actor.email
        if user == self.bot_user:
            profile |= {"bot_id": self.bot_id, "api_app_id": self.app_id}
        flags = dict.fromkeys(
            ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted"), False
        )
        named = {"id": user, "team_id": self.team, "name": self.handle_of(user), "real_name": actor.name}
        state = {"deleted": False, "is_bot": user == self.bot_user, "is_app_user": False, "updated": 1_700_000_000}
        return named | state | flags | {"profile": profile}

    def handle_of(self, user: str) -> str:
        return self.name_of(user).lower().replace(" ", ".")
