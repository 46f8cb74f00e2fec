"""The fake Slack's Web API: the methods that our client and the SDKs of outside clients call (reference §3, §8)."""

import json
from urllib.parse import urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import COMPANY, digest
from connectors.slack.sandbox_arguments import in_range, page, read_arguments, yes
from connectors.slack.sandbox_chat import CHAT, counts, take_answer
from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_direct import DIRECT
from connectors.slack.sandbox_directory import DIRECTORY
from connectors.slack.sandbox_files import FILES, serve_files
from connectors.slack.sandbox_managing import MANAGING
from connectors.slack.sandbox_names import NAMES
from connectors.slack.sandbox_records import Caller, Channel, Complaint, Object, require, without
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


def _read(workspace: Workspace, caller: Caller, arguments: Object) -> Channel:
    channel = workspace.joined(caller, arguments)
    require(caller, f"{channel.family}:history")
    return channel


def conversations_history(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = _read(workspace, caller, arguments)
    messages = [m for m in reversed(channel.messages) if _in_history(m) and in_range(m, arguments)]
    answer = page(workspace, "messages", messages, arguments, "next_ts", lambda m: _listed(channel, m, arguments))
    counters = {"pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}
    return answer | counters | {"has_more": bool(answer["response_metadata"]["next_cursor"])}


def conversations_replies(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = _read(workspace, caller, arguments)
    named = channel.find(str(arguments.get("ts", "")))
    parent = channel.find(str(named.get("thread_ts", named["ts"]))) if named else None
    if parent is None:
        raise Complaint("thread_not_found")
    shown = [parent, *(m for m in channel.replies(parent["ts"]) if in_range(m, arguments))]
    answer = page(workspace, "messages", shown, arguments, "next_ts", lambda m: _listed(channel, m, arguments))
    return answer | {"has_more": bool(answer["response_metadata"]["next_cursor"])}


def _in_history(message: Object) -> bool:
    return message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"


def _listed(channel: Channel, message: Object, arguments: Object) -> Object:
    """A message as listings show it: without its metadata unless asked for, with a count where it has replies."""
    shown = message if yes(arguments, "include_all_metadata") else without(message, "metadata")
    if "reactions" in shown:
        shown = shown | {"reactions": [r | {"users": r["users"][:REACTORS_LISTED]} for r in shown["reactions"]]}
    return shown | counts(channel, message) if message.get("thread_ts") == message["ts"] else shown


HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")

METHODS: dict[str, Method] = (
    CHAT
    | DIRECT
    | DIRECTORY
    | FILES
    | LEAVING
    | MANAGING
    | NAMES
    | SIGN_IN_METHODS
    | {
        "auth.test": (auth_test, (), True),
        "conversations.history": (conversations_history, HISTORY, True),
        "conversations.replies": (conversations_replies, HISTORY, False),
    }
)
"""What a method does, which scopes open it (any one), and whether it reads JSON."""
