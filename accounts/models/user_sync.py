from django.db import models

from accounts.models.connections import Installation
from accounts.models.people import Person, PlatformAccount


class UserSync(models.Model):
    """This person is represented on that secondary platform, by ``account`` once there is one."""

    class Kind(models.TextChoices):
        FULL = "full"
        GUEST = "guest"
        BOT = "bot"

    class State(models.TextChoices):
        SYNCED = "synced"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="syncs")
    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="syncs")
    account = models.ForeignKey(PlatformAccount, null=True, on_delete=models.SET_NULL, related_name="syncs")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.SYNCED)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "installation"], name="one_sync_per_platform")]

    def __str__(self) -> str:
        return f"{self.person} on {self.installation}"
