"""The fake Webex (reference §9): strict, signed, in memory."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from mimetypes import guess_type
from operator import attrgetter
from typing import Any

from connectors.calls import Response
from connectors.consent import Preset, Purpose, wanted
from connectors.contract import Credentials, Request
from connectors.messages import Account, ConversationId, MessageId
from connectors.sandbox import CHANNELS, Fake, Person, Place, Shown, Webhook, digest
from connectors.sandbox_data import Data
from connectors.webex import ids
from connectors.webex.oauth import Registration
from connectors.webex.sandbox_company import Company
from connectors.webex.sandbox_drawn import shown
from connectors.webex.sandbox_oauth import Door
from connectors.webex.sandbox_rest import answer
from connectors.webex.sandbox_state import (
    FOUNDED,
    HOST,
    IDBROKER,
    OLD_HOST,
    SERVICE_NAME,
    File,
    Member,
    Room,
    Said,
    stable_uuid,
    stamp,
)
from connectors.webex.sandbox_text import client_html
from connectors.webex.scopes import PERSON, SCOPES


class FakeWebex(Fake):
    """One organization whose team everybody is in, the service user included. Nothing is delivered twice (§2.8)."""

    slug = "webex"
    hosts = (HOST, OLD_HOST, IDBROKER)
    app: Registration
    calls_app = f"@{SERVICE_NAME}"

    def __init__(self, secrets: Any, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        self.app = Registration(self.app.client_id, self.app.client_secret, digest("webex", "bot token"))
        self._company = Company(clock, self._tell)
        self._door = Door(self._company, lambda: self.app, hub)
        self._linked = {self._company.add_room(channel.name, FOUNDED).id: channel.linked for channel in CHANNELS}
        for resource in ("messages", "memberships", "rooms"):
            wanted = {"name": "Mio Hub", "targetUrl": f"{hub}/webhooks/webex/", "resource": resource, "event": "all"}
            hook = self._company.add_hook(self._company.service_user, secrets.webhook_secret, wanted)
            hook.is_seeded = True

    @property
    def sends_updates(self) -> bool:
        """Whether ``messages/updated`` is delivered: the real platform may never do so (§2.3)."""
        return self._company.sends_updates

    @sends_updates.setter
    def sends_updates(self, on: bool) -> None:
        self._company.sends_updates = on

    def handle(self, request: Request) -> Response:
        return answer(self._company, self._door, request)

    def people(self) -> list[Person]:
        return [Person(member.name, member.id, member.token) for member in self._company.cast]

    def places(self) -> list[Place]:
        return [self._place(room) for room in self._company.rooms.values() if room.type == "group"]

    def credentials(self) -> Credentials:
        user = self._company.service_user
        return Credentials(ids.workspace(self._company.id), ids.account(user.id), {"service": user.token})

    def own_credentials(self, person: str, preset: Preset = Preset.PUBLISHED) -> Credentials:
        """What the Hub holds after somebody consented for themselves, as ``preset`` asks for it."""
        scopes = (scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, preset))
        token = self._door.let_in(self._company.members[person], scopes)
        return Credentials(ids.workspace(self._company.id), ids.account(person), {PERSON: token}, person=PERSON)

    def directory(self) -> list[Account]:
        return [
            Account(ids.account(member.id), member.name, member.email, is_guest=bool(member.organization))
            for member in self._company.members.values()
        ]

    def add_place(self, name: str) -> Place:
        room = self._company.add_room(name, stamp(self.clock()))
        return self._place(room)

    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        return self._say(person, conversation, self._typed(text))

    def chat(self, people: Sequence[str]) -> ConversationId:
        """The 1:1 space of two, or a new space of several, titled by their names as the client does."""
        first, *others = (self._company.members[person] for person in people)
        if len(others) == 1:
            return ids.conversation(self._company.direct_room(first, others[0]).id)
        title = ", ".join(other.name for other in others)
        room = self._company.make_room(first, title, None, is_locked=False, is_public=False)
        for other in others:
            self._company.join(other, room, first)
        return ids.conversation(room.id)

    def write_as(self, person: str, other: str, text: str) -> MessageId:
        """Write to one person in their 1:1 space: to our service user, what it is asked."""
        return self._say(person, self.chat([person, other]), self._typed(text))

    def reply_as(self, person: str, conversation: ConversationId, root: MessageId, text: str) -> MessageId:
        """Answer in the thread of ``root``."""
        return self._say(person, conversation, {"parentId": root} | self._typed(text))

    def share_as(self, person: str, conversation: ConversationId, name: str, data: bytes, text: str = "") -> MessageId:
        """Post a file, with a text beside it or alone."""
        kind = guess_type(name)[0] or "application/octet-stream"
        return self._say(person, conversation, self._typed(text), [File(name, kind, data)])

    def edit_as(self, person: str, conversation: ConversationId, message: MessageId, text: str) -> None:
        """Change a message of one's own."""
        self._company.edit(self._company.members[person], self._own(person, conversation, message), self._typed(text))

    def delete_as(self, person: str, conversation: ConversationId, message: MessageId) -> None:
        """Take a message of one's own back."""
        self._company.delete(self._company.members[person], self._own(person, conversation, message))

    def react_as(self, person: str, conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> None:
        """Put an emoji on a message or take it back: only the clients see it (§5)."""
        people = self._company.rooms[conversation].messages[message].reactions.setdefault(emoji, [])
        if (person in people) is not on:
            (people.append if on else people.remove)(person)

    def join_as(self, person: str, conversation: ConversationId) -> None:
        self._company.join(self._company.members[person], self._company.rooms[conversation])

    def leave_as(self, person: str, conversation: ConversationId) -> None:
        self._company.leave(self._company.members[person], self._company.rooms[conversation])

    def rename_as(self, person: str, conversation: ConversationId, title: str) -> None:
        room = self._company.rooms[conversation]
        self._company.change_room(self._company.members[person], room, title, room.description)

    def topic_as(self, person: str, conversation: ConversationId, topic: str) -> None:
        """Describe a space, which is announced as any change of it is."""
        room = self._company.rooms[conversation]
        self._company.change_room(self._company.members[person], room, room.title, topic)

    def add_person(self, name: str, email: str, *, guest: bool = False) -> Person:
        """Somebody new, brought into the team; ``guest``: of another organization."""
        organization = stable_uuid("organization", email.rpartition("@")[2]) if guest else ""
        member = self._company.add_member(name, email, organization)
        self._company.join(member, self._company.rooms[self._company.team.general], self._company.cast[0])
        return Person(member.name, member.id, member.token)

    def remove_person(self, person: str) -> None:
        """Somebody's account is deleted: they leave all their spaces, and nothing else is told."""
        self._company.remove_member(self._company.members[person])

    def populate(self, people: int, channels: int, members: int) -> None:
        """A large team called Bench: people and spaces by number, ``members`` people in each space."""
        self._company.populate(people, channels, members)

    def moderate(self, conversation: ConversationId, *moderators: str) -> None:
        """Make a space moderated, or open again where no moderator is named."""
        self._company.rooms[conversation].moderators = set(moderators)

    def moderate_team(self, team: str, *moderators: str) -> None:
        """Name the moderators of a team."""
        self._company.teams[team].moderators = set(moderators)

    def add_global(self, name: str, *people: str) -> Place:
        """A space of no team, with these people and nobody else in it."""
        room = self._company.new_room(stable_uuid("global", name), name, stamp(self.clock()), "group", people)
        return self._place(room)

    @property
    def team(self) -> str:
        """The id of the team that everybody is in."""
        return self._company.team.id

    def set_policy(self, *, lists_open_spaces: bool = False, lets_outsiders_in: bool = True) -> None:
        """What is not the same at every organization."""
        self._company.lists_open_spaces, self._company.lets_outsiders_in = lists_open_spaces, lets_outsiders_in

    def member(self, account: str) -> Member:
        """A person, to be looked at or changed by a test."""
        return self._company.members[account]

    def revoke_app(self) -> None:
        """Take back all that was allowed to our app. Webex tells nobody: the next call is refused (§1.4)."""
        self._door.close()

    def undelivered(self, webhook: Webhook) -> None:
        """Nobody took a webhook, or not with a 2xx: often enough, and Webex switches it off (§2.8)."""
        if hook := self._company.hooks.get(json.loads(webhook.body)["id"]):
            hook.failed(self.clock())

    def room(self, conversation: ConversationId) -> Room:
        """The space itself, to be looked at or changed by a test."""
        return self._company.rooms[conversation]

    def scan(self, conversation: ConversationId, message: MessageId, status: int) -> None:
        """What Webex answers for the files of a message from now on: 200, 423, 410 or 428 (§3.3)."""
        for address in self._company.rooms[conversation].messages[message].data["files"]:
            self._company.files[address.rpartition("/")[2]].scan = status

    def files(self, conversation: ConversationId) -> list[tuple[str, Data]]:
        """Names and bytes of all files in a space, oldest first."""
        messages = self._company.rooms[conversation].messages.values()
        return [(file.name, file.data) for said in messages for file in said.files]

    def whispers(self, conversation: ConversationId) -> list[Shown]:
        """What our service user and our bot said to single people: in a space of the two, wherever they asked."""
        ours = self._company
        speakers = (ours.service_user, ours.bot)
        rooms = [(member, ours.direct_between(speaker, member)) for speaker in speakers for member in ours.cast]
        said = [replace(one, only_for=member.id) for member, room in rooms if room for one in shown(ours, room)]
        return sorted(said, key=attrgetter("at"))

    def _typed(self, text: str) -> dict[str, str]:
        named = self._company.members.values() if "@" in text else ()
        names = {member.name: member.id for member in named}
        return {"html": client_html(text, names)} if text else {}

    def _say(
        self, person: str, conversation: ConversationId, fields: dict[str, str], files: Sequence[File] = ()
    ) -> MessageId:
        author, room = self._company.members[person], self._company.rooms[conversation]
        return ids.message(self._company.say(author, room, fields, files, OLD_HOST).data["id"])

    def _own(self, person: str, conversation: ConversationId, message: MessageId) -> Said:
        said = self._company.rooms[conversation].messages[message]
        if said.data["personId"] != person:
            raise PermissionError("nobody changes the message of another")
        return said

    def shown(self, conversation: ConversationId) -> list[Shown]:
        return list(shown(self._company, self._company.rooms[conversation]))

    def _tell(self, webhook: Webhook) -> None:
        self.deliver(webhook)  # looked up at each call: whoever hosts the fake sets it later

    def _place(self, room: Room) -> Place:
        return Place(room.title, room.id, ids.conversation(room.id), self._linked.get(room.id, False))
