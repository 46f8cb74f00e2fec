"""HTML, read as a browser would show it and written so that only structure is markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.html import from_html, to_html
from connectors.richtext import (
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Style,
    Text,
    document,
    plain,
)
from tests.connectors.documents import documents, nasty_lines

OPENING = st.sampled_from("p b ul li table tr td pre h1 br hr blockquote at codeblock script svg title img".split())  # noqa: SIM905
TAGS = st.one_of(
    OPENING.map(lambda tag: f"<{tag}>"),
    OPENING.map(lambda tag: f"</{tag}>"),
    st.sampled_from(["<!--", "-->", "<a href=x>", "<img alt=x>", "&nbsp;", "&#0;", "&#x110000;", "<", ">", "text"]),
    st.sampled_from([" ", "\n", "\x00", "\ud800"]),
)


def one(source: str) -> object:
    (block,) = from_html(source).blocks
    return block


@given(st.lists(TAGS | st.text(max_size=5), max_size=30).map("".join))
def test_no_source_upsets_the_reader(source: str) -> None:
    body = from_html(source)
    assert body == document(body.blocks, body.degraded)


@pytest.mark.parametrize("tag", ["b", "div", "blockquote", "ul", "ol", "li", "table", "span", "td", "at"])
@pytest.mark.parametrize("depth", [39, 200, 1900, 30_000])
def test_deep_nesting_keeps_its_text(tag: str, depth: int) -> None:
    body = from_html(f"<{tag}>" * depth + "deep" + f"</{tag}>" * depth + "<p>after</p>")
    assert "deep" in plain(body)
    assert "after" in plain(body)
    assert from_html(to_html(body)).blocks


@given(documents(headings=False))
def test_what_is_written_is_read_again(body: Document) -> None:
    read = from_html(to_html(body))
    assert plain(read) == plain(body).replace("\xa0", " ")
    assert read.degraded == ()


@given(nasty_lines)
def test_typed_markup_stays_text(line: str) -> None:
    body = document([Paragraph((Text(line),))])
    assert from_html(to_html(body)) == document([Paragraph((Text(line.replace("\xa0", " ")),))])


def test_white_space_collapses_as_in_a_browser() -> None:
    assert one("<p>\n a \n <b> b</b> <i>c </i>\n d<br> e </p>") == one("<p>a <b>b</b> <i>c </i>d<br>e</p>")


def test_a_paragraph_of_only_blanks_vanishes() -> None:
    assert from_html("<p>a</p><p>&nbsp;</p><div><br></div><p>b</p>") == from_html("<p>a</p><p>b</p>")


def test_no_break_spaces_become_the_spaces_that_were_typed() -> None:
    assert one("<p>a&nbsp; b</p>") == Paragraph((Text("a  b"),))


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "java\nscript:x", " data:text/html,x", "/local", "file:///x", ""]
)
def test_a_link_with_another_scheme_is_only_its_text(href: str) -> None:
    assert one(f'<a href="{href}">x</a>') == Paragraph((Text("x"),))


def test_a_link_of_another_scheme_is_never_written() -> None:
    body = Document((Paragraph((Link("javascript:alert(1)", "x"),)),))
    assert to_html(body) == "<p>x</p>"


def test_an_address_with_spaces_is_mended() -> None:
    assert one('<a href=" https://x.example/a b">x</a>') == Paragraph((Link("https://x.example/a%20b", "x"),))


def test_scripts_styles_and_comments_are_no_text() -> None:
    assert plain(from_html("<style>p{}</style>a<!-- x --><script>b</script>c<title>d</title>")) == "ac"


def test_headings_know_their_level() -> None:
    assert one("<h3>T <em>x</em></h3>") == Heading((Text("T "), Text("x", Style.ITALIC)), 3)


def test_code_is_verbatim_in_both_of_its_forms() -> None:
    assert one("<pre>\n a\n  b\n</pre>") == CodeBlock(" a\n  b")
    assert one('<pre><code class="language-py">x &lt; y</code></pre>') == CodeBlock("x < y", "py")
    assert one('<codeblock class="Python"><code>a<br>&nbsp; b</code></codeblock>') == CodeBlock("a\n  b", "Python")


def test_lists_nest_and_keep_their_start() -> None:
    nested = one('<ol start="4"><li>a<ul><li>b</li></ul></li><ul><li>c</li></ul></ol>')
    b, c = (BulletList(((Paragraph((Text(text),)),),)) for text in "bc")
    assert nested == NumberedList(((Paragraph((Text("a"),)), b, c),), 4)


def test_a_quote_holds_blocks() -> None:
    assert one("<blockquote><p>a</p><p>b</p></blockquote>") == Quote((Paragraph((Text("a"),)), Paragraph((Text("b"),))))


@pytest.mark.parametrize(
    ("source", "text", "name"),
    [
        ("<table><tr><th>a</th><td><p>b</p><p>c</p></td></tr><tr><td>d</td></tr></table>", "a | b c\nd", "table"),
        ("<hr>", "———", "rule"),
        ('<img src="x" alt="a &amp; b">', "[image: a & b]", "image"),
        ("<u>x</u>", "x", "underline"),
    ],
)
def test_what_has_no_neutral_form_is_told_and_named(source: str, text: str, name: str) -> None:
    body = from_html(source)
    assert (plain(body), body.degraded) == (text, (name,))


def test_special_tags_are_read_by_the_platform() -> None:
    special = {"x": lambda _: Text("said"), "y": lambda _: (), "b": lambda _: None}
    assert from_html("<b>a <x>b</x><y>c</y></b>", special) == from_html("<b>a said</b>")
