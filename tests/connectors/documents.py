"""Hypothesis strategies: documents in normal form, and the texts that people type to break things.

``documents(mention_ids=…, conversation_ids=…)`` takes the platform's own form of ids, since a renderer may check it; a
construct that a platform has no form for is switched off by name.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from connectors.messages import AccountId, ConversationId
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
    document,
)

patient = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
"""For properties of whole documents: how long one takes depends on how busy the machine is."""

TRICKS = (
    "<!here>", "<!channel>", "<!everyone|x>", "<@U0ALICE001>", "<@all>", "<@personId:abc>", "<@!1>", "@here",
    "@channel", "@everyone", "@all", "<#C0GENERAL1|general>", "<!subteam^S1|x>", "<!date^0^{date}|x>",
    "<https://evil.example|safe>",
    "https://evil.example/?a=1&b=2", "[safe](https://evil.example)", "![x](https://evil.example/x.png)",
    "<a href=\"https://evil.example\">x</a>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</div>",
    "<br>",
    "<at id=\"0\">Ann</at>", "<spark-mention data-object-type='person'>", "<blockquote>", "<!-- x -->", "<![CDATA[x]]>",
    "&lt;b&gt;", "&amp;", "&#60;", "&nbsp;", "*bold*", "**bold**", "_italic_", "__bold__", "~strike~", "~~strike~~",
    "`code`", "```", "```py", "> quote", ">>> quote", "- item", "* item", "+ item", "1. one", "1) one", "# heading",
    "===", "---", "***", "| a | b |", "|---|", ":wave:", ":not_an_emoji:", "\\*", "\\", "\\\\n", "[^1]", "{{x}}", "%s",
    "$x$", "[ ]", "[]()", "<>", "<", ">", "&", "|", "a_b_c", "2 * 3 * 4", "~/file", "C:\\new",
    "👩‍👩‍👧‍👦", "👍🏽", "🇫🇷", "é",
    "مرحبا", "日本語", "\u200b", "\u202e", "\ufeff", "\u00a0", "\u2028", "'; DROP TABLE x; --",
)  # fmt: skip
"""Markup of every platform and of the web around them, and characters that cut or count badly."""


def _trick(number: int) -> str:
    return TRICKS[number]


_LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"))

nasty_lines: SearchStrategy[str] = st.lists(
    st.one_of(
        st.integers(0, len(TRICKS) - 1).map(_trick),
        st.sampled_from([" ", "  ", "a", "word"]),
        st.text(_LETTERS, max_size=8),
    ),
    min_size=1,
    max_size=6,
).map("".join)
"""One line that a hostile or unlucky person typed: any characters but control characters and line breaks."""

nasty_text: SearchStrategy[str] = st.lists(nasty_lines, min_size=1, max_size=4).map("\n".join)
"""The same over several lines."""

styles: SearchStrategy[Style] = st.lists(st.sampled_from([Style.BOLD, Style.ITALIC, Style.STRIKE]), max_size=2).map(
    lambda some: Style.PLAIN if not some else some[0] | some[-1]
)
underlined: SearchStrategy[Style] = styles.map(lambda style: style | Style.UNDERLINE)
any_style: SearchStrategy[Style] = styles | st.just(Style.CODE)
"""Code stands alone: most platforms cannot combine it."""

urls: SearchStrategy[str] = st.sampled_from(
    [
        "https://example.com",
        "https://example.com/a_b/(c)?x=1&y=%20#z",
        "http://localhost:8000/*",
        "https://example.com/日本",
        "mailto:ann@acme.example",
    ]
)
_WORDS = st.sampled_from(["Ann", "word", "two words", "x", "naïve", "日本語", "a*b", "<b>", "&", "[x]"])
links: SearchStrategy[Link] = st.one_of(urls.map(lambda url: Link(url, url)), st.builds(Link, urls, _WORDS, styles))
names: SearchStrategy[str] = st.sampled_from(["Ann Moreau", "Bob", "O'Neil", "Zoë <x>", "here", "a_b"])
emojis: SearchStrategy[Emoji] = st.sampled_from(["party_parrot", "acme-logo", "shipit2"]).map(Emoji)
broadcasts: SearchStrategy[Broadcast] = st.sampled_from(["here", "channel", "all"]).map(Broadcast)
channel_names: SearchStrategy[str] = st.sampled_from(["general", "coffee-break", "a_b", "日本", "x<y>"])
codes: SearchStrategy[str] = nasty_text.map(lambda text: text.strip("\n")).filter(str.strip)
languages: SearchStrategy[str] = st.sampled_from(["", "", "python", "json"])


def inlines(
    texts: SearchStrategy[str] = nasty_lines,
    mention_ids: SearchStrategy[str] | None = None,
    conversation_ids: SearchStrategy[str] | None = None,
    *,
    underline: bool = True,
    broadcast: bool = True,
    channels: bool = True,
) -> SearchStrategy[list[Inline]]:
    """The content of a paragraph, before it is made normal; no two line breaks in a row."""
    accounts = st.none() if mention_ids is None else st.none() | mention_ids.map(AccountId)
    conversations = st.none() if conversation_ids is None else st.none() | conversation_ids.map(ConversationId)
    choices: list[SearchStrategy[Inline]] = [
        st.builds(Text, texts, any_style | underlined if underline else any_style),
        st.builds(Text, texts),
        links,
        st.builds(Mention, names, accounts),
        emojis,
        st.just(LineBreak()),
    ]
    choices += [broadcasts] if broadcast else []
    choices += [st.builds(ChannelMention, channel_names, conversations)] if channels else []
    return st.lists(st.one_of(choices), min_size=1, max_size=6).map(_without_blank_lines)


def _without_blank_lines(content: list[Inline]) -> list[Inline]:
    """A blank line is the border of two paragraphs, so none is within one."""
    kept: list[Inline] = []
    for inline in content:
        blank = isinstance(inline, LineBreak) or (isinstance(inline, Text) and not inline.text.strip())
        if not (blank and kept and isinstance(kept[-1], LineBreak)):
            kept.append(inline)
    return kept


def blocks(
    content: SearchStrategy[list[Inline]],
    depth: int = 2,
    headings: bool = True,
    *,
    tables: bool = True,
    rules: bool = True,
) -> SearchStrategy[Block]:
    """Blocks nested up to ``depth``; a list item is a paragraph, perhaps followed by a list."""
    paragraphs = content.map(lambda some: Paragraph(tuple(some)))
    plain: list[SearchStrategy[Block]] = [paragraphs, paragraphs, st.builds(CodeBlock, codes, languages)]
    if headings:
        plain.append(st.builds(Heading, content.map(tuple), st.integers(1, 6)))
    if tables:
        plain.append(_tables(content))
    if rules:
        plain.append(st.just(Rule()))
    if depth:
        lists = _lists(paragraphs, depth)
        plain += [lists, st.lists(paragraphs | lists, min_size=1, max_size=3).map(lambda some: Quote(tuple(some)))]
    return st.one_of(plain)


def _tables(content: SearchStrategy[list[Inline]]) -> SearchStrategy[Table]:
    """All rows have as many cells as the first; a cell may be empty."""
    cell: SearchStrategy[tuple[Inline, ...]] = content.map(tuple) | st.just(())

    def of_width(width: int) -> SearchStrategy[Table]:
        row = st.lists(cell, min_size=width, max_size=width).map(tuple)
        return st.builds(Table, st.lists(row, min_size=1, max_size=3).map(tuple), st.booleans())

    return st.integers(1, 3).flatmap(of_width)


def _lists(paragraphs: SearchStrategy[Paragraph], depth: int) -> SearchStrategy[BulletList | NumberedList]:
    item: SearchStrategy[tuple[Block, ...]] = paragraphs.map(lambda paragraph: (paragraph,))
    if depth > 1:
        item |= st.tuples(paragraphs, _lists(paragraphs, depth - 1))
    items = st.lists(item, min_size=1, max_size=3).map(tuple)
    return st.builds(BulletList, items) | st.builds(NumberedList, items, st.sampled_from([1, 1, 3]))


def documents(
    texts: SearchStrategy[str] = nasty_lines,
    mention_ids: SearchStrategy[str] | None = None,
    headings: bool = True,
    conversation_ids: SearchStrategy[str] | None = None,
    *,
    underline: bool = True,
    broadcast: bool = True,
    channels: bool = True,
    tables: bool = True,
    rules: bool = True,
) -> SearchStrategy[Document]:
    """Documents of one to four blocks in normal form, without anything degraded; never empty."""
    content = inlines(texts, mention_ids, conversation_ids, underline=underline, broadcast=broadcast, channels=channels)
    some = st.lists(blocks(content, headings=headings, tables=tables, rules=rules), min_size=1, max_size=4)
    return some.map(document).filter(lambda made: bool(made.blocks))
