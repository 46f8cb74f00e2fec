"""Answering commands: by the chatbot, so that only the asker reads it, else in a thread (§3.4). No I/O."""

from collections.abc import Callable

from connectors.calls import Call, Calls
from connectors.contract import Credentials, Rendered
from connectors.errors import Gone
from connectors.messages import AccountId, Commanded, Draft, MessageId
from connectors.richtext import plain
from connectors.splitting import split
from connectors.zoom import ids
from connectors.zoom.client import API, post
from connectors.zoom.judging import judge

SPEAK = ("imchat:bot",)
BOT = "bot"
"""The kind of token: the chatbot's own, of the client credentials grant; no other may speak for it."""

LONGEST_CARD = 4096
"""Characters of a chatbot's message: what integrators found, since Zoom publishes none."""

NAME = "Mio Hub"
"""The head of a card, where the chatbot's own name is not on record."""


def answer(
    credentials: Credentials, command: Commanded, draft: Draft, parts: Callable[[Draft], list[Rendered]]
) -> Calls[list[MessageId]]:
    """Tell the asker alone; where no chatbot can, everybody, in the thread of the question."""
    if credentials.tokens.get(BOT) and credentials.extra.get("robot_jid") and not ids.is_outsider(command.account):
        try:
            yield from _whisper(credentials, command.account, draft)
        except Gone:
            pass  # the chatbot is not in this channel
        else:
            return []
    said: list[MessageId] = []
    for rendered in parts(draft):
        said += [(yield from post(credentials, rendered))]
    return said


def _whisper(credentials: Credentials, asker: AccountId, draft: Draft) -> Calls[None]:
    """As plain text: a card's Markdown would have to be escaped in ways that are not published."""
    for part in split(draft.body, lambda body: len(plain(body)) <= LONGEST_CARD):
        body = {
            "robot_jid": credentials.extra["robot_jid"],
            "to_jid": ids.jid(draft.conversation),
            "account_id": credentials.workspace,
            "visible_to_user": asker,
            "content": {
                "head": {"text": credentials.extra.get("bot_name", NAME)},
                "body": [{"type": "message", "text": plain(part)}],
            },
        }
        url = f"{API}/im/chat/messages"
        yield Call("POST", url, SPEAK, bucket="medium", token=BOT, json=body, repeatable=False, judge=judge)
