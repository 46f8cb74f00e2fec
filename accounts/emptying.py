"""Deleting what belongs to a row a batch at a time, so that nobody else waits, however much it is."""

from collections.abc import Iterator

from django.db import models
from django.db.models import CASCADE, PROTECT, QuerySet

BATCH = 1000
"""Rows deleted in one transaction: a tenant may have millions of messages, and no other tenant waits for them."""


def empty(model: type[models.Model], field: str, parents: list[int]) -> None:
    """Delete the rows whose ``field`` is one of ``parents``, and before them whatever belongs to them."""
    rows: QuerySet[models.Model] = QuerySet(model).filter(**{f"{field}__in": parents})
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        for relation in owned(model):
            empty(relation.related_model, relation.field.name, batch)
        QuerySet(model).filter(pk__in=batch).delete()


def owned(model: type[models.Model]) -> Iterator[models.ManyToOneRel]:
    """What cannot be without a row of ``model``, in every app, also what leads back to it under no name."""
    for relation in model._meta.get_fields(include_hidden=True):  # noqa: SLF001 - public by documentation
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete in (CASCADE, PROTECT):
            yield relation
