"""How well each platform says what the others can say: the fidelity table, measured and never written down by hand.

Every sample is rehearsed: rendered, posted to the platform's fake, fetched and read again. What comes back the same is
native, what keeps its words is changed, and anything less is lost.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial

import connectors
from connectors.constructs import BLOCKS, CALLS, CONSTRUCTS, PLAIN, TEXT, Construct, parts
from connectors.contract import (
    CarriesFiles,
    DeletesMessages,
    EditsMessages,
    NamesConversations,
    Reacts,
    SetsTopics,
    TakesCommands,
)
from connectors.errors import Gone, NotSupported
from connectors.messages import MessageId
from connectors.rehearsal import Rehearsal, Said
from connectors.richtext import (
    Broadcast,
    CodeBlock,
    Document,
    Heading,
    Inline,
    Paragraph,
    Style,
    Text,
    document,
    inlines,
    map_inlines,
    plain,
)


class Kept(StrEnum):
    """What becomes of something on its way."""

    NATIVE = "native"
    CHANGED = "changed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``how`` says in words how it changed, or adds to what is native; may be empty."""

    kept: Kept
    how: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One construct or deed and, by slug, what becomes of it."""

    name: str
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together."""

    title: str
    rows: tuple[Row, ...]


NATIVE = Verdict(Kept.NATIVE)
LOST = Verdict(Kept.LOST)

_WORDS = re.compile(r"\w+|[^\x00-\x7f•\w\s]+")
"""What must not get lost: words, emoji, dashes. The dots of a list are a matter of taste."""

_EVERYBODY = {"here", "channel", "everyone"}

_INSTEAD: tuple[tuple[type, str], ...] = (
    (Heading, "as a larger heading"),
    (CodeBlock, "as text in a code block"),
    (Broadcast, "as a call to everybody"),
)
"""What a platform may have said in place of a construct that it lacks."""


def compared(said: Document, heard: Document, way: Callable[[Document, Document], str]) -> Verdict:
    """What became of ``said``; ``way`` words how ``heard`` differs from it."""
    if _same_calls(said).blocks == _same_calls(heard).blocks:
        return NATIVE
    return LOST if _words(said) - _words(heard) else Verdict(Kept.CHANGED, way(said, heard))


def _same_calls(body: Document) -> Document:
    """Every platform has its own word for all people of a conversation."""

    def same(inline: Inline) -> Inline:
        return Broadcast("all") if inline == Broadcast("channel") else inline

    return map_inlines(body, same)


def _words(body: Document) -> Counter[str]:
    """How often each word occurs; whichever word calls everybody is one and the same."""
    return Counter("all" if word in _EVERYBODY else word for word in _WORDS.findall(plain(body)))


def _way(construct: Construct, said: Document, heard: Document) -> str:
    before = set(parts(said.blocks))
    new = [part for part in parts(heard.blocks) if part not in before]
    for kind, words in _INSTEAD:
        if any(isinstance(part, kind) for part in new):
            return words
    if all(isinstance(inline, Text) and Style.BOLD in inline.style for inline in inlines(heard.blocks)):
        return "as bold text" if construct.otherwise == PLAIN else f"{construct.otherwise}, in bold"
    return construct.otherwise


def of_construct(construct: Construct, stage: Rehearsal) -> Verdict:
    """What becomes of a construct of text."""
    sample = map_inlines(construct.sample, stage.local)
    return compared(sample, stage.say(sample).body, partial(_way, construct))


# --- Deeds


@dataclass(frozen=True, slots=True)
class Deed:
    """Something people do in a conversation. ``otherwise`` becomes of it where a platform lacks the ``ability``."""

    name: str
    play: Callable[[Rehearsal], Verdict]
    ability: type | None = None
    otherwise: Verdict = LOST


def of_deed(deed: Deed, stage: Rehearsal) -> Verdict:
    """What becomes of a deed."""
    if deed.ability and not isinstance(stage.connector, deed.ability):
        return deed.otherwise
    try:
        return deed.play(stage)
    except NotSupported:
        return deed.otherwise


_LONG = document([Paragraph((Text(" ".join(f"word {number}" for number in range(500))),))])
"""About 4,500 characters: more than one message of the tersest platform holds."""


def _line(text: str, style: Style = Style.PLAIN) -> Document:
    return document([Paragraph((Text(text, style),))])


def _posted(stage: Rehearsal) -> MessageId:
    return stage.say(_line("before")).messages[0].id


def _long(stage: Rehearsal) -> Verdict:
    said = stage.say(_LONG)
    return compared(_LONG, said.body, lambda *_: f"in {len(said.messages)} messages")


