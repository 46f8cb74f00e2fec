from django.db import models
from django.db.models.functions import Now

from relay.models.conversations import ConversationLink, UniversalConversation


class RelayedMessage(models.Model):
    """One utterance, wherever it can be read. Ids and times only, never what was said."""

    conversation = models.ForeignKey(
        UniversalConversation, on_delete=models.CASCADE, related_name="messages", db_constraint=False
    )
    origin = models.ForeignKey(
        ConversationLink, on_delete=models.CASCADE, related_name="originals", db_constraint=False
    )
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"message {self.pk}"


class MessageCopy(models.Model):
    """The id of an utterance on one platform; one row for each part where it had to be split.

    Known ids are how our own posts are told from other people's: echo is decided here.
    """

    message = models.ForeignKey(RelayedMessage, on_delete=models.CASCADE, related_name="copies")
    link = models.ForeignKey(
        ConversationLink, on_delete=models.CASCADE, related_name="copies", db_index=False, db_constraint=False
    )
    external_id = models.CharField(max_length=255)
    part = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "external_id"], name="one_copy_per_external_id"),
            models.UniqueConstraint(fields=["message", "link", "part"], name="one_copy_per_part"),
        ]

    def __str__(self) -> str:
        return self.external_id
