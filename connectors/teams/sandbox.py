"""Microsoft 365 in memory: one tenant with one team, its channels and people, Graph and the login host.

As strict as the reference's §9 for the endpoints it serves. Tests may take people out of ``rosters`` and change
``entra.app_roles``, ``entra.grants``, ``entra.registered_roles``, ``graph.people.unlicensed`` or the policies of
``graph.invitations``.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.calls import Response
from connectors.consent import Preset
from connectors.contract import Credentials, Request
from connectors.messages import (
    Account,
    AccountId,
    Attachment,
    ConversationId,
    Event,
    Kind,
    MessageId,
    Posted,
    Reference,
    TeamId,
    WorkspaceId,
)
from connectors.sandbox import CHANNELS, COMPANY, Fake, Person, Place, Shown, Webhook, cast_of
from connectors.sandbox_data import Data
from connectors.teams.attachments import REFERENCE, placed
from connectors.teams.body import read_body
from connectors.teams.files import content_url, guid_of
from connectors.teams.ids import (
    channel_id,
    chat_id,
    hosted_path,
    message_id,
    native_id,
    open_handle,
    root_and_reply,
)
from connectors.teams.parse import parse
from connectors.teams.quoting import with_quote
from connectors.teams.sandbox_channels import GRAPH, Channel, Channels, Team
from connectors.teams.sandbox_chats import Chat
from connectors.teams.sandbox_crowd import populate
from connectors.teams.sandbox_drive import SITE_HOST
from connectors.teams.sandbox_entra import Entra, Grant, guid
from connectors.teams.sandbox_grants import APP_ROLES, PERSON_SCOPES, SERVICE_SCOPES, consent_of, registered, token_of
from connectors.teams.sandbox_graph import Graph
from connectors.teams.sandbox_names import change
from connectors.teams.sandbox_oauth import Front
from connectors.teams.sandbox_people import People
from connectors.teams.sandbox_rules import accepted
from connectors.teams.sandbox_subscriptions import Subscriptions
from connectors.teams.sandbox_text import as_client_writes, drawn, without_cards
from connectors.teams.scopes import APP, PERSON, SERVICE
from connectors.teams.webhook import client_state

SERVICE_USER = ("Mio Hub", "mio-hub@acme.example")
GUEST = ("Gil Guest", "gil@partner.example")
"""In the tenant's directory and in no team: the wrong account to connect with."""
SEEDED_GROUP = "Everybody at Acme"
"""A security group that the tenant begins with."""
ADMINISTRATOR = "ann@acme.example"


