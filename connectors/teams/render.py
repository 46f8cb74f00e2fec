"""A draft as the HTML that Graph takes for a chatMessage (reference teams.md §3.1, §4.2). Pure."""

import re
from typing import Any

from connectors.contract import Rendered
from connectors.html import escape, to_html
from connectors.messages import Byline, Draft
from connectors.richtext import CodeBlock, Mention

MENTION_BYTES = 400
"""What one mention costs besides its text: its entry in the message, which Teams counts too (§4.3)."""
_INDENT = re.compile("^ | {2,}", re.MULTILINE)


def render(draft: Draft) -> Rendered:
    """Write a draft. ``size`` is in bytes of UTF-8, mentions included."""
    mentions: list[dict[str, Any]] = []

    def at(mention: Mention) -> str:
        if mention.account is None:
            return escape(f"@{mention.name}")
        mentions.append(_entry(len(mentions), mention))
        return f'<at id="{len(mentions) - 1}">{escape(mention.name)}</at>'

    content = _byline(draft.byline) + to_html(draft.body, at, code_block) + marker(draft.nonce)
    payload: dict[str, Any] = {"body": {"contentType": "html", "content": content}}
    if mentions:
        payload["mentions"] = mentions
    size = len(content.encode("utf-8", "replace")) + MENTION_BYTES * len(mentions)
    return Rendered(draft.conversation, payload, size, draft.nonce)


def marker(nonce: str) -> str:
    """An element that shows nothing and that Teams keeps: by it a lost answer is found again (§5.3)."""
    return f'<abbr title="mio-{escape(nonce)}"></abbr>'


def _byline(byline: Byline | None) -> str:
    if byline is None:
        return ""
    return f"<p><strong>{escape(byline.name)}</strong> ({escape(byline.platform)})</p>"


def _entry(number: int, mention: Mention) -> dict[str, Any]:
    user = {"id": mention.account, "displayName": mention.name, "userIdentityType": "aadUser"}
    return {"id": number, "mentionText": mention.name, "mentioned": {"user": user}}


def code_block(block: CodeBlock) -> str:
    """The way Teams' own client stores code: ``<br>`` ends a line, no-break spaces indent (§4.1)."""
    indented = _INDENT.sub(lambda spaces: "\xa0" * len(spaces[0]), block.text)
    lines = escape(indented).replace("\n", "<br>")
    return f'<codeblock class="{escape(block.language)}"><code>{lines}</code></codeblock>'
