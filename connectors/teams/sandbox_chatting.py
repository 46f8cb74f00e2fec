"""The part of the fake Graph that serves chats: what is said in them is served as in channels (reference teams.md §3.4)."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from connectors.calls import Response
from connectors.teams.sandbox_channels import GRAPH, Channel
from connectors.teams.sandbox_chats import CHATS, MEMBERS_PAGE, Chat, Chats
from connectors.teams.sandbox_directory import Asked, Directory
from connectors.teams.sandbox_permissions import CHAT_MESSAGE, CHAT_MESSAGES
from connectors.teams.sandbox_rules import Denied, page

_SORTED = {f"{name} desc": name for name in ("createdDateTime", "lastModifiedDateTime")}
Answer = Callable[..., object]


class Chatting(Directory):
    """``chats`` are all there are."""

    chats: Chats

    def _channel(self, team: str, channel: str) -> Channel:
        return self.chats.at(channel) if team == CHATS else super()._channel(team, channel)

    def _chat(self, asked: Asked, chat: str) -> Chat:
        """Raises ``Denied``, also for one that the caller is not in."""
        self._entered(asked, CHATS, chat)
        return self.chats.at(chat)

    def open_chat(self, asked: Asked) -> dict[str, Any]:
        return self.chats.open(asked.grant.user, asked.json())

    def list_chats(self, asked: Asked) -> dict[str, Any]:
        """One's own; with their members only to who asks."""
        shown = [self._listed(asked, chat) for chat in self.chats.of(asked.grant.user)]
        return page(shown, asked.query, f"{GRAPH}/chats")

    def _listed(self, asked: Asked, chat: Chat) -> dict[str, Any]:
        members = [self.chats.member(chat, user) for user in sorted(chat.members)][:MEMBERS_PAGE]
        return self.chats.shown(chat) | ({"members": members} if asked.query.get("$expand") == "members" else {})

    def show_chat(self, asked: Asked, chat: str) -> dict[str, Any]:
        return self._listed(asked, self._chat(asked, chat))

    def list_chat_members(self, asked: Asked, chat: str) -> dict[str, Any]:
        found = self._chat(asked, chat)
        members = [self.chats.member(found, user) for user in sorted(found.members)]
        return page(members, asked.query, f"{GRAPH}/chats/{quote(chat)}/members", MEMBERS_PAGE, MEMBERS_PAGE)

    def add_chat_member(self, asked: Asked, chat: str) -> Response:
        """Graph answers with nothing but an address."""
        location = self.chats.add(asked.grant.user, self.chats.at(chat), asked.json())
        return Response(201, b"", {"location": location})

    def list_chat_messages(self, asked: Asked, chat: str) -> dict[str, Any]:
        """The newest first; there are no threads."""
        order = _SORTED.get(asked.query.get("$orderby", "createdDateTime desc"))
        if order is None:
            raise Denied(
                400, "BadRequest", "Messages are ordered by createdDateTime or lastModifiedDateTime, descending."
            )
        said = [asked.shown(thread.root) for thread in self._chat(asked, chat).threads.values()]
        newest = sorted(said, key=lambda message: (message[order], int(message["id"])), reverse=True)
        return page(newest, asked.query, f"{GRAPH}/chats/{quote(chat)}/messages")

    def show_drive(self, asked: Asked, user: str) -> dict[str, Any]:
        """A person sees their own; guests have none."""
        if asked.grant.user not in ("", user):
            raise Denied(403, "accessDenied", "Access denied.")
        if user not in self.people or user in self.people.guests:
            raise Denied(404, "ResourceNotFound", "User's mysite not found.")
        return self._channels.drive.personal(user, self.people.named(user)[1])


def in_chat(answer: Answer) -> Answer:
    """What is served for a message of a channel, for one of a chat."""
    return lambda graph, asked, chat, *ids: answer(graph, asked, CHATS, chat, *ids)


def as_author(answer: Answer) -> Answer:
    """The same where the path names whose message it is: it must be the caller's."""

    def answered(graph: Any, asked: Asked, user: str, chat: str, *ids: str) -> object:
        if user != asked.grant.user:
            raise Denied(403, "Forbidden", "Only the sender of a message can change it.")
        return answer(graph, asked, CHATS, chat, *ids)

    return answered


ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("GET", "/chats"): Chatting.list_chats,
    ("POST", "/chats"): Chatting.open_chat,
    ("GET", "/chats/{chat-id}"): Chatting.show_chat,
    ("GET", "/chats/{chat-id}/members"): Chatting.list_chat_members,
    ("POST", "/chats/{chat-id}/members"): Chatting.add_chat_member,
    ("GET", CHAT_MESSAGES): Chatting.list_chat_messages,
    ("GET", "/users/{user-id}/drive"): Chatting.show_drive,
}


def on_messages(post: Answer, actions: Mapping[tuple[str, str], Answer]) -> dict[tuple[str, str], Answer]:
    """What is served for the messages of chats: ``actions`` are those of a channel's, by method and end of the path."""
    served = {("POST", CHAT_MESSAGES): in_chat(post)}
    for (method, action), answer in actions.items():
        if action.lower().endswith("softdelete"):
            served[method, f"/users/{{user-id}}{CHAT_MESSAGE}{action}"] = as_author(answer)
        else:
            served[method, CHAT_MESSAGE + action] = in_chat(answer)
    return served
