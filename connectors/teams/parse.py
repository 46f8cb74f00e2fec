"""Graph's chatMessage, read into the neutral form (reference teams.md §3.1, §4.1). Pure; no shape of JSON upsets it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from connectors.contract import Content
from connectors.messages import (
    AccountId,
    Commanded,
    Deleted,
    Event,
    Kind,
    Message,
    Posted,
    Reaction,
    Reference,
    Skipped,
    Stands,
)
from connectors.richtext import Document, Mention, Paragraph, plain
from connectors.teams.body import emoji_name, read_body
from connectors.teams.ids import command_handle, message_id, root_and_reply
from connectors.teams.notices import notice
from connectors.teams.values import identity, mapping, mappings, string, timestamp
from connectors.teams.webhook import said_at

_STANDING = frozenset({Kind.EDITED, Kind.REACTED, Kind.UNREACTED, Kind.CHANGED})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LEGACY_REACTIONS: Mapping[str, str] = {
    "like": "👍",
    "angry": "😡",
    "sad": "😢",
    "laugh": "😆",
    "heart": "❤️",
    "surprised": "😮",
}
"""Names that older clients stored instead of characters (§3.3)."""


def parse(content: Content, reference: Reference, own: AccountId) -> Event:
    """Read a message. ``own`` is our service account: what begins with a mention of it is a command.

    A deletion is told by the reference alone. The type comes next, because system messages have neither author nor text.
    """
    if reference.kind is Kind.DELETED or content.get("deletedDateTime"):
        return Deleted(reference.message)
    if reference.kind is not Kind.POSTED and reference.kind not in _STANDING:
        return Skipped("other")
    if content.get("messageType", "message") != "message":
        return notice(content, reference) if reference.kind is Kind.POSTED else Skipped("system message")
    message = _message(content, reference)
    if not message.author:
        return Skipped("no author")
    if not message.body.blocks and not message.attachments:
        return Skipped("empty message")
    words = None if message.author == own else _words_to(own, message.body)
    if reference.kind in _STANDING:
        return Stands(message, _reactions(content)) if words is None else Skipped("command")
    if words is None:
        return Posted(message)
    return Commanded(message.author, words, command_handle(message.id, message.author_name))


def _message(content: Content, reference: Reference) -> Message:
    author, name, is_app = identity(content.get("from"))
    root, reply = root_and_reply(reference.message)
    read = read_body(content, reference.conversation)
    return Message(
        id=reference.message,
        conversation=reference.conversation,
        author=AccountId(author),
        body=read.body,
        sent_at=timestamp(content.get("createdDateTime")) or said_at(reference.message) or _EPOCH,
        author_name=name,
        thread=message_id(root) if reply else None,
        edited_at=timestamp(content.get("lastEditedDateTime")),
        attachments=read.attachments,
        is_app=is_app,
    )


def _words_to(own: AccountId, body: Document) -> str | None:
    """What follows a mention of our account at the very beginning; None where it does not begin with one."""
    match body.blocks:
        case (Paragraph((Mention(account=account), *said)), *rest) if account == own:
            words = plain(Document((Paragraph(tuple(said)), *rest)))
            return " ".join(words.split()).lstrip(",:; ")
    return None


def _reactions(content: Content) -> frozenset[Reaction]:
    found = (_reaction(entry) for entry in mappings(content.get("reactions")))
    return frozenset(reaction for reaction in found if reaction.account and reaction.emoji)


def _reaction(entry: Mapping[str, object]) -> Reaction:
    """A character as it is, an old name as its character, a workspace's own by its name between colons."""
    kind, (account, _, _) = string(entry.get("reactionType")), identity(mapping(entry.get("user")))
    if kind == "custom":
        return Reaction(AccountId(account), f":{emoji_name(string(entry.get('displayName')))}:")
    if kind.isascii() and kind not in LEGACY_REACTIONS:
        return Reaction(AccountId(account), f":{emoji_name(kind)}:" if kind else "")
    return Reaction(AccountId(account), LEGACY_REACTIONS.get(kind, kind))
