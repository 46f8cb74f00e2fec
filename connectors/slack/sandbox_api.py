"""The fake Slack's Web API: the methods that our client and the SDKs of outside clients call (reference §3, §8)."""

import json
from urllib.parse import urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import COMPANY, digest
from connectors.slack.sandbox_arguments import in_range, page, read_arguments, yes
from connectors.slack.sandbox_chat import CHAT, counts, take_answer
from connectors.slack.sandbox_company import (
    APP_NAME,
    ICONS,
    OUTSIDE_NAME,
    Caller,
    Channel,
    Complaint,
    Method,
    Object,
    Workspace,
    without,
)
from connectors.slack.sandbox_files import FILES, serve_files
from connectors.slack.sandbox_names import NAMES
from connectors.slack.sandbox_sign_in import SIGN_IN_METHODS
from connectors.slack.sandbox_tokens import LEAVING, caller_of

REACTORS_LISTED = 2
"""People whom a listing names per reaction. The real Slack names some dozens; here two show that more may be missing."""


def respond(workspace: Workspace, request: Request) -> Response:
    """Answer a request to one of Slack's three hosts."""
    address = urlsplit(request.url)
    if address.netloc == "files.slack.com":
        return serve_files(workspace, request, address.path)
    if address.netloc == "hooks.slack.com":
        return take_answer(workspace, request)
    if not address.path.startswith("/api/"):
        return Response(404, b"", {"content-type": "text/html"})
    return _respond(workspace, request, address.path.removeprefix("/api/"))


def _respond(workspace: Workspace, request: Request, method: str) -> Response:
    """Almost always with status 200: what went wrong stands in the body (§3.1)."""
    request_id = digest(str(workspace.clock()))[:32]
    headers = {"content-type": "application/json; charset=utf-8", "x-slack-req-id": request_id}
    try:
        answer = _answer(workspace, method, request, headers)
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
    caller = caller_of(workspace, token)
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
    channel = workspace.channel(arguments)
    people = [channel.person] if channel.person else [user for user in workspace.actors if user not in channel.left]
    return page("members", [*people, workspace.bot_user], arguments, "user")


def conversations_open(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    """Only our app's direct message with one person."""
    user = str(arguments.get("users") or "")
    if not user:
        raise Complaint("users_list_not_supplied")
    if user not in workspace.actors:
        raise Complaint("user_not_found")
    return {"channel": {"id": workspace.chat(user).id}}


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
    shown = [parent, *(m for m in channel.replies(parent["ts"]) if in_range(m, arguments))]
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
    shown = {"id": bot.bot_id, "deleted": False, "name": name, "updated": 0, "app_id": bot.app_id, "icons": ICONS}
    return {"bot": shown | owner}


def _in_history(message: Object) -> bool:
    return message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"


def _listed(channel: Channel, message: Object, arguments: Object) -> Object:
    """A message as listings show it: without its metadata unless asked for, with a count where it has replies."""
    shown = message if yes(arguments, "include_all_metadata") else without(message, "metadata")
    if "reactions" in shown:
        shown = shown | {"reactions": [r | {"users": r["users"][:REACTORS_LISTED]} for r in shown["reactions"]]}
    return shown | counts(channel, message) if message.get("thread_ts") == message["ts"] else shown


METHODS: dict[str, Method] = (
    CHAT
    | FILES
    | LEAVING
    | NAMES
    | SIGN_IN_METHODS
    | {
        "auth.test": (auth_test, (), True),
        "bots.info": (bots_info, ("users:read",), False),
        "conversations.history": (conversations_history, ("channels:history",), True),
        "conversations.info": (conversations_info, ("channels:read",), False),
        "conversations.list": (conversations_list, ("channels:read",), False),
        "conversations.members": (conversations_members, ("channels:read",), False),
        "conversations.open": (conversations_open, ("im:write",), True),
        "conversations.replies": (conversations_replies, ("channels:history",), False),
        "team.info": (team_info, ("team:read",), True),
        "users.conversations": (users_conversations, ("channels:read",), False),
        "users.info": (users_info, ("users:read",), False),
        "users.list": (users_list, ("users:read",), False),
    }
)
"""What a method does, which scopes open it (any one), and whether it reads JSON."""
