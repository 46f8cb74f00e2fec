"""Chats of two in the fake (reference teams.md §3.4): opened by one of them, spoken in by either."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from connectors.teams.sandbox_channels import iso
from connectors.teams.sandbox_rules import USER_IDENTITY, Denied, accepted, check_roster

_BIND = ("https://graph.microsoft.com/v1.0/users('", "')")


class Chats:
    """``messages`` are what was said, by the chat's id; ``users`` are the names of members of the tenant by object id."""

    def __init__(self, tenant: str, users: Mapping[str, tuple[str, str]], clock: Callable[[], float]) -> None:
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self._tenant, self._users, self._clock = tenant, users, clock

    def id_of(self, one: str, other: str) -> str:
        """The chat of two people."""
        return "19:{}_{}@unq.gbl.spaces".format(*sorted((one, other)))

    def open(self, user: str, sent: object) -> dict[str, Any]:
        """Always the same chat for the same two. Raises ``Denied``."""
        members = sent.get("members") if isinstance(sent, dict) else None
        if not isinstance(sent, dict) or sent.get("chatType") != "oneOnOne" or not isinstance(members, list):
            raise Denied(400, "BadRequest", "The sandbox opens chats of two only.")
        pair = {self._bound(member) for member in members}
        if len(members) != 2 or len(pair) != 2:
            raise Denied(400, "BadRequest", "A oneOnOne chat has exactly two different members.")
        if user not in pair:
            raise Denied(403, "Forbidden", "The caller must be one of the members.")
        chat = self.id_of(*pair)
        self.messages.setdefault(chat, [])
        at = iso(self._clock())
        known = {"id": chat, "chatType": "oneOnOne", "topic": None, "tenantId": self._tenant}
        return known | {"createdDateTime": at, "lastUpdatedDateTime": at}

    def _bound(self, member: object) -> str:
        bind = member.get("user@odata.bind") if isinstance(member, dict) else None
        user = str(bind).removeprefix(_BIND[0]).removesuffix(_BIND[1])
        if not isinstance(member, dict) or not member.get("roles") or user not in self._users:
            raise Denied(400, "BadRequest", "A member needs a role and has to be somebody of the tenant.")
        return user

    def say(self, user: str, chat: str, sent: object) -> dict[str, Any]:
        """A message of one of the two. Raises ``Denied``."""
        members = chat.removeprefix("19:").partition("@")[0].split("_")
        if chat not in self.messages:
            raise Denied(404, "NotFound", "No chat found with this id.")
        check_roster(user, members)
        said = accepted(sent, members, (chat,))
        del said["hostedContents"]
        identity = {"@odata.type": USER_IDENTITY, "id": user, "displayName": self._users[user][0]}
        at = self._clock()
        message: dict[str, Any] = {
            "id": f"{int(at * 1000) + len(self.messages[chat])}",
            "etag": uuid4().hex,
            "messageType": "message",
            "chatId": chat,
            "createdDateTime": iso(at),
            "lastModifiedDateTime": iso(at),
            "lastEditedDateTime": None,
            "deletedDateTime": None,
            "replyToId": None,
            "channelIdentity": None,
            "from": {"application": None, "device": None, "user": identity | {"userIdentityType": "aadUser"}},
            "reactions": [],
        }
        self.messages[chat].append(message | said)
        return self.messages[chat][-1]
