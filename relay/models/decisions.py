from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.models import Tenant


class Decision(models.Model):
    """An administrator's word on many failures at once: carried out in portions, from ``after`` on, up to ``upto``.

    Both are ids of deliveries. ``wanted`` is the filter. ``done`` counts what was changed, ``left`` what was not: decided by
    somebody else meanwhile, or of a channel that is paused or ended.
    """

    class Act(models.TextChoices):
        RETRY = "retry", "tried again"
        SKIP = "skip", "let go"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="decisions", db_index=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by_name = models.CharField(max_length=254)
    act = models.CharField(max_length=5, choices=Act.choices)
    wanted = models.JSONField(default=dict)
    after = models.BigIntegerField(default=0)
    upto = models.BigIntegerField()
    done = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="decisions_newest_first")]

    def __str__(self) -> str:
        return f"{self.act} {self.pk}"
