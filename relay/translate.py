"""From what was heard on one platform to what is to be said on another.

The voice is the app's or service user's, with a byline. People mentioned become their own accounts on the target where
the directory knows one, and stay names where it does not. Files are named, with a link to where a person may look at them;
a call to everybody and the name of another channel become words.
"""

from typing import Any

from django.utils.crypto import salted_hmac

from accounts.connecting import Connections
from accounts.matching import Directory
from connectors.contract import Rendered
from connectors.messages import AccountId, Attachment, Byline, ConversationId, Draft, Message
from connectors.richtext import (
    Broadcast,
    ChannelMention,
    Document,
    Inline,
    LineBreak,
    Link,
    Mention,
    Paragraph,
    Text,
    document,
    map_inlines,
    mentions,
)


def nonce(delivery: int) -> str:
    """The mark a delivery bears where the platform can hide one: the same on every try, and nobody else can guess it."""
    return salted_hmac("relay.nonce", str(delivery)).hexdigest()[:24]


class Translator:
    """Makes drafts, with a worker's memory of connections and people."""

    def __init__(self, connections: Connections, directory: Directory) -> None:
        self._connections = connections
        self._directory = directory

    async def parts(self, message: Message, delivery: Any, *, only_names: bool = False) -> list[Rendered]:
        """``message`` in the words of a mailbox, in sendable parts; ``delivery`` is a row of ``Ledger.deliveries_open``.

        ``only_names`` leaves the people mentioned unnotified: for a platform that refuses to mention one of them.
        """
        target = await self._connections.connector(delivery.installation)
        body = _with_files(await self._addressed(message.body, delivery), message.attachments)
        draft = Draft(
            conversation=ConversationId(delivery.conversation),
            body=_only_names(body) if only_names else body,
            nonce=nonce(delivery.id),
            byline=await self._byline(message, delivery.origin_installation),
        )
        return target.parts(draft)

    async def _byline(self, message: Message, installation: int) -> Byline:
        platform = (await self._connections.connector(installation)).platform
        author = await self._directory.account(installation, message.author)
        name = author.name if author else message.author_name
        return Byline(name or "Someone", platform.label, author.avatar_url if author else "")

    async def _addressed(self, body: Document, delivery: Any) -> Document:
        named = {mention: await self._counterpart(mention, delivery) for mention in set(mentions(body))}

        def address(inline: Inline) -> Inline:
            match inline:
                case Mention():
                    return named[inline]
                case Broadcast(name):
                    return Text(f"@{name}")
                case ChannelMention(name):
                    return Text(f"#{name or 'another channel'}")
                case _:
                    return inline

        return map_inlines(body, address)

    async def _counterpart(self, mention: Mention, delivery: Any) -> Mention:
        """The same person on the target, to be notified there; only the name where that person has no account there."""
        if mention.account is None:
            return mention
        known = await self._directory.account(delivery.origin_installation, mention.account)
        name = Mention(known.name if known else mention.name)
        if known is None or known.person is None:
            return name
        there = await self._directory.counterpart(known.person, delivery.installation)
        return Mention(there.name, AccountId(there.external_id), there.email) if there else name


def _only_names(body: Document) -> Document:
    return map_inlines(body, lambda inline: Mention(inline.name) if isinstance(inline, Mention) else inline)


def _with_files(body: Document, attachments: tuple[Attachment, ...]) -> Document:
    """The body and, below it, a line for each file."""
    lines: list[Inline] = []
    for attachment in attachments:
        label = f"[file: {attachment.name}]" if attachment.name else "[file]"
        lines += [LineBreak()] if lines else []
        lines.append(Link(attachment.link, label) if attachment.link else Text(label))
    return document((*body.blocks, Paragraph(tuple(lines))), body.degraded)
