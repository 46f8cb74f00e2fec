from typing import Any

from django.db import models

import connectors
from accounts.models.tenants import Tenant
from accounts.secrets import SealedField
from connectors.contract import Connector, Credentials
from connectors.messages import AccountId, WorkspaceId


class Installation(models.Model):
    """A tenant's connection to one workspace of a platform: whom we speak as there, and with which tokens.

    ``account`` is the bot or service user that posts, ``tokens`` are by kind (see ``Credentials``), ``extra`` holds a
    platform's further ids.
    """

    class State(models.TextChoices):
        CONNECTED = "connected"
        NEEDS_RECONNECT = "needs reconnect"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="installations")
    platform = models.CharField(max_length=40)
    workspace = models.CharField(max_length=255)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=20, choices=State.choices, default=State.CONNECTED)
    account = models.CharField(max_length=255)
    tokens = SealedField()
    extra = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "workspace"], name="one_installation_per_workspace")]

    def __str__(self) -> str:
        return f"{self.name} on {self.platform}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        connectors.get(self.platform)
        super().save(*args, **kwargs)

    def connector(self) -> Connector:
        """The platform, spoken to as this installation."""
        return connectors.get(self.platform)(self.credentials())

    def credentials(self) -> Credentials:
        """What the connector speaks with."""
        return Credentials(WorkspaceId(self.workspace), AccountId(self.account), self.tokens, self.extra)
