"""Spaces of the fake Webex: which there are, and what may be changed about them (reference §3.4)."""

from connectors.webex.sandbox_asked import Answer, Asked, Problem, found_room, paged
from connectors.webex.sandbox_forms import given_fields, text_field

CHANGED_FIELDS = ("title", "description")
"""What our client and the sandbox's own change; more may be changed at Webex."""


def list_rooms(asked: Asked) -> Answer:
    company, query = asked.company, asked.query
    rooms = [company.told(room, asked.member) for room in company.rooms_of(asked.member)]
    wanted = {name: query[name] for name in ("type", "teamId") if name in query}
    return paged(asked, [room for room in rooms if wanted.items() <= room.items()])


def one_room(asked: Asked) -> Answer:
    return 200, asked.company.told(found_room(asked, asked.target), asked.member), {}


def change_room(asked: Asked) -> Answer:
    room, given = found_room(asked, asked.target), given_fields(asked.request, CHANGED_FIELDS)
    if not text_field(given, "title").strip():
        raise Problem(400, "Title cannot be empty.")
    if room.type == "direct":
        raise Problem(400, "Failed to update room.")
    if room.moderators and asked.member.id not in room.moderators:
        raise Problem(403, "Only a moderator can change a moderated room.")
    asked.company.change_room(asked.member, room, given["title"], text_field(given, "description") or room.description)
    return 200, asked.company.told(room, asked.member), {}