class FakeTeams(Fake):
    """``entra`` is the login host's side. Until the app is approved by consent, one subscription hears all channels."""

    slug = "teams"
    hosts = ("graph.microsoft.com", "login.microsoftonline.com", SITE_HOST)
    calls_app = f"@{SERVICE_USER[0]}"
    retries = (1.0, 5.0, 20.0, 60.0, 240.0)

    def __init__(self, secrets: Any, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        self.tenant, self.team, self.service = (
            guid("tenant", COMPANY),
            guid("team", COMPANY),
            guid("user", SERVICE_USER[1]),
        )
        self._users = {guid("user", actor.email): (actor.name, actor.email) for actor in cast_of("teams")}
        self._users[self.service] = SERVICE_USER
        self._guests = {guid("user", GUEST[1]): GUEST}
        self._named = {**self._users, **self._guests}
        self.entra = Entra(self.tenant, self._named, lambda: self.app, clock)
        self.entra.admins = {guid("user", ADMINISTRATOR)}
        self.entra.entrusted = {*self.entra.admins, self.service}
        self.entra.registered_roles, self.entra.registered_scopes = (
            registered(APP),
            registered(SERVICE) | registered(PERSON),
        )
        self.entra.app_roles, self.entra.consented = APP_ROLES, SERVICE_SCOPES
        self.entra.grants |= {
            token_of("app"): Grant(APP_ROLES),
            token_of(self.service): Grant(SERVICE_SCOPES, self.service),
        }
        self.entra.grants |= {token_of(user): Grant(PERSON_SCOPES, user) for user in self._people()}
        home = Team(self.team, COMPANY, set(self._users), {guid("user", ADMINISTRATOR)})
        self.channels = Channels(self.tenant, home, self._named, self._notify, clock)
        self.subscriptions = Subscriptions(self._seeded(), hub, self.channels.all, self._tell, clock)
        people = People(self._users, self._guests, clock)
        self.graph = Graph(self.entra, self._named, self.channels, self.subscriptions, people, clock)
        self.subscriptions.people, self.subscriptions.consenting = people, self._consenting
        self.channels.heed, people.heed = self.subscriptions.notify_channel, self.subscriptions.notify_user
        self._front = Front(self.entra, hub, self._approved)
        for channel in CHANNELS:
            self.channels.open(channel.name, channel.linked)
        self.add_group(SEEDED_GROUP, *self._people())

    def handle(self, request: Request) -> Response:
        url = urlsplit(request.url)
        segments = [unquote(segment) for segment in url.path.strip("/").split("/")]
        query = dict(parse_qsl(url.query, keep_blank_values=True)) | dict(request.query)
        match url.hostname:
            case "login.microsoftonline.com":
                return self._front.handle(request, segments, query) or self.entra.handle(request, segments)
            case host if host == SITE_HOST:
                return self.channels.drive.handle(request, query)
        return self.graph.handle(request, segments, query)

    def people(self) -> list[Person]:
        return [Person(self._users[user][0], user, token_of(user)) for user in self._people()]

    def places(self) -> list[Place]:
        return [self._place(channel) for channel in self.channels.all.values()]

    def credentials(self) -> Credentials:
        tokens = {"app": token_of("app"), "service": token_of(self.service)}
        return Credentials(WorkspaceId(self.tenant), AccountId(self.service), tokens)

    def directory(self) -> list[Account]:
        listed = {**self._users, **{user: known for user, known in self._guests.items() if known != GUEST}}
        return [
            Account(AccountId(user), name, email, is_guest=user in self._guests)
            for user, (name, email) in listed.items()
        ]

    def add_place(self, name: str, *, private: bool = False, team: str = "") -> Place:
        """In the first or another team. Our service user owns a private one, and so does who administers the tenant."""
        channel = self.channels.open(name, linked=False, team=team, owner=self.service if private else "")
        if private:
            channel.members |= self.channels.teams[channel.team].members
            channel.owners |= self.entra.admins
        self.channels.heed(channel, "created")
        return self._place(channel)

    def add_team(self, name: str, *, entered: bool = False) -> TeamId:
        """A further team, of all people; our service user is in it only where it ``entered``."""
        team = Team(guid("team", name), name, set(self._users), set(self.entra.admins))
        if not entered:
            team.members.discard(self.service)
        self.channels.teams[team.id] = team
        self.channels.open("General", linked=False, team=team.id)
        return TeamId(team.id)

    def add_group(self, name: str, *people: str, within: str = "", kind: str = "security") -> str:
        """A group of people by id, perhaps ``within`` another; ``kind`` is security, dynamic, unified or distribution."""
        return self.graph.groups.add(name, people, within, kind)

    def rename_place(self, conversation: ConversationId, name: str) -> None:
        """Give a channel another name, as whoever administers the tenant."""
        self.rename_as(ADMINISTRATOR, conversation, name)

    def remove_place(self, conversation: ConversationId) -> None:
        """Delete a channel."""
        self.channels.close(self._channel_of(conversation))

    def add_person(self, name: str, email: str, *, guest: bool = False) -> Person:
        """Somebody new in the tenant's directory, who is in no team yet."""
        user = guid("user", email)
        self._named[user] = (name, email)
        (self._guests if guest else self._users)[user] = (name, email)
        self.entra.grants[token_of(user)] = Grant(PERSON_SCOPES, user)
        self.graph.people.arrive(user)
        return Person(name, user, token_of(user))

    def remove_person(self, person: str) -> None:
        """Delete an account: it leaves its teams, and what it said keeps its name."""
        self.graph.dismiss(self._user(person))

    def populate(self, people: int, channels: int, members: int) -> None:
        """A large tenant for benchmarks: teams that share ``people`` among them, and ``bench-0001``… in them, private, with
        ``members`` of its team's people each."""
        populate(self.channels, self.graph.people, self.service, people, channels, members)

    def roster(self, conversation: ConversationId) -> set[str]:
        """The object ids of a channel's members, to be changed by a test."""
        return self._channel_of(conversation).members

    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        return self._say(person, conversation, self._typed(conversation, text))

    def reply_as(self, person: str, conversation: ConversationId, root: MessageId, text: str) -> MessageId:
        """Answer a message in its thread, an answer to an answer with the same root; in a chat by quoting it."""
        channel = self._channel_of(conversation)
        if isinstance(channel, Chat):
            said = with_quote(self._typed(conversation, text), channel.message(root))
            return self._say(person, conversation, said)
        return self._say(person, conversation, self._typed(conversation, text), root_and_reply(root)[0])

    def edit_as(self, person: str, conversation: ConversationId, message: MessageId, text: str) -> None:
        """Change an own message in the client, which keeps its files."""
        channel = self._channel_of(conversation)
        said = self._typed(conversation, text)
        if files := channel.message(message)["attachments"]:
            body = said["body"]
            said |= {"attachments": files, "body": body | {"content": body["content"] + "".join(map(placed, files))}}
        self.channels.edit(channel, self._user(person), message, said)

    def delete_as(self, person: str, conversation: ConversationId, message: MessageId) -> None:
        """Delete an own message in the client."""
        self.channels.remove(self._channel_of(conversation), self._user(person), message)

    def react_as(
        self, person: str, conversation: ConversationId, message: MessageId, emoji: str, on: bool = True
    ) -> None:
        """Put an emoji on a message in the client, or take it back."""
        self.channels.react(self._channel_of(conversation), self._user(person), message, emoji, on)

    def share_as(self, person: str, conversation: ConversationId, name: str, data: bytes, text: str = "") -> MessageId:
        """Attach a file in the client: it goes into the channel's folder, or the person's own; the message names it."""
        channel, user = self._channel_of(conversation), self._user(person)
        if isinstance(channel, Chat):
            folder = self.channels.drive.personal(user, self._named[user][1])
        else:
            folder = self.channels.drive.folder(channel.id, channel.name)
        item = self.channels.drive.put(folder["id"], folder["webUrl"], name, data)
        said = self._typed(conversation, text) if text else accepted({"body": {"content": "&nbsp;"}}, (), ())
        file = {"id": guid_of(item), "contentType": REFERENCE, "contentUrl": content_url(item), "name": item["name"]}
        content = said["body"]["content"] + placed(file)
        return self._say(person, conversation, said | {"body": _html(content), "attachments": [file]})

    def paste_as(self, person: str, conversation: ConversationId, kind: str, data: bytes, text: str = "") -> MessageId:
        """Paste a picture of type ``kind`` into the client: Graph keeps it, without a name."""
        said = self._typed(conversation, text) if text else accepted({"body": {"content": "&nbsp;"}}, (), ())
        content = said["body"]["content"] + '<p><img alt="image" src="../hostedContents/1/$value"></p>'
        return self._say(person, conversation, said | {"body": _html(content), "hostedContents": [("1", kind, data)]})

    def join_as(self, person: str, conversation: ConversationId) -> None:
        """Come into a channel."""
        channel, user = self._channel_of(conversation), self._user(person)
        channel.members.add(user)
        self.channels.tell(channel, "membersAdded", user, members=[self.channels.named(user)])

    def leave_as(self, person: str, conversation: ConversationId) -> None:
        """Leave a channel."""
        channel, user = self._channel_of(conversation), self._user(person)
        channel.members.discard(user)
        self.channels.tell(channel, "membersDeleted", user, members=[self.channels.named(user)])

    def rename_as(self, person: str, conversation: ConversationId, name: str) -> None:
        """Give a channel or a group another name."""
        channel, user = self._channel_of(conversation), self._user(person)
        if isinstance(channel, Chat):
            self.graph.chats.rename(channel, user, name)
        else:
            change(self.channels, channel, user, {"displayName": name})

    def topic_as(self, person: str, conversation: ConversationId, topic: str) -> None:
        """Give a channel another description."""
        change(self.channels, self._channel_of(conversation), self._user(person), {"description": topic})

    def files(self, conversation: ConversationId) -> list[tuple[str, Data]]:
        """The files and pictures of all messages, oldest first."""
        drive = self.channels.drive
        read = [
            attachment
            for message in self._said(conversation)
            for attachment in read_body(message, conversation).attachments
        ]
        kept = [drive.at(one.link) if one.link else drive.picture(_picture_url(one)) for one in read]
        return [(one.name, file.data) for one, file in zip(read, kept, strict=True)]

    def shown(self, conversation: ConversationId) -> list[Shown]:
        events = [(message, self._read(conversation, message)) for message in self._said(conversation)]
        return [drawn(message, event.message, self.service) for message, event in events if isinstance(event, Posted)]

    def whispers(self, conversation: ConversationId) -> list[Shown]:
        return []  # Teams lets apps of our kind answer openly only

    def _said(self, conversation: ConversationId) -> list[Mapping[str, Any]]:
        threads = self._channel_of(conversation).threads.values()
        said = [message for thread in threads for message in (thread.root, *thread.replies.values())]
        return sorted(said, key=lambda message: int(message["id"]))

    def _read(self, conversation: ConversationId, message: Mapping[str, Any]) -> Event:
        id_ = message_id(message["id"], message["replyToId"])
        return parse(without_cards(message), Reference(Kind.POSTED, conversation, id_), AccountId(""))

    def _say(
        self, person: str, conversation: ConversationId, said: dict[str, Any], root: str | None = None
    ) -> MessageId:
        channel = self._channel_of(conversation)
        return message_id(self.channels.say(channel, self._user(person), said, root)["id"], root)

    def _typed(self, conversation: ConversationId, text: str) -> dict[str, Any]:
        channel = self._channel_of(conversation)
        users = {name: user for user, (name, _) in self._named.items()}
        kind = "chat" if isinstance(channel, Chat) else "channel"
        content, mentions = as_client_writes(text, users, channel.id, kind)
        sent = {"body": _html(content), "mentions": mentions}
        return accepted(sent, set(self._named), (channel.id, channel.team))

    def _user(self, person: str) -> str:
        return next(user for user, known in self._named.items() if person in (user, *known))

    def _people(self) -> list[str]:
        return [user for user in self._users if user != self.service]

    def _place(self, channel: Channel) -> Place:
        return Place(channel.name, channel.id, channel_id(channel.team, channel.id), channel.linked, channel.team)

    def _channel_of(self, conversation: ConversationId) -> Channel:
        known: list[Channel] = [*self.channels.all.values(), *self.graph.chats.all.values()]
        return next(channel for channel in known if channel_id(channel.team, channel.id) == conversation)

    def direct(self, person: str) -> list[Shown]:
        """What the service user and one person said to each other, oldest first."""
        chat = self.graph.chats.id_of(self.service, self._user(person))
        return self.shown(chat_id(chat)) if chat in self.graph.chats.all else []

    def own_credentials(self, person: str, preset: Preset = Preset.PUBLISHED) -> Credentials:
        user = self._user(person)
        token, grant = consent_of(user)
        self.entra.grants[token] = grant
        return Credentials(WorkspaceId(self.tenant), AccountId(user), {PERSON: token}, person=PERSON)

    def _consenting(self) -> set[str]:
        """Who let our app act for them, on its page or by ``own_credentials``."""
        let = {grant.user for grant in self.entra.grants.values() if "Chat.ReadWrite" in grant.permissions}
        return let - {self.service}

    def chat(self, people: Sequence[str]) -> ConversationId:
        return chat_id(self.graph.chats.between([self._user(person) for person in people]).id)

    def revoke_app(self) -> None:
        """What an administrator does who removes the app in Entra: every token of it is dead, every order ends."""
        self.entra.remove(kept=[token_of(user) for user in self._people()])
        self.subscriptions.seeded = None
        self.subscriptions.lifecycle("subscriptionRemoved")

    def _approved(self) -> None:
        self.subscriptions.seeded = None

    def _tell(self, webhook: Webhook) -> None:
        self.deliver(webhook)

    def _notify(self, conversation: ConversationId, message: MessageId, change: str) -> None:
        chat = self.graph.chats.all.get(native_id(conversation))
        self.subscriptions.notify(conversation, message, change, chat.members if chat else ())

    def _seeded(self) -> dict[str, Any]:
        return {
            "id": guid("subscription"),
            "tenantId": self.tenant,
            "changeType": "created,updated,deleted",
            "notificationUrl": f"{self.hub}/webhooks/teams/",
            "clientState": client_state(self.secrets.client_state_key, self.tenant),
            "until": 0.0,
        }


def _html(content: str) -> dict[str, str]:
    return {"contentType": "html", "content": content}


def _picture_url(attachment: Attachment) -> str:
    _, conversation, message, content = open_handle(attachment.handle)
    return GRAPH + hosted_path(ConversationId(conversation), MessageId(message), content)
