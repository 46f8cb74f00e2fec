"""From what was heard on one platform to what is to be said on another.

What is not said in the author's own voice (``voices.py``) has a byline. People mentioned become their own accounts on the
target where the directory knows one, and stay names where it does not; channels get the name they have there; calls to
everybody stay words unless the conversation allows them.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.utils.crypto import salted_hmac

from accounts.connections import Connections
from accounts.matching import Directory
from connectors.contract import Connector, Rendered
from connectors.messages import (
    NO_ACCOUNT,
    AccountId,
    Attachment,
    Byline,
    ConversationId,
    Draft,
    Happening,
    Message,
    MessageId,
    Noticed,
)
from connectors.richtext import (
    Broadcast,
    ChannelMention,
    Document,
    Inline,
    Link,
    Mention,
    Paragraph,
    Quote,
    Style,
    Text,
    document,
    inlines,
    map_inlines,
    plain,
)
from relay import policy
from relay.files import Examined, Files, OriginFails
from relay.models import ConversationLink, MessageCopy
from relay.sayings import ENOUGH, Saying, Shared, Words
from relay.voices import Voice, Voices

QUOTED_CHARACTERS = 120
"""How much of a root is quoted that never crossed: one line on any screen."""
CORRECTED_CHARACTERS = 300
"""How much of an edit is said where it neither can be shown nor fits into one message: enough to see what changed."""

NOTICES = {
    Happening.JOINED: "{people} joined on {platform}",
    Happening.LEFT: "{people} left on {platform}",
    Happening.RENAMED: "This channel is now called {text} on {platform}",
    Happening.TOPIC: "The topic on {platform} is now: {text}",
    Happening.ARCHIVED: "This channel was archived on {platform}: nothing crosses until it is taken out of the archive",
    Happening.UNARCHIVED: "This channel was taken out of the archive on {platform}: messages cross again",
}


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a reply belongs: under ``root`` there, or else after a line quoted from ``unknown``, which never crossed."""

    root: MessageId | None
    unknown: Message | None = None


NO_THREAD = Thread(None)


def nonce(delivery: int) -> str:
    """The mark a delivery bears where the platform can hide one: the same on every try, and nobody else can guess it."""
    return salted_hmac("relay.nonce", str(delivery)).hexdigest()[:24]


