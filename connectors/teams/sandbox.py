"""Microsoft 365 in memory: one tenant with one team, its channels and people, Graph and the login host.

As strict as the reference's §9 for the endpoints it serves. Tests may take people out of ``rosters`` and change
``entra.app_roles`` or ``entra.grants``.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.calls import Response
from connectors.contract import Credentials, Request
from connectors.emoji import shortcode
from connectors.html import to_html
from connectors.markdown import from_markdown
from connectors.messages import Account, AccountId, ConversationId, Kind, MessageId, Posted, Reference, WorkspaceId
from connectors.sandbox import CHANNELS, COMPANY, Fake, Person, Place, Shown, Webhook, cast_of, digest
from connectors.teams.ids import channel_id, in_key_form, message_id, root_and_reply
from connectors.teams.parse import parse
from connectors.teams.render import code_block
from connectors.teams.sandbox_entra import Entra, Grant, guid
from connectors.teams.sandbox_graph import Channel, Graph, iso
from connectors.teams.sandbox_rules import accepted
from connectors.teams.webhook import client_state

SERVICE = ("Mio Hub", "mio-hub@acme.example")
SUBSCRIPTION_LIFE = timedelta(minutes=4320)
"""The longest life of a subscription for messages (§2.2)."""

APP_ROLES = frozenset(
    {
        "Channel.ReadBasic.All",
        "ChannelMember.Read.All",
        "ChannelMessage.Read.All",
        "Organization.Read.All",
        "Team.ReadBasic.All",
        "TeamMember.Read.All",
        "User.Read.All",
    }
)
SERVICE_SCOPES = frozenset({"openid", "profile", "offline_access", "User.Read", "ChannelMessage.Send"})
PERSON_SCOPES = SERVICE_SCOPES | {
    "Channel.ReadBasic.All",
    "ChannelMember.Read.All",
    "ChannelMessage.Read.All",
    "Team.ReadBasic.All",
    "TeamMember.Read.All",
    "User.ReadBasic.All",
}


class FakeTeams(Fake):
    """``entra`` is the login host's side. The one subscription is to all channel messages of the tenant."""

    slug = "teams"
    hosts = ("graph.microsoft.com", "login.microsoftonline.com")
    retries = (1.0, 5.0, 20.0, 60.0, 240.0)

    def __init__(self, secrets: Any, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        self.tenant, self.team, self.service = guid("tenant", COMPANY), guid("team", COMPANY), guid("user", SERVICE[1])
        self._users = {guid("user", actor.email): (actor.name, actor.email) for actor in cast_of("teams")}
        self._users[self.service] = SERVICE
        names = {user: name for user, (name, _) in self._users.items()}
        addresses = {email: user for user, (_, email) in self._users.items()}
        self.entra = Entra(self.tenant, names, addresses, clock)
        self.entra.app_roles = APP_ROLES
        self.entra.grants |= {
            _token("app"): Grant(APP_ROLES),
            _token(self.service): Grant(SERVICE_SCOPES, self.service),
        }
        self.entra.grants |= {_token(user): Grant(PERSON_SCOPES, user) for user in self._people()}
        self.graph = Graph(self.entra, self.team, self._users, self._notify, clock)
        for channel in CHANNELS:
            self.graph.open_channel(channel.name, channel.linked)

    def handle(self, request: Request) -> Response:
        url = urlsplit(request.url)
        segments = [unquote(segment) for segment in url.path.strip("/").split("/")]
        query = dict(parse_qsl(url.query, keep_blank_values=True)) | dict(request.query)
        side = self.entra if url.hostname == "login.microsoftonline.com" else self.graph
        return side.handle(request, segments, query)

    def people(self) -> list[Person]:
        return [Person(self._users[user][0], user, _token(user)) for user in self._people()]

    def places(self) -> list[Place]:
        return [self._place(channel) for channel in self.graph.channels.values()]

    def credentials(self) -> Credentials:
        tokens = {"app": _token("app"), "service": _token(self.service)}
        return Credentials(WorkspaceId(self.tenant), AccountId(self.service), tokens)

    def directory(self) -> list[Account]:
        return [Account(AccountId(user), name, email) for user, (name, email) in self._users.items()]

    def add_place(self, name: str) -> Place:
        return self._place(self.graph.open_channel(name, linked=False))

    def roster(self, conversation: ConversationId) -> set[str]:
        """The object ids of a channel's members, to be changed by a test."""
        return self._channel_of(conversation).members

    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        user = next(user for user, known in self._users.items() if person in (user, *known))
        content, mentions = _as_client_writes(text, {name: user for user, (name, _) in self._users.items()})
        sent = {"body": {"contentType": "html", "content": content}, "mentions": mentions}
        channel = self._channel_of(conversation)
        return message_id(self.graph.say(channel, user, accepted(sent, channel.members))["id"])

    def shown(self, conversation: ConversationId) -> list[Shown]:
        channel = self._channel_of(conversation)
        said = [message for thread in channel.threads.values() for message in (thread.root, *thread.replies.values())]
        return [self._shown(conversation, message) for message in sorted(said, key=lambda message: int(message["id"]))]

    def _people(self) -> list[str]:
        return [user for user in self._users if user != self.service]

    def _place(self, channel: Channel) -> Place:
        return Place(channel.name, channel.id, channel_id(self.team, channel.id), channel.linked, self.team)

    def _channel_of(self, conversation: ConversationId) -> Channel:
        return next(ch for ch in self.graph.channels.values() if channel_id(self.team, ch.id) == conversation)

    def _shown(self, conversation: ConversationId, message: Mapping[str, Any]) -> Shown:
        id_ = message_id(message["id"], message["replyToId"])
        event = parse(message, Reference(Kind.POSTED, conversation, id_))
        author = message["from"]["user"]
        html = to_html(event.message.body) if isinstance(event, Posted) else ""
        return Shown(id_, author["displayName"], "", html, int(message["id"]) / 1000, author["id"] == self.service)

    def _notify(self, conversation: ConversationId, message: MessageId) -> None:
        root, reply = root_and_reply(message)
        resource = in_key_form(conversation, message)
        data = {"id": reply or root, "@odata.type": "#microsoft.graph.chatMessage", "@odata.id": resource}
        item = {
            "subscriptionId": guid("subscription"),
            "subscriptionExpirationDateTime": iso(self.clock() + SUBSCRIPTION_LIFE.total_seconds()),
            "clientState": client_state(self.secrets.client_state_key, self.tenant),
            "changeType": "created",
            "tenantId": self.tenant,
            "resource": resource,
            "resourceData": data,
        }
        body = json.dumps({"value": [item]}).encode()
        self.deliver(Webhook(f"{self.hub}/webhooks/teams/", body, lambda: {"content-type": "application/json"}))


def _token(owner: str) -> str:
    return f"eyJ0eXAi.{digest('teams', 'token', owner)}"


def _as_client_writes(text: str, users: Mapping[str, str]) -> tuple[str, list[dict[str, Any]]]:
    """HTML and mentions as Teams' own client stores what was typed: a person is one ``at`` per word of the name (§4.1)."""
    mentions: list[dict[str, Any]] = []

    def at(found: re.Match[str]) -> str:
        words = []
        for word in found[1].split():
            user = {"id": users[found[1]], "displayName": found[1], "userIdentityType": "aadUser"}
            words.append(f'<at id="{len(mentions)}">{word}</at>')
            mentions.append({"id": len(mentions), "mentionText": word, "mentioned": {"user": user}})
        return "&nbsp;".join(words)

    anybody = re.compile("@(" + "|".join(map(re.escape, users)) + r")\b")
    pieces = _MARKUP.split(to_html(from_markdown(text), code_block=code_block))
    written = "".join(piece if n % 2 else _with_emoji(anybody.sub(at, piece)) for n, piece in enumerate(pieces))
    return written, mentions


_MARKUP = re.compile(r"(<codeblock.*?</codeblock>|<code>.*?</code>|<[^>]*>)", re.DOTALL)
_PICTURE = re.compile("[\U0001f300-\U0001faff]")


def _with_emoji(text: str) -> str:
    """Single emoji as the client's own element."""

    def element(found: re.Match[str]) -> str:
        name = shortcode(found[0])
        return f'<emoji id="{name}" alt="{found[0]}" title="{name}"></emoji>' if name else found[0]

    return _PICTURE.sub(element, text)
