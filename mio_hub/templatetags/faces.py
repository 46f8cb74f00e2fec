"""What templates show platforms by."""

from functools import cache

from django import template
from django.urls import reverse

register = template.Library()


@register.filter
@cache
def logo(slug: str) -> str:
    """The address of a platform's drawing: asked for once per row of long tables, where looking it up each time shows."""
    return reverse("logo", args=[slug])
