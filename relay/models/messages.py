from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import PlatformAccount
from relay.models.conversations import ConversationLink, UniversalConversation


class RelayedMessage(models.Model):
    """One utterance, wherever it can be read. Ids and times only, never what was said.

    ``root`` is the message whose thread it belongs to. ``edited_at`` is the time of the newest edit heard of and
    ``edited_by_event`` the inbound event that told it: together they are what copies should show. ``reacted_at`` is when
    anybody last put or took back an emoji. ``is_adopted``: known only so that others find it; it crosses if it is told
    after all. ``author`` is the account that said it, empty for a notice and for what was heard before this was kept.
    """

    conversation = models.ForeignKey(
        UniversalConversation, on_delete=models.CASCADE, related_name="messages", db_constraint=False
    )
    origin = models.ForeignKey(
        ConversationLink, on_delete=models.CASCADE, related_name="originals", db_constraint=False
    )
    root = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="replies", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    edited_at = models.DateTimeField(null=True)
    edited_by_event = models.BigIntegerField(null=True)
    reacted_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    deleted_by_event = models.BigIntegerField(null=True)
    is_adopted = models.BooleanField(default=False, db_default=False)
    author = models.CharField(max_length=255, blank=True, db_default="")

    class Meta:
        indexes = [models.Index(fields=["root", "id"], condition=Q(root__isnull=False), name="replies_of_a_root")]

    def __str__(self) -> str:
        return f"message {self.pk}"


class MessageCopy(models.Model):
    """The id of an utterance on one platform; one row for each part where it had to be split.

    Known ids are how our own posts are told from other people's: echo is decided here. ``revision`` is the edit that the
    copy shows, None for the original words, and of a line of reactions the state that it tells; ``removed_at`` is set once
    it was taken back. From ``FILES`` on ``part`` counts files, from ``NOTES`` on corrections that we said about the message,
    from ``REACTIONS`` on lines of reactions.
    """

    FILES = 500
    NOTES = 1000
    REACTIONS = 2000

    message = models.ForeignKey(RelayedMessage, on_delete=models.CASCADE, related_name="copies")
    link = models.ForeignKey(
        ConversationLink, on_delete=models.CASCADE, related_name="copies", db_index=False, db_constraint=False
    )
    external_id = models.CharField(max_length=255)
    part = models.PositiveSmallIntegerField(default=0)
    revision = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    voice = models.ForeignKey(
        PlatformAccount, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "external_id"], name="one_copy_per_external_id"),
            models.UniqueConstraint(
                fields=["message", "link", "part"], condition=Q(removed_at__isnull=True), name="one_copy_per_part"
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class Reaction(models.Model):
    """One account's emoji on a message, where it was put. ``is_ours``: we put it there, with our own account for everybody
    elsewhere (``account`` is then ``us``), or in a direct chat with that one for its person. ``is_in_doubt``: the platform
    did not say whether it has it.
    """

    message = models.ForeignKey(RelayedMessage, on_delete=models.CASCADE, related_name="reactions", db_index=False)
    link = models.ForeignKey(
        ConversationLink, on_delete=models.CASCADE, related_name="reactions", db_index=False, db_constraint=False
    )
    account = models.CharField(max_length=255)
    emoji = models.CharField(max_length=100)
    is_ours = models.BooleanField(default=False)
    is_in_doubt = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "link", "account", "emoji"], name="one_reaction_per_emoji"),
        ]

    def __str__(self) -> str:
        return self.emoji
