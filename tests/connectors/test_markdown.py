"""The Markdown that people type, and the Markdown that Webex is told."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.markdown import from_markdown, to_markdown
from connectors.messages import AccountId
from connectors.richtext import (
    RULE,
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
    document,
    plain_inline,
)
from tests.connectors.documents import TRICKS, documents, nasty_lines, patient

BOLD, ITALIC, STRIKE, CODE, UNDERLINE = Style.BOLD, Style.ITALIC, Style.STRIKE, Style.CODE, Style.UNDERLINE


def paragraph(*content: Inline) -> Document:
    return document([Paragraph(content)])


def write(body: Document) -> str:
    return to_markdown(
        body, lambda called: f"\\<@{called.name}>" if isinstance(called, Broadcast) else f"<@{called.account}>"
    )


READ = {
    "**bold** *italic* _too_ `code` ~~gone~~": paragraph(
        Text("bold", BOLD),
        Text(" "),
        Text("italic", ITALIC),
        Text(" "),
        Text("too", ITALIC),
        Text(" "),
        Text("code", CODE),
        Text(" "),
        Text("gone", STRIKE),
    ),
    "**bold _and italic_**": paragraph(Text("bold ", BOLD), Text("and italic", BOLD | ITALIC)),
    "one\ntwo  \nthree": paragraph(Text("one"), LineBreak(), Text("two"), LineBreak(), Text("three")),
    "```py\nx = 1\n\ny\n```": document([CodeBlock("x = 1\n\ny", "py")]),
    "> one\n> two": document([Quote((Paragraph((Text("one"), LineBreak(), Text("two"))),))]),
    "[label](https://a.example) https://b.example/x_y_z. (https://c.example)": paragraph(
        Link("https://a.example", "label"),
        Text(" "),
        Link("https://b.example/x_y_z", "https://b.example/x_y_z"),
        Text(". ("),
        Link("https://c.example", "https://c.example"),
        Text(")"),
    ),
    "**see https://b.example/**": paragraph(Text("see ", BOLD), Link("https://b.example/", "https://b.example/", BOLD)),
    "<https://a.example/ü>": paragraph(Link("https://a.example/ü", "https://a.example/ü")),
    "### Head": document([Heading((Text("Head"),), 3)]),
    "not a heading\n===": paragraph(Text("not a heading"), LineBreak(), Text("===")),
    "[a]: https://b.example": paragraph(Text("[a]: "), Link("https://b.example", "https://b.example")),
    "<b>x</b> <!-- y --> &amp;": paragraph(Text("<b>x</b> <!-- y --> &")),
    "xhttps://a.example https:// :// http:": paragraph(Text("xhttps://a.example https:// :// http:")),
    "- a\n  - b\n\n    c\n- d": document(
        [
            BulletList(
                (
                    (
                        Paragraph((Text("a"),)),
                        BulletList(((Paragraph((Text("b"),)), Paragraph((Text("c"),))),)),
                    ),
                    (Paragraph((Text("d"),)),),
                )
            )
        ]
    ),
    "a\n\n---\n\nb": document([Paragraph((Text("a"),)), Rule(), Paragraph((Text("b"),))]),
    "| a | b |\n|---|---|\n| 1 | **2** \\| ~~3~~ |\n| | [x](https://a.example) |": document(
        [
            Table(
                (
                    ((Text("a"),), (Text("b"),)),
                    ((Text("1"),), (Text("2", BOLD), Text(" | "), Text("3", STRIKE))),
                    ((), (Link("https://a.example", "x"),)),
                )
            )
        ]
    ),
    "3. a\n4. b": document([NumberedList(((Paragraph((Text("a"),)),), (Paragraph((Text("b"),)),)), 3)]),
    "": Document(()),
}


@pytest.mark.parametrize(("typed", "read"), READ.items(), ids=READ)
def test_what_people_type_is_read(typed: str, read: Document) -> None:
    assert from_markdown(typed) == read


DEGRADED = {
    "![a cat](https://a.example/cat.png)": ("[image: a cat]", ("image",)),
    "![](https://a.example/cat.png)": ("[image]", ("image",)),
    "[x](ftp://a.example)": ("x (ftp://a.example)", ("link",)),
}


@pytest.mark.parametrize(("typed", "expected"), DEGRADED.items(), ids=DEGRADED)
def test_what_no_chat_shows_becomes_text_and_is_named(typed: str, expected: tuple[str, tuple[str, ...]]) -> None:
    read = from_markdown(typed)
    assert isinstance(block := read.blocks[0], Paragraph)
    assert ("".join(map(plain_inline, block.content)), read.degraded) == expected


@given(st.text(st.characters(codec="utf-8")))
def test_reading_never_fails(typed: str) -> None:
    from_markdown(typed)


WRITTEN = {
    "adjacent styles": (paragraph(Text("a", BOLD), Text("b", BOLD | ITALIC), Text("c")), "**a*b***c"),
    "a style within a word": (paragraph(Text("un"), Text("believ", ITALIC), Text("able")), "un*believ*able"),
    "styles that CommonMark cannot tell apart there": (
        paragraph(Text("a", BOLD | ITALIC), Text("b", BOLD), Text("c", BOLD | ITALIC), Text("d")),
        "abcd",
    ),
    "style on blanks only": (paragraph(Text("a"), Text("  ", BOLD), Text("b")), "a  b"),
    "an indented line": (paragraph(Text("a"), LineBreak(), Text("  b")), "a  \n&nbsp;&nbsp;b"),
    "an empty line": (paragraph(Text("a"), LineBreak(), LineBreak(), Text("b")), "a\n\nb"),
    "an address in a text": (paragraph(Text("https://a.example")), "https\\://a.example"),
    "an entity in an address": (paragraph(Link("https://a.example/?a=1&lt;=2", "x")), "[x](https://a.example/?a=1&amp;lt;=2)"),
    "an address that is none": (paragraph(Link("javascript:x", "x", BOLD)), "**x (javascript:x)**"),
    "neighbouring lists": (
        document([BulletList(((Paragraph((Text(x),)),),)) for x in "abc"]),
        "- a\n\n* b\n\n- c",
    ),
    "a list number too long": (document([NumberedList(((Paragraph((Text("a"),)),),), 10**12)]), "1. a"),
    "a number in an item's text": (document([BulletList(((Paragraph((Text("1. a"),)),),))]), "- 1\\. a"),
    "an emoji and a stranger": (paragraph(Emoji("a_b"), Text(" "), Mention("Ann")), ":a\\_b: **@Ann**"),
    "a person": (paragraph(Mention("Ann", AccountId("7"))), "<@7>"),
    "everybody": (paragraph(Broadcast("here"), Text("x", BOLD)), "\\<@here>**x**"),
    "another conversation": (paragraph(ChannelMention("general"), Text(" "), ChannelMention("a_b")), "\\#general #a\\_b"),
    "underline": (paragraph(Text("un"), Text("der", UNDERLINE), Text("line", UNDERLINE | BOLD)), "under**line**"),
    "a table": (
        document([Table((((Text("a"),), (Link("https://a.example", "b"),)), ((Text("|-|"),), ()), ((), (Text("d|"),))))]),
        "**a** | **[b](https://a.example)**  \n\\|-| |  \n&nbsp;| d|",
    ),
    "a table without names": (document([Table((((Text("a"),),),), header=False)]), "a"),
    "a table with an empty row": (document([Table((((Text("a"),),), ((),), ((Text("b"),),)))]), "**a**  \nb"),
    "a rule": (document([Paragraph((Text("a"),)), Rule()]), "a\n\n———"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_a_document_is_written(body: Document, expected: str) -> None:
    assert write(body) == expected


@given(nasty_lines)
@example("".join(TRICKS))
def test_text_is_only_ever_text(line: str) -> None:
    read = from_markdown(write(paragraph(Text(line))))
    assert all(isinstance(block, Paragraph) for block in read.blocks)
    content = [inline for block in read.blocks for inline in block.content]
    assert all(isinstance(inline, Text) and not inline.style for inline in content)
    assert seen(content) == seen([Text(line)])


@patient
@given(documents())
def test_what_is_written_is_read_with_the_same_structure_and_characters(body: Document) -> None:
    assert list(map(outline, from_markdown(write(body)).blocks)) == list(map(outline, body.blocks))


words = st.text(st.sampled_from("ab*_`[é日"), min_size=1, max_size=4).map(lambda some: f"a{some}z")
styled = st.builds(Text, words, st.sampled_from([Style.PLAIN, BOLD, ITALIC, BOLD | ITALIC, CODE, BOLD | CODE]))


@given(st.lists(styled, min_size=1, max_size=8))
def test_styles_between_blanks_are_kept_exactly(runs: list[Text]) -> None:
    spaced = [piece for run in runs for piece in (run, Text(" "))]
    assert from_markdown(write(paragraph(*spaced))) == paragraph(*spaced)


@given(st.lists(styled, min_size=1, max_size=8))
def test_styles_within_words_are_kept_or_left_out_but_never_shown_as_signs(runs: list[Text]) -> None:
    read = from_markdown(write(paragraph(*runs)))
    assert seen(read.blocks[0].content) == seen(runs)  # type: ignore[union-attr]


def outline(block: Block) -> object:
    """The structure with the visible characters, as far as Markdown keeps them."""
    match block:
        case Paragraph(content):
            return seen(content)
        case Heading(content, level):
            return min(level, 3), seen(content)
        case CodeBlock(text, language):
            return "code", text, language
        case Quote(blocks):
            return "quote", [outline(inner) for inner in blocks]
        case BulletList(items):
            return "bullets", [[outline(inner) for inner in item] for item in items]
        case NumberedList(items, start):
            return "numbers", start, [[outline(inner) for inner in item] for item in items]
        case Table(rows):
            return "".join("|".join(map(seen, row)) for row in rows if any(row))
        case Rule():
            return RULE


def seen(content: object) -> str:
    """The characters that a reader sees, without blanks."""
    return "".join(shown(inline) for inline in content if not isinstance(inline, LineBreak)).replace("\0", "\ufffd")  # type: ignore[attr-defined]


def shown(inline: Inline) -> str:
    if isinstance(inline, Broadcast):
        return f"<@{inline.name}>"
    text = inline.text if isinstance(inline, Link) else plain_inline(inline)
    return "".join(text.split())
