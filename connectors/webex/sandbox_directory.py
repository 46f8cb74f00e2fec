"""The directory of the fake Webex: people, teams, and who is in what (reference §3.5 to §3.8)."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox import COMPANY
from connectors.webex import ids
from connectors.webex.sandbox_asked import NO_SCOPE, Answer, Asked, Problem, found_room, found_team, paged
from connectors.webex.sandbox_company import Company
from connectors.webex.sandbox_forms import given_fields, text_field
from connectors.webex.sandbox_state import CLUSTER, FOUNDED, Member, Room, Team

MOST_IDS = 85
"""In one lookup of people (§3.7)."""
NO_SEARCH = "Email, displayName, or id list should be specified."


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
        "orgId": company.organization_of(member),
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


def me(asked: Asked) -> Answer:
    more = _known_to_administrators(asked.member) if asked.member.roles else {}
    return 200, _person(asked.company, asked.member) | more, {}


def one_person(asked: Asked) -> Answer:
    member = asked.company.members.get(ids.account(asked.target))
    if member is None:
        raise Problem(404, "Person not found")
    return 200, _person(asked.company, member), {}


def list_people(asked: Asked) -> Answer:
    """By ids, or by an address or the beginning of a name in one's own organization."""
    company, query = asked.company, asked.query
    wanted: list[str] = [ids.account(id_) for id_ in query.get("id", "").split(",") if id_]
    if len(wanted) > MOST_IDS:
        raise Problem(400, f"At most {MOST_IDS} ids can be specified.")
    if not (wanted or query.get("email") or query.get("displayName")):
        raise Problem(400, NO_SEARCH)
    if wanted:
        found = [id_ for id_ in dict.fromkeys(wanted) if id_ in company.members]
    else:
        found = [id_ for id_, member in company.members.items() if _is_sought(member, query)]
    status, body, headers = paged(asked, found, lambda id_: _person(company, company.members[id_]))
    unknown = [id_ for id_ in wanted if id_ not in company.members]
    return status, body | ({"notFoundIds": unknown} if unknown else {}), headers


def _is_sought(member: Member, query: Mapping[str, str]) -> bool:
    return (
        not member.organization
        and query.get("email", member.email).lower() == member.email
        and member.name.lower().startswith(query.get("displayName", "").lower())
    )


# --- Spaces


def list_memberships(asked: Asked) -> Answer:
    """One's own, or those of a space that one is in."""
    company, query = asked.company, asked.query
    if "roomId" not in query:
        if "personId" in query or "personEmail" in query:
            raise Problem(400, "roomId cannot be null")
        rooms = [room.id for room in company.rooms_of(asked.member)]
        return paged(asked, rooms, lambda id_: company.membership(company.rooms[id_], asked.member))
    room = found_room(asked, query["roomId"])
    wanted = query.get("personId") or query.get("personEmail")
    person = company.person(wanted) if wanted else None
    found = [id_ for id_ in ([person.id] if person else []) if id_ in room.members] if wanted else room.members
    return paged(asked, found, lambda id_: company.membership(room, company.anybody(id_)))


def post_membership(asked: Asked) -> Answer:
    """Members bring others in, and come by themselves into the open spaces of their teams."""
    company, given = asked.company, given_fields(asked.request, ("roomId", "personId", "personEmail", "isModerator"))
    room = company.rooms.get(_needed(given, "roomId"))
    if room is None or room.type == "direct":
        raise Problem(404, "Could not find a room with provided ID.")
    person = _meant(company, given)
    if person.id in room.members:
        raise Problem(409, "Person is already in the room.")
    _may_add(asked, room, person)
    company.join(person, room, asked.member)
    if given.get("isModerator") is True:
        company.moderate(room, asked.member, person)
    return 200, company.membership(room, person), {}


def _may_add(asked: Asked, room: Room, person: Member) -> None:
    caller = asked.member.id
    comes = person.id == caller and room.team is not None and caller in asked.company.rooms[room.team.general].members
    if caller not in room.members and not comes and not room.is_public:
        raise Problem(502, "Add participant failed.")
    if room.moderators and caller not in room.moderators:
        raise Problem(403, "Only a moderator can add people to a moderated room.")
    if room.is_general:
        raise Problem(403, "People come into this room by the team.")
    _let_in(asked.company, person)


def _let_in(company: Company, person: Member) -> None:
    if person.organization and not company.lets_outsiders_in:
        raise Problem(403, "The policy of the organization does not allow people from outside.")


