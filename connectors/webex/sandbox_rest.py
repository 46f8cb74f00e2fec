"""The REST interface of the fake Webex: who may ask for what, and the directory (reference §1.5, §3, §9)."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import COMPANY, digest
from connectors.sandbox_data import Brief, served_file
from connectors.webex import ids
from connectors.webex.sandbox_asked import NO_SCOPE, Answer, Asked, Problem, found_room, paged
from connectors.webex.sandbox_company import Company
from connectors.webex.sandbox_hooks import change_hook, delete_hook, list_hooks, one_hook, post_hook
from connectors.webex.sandbox_oauth import NO_TOKEN, Door
from connectors.webex.sandbox_posts import (
    delete_message,
    edit_message,
    list_direct,
    list_messages,
    one_message,
    post_message,
    read_file,
)
from connectors.webex.sandbox_rooms import change_room, list_rooms, one_room
from connectors.webex.sandbox_state import FOUNDED, Member

NO_SEARCH = "Email, displayName, or id list should be specified."


def answer(company: Company, door: Door, request: Request) -> Response:
    """Answer as Webex would."""
    try:
        status, body, headers = door.answer(request) or _dispatch(company, door.member(request), request)
    except Problem as problem:
        tracking = f"ROUTER_{digest('webex', repr(company.clock()))[:32]}"
        message = str(problem)
        body = {"message": message, "errors": [{"description": message}], "trackingId": tracking}
        status, headers = problem.status, {"trackingid": tracking, **problem.headers}
    if isinstance(body, bytes):
        return Response(status, body, headers)
    if isinstance(body, Brief):
        return served_file(body, headers)
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    return Response(status, content, {"content-type": "application/json;charset=UTF-8"} | headers)


def _dispatch(company: Company, member: Member | None, request: Request) -> Answer:
    if member is None:
        raise Problem(401, NO_TOKEN)
    path = urlsplit(request.url).path
    routes = [(found, route) for route in ROUTES if (found := route.pattern.fullmatch(path))]
    if not routes:
        raise Problem(404, "The requested resource could not be found.")
    for found, route in routes:
        if route.method == request.method:
            if route.scope and route.scope not in member.scopes:
                raise Problem(403, NO_SCOPE)
            target = unquote(found["id"]) if "id" in found.groupdict() else ""
            return route.handler(Asked(company, member, request, target))
    raise Problem(405, f"Request method '{request.method}' not supported")


def _person(company: Company, member: Member) -> dict[str, Any]:
    first, _, last = member.name.partition(" ")
    return {
        "id": member.id,
        "emails": [member.email],
        "phoneNumbers": [],
        "displayName": member.name,
        "nickName": first,
        "firstName": first,
        "lastName": last,
        "orgId": company.id,
        "created": FOUNDED,
        "lastModified": FOUNDED,
        "status": "active",
        "type": member.type,
    }


def _known_to_administrators(member: Member) -> dict[str, Any]:
    """What only their tokens see of a person (§3.7)."""
    return {
        "roles": [ids.encode("ROLE", role) for role in member.roles],
        "licenses": [ids.encode("LICENSE", license_) for license_ in member.licenses],
    }


def _me(asked: Asked) -> Answer:
    more = _known_to_administrators(asked.member) if asked.member.roles else {}
    return 200, _person(asked.company, asked.member) | more, {}


def _one_person(asked: Asked) -> Answer:
    member = asked.company.members.get(ids.account(asked.target))
    if member is None:
        raise Problem(404, "Person not found")
    return 200, _person(asked.company, member), {}


def _people(asked: Asked) -> Answer:
    company, query = asked.company, asked.query
    wanted = [ids.account(id_) for id_ in query.get("id", "").split(",") if id_]
    if not (wanted or query.get("email") or query.get("displayName")):
        raise Problem(400, NO_SEARCH)
    found = [
        _person(company, member)
        for member in company.members.values()
        if (not wanted or member.id in wanted)
        and query.get("email", member.email).lower() == member.email
        and member.name.lower().startswith(query.get("displayName", "").lower())
    ]
    status, body, headers = paged(asked, found)
    unknown = [id_ for id_ in wanted if id_ not in company.members]
    return status, body | ({"notFoundIds": unknown} if unknown else {}), headers


def _memberships(asked: Asked) -> Answer:
    company, query = asked.company, asked.query
    if "roomId" not in query:
        if "personId" in query or "personEmail" in query:
            raise Problem(400, "roomId cannot be null")
        rooms = company.rooms_of(asked.member)
        return paged(asked, [company.membership(room, asked.member) for room in rooms])
    room = found_room(asked, query["roomId"])
    wanted = query.get("personId") or query.get("personEmail")
    person = company.find(wanted) if wanted else None
    found = [id_ for id_ in room.members if not wanted or (person and id_ == person[0])]
    return paged(asked, [company.membership(room, company.anybody(id_)) for id_ in found])


def _teams(asked: Asked) -> Answer:
    return paged(asked, [{"id": asked.company.team_id, "name": COMPANY, "created": FOUNDED}])


def _organization(asked: Asked) -> dict[str, Any]:
    """For administrators only, whatever scopes a token has (§3.8)."""
    if not asked.member.roles:
        raise Problem(403, NO_SCOPE)
    return {"id": asked.company.id, "displayName": COMPANY, "created": FOUNDED}


def _organizations(asked: Asked) -> Answer:
    return 200, {"items": [_organization(asked)]}, {}


def _one_organization(asked: Asked) -> Answer:
    found = _organization(asked)
    if asked.target != found["id"]:
        raise Problem(404, "Could not find an organization with provided ID.")
    return 200, found, {}


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint; ``scope`` is empty where none is asked for."""

    method: str
    pattern: re.Pattern[str]
    scope: str
    handler: Callable[[Asked], Answer]