class Translator:
    """Makes drafts, with a worker's memory of connections and people. ``delivery`` is a row of ``deliveries_open``."""

    def __init__(self, connections: Connections, directory: Directory, voices: Voices, files: Files) -> None:
        self._connections = connections
        self._directory = directory
        self._voices = voices
        self._files = files

    async def sayings(
        self, message: Message, delivery: Any, voice: Voice, thread: Thread = NO_THREAD, *, only_names: bool = False
    ) -> list[Saying]:
        """``message`` for a mailbox: its words in sendable parts, then its files; those that cannot cross are named in words.

        ``only_names`` leaves the people mentioned unnotified: for a platform that refuses to mention one of them.
        """
        target = voice.connector
        examined = await self._examined(message, delivery, target)
        body = _with_lines(await self._addressed(message.body, delivery), examined)
        if only_names:
            body, voice = map_inlines(body, _only_name), replace(voice, stand_in=NO_ACCOUNT)
        if thread.unknown:
            body = await self._after_quote(thread.unknown, body, delivery)
        byline = await self._byline(message, delivery, voice)
        parts = _rendered(target, body, delivery, byline, thread.root) if body.blocks else []
        words = [Words(number, part, target) for number, part in enumerate(parts)]
        return [*words, *await self._shared(examined, delivery, target, byline, thread)]

    async def _examined(self, message: Message, delivery: Any, target: Connector) -> list[Examined]:
        origin = await self._origin(delivery)
        examined = [await self._known(origin, attachment, target, delivery) for attachment in message.attachments]
        if not examined:
            return []
        obstacle = await policy.obstacle_to_files(delivery.origin_installation, message.author, delivery.link)
        return [replace(file, obstacle=obstacle) for file in examined] if obstacle else examined

    async def _known(self, origin: Connector, attachment: Attachment, target: Connector, delivery: Any) -> Examined:
        try:
            return await self._files.examine(origin, attachment, target)
        except OriginFails:
            if delivery.setbacks < ENOUGH:
                raise
            return Examined(attachment, "its platform does not give it")

    async def _shared(
        self, examined: list[Examined], delivery: Any, target: Connector, byline: Byline | None, thread: Thread
    ) -> list[Shared]:
        origin = await self._origin(delivery)
        conversation = ConversationId(delivery.conversation)
        shared = []
        for number, file in enumerate(examined, MessageCopy.FILES):
            mark = f"{nonce(delivery.id)}.{number}"
            draft = Draft(conversation, Document(()), mark, byline, thread.root)
            otherwise = partial(_instead, target, replace(draft, nonce=f"{mark}.00"), file.attachment)
            if not file.obstacle:
                shared.append(
                    Shared(number, self._files, origin, file.attachment, target, draft, otherwise, delivery.tries)
                )
        return shared

    async def _origin(self, delivery: Any) -> Connector:
        """Who may open the files that were shared there."""
        place = delivery.origin_installation, delivery.origin_conversation, delivery.origin_heard_by
        return (await self._voices.reader(*place)).connector

    async def notice(self, notice: Noticed, delivery: Any, voice: Voice) -> list[Rendered]:
        """A line about the conversation itself: who joined or left, its new name."""
        names = [await self._name(account, delivery.origin_installation) for account in notice.accounts]
        place = await self._place(delivery)
        words = NOTICES[notice.what].format(people=", ".join(names), platform=place, text=notice.text)
        return _rendered(voice.connector, _aside(words), delivery)

    async def edited_note(self, message: Message, delivery: Any, voice: Voice, thread: MessageId | None) -> Rendered:
        """The new words of a message that cannot be edited here, or their beginning. Nobody is notified a second time."""
        body = map_inlines(await self._addressed(message.body, delivery), _only_name)
        byline = await self._byline(message, delivery, voice)
        whole = document((*_aside("Edited:").blocks, *body.blocks))
        parts = _rendered(voice.connector, whole, delivery, byline, thread, "edit")
        if len(parts) == 1:
            return parts[0]
        short = f"{plain(body)[:CORRECTED_CHARACTERS].rstrip()} …"
        beginning = document((*_aside("Edited:").blocks, Paragraph((Text(short),))))
        return _rendered(voice.connector, beginning, delivery, byline, thread, "edit")[0]

    def deleted_note(self, delivery: Any, voice: Voice, thread: MessageId | None) -> Rendered:
        """That a message was deleted which cannot be taken back here."""
        gone = _aside("This message was deleted by its author.")
        return _rendered(voice.connector, gone, delivery, None, thread, "delete")[0]

    async def reaction_line(
        self, reactions: list[Any], delivery: Any, voice: Voice, thread: MessageId | None
    ) -> Rendered:
        """One line with all emoji and who put them; ``reactions`` are rows of ``Standings.reacted_by``."""
        people: dict[str, list[str]] = {}
        totals = {one.emoji: one.total for one in reactions}
        for one in reactions:
            known = await self._directory.account(one.installation, one.account)
            people.setdefault(one.emoji, []).append(known.name if known else "")
        line = " · ".join(f"{emoji} {_named(names, totals[emoji])}" for emoji, names in people.items())
        said = document([Paragraph((Text(line),))])
        return _rendered(voice.connector, said, delivery, None, thread, "reactions")[0]

    async def _byline(self, message: Message, delivery: Any, voice: Voice) -> Byline | None:
        if voice.is_a_persons:
            return None
        author = await self._directory.account(delivery.origin_installation, message.author)
        name = author.name if author else message.author_name
        place = await self._place(delivery)
        return Byline(name or "Someone", place, author.avatar_url if author else "", voice.stand_in)

    async def _place(self, delivery: Any) -> str:
        """The platform from which somebody speaks, and their company where it is not that of the readers."""
        platform = (await self._connections.connector(delivery.origin_installation)).platform
        theirs = await self._connections.company(delivery.origin_installation)
        ours = await self._connections.company(delivery.installation)
        return platform.label if theirs == ours else f"{platform.label}, {theirs.name}"

    async def _name(self, account: AccountId, installation: int) -> str:
        known = await self._directory.account(installation, account)
        return known.name if known else "Someone"

    async def _after_quote(self, root: Message, body: Document, delivery: Any) -> Document:
        said = plain(await self._addressed(root.body, delivery)).partition("\n")[0]
        said = said if len(said) <= QUOTED_CHARACTERS else f"{said[:QUOTED_CHARACTERS].rstrip()} …"
        name = await self._name(root.author, delivery.origin_installation)
        quote = Quote((Paragraph((Text(f"{name}: ", Style.BOLD), Text(said))),))
        return document((quote, *body.blocks), body.degraded)

    async def _addressed(self, body: Document, delivery: Any) -> Document:
        """Everything in a text that means somebody or somewhere, meaning the same on the target."""
        there: dict[Inline, Inline] = {}
        for inline in set(inlines(body.blocks)):
            match inline:
                case Mention():
                    there[inline] = await self._counterpart(inline, delivery)
                case ChannelMention():
                    there[inline] = await self._channel(inline, delivery)
                case Broadcast(name) if not delivery.allows_broadcast:
                    there[inline] = Text(f"@{name}")
        return map_inlines(body, lambda inline: there.get(inline, inline)) if there else body

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

    async def _channel(self, mention: ChannelMention, delivery: Any) -> Text:
        """The channel's name on the target where it is linked, else the name it was called by."""
        here = ConversationLink.objects.filter(
            installation=delivery.origin_installation, external_id=mention.conversation or ""
        )
        there = ConversationLink.objects.filter(conversation__links__in=here, installation=delivery.installation)
        names = [await there.values_list("name", flat=True).afirst(), mention.name]
        names.append(await here.values_list("name", flat=True).afirst())
        return Text(f"#{next(filter(None, names), 'another channel')}")


