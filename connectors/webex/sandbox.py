"""The fake Webex (reference §9): strict, signed, in memory."""

import time
from collections.abc import Callable
from typing import Any

from connectors.calls import Response
from connectors.contract import Credentials, Request
from connectors.html import to_html
from connectors.messages import Account, ConversationId, Kind, MessageId, Posted, Reference
from connectors.sandbox import CHANNELS, Fake, Person, Place, Shown, Webhook
from connectors.webex import ids
from connectors.webex.parse import parse
from connectors.webex.sandbox_company import FOUNDED, Company, Room, stamp
from connectors.webex.sandbox_rest import answer
from connectors.webex.sandbox_text import client_html


class FakeWebex(Fake):
    """One organization whose team everybody is in, the service user included. Nothing is delivered twice (§2.8)."""

    slug = "webex"
    hosts = ("webexapis.com",)

    def __init__(self, secrets: Any, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        self._company = Company(clock, self._tell)
        self._linked = {self._company.add_room(channel.name, FOUNDED).id: channel.linked for channel in CHANNELS}
        wanted = {"name": "Mio Hub", "targetUrl": f"{hub}/webhooks/webex/", "resource": "messages", "event": "all"}
        self._company.add_hook(self._company.service_user, secrets.webhook_secret, wanted)

    def handle(self, request: Request) -> Response:
        return answer(self._company, request)

    def people(self) -> list[Person]:
        return [Person(member.name, member.id, member.token) for member in self._company.cast]

    def places(self) -> list[Place]:
        return list(map(self._place, self._company.rooms.values()))

    def credentials(self) -> Credentials:
        user = self._company.service_user
        return Credentials(ids.workspace(self._company.id), ids.account(user.id), {"service": user.token})

    def directory(self) -> list[Account]:
        return [Account(ids.account(member.id), member.name, member.email) for member in self._company.members.values()]

    def add_place(self, name: str) -> Place:
        room = self._company.add_room(name, stamp(self.clock()))
        return self._place(room)

    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        names = {member.name: member.id for member in self._company.members.values()}
        author, room = self._company.members[person], self._company.rooms[conversation]
        said = self._company.say(author, room, {"html": client_html(text, names)})
        return ids.message(said.data["id"])

    def shown(self, conversation: ConversationId) -> list[Shown]:
        return list(self._company.shown(self._company.rooms[conversation], _draw))

    def _tell(self, webhook: Webhook) -> None:
        self.deliver(webhook)  # looked up at each call: whoever hosts the fake sets it later

    def _place(self, room: Room) -> Place:
        return Place(room.title, room.id, ids.conversation(room.id), self._linked.get(room.id, False))


def _draw(data: dict[str, Any]) -> str:
    """A message as the client shows it: what we read from it, so that the page and the relay agree."""
    match parse(data, Reference(Kind.POSTED, ids.conversation(data["roomId"]), ids.message(data["id"]))):
        case Posted(message):
            return to_html(message.body)
    return ""
