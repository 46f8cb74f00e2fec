"""What the chatbot says: answers that only the asker reads, and words to one person (§3.4). No I/O."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from connectors.calls import Call, Calls
from connectors.contract import Credentials, Rendered
from connectors.errors import Gone, NotSupported, Refused
from connectors.messages import AccountId, Button, Commanded, Draft, MessageId
from connectors.richtext import Document, Link, Paragraph, document, plain
from connectors.splitting import split
from connectors.zoom import ids
from connectors.zoom.client import API, person, post
from connectors.zoom.judging import judge
from connectors.zoom.scopes import BOT

SPEAK = ("imchat:bot",)
LONGEST_CARD = 4096
"""Characters of a chatbot's message: what integrators found, since Zoom publishes none."""

LINE = 3
"""Characters that may stand around a button's label and address."""

NAME = "Mio Hub"
"""The head of a card, where the chatbot's own name is not on record."""


def answer(
    credentials: Credentials,
    command: Commanded,
    draft: Draft,
    buttons: Sequence[Button],
    parts: Callable[[Draft], list[Rendered]],
) -> Calls[list[MessageId]]:
    """Tell the asker alone; where no chatbot can, everybody, in the thread of the question.

    Where not even the service user is in the channel, the asker's own chat with the chatbot is left.
    """
    if ids.is_direct(draft.conversation):
        yield from _tell(credentials, draft.conversation, draft.body, buttons)
        return []
    if _can_speak(credentials) and not ids.is_outsider(command.account):
        try:
            yield from _whisper(credentials, command.account, draft, buttons)
        except Gone:
            pass  # the chatbot is not in this channel
        else:
            return []
    said: list[MessageId] = []
    try:
        for rendered in parts(replace(draft, body=with_links(draft.body, buttons))):
            said += [(yield from post(credentials, rendered))]
    except (Gone, Refused):
        if said or not _can_speak(credentials):
            raise
        yield from greet(credentials, command.account, draft.body, buttons)
    return said


def greet(credentials: Credentials, account: AccountId, body: Document, buttons: Sequence[Button]) -> Calls[None]:
    """Say something in a person's own chat with the chatbot. ``NotSupported`` where there is no chatbot."""
    _check(credentials)
    if ids.is_outsider(account):
        raise Gone("a person of another Zoom account")
    jid = ids.opaque((yield from person(account)).get("jid")) or ids.person_jid(account)
    yield from _tell(credentials, jid, body, buttons)


def with_links(body: Document, buttons: Sequence[Button]) -> Document:
    """A text with its buttons as links, for where there are no cards."""
    return document([*body.blocks, *(Paragraph((Link(button.url, button.label),)) for button in buttons)])


def _can_speak(credentials: Credentials) -> bool:
    return bool(credentials.tokens.get(BOT) and credentials.extra.get("robot_jid"))


def _check(credentials: Credentials) -> None:
    if not _can_speak(credentials):
        raise NotSupported("the connection to Zoom has no chatbot")


def _tell(credentials: Credentials, jid: str, body: Document, buttons: Sequence[Button]) -> Calls[None]:
    _check(credentials)
    yield from _speak(credentials, body, buttons, {"to_jid": jid, "user_jid": jid})


def _whisper(credentials: Credentials, asker: AccountId, draft: Draft, buttons: Sequence[Button]) -> Calls[None]:
    to = {"to_jid": ids.jid(draft.conversation), "visible_to_user": asker}
    yield from _speak(credentials, draft.body, buttons, to)


def _speak(credentials: Credentials, body: Document, buttons: Sequence[Button], to: Mapping[str, str]) -> Calls[None]:
    """As cards, the last of them with the buttons."""
    ours = {"robot_jid": credentials.extra["robot_jid"], "account_id": credentials.workspace}
    head = {"text": credentials.extra.get("bot_name", NAME)}
    url = f"{API}/im/chat/messages"
    for lines in _cards(body, buttons):
        card = {**ours, **to, "content": {"head": head, "body": lines}}
        yield Call("POST", url, SPEAK, bucket="medium", token=BOT, json=card, repeatable=False, judge=judge)


def _cards(body: Document, buttons: Sequence[Button]) -> list[list[dict[str, str]]]:
    """The lines of each card: a text as plain text, since a card's Markdown would have to be escaped in ways that are not
    published; and a line with a ``link`` for every button, since Zoom's own buttons open nothing but tell us of a click.
    """
    links = [{"type": "message", "text": button.label, "link": button.url} for button in buttons]
    room = LONGEST_CARD - sum(len(button.label) + len(button.url) + LINE for button in buttons)
    texts = [plain(part) for part in split(body, lambda body: len(plain(body)) <= room)]
    cards = [[{"type": "message", "text": text}] for text in texts]
    return [*cards[:-1], [*cards[-1], *links]] if cards else []