def _rendered(
    target: Connector,
    body: Document,
    delivery: Any,
    byline: Byline | None = None,
    thread: MessageId | None = None,
    use: str = "",
) -> list[Rendered]:
    return target.parts(Draft(ConversationId(delivery.conversation), body, nonce(delivery.id) + use, byline, thread))


def _only_name(inline: Inline) -> Inline:
    return Mention(inline.name) if isinstance(inline, Mention) else inline


def _aside(words: str) -> Document:
    return document([Paragraph((Text(words, Style.ITALIC),))])


def _named(names: list[str], total: int) -> str:
    """``Ann, Bob, Cid +2``: people first, the rest and those without a name as a number."""
    shown = [name for name in names if name]
    more = total - len(shown)
    return ", ".join(shown) + (f" +{more}" if more and shown else str(more) if more else "")


def _with_lines(body: Document, examined: list[Examined]) -> Document:
    """The body and, below it, a line for each file that cannot cross."""
    lines = [_file_line(file.attachment, file.obstacle) for file in examined if file.obstacle]
    return document((*body.blocks, *lines), body.degraded) if lines else body


def _file_line(attachment: Attachment, obstacle: str) -> Paragraph:
    label = f"[file: {attachment.name}]" if attachment.name else "[file]"
    named: Inline = Link(attachment.link, label) if attachment.link else Text(label)
    return Paragraph((named, Text(f" did not cross: {obstacle}", Style.ITALIC)))


def _instead(target: Connector, draft: Draft, attachment: Attachment, obstacle: str) -> Rendered:
    """What is said in place of a file that was refused on the way."""
    return target.render(replace(draft, body=document([_file_line(attachment, obstacle)])))
