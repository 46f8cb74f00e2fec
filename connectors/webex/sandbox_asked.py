"""What the fake Webex's endpoints share: a request that was let in, pages and refusals (reference §1.5, §1.7)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connectors.contract import Request
from connectors.sandbox import digest
from connectors.webex.sandbox_company import Company
from connectors.webex.sandbox_state import Member, Room, Team

LARGEST_PAGE = 1_000
"""Items; a larger ``max`` is clamped (§1.7)."""

NO_SCOPE = (
    "The server understood the request, but refused to fulfill it because the access token is missing required scopes "
    "or the user is missing required roles or licenses."
)
NO_TEAM = "Could not find a team with provided ID."
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


def paged(asked: Asked, found: Iterable[str], tell: Callable[[str], dict[str, Any]], default: int = 100) -> Answer:
    """A page of what was found, as ids: only what is on it is told.

    The next one is asked for by the last id of this one, with a parameter of its own (§9.1); it is good for the same query.
    """
    size = asked.query.get("max", str(default))
    if not size.isdecimal() or not int(size) > 0:
        raise Problem(400, "Invalid value for max")
    places = list(found)
    start = _start(asked, places)
    page = places[start : start + min(int(size), LARGEST_PAGE)]
    body = {"items": [tell(place) for place in page]}
    if start + len(page) >= len(places):
        return 200, body, {}
    query = urlencode({**asked.query, "cursor": f"{page[-1]}.{_seal(asked)}"})
    return 200, body, {"link": f'<{asked.request.url.partition("?")[0]}?{query}>; rel="next"'}


def _start(asked: Asked, places: Sequence[str]) -> int:
    """Where the page begins that a cursor names. What it went by may be gone: then the listing is, too (§1.7)."""
    cursor = asked.query.get("cursor")
    if cursor is None:
        return 0
    last, _, seal = cursor.rpartition(".")
    if seal != _seal(asked):
        raise Problem(400, "Invalid value for cursor")
    try:
        return places.index(last) + 1
    except ValueError:
        raise Problem(404, "The requested resource could not be found.") from None


def _seal(asked: Asked) -> str:
    query = sorted((name, value) for name, value in asked.query.items() if name not in ("max", "cursor"))
    return digest("webex", "cursor", asked.member.id, asked.request.url.partition("?")[0], repr(query))[:16]


def by_id(items: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Things as they are told, by their ids."""
    return {item["id"]: item for item in items}


def found_room(asked: Asked, id_: str) -> Room:
    """A space that the caller is in."""
    room = asked.company.rooms.get(id_)
    if room is None or asked.member.id not in room.members:
        raise Problem(404, NO_ROOM)
    return room


def found_team(asked: Asked, id_: str) -> Team:
    """A team that the caller is in."""
    team = asked.company.teams.get(id_)
    if team is None or asked.member.id not in asked.company.rooms[team.general].members:
        raise Problem(404, NO_TEAM)
    return team
