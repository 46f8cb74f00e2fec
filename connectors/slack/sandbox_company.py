"""The fake Slack's one workspace: its people, our app, an outside app that people use, its channels and their messages."""

from collections.abc import Callable, Iterable

from connectors.sandbox import CHANNELS, COMPANY, cast_of, digest
from connectors.slack.events import EVENTS_OF_PEOPLE
from connectors.slack.sandbox_records import (
    APP_NAME,
    BOT_SCOPES,
    OUTSIDE_NAME,
    OUTSIDE_SCOPES,
    Answers,
    Caller,
    Channel,
    Complaint,
    File,
    Object,
    User,
    UserGroup,
    id_of,
    without,
)
from connectors.slack.webhook import SLACKBOT

KEPT = 2_000
"""Messages remembered per channel: more than any test or demo scrolls back."""

SEEDED_GROUP = "Everybody"
"""A user group that the workspace begins with."""

Endpoint = Callable[["Workspace", "Caller", Object], Object]
Method = tuple[Endpoint, tuple[str, ...], bool]


def in_event(message: Object) -> Object:
    """Events carry the type of a message's metadata and not what is in it (§2.7), and no reactions."""
    told = without(message, "reactions")
    return told | {"metadata": without(told["metadata"], "event_payload")} if "metadata" in told else told


def _tombstone(message: Object) -> Object:
    kept = {key: message[key] for key in ("ts", "thread_ts")}
    told = {"subtype": "tombstone", "text": "This message was deleted.", "user": SLACKBOT, "hidden": True}
    return {"type": "message"} | told | kept


def _type(channel: Channel) -> str:
    return channel.direct or ("group" if channel.is_private else "channel")


