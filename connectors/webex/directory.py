"""Webex's teams, people, spaces and members (reference §3.4 to §3.7), as far as the service user sees them.

Webex lists the company's people to administrators' scopes only, which we do not ask for: people are found by their teams,
and what a membership does not tell of them (picture, kind, sign-in) is asked for by their ids. Nothing tells what changed
since. Pages are continued by the query that Webex names; with several teams the cursor says first in which of them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.calls import Calls
from connectors.directory import Page, Place, Team
from connectors.errors import Gone
from connectors.messages import NO_TEAM, Account, AccountId, ConversationId, TeamId, WorkspaceId
from connectors.provisioning import Found, is_address
from connectors.webex import ids
from connectors.webex.client import items_of, listed, object_of, page_of, path_of, reading, room, text_of

PEOPLE_AT_ONCE = 85
"""Ids in one lookup; Webex takes no more (§3.7)."""
MEMBERS = 4 * PEOPLE_AT_ONCE
"""Members asked for at once: few enough that a page of people is five calls."""
LISTED = 500
"""Spaces or teams asked for at once; longer lists are late and doubtful (§3.4)."""
UNREADABLE = "(title not readable)"
"""What a space is called whose title Webex could not decrypt: the cipher is no name (§1.5)."""

MEMBERSHIPS = ("spark:memberships_read",)
ROOMS = ("spark:rooms_read",)
TEAMS = ("spark:teams_read",)
TEAM_MEMBERSHIPS = ("spark:team_memberships_read",)
PEOPLE = ("spark:people_read",)

Listed = tuple[list[dict[str, Any]], str]


def account(account: AccountId, workspace: WorkspaceId) -> Calls[Account]:
    """``GET /people/{id}``."""
    person = object_of((yield reading(path_of("people", account), PEOPLE, "people")))
    return _account(account, person, workspace)


def teams(cursor: str) -> Calls[Page[Team]]:
    """``GET /teams``: those that the service user belongs to; Webex shows no other (§3.6)."""
    items, following = yield from page_of("/teams", TEAMS, "teams", _query(LISTED), cursor)
    found = (
        Team(TeamId(id_), text_of(item, "name"), text_of(item, "description")) for item in items if (id_ := _id(item))
    )
    return Page(tuple(found), following)


def people(teams: Sequence[TeamId], workspace: WorkspaceId, cursor: str) -> Calls[Page[Account]]:
    """``GET /team/memberships`` and ``GET /people``. Without teams: of all that the service user belongs to."""
    chosen = list(teams) or (yield from _our_teams())
    if not chosen:
        return Page(())
    _, items, following = yield from _walk(chosen, cursor, _team_members)
    members = {ids.account(id_): item for item in items if (id_ := _id(item, "personId"))}
    known = yield from _described(list(members))
    accounts = (_account(id_, item | known.get(id_, {}), workspace) for id_, item in members.items())
    return Page(tuple(accounts), following)


def conversations(teams: Sequence[TeamId], cursor: str) -> Calls[Page[Place]]:
    """``GET /rooms``: for each team, which may bring open spaces that we are not in (§3.4), and then all that we are in."""
    team, items, following = yield from _walk([*teams, NO_TEAM], cursor, _rooms)
    if team:
        entered = yield from _entered()
        places = [place_of(id_, item, id_ in entered) for item in items if (id_ := _id(item))]
    else:
        ours = [item for item in items if not teams or not text_of(item, "teamId")]
        places = [place_of(id_, item, is_entered=True) for item in ours if (id_ := _id(item))]
    return Page(tuple(places), following)


def conversation(conversation: ConversationId, own: AccountId) -> Calls[Place]:
    """``GET /rooms/{id}``, and whether we are in it."""
    found = yield from room(conversation)
    return place_of(conversation, found, bool((yield from membership(conversation, own))))


def members_page(conversation: ConversationId, cursor: str) -> Calls[Page[AccountId]]:
    """``GET /memberships``."""
    query = _query(MEMBERS, roomId=conversation)
    items, following = yield from page_of("/memberships", MEMBERSHIPS, "memberships", query, cursor)
    people = (ids.account(person) for item in items if (person := _id(item, "personId")))
    return Page(tuple(dict.fromkeys(people)), following)


def membership(conversation: ConversationId, account: AccountId) -> Calls[str]:
    """The id of an account's being in a space; empty where it is not. Raises ``Gone`` where the space is not visible."""
    query = {"roomId": conversation, "personId": account}
    items = items_of((yield reading("/memberships", MEMBERSHIPS, "memberships", query)))
    return next((id_ for item in items if (id_ := _id(item))), "")


def look_up(emails: Sequence[str], workspace: WorkspaceId) -> Calls[dict[str, Found]]:
    """``GET /people``, one address after the other: of our own organization only, and of those it manages (§3.7)."""
    found: dict[str, Found] = {}
    for email in filter(is_address, emails):
        answer = yield reading("/people", PEOPLE, "people", _query(PEOPLE_AT_ONCE, email=email, excludeStatus="true"))
        having = (one for one in items_of(answer) if _id(one) and email.lower() in _addresses(one))
        people = (_account(ids.account(_id(one)), one, workspace) for one in having)
        if person := next((one for one in people if not one.is_bot), None):
            found[email.lower()] = Found(person, is_licensed=not person.is_deleted)
    return found


