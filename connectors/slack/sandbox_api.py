"""The fake Slack's Web API: the methods that our client and the SDKs of outside clients call (reference §3, §8)."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import COMPANY, digest
from connectors.slack.sandbox_arguments import in_range, nested, page, read_arguments, yes
from connectors.slack.sandbox_company import (
    APP_NAME,
    OUTSIDE_NAME,
    Caller,
    Channel,
    Complaint,
    Object,
    Workspace,
    without,
)
from connectors.slack.sandbox_texts import LONGEST_BLOCKS, faults, length, made_blocks, stored_text

_ICONS = {f"image_{size}": f"https://avatars.slack-edge.com/app_{size}.png" for size in (36, 48, 72)}

LONGEST_TEXT = 4_000
"""Characters a bot may post: beyond it the real Slack splits the message, which we never want to see."""
TRUNCATED_AT = 40_000
"""Characters after which Slack cuts a text off, with a warning (§4.3)."""

Endpoint = Callable[[Workspace, Caller, Object], Object]


def respond(workspace: Workspace, request: Request) -> Response:
    """Answer a call: almost always with status 200, what went wrong stands in the body (§3.1)."""
    path = urlsplit(request.url).path
    if not path.startswith("/api/"):
        return Response(404, b"", {"content-type": "text/html"})
    request_id = digest(str(workspace.clock()))[:32]
    headers = {"content-type": "application/json; charset=utf-8", "x-slack-req-id": request_id}
    try:
        answer = _answer(workspace, path.removeprefix("/api/"), request, headers)
    except Complaint as complaint:
        answer = complaint.answer
    return Response(200, json.dumps(answer).encode(), headers)


def _answer(workspace: Workspace, method: str, request: Request, headers: dict[str, str]) -> Object:
    if method not in METHODS:
        raise Complaint("unknown_method", req_method=method)
    endpoint, scopes, takes_json = METHODS[method]
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or not token:
        raise Complaint("not_authed")
    caller = workspace.callers.get(token)
    if caller is None:
        raise Complaint("invalid_auth")
    headers["x-oauth-scopes"] = ",".join(sorted(caller.scopes))
    headers["x-accepted-oauth-scopes"] = ",".join(scopes)
    if scopes and not caller.scopes.intersection(scopes):
        raise Complaint("missing_scope", needed=scopes[0], provided=headers["x-oauth-scopes"])
    return {"ok": True} | endpoint(workspace, caller, read_arguments(request, takes_json))


def auth_test(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    name = workspace.handle_of(caller.user)
    who = {"url": f"https://{COMPANY.lower()}.slack.com/", "team": COMPANY, "team_id": workspace.team, "user": name}
    bot = {"bot_id": caller.bot_id, "app_id": caller.app_id} if caller.is_bot else {}
    return who | {"user_id": caller.user, "is_enterprise_install": False} | bot


def team_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    domain = COMPANY.lower()
    team = {"id": workspace.team, "name": COMPANY, "domain": domain, "email_domain": f"{domain}.example"}
    return {"team": team | {"url": f"https://{domain}.slack.com/", "icon": {"image_default": True}}}


def chat_post_message(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.channel(arguments)
    text, blocks = str(arguments.get("text") or ""), _checked_blocks(workspace, arguments)
    attachments = nested(arguments, "attachments") or []
    if channel.archived:
        raise Complaint("is_archived")
    if not (text or blocks or attachments):
        raise Complaint("no_text")
    if caller.is_bot and len(text) > LONGEST_TEXT:
        raise Complaint("msg_too_long")
    kept = stored_text(text[:TRUNCATED_AT])
    message = _signed_by(workspace, caller, arguments) | {"text": kept, "blocks": blocks or made_blocks(kept)}
    message |= {"attachments": attachments} if attachments else {}
    message |= _checked_metadata(arguments) | _threaded(workspace, channel, arguments)
    answer: Object = {"channel": channel.id, "message": workspace.keep(channel, message)}
    answer["ts"] = answer["message"]["ts"]
    return answer | ({"warning": "message_truncated"} if len(text) > TRUNCATED_AT else {})


def _checked_blocks(workspace: Workspace, arguments: Object) -> list[Object]:
    blocks = nested(arguments, "blocks") or []
    found = faults(blocks, lambda user: user in workspace.actors or user == workspace.bot_user)
    if found:
        raise Complaint("invalid_blocks", errors=found, response_metadata={"messages": found})
    if length(blocks) > LONGEST_BLOCKS:
        raise Complaint("msg_blocks_too_long")
    return list(blocks)


def _signed_by(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    """The authorship of a post (§2.6); without ``chat:write.customize`` a borrowed name is silently ignored."""
    app = {"bot_id": caller.bot_id, "app_id": caller.app_id}
    username, icon = arguments.get("username"), arguments.get("icon_url")
    if caller.is_bot and (username or icon) and "chat:write.customize" in caller.scopes:
        icons = {"icons": {f"image_{size}": icon for size in (36, 48, 64, 72)}} if icon else {}
        return app | {"subtype": "bot_message"} | ({"username": username} if username else {}) | icons
    name = APP_NAME if caller.is_bot else OUTSIDE_NAME
    profile = {"id": caller.bot_id, "app_id": caller.app_id, "name": name, "deleted": False, "updated": 0}
    profile |= {"team_id": workspace.team, "icons": _ICONS}
    return app | {"user": caller.user, "team": workspace.team, "bot_profile": profile}


def _threaded(workspace: Workspace, channel: Channel, arguments: Object) -> Object:
    """The thread of a reply; an unknown parent makes a message of the channel (§3.3)."""
    parent = channel.find(str(arguments.get("thread_ts", "")))
    if parent is None:
        return {}
    root = {"thread_ts": parent.setdefault("thread_ts", parent["ts"])}
    root |= {"parent_user_id": parent["user"]} if "user" in parent else {}
    return root | ({"subtype": "thread_broadcast", "root": parent} if yes(arguments, "reply_broadcast") else {})


def conversations_list(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    public = "public_channel" in str(arguments.get("types", "public_channel")).split(",")
    shown = [
        workspace.conversation(channel) | {"num_members": len(workspace.actors) + 1}
        for channel in workspace.open_channels()
    ]
    return page("channels", shown if public else [], arguments, "team")


def users_conversations(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    public = "public_channel" in str(arguments.get("types", "public_channel")).split(",")
    shown = [workspace.conversation(channel) for channel in workspace.open_channels()] if public else []
    return page("channels", [without(channel, "is_member") for channel in shown], arguments, "team")


def conversations_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    counted = {"num_members": len(workspace.actors) + 1} if yes(arguments, "include_num_members") else {}
    return {"channel": workspace.conversation(workspace.channel(arguments)) | counted}


def conversations_members(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    workspace.channel(arguments)
    return page("members", [*workspace.actors, workspace.bot_user], arguments, "user")


def conversations_history(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.channel(arguments)
    messages = [m for m in reversed(channel.messages) if _in_history(m) and in_range(m, arguments)]
    answer = page("messages", [_listed(channel, m, arguments) for m in messages], arguments, "next_ts")
    counters = {"pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}
    return answer | counters | {"has_more": bool(answer["response_metadata"]["next_cursor"])}


def conversations_replies(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.channel(arguments)
    named = channel.find(str(arguments.get("ts", "")))
    parent = channel.find(str(named.get("thread_ts", named["ts"]))) if named else None
    if parent is None:
        raise Complaint("thread_not_found")
    replies = [m for m in channel.messages if m is not parent and m.get("thread_ts") == parent["ts"]]
    shown = [parent, *(m for m in replies if in_range(m, arguments))]
    answer = page("messages", [_listed(channel, m, arguments) for m in shown], arguments, "next_ts")
    return answer | {"has_more": bool(answer["response_metadata"]["next_cursor"])}


def users_list(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    people = [workspace.user(user, caller) for user in [*workspace.actors, workspace.bot_user]]
    return {"cache_ts": int(workspace.clock())} | page("members", people, arguments, "user")


def users_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    user = str(arguments.get("user", ""))
    if user not in workspace.actors and user != workspace.bot_user:
        raise Complaint("user_not_found")
    return {"user": workspace.user(user, caller)}


def bots_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    known = {found.bot_id: found for found in workspace.callers.values()}
    bot = known.get(str(arguments.get("bot", "")))
    if bot is None:
        raise Complaint("bot_not_found")
    name, owner = (APP_NAME, {"user_id": workspace.bot_user}) if bot.is_bot else (OUTSIDE_NAME, {})
    shown = {"id": bot.bot_id, "deleted": False, "name": name, "updated": 0, "app_id": bot.app_id, "icons": _ICONS}
    return {"bot": shown | owner}


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


def _in_history(message: Object) -> bool:
    return message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"


def _listed(channel: Channel, message: Object, arguments: Object) -> Object:
    """A message as listings show it: without its metadata unless asked for, with a count where it has replies."""
    shown = message if yes(arguments, "include_all_metadata") else without(message, "metadata")
    if message.get("thread_ts") != message["ts"]:
        return shown
    replies = [m for m in channel.messages if m.get("thread_ts") == message["ts"] and m is not message]
    users = list(dict.fromkeys(str(reply.get("user", reply.get("bot_id"))) for reply in replies))
    counts = {"reply_count": len(replies), "reply_users": users, "reply_users_count": len(users), "is_locked": False}
    return shown | counts | ({"latest_reply": replies[-1]["ts"]} if replies else {})


METHODS: dict[str, tuple[Endpoint, tuple[str, ...], bool]] = {
    "auth.test": (auth_test, (), True),
    "bots.info": (bots_info, ("users:read",), False),
    "chat.postMessage": (chat_post_message, ("chat:write",), True),
    "conversations.history": (conversations_history, ("channels:history",), True),
    "conversations.info": (conversations_info, ("channels:read",), False),
    "conversations.list": (conversations_list, ("channels:read",), False),
    "conversations.members": (conversations_members, ("channels:read",), False),
    "conversations.replies": (conversations_replies, ("channels:history",), False),
    "team.info": (team_info, ("team:read",), True),
    "users.conversations": (users_conversations, ("channels:read",), False),
    "users.info": (users_info, ("users:read",), False),
    "users.list": (users_list, ("users:read",), False),
}
"""What a method does, which scopes open it (any one), and whether it reads JSON."""
