"""What people do in the panes of the sandbox page, without a browser: it is done, or refused in words and not done."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

import connectors
from connectors.messages import MessageId
from connectors.sandbox import Shown, World, cast_of
from mio_hub.sandbox.deeds import DEEDS, LARGEST_FILE

every_platform = pytest.mark.parametrize("slug", connectors.slugs())

PICTURE = b"\x89PNG\r\n\x1a\n and so on"


class Visitor:
    """Somebody who acts as people of one platform through the page."""

    def __init__(self, client: Client, world: World, slug: str = "slack") -> None:
        self.client = client
        self.fake = world.fakes[slug]
        self.place = self.fake.places()[0].conversation
        self.me, self.other = (actor.name for actor in cast_of(slug)[:2])

    def do(self, deed: str, message: str = "", person: str = "", **more: Any) -> Any:
        words = {"platform": self.fake.slug, "person": person or self.me, "conversation": "general", "message": message}
        return self.client.post(reverse(f"sandbox:{deed}"), words | more)

    def said(self, text: str = "hello") -> MessageId:
        return MessageId(self.do("say", text=text).json()["id"])

    def shown(self) -> list[Shown]:
        return self.fake.shown(self.place)

    def refused(self, words: str, deed: str, *given: str, **more: Any) -> None:
        """It is refused with ``words``, and everything is as it was."""
        before = self.shown()
        answer = self.do(deed, *given, **more)
        assert answer.status_code in (400, 413)
        assert words in answer.json()["error"]
        assert self.shown() == before

    def picture(self, message: str, name: str, number: int = 0) -> Any:
        which = {"platform": self.fake.slug, "conversation": self.place, "message": message, "name": name}
        return self.client.get(reverse("sandbox:picture"), which | {"number": number})


@pytest.fixture(autouse=True)
def hub_with_sandbox(settings: Any, sandbox_url: str) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.MIO_SANDBOX_URL = sandbox_url


@pytest.fixture
def visitor(client: Client, world: World, request: pytest.FixtureRequest) -> Visitor:
    slug = request.node.callspec.params.get("slug", "slack") if hasattr(request.node, "callspec") else "slack"
    return Visitor(client, world, slug)


@every_platform
def test_a_message_is_answered_edited_reacted_to_and_deleted(visitor: Visitor, slug: str) -> None:
    root = visitor.said("first")
    answer = visitor.do("reply", root, text="an answer").json()["id"]
    assert visitor.do("edit", root, text="second").status_code == 201
    assert visitor.do("react", root, person=visitor.other, emoji="🎉").status_code == 201
    shown = {message.id: message for message in visitor.shown()}
    assert "second" in shown[root].html
    assert (shown[root].edited, shown[root].reactions) == (True, (("🎉", (visitor.other,)),))
    assert shown[answer].thread == root
    visitor.do("delete", answer)
    visitor.do("delete", root)
    assert visitor.shown() == []


@every_platform
def test_an_answer_to_an_answer_stands_in_the_same_thread(visitor: Visitor, slug: str) -> None:
    root = visitor.said()
    answer = visitor.do("reply", root, text="one").json()["id"]
    visitor.do("reply", answer, text="two")
    assert [message.thread for message in visitor.shown()] == [None, root, root]


@every_platform
def test_the_same_reaction_again_takes_it_back(visitor: Visitor, slug: str) -> None:
    message = visitor.said()
    visitor.do("react", message, emoji="❤")
    visitor.do("react", message, emoji=":heart:", person=visitor.other)
    [(emoji, people)] = visitor.shown()[0].reactions
    assert people == (visitor.me, visitor.other)
    visitor.do("react", message, emoji=emoji)
    assert visitor.shown()[0].reactions == ((emoji, (visitor.other,)),)


@every_platform
def test_a_file_is_shared_with_words_and_a_picture_is_shown(visitor: Visitor, slug: str) -> None:
    visitor.do("share", file=SimpleUploadedFile("notes.txt", b"plain"))
    message = visitor.do("share", text="see **this**", file=SimpleUploadedFile("cat.png", PICTURE)).json()["id"]
    shown = visitor.shown()[-1]
    assert (shown.id, shown.files) == (message, ("cat.png",))
    assert "<strong>this</strong>" in shown.html
    answer = visitor.picture(message, "cat.png")
    assert (answer.content, answer.headers["Content-Type"]) == (PICTURE, "image/png")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_only_what_every_browser_draws_is_served_as_a_picture(visitor: Visitor) -> None:
    page = visitor.do("share", file=SimpleUploadedFile("cat.png", b"<script>alert(1)</script>")).json()["id"]
    real = visitor.do("share", file=SimpleUploadedFile("dog.png", PICTURE)).json()["id"]
    assert visitor.picture(page, "cat.png").status_code == 404
    assert visitor.picture(page, "dog.png", 1).status_code == 404
    assert visitor.picture(real, "cat.png").status_code == 404
    assert visitor.picture(real, "dog.png", 1).status_code == 404
    assert visitor.picture("nowhere", "dog.png").status_code == 404
    assert visitor.picture(real, "dog.png").status_code == 200


@every_platform
def test_a_message_that_is_not_there_is_named(visitor: Visitor, slug: str) -> None:
    visitor.said()
    for deed, more in (("reply", {"text": "x"}), ("edit", {"text": "x"}), ("delete", {}), ("react", {"emoji": "👍"})):
        visitor.refused("not there any more", deed, "nowhere", **more)


@every_platform
def test_somebody_elses_message_stays_as_it_is(visitor: Visitor, slug: str) -> None:
    message = visitor.said()
    visitor.refused(f"Only {visitor.me} can change", "edit", message, visitor.other, text="hijacked")
    visitor.refused(f"Only {visitor.me} can change", "delete", message, visitor.other)


@pytest.mark.parametrize("emoji", ["hello", "👍👍", "<b>", "\x00", "1", "x" * 5000])
def test_what_is_no_emoji_is_refused(visitor: Visitor, emoji: str) -> None:
    message = visitor.said()
    visitor.refused("is not an emoji", "react", message, emoji=emoji)


def test_a_file_that_is_too_large_or_empty_is_refused(visitor: Visitor) -> None:
    visitor.refused("1 MB is the most", "share", file=SimpleUploadedFile("big.bin", bytes(LARGEST_FILE + 1)))
    visitor.refused("is empty", "share", file=SimpleUploadedFile("nothing.txt", b""))
    assert visitor.do("share", file=SimpleUploadedFile("fits.bin", bytes(LARGEST_FILE))).status_code == 201


@pytest.mark.parametrize("name", ["a:b.txt", "x" * 121, "what?.pdf"])
def test_a_file_name_that_some_platform_would_not_take_is_refused(visitor: Visitor, name: str) -> None:
    file = SimpleUploadedFile("x", b"content")
    file._name = name  # type: ignore[attr-defined]  # as a browser may send it
    visitor.refused("file name", "share", file=file)


@every_platform
def test_the_app_is_asked_in_the_platforms_own_way(visitor: Visitor, world: World, slug: str) -> None:
    asked = visitor.do("say", text="/mio help")
    if slug in ("slack", "zoom"):
        assert (asked.status_code, asked.json()["id"], visitor.shown()) == (201, None, [])
    else:
        assert "no slash commands here. Write “@" in asked.json()["error"]
        assert "mention" in visitor_shows(visitor, asked.json()["error"].split("“")[1].split("”")[0])


def visitor_shows(visitor: Visitor, text: str) -> str:
    visitor.said(text)
    return visitor.shown()[-1].html


def test_an_unknown_deed_has_no_address(client: Client) -> None:
    assert client.post("/sandbox/shout/", {}).status_code == 404


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_done_without_a_token_of_the_page(deed: str) -> None:
    assert Client(enforce_csrf_checks=True).post(reverse(f"sandbox:{deed}"), {}).status_code == 403


@pytest.mark.parametrize("deed", DEEDS)
def test_a_blank_form_is_explained(client: Client, deed: str) -> None:
    answer = client.post(reverse(f"sandbox:{deed}"), {})
    assert (answer.status_code, answer.json()["field"] in answer.json()["error"]) == (400, True)
