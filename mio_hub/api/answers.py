"""What the API shows of each kind of thing. Names, ids and states; nothing that anybody said, no token."""

from typing import Any

from rest_framework import serializers

from accounts.models import AuditEntry, Channel, Installation, Person, PlatformAccount, SyncRun, UserSync
from mio_hub.api.filters import LATEST
from relay.models import ConversationLink, Delivery, UniversalConversation


class AccountAnswer(serializers.ModelSerializer[PlatformAccount]):
    """One account of a person on one platform."""

    connection = serializers.IntegerField(source="installation_id")
    platform = serializers.CharField(source="installation.platform")

    class Meta:
        model = PlatformAccount
        fields = ("id", "connection", "platform", "external_id", "name", "email", "is_bot", "is_guest", "is_deleted")
        read_only_fields = fields


class PersonAnswer(serializers.ModelSerializer[Person]):
    """A human, matched by e-mail address. `primary` is the connection of the platform that they prefer."""

    primary = serializers.IntegerField(source="primary_id", allow_null=True)
    accounts = AccountAnswer(many=True)

    class Meta:
        model = Person
        fields = ("id", "name", "email", "primary", "accounts")
        read_only_fields = fields


class SyncAnswer(serializers.ModelSerializer[UserSync]):
    """A person who is represented on a platform other than their own. `reason` says why the state is what it is."""

    person = serializers.IntegerField(source="person_id")
    connection = serializers.IntegerField(source="installation_id")
    platform = serializers.CharField(source="installation.platform")
    account = serializers.IntegerField(source="account_id", allow_null=True)

    class Meta:
        model = UserSync
        fields = ("id", "person", "connection", "platform", "account", "kind", "state", "reason", "changed_at")
        read_only_fields = fields


MOST_PEOPLE = 10_000
"""Of one run: as many numbers are a tenth of a megabyte. Whoever has more begins several."""

MOST_CONNECTIONS = 50
"""Of one run: several times what the largest tenant has."""


def _numbers(most: int, help_text: str) -> serializers.ListField:
    each = serializers.IntegerField(min_value=1, max_value=LATEST)
    return serializers.ListField(child=each, min_length=1, max_length=most, help_text=help_text)


class PlanRequest(serializers.Serializer[Any]):
    """Whom to sync or unsync, and where."""

    deed = serializers.ChoiceField(["sync", "unsync"], help_text="What to do.")
    people = _numbers(MOST_PEOPLE, "Their `id`s.")
    connections = _numbers(MOST_CONNECTIONS, "The `id`s of the connections on which to do it.")


class ApplyRequest(serializers.Serializer[Any]):
    """How to carry a plan out."""

    may_remove = serializers.BooleanField(default=False, help_text="Do it also where it would end many syncs.")


class SyncRunAnswer(serializers.ModelSerializer[SyncRun]):
    """Many syncs or unsyncs at once. It is `planning` at first; once `planned`, have it applied or cancel it.

    `counts` says how much it would do of what, `report` what became of it.
    """

    counts = serializers.SerializerMethodField()
    report = serializers.DictField(child=serializers.IntegerField())

    class Meta:
        model = SyncRun
        fields = ("id", "deed", "state", "counts", "report", "problem", "started_at", "applied_at", "ended_at")
        read_only_fields = fields

    def get_counts(self, row: SyncRun) -> dict[str, int]:
        return {action: count for action, count in row.counts.items() if action}


class ChannelAnswer(serializers.ModelSerializer[Channel]):
    """A channel that was imported. `synced_channel` is what it is a part of, if it is."""

    connection = serializers.IntegerField(source="installation_id")
    platform = serializers.CharField(source="installation.platform")
    team = serializers.CharField(source="team.name", allow_null=True, default=None)
    synced_channel = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Channel
        fields = (
            "id", "connection", "platform", "external_id", "team", "name", "topic", "is_private", "is_archived",
            "members_count", "synced_channel",
        )  # fmt: skip
        read_only_fields = fields


class LegAnswer(serializers.ModelSerializer[ConversationLink]):
    """Where a synced channel is on one platform. `reason` is what the platform last refused."""

    connection = serializers.IntegerField(source="installation_id")
    platform = serializers.CharField(source="installation.platform")

    class Meta:
        model = ConversationLink
        fields = ("id", "connection", "platform", "external_id", "name", "reason")
        read_only_fields = fields


class SyncedChannelAnswer(serializers.ModelSerializer[UniversalConversation]):
    """Channels between which messages cross. Of one that is shared with other companies only your own legs are listed.

    `is_ours` tells whether it can be paused and unsynced here.
    """

    state = serializers.SerializerMethodField()
    is_ours = serializers.BooleanField()
    legs = LegAnswer(many=True)

    class Meta:
        model = UniversalConversation
        fields = ("id", "name", "state", "is_ours", "created_at", "legs")
        read_only_fields = fields

    def get_state(self, row: UniversalConversation) -> str:
        marks = {"ended": row.ended_at, "paused": row.paused_at, "archived": row.archived_at}
        return next((state for state, since in marks.items() if since), "active")


class ConnectionAnswer(serializers.ModelSerializer[Installation]):
    """A workspace that is connected. `problem` says why it needs to be connected again."""

    doubts = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Installation
        fields = (
            "id", "platform", "workspace", "name", "state", "problem", "flagged_at", "doubts", "account_name", "preset",
            "connected_at",
        )  # fmt: skip
        read_only_fields = fields


class FailureAnswer(serializers.ModelSerializer[Delivery]):
    """Something that could not be delivered, and why. `kind` is what it was: a message, an edit, a reaction, …"""

    state = serializers.SerializerMethodField()
    kind = serializers.CharField(source="event.kind")
    source = serializers.CharField(  # type: ignore[assignment]  # as above: a field
        source="event.installation.platform", help_text="The platform where it was said."
    )
    target = serializers.CharField(source="link.installation.platform", help_text="The platform where it is to arrive.")
    channel = serializers.CharField(source="link")
    synced_channel = serializers.SerializerMethodField(
        help_text="Its `id`; null for a direct chat, of which nothing else is told."
    )

    class Meta:
        model = Delivery
        fields = (
            "id", "created_at", "state", "kind", "source", "target", "channel", "synced_channel", "reason", "tries"
        )  # fmt: skip
        read_only_fields = fields

    def get_synced_channel(self, row: Delivery) -> int | None:
        return row.link.conversation_id if row.link.is_of_channel else None

    def get_state(self, row: Delivery) -> str:
        return Delivery.State(row.state).name.lower()


class AuditAnswer(serializers.ModelSerializer[AuditEntry]):
    """One change: who did what to what, when and from where. `before` and `after` hold the values that changed."""

    actor = serializers.CharField(source="actor_name")
    before = serializers.DictField(child=serializers.JSONField(allow_null=True))
    after = serializers.DictField(child=serializers.JSONField(allow_null=True))
    address = serializers.CharField(allow_null=True)

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "actor", "action", "subject", "before", "after", "address")
        read_only_fields = fields


class UnsyncRequest(serializers.Serializer[Any]):
    """How to end it."""

    removes_added_members = serializers.BooleanField(
        default=False, help_text="Take out again whom we made members of the channels."
    )
