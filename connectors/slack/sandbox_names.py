"""Names and topics of the fake Slack's channels (reference §3.5)."""

import unicodedata

from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_directory import shown_channel
from connectors.slack.sandbox_records import Caller, Channel, Complaint, Object, require
from connectors.slack.sandbox_texts import stored_text

LONGEST_NAME, LONGEST_TOPIC = 80, 250
"""Characters (§4.3)."""


def give_name(workspace: Workspace, channel: Channel, user: str, name: str) -> None:
    """Rename a channel and tell of it twice: as a message of the channel and as an event of its own."""
    check_name(workspace, channel, name)
    said = {"subtype": "channel_name", "user": user, "name": name, "old_name": channel.name}
    channel.name = name
    kept = workspace.keep(channel, said | {"text": f"<@{user}> has renamed the channel to {name}"})
    told = {"id": channel.id, "is_channel": True, "is_mpim": False, "name": name, "name_normalized": name, "created": 0}
    kind = "group_rename" if channel.is_private else "channel_rename"
    workspace.tell_of(channel, {"type": kind, "channel": told, "event_ts": kept["ts"]})


def check_name(workspace: Workspace, channel: Channel | None, name: str) -> None:
    """Complain of a name that Slack takes for no channel, or not for this one as another has it."""
    if not name:
        raise Complaint("invalid_name_required")
    if len(name) > LONGEST_NAME:
        raise Complaint("invalid_name_maxlength")
    if name != name.lower() or not all(c in "-_" or unicodedata.category(c)[0] in "LNM" for c in name):
        raise Complaint("invalid_name_specials")
    if not any(map(str.isalnum, name)):
        raise Complaint("invalid_name_punctuation")
    if any(other.name == name for other in workspace.named_channels() if other is not channel):
        raise Complaint("name_taken")


def give_topic(workspace: Workspace, channel: Channel, user: str, topic: str) -> None:
    """Set a topic, which a message of the channel tells. ``topic`` is escaped already."""
    if len(topic) > LONGEST_TOPIC:
        raise Complaint("too_long")
    channel.topic = topic
    text = f"<@{user}> set the channel topic: {topic}"
    workspace.keep(channel, {"subtype": "channel_topic", "user": user, "topic": topic, "text": text})


def conversations_rename(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = managed(workspace, caller, arguments)
    if caller.user != channel.creator:
        raise Complaint("not_authorized")
    give_name(workspace, channel, caller.user, str(arguments.get("name") or ""))
    return {"channel": shown_channel(workspace, caller, channel)}


def conversations_set_topic(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    if "topic" not in arguments:
        missing = {"messages": ["[ERROR] missing required field: topic"]}
        raise Complaint("invalid_arguments", response_metadata=missing)
    channel = managed(workspace, caller, arguments)
    give_topic(workspace, channel, caller.user, stored_text(str(arguments["topic"])))
    return {"channel": shown_channel(workspace, caller, channel)}


def manages(caller: Caller, *, is_private: bool) -> None:
    """Complain where a token does not manage channels of a type."""
    require(caller, "groups:write" if is_private else "channels:manage" if caller.is_bot else "channels:write")


def managed(workspace: Workspace, caller: Caller, arguments: Object) -> Channel:
    """The channel that is named, if the caller may change something about it."""
    channel = workspace.channel(caller, arguments)
    if channel.direct:
        raise Complaint("method_not_supported_for_channel_type")
    manages(caller, is_private=channel.is_private)
    if caller.user not in channel.members:
        raise Complaint("not_in_channel")
    if channel.archived:
        raise Complaint("is_archived")
    return channel


MANAGES = ("channels:manage", "channels:write", "groups:write")
"""Any one that fits the channel's type and the kind of token."""

NAMES: dict[str, Method] = {
    "conversations.rename": (conversations_rename, MANAGES, True),
    "conversations.setTopic": (conversations_set_topic, MANAGES, True),
}
