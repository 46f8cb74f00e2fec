"""What is promised of every platform's text alike: nothing typed becomes more than text, nothing is too long or lost."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given

import connectors
from connectors.contract import Connector, Credentials, Rendered
from connectors.messages import (
    AccountId,
    Byline,
    ConversationId,
    Draft,
    Kind,
    MessageId,
    Posted,
    Reference,
    WorkspaceId,
)
from connectors.richtext import (
    Block,
    Broadcast,
    BulletList,
    ChannelMention,
    CodeBlock,
    Document,
    Emoji,
    Heading,
    LineBreak,
    Link,
    Mention,
    NumberedList,
    Paragraph,
    Quote,
    Style,
    Table,
    Text,
    document,
    inlines,
    plain_inline,
)
from connectors.splitting import clusters
from connectors.webex import ids as webex_ids
from connectors.webex.sandbox_text import service_html
from tests.connectors.documents import TRICKS, nasty_lines, patient

PEOPLE = {
    "slack": AccountId("U0ALICE001"),
    "teams": AccountId("11111111-2222-4333-8444-555555555555"),
    "webex": webex_ids.account("11111111-2222-4333-8444-555555555555"),
    "zoom": AccountId("member:aQ8"),
}
PLACES = {
    "slack": "C0GENERAL1",
    "teams": "3d1f6a20-6a52-4c4e-9c70-1b5c8c1f0a11/19:abc@thread.tacv2",
    "webex": "Y2lzY29zcGFyazovL3VzL1JPT00vcm9vbQ",
    "zoom": "5d0c3b7e9a1f4c62b8d4e7f09a2c6b13",
}
AROUND: dict[str, dict[str, Any]] = {
    "slack": {"type": "message", "user": "U0BOB00001", "ts": "1767225600.000100"},
    "teams": {"messageType": "message", "from": {"user": {"id": "bob"}}},
    "webex": {"personId": PEOPLE["webex"], "created": "2026-03-02T10:15:30.123Z"},
    "zoom": {"operator_id": "bob"},
}
"""What a platform tells around a text."""

GIVEN = "https://example.com"


def connector(slug: str) -> Connector:
    return connectors.get(slug)(Credentials(WorkspaceId("workspace"), AccountId("hub"), {}))


def draft(slug: str, body: Document, byline: Byline | None = None) -> Draft:
    return Draft(ConversationId(PLACES[slug]), body, "n1", byline)


def heard_back(slug: str, payload: dict[str, Any]) -> Document:
    """What another Hub would read from our post, once the platform has made of it what it does."""
    told = AROUND[slug] | payload
    if slug == "webex":
        told["html"] = service_html(payload["markdown"], lambda key: (key, "Ann") if key == PEOPLE[slug] else None)
    if slug == "zoom":
        items = payload.get("at_items", [])
        told["at_items"] = [item | {"at_contact_member_id": item.get("at_contact", "")} for item in items]
    reference = Reference(Kind.POSTED, ConversationId(PLACES[slug]), MessageId("1767225600000"))
    event = connector(slug).parse(told, reference)
    return event.message.body if isinstance(event, Posted) else Document(())


# --- Nothing typed becomes more than text

WHERE: dict[str, Callable[[str, AccountId], Block]] = {
    "text": lambda typed, _: Paragraph((Text(typed),)),
    "lines": lambda typed, _: Paragraph((Text("a"), LineBreak(), Text(typed), LineBreak(), Text(typed))),
    "styles": lambda typed, _: Paragraph((Text("a"), Text(typed, Style.BOLD), Text(typed, Style.ITALIC), Text("b"))),
    "inline code": lambda typed, _: Paragraph((Text("a "), Text(typed, Style.CODE))),
    "code": lambda typed, _: CodeBlock(typed),
    "language of code": lambda typed, _: CodeBlock("x = 1", typed),
    "heading": lambda typed, _: Heading((Text(typed),)),
    "quote": lambda typed, _: Quote((Paragraph((Text(typed),)),)),
    "item": lambda typed, _: BulletList(((Paragraph((Text(typed),)),), (Paragraph((Text(typed),)),))),
    "number": lambda typed, _: NumberedList(((Paragraph((Text(typed),)),),), 3),
    "table": lambda typed, _: Table((((Text(typed),), (Text("b"),)), ((Text("c"),), (Text(typed),)))),
    "label of a link": lambda typed, _: Paragraph((Link(GIVEN, typed),)),
    "name of a stranger": lambda typed, _: Paragraph((Mention(typed), Text(" x"))),
    "name of a person": lambda typed, person: Paragraph((Text("x "), Mention(typed, person), Text(" x"))),
    "name of a channel": lambda typed, _: Paragraph((ChannelMention(typed, ConversationId("elsewhere")),)),
    "name of an emoji": lambda typed, _: Paragraph((Emoji(typed),)),
}
"""Every place of a document where somebody's words stand."""


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("slug", connectors.slugs())
def test_what_is_typed_calls_nobody_and_links_nowhere(slug: str, where: str) -> None:
    @patient
    @given(nasty_lines)
    @example(" ".join(TRICKS))
    @example("".join(TRICKS))
    def holds(typed: str) -> None:
        body = document([WHERE[where](typed, PEOPLE[slug])])
        only_what_was_meant(slug, connector(slug).render(draft(slug, body)).payload, "person" in where)

    holds()


