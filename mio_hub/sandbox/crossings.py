"""How long the latest messages took from one platform to another, from the Hub's own ledger."""

from datetime import datetime, timedelta

from django.db.models import F

from connectors.messages import Kind
from relay.models import MessageCopy

RECENT = 400
"""Copies looked at: more than the four panes together show."""

Key = tuple[str, str, str]
"""Platform, conversation and message of a copy."""


def recent() -> dict[Key, tuple[str, int]]:
    """Where a copy came from, and the milliseconds between hearing the original and having said the copy."""
    copies = (
        MessageCopy.objects.exclude(link=F("message__origin"))
        .filter(message__deliveries__link=F("link"), message__deliveries__event__kind=Kind.POSTED)
        .order_by("-id")
        .values_list(
            "link__installation__platform",
            "link__external_id",
            "external_id",
            "message__origin__installation__platform",
            "message__deliveries__event__received_at",
            "created_at",
        )[:RECENT]
    )
    return {
        (slug, place, message): (origin, _pause(heard, said)) for slug, place, message, origin, heard, said in copies
    }


def _pause(heard: datetime, said: datetime) -> int:
    return max(0, round((said - heard) / timedelta(milliseconds=1)))
