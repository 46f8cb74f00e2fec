"""Reading everything around people's own text: the blocks and attachments of apps (reference §4.2)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from connectors.markdown import from_markdown
from connectors.richtext import (
    Block,
    Heading,
    Inline,
    Paragraph,
    Quote,
    Rule,
    Style,
    Table,
    Text,
    plain_inline,
)
from connectors.slack.files import lines_for
from connectors.slack.inlines import link
from connectors.slack.mrkdwn import read_inlines, read_mrkdwn, with_emoji
from connectors.slack.rich_text import Object, Reading, objects, read_rich_text, text_of


def read_blocks(blocks: list[Object], reading: Reading) -> list[Block]:
    """A message's ``blocks``; with one of an unknown kind among them, ``text`` is read instead."""
    known = [_BLOCKS.get(text_of(block, "type")) for block in blocks]
    unknown = ["unknown block"] * known.count(None)
    reading.degraded += unknown
    if unknown and reading.text:
        return read_mrkdwn(reading.text, reading.degraded)
    found: list[Block] = []
    for block, reader in zip(blocks, known, strict=True):
        found += reader(block, reading) if reader else [_line(f"[unsupported content: {text_of(block, 'type')}]")]
    return found


def read_attachments(attachments: list[Object], reading: Reading) -> Iterator[Block]:
    """Forwarded messages and the cards of apps as quotes; previews of links are dropped."""
    for attachment in attachments:
        if attachment.get("is_share") or attachment.get("message_blocks"):
            reading.degraded.append("forward")
            yield _quote(text_of(attachment, "author_name", "author_subname"), _forwarded(attachment, reading))
        elif not attachment.get("from_url"):
            reading.degraded.append("attachment")
            yield _quote(text_of(attachment, "author_name"), _card(attachment, reading))


def _line(text: str) -> Block:
    return Paragraph((Text(text),))


def _quote(author: str, blocks: Iterable[Block]) -> Quote:
    return Quote(((Paragraph((Text(f"{author}:", Style.BOLD),)),) if author else ()) + tuple(blocks))


def _forwarded(attachment: Object, reading: Reading) -> list[Block]:
    inner = Reading(text_of(attachment, "text", "fallback"), reading.degraded)
    messages = [message["message"] for message in objects(attachment.get("message_blocks")) if _holds(message)]
    found = [block for message in messages for block in read_blocks(objects(message.get("blocks")), inner)]
    found = found or read_mrkdwn(inner.text, reading.degraded)
    return found + list(lines_for(objects(attachment.get("files")), reading.degraded))


def _holds(message: Object) -> bool:
    return isinstance(message.get("message"), dict)


def _card(attachment: Object, reading: Reading) -> list[Block]:
    title, url = text_of(attachment, "title"), text_of(attachment, "title_link")
    blocks = read_mrkdwn(text_of(attachment, "pretext"), reading.degraded)
    if title:
        blocks.append(Paragraph((link(url, title, Style.BOLD, reading.degraded) if url else Text(title, Style.BOLD),)))
    blocks += read_mrkdwn(text_of(attachment, "text"), reading.degraded)
    blocks += read_blocks(objects(attachment.get("blocks")), Reading("", reading.degraded))
    for field in objects(attachment.get("fields")):
        blocks += read_mrkdwn(f"*{text_of(field, 'title')}*\n{text_of(field, 'value')}", reading.degraded)
    return blocks or read_mrkdwn(text_of(attachment, "fallback"), reading.degraded)


def _text_object(value: Any, reading: Reading) -> list[Inline]:
    """A ``mrkdwn`` or ``plain_text`` object as one run."""
    if not isinstance(value, dict):
        return []
    text = text_of(value, "text")
    if value.get("type") == "mrkdwn":
        return read_inlines(text, reading.degraded)
    return [Text(text if value.get("emoji") is False else with_emoji(text))]


def _text_blocks(value: Any, reading: Reading) -> list[Block]:
    if isinstance(value, dict) and value.get("type") == "mrkdwn":
        return read_mrkdwn(text_of(value, "text"), reading.degraded)
    return [Paragraph(tuple(_text_object(value, reading)))]


