"""Zoom Team Chat, spoken to as a service user through the account's admin-managed app.

A chatbot can neither mention people nor carry formatted spans, and hears no channel (§0): so the Hub speaks as a real
user of the account. ``Credentials.account`` is that user's id, ``tokens["admin"]`` the admin-managed app's token,
``extra["email"]`` the user's address, by which Zoom's message lists name a sender.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from connectors.calls import Calls
from connectors.contract import (
    Connector,
    Content,
    Envelope,
    FetchesMessages,
    Limits,
    ListsAccounts,
    Platform,
    Rendered,
    Reply,
    Request,
    Unit,
)
from connectors.messages import Account, AccountId, Draft, Event, MessageId, Reference
from connectors.zoom import client, webhook
from connectors.zoom.parse import parse
from connectors.zoom.render import render

LONGEST_MESSAGE = 1024
"""Characters of one message (§4.5). Counted in UTF-16 code units, which are never fewer."""


@dataclass(frozen=True)
class Secrets:
    """What the operator copies from the app's *Feature* page."""

    webhook_secret_token: str = field(repr=False)


class Zoom(Connector, FetchesMessages, ListsAccounts):
    """See the module."""

    platform: ClassVar[Platform] = Platform("zoom", "Zoom", "#0b5cff", Limits(LONGEST_MESSAGE, Unit.CHARACTERS))
    Secrets: ClassVar[type] = Secrets

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return webhook.receive(request, secrets.webhook_secret_token)

    def parse(self, content: Content, reference: Reference) -> Event:
        return parse(content, reference)

    def render(self, draft: Draft) -> Rendered:
        return render(draft)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        return client.post(self.credentials, rendered)

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        return client.find(self.credentials, rendered, since)

    def fetch(self, reference: Reference) -> Calls[Content]:
        return client.fetch(self.credentials, reference)

    def account(self, account: AccountId) -> Calls[Account]:
        return client.account(account)
