"""How the fake Slack reads the arguments of a call and pages its answers (reference §3.1)."""

import base64
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from connectors.contract import Request
from connectors.slack.sandbox_company import Workspace
from connectors.slack.sandbox_records import Complaint, Object

T = TypeVar("T")

DEFAULT_LIMIT, LARGEST_LIMIT = 100, 1_000
"""Items on a page (§3.2)."""
CURSOR_SECONDS = 12 * 3_600
"""How long a cursor is good: that they end is documented (§3.1), when is not."""


def read_arguments(request: Request, takes_json: bool) -> Object:
    """A call's arguments: from a form, from the address, or from JSON where the method reads it (§3.1)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json":
        given = _decoded(request.body.decode(errors="replace"), "invalid_json") if takes_json and request.body else {}
        if not isinstance(given, dict):
            raise Complaint("json_not_object")
        return given
    return dict(request.query) | dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))


def _decoded(text: str, otherwise: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Complaint(otherwise) from None


def nested(arguments: Object, key: str) -> Any:
    """``blocks`` and their like are JSON in a form, and real values in JSON."""
    value = arguments.get(key)
    return _decoded(value, f"invalid_{key}_format") if isinstance(value, str) and value else value


def yes(arguments: Object, key: str) -> bool:
    return str(arguments.get(key, "")).lower() in ("1", "true")


def in_range(message: Object, arguments: Object) -> bool:
    ts, latest = _moment(message["ts"], ""), arguments.get("latest")
    oldest = _moment(str(arguments.get("oldest") or "0"), "invalid_ts_oldest")
    newest = _moment(str(latest), "invalid_ts_latest") if latest else ts
    if yes(arguments, "inclusive"):
        return oldest <= ts <= newest
    return oldest < ts and (ts < newest or not latest)


def _moment(ts: str, otherwise: str) -> tuple[int, int]:
    seconds, _, fraction = ts.partition(".")
    try:
        return int(seconds), int(fraction.ljust(6, "0")[:6] or "0")
    except ValueError:
        raise Complaint(otherwise) from None


def page(
    workspace: Workspace,
    key: str,
    items: list[T],
    arguments: Object,
    cursor: str,
    draw: Callable[[T], Any] = lambda item: item,
) -> Object:
    """One page of ``items``, of which only these are drawn, with an opaque cursor for the next."""
    limit = _limit(arguments)
    first = _opened_cursor(str(arguments.get("cursor") or ""), cursor, workspace.clock())
    after = f"{cursor}:{first + limit}:{int(workspace.clock())}"
    more = base64.b64encode(after.encode()).decode() if len(items) > first + limit else ""
    return {key: list(map(draw, items[first : first + limit])), "response_metadata": {"next_cursor": more}}


def _limit(arguments: Object) -> int:
    try:
        limit = int(arguments.get("limit") or DEFAULT_LIMIT)
    except ValueError:
        limit = 0
    if not 0 < limit <= LARGEST_LIMIT:
        raise Complaint("invalid_limit")
    return limit


def _opened_cursor(given: str, cursor: str, now: float) -> int:
    if not given:
        return 0
    try:
        kind, first, made = base64.b64decode(given, validate=True).decode().split(":")
        if kind == cursor and now - int(made) <= CURSOR_SECONDS:
            return int(first)
    except ValueError:
        pass
    raise Complaint("invalid_cursor")