def _section(block: Object, reading: Reading) -> list[Block]:
    found = _text_blocks(block.get("text"), reading)
    for field in objects(block.get("fields")):
        found += _text_blocks(field, reading)
    if isinstance(accessory := block.get("accessory"), dict):
        found += _image(accessory, reading) if accessory.get("type") == "image" else _buttons([accessory], reading)
    return found


def _header(block: Object, reading: Reading) -> list[Block]:
    return [Heading(tuple(_text_object(block.get("text"), reading)))]


def _divider(block: Object, reading: Reading) -> list[Block]:
    return [Rule()]


def _image(block: Object, reading: Reading) -> list[Block]:
    reading.degraded.append("image")
    alternative, url = text_of(block, "alt_text"), text_of(block, "image_url")
    label = f"[image: {alternative}]" if alternative else "[image]"
    return [Paragraph((link(url, label, Style.PLAIN, reading.degraded) if url else Text(label),))]


def _context(block: Object, reading: Reading) -> list[Block]:
    content: list[Inline] = []
    for element in objects(block.get("elements")):
        content += [Text(" ")] if content else []
        if element.get("type") == "image":
            reading.degraded.append("image")
            content.append(Text(f"[image: {text_of(element, 'alt_text')}]"))
        else:
            content += _text_object(element, reading)
    return [Paragraph(tuple(content))]


def _markdown(block: Object, reading: Reading) -> list[Block]:
    read = from_markdown(text_of(block, "text"))
    reading.degraded += read.degraded
    return list(read.blocks)


def _actions(block: Object, reading: Reading) -> list[Block]:
    return _buttons(objects(block.get("elements")), reading)


def _buttons(elements: Iterable[Object], reading: Reading) -> list[Block]:
    """What could be pressed or chosen, by its caption; what opens an address is a link."""
    content: list[Inline] = []
    for element in elements:
        reading.degraded.append("button")
        caption, url = element.get("text") or element.get("placeholder"), text_of(element, "url")
        if isinstance(caption, dict):
            label = f"[{text_of(caption, 'text')}]"
            content += [Text(" ")] if content else []
            content.append(link(url, label, Style.PLAIN, reading.degraded) if url else Text(label))
    return [Paragraph(tuple(content))]


def _video(block: Object, reading: Reading) -> list[Block]:
    reading.degraded.append("video")
    title = "".join(map(plain_inline, _text_object(block.get("title"), reading))) or "video"
    url = text_of(block, "title_url", "video_url")
    return [Paragraph((link(url, title, Style.PLAIN, reading.degraded) if url else Text(f"[video: {title}]"),))]


def _file(block: Object, reading: Reading) -> list[Block]:
    return list(lines_for([block], reading.degraded))


def _table(block: Object, reading: Reading) -> list[Block]:
    """Slack shows the first row of every table as its heading."""
    rows = block["rows"] if isinstance(block.get("rows"), list) else []
    return [Table(tuple(tuple(_cell(cell, reading) for cell in objects(row)) for row in rows))]


def _cell(cell: Object, reading: Reading) -> tuple[Inline, ...]:
    if cell.get("type") != "rich_text":
        return (Text(text_of(cell, "text")),)
    return tuple(i for block in read_rich_text(cell, reading) if isinstance(block, Paragraph) for i in block.content)


def _call(block: Object, reading: Reading) -> list[Block]:
    """A call that an app announces: its name, and where to join."""
    reading.degraded.append("call")
    call = block.get("call")
    told = call.get("v1") if isinstance(call, dict) else None
    name, url = (text_of(told, "name"), text_of(told, "join_url")) if isinstance(told, dict) else ("", "")
    label = f"📞 {name or 'call'}"
    return [Paragraph((link(url, label, Style.PLAIN, reading.degraded) if url else Text(label),))]


_BLOCKS: dict[str, Callable[[Object, Reading], list[Block]]] = {
    "actions": _actions,
    "call": _call,
    "context": _context,
    "divider": _divider,
    "file": _file,
    "header": _header,
    "image": _image,
    "markdown": _markdown,
    "rich_text": read_rich_text,
    "section": _section,
    "table": _table,
    "video": _video,
}
