"""The fake Zoom's API: the calls of §3 that a client of ours or of anybody else makes, refused as Zoom refuses them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.zoom import ids
from connectors.zoom.sandbox_company import ACCOUNT, Room, Said, User, by_key, member_shown
from connectors.zoom.sandbox_rules import Refusal, answer, check_mentions, check_spans, check_text, invalid, page_of
from connectors.zoom.sandbox_tokens import Token, Tokens
from connectors.zoom.webhook import moment

HISTORY = timedelta(days=183)
"""Message lists go back six months (§3.1)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted request: whose token, the ids in the path, the rest."""

    token: Token
    path: Mapping[str, str]
    request: Request


Say = Callable[[Room, User, str, list[dict[str, Any]], list[dict[str, Any]], str], Said]
"""Keep a message and tell the Hub: channel, author, text, spans, mentions, root of the thread."""


class Api:
    """Answers requests over the memory it is given."""

    def __init__(
        self, users: Sequence[User], rooms: Mapping[str, Room], tokens: Tokens, clock: Callable[[], float], say: Say
    ) -> None:
        self.users = users
        self.rooms = rooms
        self.tokens = tokens
        self.clock = clock
        self.say = say

    def handle(self, request: Request) -> Response:
        path = unquote(urlsplit(request.url).path)
        if request.method == "POST" and path == "/oauth/token":
            return self.tokens.endpoint(request)
        try:
            for method, pattern, scopes, act in ROUTES:
                if method == request.method and (match := pattern.fullmatch(path)):
                    return self._allowed(act, Call(self.tokens.bearer(request), match.groupdict(), request), scopes)
            raise Refusal(404, 2300, "This API endpoint is not recognized.")
        except Refusal as refusal:
            return refusal.response

    def _allowed(self, act: "Act", call: Call, scopes: Sequence[str]) -> Response:
        held = call.token.scopes
        wanted = [scope for scope in scopes if scope.endswith(":admin") != call.token.personal]
        if not held.intersection(wanted):
            raise Refusal(400, 4711, f"Invalid access token, does not contain scopes:[{', '.join(wanted or scopes)}].")
        if call.token.personal and call.path.get("user", "me") != "me":
            raise Refusal(403, 403, "Authenticated user has not permitted access to the targeted resource.")
        return act(self, call)

    def user_of(self, call: Call) -> User:
        key = call.path.get("user", "me")
        found = call.token.user if key == "me" else by_key(self.users, key)
        if found is None:
            raise Refusal(404, 1001, f"User does not exist: {key}.")
        return found

    def room_of(self, call: Call, channel: str) -> Room:
        """A channel that the user is in; others do not exist for the user."""
        found = self.rooms.get(channel)
        if found is None or self.user_of(call) not in found.members:
            raise Refusal(404, 4130, f"Channel does not exist: {channel}.")
        return found

    def list_users(self, call: Call) -> Response:
        page, fields = page_of(self.users, call.request.query, 30, 2000, self.clock())
        fields |= {"total_records": len(self.users), "users": [one.shown() for one in page]}
        return answer(200, fields)

    def get_user(self, call: Call) -> Response:
        found = self.user_of(call)
        more = {"account_id": ACCOUNT, "jid": f"{found.id.lower()}@xmpp.zoom.us", "role_name": "Member", "pic_url": ""}
        return answer(200, found.shown() | more)

    def list_channels(self, call: Call) -> Response:
        rooms = [one for one in self.rooms.values() if self.user_of(call) in one.members]
        return self._channels(call, rooms, 1000)

    def list_account_channels(self, call: Call) -> Response:
        """Only public channels, and ours are private: an empty list, as in many a real account (§3.2)."""
        return self._channels(call, [], 20)

    def _channels(self, call: Call, rooms: Sequence[Room], most: int) -> Response:
        page, fields = page_of(rooms, call.request.query, 10, most, self.clock())
        return answer(200, fields | {"total_records": len(rooms), "channels": [one.shown() for one in page]})

    def get_channel(self, call: Call) -> Response:
        return answer(200, self.room_of(call, call.path["channel"]).shown())

    def list_members(self, call: Call) -> Response:
        members = self.room_of(call, call.path["channel"]).members
        page, fields = page_of(members, call.request.query, 30, 100, self.clock())
        shown = [member_shown(one, one is members[0]) for one in page]
        return answer(200, fields | {"total_records": len(members), "members": shown})

    def list_messages(self, call: Call) -> Response:
        """Newest first, one day unless ``from`` asks for more (§3.1)."""
        query = call.request.query
        place = self.room_of(call, _channel_of(query))
        start, end = self._window(query)
        inside = [said for said in place.messages.values() if start <= said.at <= end]
        page, fields = page_of(inside[::-1], query, 10, 50, self.clock())
        stated = {name: query[name] for name in ("date", "from", "to") if name in query}
        return answer(200, fields | stated | {"messages": [said.told() for said in page]})

    def _window(self, query: Mapping[str, str]) -> tuple[float, float]:
        """From and to, in milliseconds."""
        now = datetime.fromtimestamp(self.clock(), UTC)
        day = moment(query["date"]) if "date" in query else now.replace(hour=0, minute=0, second=0, microsecond=0)
        start, end = moment(query["from"]) if "from" in query and "date" not in query else day, now
        if "date" in query and day:
            end = day + timedelta(days=1)
        elif "to" in query:
            end = moment(query["to"]) or now
        if start is None:
            raise invalid("from")
        if now - start > HISTORY:
            raise Refusal(400, 300, "Only provide past chat messages in recent 6 months.")
        return start.timestamp() * 1000, end.timestamp() * 1000

    def get_message(self, call: Call) -> Response:
        place = self.room_of(call, _channel_of(call.request.query))
        said = place.messages.get(ids.message(call.path["message"]))
        if said is None:
            raise Refusal(400, 300, f"Channel does not exist: {call.path['message']}")
        return answer(200, said.told())

    def send_message(self, call: Call) -> Response:
        body = _json(call.request)
        message = check_text(body.get("message"))
        place = self.room_of(call, _channel_of(body))
        spans = check_spans(body.get("rich_text"), message)
        mentions = check_mentions(body.get("at_items"), message, lambda contact: _contact(place, contact))
        root = self._root(place, body.get("reply_main_message_id"))
        return answer(201, {"id": self.say(place, self.user_of(call), message, spans, mentions, root).id})

    def _root(self, place: Room, wanted: object) -> str:
        """The thread to reply in: only a first message has one (§3.1)."""
        if not wanted:
            return ""
        root = place.messages.get(ids.message(wanted))
        if root is None:
            raise Refusal(400, 300, f"Message does not exist: {wanted}.")
        if root.root:
            raise Refusal(400, 5402, "This only supports replies to a main message.")
        return root.id


def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, 300, "Request Body should be a valid JSON object.")
    return body


def _channel_of(fields: Mapping[str, Any]) -> str:
    """The sandbox has channels only: a direct chat asks for people it has not got."""
    if fields.get("to_contact"):
        raise Refusal(404, 1001, f"User does not exist: {fields['to_contact']}.")
    if not isinstance(fields.get("to_channel"), str):
        raise Refusal(400, 300, "Must provide either contact or channel parameter.")
    return str(fields["to_channel"])


def _contact(place: Room, contact: str) -> Mapping[str, str] | None:
    """A mention takes an e-mail address or a member id, never a user id (§3.1)."""
    found = place.member(contact)
    return found.contact if found and contact != found.id else None


Act = Callable[[Api, Call], Response]


def _route(method: str, path: str, scopes: str, act: Act) -> tuple[str, re.Pattern[str], Sequence[str], Act]:
    """``{x}`` stands for one part of a path."""
    return method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", f"/v2{path}")), scopes.split(), act


def _both(*rights: str) -> str:
    return " ".join(f"{right} {right}:admin" for right in rights)


_CHANNEL = ("chat_channel:read", "chat_channel:write")
_MESSAGES = "/chat/users/{user}/messages"
ROUTES = (
    _route("GET", "/users", _both("user:read", "user:write") + " user:read:list_users:admin", Api.list_users),
    _route(
        "GET",
        "/users/{user}",
        _both("user:read", "user:write", "user:read:user") + " user_info:read",
        Api.get_user,
    ),
    _route(
        "GET",
        "/chat/channels",
        "chat_channel:read:admin chat_channel:write:admin team_chat:read:list_channels:admin",
        Api.list_account_channels,
    ),
    _route(
        "GET",
        "/chat/users/{user}/channels",
        _both(*_CHANNEL, "team_chat:read:list_user_channels"),
        Api.list_channels,
    ),
    _route("GET", "/chat/channels/{channel}", _both(*_CHANNEL, "team_chat:read:channel"), Api.get_channel),
    _route(
        "GET",
        "/chat/users/{user}/channels/{channel}",
        _both(*_CHANNEL, "team_chat:read:user_channel"),
        Api.get_channel,
    ),
    _route(
        "GET",
        "/chat/channels/{channel}/members",
        _both(*_CHANNEL, "team_chat:read:list_members"),
        Api.list_members,
    ),
    _route(
        "GET",
        "/chat/users/{user}/channels/{channel}/members",
        _both(*_CHANNEL, "team_chat:read:list_members"),
        Api.list_members,
    ),
    _route(
        "GET",
        _MESSAGES,
        _both("chat_message:read", "chat_message:write", "team_chat:read:list_user_messages"),
        Api.list_messages,
    ),
    _route(
        "GET",
        _MESSAGES + "/{message}",
        _both("chat_message:read", "chat_message:write", "team_chat:read:user_message"),
        Api.get_message,
    ),
    _route("POST", _MESSAGES, _both("chat_message:write", "team_chat:write:user_message"), Api.send_message),
)
"""What the fake answers, with the scopes of which any one suffices."""
