"""A message of the service user to one person (reference teams.md §3.4)."""

from collections.abc import Sequence

from connectors.calls import Calls
from connectors.contract import Credentials
from connectors.errors import NotSupported
from connectors.messages import AccountId, Button, Draft
from connectors.richtext import Document
from connectors.teams import client, direct
from connectors.teams.cards import with_buttons
from connectors.teams.render import render


def greet(own: Credentials, account: AccountId, body: Document, buttons: Sequence[Button]) -> Calls[None]:
    """Open the chat of the two, which is always the same one, and speak there."""
    if account == own.account:
        raise NotSupported("the service user cannot write to itself")
    chat = yield from direct.open_direct(own, [account])
    yield from client.post(with_buttons(render(Draft(chat, body, nonce="greeting")), buttons))
