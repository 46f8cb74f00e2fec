import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models.connections import Installation
from accounts.models.people import Person
from accounts.models.tenants import Tenant


class SyncGroup(models.Model):
    """A group whose members are synced without anybody asking, while ``is_on``: those of ``primary`` on ``secondaries``.

    Of the platform of ``installation``, or provisioned by the company's identity provider where that is None;
    ``external_id`` is what the one or the other calls it. Somebody in several groups belongs to the first by ``place``.
    ``settle_at`` is when its members are to be compared with who is synced, None where that has to wait for a change.
    ``was_on``: what it put there stays until somebody takes the group away, also while it is off. ``tried_at`` is when
    somebody last looked at what it would do, None since it was changed.

    The members of a platform's group are read at ``read_at``, page by page: ``cursor`` is the next one's, ``pages`` and
    ``failures`` what it took so far. ``reading`` counts the readings that came to their end: whoever was not told in the
    last one is no member.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="sync_groups")
    installation = models.ForeignKey(Installation, null=True, on_delete=models.CASCADE, related_name="sync_groups")
    external_id = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=300)
    place = models.PositiveIntegerField(default=0)
    primary = models.ForeignKey(Installation, null=True, on_delete=models.SET_NULL, related_name="+")
    secondaries = models.ManyToManyField(Installation, related_name="+")
    was_on = models.BooleanField(default=False, db_default=False)
    tried_at = models.DateTimeField(null=True)
    is_on = models.BooleanField(default=False)
    problem = models.CharField(max_length=500, blank=True)
    read_at = models.DateTimeField(null=True)
    cursor = models.TextField(blank=True, db_default="")
    reading = models.PositiveIntegerField(default=0, db_default=0)
    pages = models.PositiveIntegerField(default=0, db_default=0)
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    held_until = models.DateTimeField(null=True)
    settle_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "external_id"],
                condition=Q(installation__isnull=False),
                name="one_sync_group_per_external_id",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "place"], name="sync_groups_in_order")]

    def __str__(self) -> str:
        return self.name


class SyncGroupMember(models.Model):
    """Somebody's membership of such a group, as it was last told: of a platform's group in its reading ``reading``."""

    group = models.ForeignKey(SyncGroup, on_delete=models.CASCADE, related_name="members", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sync_groups")
    reading = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "person"], name="one_membership_per_sync_group")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id}"
