"""Writing a draft in Webex's Markdown (reference §4.1, §4.4, §5). Pure."""

import re

from connectors.contract import Rendered
from connectors.markdown import escape, to_markdown
from connectors.messages import Byline, Draft
from connectors.richtext import Block, Broadcast, Document, Inline, LineBreak, Mention, Paragraph, Style, Text
from connectors.webex import ids

EVERYBODY = "<@all>"
"""Webex's only call to everybody: it knows no smaller one such as those who are online (§4.2)."""

_NOT_IN_LABEL = re.compile(r"[<>|&\\`*_~\[\]\s]+")


def render(draft: Draft) -> Rendered:
    """The body of ``POST /messages``; ``size`` is that of the Markdown in bytes."""
    body = Document(_signed(draft.byline, draft.body.blocks)) if draft.byline else draft.body
    encoded = to_markdown(body, _called).encode(errors="replace")  # half a surrogate pair could not be sent
    payload = {"roomId": draft.conversation, "markdown": encoded.decode()}
    if draft.thread:
        payload["parentId"] = draft.thread
    return Rendered(draft.conversation, payload, len(encoded), draft.nonce)


def _signed(byline: Byline, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """``blocks`` under the author's line (§5: no name or avatar per message), which a first paragraph follows directly."""
    name = " ".join(byline.name.split()) or "?"
    line: tuple[Inline, ...] = (Text(name, Style.BOLD), Text(" "), Text(f"({byline.platform})", Style.ITALIC))
    if blocks and isinstance(first := blocks[0], Paragraph):
        return (Paragraph((*line, LineBreak(), *first.content)), *blocks[1:])
    return (Paragraph(line), *blocks)


def _called(called: Mention | Broadcast) -> str:
    return EVERYBODY if isinstance(called, Broadcast) else _mention(called)


def _mention(person: Mention) -> str:
    """A mention; an id of another shape could smuggle markup in, so it leaves only the name."""
    if not ids.is_account(person.account or ""):
        return escape(f"@{person.name}")
    label = _NOT_IN_LABEL.sub(" ", person.name).strip()
    return f"<@personId:{person.account}|{label}>" if label else f"<@personId:{person.account}>"