def _addresses(person: Mapping[str, Any]) -> list[str]:
    emails = person.get("emails")
    return [email.lower() for email in emails if isinstance(email, str)] if isinstance(emails, list) else []


def _walk(
    lists: Sequence[TeamId], cursor: str, page: Callable[[TeamId, str], Calls[Listed]]
) -> Calls[tuple[TeamId, list[dict[str, Any]], str]]:
    """A page of several lists, one after the other: of which it is, what is in it, and the cursor of the next."""
    name, _, following = cursor.partition("?")
    team = TeamId(name) if cursor else lists[0]
    if team not in lists:
        raise Gone("the list of another choice of teams: it must be read again")
    items, following = yield from page(team, following)
    if following:
        return team, items, f"{team}?{following}"
    rest = lists[lists.index(team) + 1 :]
    return team, items, f"{rest[0]}?" if rest else ""


def _team_members(team: TeamId, following: str) -> Calls[Listed]:
    query = _query(MEMBERS, teamId=team)
    return (yield from page_of("/team/memberships", TEAM_MEMBERSHIPS, "team memberships", query, following))


def _rooms(team: TeamId, following: str) -> Calls[Listed]:
    query = _query(LISTED, type="group") | ({"teamId": team} if team else {})
    return (yield from page_of("/rooms", ROOMS, "rooms", query, following))


def _our_teams() -> Calls[list[TeamId]]:
    found = yield from listed("/teams", TEAMS, "teams", _query(LISTED))
    return [TeamId(id_) for item in found if (id_ := _id(item))]


def _entered() -> Calls[set[str]]:
    """The spaces that we are in: a space itself does not say so."""
    return {
        text_of(item, "roomId")
        for item in (yield from listed("/memberships", MEMBERSHIPS, "memberships", _query(LISTED)))
    }


def _described(accounts: Sequence[AccountId]) -> Calls[dict[AccountId, dict[str, Any]]]:
    """What ``GET /people`` tells of them; of some it may tell nothing, such as people of other organizations."""
    found: dict[AccountId, dict[str, Any]] = {}
    for start in range(0, len(accounts), PEOPLE_AT_ONCE):
        some = accounts[start : start + PEOPLE_AT_ONCE]
        items = items_of((yield reading("/people", PEOPLE, "people", {"id": ",".join(some)})))
        found |= {ids.account(id_): item for item in items if (id_ := _id(item))}
    return found


def _account(account: AccountId, told: Mapping[str, Any], workspace: WorkspaceId) -> Account:
    """A person as ``/people`` or, where that tells nothing, a membership shows them. Only administrators are told who can
    no longer sign in."""
    emails = told.get("emails")
    email = emails[0] if isinstance(emails, list) and emails and isinstance(emails[0], str) else ""
    email = email or text_of(told, "personEmail")
    organization = ids.uuid(text_of(told, "orgId") or text_of(told, "personOrgId"), "ORGANIZATION")
    is_bot = told.get("type") in ("bot", "appuser") or ids.is_bot(email)
    return Account(
        id=account,
        name=text_of(told, "displayName") or text_of(told, "nickName") or text_of(told, "personDisplayName"),
        email=email,
        avatar_url=text_of(told, "avatar"),
        is_bot=is_bot,
        is_guest=not is_bot and organization not in (None, workspace),
        is_deleted=told.get("loginEnabled") is False,
    )


def place_of(id_: str, told: Mapping[str, Any], is_entered: bool) -> Place:
    """A space as the interface tells it."""
    return Place(
        id=ids.conversation(id_),
        name=UNREADABLE if "errors" in told else text_of(told, "title"),
        topic=text_of(told, "description"),
        team=TeamId(text_of(told, "teamId")),
        is_private=is_private(told),
        is_archived=told.get("isReadOnly") is True,
        is_entered=is_entered,
        is_whole_team=is_general(id_, text_of(told, "teamId")),
    )


def is_general(room: str, team: str) -> bool:
    """Whether a space is the General one of its team, in which everybody of the team is: the two share their id (§3.6)."""
    shared = ids.uuid(team, "TEAM")
    return shared is not None and shared == ids.uuid(room, "ROOM")


def is_private(told: Mapping[str, Any]) -> bool:
    """Whether nobody comes in unasked: a space is open to the organization if it is public, and to its team if no
    moderators guard it (§3.4, §3.6)."""
    is_open_to_team = text_of(told, "teamId") and told.get("isLocked") is not True
    return told.get("isPublic") is not True and not is_open_to_team


def _id(item: Mapping[str, Any], name: str = "id") -> str:
    return ids.plausible(item.get(name)) or ""


def _query(at_once: int, **fields: str) -> dict[str, str]:
    return fields | {"max": str(at_once)}