class Workspace:
    """The workspace *Acme*. ``callers`` are by token, ``channels`` and ``files`` by id.

    ``tell`` is told of every event that our app hears, and for whom, where that is a person.

    ``uploads`` are the files by the address that awaits their bytes, ``answers`` what may be said to slash commands.
    ``counter`` tells apart what happens at one moment. ``whispers`` are what only one person was shown: channel, person
    and message. ``keeps_names`` says whether a borrowed name outlives an edit: how Slack does it is not known (§9).
    ``edit_seconds`` is how long the workspace lets messages be edited: ever, where it is infinite. ``installed`` says
    whether our app is there, and hears of what happens. ``forbidden`` are the methods that an owner lets nobody use.
    """

    def __init__(self, clock: Callable[[], float], tell: Callable[..., None]) -> None:
        self.clock = clock
        self.tell = tell
        self.keeps_names, self.installed = False, True
        self.edit_seconds = float("inf")
        self.forbidden: set[str] = set()
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
        self.actors: dict[str, User] = {}
        self.callers = {self.bot_token: Caller(self.bot_user, self.bot_id, self.app_id, True, set(BOT_SCOPES))}
        for actor in cast_of("slack"):
            self.enlist(actor.name, actor.email)
        self.actors |= {self.bot_user: User(APP_NAME), SLACKBOT: User("Slackbot")}
        self.user_groups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        for channel in CHANNELS:
            self.open(channel.name, channel.linked)
        self.group(SEEDED_GROUP, self.persons())

    def open(self, name: str, linked: bool) -> Channel:
        """The channel of that name, made if it is not there; everybody of the company and our app is in it."""
        channel = Channel(id_of("C", name), name, linked, self.bot_user)
        channel.members = dict.fromkeys([*self.persons(), self.bot_user])
        return self.channels.setdefault(channel.id, channel)

    def enlist(self, name: str, email: str, *, is_guest: bool = False) -> str:
        """The user of a new person, who types in an outside app."""
        user = id_of("U", name)
        self.actors[user] = User(name, email, is_guest)
        caller = Caller(user, id_of("B", name), self.outside_app, False, set(OUTSIDE_SCOPES))
        self.callers[f"xoxp-{digest('slack', 'person', name)}"] = caller
        return user

    def group(self, name: str, users: Iterable[str]) -> UserGroup:
        """The user group of that name, made if it is not there, with these people in it besides those who are."""
        maker = next(iter(self.persons()))
        group = self.user_groups.setdefault(id_of("S", name), UserGroup(id_of("S", name), name, maker, []))
        group.users += [user for user in users if user not in group.users]
        return group

    def persons(self) -> dict[str, str]:
        """The tokens of those who type in the outside app, by user."""
        return {caller.user: token for token, caller in self.callers.items() if caller.app_id == self.outside_app}

    def chat(self, users: Iterable[str]) -> Channel:
        """The direct chat of these users, our app perhaps among them: always the same one, made if it is not there."""
        members = list(dict.fromkeys(users))
        made = Channel(id_of("D", *sorted(members)), "", False, members[0], direct="im")
        if len(members) > 2:
            name = f"mpdm-{'--'.join(map(self.handle_of, members))}-1"
            made = Channel(id_of("C", *sorted(members)), name, False, members[0], is_private=True, direct="mpim")
        made.members = dict.fromkeys(members)
        return self.channels.setdefault(made.id, made)

    def named_channels(self) -> list[Channel]:
        return [channel for channel in self.channels.values() if not channel.direct]

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
        self.tell_in(channel, event | {"channel_type": _type(channel)})
        if f"<@{self.bot_user}>" in kept["text"] and not channel.direct:
            self.tell_in(channel, event | {"type": "app_mention"})
        return kept

    def tell_in(self, channel: Channel, event: Object) -> None:
        """Tell what happens within a channel: our app hears it as a member, else for one of the members (§2.5)."""
        if self.bot_user in channel.members:
            self.tell(event)
        elif hearer := self._hearer(channel, event):
            self.tell(event, hearer)

    def _hearer(self, channel: Channel, event: Object) -> str:
        """The first member by whose consent our app is told of this; nobody hears it twice, however many consented."""
        kind = f"message.{_type(channel)}" if event["type"] == "message" else event["type"]
        ours = [caller for caller in self.callers.values() if caller.app_id == self.app_id and not caller.ended]
        able = {caller.user for caller in ours if caller.scopes.intersection(EVENTS_OF_PEOPLE.get(kind, ()))}
        return next((user for user in channel.members if user in able), "")

    def tell_of(self, channel: Channel, event: Object) -> None:
        """Tell what becomes of a channel itself: of a public one everybody may hear."""
        if not channel.is_private:
            self.tell(event)
        else:
            self.tell_in(channel, event)

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
        self.tell_in(channel, {"type": "message"} | event | about)

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
        self.tell_in(channel, event | {"item": item, "event_ts": self.next_ts(channel)})
        return True

    def is_person(self, user: str) -> bool:
        return user in self.actors

    def name_of(self, user: str) -> str:
        return self.actors[user].name if user in self.actors else APP_NAME

    def channel(self, caller: Caller, arguments: Object) -> Channel:
        """The channel that is named, if the caller may know of it."""
        channel = self.channels.get(str(arguments.get("channel", "")))
        if channel is None or not channel.shows_to(caller):
            raise Complaint("channel_not_found")
        return channel

    def joined(self, caller: Caller, arguments: Object) -> Channel:
        """The channel that is named, if the caller is in it."""
        channel = self.channel(caller, arguments)
        if caller.user not in channel.members:
            raise Complaint("not_in_channel")
        return channel

    def message(self, channel: Channel, ts: object) -> Object:
        message = channel.find(str(ts or ""))
        if message is None or message.get("subtype") == "tombstone":
            raise Complaint("message_not_found")
        return message

    def app_of(self, caller: Caller) -> str:
        """The name of the app that somebody's token belongs to."""
        return APP_NAME if caller.app_id == self.app_id else OUTSIDE_NAME

    def handle_of(self, user: str) -> str:
        return self.name_of(user).lower().replace(" ", ".")
