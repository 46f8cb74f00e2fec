"""What a list can be asked for: the page of it, and which rows. Everything is optional."""

from typing import Any

from rest_framework import serializers

import connectors
from accounts.models import Installation, UserSync
from relay.failures import What

MOST = 200
"""Rows on a page: what one answer draws in a tenth of a second."""

LATEST = 2**63 - 1
"""The largest id that the database knows."""


class PageQuery(serializers.Serializer[Any]):
    """Which page: they follow each other by ``next``."""

    cursor = serializers.IntegerField(
        required=False, min_value=0, max_value=LATEST, help_text="Where to go on: `next_cursor` of the page before."
    )
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST, default=50, help_text="How many rows at most."
    )


def _id(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(required=False, min_value=0, max_value=LATEST, help_text=help_text)


def _text(help_text: str, most: int = 300) -> serializers.CharField:
    return serializers.CharField(required=False, max_length=most, help_text=help_text)


def _platform() -> serializers.ChoiceField:
    return serializers.ChoiceField(sorted(connectors.slugs()), required=False, help_text="Of this platform only.")


class PeopleQuery(PageQuery):
    email = _text("Whose address this is, in small or capital letters.", 320)
    connection = _id("Who has an account there.")


class SyncsQuery(PageQuery):
    person = _id("Of this person only.")
    connection = _id("To this connection only.")
    state = serializers.ChoiceField(UserSync.State.choices, required=False, help_text="In this state only.")
    kind = serializers.ChoiceField(UserSync.Kind.choices, required=False, help_text="Of this kind only.")


class ChannelsQuery(PageQuery):
    connection = _id("Of this connection only.")
    platform = _platform()
    name = _text("Part of the name.")


class SyncedChannelsQuery(PageQuery):
    name = _text("Part of the name.")


class ConnectionsQuery(PageQuery):
    platform = _platform()
    state = serializers.ChoiceField(Installation.State.choices, required=False, help_text="In this state only.")


class FailuresQuery(PageQuery):
    what = serializers.ChoiceField(
        What.choices, default=What.KEPT, required=False, help_text="How things stand with it."
    )
    channel = _text("Part of the name of the channel where it was to arrive.")
    platform = _platform()
    reason = _text("For exactly this reason.", 500)
    since = serializers.DateField(required=False, help_text="From this day on, in the organization's time zone.")
    until = serializers.DateField(required=False, help_text="Up to this day and with it.")


class AuditQuery(PageQuery):
    actor = _text("By exactly this name.", 254)
    action = _text("Exactly this action.", 60)
    since = serializers.DateTimeField(required=False, help_text="From this moment on.")
    until = serializers.DateTimeField(required=False, help_text="Up to this moment.")
