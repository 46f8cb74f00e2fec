from django.db import models
from django.db.models.functions import Now

from accounts.models import PlatformAccount
from relay.models.conversations import ConversationLink


class MembershipChange(models.Model):
    """Somebody whom we bring into a leg's channel, or take out of it, because of who is in the other legs' channels.

    ``link`` and ``account`` have one: the newest wish. It is ``WAITING``, ``UNDER_WAY`` while its call is out, and then
    ``DONE``; an addition that is done stays as long as it is wanted, so that whoever leaves on their own afterwards
    (``LEFT``) is not dragged back. ``FAILED``: tried often enough, ``reason`` says why in words an administrator may read.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        UNDER_WAY = "under way"
        DONE = "done"
        LEFT = "left again"
        FAILED = "failed"

    link = models.ForeignKey(
        ConversationLink, on_delete=models.CASCADE, related_name="membership_changes", db_index=False
    )
    account = models.ForeignKey(PlatformAccount, on_delete=models.CASCADE, related_name="+")
    is_addition = models.BooleanField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "account"], name="one_membership_change_per_account")]
        indexes = [
            models.Index(
                fields=["not_before"],
                name="membership_changes_due",
                condition=models.Q(state__in=["waiting", "under way"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {'into' if self.is_addition else 'out of'} {self.link_id}"
