"""What changes in the fake Slack's directory, by our app or by people, and the events that tell it (reference §2.6)."""

from itertools import cycle, islice

from connectors.messages import ConversationId
from connectors.sandbox import Place
from connectors.slack.sandbox_company import Workspace
from connectors.slack.sandbox_directory import shown_user
from connectors.slack.sandbox_records import Channel, Object, User, id_of


def place(channel: Channel) -> Place:
    """A channel as the sandbox's index shows it."""
    return Place(channel.name, channel.id, ConversationId(channel.id), channel.linked)


def enter(workspace: Workspace, channel: Channel, user: str, inviter: str = "") -> None:
    """Somebody comes into a channel."""
    channel.members[user] = None
    _tell_move(workspace, channel, user, "join", "joined", {"inviter": inviter} if inviter else {})


def leave(workspace: Workspace, channel: Channel, user: str, by: str) -> None:
    """Somebody leaves a channel, or is taken out of it ``by`` somebody else; our app is told apart that it is out."""
    if user == workspace.bot_user:
        del channel.members[user]
        left = {"type": "group_left" if channel.is_private else "channel_left", "channel": channel.id, "actor_id": by}
        workspace.tell(left | {"event_ts": workspace.next_ts(channel)})
        return
    _tell_move(workspace, channel, user, "leave", "left", {})
    del channel.members[user]


def _tell_move(workspace: Workspace, channel: Channel, user: str, verb: str, done: str, more: Object) -> None:
    """Slack tells it twice: as a message of the channel and as an event of its own."""
    text, kind = f"<@{user}> has {done} the channel", "G" if channel.is_private else "C"
    kept = workspace.keep(channel, {"subtype": f"channel_{verb}", "user": user, "text": text} | more)
    event = {"type": f"member_{done}_channel", "user": user, "channel": channel.id, "channel_type": kind}
    workspace.tell_in(channel, event | {"team": workspace.team, "event_ts": kept["ts"]} | more)


def archive(workspace: Workspace, channel: Channel, user: str, archived: bool) -> None:
    """Archive a channel or bring it back."""
    channel.archived = archived
    verb, done = ("archive", "archived") if archived else ("unarchive", "un-archived")
    said = {"subtype": f"channel_{verb}", "user": user, "text": f"<@{user}> {done} the channel"}
    kept = workspace.keep(channel, said)
    family = "group" if channel.is_private else "channel"
    event = {"type": f"{family}_{verb}", "channel": channel.id, "user": user, "is_moved": 0}
    workspace.tell_of(channel, event | {"event_ts": kept["ts"]})


def create(workspace: Workspace, name: str, creator: str, *, is_private: bool) -> Channel:
    """Make a channel, whose one member is who made it. Nobody is told of a private one."""
    workspace.counter += 1
    channel = Channel(id_of("C", name, creator, str(workspace.counter)), name, False, creator, is_private=is_private)
    channel.members[creator] = None
    workspace.channels[channel.id] = channel
    if not is_private:
        told = {"id": channel.id, "is_channel": True, "name": name, "name_normalized": name, "creator": creator}
        made = {"created": int(workspace.clock()), "context_team_id": workspace.team}
        workspace.tell({"type": "channel_created", "channel": told | made, "event_ts": workspace.next_ts(channel)})
    return channel


def delete(workspace: Workspace, channel: Channel, by: str) -> None:
    """Delete a channel for good."""
    event = {"type": "group_deleted" if channel.is_private else "channel_deleted", "channel": channel.id}
    workspace.tell_of(channel, event | {"actor_id": by, "event_ts": workspace.next_ts(channel)})
    del workspace.channels[channel.id]


def convert(workspace: Workspace, channel: Channel, user: str, *, is_private: bool) -> None:
    """Make a public channel private, or the other way round, which a message of the channel tells."""
    channel.is_private = is_private
    kind = "private" if is_private else "public"
    said = {"subtype": f"channel_convert_to_{kind}", "user": user, "text": f"made this channel {kind}"}
    workspace.keep(channel, said)


def hire(workspace: Workspace, name: str, email: str, *, is_guest: bool) -> str:
    """Somebody joins the workspace and with it *general*; a guest only what they are invited to."""
    user = workspace.enlist(name, email, is_guest=is_guest)
    _tell_user(workspace, "team_join", user)
    for channel in [] if is_guest else [c for c in workspace.named_channels() if c.is_general]:
        enter(workspace, channel, user)
    return user


def dismiss(workspace: Workspace, user: str) -> None:
    """An administrator deactivates somebody, who is then in no channel, and whose tokens end."""
    workspace.actors[user].is_gone = True
    for caller in workspace.callers.values():
        caller.ended = "account_inactive" if caller.user == user else caller.ended
    for channel in workspace.named_channels():
        if user in channel.members:
            leave(workspace, channel, user, user)
    _tell_user(workspace, "user_change", user)


def change(workspace: Workspace, user: str, name: str, email: str) -> None:
    """Somebody has another name or address now."""
    actor = workspace.actors[user]
    actor.name, actor.email = name, email
    _tell_user(workspace, "user_change", user)


def _tell_user(workspace: Workspace, kind: str, user: str) -> None:
    now = workspace.clock()
    told = {"type": kind, "user": shown_user(workspace, user, with_email=True), "cache_ts": int(now)}
    workspace.tell(told | {"event_ts": f"{now:.6f}"})


def populate(workspace: Workspace, people: int, channels: int, members: int) -> None:
    """Many people without tokens, and channels with our app and ``members`` of them each. Nothing is told of it."""
    users = [f"U0BENCH{number:05}" for number in range(1, people + 1)]
    for number, user in enumerate(users, 1):
        workspace.actors[user] = User(f"Person {number:05}", f"person{number:05}@bench.example")
    turn = cycle(users)
    for number in range(1, channels + 1):
        channel = Channel(f"C0BENCH{number:04}", f"bench-{number:04}", False, workspace.bot_user)
        channel.members = dict.fromkeys([workspace.bot_user, *islice(turn, min(members, people))])
        workspace.channels[channel.id] = channel
