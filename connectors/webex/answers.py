"""What our app says to one person alone (reference §3.1, §3.2): in a 1:1 space, for Webex has no private answers.

What has buttons is an adaptive card; its message's own Markdown says the same, for clients that show none, and names the
links.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.calls import Call, Calls
from connectors.contract import Rendered
from connectors.markdown import to_markdown
from connectors.messages import AccountId, Button, MessageId
from connectors.richtext import Link, Paragraph, document
from connectors.webex import ids
from connectors.webex.cards import card
from connectors.webex.client import BASE, MENTION, posting
from connectors.webex.judge import judge

BOT = "bot"
MOST_BYTES = 7_439
"""Of one message's Markdown (§3.1)."""


def answer(account: AccountId, parts: Sequence[Rendered], buttons: Sequence[Button]) -> Calls[list[MessageId]]:
    """``POST /messages`` to one person, as the service user."""
    for payload in _payloads(parts, buttons):
        yield posting(payload | {"toPersonId": account})
    return []


def greet(account: AccountId, parts: Sequence[Rendered], buttons: Sequence[Button]) -> Calls[None]:
    """The same as the operator's bot; ``account`` may be an e-mail address or any form of a person's id.

    That of a sign-in is the bare UUID (§1.3). A bot has no scopes.
    """
    person = {"toPersonEmail": account} if "@" in account else {"toPersonId": ids.account(account)}
    for payload in _payloads(parts, buttons):
        yield Call(
            "POST",
            f"{BASE}/messages",
            bucket="messages",
            token=BOT,
            json=payload | person,
            repeatable=False,
            judge=judge,
        )


def _payloads(parts: Sequence[Rendered], buttons: Sequence[Button]) -> Iterator[dict[str, Any]]:
    """The parts as they are; the last one carries the buttons, unless its links no longer fit."""
    texts = [part.payload["markdown"] for part in parts]
    if not buttons:
        yield from ({"markdown": text} for text in texts)
        return
    links = to_markdown(document(Paragraph((Link(button.url, button.label),)) for button in buttons), str)
    last = texts.pop() if texts and len(f"{texts[-1]}\n\n{links}".encode()) <= MOST_BYTES else ""
    yield from ({"markdown": text} for text in texts)
    yield {"markdown": f"{last}\n\n{links}".strip(), "attachments": [card(_unmentioned(last), buttons)]}


def _unmentioned(markdown: str) -> str:
    """A card calls nobody: there a mention is its name."""
    return MENTION.sub(r"@\1", markdown)
