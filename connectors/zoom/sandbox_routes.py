"""What the fake Zoom answers, with the scopes of which any one suffices (§3). All other addresses are not recognised."""

import re
from collections.abc import Sequence

from connectors.zoom import sandbox_reading as reading
from connectors.zoom import sandbox_writing as writing
from connectors.zoom.sandbox_api import Act, Route
from connectors.zoom.sandbox_channels import change_channel, create_channel, invite_members, remove_member
from connectors.zoom.sandbox_files import ELSEWHERE, HOST

FILES = (HOST, ELSEWHERE)
_API = ("api.zoom.us",)


def _route(method: str, path: str, scopes: str, act: Act, hosts: Sequence[str] = _API) -> Route:
    """``{x}`` stands for one part of a path."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", f"/v2{path}"))
    return Route(method, pattern, scopes.split(), act, hosts)


def _both(*rights: str) -> str:
    return " ".join(f"{right} {right}:admin" for right in rights)


_CHANNEL = ("chat_channel:read", "chat_channel:write")
_MESSAGES = "/chat/users/{user}/messages"
ROUTES = (
    _route("GET", "/users", _both("user:read", "user:write") + " user:read:list_users:admin", reading.list_users),
    _route(
        "GET",
        "/users/{user}",
        _both("user:read", "user:write", "user:read:user") + " user_info:read",
        reading.get_user,
    ),
    _route(
        "GET",
        "/chat/channels",
        "chat_channel:read:admin chat_channel:write:admin team_chat:read:list_channels:admin",
        reading.list_account_channels,
    ),
    _route(
        "GET",
        "/chat/users/{user}/channels",
        _both(*_CHANNEL, "team_chat:read:list_user_channels"),
        reading.list_channels,
    ),
    _route("GET", "/chat/channels/{channel}", _both(*_CHANNEL, "team_chat:read:channel"), reading.get_any_channel),
    _route(
        "GET",
        "/chat/users/{user}/channels/{channel}",
        _both(*_CHANNEL, "team_chat:read:user_channel"),
        reading.get_channel,
    ),
    _route(
        "POST",
        "/chat/users/{user}/channels",
        _both("chat_channel:write", "team_chat:write:user_channel"),
        create_channel,
    ),
    _route(
        "POST",
        "/chat/users/{user}/channels/{channel}/members",
        _both("chat_channel:write", "team_chat:write:members"),
        invite_members,
    ),
    _route(
        "DELETE",
        "/chat/users/{user}/channels/{channel}/members/{identifier}",
        _both("chat_channel:write") + " team_chat:delete:member:admin",
        remove_member,
    ),
    _route(
        "PATCH", "/chat/channels/{channel}", _both("chat_channel:write", "team_chat:update:channel"), change_channel
    ),
    _route(
        "PATCH",
        "/chat/users/{user}/channels/{channel}",
        _both("chat_channel:write", "team_chat:update:user_channel"),
        change_channel,
    ),
    _route(
        "GET",
        "/chat/channels/{channel}/members",
        _both(*_CHANNEL, "team_chat:read:list_members"),
        reading.list_members,
    ),
    _route(
        "GET",
        "/chat/users/{user}/channels/{channel}/members",
        _both(*_CHANNEL, "team_chat:read:list_members"),
        reading.list_members,
    ),
    _route(
        "GET",
        _MESSAGES,
        _both("chat_message:read", "chat_message:write", "team_chat:read:list_user_messages"),
        reading.list_messages,
    ),
    _route(
        "GET",
        _MESSAGES + "/{message}",
        _both("chat_message:read", "chat_message:write", "team_chat:read:user_message"),
        reading.get_message,
    ),
    _route(
        "PUT",
        _MESSAGES + "/{message}",
        _both("chat_message:write", "team_chat:update:user_message"),
        writing.edit_message,
    ),
    _route(
        "DELETE",
        _MESSAGES + "/{message}",
        _both("chat_message:write", "team_chat:delete:user_message"),
        writing.delete_message,
    ),
    _route(
        "PATCH",
        _MESSAGES + "/{message}/emoji_reactions",
        _both("chat_message:write", "team_chat:update:message_emoji"),
        writing.react,
    ),
    _route(
        "POST",
        "/chat/users/{user}/messages/files",
        _both("chat_message:write", "team_chat:write:message_files"),
        writing.share_file,
        FILES,
    ),
    _route(
        "POST",
        "/chat/users/{user}/files",
        _both("chat_message:write", "team_chat:write:files"),
        writing.store_file,
        FILES,
    ),
    _route("GET", "/chat/files/{file}", "chat:read " + _both("team_chat:read:file"), writing.file_info),
    _route(
        "GET", "/chat/users/me/contacts/{identifier}", "chat_contact:read team_chat:read:contact", reading.get_contact
    ),
    _route("POST", "/im/chat/messages", "", writing.speak),
    _route("POST", _MESSAGES, _both("chat_message:write", "team_chat:write:user_message"), writing.send_message),
)
DOWNLOAD = Route("GET", re.compile("/file/(?P<file>[^/]+)"), (), writing.download, FILES)
