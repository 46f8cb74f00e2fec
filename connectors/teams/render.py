"""A draft as the HTML that Graph takes for a chatMessage (reference teams.md §3.1, §4.2). Pure."""

import re
from typing import Any

from connectors.contract import Rendered
from connectors.html import escape, to_html
from connectors.messages import Byline, Commanded, ConversationId, Draft
from connectors.richtext import Block, Broadcast, CodeBlock, Document, Mention, Paragraph, Text, document
from connectors.teams.ids import is_channel, native_id, open_command_handle, root_and_reply

MENTION_BYTES = 400
"""What one mention costs besides its text: its entry in the message, which Teams counts too (§4.3)."""
DEEPEST_HEADING = 3
"""Teams has three levels of headings; deeper ones become the third."""
_INDENT = re.compile("^ | {2,}", re.MULTILINE)


def render(draft: Draft) -> Rendered:
    """Write a draft. ``size`` is in bytes of UTF-8, mentions included.

    The payload is a chatMessage; its ``replyToId`` is for ``post``, which takes it out: Graph wants the root in the path, and
    in a chat, which has no threads, it becomes a quote.
    """
    writer = _Mentions(draft)
    body = to_html(draft.body, writer.person, code_block, writer.everybody, DEEPEST_HEADING)
    content = _byline(draft.byline, writer) + body + marker(draft.nonce)
    payload: dict[str, Any] = {"body": {"contentType": "html", "content": content}}
    if writer.entries:
        payload["mentions"] = writer.entries
    if draft.thread:
        payload["replyToId"] = root_and_reply(draft.thread)[0]
    size = len(content.encode("utf-8", "replace")) + MENTION_BYTES * len(writer.entries)
    return Rendered(draft.conversation, payload, size, draft.nonce)


def answer(command: Commanded, conversation: ConversationId, body: Document) -> Draft:
    """The reply to a command, which begins with a mention of who gave it."""
    message, asker = open_command_handle(command.handle)
    mention = Mention(asker or "you", command.account)
    match body.blocks:
        case (Paragraph(content), *rest):
            blocks: tuple[Block, ...] = (Paragraph((mention, Text(" "), *content)), *rest)
        case rest:
            blocks = (Paragraph((mention,)), *rest)
    return Draft(conversation, document(blocks, body.degraded), f"answer-{message}", thread=message)


class _Mentions:
    """Writes mentions: each ``at`` element has one entry with its number, and no entry is without one."""

    def __init__(self, draft: Draft) -> None:
        self.entries: list[dict[str, Any]] = []
        self._conversation = draft.conversation

    def person(self, mention: Mention) -> str:
        if mention.account is None:
            return escape(f"@{mention.name}")
        user = {"id": mention.account, "displayName": mention.name, "userIdentityType": "aadUser"}
        return self._at(mention.name, {"user": user})

    def everybody(self, broadcast: Broadcast) -> str:
        """Teams has one call to everybody in a channel or a chat, whatever others tell apart."""
        kind = "channel" if is_channel(self._conversation) else "chat"
        identity = {
            "id": native_id(self._conversation),
            "displayName": broadcast.name,
            "conversationIdentityType": kind,
        }
        return self._at(broadcast.name, {"conversation": identity})

    def _at(self, name: str, mentioned: dict[str, Any]) -> str:
        number = len(self.entries)
        self.entries.append({"id": number, "mentionText": name, "mentioned": mentioned})
        return f'<at id="{number}">{escape(name)}</at>'


def marker(nonce: str) -> str:
    """An element that shows nothing and that Teams keeps: by it a lost answer is found again (§5.3)."""
    return f'<abbr title="mio-{escape(nonce)}"></abbr>'


def _byline(byline: Byline | None, writer: _Mentions) -> str:
    """Who speaks; a guest is mentioned, so that readers can look at who that is (§7.2)."""
    if byline is None:
        return ""
    name = writer.person(Mention(byline.name, byline.stand_in)) if byline.stand_in else escape(byline.name)
    return f"<p><strong>{name}</strong> ({escape(byline.platform)})</p>"


def code_block(block: CodeBlock) -> str:
    """The way Teams' own client stores code: ``<br>`` ends a line, no-break spaces indent (§4.1)."""
    indented = _INDENT.sub(lambda spaces: "\xa0" * len(spaces[0]), block.text)
    lines = escape(indented).replace("\n", "<br>")
    return f'<codeblock class="{escape(block.language)}"><code>{lines}</code></codeblock>'