def _thread(stage: Rehearsal) -> Verdict:
    root = _posted(stage)
    [reply] = stage.say(_line("answer"), root).messages
    return NATIVE if reply.thread == root else LOST


def _edit(style: Style, stage: Rehearsal) -> Verdict:
    message, after = _posted(stage), _line("after", style)
    stage.edit(message, after)
    return compared(after, stage.hear(message).body, lambda *_: "without its formatting")


def _delete(stage: Rehearsal) -> Verdict:
    message = _posted(stage)
    stage.delete(message)
    try:
        stage.hear(message)
    except Gone:
        return NATIVE
    return LOST


def _react(emoji: str, stage: Rehearsal) -> Verdict:
    seen = stage.react(_posted(stage), emoji)
    return NATIVE if emoji in seen else Verdict(Kept.CHANGED, "in its plain form") if seen else LOST


def _file(stage: Rehearsal) -> Verdict:
    return Verdict(Kept.NATIVE, f"up to {stage.connector.platform.limits.file // 1024**2:,} MB")


_IN_THREAD = Verdict(Kept.CHANGED, "as one line in the thread")
_CORRECTION = Verdict(Kept.CHANGED, "as a correction in the thread")
_NOTE = Verdict(Kept.CHANGED, "as a note in the thread")
_NAMED = Verdict(Kept.CHANGED, "as a line that names and links it")
_TOLD = Verdict(Kept.CHANGED, "as a line that tells it")

CONDUCT = (
    Deed("Text of 4,500 characters", _long),
    Deed("Answer in a thread", _thread),
    Deed("Edit", partial(_edit, Style.PLAIN), EditsMessages, _CORRECTION),
    Deed("Edit of formatted text", partial(_edit, Style.BOLD), EditsMessages, _CORRECTION),
    Deed("Delete", _delete, DeletesMessages, _NOTE),
    Deed("Reaction", partial(_react, "👍"), Reacts, _IN_THREAD),
    Deed("Reaction with a skin tone", partial(_react, "👍🏽"), Reacts, _IN_THREAD),
    Deed("Reaction of several people's emoji", partial(_react, "👩‍👩‍👧‍👦"), Reacts, _IN_THREAD),
    Deed("Reaction with a workspace's own emoji", partial(_react, ":party_parrot:"), Reacts, _IN_THREAD),
    Deed("File", _file, CarriesFiles, _NAMED),
    Deed("New name of the channel", lambda _: NATIVE, NamesConversations, _TOLD),
    Deed("New topic of the channel", lambda _: NATIVE, SetsTopics, _TOLD),
    Deed("Command to Mio Hub", lambda _: NATIVE, TakesCommands),
)

# --- The table


@cache
def table() -> tuple[Section, ...]:
    """All constructs and deeds on all platforms. Measured once per process, within a fraction of a second."""
    stages = {slug: Rehearsal(slug) for slug in connectors.slugs()}

    def row(name: str, measure: Callable[[Rehearsal], Verdict]) -> Row:
        return Row(name, {slug: measure(stage) for slug, stage in stages.items()})

    texts = (("Text", TEXT), ("Blocks", BLOCKS), ("People and places", CALLS))
    sections = [
        Section(title, tuple(row(one.name, partial(of_construct, one)) for one in some)) for title, some in texts
    ]
    deeds = tuple(row(deed.name, partial(of_deed, deed)) for deed in CONDUCT)
    return (*sections, Section("In a conversation", deeds))


def changes(slug: str, said: Document, arrived: Said) -> list[str]:
    """What a platform changed in a document, in words: empty where it arrived as it was."""
    verdicts = {row.name: row.verdicts[slug] for section in table() for row in section.rows}
    found: dict[str, list[str]] = {}
    for construct in CONSTRUCTS:
        if construct.is_in(said) and not construct.is_in(arrived.body):
            # What a platform can say alone, it may not be able to say within something else.
            how = verdicts[construct.name].how or _way(construct, said, arrived.body)
            found.setdefault(how, []).append(construct.name)
    told = [f"{', '.join(names).capitalize()}: {how}." for how, names in found.items()]
    overall = compared(said, arrived.body, lambda *_: "Some formatting differs a little.")
    if overall.kept is Kept.LOST:
        told.append("Some of the text is missing.")
    if len(arrived.messages) > 1:
        return [*told, f"In {len(arrived.messages)} messages: one would be too long."]
    return told or [overall.how] * (overall.kept is Kept.CHANGED)
