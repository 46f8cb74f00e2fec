"""The fidelity table: it has a row for everything, its verdicts are measured, and it says so in words."""

from inspect import getmembers, isabstract, isclass
from pathlib import Path
from typing import get_args

import pytest

import connectors
from connectors import contract
from connectors.constructs import CONSTRUCTS, Construct, parts
from connectors.contract import Connector, FetchesMessages
from connectors.directory import ListsAccounts, ListsMembers
from connectors.fidelity import CONDUCT, Kept, Verdict, changes, compared, table
from connectors.markdown import from_markdown
from connectors.rehearsal import Rehearsal
from connectors.richtext import Block, Inline, Style, Text, plain

SNAPSHOT = Path(__file__).with_name("fidelity.txt")

UNSEEN = {Connector, FetchesMessages, ListsAccounts, ListsMembers}
"""What people do not notice: by these the Hub finds things out."""


def verdict(name: str, slug: str) -> Verdict:
    return next(row.verdicts[slug] for section in table() for row in section.rows if row.name == name)


# --- Every construct has a row


@pytest.mark.parametrize("kind", [*get_args(Block), *get_args(Inline)], ids=lambda kind: kind.__name__)
def test_every_construct_of_a_document_has_a_row(kind: type) -> None:
    assert any(isinstance(part, kind) for one in CONSTRUCTS for part in parts(one.sample.blocks))


@pytest.mark.parametrize("style", Style)
def test_every_style_has_a_row(style: Style) -> None:
    texts = [part for one in CONSTRUCTS for part in parts(one.sample.blocks) if isinstance(part, Text)]
    assert any(style in text.style for text in texts)


def test_every_ability_that_people_notice_has_a_row() -> None:
    abilities = {
        one for _, one in getmembers(contract, isclass) if isabstract(one) and one.__module__ == contract.__name__
    } - UNSEEN
    assert abilities == {deed.ability for deed in CONDUCT if deed.ability}


@pytest.mark.parametrize("construct", CONSTRUCTS, ids=lambda one: one.name)
def test_a_construct_is_recognised_in_its_own_sample(construct: Construct) -> None:
    assert construct.is_in(construct.sample)


def test_names_of_rows_differ() -> None:
    names = [row.name for section in table() for row in section.rows]
    assert len(names) == len(set(names))


# --- Verdicts


def test_no_text_is_lost_anywhere() -> None:
    lost = [
        (row.name, slug)
        for section in table()
        for row in section.rows
        for slug, told in row.verdicts.items()
        if told.kept is Kept.LOST
    ]
    assert lost == []


def test_known_truths_come_out_of_the_measurement() -> None:
    assert verdict("Strikethrough", "slack").kept is Kept.NATIVE
    assert verdict("Strikethrough", "webex") == Verdict(Kept.CHANGED, "as plain text")
    assert verdict("Heading, third level", "slack") == Verdict(Kept.CHANGED, "as bold text")
    assert verdict("Reaction", "webex") == Verdict(Kept.CHANGED, "as one line in the thread")
    assert verdict("Edit of formatted text", "zoom") == Verdict(Kept.CHANGED, "without its formatting")
    assert verdict("File", "zoom") == Verdict(Kept.NATIVE, "up to 20 MB")


def test_what_is_changed_is_said_in_words() -> None:
    rows = [row for section in table() for row in section.rows]
    assert all(told.how for row in rows for told in row.verdicts.values() if told.kept is Kept.CHANGED)


@pytest.mark.parametrize(
    ("said", "heard", "kept"),
    [
        ("**word**", "**word**", Kept.NATIVE),
        ("**word**", "word", Kept.CHANGED),
        ("two words", "two", Kept.LOST),
        ("Good 😀", "Good", Kept.LOST),
        ("twice twice", "twice", Kept.LOST),
        ("[a](https://example.com)", "a", Kept.LOST),
        ("a\n\n---", "a", Kept.LOST),
        ("- a", "a", Kept.CHANGED),
    ],
)
def test_what_keeps_its_words_is_changed_and_anything_less_is_lost(said: str, heard: str, kept: Kept) -> None:
    assert compared(from_markdown(said), from_markdown(heard), lambda *_: "somehow").kept is kept


@pytest.mark.parametrize("slug", connectors.slugs())
def test_every_platform_is_in_every_row(slug: str) -> None:
    assert all(slug in row.verdicts for section in table() for row in section.rows)


def test_the_table_reads_as_it_did() -> None:
    """A change here is a change people see. ``SNAPSHOT`` is written anew by deleting it and running this test."""
    told = "".join(
        f"{row.name} | " + " | ".join(f"{slug}: {v.how or v.kept}" for slug, v in row.verdicts.items()) + "\n"
        for section in table()
        for row in section.rows
    )
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(told)
        pytest.fail("written anew: look at the difference")
    assert told == SNAPSHOT.read_text()


# --- One document


def changed(slug: str, text: str) -> list[str]:
    body = from_markdown(text)
    return changes(slug, body, Rehearsal(slug).say(body))


@pytest.mark.parametrize("slug", connectors.slugs())
def test_a_plain_text_arrives_as_written_everywhere(slug: str) -> None:
    assert changed(slug, "Good **morning**") == []


def test_what_changed_in_a_document_is_told_with_its_reason() -> None:
    assert changed("webex", "~~no~~\n\n---\n\nyes") == [
        "Strikethrough: as plain text.",
        "Horizontal rule: as a row of dashes.",
    ]


def test_constructs_that_change_alike_are_told_together() -> None:
    assert "List in a list, bullets in a numbered list: as indented lines." in changed("zoom", "1. a\n   - b\n")


def test_a_table_that_text_follows_is_told_as_what_it_became() -> None:
    assert changed("slack", "| a | b |\n|---|---|\n| 1 | 2 |\n\nafter") == [
        "Table, with text after it: as text in a code block."
    ]


def test_a_long_text_is_told_in_messages() -> None:
    text = "word " * 500
    assert changed("zoom", text) == ["In 3 messages: one would be too long."]
    assert changed("teams", text) == []


@pytest.mark.parametrize("slug", connectors.slugs())
def test_a_rehearsal_is_alone(slug: str) -> None:
    first, second = Rehearsal(slug), Rehearsal(slug)
    first.say(from_markdown("secret"))
    assert len(first.drawn()) == 1
    assert second.drawn() == []


@pytest.mark.parametrize("slug", connectors.slugs())
def test_what_is_sent_can_be_looked_at(slug: str) -> None:
    said = Rehearsal(slug).say(from_markdown("hello"))
    assert [("hello" in payload) for payload in said.payloads] == [True]
    assert plain(said.body) == "hello"
