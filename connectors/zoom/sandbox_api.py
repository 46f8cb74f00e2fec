"""The fake Zoom's API: who may make a call, and on what (§1.5, §1.6, §3.8). See ``sandbox_routes`` too."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.zoom import ids
from connectors.zoom.sandbox_acts import Acts
from connectors.zoom.sandbox_company import Room, Said, Stored, User, by_key
from connectors.zoom.sandbox_rules import Refusal
from connectors.zoom.sandbox_tokens import Token, Tokens

TOUCHED_SECONDS = 183 * 86_400.0
"""How old a message may be that apps read or change: six months (§3.1)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted request: whose token, the ids in the path, the rest."""

    token: Token
    path: Mapping[str, str]
    request: Request


Act = Callable[["Api", Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One call. Of ``scopes`` any one suffices; with none the call checks by itself who may."""

    method: str
    pattern: re.Pattern[str]
    scopes: Sequence[str]
    act: Act
    hosts: Sequence[str]


class Api:
    """Answers requests over the memory it is given."""

    def __init__(self, users: Sequence[User], tokens: Tokens, acts: Acts, routes: Sequence[Route]) -> None:
        self.users = users
        self.tokens = tokens
        self.acts = acts
        self.clock = acts.clock
        self.routes = routes

    def handle(self, request: Request) -> Response:
        where = urlsplit(request.url)
        path = unquote(where.path)
        try:
            for route in self.routes:
                match = route.pattern.fullmatch(path) if request.method == route.method else None
                if match and where.netloc in route.hosts:
                    return self._allowed(route, Call(self.tokens.bearer(request), match.groupdict(), request))
            raise Refusal(404, 2300, "This API endpoint is not recognized.")
        except Refusal as refusal:
            return refusal.response

    def _allowed(self, route: Route, call: Call) -> Response:
        held, scopes = call.token.scopes, route.scopes
        wanted = [scope for scope in scopes if scope.endswith(":admin") != call.token.personal]
        if scopes and not held.intersection(wanted):
            raise Refusal(400, 4711, f"Invalid access token, does not contain scopes:[{', '.join(wanted or scopes)}].")
        if call.token.personal and call.path.get("user", "me") != "me":
            raise Refusal(403, 403, "Authenticated user has not permitted access to the targeted resource.")
        return route.act(self, call)

    @property
    def now(self) -> str:
        """The time as answers tell it."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def everybody(self) -> Iterator[User]:
        """The users of the account, deactivated ones included."""
        return chain(self.users, self.acts.former)

    def user_of(self, call: Call) -> User:
        key = call.path.get("user", "me")
        found = call.token.user if key == "me" else by_key(self.everybody(), key)
        if found is None:
            raise Refusal(404, 1001, f"User does not exist: {key}.")
        return found

    def room_of(self, call: Call, channel: str) -> Room:
        """A channel that the user is in; others do not exist for the user."""
        found = self.acts.rooms.get(channel)
        if found is None or self.user_of(call) not in found.members:
            raise Refusal(404, 4130, f"Channel does not exist: {channel}.")
        return found

    def addressed(self, call: Call, fields: Mapping[str, Any]) -> Room:
        """Where a call acts: a channel, or the chat with the contact that it names (§3.1)."""
        contact, channel = fields.get("to_contact"), fields.get("to_channel")
        if not isinstance(contact or channel, str) or (contact and channel):
            raise Refusal(400, 300, "Must provide either contact or channel parameter.")
        if not contact:
            return self.room_of(call, str(channel))
        user, found = self.user_of(call), by_key([*self.everybody(), *self.acts.outsiders], str(contact))
        if found is None or found == user:
            raise Refusal(404, 1001, f"User does not exist: {contact}.")
        return self.acts.chat_of(user, found)

    def sendable(self, call: Call, fields: Mapping[str, Any]) -> Room:
        """The same where something is to be sent."""
        place = self.addressed(call, fields)
        if place.archived:
            raise Refusal(400, 5420, "Can not send message to an archived channel.")
        return place

    def said_of(self, call: Call, fields: Mapping[str, Any]) -> tuple[Room, Said]:
        """The message that a path names, and its channel."""
        place = self.addressed(call, fields)
        said = self.acts.said(place, ids.message(call.path["message"]))
        if self.clock() - said.at / 1000 > TOUCHED_SECONDS:
            raise Refusal(400, 300, "Only provide past chat messages in recent 6 months.")
        return place, said

    def own_of(self, call: Call, fields: Mapping[str, Any]) -> tuple[Room, Said]:
        """The same where only the author may."""
        place, said = self.said_of(call, fields)
        if said.author != self.user_of(call):
            raise Refusal(400, 200, "Only the sender of this message can make updates.")
        return place, said

    def address(self, file: Stored) -> str:
        return self.acts.files_kept.address(file)


def json_of(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, 300, "Request Body should be a valid JSON object.")
    return body
