"""What the fake Webex's endpoints share: a request that was let in, pages and refusals (reference §1.5, §1.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connectors.contract import Request
from connectors.webex.sandbox_company import Company
from connectors.webex.sandbox_state import Member, Room

LARGEST_PAGE = 1_000
"""Items; a larger ``max`` is clamped (§1.7)."""

NO_SCOPE = (
    "The server understood the request, but refused to fulfill it because the access token is missing required scopes "
    "or the user is missing required roles or licenses."
)
NO_ROOM = "Could not find a room with provided ID."

Answer = tuple[int, Any, dict[str, str]]
"""Status, body (bytes as they are, anything else to be written as JSON), further headers."""


class Problem(Exception):
    """An answer that refuses."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


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


def found_room(asked: Asked, id_: str) -> Room:
    """A space that the caller is in."""
    room = asked.company.rooms.get(id_)
    if room is None or asked.member.id not in room.members:
        raise Problem(404, NO_ROOM)
    return room
