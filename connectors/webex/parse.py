"""Reading what ``GET /messages/{id}`` and ``GET /rooms/{id}`` tell (reference §3.1, §4.2, §4.3). Pure.

``html`` if there is one, else ``text``, which is literal: it is never Markdown. A card speaks only where no text does.
"""

import re
from collections.abc import Callable

from connectors.contract import Content
from connectors.html import Element, from_html
from connectors.messages import (
    AccountId,
    Attachment,
    Commanded,
    Deleted,
    Event,
    Happening,
    Kind,
    Message,
    Noticed,
    Posted,
    Reference,
    Skipped,
    Stands,
)
from connectors.richtext import Broadcast, Document, Inline, Mention, Paragraph, Text, document, encodable, plain
from connectors.webex import ids
from connectors.webex.cards import read_card
from connectors.webex.webhook import moment

EVERYBODY = frozenset({"here", "channel", "all"})

_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")
_BLANKS = re.compile(r"\s+")


def parse(content: Content, reference: Reference, own: AccountId | None = None) -> Event:
    """What happened. A message has no reactions here (§5).

    Webex does not tell a command from a message: it begins by calling ``own``, or is said to us alone. Other 1:1 spaces are
    people's own.
    """
    match reference.kind:
        case Kind.DELETED:
            return Deleted(reference.message)
        case Kind.NOTICE:
            return _notice(content, reference)
        case Kind.DIRECTORY | Kind.OTHER | Kind.REVOKED | Kind.LAPSED:
            return Skipped("other")
    message = _message(content, reference)
    if isinstance(message, Skipped):
        return message
    is_asked = reference.kind is Kind.COMMAND
    command = _command(message, own, is_direct=is_asked and content.get("roomType") == "direct")
    if is_asked:
        return command or Skipped("no command")
    if command:
        return Skipped("command")
    return Posted(message) if reference.kind is Kind.POSTED else Stands(message, frozenset())


def _notice(content: Content, reference: Reference) -> Noticed | Skipped:
    what, who, actor = ids.opened_notice(reference.message)
    by = ids.account(actor) if actor else None
    match what, content:
        case Happening.JOINED | Happening.LEFT, _:
            return Noticed(Happening(what), (ids.account(who),), by=by)
        case Happening.RENAMED, {"title": str(title)} if title.strip():
            return Noticed(Happening.RENAMED, text=title, by=by)
    return Skipped("unreadable")


def _message(content: Content, reference: Reference) -> Message | Skipped:
    author, sent_at = ids.plausible(content.get("personId")), moment(content.get("created"))
    if author is None or sent_at is None:
        return Skipped("unreadable")
    body, attachments = _body(content), _attachments(content)
    if not body.blocks and not attachments:
        return Skipped("empty")
    parent = ids.plausible(content.get("parentId"))
    return Message(
        id=reference.message,
        conversation=reference.conversation,
        author=ids.account(author),
        body=body,
        sent_at=sent_at,
        thread=ids.message(parent) if parent else None,
        edited_at=moment(content.get("updated")),
        attachments=attachments,
        is_app=ids.is_bot(str(content.get("personEmail"))),
    )


def _command(message: Message, own: AccountId | None, *, is_direct: bool) -> Commanded | None:
    """A bot commands nothing: two that answer each other would never end."""
    if own is None or message.author == own or message.is_app:
        return None
    match message.body.blocks:
        case (Paragraph((Mention(account=called), *rest)), *blocks) if called == own:
            asked = document([Paragraph(tuple(rest)), *blocks])
        case _ if is_direct:
            asked = message.body
        case _:
            return None
    return Commanded(message.author, plain(asked).strip())


def _attachments(content: Content) -> tuple[Attachment, ...]:
    """The files; a message tells where they are and nothing else (§3.3)."""
    files = content.get("files")
    return tuple(Attachment("", "", url) for url in files if isinstance(url, str)) if isinstance(files, list) else ()


def _body(content: Content) -> Document:
    read, cards = _text(content), content.get("attachments")
    if not isinstance(cards, list) or not cards:
        return read
    blocks = read.blocks or document(block for card in cards for block in read_card(card)).blocks
    return Document(blocks, read.degraded + ("card",) * len(cards))


def _text(content: Content) -> Document:
    match content:
        case {"html": str(html)} if html.strip():
            return _read_html(html)
        case {"text": str(text)}:
            return document(Paragraph((Text(paragraph),)) for paragraph in _EMPTY_LINES.split(encodable(text)))
    return Document(())


def _read_html(html: str) -> Document:
    groups: list[str] = []
    read = from_html(html, {"spark-mention": _calls(groups)})
    return Document(read.blocks, read.degraded + tuple(groups)) if groups else read


def _calls(groups: list[str]) -> Callable[[Element], Inline]:
    """A reader of ``spark-mention``; a group that is not everybody becomes its name and is counted in ``groups``."""

    def read(element: Element) -> Inline:
        shown = _BLANKS.sub(" ", "".join(element.itertext())).strip().removeprefix("@")
        given = element.get("data-object-id", "")
        if element.get("data-object-type") != "groupMention" and given != "all":
            return Mention(shown or "someone", ids.person(given))
        group = (element.get("data-group-type") or given or shown or "all").lower()
        if group in EVERYBODY:
            return Broadcast(group)
        groups.append("user group")
        return Text(f"@{shown or group}")

    return read
