"""The fake Slack's one workspace: its people, our app, an outside app that people use, its channels and their messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox import CHANNELS, COMPANY, Actor, cast_of, digest
from connectors.sandbox_data import Data

KEPT = 2_000
"""Messages remembered per channel: more than any test or demo scrolls back."""

APP_NAME = "Mio"
OUTSIDE_NAME = "Outside client"

PERSON_SCOPES = (
    "channels:history", "channels:read", "chat:write", "files:read", "files:write", "reactions:read",
    "reactions:write", "team:read", "users:read", "users:read.email",
)  # fmt: skip
BOT_SCOPES = (*PERSON_SCOPES, "channels:manage", "chat:write.customize", "commands")

ICONS = {f"image_{size}": f"https://avatars.slack-edge.com/app_{size}.png" for size in (36, 48, 72)}

ANSWER_SECONDS = 1_800.0
MOST_ANSWERS = 5
"""How long and how often a slash command may be answered (§2.8)."""

Object = dict[str, Any]
Endpoint = Callable[["Workspace", "Caller", Object], Object]
Method = tuple[Endpoint, tuple[str, ...], bool]


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


@dataclass(slots=True)
class Channel:
    """``last`` is the newest event's time in microseconds: two of a channel never share one. ``left`` are who went away.

    ``creator`` alone may rename it. ``person`` is set where it is our app's direct message with somebody, and has no name.
    """

    id: str
    name: str
    linked: bool
    creator: str
    archived: bool = False
    messages: list[Object] = field(default_factory=list)
    last: int = 0
    topic: str = ""
    left: set[str] = field(default_factory=set)
    person: str = ""

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


def in_event(message: Object) -> Object:
    """Events carry the type of a message's metadata and not what is in it (§2.7), and no reactions."""
    told = without(message, "reactions")
    return told | {"metadata": without(told["metadata"], "event_payload")} if "metadata" in told else told


def _tombstone(message: Object) -> Object:
    kept = {key: message[key] for key in ("ts", "thread_ts")}
    told = {"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT", "hidden": True}
    return {"type": "message"} | told | kept


def _type(channel: Channel) -> str:
    return "im" if channel.person else "channel"


def id_of(prefix: str, *names: str) -> str:
    return prefix + digest("slack", *names)[:10].upper()


