"""Messages and webhooks of the fake Webex: what may be posted, and who is told (reference §2.1, §2.2, §3.1)."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from connectors.sandbox import digest
from connectors.webex import ids
from connectors.webex.sandbox_asked import NO_SCOPE, Answer, Asked, Problem, found_room, given_fields, paged, text_field
from connectors.webex.sandbox_company import CLUSTER, Company, Hook, Member, Room
from connectors.webex.sandbox_text import echoed, service_html

LONGEST_TEXT = 7_439
"""Bytes of ``text`` and of ``markdown`` (§3.1)."""

NO_MESSAGE = "Unable to delete message."  # (sic), also for reading: §3.1
ONE_DESTINATION = "Exactly one of the destination fields must not be empty (roomId, toPersonEmail, toPersonId)"

MESSAGE_FIELDS = frozenset(["roomId", "toPersonId", "toPersonEmail", "parentId", "text", "markdown", "files"])
HOOK_FIELDS = ("name", "targetUrl", "resource", "event", "filter")
HOOK_SCOPES = {
    "messages": "spark:messages_read",
    "memberships": "spark:memberships_read",
    "rooms": "spark:rooms_read",
    "attachmentActions": "spark:messages_read",
    "all": "spark:messages_read",
}
"""The resources of webhooks, and what their owner must be allowed to read (§2.1)."""
HOOK_EVENTS = frozenset(["created", "updated", "deleted", "migrated", "all"])
HOOK_FILTERS = frozenset(["roomId", "roomType", "personId", "personEmail"])


def list_messages(asked: Asked) -> Answer:
    query = asked.query
    if "roomId" not in query:
        raise Problem(400, "Required String parameter 'roomId' is not present")
    room = found_room(asked.company, query["roomId"])
    newest_first = [said.data for said in reversed(room.messages.values())]
    return paged(asked, list(_selected(newest_first, query, asked.member)), default=50)


def _selected(messages: Iterable[dict[str, Any]], query: Mapping[str, str], member: Member) -> Iterable[dict[str, Any]]:
    if "beforeMessage" in query:
        messages = iter(messages)
        next((item for item in messages if item["id"] == query["beforeMessage"]), None)
    wanted = {member.id if id_ == "me" else id_ for id_ in query.get("mentionedPeople", "").split(",") if id_}
    for item in messages:
        if (
            item["created"] < query.get("before", "9999")
            and item.get("parentId") == query.get("parentId", item.get("parentId"))
            and (not wanted or wanted & set(item.get("mentionedPeople", ())))
        ):
            yield item


def one_message(asked: Asked) -> Answer:
    said = asked.company.message(asked.target)
    if said is None:
        raise Problem(404, NO_MESSAGE)
    return 200, said.data, {}


def post_message(asked: Asked) -> Answer:
    given = given_fields(asked.request, MESSAGE_FIELDS)
    if sum(bool(given.get(name)) for name in ("roomId", "toPersonEmail", "toPersonId")) != 1:
        raise Problem(400, ONE_DESTINATION)
    if "roomId" not in given:
        raise Problem(400, "The sandbox has no direct spaces.")
    room = found_room(asked.company, text_field(given, "roomId"))
    fields = _parent(room, given) | _texts(asked.company, given) | _files(asked.company, given)
    if not fields.keys() & {"text", "html", "files"}:
        raise Problem(400, "Both text and file cannot be empty.")
    return 200, asked.company.say(asked.member, room, fields).data, {}


def _parent(room: Room, given: Mapping[str, Any]) -> dict[str, str]:
    if not given.get("parentId"):
        return {}
    parent = room.messages.get(text_field(given, "parentId"))
    if parent is None or "parentId" in parent.data:
        raise Problem(400, "Unable to reply: the parent is unknown or is a reply itself.")
    return {"parentId": parent.data["id"]}


def _texts(company: Company, given: Mapping[str, Any]) -> dict[str, str]:
    text, markdown = text_field(given, "text"), text_field(given, "markdown")
    if max(len(text.encode()), len(markdown.encode())) > LONGEST_TEXT:
        raise Problem(400, f"Message length limited to {LONGEST_TEXT} bytes.")
    if markdown.strip():
        return {"markdown": echoed(markdown, company.find), "html": service_html(markdown, company.find)}
    return {"text": text} if text.strip() else {}


def _files(company: Company, given: Mapping[str, Any]) -> dict[str, list[str]]:
    files = given.get("files") or []
    if not isinstance(files, list) or len(files) > 1 or not all(isinstance(file, str) for file in files):
        raise Problem(400, "Only one file may be sent.")
    content = ids.encode("CONTENT", digest("webex", *files, repr(company.clock()))[:32] + "/0", CLUSTER)
    return {"files": [f"https://webexapis.com/v1/contents/{content}"]} if files else {}


# --- Webhooks


def list_hooks(asked: Asked) -> Answer:
    return paged(asked, [hook.told for hook in asked.company.hooks.values() if hook.owner == asked.member.id])


def post_hook(asked: Asked) -> Answer:
    given = given_fields(asked.request, (*HOOK_FIELDS, "secret"))
    for name in ("name", "targetUrl", "resource", "event"):
        if not text_field(given, name):
            raise Problem(400, f"{name} cannot be null")
    scope = HOOK_SCOPES.get(given["resource"])
    if scope is None or given["event"] not in HOOK_EVENTS:
        raise Problem(400, "Invalid resource or event")
    if scope not in asked.member.scopes:
        raise Problem(403, NO_SCOPE)
    for name, value in parse_qsl(text_field(given, "filter")):
        if name not in HOOK_FILTERS or (name == "roomId" and value not in asked.company.rooms):
            raise Problem(400, f"invalid value for filter: {name}")
    fields = {name: given[name] for name in HOOK_FIELDS if name in given}
    return 200, asked.company.add_hook(asked.member, text_field(given, "secret"), fields).told, {}


def _found_hook(asked: Asked) -> Hook:
    hook = asked.company.hooks.get(asked.target)
    if hook is None:
        raise Problem(404, "Could not find a webhook with provided ID.")
    if hook.owner != asked.member.id:
        raise Problem(400, "Failed to delete webhook.  You are not the owner of it.")
    return hook


def one_hook(asked: Asked) -> Answer:
    return 200, _found_hook(asked).told, {}


def delete_hook(asked: Asked) -> Answer:
    del asked.company.hooks[_found_hook(asked).data["id"]]
    return 204, None, {}
