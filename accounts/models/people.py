from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Concat, Lower

from accounts.models.connections import Installation
from accounts.models.tenants import Tenant


class Person(models.Model):
    """A human, whatever platforms they use. Matched by e-mail address within one tenant.

    ``primary`` is the connection of the platform that they prefer; None until somebody, or a rule, has chosen one of several.
    ``search`` is what one searches: as bytes, for ignoring case in the language's own way takes ten times as long.
    ``places`` is on how many connections they have an account of their own, ``is_ambiguous`` whether on one of them they have
    two; both are kept by ``accounts/matching.py``, so that a page of a hundred thousand need not count.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="people")
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=320)
    primary = models.ForeignKey(Installation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    search = models.GeneratedField(
        expression=Lower(Concat("name", Value(" "), "email")),
        output_field=models.CharField(max_length=521, db_collation="C"),
        db_persist=True,
    )
    places = models.PositiveSmallIntegerField(default=0, db_default=0)
    is_ambiguous = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", Lower("email"), name="one_person_per_email")]
        indexes = [
            models.Index("tenant", Lower("name"), "id", name="people_by_name"),
            models.Index("tenant", Lower("name"), "id", name="people_twice", condition=Q(is_ambiguous=True)),
            models.Index(
                "tenant", Lower("name"), "id", name="people_to_ask_for", condition=Q(primary=None, places__gt=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlatformAccount(models.Model):
    """One account on one installation, as the platform's directory shows it.

    ``is_deleted``: gone from the platform; it stays as the author of what it said. ``is_placed``: somebody said by hand whose
    it is, or that it is not the person's of its address; matching leaves it alone.
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
    is_placed = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "external_id"], name="one_account_per_external_id"),
        ]
        indexes = [
            models.Index("installation", Lower("email"), name="account_by_email"),
            models.Index(fields=["person", "installation"], name="account_of_person"),
            models.Index(
                "installation",
                Lower("name"),
                "id",
                name="accounts_of_nobody",
                condition=Q(person=None, is_bot=False, is_deleted=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
