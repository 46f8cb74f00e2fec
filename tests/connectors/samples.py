"""The JSON form of samples: one recorded behaviour per file, named after it, in ``connectors/<slug>/samples``.

``heard/*.json`` holds what a platform sent and what we read from it, ``said/*.json`` a draft and what we send. Blocks
are objects with one telling key (``paragraph``, ``heading``, ``code``, ``quote``, ``bullets``, ``numbers``, ``table``,
``rule``), inlines are plain strings or objects with one (``text``, ``link``, ``mention``, ``broadcast``, ``channel``,
``emoji``, ``break``). An event is a new message with all its fields, or an object with one key that names what it is
(``edited``, ``deleted``, ``reacted``, ``unreacted``, ``stands``, ``noticed``, ``commanded``, ``skipped``).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from connectors.contract import Credentials
from connectors.messages import (
    AccountId,
    Attachment,
    Byline,
    Commanded,
    ConversationId,
    Deleted,
    Draft,
    Edited,
    Event,
    Kind,
    Message,
    MessageId,
    Noticed,
    Posted,
    Reacted,
    Reaction,
    Reference,
    Skipped,
    Stands,
    Unreacted,
    WorkspaceId,
)
from connectors.richtext import (
    Block,
    Broadcast,
    BulletList,
    ChannelMention,
    CodeBlock,
    Document,
    Emoji,
    Heading,
    Inline,
    LineBreak,
    Link,
    Mention,
    NumberedList,
    Paragraph,
    Quote,
    Rule,
    Style,
    Table,
    Text,
)

CONNECTORS = Path(__file__).parents[2] / "connectors"
STYLES = {
    "bold": Style.BOLD,
    "italic": Style.ITALIC,
    "strike": Style.STRIKE,
    "code": Style.CODE,
    "underline": Style.UNDERLINE,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample file. ``way`` is ``heard`` or ``said``."""

    slug: str
    way: str
    name: str
    data: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.slug}/{self.way}/{self.name}"

    @property
    def credentials(self) -> Credentials:
        """Whose eyes read it: the sample's own ``credentials`` or a connection without any tokens."""
        given = self.data.get("credentials", {})
        workspace, account = WorkspaceId(given.get("workspace", "workspace")), AccountId(given.get("account", "hub"))
        return Credentials(workspace, account, given.get("tokens", {}), given.get("extra", {}))


def samples(way: str) -> Iterator[Sample]:
    """All samples of all platforms, ``heard`` or ``said``."""
    for path in sorted(CONNECTORS.glob(f"*/samples/{way}/*.json")):
        yield Sample(path.parents[2].name, way, path.stem, json.loads(path.read_text(encoding="utf-8")))


def load_reference(data: dict[str, Any]) -> Reference:
    return Reference(Kind(data["kind"]), ConversationId(data["conversation"]), MessageId(data["message"]))


def load_draft(data: dict[str, Any]) -> Draft:
    given = data.get("byline")
    byline = Byline(given["name"], given["platform"], given.get("avatar_url", "")) if given else None
    thread = MessageId(data["thread"]) if data.get("thread") else None
    return Draft(
        ConversationId(data["conversation"]), Document(load_blocks(data["body"])), data["nonce"], byline, thread
    )


def load_event(data: dict[str, Any]) -> dict[str, Any]:
    """An expected event with every default written out, comparable to ``dump_event``."""
    match data:
        case {"edited": message}:
            return {"edited": _load_message(message)}
        case {"stands": {"message": message, "reactions": reactions}}:
            return {"stands": {"message": _load_message(message), "reactions": sorted(reactions)}}
        case {"noticed": notice}:
            return {"noticed": {"accounts": [], "text": "", "by": None} | notice}
        case {"author": _}:
            return _load_message(data)
    return data


def _load_message(data: dict[str, Any]) -> dict[str, Any]:
    defaults = {"author_name": "", "thread": None, "edited_at": None, "is_app": False, "degraded": []}
    attachments = [{"size": None, "link": ""} | attachment for attachment in data.get("attachments", ())]
    return defaults | data | {"body": dump_blocks(load_blocks(data["body"])), "attachments": attachments}


def dump_event(event: Event) -> dict[str, Any]:
    match event:
        case Skipped(why):
            return {"skipped": why}
        case Posted(message):
            return _dump_message(message)
        case Edited(message):
            return {"edited": _dump_message(message)}
        case Deleted(message_id):
            return {"deleted": message_id}
        case Reacted(message_id, reaction):
            return {"reacted": {"message": message_id, "account": reaction.account, "emoji": reaction.emoji}}
        case Unreacted(message_id, reaction):
            return {"unreacted": {"message": message_id, "account": reaction.account, "emoji": reaction.emoji}}
        case Stands(message, reactions):
            return {"stands": {"message": _dump_message(message), "reactions": sorted(map(_dump_reaction, reactions))}}
        case Noticed(what, accounts, text, by):
            return {"noticed": {"what": what.value, "accounts": list(accounts), "text": text, "by": by}}
        case Commanded(account, words):
            return {"commanded": {"account": account, "words": words}}


