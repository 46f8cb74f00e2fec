"""Sealing everything anew with the newest key, so that an old one can be thrown away."""

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import transaction
from django.db.models import Model, QuerySet

from accounts.secrets import SealedField, seal, unseal

BATCH = 500
"""Rows locked at a time: a token's refresh waits for no longer than they take."""


def rotate() -> int:
    """Read and write back every sealed value; how many rows were. Another process may work meanwhile: rows are locked."""
    return sum(_rotated(model, names) for model, names in _sealed()) + _second_factors()


@transaction.atomic
def _second_factors() -> int:
    """allauth keeps the secrets of authenticator apps and recovery codes inside a JSON value, sealed by our adapter."""
    rows = list(Authenticator.objects.select_for_update())
    for row in rows:
        row.data |= {name: seal(unseal(row.data[name])) for name in ("secret", "seed") if name in row.data}
    Authenticator.objects.bulk_update(rows, ["data"], batch_size=BATCH)
    return len(rows)


def _sealed() -> Iterator[tuple[type[Model], list[str]]]:
    for model in apps.get_models():
        names = [field.name for field in model._meta.fields if isinstance(field, SealedField)]  # noqa: SLF001 (Django's own name)
        if names:
            yield model, names


def _rotated(model: type[Model], names: list[str]) -> int:
    rows_of: QuerySet[Any] = QuerySet(model)
    count, last = 0, 0
    while True:
        with transaction.atomic():
            rows = list(rows_of.select_for_update().filter(pk__gt=last).order_by("pk")[:BATCH])
            rows_of.bulk_update(rows, names)
        if not rows:
            return count
        count, last = count + len(rows), rows[-1].pk