class Workspace:
    """The workspace *Acme*. ``tell`` is told of every event; ``callers`` are by token, ``channels`` and ``files`` by id.

    ``uploads`` are the files by the address that awaits their bytes, ``answers`` what may be said to slash commands.
    ``counter`` tells apart what happens at one moment. ``whispers`` are what only one person was shown: channel, person
    and message. ``keeps_names`` says whether a borrowed name outlives an edit: how Slack does it is not known (§9).
    ``edit_seconds`` is how long the workspace lets messages be edited: ever, where it is infinite. ``installed`` says
    whether our app is there, and hears of what happens; ``chat`` is its direct message with somebody.
    """

    def __init__(self, clock: Callable[[], float], tell: Callable[[Object], None]) -> None:
        self.clock = clock
        self.tell = tell
        self.keeps_names, self.installed = False, True
        self.edit_seconds = float("inf")
        self.files: dict[str, File] = {}
        self.uploads: dict[str, str] = {}
        self.answers: dict[str, Answers] = {}
        self.counter = 0
        self.whispers: list[tuple[str, str, Object]] = []
        self.team, self.app_id, self.outside_app = id_of("T", COMPANY), id_of("A", "hub"), id_of("A", "outside")
        self.bot_user, self.bot_id, self.bot_token = (
            id_of("U", "hub"),
            id_of("B", "hub"),
            f"xoxb-{digest('slack', 'bot')}",
        )
        self.actors = {id_of("U", actor.name): actor for actor in cast_of("slack")}
        self.callers = {self.bot_token: Caller(self.bot_user, self.bot_id, self.app_id, True, set(BOT_SCOPES))}
        for user, actor in self.actors.items():
            caller = Caller(user, id_of("B", actor.name), self.outside_app, False, set(PERSON_SCOPES))
            self.callers[f"xoxp-{digest('slack', 'person', actor.name)}"] = caller
        self.channels: dict[str, Channel] = {}
        for channel in CHANNELS:
            self.open(channel.name, channel.linked)

    def open(self, name: str, linked: bool) -> Channel:
        """The channel of that name, made if it is not there; everybody and our app is in it."""
        channel = Channel(id_of("C", name), name, linked, self.bot_user)
        return self.channels.setdefault(channel.id, channel)

    def chat(self, person: str) -> Channel:
        channel = Channel(id_of("D", person), "", False, self.bot_user, person=person)
        return self.channels.setdefault(channel.id, channel)

    def named_channels(self) -> list[Channel]:
        return [channel for channel in self.channels.values() if not channel.person]

    def open_channels(self) -> list[Channel]:
        return [channel for channel in self.named_channels() if not channel.archived]

    def next_ts(self, channel: Channel) -> str:
        """The next free time of a channel, as Slack writes it."""
        channel.last = max(int(self.clock() * 1_000_000), channel.last + 1)
        return f"{channel.last // 1_000_000}.{channel.last % 1_000_000:06}"

    def keep(self, channel: Channel, message: Object) -> Object:
        """Store a message under the next free ``ts`` of its channel, and tell about it."""
        kept = {"type": "message", "ts": self.next_ts(channel)} | message
        channel.messages.append(kept)
        self._forget(channel)
        event = in_event(kept) | {"channel": channel.id, "event_ts": kept["ts"]}
        self.tell(event | {"channel_type": _type(channel)})
        if f"<@{self.bot_user}>" in kept["text"] and not channel.person:
            self.tell(event | {"type": "app_mention"})
        return kept

    def whisper(self, channel: Channel, user: str, said: Object) -> str:
        """Show text and blocks of our app to one person; the time of it."""
        author: Object = {"user": self.bot_user, "bot_id": self.bot_id, "app_id": self.app_id}
        shown = {"text": said.get("text") or "", "blocks": said.get("blocks") or []}
        message: Object = {"type": "message", "ts": self.next_ts(channel)} | author | shown
        self.whispers.append((channel.id, user, message))
        return str(message["ts"])

    def _forget(self, channel: Channel) -> None:
        for message in channel.messages[:-KEPT]:
            self._forget_files(message)
        del channel.messages[:-KEPT]

    def _forget_files(self, message: Object) -> None:
        for file in message.get("files", ()):
            self.files.pop(file["id"], None)

    def change(self, channel: Channel, message: Object, before: Object, ts: str = "") -> None:
        """Tell that a message is no longer what it was ``before``: an edit, an unfurl, a tombstone (§2.6)."""
        about = {"message": in_event(message), "previous_message": in_event(before)}
        self._hidden(channel, {"subtype": "message_changed"} | about, ts or self.next_ts(channel))

    def edit(self, channel: Channel, message: Object, by: str, changes: Object) -> None:
        """Change what a message says. Slack tells the time of an edit to the second."""
        before, ts = dict(message), self.next_ts(channel)
        message.update(changes | {"edited": {"user": by, "ts": f"{ts.partition('.')[0]}.000000"}})
        self.change(channel, message, before, ts)

    def remove(self, channel: Channel, message: Object) -> None:
        """Delete a message; the root of a thread leaves a tombstone as long as it has replies."""
        before = dict(message)
        self._forget_files(message)
        if channel.replies(message["ts"]):
            message.clear()
            message.update(_tombstone(before))
            self.change(channel, message, before)
            return
        channel.messages.remove(message)
        event = {"subtype": "message_deleted", "deleted_ts": before["ts"], "previous_message": in_event(before)}
        self._hidden(channel, event, self.next_ts(channel))

    def _hidden(self, channel: Channel, event: Object, ts: str) -> None:
        about = {"channel": channel.id, "hidden": True, "ts": ts, "event_ts": ts, "channel_type": _type(channel)}
        self.tell({"type": "message"} | event | about)

    def react(self, channel: Channel, message: Object, user: str, name: str, on: bool) -> bool:
        """Put a reaction on a message or take it back; False where it is so already."""
        reactions: list[Object] = message.setdefault("reactions", [])
        found = next((reaction for reaction in reactions if reaction["name"] == name), None)
        users = found["users"] if found else []
        if (user in users) == on:
            return False
        if found is None:
            reactions.append({"name": name, "users": [user], "count": 1})
        else:
            found["users"] = [*users, user] if on else [other for other in users if other != user]
            found["count"] = len(found["users"])
        message["reactions"] = [reaction for reaction in reactions if reaction["count"]]
        item = {"type": "message", "channel": channel.id, "ts": message["ts"]}
        event: Object = {"type": "reaction_added" if on else "reaction_removed", "user": user, "reaction": name}
        event |= {"item_user": message["user"]} if "user" in message else {}
        self.tell(event | {"item": item, "event_ts": self.next_ts(channel)})
        return True

    def is_person(self, user: str) -> bool:
        return user in self.actors or user == self.bot_user

    def name_of(self, user: str) -> str:
        return self.actors[user].name if user in self.actors else APP_NAME

    def channel(self, arguments: Object) -> Channel:
        channel = self.channels.get(str(arguments.get("channel", "")))
        if channel is None:
            raise Complaint("channel_not_found")
        return channel

    def message(self, channel: Channel, ts: object) -> Object:
        message = channel.find(str(ts or ""))
        if message is None or message.get("subtype") == "tombstone":
            raise Complaint("message_not_found")
        return message

    def conversation(self, channel: Channel) -> Object:
        if channel.person:
            return {"id": channel.id, "created": 1_700_000_000, "is_im": True, "user": channel.person}
        note = {"value": "", "creator": "", "last_set": 0}
        kinds = dict.fromkeys(("is_group", "is_im", "is_mpim", "is_private", "is_shared", "is_org_shared"), False)
        shared = {"is_ext_shared": False, "is_pending_ext_shared": False, "pending_shared": [], "previous_names": []}
        named = {"id": channel.id, "name": channel.name, "name_normalized": channel.name, "creator": channel.creator}
        state: Object = {"is_channel": True, "is_archived": channel.archived, "is_general": channel.name == "general"}
        state |= {"is_member": True, "created": 1_700_000_000, "unlinked": 0, "context_team_id": self.team}
        return named | state | kinds | shared | {"topic": note | {"value": channel.topic}, "purpose": note}

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