@pytest.mark.parametrize("slug", connectors.slugs())
def test_a_name_in_a_byline_calls_nobody_and_links_nowhere(slug: str) -> None:
    @patient
    @given(nasty_lines)
    @example(" ".join(TRICKS))
    def holds(typed: str) -> None:
        said = draft(slug, document([Paragraph((Text("x"),))]), Byline(typed, "Slack", f"javascript:{typed}"))
        only_what_was_meant(slug, connector(slug).render(said).payload, False)

    holds()


def only_what_was_meant(slug: str, payload: dict[str, Any], names_somebody: bool) -> None:
    found = list(inlines(heard_back(slug, payload).blocks))
    assert {one.account for one in found if isinstance(one, Mention) and one.account} <= (
        {PEOPLE[slug]} if names_somebody else set()
    )
    assert {one.url for one in found if isinstance(one, Link)} <= {GIVEN}
    assert not [one for one in found if isinstance(one, Broadcast)]
    assert not [one for one in found if isinstance(one, ChannelMention) and one.conversation]


@pytest.mark.parametrize("slug", connectors.slugs())
def test_a_name_of_any_length_leaves_room_for_the_text(slug: str) -> None:
    said = draft(slug, document([Paragraph((Text("word " * 2_000),))]), Byline("<&日" * 10_000, "Slack"))
    speaker = connector(slug)
    parts = speaker.parts(said)
    assert all(part.size <= speaker.platform.limits.text for part in parts)
    assert len(parts) < 20


# --- Nothing is too long, nothing is lost

LETTERS = {
    "an endless word": "a",
    "words": "word ",
    "escaped signs": '<&>"* ',
    "backticks": "` ",
    "an emoji of many parts": "👩‍👩‍👧‍👦",
    "flags": "🇫🇷",
    "skin tones": "👍🏽",
    "letters with many marks": "e" + "\u0301" * 7,
    "Devanagari": "क्षि",
    "Arabic": "مرحبا ",
    "Japanese": "日本語",
    "lines": "line\n",
}
LONG = 40_000
"""Characters: what Slack lets a person send."""


def long(letters: str) -> str:
    return (letters * (LONG // len(letters))).strip()


SHAPES: dict[str, Callable[[str], Document]] = {
    "paragraph": lambda text: document([Paragraph((Text(text),))]),
    "bold": lambda text: document([Paragraph((Text("a "), Text(text, Style.BOLD)))]),
    "inline code": lambda text: document([Paragraph((Text(text.replace("\n", " "), Style.CODE),))]),
    "code": lambda text: document([CodeBlock(text, "python")]),
    "heading": lambda text: document([Heading((Text(text.replace("\n", " ")),))]),
    "label": lambda text: document([Paragraph((Link(GIVEN, text.replace("\n", " ")),))]),
    "nested": lambda text: document([nested(5, Paragraph((Text(text),)))]),
    "cell": lambda text: document([Table((((Text(text.replace("\n", " ")),), (Text("b"),)),), header=False)]),
}


CASES = [
    (shape, letters)
    for shape in SHAPES
    for letters in LETTERS
    if shape == "paragraph" or letters in ("words", "an emoji of many parts") or (shape, letters) == ("nested", "lines")
]
"""Every kind of letters in a paragraph, and every shape with those that are cut in different places."""


def nested(depth: int, block: Block) -> Block:
    for level in range(depth):
        block = BulletList(((Paragraph((Text("x"),)), block),)) if level % 2 else Quote((block,))
    return block


@pytest.mark.parametrize("slug", connectors.slugs())
@pytest.mark.parametrize(("shape", "letters"), CASES)
def test_forty_thousand_characters_fit_and_lose_nothing(slug: str, letters: str, shape: str) -> None:
    speaker, body = connector(slug), SHAPES[shape](long(LETTERS[letters]))
    bodies: list[Document] = []

    def remembered(said: Draft) -> Rendered:
        bodies.append(said.body)
        return render(said)

    render, speaker.render = speaker.render, remembered  # type: ignore[method-assign]
    parts = speaker.parts(draft(slug, body, Byline("Ann Moreau", "Slack")))
    assert len(parts) > 1
    assert all(part.size <= speaker.platform.limits.text for part in parts)
    said = bodies[-len(parts) :]
    assert "".join(_spoken(said)) == "".join(_spoken([body]))
    if shape == "paragraph":
        seen = {character for part in said for character in clusters(_text(part))}
        assert seen <= set(clusters(LETTERS[letters] * 2)), "a character was cut"


def _spoken(parts: list[Document]) -> Iterator[str]:
    """Every visible character of text; what frames it stands around each part."""
    for part in parts:
        yield "".join(_text(part).replace("|", "").split())


def _text(part: Document) -> str:
    return "".join(text for block in part.blocks for text in _texts(block))


def _texts(block: Block) -> Iterator[str]:
    if isinstance(block, CodeBlock):
        yield block.text
    else:
        yield from map(plain_inline, inlines((block,)))
