from django.db import models
from django.db.models.functions import Lower

from accounts.models.connections import Installation
from accounts.models.tenants import Tenant


class Person(models.Model):
    """A human, whatever platforms they use. Matched by e-mail address within one tenant.

    ``primary`` is the connection of the platform that they prefer; None until somebody, or a rule, has chosen one of several.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="people")
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=320)
    primary = models.ForeignKey(Installation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint("tenant", Lower("email"), name="one_person_per_email")]

    def __str__(self) -> str:
        return self.name


class PlatformAccount(models.Model):
    """One account on one installation, as the platform's directory shows it.

    ``is_deleted``: gone from the platform; it stays as the author of what it said.
    """

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="accounts")
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="accounts")
    external_id = models.CharField(max_length=255)
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=320, blank=True)
    avatar_url = models.CharField(max_length=2000, blank=True)
    is_bot = models.BooleanField(default=False)
    is_guest = models.BooleanField(default=False, db_default=False)
    is_deleted = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "external_id"], name="one_account_per_external_id"),
        ]
        indexes = [
            models.Index("installation", Lower("email"), name="account_by_email"),
            models.Index(fields=["person", "installation"], name="account_of_person"),
        ]

    def __str__(self) -> str:
        return self.name
