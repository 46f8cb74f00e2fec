"""Zoom Team Chat, spoken to as a service user through the account's admin-managed app.

A chatbot can neither mention people nor carry formatted spans, and hears no channel (§0): so the Hub speaks as a real
user of the account. ``Credentials.account`` is that user's id, ``tokens["admin"]`` the admin-managed app's token,
``extra["email"]`` the user's address, by which Zoom's message lists name a sender.

A chatbot is of use for commands and for a word to one person: with ``tokens["bot"]`` and ``extra["robot_jid"]`` on record
its answers are seen by the asker alone, with ``extra["bot_name"]`` its mentions are read to the letter.

People's direct chats are told to the user-managed app by the consent of either of the two, and Zoom does not say of whom. So
``Envelope.hearer`` is empty, and whoever of the ``participants`` has consented can read the chat. No event tells a group chat
from a channel: our admin-managed app hears both, and neither ``is_direct``. Which are groups, whoever opened them knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from connectors.calls import Call, Calls
from connectors.consent import App, Connects, Granted, Greets, Identity, OAuth, Paper, Preset, Purpose, Scope, Step
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
    TakesCommands,
    Unit,
)
from connectors.direct import OpensDirectChats
from connectors.directory import (
    ListsAccounts,
    ListsConversations,
    ListsMembers,
    ListsPeople,
    ManagesConversations,
    Page,
    Place,
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
from connectors.provisioning import FindsAccounts, Found
from connectors.richtext import Document
from connectors.zoom import answers, client, client_files, direct, directory, fetching, managing, names, webhook
from connectors.zoom import oauth as consent
from connectors.zoom.files import LARGEST_FILE
from connectors.zoom.papers import papers
from connectors.zoom.parse import parse
from connectors.zoom.render import render
from connectors.zoom.scopes import SCOPES

LONGEST_MESSAGE = 1024
"""Characters of one message (§4.5). Counted in UTF-16 code units, which are never fewer."""


@dataclass(frozen=True)
class Secrets:
    """What the operator copies from the *Feature* pages of the admin-managed app, and of the user-managed one. Without the
    latter no direct messages are heard."""

    webhook_secret_token: str = field(repr=False)
    user_webhook_secret_token: str = field(default="", repr=False)


class Zoom(
    Connector,
    FetchesMessages,
    EditsMessages,
    DeletesMessages,
    Reacts,
    CarriesFiles,
    NamesConversations,
    TakesCommands,
    ListsAccounts,
    ListsPeople,
    ListsConversations,
    ListsMembers,
    ManagesConversations,
    FindsAccounts,
    Connects,
    Greets,
    OpensDirectChats,
):
    """See the module."""

    platform: ClassVar[Platform] = Platform(
        "zoom", "Zoom", "#0b5cff", Limits(LONGEST_MESSAGE, Unit.CHARACTERS, LARGEST_FILE)
    )
    Secrets: ClassVar[type] = Secrets
    Registration: ClassVar[type[App]] = consent.Registration
    oauth: ClassVar[OAuth] = consent.OAUTH
    scopes: ClassVar[tuple[Scope, ...]] = SCOPES
    steps: ClassVar[Mapping[Purpose, tuple[Step, ...]]] = consent.STEPS
    most_added: ClassVar[int] = managing.MOST_ADDED

    @classmethod
    def granted(cls, kind: str, answer: Mapping[str, Any]) -> list[Granted]:
        return consent.granted(kind, answer)

    def identify(self) -> Calls[Identity]:
        return consent.identify(self.credentials)

    def identify_person(self) -> Calls[Identity]:
        return consent.identify_person()

    def revoke(self, app: App) -> Calls[None]:
        return consent.revoke(self.credentials, app)

    @classmethod
    def papers(cls, hub: str, webhooks: str, preset: Preset, name: str) -> list[Paper]:
        return papers(hub, webhooks, preset, name)

    def greet(self, account: AccountId, body: Document, buttons: Sequence[Button] = ()) -> Calls[None]:
        return answers.greet(self.credentials, account, body, buttons)

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return webhook.receive(request, secrets.webhook_secret_token, secrets.user_webhook_secret_token)

    def parse(self, content: Content, reference: Reference) -> Event:
        return parse(content, reference, self.credentials)

    def render(self, draft: Draft) -> Rendered:
        return render(draft, self.credentials)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        return client.post(self.credentials, rendered)

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        return client.find(self.credentials, rendered, since)

    def fetch(self, reference: Reference) -> Calls[Content]:
        return fetching.fetch(self.credentials, reference)

    def edit(self, message: MessageId, rendered: Rendered) -> Calls[None]:
        return client.edit(self.credentials, message, rendered, LONGEST_MESSAGE)

    def delete(self, conversation: ConversationId, message: MessageId) -> Calls[None]:
        return client.delete(self.credentials, conversation, message)

    def react(self, conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> Calls[None]:
        return client.react(self.credentials, conversation, message, emoji, on)

    def open(self, attachment: Attachment) -> Calls[Call]:
        return client_files.open_file(self.credentials, attachment)

    def upload(self, attachment: Attachment, draft: Draft) -> Calls[MessageId]:
        return client_files.upload(self.credentials, attachment, self.render(draft))

    def find_file(self, attachment: Attachment, draft: Draft, since: datetime) -> Calls[list[MessageId]]:
        return client_files.find_file(self.credentials, attachment, self.render(draft), since)

    def rename(self, conversation: ConversationId, name: str) -> Calls[str]:
        return names.rename(self.credentials, conversation, name)

    def answer(
        self, command: Commanded, conversation: ConversationId, body: Document, buttons: Sequence[Button] = ()
    ) -> Calls[list[MessageId]]:
        draft = Draft(conversation, body, "", thread=MessageId(command.handle) if command.handle else None)
        return answers.answer(self.credentials, command, draft, buttons, self.parts)

    def look_up(self, emails: Sequence[str]) -> Calls[dict[str, Found]]:
        return directory.look_up(emails)

    def account(self, account: AccountId) -> Calls[Account]:
        return client.account(account)

    def members_page(self, conversation: ConversationId, cursor: str = "") -> Calls[Page[AccountId]]:
        return directory.members_page(self.credentials, conversation, cursor)

    def people(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Account]]:
        return directory.people(cursor)

    def conversations(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Place]]:
        return directory.conversations(self.credentials, cursor)

    def conversation(self, conversation: ConversationId) -> Calls[Place]:
        return directory.conversation(self.credentials, conversation)

    def open_direct(self, accounts: Sequence[AccountId], topic: str = "") -> Calls[ConversationId]:
        return direct.open_direct(self.credentials, accounts, topic)

    def participants(self, conversation: ConversationId, author: AccountId = NO_ACCOUNT) -> Calls[list[AccountId]]:
        return direct.participants(self.credentials, conversation)

    def bring_in(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[None]:
        return direct.bring_in(self.credentials, conversation, accounts)

    @classmethod
    def legal_name(cls, name: str) -> str:
        return names.legal_name(name)

    def create(self, name: str, *, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
        return managing.create(self.credentials, name, is_private=is_private)

    def enter(self, conversation: ConversationId) -> Calls[None]:
        return managing.enter(self.credentials, conversation)

    def add(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
        return managing.add(self.credentials, conversation, accounts)

    def remove(self, conversation: ConversationId, account: AccountId) -> Calls[None]:
        return managing.remove(self.credentials, conversation, account)
