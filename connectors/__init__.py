"""How platforms speak. Platforms are the sub-folders, found by looking: a fifth one is one new folder and nothing else."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from connectors.contract import Connector


@cache
def slugs() -> tuple[str, ...]:
    """The platforms at hand, in alphabetical order."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if module.ispkg))


@cache
def get(slug: str) -> type[Connector]:
    """The connector class of a platform: ``Slack`` in ``connectors/slack/connector.py``. Raises ``LookupError``."""
    if slug not in slugs():
        raise LookupError(f"no platform named {slug!r}")
    connector: type[Connector] = getattr(import_module(f"connectors.{slug}.connector"), slug.capitalize())
    return connector


def everyone() -> list[type[Connector]]:
    """Every platform's connector class."""
    return [get(slug) for slug in slugs()]
