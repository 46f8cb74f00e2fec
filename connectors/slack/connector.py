"""Slack, as the relay sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.calls import Call, Calls, T
from connectors.consent import App, Connects, Granted, Greets, Identity, Paper, Preset
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
    ManagesConversations,
    Page,
    Place,
)
from connectors.errors import NotSupported
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
from connectors.slack import (
    client,
    commands,
    direct,
    directory,
    managing,
    manifest,
    names,
    oauth,
    parse,
    render,
    transfer,
    web,
    webhook,
)
from connectors.slack.ids import author
from connectors.slack.oauth import NAMELESS, OAUTH, STEPS
from connectors.slack.scopes import SCOPES

LONGEST_TEXT = 3_900
"""Characters after escaping: at about 4,000 Slack itself starts to cut, in the middle of code (reference §4.3)."""
LARGEST_FILE = 1024**3
"""Bytes. What Slack takes at most in one file (reference §3.6)."""


class Slack(
    Connector,
    Connects,
    Greets,
    FetchesMessages,
    EditsMessages,
    DeletesMessages,
    Reacts,
    CarriesFiles,
    NamesConversations,
    SetsTopics,
    TakesCommands,
    OpensDirectChats,
    ListsMembers,
    ListsAccounts,
    ListsPeople,
    ListsConversations,
    ListsGroups,
    ManagesConversations,
    FindsAccounts,
):
    """A Slack workspace. ``tokens`` has ``bot``, or ``person`` alone.

    ``extra`` has the ``bot_id`` under which posts in a borrowed name return, and ``nameless`` where no name may be borrowed.
    """

    platform = Platform("slack", "Slack", "#4a154b", Limits(LONGEST_TEXT, Unit.CHARACTERS, LARGEST_FILE))
    oauth = OAUTH
    scopes = SCOPES
    steps = STEPS
    most_added = managing.MOST_ADDED

    @dataclass(frozen=True)
    class Secrets:
        """The app's *Signing Secret*, from its *Basic Information* page."""

        signing_secret: str = field(repr=False)

    @property
    def own_accounts(self) -> frozenset[AccountId]:
        bot_id = self.credentials.extra.get("bot_id")
        return super().own_accounts | ({AccountId(bot_id)} if bot_id and not self.credentials.person else frozenset())

    def _is_ours(self, message: Content) -> bool:
        """A person's voice knows what that person said; our app's knows all that was said through it."""
        app = "" if self.credentials.person else self.credentials.extra.get("app_id")
        return author(message) in self.own_accounts or (bool(app) and message.get("app_id") == app)

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return webhook.receive(request, secrets)

    def parse(self, content: Content, reference: Reference) -> Event:
        return parse.parse(content, reference)

    def render(self, draft: Draft) -> Rendered:
        return render.render(draft, borrows=NAMELESS not in self.credentials.extra)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        return self._speaking(client.post(rendered))

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        return self._speaking(client.find(rendered, since, self._is_ours))

    def fetch(self, reference: Reference) -> Calls[Content]:
        return self._speaking(client.fetch(reference))

    def edit(self, message: MessageId, rendered: Rendered) -> Calls[None]:
        return self._speaking(client.edit(message, rendered))

    def delete(self, conversation: ConversationId, message: MessageId) -> Calls[None]:
        return self._speaking(client.delete(conversation, message))

    def react(self, conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> Calls[None]:
        return self._speaking(client.react(conversation, message, emoji, on))

    def open(self, attachment: Attachment) -> Calls[Call]:
        return self._speaking(transfer.open_file(attachment))

    def upload(self, attachment: Attachment, draft: Draft) -> Calls[MessageId]:
        return self._speaking(transfer.upload(attachment, self.render(draft)))

    def find_file(self, attachment: Attachment, draft: Draft, since: datetime) -> Calls[list[MessageId]]:
        return self._speaking(transfer.find_file(attachment, self.render(draft), since, self._is_ours))

    def open_direct(self, accounts: Sequence[AccountId], topic: str = "") -> Calls[ConversationId]:
        return self._speaking(direct.open_direct(accounts))

    def participants(self, conversation: ConversationId, author: AccountId = NO_ACCOUNT) -> Calls[list[AccountId]]:
        return direct.participants(self.credentials, conversation, author)

    def bring_in(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[None]:
        raise NotSupported("who is in a group chat of Slack is fixed")

    def _speaking(self, calls: Calls[T]) -> Calls[T]:
        return web.of_a_person(calls) if self.credentials.person else calls

    def rename(self, conversation: ConversationId, name: str) -> Calls[str]:
        return names.rename(conversation, name)

    def set_topic(self, conversation: ConversationId, topic: str) -> Calls[None]:
        return names.set_topic(conversation, topic)

    def answer(
        self, command: Commanded, conversation: ConversationId, body: Document, buttons: Sequence[Button] = ()
    ) -> Calls[list[MessageId]]:
        parts = render.with_buttons(self.parts(Draft(conversation, body, "answer")), buttons)
        return commands.answer(command, conversation, parts)

    def groups(self, text: str = "", cursor: str = "") -> Calls[Page[Group]]:
        return directory.groups(text)

    def group_members(self, group: str, cursor: str = "") -> Calls[Page[AccountId]]:
        return directory.group_members(group)

    def members_page(self, conversation: ConversationId, cursor: str = "") -> Calls[Page[AccountId]]:
        return directory.members_page(conversation, cursor)

    def look_up(self, emails: Sequence[str]) -> Calls[dict[str, Found]]:
        return directory.look_up(emails, self.credentials.workspace)

    def account(self, account: AccountId) -> Calls[Account]:
        return directory.account(account, self.credentials.workspace)

    def people(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Account]]:
        return directory.people(self.credentials.workspace, cursor)

    def conversations(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Place]]:
        return directory.conversations(cursor)

    def conversation(self, conversation: ConversationId) -> Calls[Place]:
        return directory.conversation(conversation)

    @classmethod
    def legal_name(cls, name: str) -> str:
        return names.legal_name(name)

    def create(self, name: str, *, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
        return managing.create(name, topic, is_private=is_private)

    def enter(self, conversation: ConversationId) -> Calls[None]:
        return managing.enter(conversation)

    def add(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
        return managing.add(conversation, accounts)

    def remove(self, conversation: ConversationId, account: AccountId) -> Calls[None]:
        return managing.remove(conversation, account, self.credentials.account)

    def greet(self, account: AccountId, body: Document, buttons: Sequence[Button] = ()) -> Calls[None]:
        chat = yield from direct.open_direct([account])
        for part in render.with_buttons(self.parts(Draft(chat, body, "greeting")), buttons):
            yield from client.post(part)

    @classmethod
    def granted(cls, kind: str, answer: Mapping[str, Any]) -> list[Granted]:
        return oauth.granted(kind, answer)

    def identify(self) -> Calls[Identity]:
        return oauth.identify()

    def identify_person(self) -> Calls[Identity]:
        return oauth.identify_person()

    def revoke(self, app: App) -> Calls[None]:
        return oauth.revoke(self.credentials.tokens)

    @classmethod
    def papers(cls, hub: str, webhooks: str, preset: Preset, name: str) -> list[Paper]:
        return manifest.papers(hub, webhooks, preset, name)
