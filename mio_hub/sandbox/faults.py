"""Reads and writes faults as the sandbox's HTTP interface tells them."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from connectors.sandbox import Fault

KINDS = ("status", "delay", "duplicate", "reorder", "timeout_after_success")

LONGEST_DELAY = 120.0
"""Seconds. Every client has given up long before."""


class Invalid(Exception):
    """A request that cannot be understood; ``field`` names what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


def read(data: Any, slugs: Collection[str], now: float) -> Fault:
    """A fault from JSON. Raises ``Invalid``, for somebody who types it by hand."""
    if not isinstance(data, Mapping):
        raise Invalid("body", "a JSON object is expected")
    for name in data.keys() - CHECKS.keys() - {"platform"}:
        raise Invalid(str(name), f"unknown; there are platform, {', '.join(CHECKS)}")
    platform = data.get("platform")
    if platform not in (*slugs, "*"):
        raise Invalid("platform", f'is one of {", ".join(slugs)} or "*"')
    for name in data.keys() & CHECKS.keys():
        _check(name, data[name])
    if sum(bool(data.get(kind)) for kind in KINDS) != 1:
        raise Invalid("status", f"exactly one of {', '.join(KINDS)} must be set")
    values = {name: value for name, value in data.items() if name != "for_s"}
    return Fault(**values, until=now + data["for_s"] if "for_s" in data else float("inf"))


def told(fault: Fault, now: float) -> dict[str, Any]:
    """A fault as JSON; ``for_s`` is what is left of its time."""
    kind = next(kind for kind in KINDS if getattr(fault, kind))
    left = {} if fault.until == float("inf") else {"for_s": round(fault.until - now, 3)}
    return {"platform": fault.platform, kind: getattr(fault, kind), "rate": fault.rate, "seed": fault.seed} | left


def _check(name: str, value: Any) -> None:
    fits, expected = CHECKS[name]
    if not fits(value):
        raise Invalid(name, f"must be {expected}")


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _whole(low: float, high: float) -> Callable[[Any], bool]:
    number = _number(low, high)
    return lambda value: isinstance(value, int) and number(value)


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "status": (_whole(400, 599), "an HTTP error status, 400 to 599"),
    "delay": (_number(0, LONGEST_DELAY), f"seconds, up to {LONGEST_DELAY:g}"),
    "duplicate": (_boolean, "true or false"),
    "reorder": (_boolean, "true or false"),
    "timeout_after_success": (_boolean, "true or false"),
    "rate": (_number(0, 1), "a share between 0 and 1"),
    "seed": (_whole(float("-inf"), float("inf")), "a whole number"),
    "for_s": (_number(0, float("inf")), "seconds"),
}
