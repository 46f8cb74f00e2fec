"""The operator's secrets of every platform: ``MIO_<SLUG>_<FIELD>``, or the path of a file in ``…_FILE``."""

from dataclasses import fields
from typing import Any

import connectors
from mio_hub import env


def variable(slug: str, field: str) -> str:
    """The environment variable of one secret, such as ``MIO_SLACK_SIGNING_SECRET``."""
    return f"MIO_{slug}_{field}".upper()


def variables() -> list[str]:
    """The variables of all platforms at hand."""
    return [variable(slug, field.name) for slug in connectors.slugs() for field in fields(connectors.get(slug).Secrets)]


def platform_secrets() -> dict[str, Any]:
    """The ``Secrets`` of every platform, by slug. What is not set is empty: such a platform refuses every webhook."""
    return {slug: _read(slug, connectors.get(slug).Secrets) for slug in connectors.slugs()}


def _read(slug: str, secrets: type) -> Any:
    return secrets(**{field.name: env.secret(variable(slug, field.name)) for field in fields(secrets)})
