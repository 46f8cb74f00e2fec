"""The fidelity page without a browser: public, the same for everybody, and it keeps nothing.

No test here may ask the database anything: pytest-django fails one that does.
"""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from redis import Redis

import connectors
from connectors.fidelity import table
from mio_hub.fidelity.preview import AS_WRITTEN, SAMPLE, panes
from mio_hub.fidelity.views import LONGEST
from tests.connectors.documents import nasty_text, patient

DRAWN = {
    "p", "br", "strong", "em", "s", "u", "code", "pre", "blockquote", "ul", "ol", "li", "a", "span", "hr", "table",
    "tbody", "tr", "th", "td",
}  # fmt: skip
"""Every element a pane may hold."""

ATTRIBUTES = {"href", "rel", "class", "start"}

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "```\"><script>alert(1)</script>\nx\n```",
    "| <b onclick=x> |\n|---|\n| </table><script>x</script> |",
    "<!channel> <@U1> <at id=\"0\">x</at>",
)  # fmt: skip


@pytest.fixture(autouse=True)
def a_hub_without_sandbox(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.MIO_SANDBOX_URL = ""


def asked(client: Client, text: str) -> Any:
    return client.post(reverse("fidelity:preview"), {"text": text})


# --- The page


def test_everybody_may_see_the_table(client: Client) -> None:
    page = html.fromstring(client.get(reverse("fidelity:page")).content)
    [found] = page.xpath("//table")
    names = [" ".join(th.text_content().split()) for th in found.xpath(".//th[@scope='row']")]
    assert names == [row.name for section in table() for row in section.rows]
    assert [th.text_content().strip() for th in found.xpath(".//th[@scope='col']")][1:] == [
        connector.platform.label for connector in connectors.everyone()
    ]
    assert len(found.xpath(".//td")) == len(names) * len(connectors.slugs())


def test_every_cell_says_in_words_what_becomes_of_its_construct(client: Client) -> None:
    page = html.fromstring(client.get(reverse("fidelity:page")).content)
    told = [cell.xpath("string(.//span[@class='verdict'])").strip() for cell in page.xpath("//td")]
    verdicts = [verdict for section in table() for row in section.rows for verdict in row.verdicts.values()]
    assert told == [verdict.how or str(verdict.kept) for verdict in verdicts]


def test_the_page_has_no_inline_script_and_no_inline_style(client: Client) -> None:
    answer = client.get(reverse("fidelity:page"))
    page = html.fromstring(answer.content)
    assert not page.xpath("//@style | //style | //script[not(@src)] | //@*[starts-with(name(), 'on')]")
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert all(src.startswith("/static/") for src in page.xpath("//script/@src"))


@pytest.mark.django_db
def test_the_start_page_leads_there(client: Client) -> None:
    assert f'href="{reverse("fidelity:page")}"' in client.get(reverse("start")).content.decode()


# --- The preview


def test_a_typed_text_is_drawn_for_every_platform(client: Client) -> None:
    answer = asked(client, "Good *morning*")
    drawn = answer.json()["panes"]
    assert [pane["slug"] for pane in drawn] == list(connectors.slugs())
    assert all(pane["messages"] == ["<p>Good <em>morning</em></p>"] for pane in drawn)
    assert all(pane["changes"] == [AS_WRITTEN] for pane in drawn)
    assert all("morning" in pane["payloads"][0] for pane in drawn)
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_sample_shows_that_platforms_differ() -> None:
    told = [tuple(pane.changes) for pane in panes(SAMPLE)]
    assert len(set(told)) == len(told)


def test_where_a_text_is_too_long_for_one_message_all_of_them_are_drawn() -> None:
    [zoom] = [pane for pane in panes("word " * 500) if pane.slug == "zoom"]
    assert len(zoom.messages) == len(zoom.payloads) == 3


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "> > >", "- "])
def test_where_nothing_is_said_nothing_is_drawn(client: Client, text: str) -> None:
    answer = asked(client, text)
    assert answer.status_code == 200
    assert all(pane["payloads"] == [] for pane in answer.json()["panes"])


def test_a_text_beyond_the_limit_is_refused_in_words(client: Client) -> None:
    assert asked(client, "x" * LONGEST).status_code == 200
    answer = asked(client, "x" * (LONGEST + 1))
    assert answer.status_code == 400
    assert "4,001 characters" in answer.json()["error"]
    assert "4,000" in answer.json()["error"]


def test_line_breaks_count_as_one_character_as_in_the_field(client: Client) -> None:
    assert asked(client, "x\r\n" * (LONGEST // 2)).status_code == 200


def test_nothing_is_drawn_without_a_token_of_the_page() -> None:
    assert asked(Client(enforce_csrf_checks=True), "x").status_code == 403


def test_the_preview_is_asked_by_posting_only(client: Client) -> None:
    assert client.get(reverse("fidelity:preview")).status_code == 405


# --- Hostile text


def faults(drawn: str) -> list[str]:
    """Elements, attributes and addresses that a pane must not hold."""
    body = html.fragment_fromstring(drawn, create_parent="section")
    elements = list(body.iterdescendants())
    found = [str(element.tag) for element in elements if element.tag not in DRAWN]
    found += [name for element in elements for name in element.attrib if name not in ATTRIBUTES]
    links = [element.get("href") for element in elements if "href" in element.attrib]
    return found + [link for link in links if not str(link).lower().startswith(("http://", "https://", "mailto:"))]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_never_becomes_markup(text: str) -> None:
    for pane in panes(text):
        assert [faults(drawn) for drawn in pane.messages] == [[]]


@patient
@given(nasty_text, st.sampled_from(["", "> ", "- ", "| ", "```\n"]))
def test_no_text_becomes_foreign_markup_or_an_accident(text: str, before: str) -> None:
    for pane in panes(before + text):
        assert not [fault for drawn in pane.messages for fault in faults(drawn)]


# --- Nothing is kept


def test_what_is_typed_is_kept_nowhere(
    client: Client, redis: Redis, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The database is watched by pytest-django: asking it anything would fail this test."""
    asked(client, "a canary sings")
    assert [key for key in redis.scan_iter() if not key.startswith(b"limit:")] == []  # who asked counts for a minute
    assert "canary" not in caplog.text + "".join(capfd.readouterr())
    assert "canary" not in client.get(reverse("fidelity:page")).content.decode()
    assert [pane["messages"] for pane in asked(client, "silence").json()["panes"]] == [["<p>silence</p>"]] * 4
