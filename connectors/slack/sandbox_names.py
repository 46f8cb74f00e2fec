"""Names and topics of the fake Slack's channels (reference §3.5)."""

import unicodedata

from connectors.slack.sandbox_company import Caller, Channel, Complaint, Method, Object, Workspace
from connectors.slack.sandbox_texts import stored_text

LONGEST_NAME, LONGEST_TOPIC = 80, 250
"""Characters (§4.3)."""


def give_name(workspace: Workspace, channel: Channel, user: str, name: str) -> None:
    """Rename a channel and tell of it twice: as a message of the channel and as an event of its own."""
    _check_name(workspace, channel, name)
    said = {"subtype": "channel_name", "user": user, "name": name, "old_name": channel.name}
    channel.name = name
    kept = workspace.keep(channel, said | {"text": f"<@{user}> has renamed the channel to {name}"})
    told = {"id": channel.id, "is_channel": True, "is_mpim": False, "name": name, "name_normalized": name}
    workspace.tell({"type": "channel_rename", "channel": told | {"created": 0}, "event_ts": kept["ts"]})


def _check_name(workspace: Workspace, channel: Channel, name: str) -> None:
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
    channel = _open_channel(workspace, arguments)
    if caller.user != channel.creator:
        raise Complaint("not_authorized")
    give_name(workspace, channel, caller.user, str(arguments.get("name") or ""))
    return {"channel": workspace.conversation(channel)}


def conversations_set_topic(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    if "topic" not in arguments:
        missing = {"messages": ["[ERROR] missing required field: topic"]}
        raise Complaint("invalid_arguments", response_metadata=missing)
    channel = _open_channel(workspace, arguments)
    give_topic(workspace, channel, caller.user, stored_text(str(arguments["topic"])))
    return {"channel": workspace.conversation(channel)}


def _open_channel(workspace: Workspace, arguments: Object) -> Channel:
    channel = workspace.channel(arguments)
    if channel.archived:
        raise Complaint("is_archived")
    return channel


NAMES: dict[str, Method] = {
    "conversations.rename": (conversations_rename, ("channels:manage", "channels:write"), True),
    "conversations.setTopic": (
        conversations_set_topic,
        ("channels:manage", "channels:write", "channels:write.topic"),
        True,
    ),
}
