"""Slack, as the relay sees it."""

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
from connectors.slack import client, parse, render, webhook

LONGEST_TEXT = 3_900
"""Characters after escaping: at about 4,000 Slack itself starts to cut, in the middle of code (reference §4.3)."""


class Slack(Connector, FetchesMessages, ListsAccounts):
    """A Slack workspace. ``tokens`` has ``bot``; ``extra`` the ``bot_id`` under which posts in a borrowed name return."""

    platform = Platform("slack", "Slack", "#4a154b", Limits(LONGEST_TEXT, Unit.CHARACTERS))

    @dataclass(frozen=True)
    class Secrets:
        """The app's *Signing Secret*, from its *Basic Information* page."""

        signing_secret: str = field(repr=False)

    @property
    def own_accounts(self) -> frozenset[AccountId]:
        bot_id = self.credentials.extra.get("bot_id")
        return super().own_accounts | ({AccountId(bot_id)} if bot_id else frozenset())

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
        return client.find(rendered, since, self.own_accounts)

    def fetch(self, reference: Reference) -> Calls[Content]:
        return client.fetch(reference)

    def account(self, account: AccountId) -> Calls[Account]:
        return client.account(account)
