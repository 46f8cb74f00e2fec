"""HTML, read as a browser would show it and written so that only structure is markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.html import from_html, to_html
from connectors.richtext import (
    Broadcast,
    BulletList,
    ChannelMention,
    CodeBlock,
    Document,
    Heading,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Rule,
    Style,
    Table,
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


def test_an_image_is_told_and_named() -> None:
    body = from_html('<img src="x" alt="a &amp; b">')
    assert (plain(body), body.degraded) == ("[image: a & b]", ("image",))


def cells(*texts: str) -> tuple[tuple[Text, ...], ...]:
    return tuple((Text(text),) for text in texts)


@pytest.mark.parametrize(
    ("source", "header"),
    [
        ("<tr><th>a<th>b<tr><td>c<td>d", True),
        ("<thead><tr><td>a<td>b</thead><tbody><tr><th>c<td>d</tbody>", True),
        ("<tbody><tr><th>a<td>b<tr><td>c<td>d</tbody>", False),
    ],
)
def test_a_table_has_rows_and_perhaps_a_header(source: str, header: bool) -> None:
    assert one(f"<table>{source}</table>") == Table((cells("a", "b"), cells("c", "d")), header)


def test_a_cell_is_one_line_whatever_stands_in_it() -> None:
    source = "<p>a</p><p>b</p><ul><li>c<li>d</ul><pre>e\nf</pre><blockquote>g</blockquote><hr>"
    nested = "<table><tr><td>h<td>i</table><h1>j</h1>k<br>l"
    read = one(f"<table><tr><td>{source}{nested}</td></tr></table>")
    code = Text("e f", Style.CODE)
    told = (Text("a b • c • d "), code, Text(" g ——— h i j k l"))
    assert read == Table(((told,),), header=False)


def test_what_stands_between_rows_is_not_lost() -> None:
    source = "<table>x<caption>y</caption><tr>z<td>a</td>b</tr></table>"
    assert plain(from_html(source)) == "x\ny\nz | a b"


def test_a_rule_stands_between_blocks() -> None:
    assert from_html("a<hr>b").blocks == (Paragraph((Text("a"),)), Rule(), Paragraph((Text("b"),)))


@pytest.mark.parametrize("tag", ["u", "ins"])
def test_underlined_text_is_underlined(tag: str) -> None:
    assert one(f"<{tag}>x</{tag}>") == Paragraph((Text("x", Style.UNDERLINE),))


def test_headings_are_written_only_as_deep_as_asked() -> None:
    body = document([Heading((Text("a"),), 1), Heading((Text("b"),), 5)])
    assert to_html(body, deepest_heading=3) == "<h1>a</h1><h3>b</h3>"
    assert to_html(body) == "<p><strong>a</strong></p><p><strong>b</strong></p>"


def test_calls_to_everybody_are_written_as_the_platform_says() -> None:
    body = document([Paragraph((Broadcast("here"), Text(" "), ChannelMention("a&b")))])
    assert to_html(body) == '<p><span class="mention">@here</span> #a&amp;b</p>'
    assert to_html(body, broadcast=lambda called: f"<all {called.name}>") == "<p><all here> #a&amp;b</p>"


def test_special_tags_are_read_by_the_platform() -> None:
    special = {"x": lambda _: Text("said"), "y": lambda _: (), "b": lambda _: None}
    assert from_html("<b>a <x>b</x><y>c</y></b>", special) == from_html("<b>a said</b>")
