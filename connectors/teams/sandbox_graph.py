"""The fake of Microsoft Graph: people, one team, its channels and their messages (reference teams.md §3)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from connectors.calls import Response
from connectors.contract import Request
from connectors.messages import MessageId
from connectors.sandbox_data import served_file
from connectors.teams.ids import channel_id, hosted_path, message_id
from connectors.teams.sandbox_channels import GRAPH, Channel, Channels, Thread, iso
from connectors.teams.sandbox_chats import Chats
from connectors.teams.sandbox_chatting import ANSWERS as ON_CHATS
from connectors.teams.sandbox_chatting import Answer, Chatting, on_messages
from connectors.teams.sandbox_directory import Asked
from connectors.teams.sandbox_entra import Entra, Grant
from connectors.teams.sandbox_invitations import Invitations
from connectors.teams.sandbox_people import People
from connectors.teams.sandbox_permissions import MESSAGE, MESSAGES
from connectors.teams.sandbox_rules import Denied, accepted, check_permission, matching, page, reaction, require
from connectors.teams.sandbox_subscriptions import PERMISSIONS as ORDERED
from connectors.teams.sandbox_subscriptions import Subscriptions


class Graph(Chatting):
    """``users`` are names and addresses of those who speak, by object id."""

    def __init__(
        self,
        entra: Entra,
        users: dict[str, tuple[str, str]],
        channels: Channels,
        subscriptions: Subscriptions,
        people: People,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(entra, channels, people, Invitations(people, users, clock))
        self._subscriptions, self._clock = subscriptions, clock
        self.chats = Chats(entra.tenant, people, channels, clock)

    def handle(self, request: Request, segments: list[str], query: Mapping[str, str]) -> Response:
        """Answer a request; ``segments`` are those of the path, decoded."""
        trace = request.headers.get("client-request-id", str(uuid4()))
        headers = {"request-id": str(uuid4()), "client-request-id": trace}
        try:
            answered = self._answer(request, segments, query)
        except Denied as denied:
            answered = denied.status, self._error(denied, trace)
        if isinstance(answered, Response):
            return replace(answered, headers={**answered.headers, **headers})
        status, body = answered
        if body is None:
            return Response(status, b"", headers)
        encoded = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        return Response(status, encoded, {"content-type": "application/json", **headers})

    def _answer(self, request: Request, segments: list[str], query: Mapping[str, str]) -> tuple[int, object] | Response:
        grant = self._caller(request)
        if segments[0] != "v1.0":
            raise Denied(400, "BadRequest", "Invalid version.")
        path, ids = matching(request.method, segments[1:])
        check_permission(request.method, path, grant)
        asked = Asked(grant, query, request.body, request.headers.get("prefer", ""))
        answer = _ANSWERS[request.method, path](self, asked, *ids)
        if answer is None or isinstance(answer, Response):
            return answer or (204, None)
        return 201 if request.method in ("POST", "PUT") and not path.endswith("/add") else 200, answer

    def _caller(self, request: Request) -> Grant:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise Denied(401, "InvalidAuthenticationToken", "Access token is empty.")
        grant = self._entra.grant_of(token)
        if grant is None:
            raise Denied(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        return grant

    def _error(self, denied: Denied, trace: str) -> dict[str, Any]:
        inner = {"date": iso(self._clock())[:19], "request-id": str(uuid4()), "client-request-id": trace}
        return {"error": {"code": denied.code, "message": denied.message, "innerError": inner}}

    def list_subscriptions(self, asked: Asked) -> dict[str, Any]:
        return self._subscriptions.listed(asked.query)

    def subscribe(self, asked: Asked) -> dict[str, Any]:
        order = asked.json()
        resource = str(order.get("resource")) if isinstance(order, dict) else ""
        told = resource.rpartition("/")[2]
        own = asked.grant.user and resource.strip("/") == f"users/{asked.grant.user}/chats/getAllMessages"
        require(asked.grant, ("Chat.Read", "Chat.ReadWrite") if own else [ORDERED.get(told, ORDERED["messages"])])
        return self._subscriptions.create(asked.grant.user or self._entra.client_id, order)

    def renew_subscription(self, asked: Asked, order: str) -> dict[str, Any]:
        return self._subscriptions.renew(order, asked.json())

    def remove_subscription(self, _asked: Asked, order: str) -> None:
        self._subscriptions.remove(order)

    def list_messages(self, asked: Asked, team: str, channel: str) -> dict[str, Any]:
        threads = sorted(self._entered(asked, team, channel).threads.values(), key=_latest, reverse=True)
        roots = [asked.shown(thread.root) for thread in threads]
        if asked.query.get("$expand") == "replies":
            roots = [asked.shown(thread.root) | {"replies": list(thread.replies.values())} for thread in threads]
        return page(roots, asked.query, f"{GRAPH}/teams/{team}/channels/{quote(channel)}/messages")

    def list_replies(self, asked: Asked, team: str, channel: str, root: str) -> dict[str, Any]:
        entered = self._entered(asked, team, channel)
        entered.message(message_id(root))
        replies = list(entered.threads[root].replies.values())[::-1]
        return page(replies, asked.query, f"{GRAPH}/teams/{team}/channels/{quote(channel)}/messages/{root}/replies")

    def show_message(self, asked: Asked, team: str, channel: str, *ids: str) -> dict[str, Any]:
        return asked.shown(self._entered(asked, team, channel).message(_id(ids)))

    def post(self, asked: Asked, team: str, channel: str, root: str | None = None) -> dict[str, Any]:
        entered = self._entered(asked, team, channel)
        if root is not None:
            entered.message(message_id(root))
        return self._channels.say(entered, asked.grant.user, self._accepted(asked, entered), root)

    def edit(self, asked: Asked, team: str, channel: str, *ids: str) -> None:
        entered = self._entered(asked, team, channel)
        self._channels.edit(entered, asked.grant.user, _id(ids), self._accepted(asked, entered))

    def _accepted(self, asked: Asked, channel: Channel) -> dict[str, Any]:
        return accepted(asked.json(), channel.members, (channel.id, channel.team))

    def remove(self, asked: Asked, team: str, channel: str, *ids: str) -> None:
        self._channels.remove(self._entered(asked, team, channel), asked.grant.user, _id(ids))

    def restore(self, asked: Asked, team: str, channel: str, *ids: str) -> None:
        self._channels.restore(self._entered(asked, team, channel), asked.grant.user, _id(ids))

    def set_reaction(self, asked: Asked, team: str, channel: str, *ids: str) -> None:
        entered, emoji = self._entered(asked, team, channel), reaction(asked.json())
        self._channels.react(entered, asked.grant.user, _id(ids), emoji, on=True)

    def unset_reaction(self, asked: Asked, team: str, channel: str, *ids: str) -> None:
        entered, emoji = self._entered(asked, team, channel), reaction(asked.json())
        self._channels.react(entered, asked.grant.user, _id(ids), emoji, on=False)

    def show_picture(self, asked: Asked, team: str, channel: str, *ids: str) -> Response:
        *message, content = ids
        self._entered(asked, team, channel).message(_id(message))
        url = GRAPH + hosted_path(channel_id(team, channel), _id(message), content)
        picture = self._channels.drive.picture(url)
        return served_file(picture.data, {"content-type": picture.kind})

    def show_folder(self, asked: Asked, team: str, channel: str) -> dict[str, Any]:
        entered = self._entered(asked, team, channel)
        if not entered.folder_ready:
            text = "Folder location for this channel is not ready yet, please try again later."
            raise Denied(404, "NotFound", text)
        return self._channels.drive.folder(entered.id, entered.name)

    def put_file(self, asked: Asked, drive: str, folder: str, name: str) -> dict[str, Any]:
        folders = (self._channels.drive.folder(channel.id, channel.name) for channel in self._channels.all.values())
        place = next((one for one in folders if (drive, folder) == (self._channels.drive.id, f"{one['id']}:")), None)
        if place is None or not name.endswith(":"):
            raise Denied(404, "itemNotFound", "The resource could not be found.")
        if asked.query.get("@microsoft.graph.conflictBehavior") != "rename":
            raise Denied(409, "nameAlreadyExists", "The sandbox only renames.")
        return self._channels.drive.put(place["id"], place["webUrl"], name[:-1], asked.body)

    def show_shared_file(self, _asked: Asked, share: str) -> Response:
        file = self._channels.drive.shared(share)
        return Response(302, b"", {"location": self._channels.drive.download_url(file)})


def _id(ids: Sequence[str]) -> MessageId:
    """A message by the keys of its path: the root's, and the reply's if it is one."""
    root, *reply = ids
    return message_id(reply[0], root) if reply else message_id(root)


def _latest(thread: Thread) -> int:
    return int(next(reversed(thread.replies), thread.root["id"]))


_ON_MESSAGES: Mapping[tuple[str, str], Answer] = {
    ("GET", ""): Graph.show_message,
    ("PATCH", ""): Graph.edit,
    ("POST", "/softDelete"): Graph.remove,
    ("POST", "/undoSoftDelete"): Graph.restore,
    ("POST", "/setReaction"): Graph.set_reaction,
    ("POST", "/unsetReaction"): Graph.unset_reaction,
    ("GET", "/hostedContents/{chatMessageHostedContent-id}/$value"): Graph.show_picture,
}
_SINGLE: Mapping[tuple[str, str], Answer] = {
    ("GET", "/me"): Graph.me,
    ("GET", "/me/joinedTeams"): Graph.list_joined_teams,
    ("GET", "/me/transitiveMemberOf"): Graph.list_what_one_belongs_to,
    ("GET", "/organization"): Graph.organization,
    ("GET", "/users"): Graph.list_users,
    ("GET", "/users/delta()"): Graph.list_changed_users,
    ("GET", "/users/{user-id}"): Graph.show_user,
    ("DELETE", "/users/{user-id}"): Graph.delete_user,
    ("POST", "/invitations"): Graph.invite,
    ("GET", "/users/{user-id}/licenseDetails/getTeamsLicensingDetails()"): Graph.licensing,
    ("GET", "/subscriptions"): Graph.list_subscriptions,
    ("POST", "/subscriptions"): Graph.subscribe,
    ("PATCH", "/subscriptions/{subscription-id}"): Graph.renew_subscription,
    ("DELETE", "/subscriptions/{subscription-id}"): Graph.remove_subscription,
    ("GET", "/groups"): Graph.list_groups,
    ("GET", "/groups/{group-id}/transitiveMembers"): Graph.list_group_members,
    ("GET", "/teams"): Graph.list_teams,
    ("GET", "/teams/{team-id}"): Graph.show_team,
    ("GET", "/teams/{team-id}/members"): Graph.list_team_members,
    ("POST", "/teams/{team-id}/members"): Graph.add_team_member,
    ("POST", "/teams/{team-id}/members/add"): Graph.add_team_members,
    ("DELETE", "/teams/{team-id}/members/{conversationMember-id}"): Graph.remove_team_member,
    ("GET", "/teams/{team-id}/channels"): Graph.list_channels,
    ("POST", "/teams/{team-id}/channels"): Graph.create_channel,
    ("GET", "/teams/{team-id}/channels/{channel-id}"): Graph.show_channel,
    ("PATCH", "/teams/{team-id}/channels/{channel-id}"): Graph.change_channel,
    ("GET", "/teams/{team-id}/channels/{channel-id}/members"): Graph.list_channel_members,
    ("POST", "/teams/{team-id}/channels/{channel-id}/members"): Graph.add_channel_member,
    ("POST", "/teams/{team-id}/channels/{channel-id}/members/add"): Graph.add_channel_members,
    ("DELETE", "/teams/{team-id}/channels/{channel-id}/members/{conversationMember-id}"): Graph.remove_channel_member,
    ("GET", "/teams/{team-id}/channels/{channel-id}/filesFolder"): Graph.show_folder,
    ("PUT", "/drives/{drive-id}/items/{driveItem-id}:/{fileName}:/content"): Graph.put_file,
    ("GET", "/shares/{sharedDriveItem-id}/driveItem/content"): Graph.show_shared_file,
    ("GET", MESSAGES): Graph.list_messages,
    ("POST", MESSAGES): Graph.post,
    ("GET", MESSAGE + "/replies"): Graph.list_replies,
    ("POST", MESSAGE + "/replies"): Graph.post,
}
_ANSWERS: Mapping[tuple[str, str], Answer] = {
    **_SINGLE,
    **ON_CHATS,
    **on_messages(Graph.post, _ON_MESSAGES),
    **{
        (method, message + action): answer
        for message in (MESSAGE, MESSAGE + "/replies/{chatMessage-id1}")
        for (method, action), answer in _ON_MESSAGES.items()
    },
}
