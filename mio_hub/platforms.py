"""What the operator knows of every platform: ``MIO_<SLUG>_<FIELD>``, or the path of a file in ``…_FILE``."""

from dataclasses import fields
from typing import Any

import connectors
from connectors.consent import Connects
from mio_hub import env


def variable(slug: str, field: str) -> str:
    """The environment variable of one field, such as ``MIO_SLACK_SIGNING_SECRET``."""
    return f"MIO_{slug}_{field}".upper()


def variables() -> list[str]:
    """The variables of all platforms at hand."""
    return [
        variable(slug, field.name) for slug in connectors.slugs() for kind in _kinds(slug) for field in fields(kind)
    ]


def platform_secrets() -> dict[str, Any]:
    """The ``Secrets`` of every platform, by slug. What is not set is empty: such a platform refuses every webhook."""
    return {slug: _read(slug, connectors.get(slug).Secrets) for slug in connectors.slugs()}


def platform_apps() -> dict[str, Any]:
    """The operator's ``Registration`` with every platform that is connected by OAuth. Without one nobody can connect it,
    unless a tenant brings its own."""
    return {slug: _read(slug, kind) for slug in connectors.slugs() for kind in _kinds(slug)[1:]}


def _kinds(slug: str) -> list[type]:
    connector = connectors.get(slug)
    return [connector.Secrets, *([connector.Registration] if issubclass(connector, Connects) else [])]


def _read(slug: str, kind: type) -> Any:
    return kind(**{field.name: env.secret(variable(slug, field.name)) for field in fields(kind)})
