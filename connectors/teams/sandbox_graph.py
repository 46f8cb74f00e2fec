"""The fake of Microsoft Graph: people, one team, its channels and their messages (reference teams.md §3)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from connectors.calls import Response
from connectors.contract import Request
from connectors.messages import ConversationId, MessageId
from connectors.sandbox import COMPANY, digest
from connectors.teams.ids import channel_id, message_id
from connectors.teams.sandbox_entra import Entra, Grant
from connectors.teams.sandbox_rules import USER_IDENTITY, Denied, accepted, check_permission, check_roster, matching

GRAPH = "https://graph.microsoft.com/v1.0"
KEPT = 2_000
"""Threads kept per channel: more than any page shows or test posts, a few megabytes at most."""
PAGE, LARGEST_PAGE = 20, 50
"""Messages per page when nothing is asked, and at most (§3.5)."""


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    linked: bool
    members: set[str]
    threads: dict[str, "Thread"] = field(default_factory=dict)


@dataclass(slots=True)
class Thread:
    root: dict[str, Any]
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was let in."""

    grant: Grant
    query: Mapping[str, str]
    body: bytes


class Graph:
    """``users`` are names and addresses by object id; ``notify`` hears of every new message."""

    def __init__(
        self,
        entra: Entra,
        team: str,
        users: Mapping[str, tuple[str, str]],
        notify: Callable[[ConversationId, MessageId], None],
        clock: Callable[[], float],
    ) -> None:
        self.channels: dict[str, Channel] = {}
        self._entra, self._team, self._users = entra, team, users
        self._notify, self._clock = notify, clock
        self._last_id = 0

    def handle(self, request: Request, segments: list[str], query: Mapping[str, str]) -> Response:
        """Answer a request; ``segments`` are those of the path, decoded."""
        try:
            status, body = self._answer(request, segments, query)
        except Denied as denied:
            status, body = denied.status, self._error(denied, request)
        headers = {"content-type": "application/json", "request-id": str(uuid4())}
        headers |= {"client-request-id": request.headers.get("client-request-id", headers["request-id"])}
        return Response(status, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"), headers)

    def open_channel(self, name: str, linked: bool) -> Channel:
        """A channel with everybody in it; the same one for the same name."""
        channel = Channel(f"19:{digest('teams', 'channel', name)[:32]}@thread.tacv2", name, linked, set(self._users))
        return self.channels.setdefault(channel.id, channel)

    def _answer(self, request: Request, segments: list[str], query: Mapping[str, str]) -> tuple[int, object]:
        grant = self._caller(request)
        if segments[0] != "v1.0":
            raise Denied(400, "BadRequest", "Invalid version.")
        path, ids = matching(request.method, segments[1:])
        check_permission(request.method, path, grant)
        answer = _ANSWERS[request.method, path]
        return 201 if request.method == "POST" else 200, answer(self, _Asked(grant, query, request.body), *ids)

    def _caller(self, request: Request) -> Grant:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise Denied(401, "InvalidAuthenticationToken", "Access token is empty.")
        grant = self._entra.grant_of(token)
        if grant is None:
            raise Denied(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        return grant

    def _error(self, denied: Denied, request: Request) -> dict[str, Any]:
        trace = request.headers.get("client-request-id", str(uuid4()))
        inner = {"date": iso(self._clock())[:19], "request-id": str(uuid4()), "client-request-id": trace}
        return {"error": {"code": denied.code, "message": denied.message, "innerError": inner}}

    def me(self, asked: _Asked) -> dict[str, Any]:
        if not asked.grant.user:
            raise Denied(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        return self.user(asked, asked.grant.user)

    def list_users(self, asked: _Asked) -> dict[str, Any]:
        return _collection([self.user(asked, user) for user in self._users])

    def user(self, asked: _Asked, user: str) -> dict[str, Any]:
        known = next((id_ for id_, (_, email) in self._users.items() if user in (id_, email)), None)
        if known is None:
            raise Denied(404, "Request_ResourceNotFound", f"Resource '{user}' does not exist.")
        name, email = self._users[known]
        first, _, last = name.partition(" ")
        everything = {
            "id": known,
            "displayName": name,
            "givenName": first,
            "surname": last,
            "mail": email,
            "userPrincipalName": email,
            "proxyAddresses": [f"SMTP:{email}"],
            "userType": "Member",
            "accountEnabled": True,
        }
        wanted = asked.query.get("$select")
        return {name: everything[name] for name in wanted.split(",") if name in everything} if wanted else everything

    def organization(self, _asked: _Asked) -> dict[str, Any]:
        return _collection([{"id": self._entra.tenant, "displayName": COMPANY}])

    def list_teams(self, asked: _Asked) -> dict[str, Any]:
        return _collection([self.show_team(asked, self._team)])

    def show_team(self, _asked: _Asked, team: str) -> dict[str, Any]:
        self._check_team(team)
        return {"id": team, "displayName": COMPANY, "description": COMPANY, "tenantId": self._entra.tenant}

    def list_channels(self, asked: _Asked, team: str) -> dict[str, Any]:
        return _collection([self.show_channel(asked, team, channel) for channel in self.channels])

    def show_channel(self, _asked: _Asked, team: str, channel: str) -> dict[str, Any]:
        found = self._channel(team, channel)
        return {"id": channel, "displayName": found.name, "membershipType": "standard", "tenantId": self._entra.tenant}

    def list_team_members(self, _asked: _Asked, team: str) -> dict[str, Any]:
        self._check_team(team)
        return _collection([self._member(user) for user in self._users])

    def list_channel_members(self, _asked: _Asked, team: str, channel: str) -> dict[str, Any]:
        return _collection([self._member(user) for user in sorted(self._channel(team, channel).members)])

    def _member(self, user: str) -> dict[str, Any]:
        name, email = self._users[user]
        member = {"@odata.type": "#microsoft.graph.aadUserConversationMember", "id": digest("membership", user)[:40]}
        return member | {
            "roles": [],
            "displayName": name,
            "userId": user,
            "email": email,
            "tenantId": self._entra.tenant,
        }

    def _check_team(self, team: str) -> None:
        if team != self._team:
            raise Denied(404, "NotFound", "No team found with this id.")

    def _channel(self, team: str, channel: str) -> Channel:
        self._check_team(team)
        if channel not in self.channels:
            raise Denied(404, "NotFound", "No channel found with this id.")
        return self.channels[channel]

    def _entered(self, asked: _Asked, team: str, channel: str) -> Channel:
        """The channel, if the caller is in it or an application that reads all."""
        found = self._channel(team, channel)
        if asked.grant.user:
            check_roster(asked.grant.user, found.members)
        return found

    def list_messages(self, asked: _Asked, team: str, channel: str) -> dict[str, Any]:
        threads = sorted(self._entered(asked, team, channel).threads.values(), key=_latest, reverse=True)
        roots = [thread.root for thread in threads]
        if asked.query.get("$expand") == "replies":
            roots = [thread.root | {"replies": list(thread.replies.values())} for thread in threads]
        return _page(roots, asked.query, f"{GRAPH}/teams/{team}/channels/{quote(channel)}/messages")

    def list_replies(self, asked: _Asked, team: str, channel: str, root: str) -> dict[str, Any]:
        replies = list(self._thread(self._entered(asked, team, channel), root).replies.values())[::-1]
        return _page(replies, asked.query, f"{GRAPH}/teams/{team}/channels/{quote(channel)}/messages/{root}/replies")

    def show_message(self, asked: _Asked, team: str, channel: str, root: str) -> dict[str, Any]:
        return self._thread(self._entered(asked, team, channel), root).root

    def show_reply(self, asked: _Asked, team: str, channel: str, root: str, reply: str) -> dict[str, Any]:
        replies = self._thread(self._entered(asked, team, channel), root).replies
        if reply not in replies:
            raise Denied(404, "NotFound", "The reply was not found.")
        return replies[reply]

    def _thread(self, channel: Channel, root: str) -> Thread:
        if root not in channel.threads:
            raise Denied(404, "NotFound", "The message was not found.")
        return channel.threads[root]

    def post(self, asked: _Asked, team: str, channel: str, root: str | None = None) -> dict[str, Any]:
        entered = self._entered(asked, team, channel)
        if root is not None:
            self._thread(entered, root)
        try:
            sent = json.loads(asked.body)
        except (ValueError, RecursionError):
            raise Denied(400, "BadRequest", "Unable to read JSON request payload.") from None
        return self.say(entered, asked.grant.user, accepted(sent, entered.members), root)

    def say(self, channel: Channel, user: str, said: dict[str, Any], root: str | None = None) -> dict[str, Any]:
        """Store a message and notify the subscription: before the answer, as happens in reality."""
        self._last_id = max(int(self._clock() * 1000), self._last_id + 1)
        message = self._message(channel, user, said, str(self._last_id), root)
        if root is None:
            channel.threads[message["id"]] = Thread(message)
            if len(channel.threads) > KEPT:
                del channel.threads[next(iter(channel.threads))]
        else:
            channel.threads[root].replies[message["id"]] = message
        self._notify(channel_id(self._team, channel.id), message_id(message["id"], root))
        return message

    def _message(self, channel: Channel, user: str, said: dict[str, Any], id_: str, root: str | None) -> dict[str, Any]:
        identity = {"@odata.type": USER_IDENTITY, "id": user}
        identity |= {"displayName": self._users[user][0], "userIdentityType": "aadUser", "tenantId": self._entra.tenant}
        at = iso(int(id_) / 1000)
        return {
            "id": id_,
            "replyToId": root,
            "etag": id_,
            "messageType": "message",
            "createdDateTime": at,
            "lastModifiedDateTime": at,
            "lastEditedDateTime": None,
            "deletedDateTime": None,
            "summary": None,
            "chatId": None,
            "locale": "en-us",
            "webUrl": f"https://teams.microsoft.com/l/message/{channel.id}/{id_}?groupId={self._team}",
            "policyViolation": None,
            "eventDetail": None,
            "from": {"application": None, "device": None, "user": identity},
            "channelIdentity": {"teamId": self._team, "channelId": channel.id},
            "attachments": [],
            "reactions": [],
            **said,
        }


def _collection(values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"@odata.count": len(values), "value": values}


def _page(values: list[dict[str, Any]], query: Mapping[str, str], url: str) -> dict[str, Any]:
    top, skip = _number(query, "$top", PAGE), _number(query, "$skiptoken", 0)
    if not 1 <= top <= LARGEST_PAGE:
        raise Denied(400, "BadRequest", f"Invalid $top, the limit is {LARGEST_PAGE}.")
    page = _collection(values[skip : skip + top])
    if skip + top < len(values):
        page["@odata.nextLink"] = f"{url}?$top={top}&$skiptoken={skip + top}"
    return page


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    value = query.get(name, str(otherwise))
    if not value.isdecimal():
        raise Denied(400, "BadRequest", f"Invalid {name}.")
    return int(value)


def _latest(thread: Thread) -> int:
    return int(next(reversed(thread.replies), thread.root["id"]))


def iso(at: float) -> str:
    """A time as Graph writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"


_MESSAGES = "/teams/{team-id}/channels/{channel-id}/messages"
_MESSAGE = _MESSAGES + "/{chatMessage-id}"
_ANSWERS: Mapping[tuple[str, str], Callable[..., dict[str, Any]]] = {
    ("GET", "/me"): Graph.me,
    ("GET", "/me/joinedTeams"): Graph.list_teams,
    ("GET", "/organization"): Graph.organization,
    ("GET", "/users"): Graph.list_users,
    ("GET", "/users/{user-id}"): Graph.user,
    ("GET", "/teams"): Graph.list_teams,
    ("GET", "/teams/{team-id}"): Graph.show_team,
    ("GET", "/teams/{team-id}/members"): Graph.list_team_members,
    ("GET", "/teams/{team-id}/channels"): Graph.list_channels,
    ("GET", "/teams/{team-id}/channels/{channel-id}"): Graph.show_channel,
    ("GET", "/teams/{team-id}/channels/{channel-id}/members"): Graph.list_channel_members,
    ("GET", _MESSAGES): Graph.list_messages,
    ("POST", _MESSAGES): Graph.post,
    ("GET", _MESSAGE): Graph.show_message,
    ("GET", _MESSAGE + "/replies"): Graph.list_replies,
    ("POST", _MESSAGE + "/replies"): Graph.post,
    ("GET", _MESSAGE + "/replies/{chatMessage-id1}"): Graph.show_reply,
}
