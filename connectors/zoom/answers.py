"""What the chatbot says: answers that only the asker reads, and words to one person (§3.4). No I/O."""

from collections.abc import Callable, Mapping

from connectors.calls import Call, Calls
from connectors.contract import Credentials, Rendered
from connectors.errors import Gone, NotSupported
from connectors.messages import AccountId, Commanded, Draft, MessageId
from connectors.richtext import Document, plain
from connectors.splitting import split
from connectors.zoom import ids
from connectors.zoom.client import API, person, post
from connectors.zoom.judging import judge
from connectors.zoom.scopes import BOT

SPEAK = ("imchat:bot",)
LONGEST_CARD = 4096
"""Characters of a chatbot's message: what integrators found, since Zoom publishes none."""

NAME = "Mio Hub"
"""The head of a card, where the chatbot's own name is not on record."""


def answer(
    credentials: Credentials, command: Commanded, draft: Draft, parts: Callable[[Draft], list[Rendered]]
) -> Calls[list[MessageId]]:
    """Tell the asker alone; where no chatbot can, everybody, in the thread of the question."""
    if _can_speak(credentials) and not ids.is_outsider(command.account):
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


def greet(credentials: Credentials, account: AccountId, body: Document) -> Calls[None]:
    """Say something in a person's own chat with the chatbot. ``NotSupported`` where there is no chatbot."""
    if not _can_speak(credentials):
        raise NotSupported("the connection to Zoom has no chatbot")
    if ids.is_outsider(account):
        raise Gone("a person of another Zoom account")
    jid = ids.opaque((yield from person(account)).get("jid")) or ids.person_jid(account)
    yield from _speak(credentials, body, {"to_jid": jid, "user_jid": jid})


def _can_speak(credentials: Credentials) -> bool:
    return bool(credentials.tokens.get(BOT) and credentials.extra.get("robot_jid"))


def _whisper(credentials: Credentials, asker: AccountId, draft: Draft) -> Calls[None]:
    yield from _speak(credentials, draft.body, {"to_jid": ids.jid(draft.conversation), "visible_to_user": asker})


def _speak(credentials: Credentials, body: Document, to: Mapping[str, str]) -> Calls[None]:
    """As plain text: a card's Markdown would have to be escaped in ways that are not published."""
    ours = {"robot_jid": credentials.extra["robot_jid"], "account_id": credentials.workspace}
    head = {"text": credentials.extra.get("bot_name", NAME)}
    for part in split(body, lambda body: len(plain(body)) <= LONGEST_CARD):
        content = {"head": head, "body": [{"type": "message", "text": plain(part)}]}
        card = {**ours, **to, "content": content}
        url = f"{API}/im/chat/messages"
        yield Call("POST", url, SPEAK, bucket="medium", token=BOT, json=card, repeatable=False, judge=judge)
