from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models.tenants import Tenant
from accounts.secrets import SealedField


class Scope(models.TextChoices):
    """What a token of the REST API may do, with the words for it."""

    PEOPLE_READ = "people:read", "See people and their accounts"
    SYNCS_READ = "syncs:read", "See who is synced to which platform"
    SYNCS_WRITE = "syncs:write", "Sync and unsync people: plan it, have it carried out, stop it"
    CHANNELS_READ = "channels:read", "See channels and what is synced"
    CHANNELS_WRITE = "channels:write", "Pause, resume and unsync channels"
    CONNECTIONS_READ = "connections:read", "See connections and how they are doing"
    DELIVERIES_READ = "deliveries:read", "See what could not be delivered, and why"
    DELIVERIES_WRITE = "deliveries:write", "Have failures tried again or let them go"
    AUDIT_READ = "audit:read", "Read the audit log"
    SCIM = "scim", "Provision users and groups: for your identity provider, and nothing else"


class ApiToken(models.Model):
    """What a tenant's own programs show to the REST API. ``digest`` is of the token, ``hint`` are its last characters.

    It belongs to the tenant and outlives the membership of whoever made it. ``used_at`` is kept to the minute.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=4)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope.choices))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    is_authenticated = True
    """What Django REST framework asks of whoever makes a request."""

    def __str__(self) -> str:
        return self.name


class ApiAnswer(models.Model):
    """What a write with an ``Idempotency-Key`` was answered, to answer the same again. Kept for a day.

    ``key`` is the digest of the key, ``asked`` that of method, path and body.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="answers", db_index=False)
    key = models.CharField(max_length=64)
    asked = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    made_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.status} to {self.key[:8]}"


class WebhookEvent(models.TextChoices):
    """What a tenant's own server can be told of, with the words for it."""

    DELIVERY_FAILED = "delivery.failed", "Messages could not be delivered"
    CONNECTION_NEEDS_ATTENTION = "connection.needs_attention", "A connection has to be made again"
    IMPORT_NEEDS_DECISION = "import.needs_decision", "An import stopped to ask"


class WebhookEndpoint(models.Model):
    """A tenant's own server that wants to be told. ``secret`` is what the calls are signed with, as it was shown once.

    ``failing_since`` is when the calls began to fail without one that arrived, ``disabled_at`` when we gave up calling.
    ``outcome`` is how the last call ended, in words an administrator may read.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=2000)
    secret = SealedField()
    events = ArrayField(models.CharField(max_length=40, choices=WebhookEvent.choices))
    created_at = models.DateTimeField(db_default=Now())
    called_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True, db_default="")
    failing_since = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.host

    @property
    def host(self) -> str:
        """What may be told of it: a path or a query may hold somebody's secret."""
        return urlsplit(self.url).netloc


class WebhookCall(models.Model):
    """One event to tell one endpoint of: ids, counts and reasons, never what was said.

    ``key`` names it to the receiver, the same at every try. ``not_before`` is when it is next tried, None once it is
    settled: ``arrived_at`` says whether it got there.
    """

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="calls")
    key = models.UUIDField(unique=True, db_default=models.Func(function="gen_random_uuid"))
    event = models.CharField(max_length=40, choices=WebhookEvent.choices)
    data = models.JSONField()
    tries = models.PositiveSmallIntegerField(db_default=0)
    not_before = models.DateTimeField(null=True, db_default=Now())
    arrived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], condition=Q(not_before__isnull=False), name="webhook_calls_due"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.key}"
