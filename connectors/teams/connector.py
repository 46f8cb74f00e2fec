"""Microsoft Teams, spoken to through Microsoft Graph."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.calls import Call, Calls, T
from connectors.consent import OURS, App, Connects, Granted, Greets, Identity, Paper, Preset, Subscribed, Subscribes
from connectors.contract import (
    CarriesFiles,
    Connector,
    Content,
    DeletesMessages,
    EditsMessages,
    Envelope,
    FetchesMessages,
    Limits,
    NamesConversations,
    Platform,
    Reacts,
    Rendered,
    Reply,
    Request,
    SetsTopics,
    TakesCommands,
    Unit,
)
from connectors.direct import OpensDirectChats
from connectors.directory import (
    Group,
    ListsAccounts,
    ListsConversations,
    ListsGroups,
    ListsMembers,
    ListsPeople,
    ListsTeams,
    ManagesConversations,
    Page,
    Place,
    Team,
)
from connectors.messages import (
    NO_ACCOUNT,
    Account,
    AccountId,
    Attachment,
    Button,
    Commanded,
    ConversationId,
    Draft,
    Event,
    MessageId,
    Reference,
    TeamId,
)
from connectors.provisioning import Found, ProvisionsAccounts
from connectors.richtext import Document
from connectors.teams import (
    cards,
    client,
    direct,
    directory,
    files,
    greeting,
    groups,
    managing,
    names,
    oauth,
    papers,
    parse,
    provisioning,
    render,
    subscriptions,
    webhook,
)
from connectors.teams.forgiving import forgiving
from connectors.teams.ids import is_channel
from connectors.teams.oauth import OAUTH, STEPS
from connectors.teams.scopes import SCOPES

LONGEST_TEXT = 24_000
"""Bytes of UTF-8. Teams takes about 28 KB for the whole stored message, which it rewrites (§4.3)."""
LARGEST_FILE = 250 * 1024**2
"""Bytes. What goes up in one request; larger ones need an upload session (reference §3.9)."""


class Teams(
    Connector,
    FetchesMessages,
    EditsMessages,
    DeletesMessages,
    Reacts,
    CarriesFiles,
    NamesConversations,
    SetsTopics,
    TakesCommands,
    ListsAccounts,
    ListsTeams,
    ListsPeople,
    ListsConversations,
    ListsMembers,
    ListsGroups,
    ManagesConversations,
    ProvisionsAccounts,
    OpensDirectChats,
    Connects,
    Subscribes,
    Greets,
):
    """Reads with the application's own token (``app``), posts with the service account's delegated one (``service``).

    A workspace is an Entra tenant, an account an object id in it. Graph only rings the bell: every envelope is without
    content, and the message is fetched. So is what a message turns out to be: ``parse`` reads notices and commands from
    what ``receive`` could only call ``POSTED``, and of a ``CHANGED`` one it tells how it stands.

    A person's own token (``person``) does all of it in their chats. In channels it could only post, with a permission that
    people are not asked for.

    Commands are heard in linked channels only. Our voice is a person's account and no bot: what is said to it in another
    channel Graph would tell only by an order for every channel of the tenant, and of chats we order those of the people who
    are represented elsewhere.
    """

    reads_unasked = True

    most_added = managing.MOST_ADDED
    pause = managing.PAUSE
    makes = "guest"
    most_looked_up = directory.IDS_PER_FILTER
    platform = Platform("teams", "Teams", "#5b5fc7", Limits(LONGEST_TEXT, Unit.BYTES, LARGEST_FILE))

    oauth = OAUTH
    scopes = SCOPES
    steps = STEPS

    @dataclass(frozen=True, slots=True)
    class Secrets:
        """``client_state_key`` makes the ``clientState`` of our subscriptions, by tenant."""

        client_state_key: str = field(repr=False, metadata=OURS)

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return webhook.receive(request, secrets)

    def parse(self, content: Content, reference: Reference) -> Event:
        return parse.parse(content, reference, NO_ACCOUNT if self.credentials.person else self.credentials.account)

    def render(self, draft: Draft) -> Rendered:
        return render.render(draft)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        return self._in(rendered.conversation, client.post(rendered))

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        return self._in(rendered.conversation, client.find(rendered, self.credentials.account, since))

    def fetch(self, reference: Reference) -> Calls[Content]:
        return self._in(reference.conversation, client.fetch(reference))

    def edit(self, message: MessageId, rendered: Rendered) -> Calls[None]:
        return self._in(rendered.conversation, client.edit(message, rendered))

    def delete(self, conversation: ConversationId, message: MessageId) -> Calls[None]:
        return self._in(conversation, client.delete(conversation, message, self.credentials.account))

    def react(self, conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> Calls[None]:
        return self._in(conversation, client.react(conversation, message, emoji, on))

    def _in(self, conversation: ConversationId, calls: Calls[T]) -> Calls[T]:
        """A connection ends only where its own account lacks what messages in channels need."""
        return calls if is_channel(conversation) and not self.credentials.person else forgiving(calls)

    def open(self, attachment: Attachment) -> Calls[Call]:
        return self._in(files.shared_in(attachment), files.open_file(attachment))

    def upload(self, attachment: Attachment, draft: Draft) -> Calls[MessageId]:
        return self._in(draft.conversation, files.upload(attachment, render.render(draft)))

    def find_file(self, attachment: Attachment, draft: Draft, since: datetime) -> Calls[list[MessageId]]:
        found = files.find_file(attachment, render.render(draft), self.credentials.account, since)
        return self._in(draft.conversation, found)

    def rename(self, conversation: ConversationId, name: str) -> Calls[str]:
        return names.rename(conversation, name)

    def set_topic(self, conversation: ConversationId, topic: str) -> Calls[None]:
        return names.set_topic(conversation, topic)

    def answer(
        self, command: Commanded, conversation: ConversationId, body: Document, buttons: Sequence[Button] = ()
    ) -> Calls[list[MessageId]]:
        """A reply to the command that mentions its author: Teams has no message that only one person sees."""
        said: list[MessageId] = []
        *parts, last = self.parts(render.answer(command, conversation, body))
        for part in (*parts, cards.with_buttons(last, buttons)):
            said += [(yield from self.post(part))]
        return said

    def account(self, account: AccountId) -> Calls[Account]:
        return directory.account(account)

    def teams(self, cursor: str = "") -> Calls[Page[Team]]:
        return directory.teams(cursor)

    def enter_team(self, team: TeamId) -> Calls[None]:
        return managing.enter_team(self.credentials.account, team)

    def people(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Account]]:
        return directory.people(teams, cursor)

    def conversations(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Place]]:
        return directory.conversations(self.credentials.account, teams, cursor)

    def conversation(self, conversation: ConversationId) -> Calls[Place]:
        return directory.conversation(self.credentials.account, conversation)

    def groups(self, text: str = "", cursor: str = "") -> Calls[Page[Group]]:
        return groups.groups(text, cursor)

    def group_members(self, group: str, cursor: str = "") -> Calls[Page[AccountId]]:
        return groups.group_members(group, cursor)

    def members_page(self, conversation: ConversationId, cursor: str = "") -> Calls[Page[AccountId]]:
        return directory.members_page(conversation, cursor)

    @classmethod
    def legal_name(cls, name: str) -> str:
        return names.legal_name(name)

    def create(self, name: str, *, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
        return managing.create(self.credentials.account, name, is_private, team, topic)

    def enter(self, conversation: ConversationId) -> Calls[None]:
        return managing.enter(self.credentials.account, conversation)

    def add(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
        """To the team, where the channel is open to all of it."""
        return managing.add(conversation, accounts)

    def remove(self, conversation: ConversationId, account: AccountId) -> Calls[None]:
        """From the team, where the channel is open to all of it."""
        return managing.remove(conversation, account)

    def look_up(self, emails: Sequence[str]) -> Calls[dict[str, Found]]:
        return provisioning.look_up(emails)

    def provision(self, email: str, name: str, message: str = "") -> Calls[Account]:
        return provisioning.provision(email, name, message)

    def discard(self, account: AccountId) -> Calls[None]:
        return provisioning.discard(account)

    @classmethod
    def granted(cls, kind: str, answer: Mapping[str, Any]) -> list[Granted]:
        return oauth.granted(kind, answer)

    def identify(self) -> Calls[Identity]:
        return oauth.identify(self.credentials)

    def identify_person(self) -> Calls[Identity]:
        return oauth.identify_person()

    @classmethod
    def awaits_approval(cls, answer: Mapping[str, str]) -> bool:
        return oauth.awaits_approval(answer)

    def revoke(self, app: App) -> Calls[None]:
        return oauth.revoke()

    @classmethod
    def papers(cls, hub: str, webhooks: str, preset: Preset, name: str) -> list[Paper]:
        """No paper names ``webhooks``: each subscription tells Teams where to."""
        return papers.papers(hub, preset, name)

    def resources(self, conversations: Iterable[ConversationId], people: Iterable[AccountId] = ()) -> list[str]:
        return subscriptions.resources(conversations, people)

    def subscriptions(self, address: str) -> Calls[list[Subscribed]]:
        return subscriptions.subscriptions(address)

    def subscribe(self, resource: str, address: str, secret: str) -> Calls[Subscribed]:
        """``secret`` is the ``client_state_key`` of ``Secrets``."""
        return subscriptions.subscribe(self.credentials.workspace, resource, address, secret)

    def renew(self, subscribed: Subscribed) -> Calls[Subscribed]:
        return subscriptions.renew(subscribed)

    def unsubscribe(self, subscribed: Subscribed) -> Calls[None]:
        return subscriptions.unsubscribe(subscribed)

    def greet(self, account: AccountId, body: Document, buttons: Sequence[Button] = ()) -> Calls[None]:
        return greeting.greet(self.credentials, account, body, buttons)

    def open_direct(self, accounts: Sequence[AccountId], topic: str = "") -> Calls[ConversationId]:
        return forgiving(direct.open_direct(self.credentials, accounts, topic))

    def participants(self, conversation: ConversationId, author: AccountId = NO_ACCOUNT) -> Calls[list[AccountId]]:
        return forgiving(direct.participants(conversation))

    def bring_in(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[None]:
        return forgiving(direct.bring_in(self.credentials, conversation, accounts))
