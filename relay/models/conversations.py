from django.db import models

from accounts.models import Installation, Tenant


class UniversalConversation(models.Model):
    """What everyone shares: one conversation with a leg on each platform."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="conversations")
    name = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class ConversationLink(models.Model):
    """The leg of a universal conversation on one platform, and the mailbox of what is to be said there.

    ``not_before`` is the mailbox's time: nothing is said there earlier. ``setbacks`` counts failures in a row, ``reason``
    is the last of them in words an administrator may read.
    """

    conversation = models.ForeignKey(UniversalConversation, on_delete=models.CASCADE, related_name="links")
    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="links")
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=300)
    is_active = models.BooleanField(default=True)
    not_before = models.DateTimeField(null=True)
    setbacks = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "external_id"], name="one_link_per_conversation"),
        ]

    def __str__(self) -> str:
        return self.name
