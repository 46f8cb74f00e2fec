"""Microsoft Teams, spoken to through Microsoft Graph."""

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
from connectors.teams import client, parse, render, webhook

LONGEST_TEXT = 24_000
"""Bytes of UTF-8. Teams takes about 28 KB for the whole stored message, which it rewrites (§4.3)."""


class Teams(Connector, FetchesMessages, ListsAccounts):
    """Reads with the application's own token (``app``), posts with the service account's delegated one (``service``).

    A workspace is an Entra tenant, an account an object id in it. Graph only rings the bell: every envelope is without
    content, and the message is fetched.
    """

    platform = Platform("teams", "Teams", "#5b5fc7", Limits(LONGEST_TEXT, Unit.BYTES))

    @dataclass(frozen=True, slots=True)
    class Secrets:
        """``client_state_key`` makes the ``clientState`` of our subscriptions, by tenant."""

        client_state_key: str = field(repr=False)

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return webhook.receive(request, secrets)

    def parse(self, content: Content, reference: Reference) -> Event:
        return parse.parse(content, reference)

    def render(self, draft: Draft) -> Rendered:
        return render.render(draft)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        return client.post(rendered)

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        return client.find(rendered, self.credentials.account, since)

    def fetch(self, reference: Reference) -> Calls[Content]:
        return client.fetch(reference)

    def account(self, account: AccountId) -> Calls[Account]:
        return client.account(account)
