import pytest

from connectors.emoji import character, shortcode


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("+1", "👍"),
        ("thumbsup", "👍"),
        ("heart", "❤️"),
        ("flag-us", "🇺🇸"),
        ("us", "🇺🇸"),
        ("wave::skin-tone-3", "👋🏼"),
        ("thumbsup::skin-tone-6", "👍🏿"),
        ("handshake::skin-tone-2-4", "🫱🏻‍🫲🏽"),
    ],
)
def test_a_short_name_has_its_character(name: str, emoji: str) -> None:
    assert character(name) == emoji


def test_an_own_emoji_of_a_workspace_has_no_character() -> None:
    assert character("party_parrot") is None
    assert character("wave::skin-tone-9") is None


@pytest.mark.parametrize(
    ("emoji", "name"), [("👍", "+1"), ("❤️", "heart"), ("❤", "heart"), ("👋🏼", "wave::skin-tone-3")]
)
def test_a_character_has_its_short_name(emoji: str, name: str) -> None:
    assert shortcode(emoji) == name


@pytest.mark.parametrize("text", ["", "a", "👍👍", "\ufe0f"])
def test_what_is_not_one_emoji_has_no_short_name(text: str) -> None:
    assert shortcode(text) is None


def test_names_and_characters_lead_to_each_other() -> None:
    from connectors.emoji import _characters, _shortcodes

    assert {character(name) for name in _characters()} == {character(name) for name in _shortcodes().values()}
