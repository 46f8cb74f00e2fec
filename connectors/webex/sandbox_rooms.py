"""Spaces of the fake Webex: which there are, and what may be changed about them (reference §3.4)."""

from connectors.webex.sandbox_asked import Answer, Asked, Problem, found_room, found_team, paged
from connectors.webex.sandbox_forms import given_fields, text_field
from connectors.webex.sandbox_state import Room

CHANGED_FIELDS = ("title", "description")
"""What our client and the sandbox's own change; more may be changed at Webex."""
MADE_FIELDS = ("title", "teamId", "isLocked", "isPublic", "description", "isAnnouncementOnly")


def list_rooms(asked: Asked) -> Answer:
    """Those that one is in; of one's team perhaps also those that one may join."""
    company, query = asked.company, asked.query
    rooms = _of_team(asked, query["teamId"]) if "teamId" in query else company.rooms_of(asked.member)
    found = [room.id for room in rooms if query.get("type", room.type) == room.type]
    return paged(asked, found, lambda id_: company.told(company.rooms[id_], asked.member))


def _of_team(asked: Asked, id_: str) -> list[Room]:
    team = found_team(asked, id_)
    rooms = [room for room in asked.company.rooms.values() if room.team is team]
    return [room for room in rooms if asked.member.id in room.members or _is_open(asked, room)]


def _is_open(asked: Asked, room: Room) -> bool:
    return asked.company.lists_open_spaces and not room.moderators


def post_room(asked: Asked) -> Answer:
    company, given = asked.company, given_fields(asked.request, MADE_FIELDS)
    title, description = text_field(given, "title"), text_field(given, "description")
    if not title.strip():
        raise Problem(400, "Title cannot be empty.")
    if given.get("isPublic") and not description.strip():
        raise Problem(400, "A public space must have a description.")
    if given.get("isAnnouncementOnly") and not given.get("isLocked"):
        raise Problem(400, "Only a locked space can be put into announcement mode.")
    team = found_team(asked, text_field(given, "teamId")) if given.get("teamId") else None
    is_locked, is_public = given.get("isLocked") is True, given.get("isPublic") is True
    room = company.make_room(asked.member, title, team, is_locked, is_public)
    room.description = description.strip()
    return 200, company.told(room, asked.member), {}


def one_room(asked: Asked) -> Answer:
    return 200, asked.company.told(found_room(asked, asked.target), asked.member), {}


def delete_room(asked: Asked) -> Answer:
    """By a moderator, or whoever is alone in it; of the others it takes only themselves out."""
    room = found_room(asked, asked.target)
    if room.type == "direct" or room.team:  # what becomes of a team's space, the sandbox does not play
        raise Problem(400, "Failed to delete room.")
    if asked.member.id in room.moderators or len(room.members) == 1:
        del asked.company.rooms[room.id]
    else:
        asked.company.leave(asked.member, room)
    return 204, None, {}


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
