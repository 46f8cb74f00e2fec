"""A row in every table that belongs to a tenant or to its users, whatever tables there will be."""

import datetime as dt
from itertools import count
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import Tenant, User
from accounts.secrets import SealedField

_numbers = count(1)

GIVEN = {"platform": "slack", "preset": "published"}
"""Fields that take only certain texts."""


def belongings() -> list[type[models.Model]]:
    """Every model whose rows lead to a tenant or a user by foreign keys, those first that others lead to."""
    found: list[type[models.Model]] = [Tenant, User]
    waiting = [model for model in apps.get_models() if model not in found]
    while ready := [model for model in waiting if _parents(model) & set(found) and not _parents(model) & set(waiting)]:
        found += ready
        waiting = [model for model in waiting if model not in ready]
    return found


def _parents(model: type[models.Model]) -> set[type[models.Model]]:
    keys = [field for field in model._meta.fields if isinstance(field, models.ForeignKey)]
    return {field.related_model for field in keys} - {model}


def fill(tenant: Tenant, user: User) -> dict[type[models.Model], models.Model]:
    """Make a row of every model that has none for the tenant yet, each leading to the others. Returns one of each."""
    made: dict[type[models.Model], models.Model] = {Tenant: tenant, User: user}
    for model in belongings()[2:]:
        made[model] = model._default_manager.create(**_values(model, made))
        for field in model._meta.fields:  # a thread: rows of one table lead to each other
            if isinstance(field, models.ForeignKey) and field.related_model is model:
                model._default_manager.create(**_values(model, made))
    return made


def _values(model: type[models.Model], made: dict[type[models.Model], models.Model]) -> dict[str, Any]:
    values = {}
    for field in model._meta.fields:
        if (field.primary_key and not field.remote_field) or isinstance(field, models.GeneratedField):
            continue
        if isinstance(field, models.ForeignKey):
            values[field.name] = made.get(field.related_model)
            if values[field.name] is None and not field.null:
                values[field.name] = field.related_model._default_manager.first()
        else:
            values[field.name] = _value(field)
    return values


def _value(field: Any) -> Any:
    number = next(_numbers)
    kinds: dict[type, Any] = {
        ArrayField: [],
        SealedField: {} if field.name in ("registration", "secrets") else "sealed",
        models.JSONField: {},
        models.BooleanField: False,
        models.DateTimeField: timezone.now(),
        models.DateField: dt.date(2030, 1, 1),
        models.GenericIPAddressField: "203.0.113.7",
        models.EmailField: f"canary{number}@canary.example",
        models.PositiveSmallIntegerField: number % 30_000,
        models.UUIDField: UUID(int=number),
        models.IntegerField: number,
        models.FloatField: float(number),
        models.CharField: GIVEN.get(field.name) or f"canary{number}"[: getattr(field, "max_length", None)],
        models.TextField: f"canary{number}",
    }
    return next(value for kind, value in kinds.items() if isinstance(field, kind))