def delete_membership(asked: Asked) -> Answer:
    """One's own, or as a member that of another; in a moderated space that is for moderators."""
    company = asked.company
    room, person = _found_membership(asked)
    if person.id != asked.member.id and room.moderators and asked.member.id not in room.moderators:
        raise Problem(403, "Only a moderator can remove people from a moderated room.")
    if room.moderators == {person.id} and len(room.members) > 1:
        raise Problem(400, "Failed to leave room.")
    company.leave(person, room, asked.member)
    return 204, None, {}


def one_membership(asked: Asked) -> Answer:
    room, person = _found_membership(asked)
    return 200, asked.company.membership(room, person), {}


def _found_membership(asked: Asked) -> tuple[Room, Member]:
    decoded = ids.decode(asked.target)
    person, _, room_uuid = decoded[2].partition(":") if decoded and decoded[1] == "MEMBERSHIP" else ("", "", "")
    room = asked.company.rooms.get(ids.encode("ROOM", room_uuid, CLUSTER))
    id_ = ids.encode("PEOPLE", person)
    if room is None or asked.member.id not in room.members or id_ not in room.members:
        raise Problem(404, "Failed to get membership")
    return room, asked.company.anybody(id_)


def _needed(given: Mapping[str, Any], name: str) -> str:
    if not (value := text_field(given, name)):
        raise Problem(400, f"{name} cannot be null")
    return value


def _meant(company: Company, given: Mapping[str, Any]) -> Member:
    key = text_field(given, "personId") or text_field(given, "personEmail")
    if not key:
        raise Problem(400, "Must specify either personId or personEmail.")
    found = company.person(key)
    if found is None:
        raise Problem(404, f"{key} not found.")
    return found


# --- Teams


def list_teams(asked: Asked) -> Answer:
    company = asked.company
    ours = [id_ for id_, team in company.teams.items() if asked.member.id in company.rooms[team.general].members]
    return paged(asked, ours, lambda id_: _team(company.teams[id_]))


def one_team(asked: Asked) -> Answer:
    return 200, _team(found_team(asked, asked.target)), {}


def _team(team: Team) -> dict[str, Any]:
    return {"id": team.id, "name": team.name, "created": team.created}


def list_team_memberships(asked: Asked) -> Answer:
    if "teamId" not in asked.query:
        raise Problem(400, "Required String parameter 'teamId' is not present")
    team = found_team(asked, asked.query["teamId"])
    general = asked.company.rooms[team.general]
    return paged(asked, general.members, lambda id_: _team_membership(asked.company, team, general, id_))


def _team_membership(company: Company, team: Team, general: Room, id_: str) -> dict[str, Any]:
    person = company.anybody(id_)
    return {
        "id": ids.encode("TEAM_MEMBERSHIP", f"{person.uuid}:{team.uuid}", CLUSTER),
        "teamId": team.id,
        "personId": id_,
        "personEmail": person.email,
        "personDisplayName": person.name,
        "personOrgId": company.organization_of(person),
        "isModerator": id_ in team.moderators,
        "created": general.members[id_],
    }


def post_team_membership(asked: Asked) -> Answer:
    """Into a team, and with it into its General space; moderators only."""
    company, given = asked.company, given_fields(asked.request, ("teamId", "personId", "personEmail", "isModerator"))
    team = found_team(asked, _needed(given, "teamId"))
    general = company.rooms[team.general]
    person = _meant(company, given)
    if person.id in general.members:
        raise Problem(409, "User is already a participant of the team.")
    if asked.member.id not in team.moderators:
        raise Problem(403, "Only a moderator can add people to a team.")
    _let_in(company, person)
    company.join(person, general, asked.member)
    team.moderators |= {person.id} if given.get("isModerator") is True else set()
    return 200, _team_membership(company, team, general, person.id), {}


# --- The organization


def _organization(asked: Asked) -> dict[str, Any]:
    """For administrators only, whatever scopes a token has (§3.8)."""
    if not asked.member.roles:
        raise Problem(403, NO_SCOPE)
    return {"id": asked.company.id, "displayName": COMPANY, "created": FOUNDED}


def list_organizations(asked: Asked) -> Answer:
    return 200, {"items": [_organization(asked)]}, {}


def one_organization(asked: Asked) -> Answer:
    found = _organization(asked)
    if asked.target != found["id"]:
        raise Problem(404, "Could not find an organization with provided ID.")
    return 200, found, {}
