"""What templates draw over and over, drawn once: icons, logos, how somebody stands on a platform.

Each is remembered by what it says. That is little: the names are those in our templates and our platforms' and connections'.
"""

from functools import cache, lru_cache

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

from accounts.people_list import Cell, Row

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


@register.simple_tag
def standing(row: Row, cell: Cell, may_change: bool) -> SafeString:
    """One line of a person's in User Sync: where, how it is there, and the button for what can be done.

    A page shows a hundred of them, and a template for each would be a quarter of what the page costs.
    """
    where, deed, button = str(cell.installation), cell.deed.capitalize(), ""
    if may_change and deed:
        whom = (cell.deed, cell.installation.pk, row.person.pk, deed, row.person.name)
        button = format_html(_BUTTON, *whom, where, deed)
    reason = format_html(_REASON, cell.reason) if cell.reason else ""
    word = _word(where, cell.word, cell.tone, cell.kind)
    return format_html(_LINE, logo(cell.platform.slug), word, button, reason)


_LINE = '<img src="{}" alt="" width="18" height="18"><span>{}{}{}</span>'
_BUTTON = ' <button class="link" name="one" value="{}:{}:{}" aria-label="{} {} on {}">{}</button>'
_REASON = ' <span class="reason">{}</span>'


@lru_cache(maxsize=1000)
def _word(where: str, word: str, tone: str, kind: str) -> SafeString:
    told = {"where": where, "word": word, "tone": tone, "kind": kind}
    return render_to_string("hub/people/standing.html", told)
