"""Values of JSON that may be anything: Graph leaves properties out, sends null, and adds kinds without notice."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.richtext import encodable

_FRACTION = re.compile(r"\.\d+")


def string(value: object) -> str:
    """``value`` where it is a text, else an empty one."""
    return encodable(value) if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """``value`` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; empty for what is no list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def timestamp(value: object) -> datetime | None:
    """Graph's time with 0 to 7 digits of fraction; None for what is not one."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(_FRACTION.sub(lambda digits: digits[0][:7].ljust(7, "0"), value, count=1))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def identity(identities: object) -> tuple[str, str, bool]:
    """Id and name of the person or the app that an identity set names, and whether it is an app."""
    for kind in ("user", "application"):
        one = mapping(mapping(identities).get(kind))
        if account := string(one.get("id")):
            return account, string(one.get("displayName")), kind == "application"
    return "", "", False
