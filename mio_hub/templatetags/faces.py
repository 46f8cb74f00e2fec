"""What templates draw over and over, drawn once: icons, logos, how somebody stands on a platform.

Each is remembered by what it says. That is little: the names are those in our templates and our platforms' and connections'.
"""

from functools import cache, lru_cache

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

from accounts.people_list import Cell

register = template.Library()


@register.simple_tag
@cache
def icon(name: str, size: int = 20, tone: str = "") -> SafeString:
    """A drawing of Lucide, beside words that say the same: screen readers pass it over."""
    return SafeString(lucide(name, size=size, aria_hidden="true", focusable="false", **{"class": f"icon {tone}"}))


@register.filter
@cache
def logo(slug: str) -> str:
    """The address of a platform's drawing."""
    return reverse("logo", args=[slug])


@register.filter
def standing(cell: Cell) -> SafeString:
    """Where a cell of User Sync is, and its word for that."""
    return _standing(str(cell.installation), cell.word, cell.tone, cell.kind)


@lru_cache(maxsize=1000)
def _standing(where: str, word: str, tone: str, kind: str) -> SafeString:
    told = {"where": where, "word": word, "tone": tone, "kind": kind}
    return render_to_string("hub/people/standing.html", told)
