"""Webex as the relay sees it; every method is one line to the module that knows."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
from connectors.webex import client, ids, parse, render, webhook

LONGEST_TEXT = 7_000
"""Bytes of Markdown. Webex takes 7,439 before its own encryption; the reference asks to split at about 7,000 (§3.1)."""


@dataclass(frozen=True)
class Secrets:
    """``webhook_secret`` is the one we set on every webhook that we create; Webex signs with it."""

    webhook_secret: str = field(repr=False)


class Webex(Connector, FetchesMessages, ListsAccounts):
    """The service user is ``credentials.account``; its token is ``tokens["service"]``."""

    platform = Platform("webex", "Webex", "#00bceb", Limits(LONGEST_TEXT, Unit.BYTES))
    Secrets = Secrets

    @property
    def own_accounts(self) -> frozenset[AccountId]:
        return frozenset({ids.account(self.credentials.account)})

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return list(webhook.receive(request, secrets.webhook_secret))

    def parse(self, content: Content, reference: Reference) -> Event:
        return parse.parse(content, reference)

    def render(self, draft: Draft) -> Rendered:
        return render.render(draft)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        return client.post(rendered)

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        return client.find(rendered, since, ids.account(self.credentials.account))

    def fetch(self, reference: Reference) -> Calls[Content]:
        return client.fetch(reference)

    def account(self, account: AccountId) -> Calls[Account]:
        return client.account(account)
