import uuid

from django.db import models
from django.db.models.functions import Lower, Now

from accounts.models.auto_sync import SyncGroup
from accounts.models.people import Person
from accounts.models.tenants import Tenant


class ScimUser(models.Model):
    """A user that the company's identity provider has told us of over SCIM, who is ``person`` by their address.

    ``key`` is our id of it and ``external_id`` the provider's own. ``details`` is what else it told, as SCIM writes it
    (``{"displayName": …, "name": {…}, "emails": […]}``); ``email`` is the address that counts, empty where there is none.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="scim_users", db_index=False)
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="scim_users")
    user_name = models.CharField(max_length=320)
    external_id = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=320, blank=True)
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("tenant", Lower("user_name"), name="one_scim_user_per_name")]
        indexes = [
            models.Index(fields=["tenant", "external_id"], name="scim_users_by_external_id"),
            models.Index("tenant", Lower("email"), name="scim_users_by_email"),
        ]

    def __str__(self) -> str:
        return self.user_name


class ScimMember(models.Model):
    """That the identity provider counts a user among a group; of the active ones ``SyncGroupMember`` is made."""

    group = models.ForeignKey(SyncGroup, on_delete=models.CASCADE, related_name="scim_members", db_index=False)
    user = models.ForeignKey(ScimUser, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="one_membership_per_scim_group")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"
