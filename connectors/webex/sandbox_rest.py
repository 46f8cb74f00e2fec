"""The REST interface of the fake Webex: who may ask for what (reference §1.5, §3, §9)."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import digest
from connectors.sandbox_data import Brief, served_file
from connectors.webex.sandbox_asked import NO_SCOPE, Answer, Asked, Problem
from connectors.webex.sandbox_company import Company
from connectors.webex.sandbox_directory import (
    delete_membership,
    list_memberships,
    list_organizations,
    list_people,
    list_team_memberships,
    list_teams,
    me,
    one_membership,
    one_organization,
    one_person,
    one_team,
    post_membership,
    post_team_membership,
)
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
from connectors.webex.sandbox_rooms import change_room, delete_room, list_rooms, one_room, post_room
from connectors.webex.sandbox_state import Member


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
    _route("GET", "/people/me", "spark:people_read", me),
    _route("GET", "/people/{id}", "spark:people_read", one_person),
    _route("GET", "/people", "spark:people_read", list_people),
    _route("GET", "/rooms/{id}", "spark:rooms_read", one_room),
    _route("PUT", "/rooms/{id}", "spark:rooms_write", change_room),
    _route("DELETE", "/rooms/{id}", "spark:rooms_write", delete_room),
    _route("GET", "/rooms", "spark:rooms_read", list_rooms),
    _route("POST", "/rooms", "spark:rooms_write", post_room),
    _route("GET", "/memberships/{id}", "spark:memberships_read", one_membership),
    _route("DELETE", "/memberships/{id}", "spark:memberships_write", delete_membership),
    _route("POST", "/memberships", "spark:memberships_write", post_membership),
    _route("GET", "/memberships", "spark:memberships_read", list_memberships),
    _route("GET", "/messages/direct", "spark:messages_read", list_direct),
    _route("GET", "/messages/{id}", "spark:messages_read", one_message),
    _route("PUT", "/messages/{id}", "spark:messages_write", edit_message),
    _route("DELETE", "/messages/{id}", "spark:messages_write", delete_message),
    _route("GET", "/contents/{id}", "spark:messages_read", read_file),
    _route("HEAD", "/contents/{id}", "spark:messages_read", read_file),
    _route("GET", "/messages", "spark:messages_read", list_messages),
    _route("POST", "/messages", "spark:messages_write", post_message),
    _route("GET", "/teams/{id}", "spark:teams_read", one_team),
    _route("GET", "/team/memberships", "spark:team_memberships_read", list_team_memberships),
    _route("POST", "/team/memberships", "spark:team_memberships_write", post_team_membership),
    _route("GET", "/teams", "spark:teams_read", list_teams),
    _route("GET", "/organizations/{id}", "spark-admin:organizations_read", one_organization),
    _route("GET", "/organizations", "spark-admin:organizations_read", list_organizations),
    _route("GET", "/webhooks/{id}", "", one_hook),
    _route("PUT", "/webhooks/{id}", "", change_hook),
    _route("DELETE", "/webhooks/{id}", "", delete_hook),
    _route("GET", "/webhooks", "", list_hooks),
    _route("POST", "/webhooks", "", post_hook),
)
