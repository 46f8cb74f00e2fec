from django.db import models
from django.db.models.functions import Now

from accounts.models.connections import Installation
from accounts.models.people import Person, PlatformAccount


class UserSync(models.Model):
    """This person is represented on that secondary platform, by ``account`` once there is one.

    ``is_ours``: we made the account, so we may delete it. ``reason`` says why a state is what it is, in words an
    administrator may read. ``by_group``: an automatic sync put it there, and may take it away. ``change`` is the one that
    made it what it is; while ``SYNCING``, the only one that may ask the platform for anything.
    """

    class Kind(models.TextChoices):
        FULL = "full"
        GUEST = "guest"
        BOT = "bot"

    class State(models.TextChoices):
        SYNCING = "syncing"
        PENDING = "pending", "waiting for the person's consent"
        SYNCED = "synced"
        UNAVAILABLE = "unavailable"
        NEEDS_REAUTH = "needs reauth", "the person's consent has ended"
        ERROR = "error"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="syncs")
    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="syncs")
    account = models.ForeignKey(PlatformAccount, null=True, on_delete=models.SET_NULL, related_name="syncs")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.SYNCED)
    reason = models.CharField(max_length=300, blank=True)
    is_ours = models.BooleanField(default=False)
    by_group = models.BooleanField(default=False)
    change = models.ForeignKey("accounts.SyncChange", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "installation"], name="one_sync_per_platform")]
        indexes = [models.Index(fields=["installation", "state"], name="syncs_by_state")]

    def __str__(self) -> str:
        return f"{self.person} on {self.installation}"