def _dump_message(message: Message) -> dict[str, Any]:
    return {
        "author": message.author,
        "author_name": message.author_name,
        "thread": message.thread,
        "edited_at": message.edited_at.isoformat() if message.edited_at else None,
        "is_app": message.is_app,
        "attachments": list(map(_dump_attachment, message.attachments)),
        "body": dump_blocks(message.body.blocks),
        "degraded": list(message.body.degraded),
    }


def _dump_attachment(attachment: Attachment) -> dict[str, Any]:
    """Without its handle, which is the connector's own business."""
    told = {"name": attachment.name, "content_type": attachment.content_type}
    return told | {"size": attachment.size, "link": attachment.link}


def _dump_reaction(reaction: Reaction) -> list[str]:
    return [reaction.account, reaction.emoji]


def load_blocks(data: Iterable[dict[str, Any]]) -> tuple[Block, ...]:
    return tuple(map(_load_block, data))


def _load_block(data: dict[str, Any]) -> Block:
    match data:
        case {"paragraph": content}:
            return Paragraph(_load_inlines(content))
        case {"heading": content}:
            return Heading(_load_inlines(content), data.get("level", 1))
        case {"code": text}:
            return CodeBlock(text, data.get("language", ""))
        case {"quote": blocks}:
            return Quote(load_blocks(blocks))
        case {"bullets": items}:
            return BulletList(tuple(map(load_blocks, items)))
        case {"numbers": items}:
            return NumberedList(tuple(map(load_blocks, items)), data.get("start", 1))
        case {"table": rows}:
            return Table(tuple(tuple(map(_load_inlines, row)) for row in rows), data.get("header", True))
        case {"rule": True}:
            return Rule()
    raise ValueError(f"no block is written {data!r}")


def _load_inlines(data: Sequence[Any]) -> tuple[Inline, ...]:
    return tuple(map(_load_inline, data))


def _load_inline(data: Any) -> Inline:
    match data:
        case str(text):
            return Text(text)
        case {"link": url, "text": text}:
            return Link(url, text, _load_style(data.get("style", ())))
        case {"text": text}:
            return Text(text, _load_style(data.get("style", ())))
        case {"mention": name}:
            account = data.get("account")
            return Mention(name, AccountId(account) if account else None)
        case {"broadcast": name}:
            return Broadcast(name)
        case {"channel": name}:
            conversation = data.get("conversation")
            return ChannelMention(name, ConversationId(conversation) if conversation else None)
        case {"emoji": name}:
            return Emoji(name)
        case {"break": True}:
            return LineBreak()
    raise ValueError(f"no inline is written {data!r}")


def _load_style(names: Iterable[str]) -> Style:
    return reduce(or_, (STYLES[name] for name in names), Style.PLAIN)


def dump_blocks(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    return [_dump_block(block) for block in blocks]


def _dump_block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph(content):
            return {"paragraph": list(map(_dump_inline, content))}
        case Heading(content, level):
            return {"heading": list(map(_dump_inline, content)), "level": level}
        case CodeBlock(text, language):
            return {"code": text, "language": language}
        case Quote(blocks):
            return {"quote": dump_blocks(blocks)}
        case BulletList(items):
            return {"bullets": list(map(dump_blocks, items))}
        case NumberedList(items, start):
            return {"numbers": list(map(dump_blocks, items)), "start": start}
        case Table(rows, header):
            return {"table": [[list(map(_dump_inline, cell)) for cell in row] for row in rows], "header": header}
        case Rule():
            return {"rule": True}


def _dump_inline(inline: Inline) -> Any:
    match inline:
        case Text(text, style):
            return {"text": text, "style": _dump_style(style)} if style else text
        case Link(url, text, style):
            return {"link": url, "text": text, "style": _dump_style(style)}
        case Mention(name, account):
            return {"mention": name, "account": account}
        case Broadcast(name):
            return {"broadcast": name}
        case ChannelMention(name, conversation):
            return {"channel": name, "conversation": conversation}
        case Emoji(name):
            return {"emoji": name}
        case LineBreak():
            return {"break": True}


def _dump_style(style: Style) -> list[str]:
    return [name for name, flag in STYLES.items() if flag in style]
