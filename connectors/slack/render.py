"""Writing a draft for ``chat.postMessage`` (reference §4.2 to §4.4). Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.contract import Rendered
from connectors.messages import Button, Byline, Draft
from connectors.naming import one_line, shortened
from connectors.richtext import Block, Heading, Inline, Rule, Style, Table, Text
from connectors.slack.plain_text import escape, fallback, width
from connectors.slack.rich_text_writing import Element, elements, inline_element, section_of, text_element

METADATA_TYPE = "mio_relayed"
"""The ``event_type`` under which a post carries its nonce; everybody in the workspace can read it."""

LONGEST_NAME = 80
"""Slack's limit for display names (§4.3)."""

SPLIT_AT = 4_000
"""Characters of text at which Slack begins to cut messages (§4.3)."""
MOST_BLOCKS = 49
"""Blocks per message are 50 (§4.3); an edit may add one."""
LONGEST_HEADER = 150
"""Characters of a header block (§4.3)."""
LARGE_LEVELS = 2
"""Headings of these levels become headers, which are large; those below are set in bold."""
MOST_BUTTONS, LONGEST_CAPTION, LONGEST_ADDRESS = 25, 75, 3_000
"""What Block Kit takes in one block of buttons, and in characters on and behind each."""
MOST_ROWS = 100
MOST_COLUMNS = 20
"""What a table block holds at most."""

_ESCAPED = re.compile("[&<>]")
"""Whether a header decodes the three entities is written nowhere: a heading that holds their characters is set in bold."""


def render(draft: Draft, *, borrows: bool = True) -> Rendered:
    """The draft as the body of ``chat.postMessage``; ``size`` is the length of the escaped text.

    ``borrows`` says whether we may post under the author's name: otherwise it becomes the first line.
    """
    text = fallback(draft.body.blocks)
    payload: dict[str, Any] = {
        "channel": draft.conversation,
        "text": text,
        "blocks": message_blocks(draft.body.blocks),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": METADATA_TYPE, "event_payload": {"nonce": draft.nonce}},
    }
    if draft.thread:
        payload["thread_ts"] = draft.thread
    if draft.byline:
        payload |= _voice(draft.byline)
    if draft.byline and not borrows:
        return _attributed(Rendered(draft.conversation, payload, len(text), draft.nonce))
    return Rendered(draft.conversation, payload, len(text), draft.nonce)


def _voice(byline: Byline) -> dict[str, str]:
    suffix = f" ({byline.platform})"
    voice = {"username": byline.name[: LONGEST_NAME - len(suffix)] + suffix}
    return voice | {"icon_url": byline.avatar_url} if byline.avatar_url.startswith("https://") else voice


def _attributed(rendered: Rendered) -> Rendered:
    """Under our own name: the author's stands in the text, and counts."""
    said = {key: value for key, value in attributed(rendered.payload).items() if key not in ("username", "icon_url")}
    return replace(rendered, payload=said, size=rendered.size + len(_line(rendered.payload["username"])))


def _line(name: str) -> str:
    return f"{escape(name)}:\n"


def attributed(payload: Mapping[str, Any]) -> dict[str, Any]:
    """``payload`` with the name it borrows as the first line of its text."""
    name = payload["username"]
    line = [text_element(f"{name}:", Style.BOLD), text_element("\n", Style.PLAIN)]
    text = _line(name) + payload["text"]
    match payload["blocks"]:
        case [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": words}, *others]}, *rest]:
            blocks = [_rich_text([section_of([*line, *words], quoted=False), *others]), *rest]
        case others:
            blocks = [_rich_text([section_of(line[:1], quoted=False)]), *others]
    return {**payload, "text": text if len(text) <= SPLIT_AT else payload["text"], "blocks": blocks}


def with_buttons(parts: Sequence[Rendered], buttons: Sequence[Button]) -> list[Rendered]:
    """``parts`` of an answer with buttons below the last, or where that is full, in a part of their own.

    The plain text names their addresses.
    """
    shown = [button for button in buttons if len(button.url) <= LONGEST_ADDRESS][:MOST_BUTTONS]
    if not shown:
        return list(parts)
    *others, last = parts
    actions = {"type": "actions", "elements": [_button(number, button) for number, button in enumerate(shown)]}
    said = last.payload["blocks"]
    text = "\n".join(f"{escape(one_line(button.label))}: {escape(button.url)}" for button in shown)
    both = f"{last.payload['text']}\n{text}"
    if len(both) > SPLIT_AT or len(said) >= MOST_BLOCKS:
        return [*parts, _saying(last, text, [actions])]
    at = len(said) - 1 if said and said[-1]["type"] == "table" else len(said)  # Slack shows a table last
    return [*others, _saying(last, both, [*said[:at], actions, *said[at:]])]


def _saying(rendered: Rendered, text: str, blocks: list[Element]) -> Rendered:
    return replace(rendered, payload=rendered.payload | {"text": text, "blocks": blocks}, size=len(text))


def _button(number: int, button: Button) -> Element:
    caption = {"type": "plain_text", "text": shortened(one_line(button.label), LONGEST_CAPTION), "emoji": False}
    return {"type": "button", "action_id": f"open-{number}", "text": caption, "url": button.url}


def message_blocks(blocks: Sequence[Block]) -> list[Element]:
    """``blocks`` as blocks of a message; where Slack would find them too many, all within one."""
    made = list(_message_blocks(blocks))
    return made if len(made) <= MOST_BLOCKS else [_rich_text(list(elements(blocks)))]


def _message_blocks(blocks: Sequence[Block]) -> Iterator[Element]:
    run: list[Block] = []
    tables = sum(isinstance(block, Table) for block in blocks)
    for block in blocks:
        native = _native(block, may_be_table=tables == 1 and block is blocks[-1])
        if native is None:
            run.append(block)
            continue
        if run:
            yield _rich_text(list(elements(run)))
            run = []
        yield native
    if run:
        yield _rich_text(list(elements(run)))


def _rich_text(inner: list[Element]) -> Element:
    return {"type": "rich_text", "elements": inner}


def _native(block: Block, may_be_table: bool) -> Element | None:
    """What has a block of its own: short headings of plain words, rules, and the one table that Slack shows at the end."""
    match block:
        case Rule():
            return {"type": "divider"}
        case Heading((Text(text, Style.PLAIN),), level) if (
            level <= LARGE_LEVELS and len(text) <= LONGEST_HEADER and not _ESCAPED.search(text)
        ):
            return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}
        case Table(rows) if may_be_table and len(rows) <= MOST_ROWS and width(block) <= MOST_COLUMNS:
            return {"type": "table", "rows": [_row(row, width(block)) for row in rows]}
    return None


def _row(row: Sequence[Sequence[Inline]], width: int) -> list[Element]:
    return [*map(_cell, row), *map(_cell, [()] * (width - len(row)))]


def _cell(cell: Sequence[Inline]) -> Element:
    if not cell:
        return {"type": "raw_text", "text": " "}
    return _rich_text([section_of([inline_element(inline, Style.PLAIN) for inline in cell], quoted=False)])
