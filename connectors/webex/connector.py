"""Webex as the relay sees it; every method is one line to the module that knows."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.calls import Call, Calls
from connectors.contract import (
    CarriesFiles,
    Connector,
    Content,
    DeletesMessages,
    EditsMessages,
    Envelope,
    FetchesMessages,
    Limits,
    ListsAccounts,
    ListsMembers,
    NamesConversations,
    Platform,
    Rendered,
    Reply,
    Request,
    SetsTopics,
    TakesCommands,
    Unit,
)
from connectors.messages import (
    Account,
    AccountId,
    Attachment,
    Commanded,
    ConversationId,
    Draft,
    Event,
    MessageId,
    Reference,
)
from connectors.richtext import Document
from connectors.webex import client, files, ids, names, parse, render, webhook

LONGEST_TEXT = 7_000
"""Bytes of Markdown. Webex takes 7,439 before its own encryption; the reference asks to split at about 7,000 (§3.1)."""


@dataclass(frozen=True)
class Secrets:
    """``webhook_secret`` is the one we set on every webhook that we create; Webex signs with it."""

    webhook_secret: str = field(repr=False)


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
):
    """The service user is ``credentials.account``; its token is ``tokens["service"]``. Reactions no interface tells (§5)."""

    platform = Platform("webex", "Webex", "#00bceb", Limits(LONGEST_TEXT, Unit.BYTES, LARGEST_FILE))
    Secrets = Secrets

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
        return parse.parse(content, reference, self._own)

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

    def answer(self, command: Commanded, conversation: ConversationId, body: Document) -> Calls[list[MessageId]]:
        return client.answer(command.account, self.parts(Draft(conversation, body, "answer")))

    def account(self, account: AccountId) -> Calls[Account]:
        return client.account(account)

    def members(self, conversation: ConversationId) -> Calls[list[AccountId]]:
        return client.members(conversation)
