"""Adaptive cards (reference §3.2): reading one as text, without its layout, and writing a text with buttons. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connectors.html import web_address
from connectors.markdown import from_markdown
from connectors.messages import Button
from connectors.richtext import Block, BulletList, LineBreak, Link, Paragraph, Style, Text, document, encodable

DEEPEST = 12
"""Elements within elements; cards of people who mean well nest four or five."""
MOST_BLOCKS = 60
"""More than any card that fits on a screen."""

_INNER = ("body", "items", "columns", "rows", "cells", "images", "actions")

Card = Mapping[str, Any]

CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"
VERSION = "1.3"
"""Of what Webex surely draws."""


def card(markdown: str, buttons: Sequence[Button]) -> dict[str, Any]:
    """The attachment that says ``markdown`` above ``buttons``."""
    text = [{"type": "TextBlock", "text": markdown, "wrap": True}] if markdown else []
    actions = [{"type": "Action.OpenUrl", "title": button.label, "url": button.url} for button in buttons]
    content = {"type": "AdaptiveCard", "version": VERSION, "body": text, "actions": actions}
    return {"contentType": CONTENT_TYPE, "content": content}


def read_card(attachment: object) -> list[Block]:
    """The blocks of a message's attachment; one that says nothing is named."""
    card = attachment.get("content") if isinstance(attachment, Mapping) else None
    read: list[Block] = []
    for block in _read(card, DEEPEST):
        read.append(block)
        if len(read) == MOST_BLOCKS:
            break
    return list(document(read).blocks) or [Paragraph((Text("[card]"),))]


def _read(element: object, depth: int) -> Iterator[Block]:
    if not isinstance(element, Mapping) or not depth:
        return
    reader = _READERS.get(_text(element, "type"))
    if reader:
        yield from reader(element)
    for name in _INNER:
        for inner in _list(element, name):
            yield from _read(inner, depth - 1)


def _text_block(element: Card) -> Iterator[Block]:
    yield from from_markdown(_text(element, "text")).blocks


def _rich_text(element: Card) -> Iterator[Block]:
    runs = [encodable(run) if isinstance(run, str) else _text(run, "text") for run in _list(element, "inlines")]
    yield Paragraph((Text("".join(runs)),))


def _facts(element: Card) -> Iterator[Block]:
    for fact in _list(element, "facts"):
        yield Paragraph((Text(_text(fact, "title"), Style.BOLD), Text(" "), Text(_text(fact, "value"))))


def _image(element: Card) -> Iterator[Block]:
    described = _text(element, "altText")
    yield Paragraph((Text(f"[image: {described}]" if described else "[image]"),))


def _question(element: Card) -> Iterator[Block]:
    """What is asked, and the answers to choose from."""
    yield Paragraph((Text(_text(element, "label")), LineBreak(), Text(_text(element, "title"))))
    yield BulletList(tuple((Paragraph((Text(_text(one, "title")),)),) for one in _list(element, "choices")))


def _button(element: Card) -> Iterator[Block]:
    title, url = _text(element, "title"), web_address(_text(element, "url"))
    yield Paragraph((Link(url, title or url) if url else Text(f"[{title}]" if title else ""),))


_READERS: dict[str, Callable[[Card], Iterator[Block]]] = {
    "TextBlock": _text_block,
    "RichTextBlock": _rich_text,
    "FactSet": _facts,
    "Image": _image,
    **dict.fromkeys(("Input.Text", "Input.Number", "Input.Date", "Input.Time", "Input.Toggle"), _question),
    "Input.ChoiceSet": _question,
    **dict.fromkeys(("Action.OpenUrl", "Action.Submit", "Action.Execute", "Action.ShowCard"), _button),
}


def _text(element: object, name: str) -> str:
    value = element.get(name) if isinstance(element, Mapping) else None
    return encodable(value) if isinstance(value, str) else ""


def _list(element: Card, name: str) -> list[Any]:
    value = element.get(name)
    return value if isinstance(value, list) else []