def _route(method: str, path: str, scope: str, handler: Callable[[Asked], Answer]) -> Route:
    return Route(method, re.compile("/v1" + path.replace("{id}", "(?P<id>[^/]+)")), scope, handler)


ROUTES = (
    _route("GET", "/people/me", "spark:people_read", _me),
    _route("GET", "/people/{id}", "spark:people_read", _one_person),
    _route("GET", "/people", "spark:people_read", _people),
    _route("GET", "/rooms/{id}", "spark:rooms_read", one_room),
    _route("PUT", "/rooms/{id}", "spark:rooms_write", change_room),
    _route("GET", "/rooms", "spark:rooms_read", list_rooms),
    _route("GET", "/memberships", "spark:memberships_read", _memberships),
    _route("GET", "/messages/direct", "spark:messages_read", list_direct),
    _route("GET", "/messages/{id}", "spark:messages_read", one_message),
    _route("PUT", "/messages/{id}", "spark:messages_write", edit_message),
    _route("DELETE", "/messages/{id}", "spark:messages_write", delete_message),
    _route("GET", "/contents/{id}", "spark:messages_read", read_file),
    _route("HEAD", "/contents/{id}", "spark:messages_read", read_file),
    _route("GET", "/messages", "spark:messages_read", list_messages),
    _route("POST", "/messages", "spark:messages_write", post_message),
    _route("GET", "/teams", "spark:teams_read", _teams),
    _route("GET", "/organizations/{id}", "spark-admin:organizations_read", _one_organization),
    _route("GET", "/organizations", "spark-admin:organizations_read", _organizations),
    _route("GET", "/webhooks/{id}", "", one_hook),
    _route("PUT", "/webhooks/{id}", "", change_hook),
    _route("DELETE", "/webhooks/{id}", "", delete_hook),
    _route("GET", "/webhooks", "", list_hooks),
    _route("POST", "/webhooks", "", post_hook),
)
