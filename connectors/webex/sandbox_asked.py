"""What the fake Webex's endpoints share: a request that was let in, pages, bodies and refusals (reference §1.5, §1.7)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.contract import Request
from connectors.webex.sandbox_company import Company, Member, Room

LARGEST_PAGE = 1_000
"""Items; a larger ``max`` is clamped (§1.7)."""

NO_SCOPE = (
    "The server understood the request, but refused to fulfill it because the access token is missing required scopes "
    "or the user is missing required roles or licenses."
)
NO_ROOM = "Could not find a room with provided ID."

Answer = tuple[int, Any, dict[str, str]]
"""Status, body to be written as JSON, further headers."""


class Problem(Exception):
    """An answer that refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose token was accepted."""

    company: Company
    member: Member
    request: Request
    target: str

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query


def paged(asked: Asked, items: Sequence[dict[str, Any]], default: int = 100) -> Answer:
    """A page; the next one is asked for by the last id of this one, with a parameter of its own (§9.1)."""
    size = asked.query.get("max", str(default))
    if not size.isdigit() or int(size) < 1:
        raise Problem(400, "Invalid value for max")
    start = 0
    if cursor := asked.query.get("cursor"):
        start = next((place for place, item in enumerate(items, 1) if item["id"] == cursor), len(items))
    page = items[start : start + min(int(size), LARGEST_PAGE)]
    if start + len(page) >= len(items):
        return 200, {"items": page}, {}
    query = urlencode({**asked.query, "cursor": page[-1]["id"]})
    return 200, {"items": page}, {"link": f'<{asked.request.url.partition("?")[0]}?{query}>; rel="next"'}


def found_room(company: Company, id_: str) -> Room:
    if id_ not in company.rooms:
        raise Problem(404, NO_ROOM)
    return company.rooms[id_]


def given_fields(request: Request, known: Iterable[str]) -> dict[str, Any]:
    """The fields of a body. A field that Webex does not document is refused, so that our own mistakes show."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/x-www-form-urlencoded"):
        raise Problem(415, f"Content type '{kind}' not supported")
    body = request.body.decode(errors="replace")
    read = _json_object(body) if kind == "application/json" else dict(parse_qsl(body))
    given = {name: value for name, value in read.items() if value is not None}
    if unknown := sorted(given.keys() - set(known)):
        raise Problem(400, f"Unrecognized field: {unknown[0]}")
    return given


def _json_object(body: str) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise Problem(400, "The request could not be understood by the server due to malformed syntax.")
    return read


def text_field(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise Problem(400, f"{name} must be a string")
    return value
