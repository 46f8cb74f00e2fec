"""Files cross as files, byte for byte; what cannot cross is named and linked where it was to be seen."""

from typing import Any

import pytest

from relay.models import ConversationLink
from tests.house import House
from tests.stories.test_conversation import SPEAKERS, Talk, everywhere

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def share(talk: Talk, name: str, data: bytes, text: str = "") -> Any:
    fake: Any = talk.fake
    return fake.share_as(talk.who, talk.place, name, data, text)


def files(house: House, slug: str) -> list[tuple[str, bytes]]:
    fake: Any = house.world.fakes[slug]
    return fake.files(house.place(slug))  # type: ignore[no-any-return]


@pytest.fixture
def talk(house: House, source: str) -> Talk:
    return Talk(house, source, source)


@everywhere
def test_a_file_and_its_text_cross_and_are_taken_back_together(talk: Talk, source: str) -> None:
    message = share(talk, "plan.pdf", b"%PDF-1.7 all of it", "here is the plan")
    talk.each("here is the plan")
    for target in talk.others:
        assert files(talk.house, target) == [("plan.pdf", b"%PDF-1.7 all of it")]
        assert all(SPEAKERS[source] in one.author + one.html for one in talk.house.messages(target))
    talk.delete(message)
    assert talk.nowhere("")


@everywhere
def test_a_picture_without_a_word_crosses_as_one_message(talk: Talk, source: str) -> None:
    share(talk, "cat.png", PICTURE)
    talk.each("")
    assert all(files(talk.house, target) == [("cat.png", PICTURE)] for target in talk.others)


@everywhere
def test_a_file_that_may_not_come_in_is_named(talk: Talk, source: str) -> None:
    ConversationLink.objects.update(allows_files=False)
    share(talk, "plan.pdf", b"%PDF-1.7", "see this")
    for target, copy in talk.each("").items():
        assert files(talk.house, target) == []
        for words in ("see this", "plan.pdf", "not let in"):
            assert words in copy.html
