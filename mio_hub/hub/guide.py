"""A platform's ``setup.md`` as the parts that the Hub's pages show: what to check first, the service user, one's own app."""

import re
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_PART = re.compile(r"^## (.+)$", re.MULTILINE)
_TASK = re.compile(r"<li>\[[ x]\] ")


def parts(slug: str, product: str) -> dict[str, SafeString]:
    """HTML by heading. The text is our own, and written without HTML."""
    found = _PART.split(_text(slug))[1:]
    values = {"{hub_domain}": urlsplit(settings.MIO_BASE_URL).hostname or "", "{product}": product}
    return {title: _html(text, values) for title, text in zip(found[::2], found[1::2], strict=True)}


@cache
def _text(slug: str) -> str:
    found = files("connectors") / slug / "setup.md"
    return found.read_text() if found.is_file() else ""


def _html(text: str, values: dict[str, str]) -> SafeString:
    for name, value in values.items():
        text = text.replace(name, value)
    html = MarkdownIt("commonmark", {"html": False}).render(text)
    return mark_safe(_TASK.sub('<li class="task">', html))  # noqa: S308 (our own file, rendered without HTML in it)
