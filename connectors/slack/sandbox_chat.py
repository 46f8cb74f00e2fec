"""What the fake Slack's methods do to messages: posting, changing, deleting, reacting, answering (reference §3.3, §3.4)."""

import json

from connectors.calls import Response
from connectors.contract import Request
from connectors.emoji import character
from connectors.slack.sandbox_arguments import nested, read_arguments, yes
from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_records import ICONS, Caller, Channel, Complaint, Object, without
from connectors.slack.sandbox_texts import LONGEST_BLOCKS, faults, length, made_blocks, stored_text

LONGEST_TEXT = 4_000
"""Characters a bot may post: beyond it the real Slack splits the message, which we never want to see."""
TRUNCATED_AT = 40_000
"""Characters after which Slack cuts a text off, with a warning (§4.3)."""
MOST_EMOJI = 50
"""Different emoji on one message: the documentation gives no number, nobody sees more."""
MOST_OF_ONE = 23
"""Different emoji that one person puts on a message: the documentation gives no number, this is what people report."""
CUSTOM_EMOJI = ("party_parrot", "acme-logo")
"""The workspace's own."""


def chat_post_message(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.joined(caller, arguments)
    text, blocks = str(arguments.get("text") or ""), checked_blocks(workspace, arguments)
    attachments = nested(arguments, "attachments") or []
    _check_text(channel, caller, text, anything=bool(blocks or attachments))
    kept = stored_text(text[:TRUNCATED_AT])
    message = signed_by(workspace, caller, arguments) | {"text": kept, "blocks": blocks or made_blocks(kept)}
    message |= {"attachments": attachments} if attachments else {}
    message |= _checked_metadata(arguments) | threaded(channel, arguments)
    answer: Object = {"channel": channel.id, "message": workspace.keep(channel, message)}
    answer["ts"] = answer["message"]["ts"]
    return answer | ({"warning": "message_truncated"} if len(text) > TRUNCATED_AT else {})


def checked_blocks(workspace: Workspace, arguments: Object) -> list[Object]:
    blocks = nested(arguments, "blocks") or []
    found = faults(blocks, workspace.is_person)
    if found:
        raise Complaint("invalid_blocks", errors=found, response_metadata={"messages": found})
    if length(blocks) > LONGEST_BLOCKS:
        raise Complaint("msg_blocks_too_long")
    return list(blocks)


def signed_by(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    """The authorship of a post (§2.6); without ``chat:write.customize`` a borrowed name is silently ignored."""
    app = {"bot_id": caller.bot_id, "app_id": caller.app_id}
    username, icon = arguments.get("username"), arguments.get("icon_url")
    if caller.is_bot and (username or icon) and "chat:write.customize" in caller.scopes:
        icons = {"icons": {f"image_{size}": icon for size in (36, 48, 64, 72)}} if icon else {}
        return app | {"subtype": "bot_message"} | ({"username": username} if username else {}) | icons
    profile = {
        "id": caller.bot_id,
        "app_id": caller.app_id,
        "name": workspace.app_of(caller),
        "deleted": False,
        "updated": 0,
    }
    profile |= {"team_id": workspace.team, "icons": ICONS}
    return app | {"user": caller.user, "team": workspace.team, "bot_profile": profile}


def threaded(channel: Channel, arguments: Object) -> Object:
    """The thread of a reply; an unknown parent makes a message of the channel (§3.3)."""
    parent = channel.find(str(arguments.get("thread_ts", "")))
    if parent is None:
        return {}
    root = {"thread_ts": parent.setdefault("thread_ts", parent["ts"])}
    root |= {"parent_user_id": parent["user"]} if "user" in parent else {}
    return root | ({"subtype": "thread_broadcast", "root": parent} if yes(arguments, "reply_broadcast") else {})


def chat_update(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.joined(caller, arguments)
    message = workspace.message(channel, arguments.get("ts"))
    text, blocks = str(arguments.get("text") or ""), checked_blocks(workspace, arguments)
    if not is_own(message, caller):
        raise Complaint("cant_update_message")
    if workspace.clock() - float(message["ts"]) > workspace.edit_seconds:
        raise Complaint("edit_window_closed")
    _check_text(channel, caller, text, anything=bool(blocks))
    kept = stored_text(text[:TRUNCATED_AT])
    changes: Object = {"text": kept, "blocks": blocks or made_blocks(kept)}
    if "username" in message and not workspace.keeps_names:
        changes |= signed_by(workspace, caller, {})
        for lost in ("username", "icons") + (("subtype",) if message.get("subtype") == "bot_message" else ()):
            message.pop(lost, None)
    workspace.edit(channel, message, caller.bot_id if caller.is_bot else caller.user, changes | _metadata(arguments))
    return {"channel": channel.id, "ts": message["ts"], "text": kept, "message": message}


def _metadata(arguments: Object) -> Object:
    """An update without metadata keeps what the message has."""
    return _checked_metadata(arguments) if arguments.get("metadata") else {}


def _check_text(channel: Channel, caller: Caller, text: str, *, anything: bool) -> None:
    if channel.archived:
        raise Complaint("is_archived")
    if not (text or anything):
        raise Complaint("no_text")
    if caller.is_bot and len(text) > LONGEST_TEXT:
        raise Complaint("msg_too_long")


def is_own(message: Object, caller: Caller) -> bool:
    """Bots may change what they posted, people what they said."""
    return bool(message.get("bot_id") == caller.bot_id if caller.is_bot else message.get("user") == caller.user)


def chat_delete(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.joined(caller, arguments)
    message = workspace.message(channel, arguments.get("ts"))
    if not is_own(message, caller):
        raise Complaint("cant_delete_message")
    answer = {"channel": channel.id, "ts": message["ts"]}
    workspace.remove(channel, message)
    return answer


def chat_post_ephemeral(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel, user = workspace.joined(caller, arguments), str(arguments.get("user", ""))
    text, blocks = str(arguments.get("text") or ""), checked_blocks(workspace, arguments)
    if user not in channel.members:
        raise Complaint("user_not_in_channel")
    _check_text(channel, caller, text, anything=bool(blocks))
    return {"message_ts": workspace.whisper(channel, user, {"text": text, "blocks": blocks})}


def reactions_add(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel, message, name = _reaction(workspace, caller, arguments)
    reactions = message.get("reactions", ())
    there = {reaction["name"] for reaction in reactions}
    ours = {reaction["name"] for reaction in reactions if caller.user in reaction["users"]}
    if name not in there and len(there) >= MOST_EMOJI:
        raise Complaint("too_many_emoji")
    if name not in ours and len(ours) >= MOST_OF_ONE:
        raise Complaint("too_many_reactions")
    if not workspace.react(channel, message, caller.user, name, on=True):
        raise Complaint("already_reacted")
    return {}


def reactions_remove(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel, message, name = _reaction(workspace, caller, arguments)
    if not workspace.react(channel, message, caller.user, name, on=False):
        raise Complaint("no_reaction")
    return {}


def _reaction(workspace: Workspace, caller: Caller, arguments: Object) -> tuple[Channel, Object, str]:
    channel, name = workspace.joined(caller, arguments), str(arguments.get("name", ""))
    if character(name) is None and name not in CUSTOM_EMOJI:
        raise Complaint("invalid_name")
    message = workspace.message(channel, arguments.get("timestamp"))
    if channel.archived:
        raise Complaint("is_archived")
    return channel, message, name


def reactions_get(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.joined(caller, arguments)
    message = workspace.message(channel, arguments.get("timestamp"))
    return {"type": "message", "channel": channel.id, "message": without(message, "metadata")}


def counts(channel: Channel, root: Object) -> Object:
    """What a thread's root tells of its replies."""
    replies = channel.replies(root["ts"])
    users = list(dict.fromkeys(str(reply.get("user", reply.get("bot_id"))) for reply in replies))
    found = {"reply_count": len(replies), "reply_users": users, "reply_users_count": len(users), "is_locked": False}
    return found | ({"latest_reply": replies[-1]["ts"]} if replies else {})


def take_answer(workspace: Workspace, request: Request) -> Response:
    """An answer to a slash command: at its own address, five times within half an hour (§2.8)."""
    place = workspace.answers.get(request.url)
    if place is None or workspace.clock() > place.until or request.method != "POST":
        return Response(404, b'{"ok":false,"error":"expired_url"}', {"content-type": "application/json"})
    if not place.uses:
        return Response(404, b'{"ok":false,"error":"used_url"}', {"content-type": "application/json"})
    said = read_arguments(request, takes_json=True)
    if faults(said.get("blocks") or [], workspace.is_person) or not said.get("text"):
        return Response(400, b'{"ok":false,"error":"invalid_payload"}', {"content-type": "application/json"})
    place.uses -= 1
    workspace.whisper(workspace.channels[place.channel], place.user, said)
    return Response(200, b"ok", {"content-type": "text/plain"})


def _checked_metadata(arguments: Object) -> Object:
    metadata = nested(arguments, "metadata")
    if not metadata:
        return {}
    kind = metadata.get("event_type") if isinstance(metadata, dict) else None
    if not isinstance(kind, str) or not kind.replace("_", "").isalnum() or "event_payload" not in metadata:
        raise Complaint("invalid_metadata_format")
    if len(json.dumps(metadata)) > 8_000:
        raise Complaint("metadata_too_large")
    return {"metadata": metadata}


CHAT: dict[str, Method] = {
    "chat.delete": (chat_delete, ("chat:write",), True),
    "chat.postEphemeral": (chat_post_ephemeral, ("chat:write",), True),
    "chat.postMessage": (chat_post_message, ("chat:write",), True),
    "chat.update": (chat_update, ("chat:write",), True),
    "reactions.add": (reactions_add, ("reactions:write",), True),
    "reactions.get": (reactions_get, ("reactions:read",), False),
    "reactions.remove": (reactions_remove, ("reactions:write",), True),
}
