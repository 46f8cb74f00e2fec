"""What platforms share about names and topics of conversations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.naming import one_line, shortened, units


@given(st.text(), st.integers(1, 40))
def test_nothing_is_longer_than_it_may_be(text: str, longest: int) -> None:
    short = shortened(text, longest)
    assert units(short) <= longest
    assert short == text or short.endswith("…")


@pytest.mark.parametrize(
    ("text", "short"),
    [("abcde", "abcde"), ("abcdef", "abcd…"), ("ab  cdef", "ab…"), ("ab👩‍👩‍👧cd", "ab…"), ("", "")],
)
def test_a_cut_is_between_characters_as_a_reader_sees_them(text: str, short: str) -> None:
    assert shortened(text, 5) == short


@pytest.mark.parametrize(
    ("text", "line"),
    [(" a\n\tb\x00c ", "a b c"), ("a\u202eb\ud800", "ab"), ("👩\u200d👧", "👩\u200d👧"), ("\u200b \ufeff", "")],
)
def test_a_line_shows_all_that_it_holds(text: str, line: str) -> None:
    assert one_line(text) == line
