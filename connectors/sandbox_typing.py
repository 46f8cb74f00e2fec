"""What Slack's and Zoom's clients alike make of what a person types."""

import re

from connectors.emoji import character
from connectors.markdown import from_markdown
from connectors.richtext import Document, Inline, Style, Text, map_inlines

_SHORT_NAME = re.compile(r":([\w+-]+(?:::skin-tone-\d(?:-\d)?)?):")


def from_typed(text: str) -> Document:
    """The markup a person knows, with each short name (``:tada:``) as the emoji itself."""
    return map_inlines(from_markdown(text), _with_emoji)


def _with_emoji(inline: Inline) -> Inline:
    if not isinstance(inline, Text) or Style.CODE in inline.style:
        return inline
    return Text(_SHORT_NAME.sub(lambda found: character(found[1]) or found[0], inline.text), inline.style)
