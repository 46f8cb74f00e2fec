from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Installation, PlatformAccount, Team
from relay.models.conversations import UniversalConversation


class PlannedLeg(models.Model):
    """A leg that a synced channel is going to have: our account must enter its channel, or make it, before anything crosses.

    ``external_id`` is empty for a channel that is to be made, under ``name``. It is gone once the ``ConversationLink`` is
    there. ``intent_at`` is when a call that makes it went out, ``newest_known`` the newest channel of the directory by then:
    after a crash the channel is looked for by name, and older ones of that name are not it. ``held_until`` keeps two workers
    from working on it at once, ``not_before`` is when the platform lets us ask again. ``reason`` is in words an administrator
    may read.

    ``first_member`` is who comes into a channel that is made: nobody else could find a private one.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        REFUSED = "refused"

    conversation = models.ForeignKey(UniversalConversation, on_delete=models.CASCADE, related_name="planned_legs")
    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="planned_legs")
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="+")
    external_id = models.CharField(max_length=512, blank=True)
    name = models.CharField(max_length=300)
    topic = models.CharField(max_length=1000, blank=True)
    is_private = models.BooleanField(default=False)
    first_member = models.ForeignKey(PlatformAccount, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True)
    intent_at = models.DateTimeField(null=True)
    newest_known = models.BigIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "external_id"], condition=~Q(external_id=""), name="one_plan_per_channel"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_new(self) -> bool:
        """Whether its channel is to be made."""
        return not self.external_id
