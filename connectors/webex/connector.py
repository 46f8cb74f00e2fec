"""Webex as the relay sees it; every method is one line to the module that knows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.calls import Call, Calls
from connectors.consent import (
    OURS,
    App,
    Connects,
    Granted,
    Greets,
    Identity,
    Often,
    Paper,
    Preset,
    Prompting,
    Subscribed,
    Subscribes,
)
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
    Rendered,
    Reply,
    Request,
    SetsTopics,
    TakesCommands,
    Unit,
)
from connectors.direct import OpensDirectChats
from connectors.directory import (
    ListsAccounts,
    ListsConversations,
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
from connectors.provisioning import FindsAccounts, Found
from connectors.richtext import Document
from connectors.webex import (
    answers,
    client,
    direct,
    directory,
    files,
    ids,
    managing,
    names,
    oauth,
    parse,
    render,
    subscriptions,
    webhook,
)
from connectors.webex.oauth import OAUTH, STEPS, Registration
from connectors.webex.scopes import SCOPES

LONGEST_TEXT = 7_000
"""Bytes of Markdown. Webex takes 7,439 before its own encryption; the reference asks to split at about 7,000 (§3.1)."""


@dataclass(frozen=True)
class Secrets:
    """``webhook_secret`` is the one we set on every webhook that we create; Webex signs with it."""

    webhook_secret: str = field(repr=False, metadata=OURS)


LARGEST_FILE = 100 * 1024**2
"""Bytes. What Webex takes at most in one file (reference §3.1)."""


class Webex(
    Connector,
    FetchesMessages,
    EditsMessages,
    DeletesMessages,
    CarriesFiles,
    NamesConversations,
    SetsTopics,
    TakesCommands,
    ListsAccounts,
    ListsMembers,
    ListsTeams,
    ListsPeople,
    ListsConversations,
    ManagesConversations,
    FindsAccounts,
    OpensDirectChats,
    Connects,
    Subscribes,
    Greets,
):
    """The service user is ``credentials.account``; its token is ``tokens["service"]``. Reactions no interface tells (§5).

    With a person's own credentials nothing is a command, and what is ordered are that person's 1:1 spaces and the group chats
    that are named.

    ``greet`` speaks as the operator's bot instead, with ``tokens["bot"]``, which is ``Registration.bot_token``: it may be
    the only token there is, for people are greeted before anything is connected.

    Accounts are found and never made: bots come from Webex's developer portal, for which there is no interface, and people
    take an administrator's ``spark-admin:people_write`` and a licence each.
    """

    platform = Platform("webex", "Webex", "#00bceb", Limits(LONGEST_TEXT, Unit.BYTES, LARGEST_FILE))
    Secrets = Secrets
    Registration = Registration
    oauth = OAUTH
    scopes = SCOPES
    steps = STEPS
    orders_as_people = True
    prompting = Prompting(sender=Often.THROTTLED)
    """What people write on Webex is heard through the other side only: who is not synced would be asked again for nothing."""

    @property
    def own_accounts(self) -> frozenset[AccountId]:
        return frozenset({self._own})

    @property
    def _own(self) -> AccountId:
        return ids.account(self.credentials.account)

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return list(webhook.receive(request, secrets.webhook_secret))

    def parse(self, content: Content, reference: Reference) -> Event:
        return parse.parse(content, reference, None if self.credentials.person else self._own)

    def render(self, draft: Draft) -> Rendered:
        return render.render(draft)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        return client.post(rendered)

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        return client.find(rendered, since, self._own)

    def fetch(self, reference: Reference) -> Calls[Content]:
        return client.fetch(reference)

    def edit(self, message: MessageId, rendered: Rendered) -> Calls[None]:
        return client.edit(message, rendered)

    def delete(self, conversation: ConversationId, message: MessageId) -> Calls[None]:
        return client.delete(message)

    def open(self, attachment: Attachment) -> Calls[Call]:
        return files.open_file(attachment)

    def upload(self, attachment: Attachment, draft: Draft) -> Calls[MessageId]:
        return files.upload(attachment, render.render(draft))

    def find_file(self, attachment: Attachment, draft: Draft, since: datetime) -> Calls[list[MessageId]]:
        return files.find_file(attachment, render.render(draft), since, self._own)

    def rename(self, conversation: ConversationId, name: str) -> Calls[str]:
        return names.rename(conversation, name)

    def set_topic(self, conversation: ConversationId, topic: str) -> Calls[None]:
        return names.set_topic(conversation, topic)

    def answer(
        self, command: Commanded, conversation: ConversationId, body: Document, buttons: Sequence[Button] = ()
    ) -> Calls[list[MessageId]]:
        return answers.answer(command.account, self.parts(Draft(conversation, body, "answer")), buttons)

    def look_up(self, emails: Sequence[str]) -> Calls[dict[str, Found]]:
        return directory.look_up(emails, self.credentials.workspace)

    def account(self, account: AccountId) -> Calls[Account]:
        return directory.account(account, self.credentials.workspace)

    def members_page(self, conversation: ConversationId, cursor: str = "") -> Calls[Page[AccountId]]:
        return directory.members_page(conversation, cursor)

    def teams(self, cursor: str = "") -> Calls[Page[Team]]:
        return directory.teams(cursor)

    def enter_team(self, team: TeamId) -> Calls[None]:
        return managing.enter_team(team, self._own)

    def people(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Account]]:
        return directory.people(teams, self.credentials.workspace, cursor)

    def conversations(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Place]]:
        return directory.conversations(teams, cursor)

    def conversation(self, conversation: ConversationId) -> Calls[Place]:
        return directory.conversation(conversation, self._own)

    @classmethod
    def legal_name(cls, name: str) -> str:
        return names.legal_name(name)

    def create(self, name: str, *, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
        return managing.create(name, is_private, team, topic)

    def enter(self, conversation: ConversationId) -> Calls[None]:
        return managing.enter(conversation, self._own)

    def add(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
        return managing.add(conversation, accounts)

    def remove(self, conversation: ConversationId, account: AccountId) -> Calls[None]:
        return managing.remove(conversation, account)

    def open_direct(self, accounts: Sequence[AccountId], topic: str = "") -> Calls[ConversationId]:
        return direct.open_direct(accounts, topic)

    def participants(self, conversation: ConversationId, author: AccountId = NO_ACCOUNT) -> Calls[list[AccountId]]:
        return direct.participants(conversation)

    def bring_in(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[None]:
        return direct.bring_in(conversation, accounts)

    @classmethod
    def granted(cls, kind: str, answer: Mapping[str, Any]) -> list[Granted]:
        return oauth.granted(kind, answer)

    def identify(self) -> Calls[Identity]:
        return oauth.identify()

    def identify_person(self) -> Calls[Identity]:
        return oauth.identify_person()

    def revoke(self, app: App) -> Calls[None]:
        return oauth.revoke(self.credentials, app)

    @classmethod
    def papers(cls, hub: str, webhooks: str, preset: Preset, name: str) -> list[Paper]:
        return oauth.papers(hub, preset, name)

    def greet(self, account: AccountId, body: Document, buttons: Sequence[Button] = ()) -> Calls[None]:
        return answers.greet(account, self.parts(Draft(ConversationId(""), body, "greet")), buttons)

    def resources(self, conversations: Iterable[ConversationId], people: Iterable[AccountId] = ()) -> list[str]:
        return subscriptions.of_person(conversations) if self.credentials.person else list(webhook.NEEDS)

    def subscriptions(self, address: str) -> Calls[list[Subscribed]]:
        return subscriptions.standing(address, is_person=bool(self.credentials.person))

    def subscribe(self, resource: str, address: str, secret: str) -> Calls[Subscribed]:
        return subscriptions.subscribe(resource, address, secret)

    def renew(self, subscribed: Subscribed) -> Calls[Subscribed]:
        return subscriptions.renew(subscribed)

    def unsubscribe(self, subscribed: Subscribed) -> Calls[None]:
        return subscriptions.unsubscribe(subscribed)
