from typing import Any

from django.conf import settings
from django.db import models

from accounts.models.tenants import Tenant


class AuditEntry(models.Model):
    """One change: who did what to what, when and from where.

    ``actor_name`` outlives the account. ``before`` and ``after`` hold the values that changed, never a secret.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="audit")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=254)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=300)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="audit_newest_first")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.subject}"

    def values(self) -> list[tuple[str, Any, Any]]:
        """Name, value before and value after of everything that changed; None where it was not there."""
        names = {**self.before, **self.after}
        return [(name.replace("_", " "), self.before.get(name), self.after.get(name)) for name in names]
