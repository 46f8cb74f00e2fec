"""People, teams, channels and their members, as Graph lists them (reference teams.md §3.5, §3.6). Nothing here does I/O.

Of Graph's link to a next page only the query is kept, so that no token travels to a host that an answer or a cursor names.
Where several teams are walked, the cursor begins with the number of the team.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from connectors.calls import Call, Calls, Response
from connectors.directory import Page, Place, Team
from connectors.errors import Gone, Unavailable
from connectors.messages import Account, AccountId, ConversationId, TeamId
from connectors.teams.client import GRAPH, judge
from connectors.teams.ids import channel_id, channel_path, team_and_channel, team_path
from connectors.teams.scopes import APP
from connectors.teams.values import mapping, mappings, string

USERS_PAGE = MEMBERS_PAGE = 999
"""The most users, and the most members, that Graph lists at once (§3.5, §3.6)."""
TEAMS_PAGE = 100
"""Teams listed at once; no larger page is documented."""
TEAMS_WALKED = 10
"""Teams whose channels make one page where all teams are walked: each costs two calls or more."""
IDS_PER_FILTER = 15
"""The most values that Graph takes in one ``in``, and the most conditions with an ``or`` between them."""
STANDARD = "standard"
"""The kind of channel whose members are those of its team; the members of any other are its own."""

PERSON = "id,displayName,mail,proxyAddresses,userType,accountEnabled"
_KNOWING_ALL_KINDS = {"Prefer": "include-unknown-enum-members"}


def account(account: AccountId) -> Calls[Account]:
    """A person of the tenant. Photographs are not public in Teams, so there is no address of one."""
    query = {"$select": PERSON}
    response = yield reading(f"/users/{quote(account, safe='')}", "User.Read.All", "get user", query=query)
    return account_of(mapping(response.json()))


def people(teams: Sequence[TeamId], cursor: str) -> Calls[Page[Account]]:
    """Everybody, told by a delta that a later run goes on with; or page by page the members of each team.

    Of a team's members Graph does not tell who was deactivated. Names and addresses that it leaves out are looked up.
    """
    if not teams:
        return (yield from _everybody(cursor))
    number, query = _open(teams, cursor)
    path = f"{team_path(teams[number])}/members"
    page = yield from _page(path, "TeamMember.Read.All", "get team members", query)
    members = [member for member in mappings(page.get("value")) if string(member.get("userId"))]
    found = {one.id: one for one in map(_member, members)}
    if nameless := [one.id for one in found.values() if not (one.name and one.email)]:
        found |= yield from looked_up(nameless)
    return Page(tuple(found.values()), _following(teams, number, page))


def _everybody(cursor: str) -> Calls[Page[Account]]:
    """A page of ``users/delta``; a token that Graph no longer knows (after seven days) is ``Gone``."""
    response = yield reading(
        f"/users/delta?{query_of(cursor) or f'$select={PERSON}'}",
        "User.Read.All",
        "list users",
        headers={"Prefer": f"odata.maxpagesize={USERS_PAGE}"},
        judge=judge_cursor if cursor else judge,
    )
    page = listed(response)
    users = tuple(account_of(user) for user in mappings(page.get("value")) if string(user.get("id")))
    return Page(users, link_of(page, "@odata.nextLink"), resume=link_of(page, "@odata.deltaLink"))


def looked_up(accounts: Sequence[AccountId]) -> Calls[dict[AccountId, Account]]:
    found: dict[AccountId, Account] = {}
    for start in range(0, len(accounts), IDS_PER_FILTER):
        names = ",".join(map(quoted, accounts[start : start + IDS_PER_FILTER]))
        query = {"$select": PERSON, "$filter": f"id in ({names})"}
        page = listed((yield reading("/users", "User.Read.All", "list users", query=query)))
        found |= {one.id: one for one in map(account_of, mappings(page.get("value"))) if one.id}
    return found


def teams(cursor: str) -> Calls[Page[Team]]:
    """Every team of the tenant; the application need not be in one to see it."""
    page = yield from _teams_page(cursor, TEAMS_PAGE)
    return Page(tuple(map(_team, mappings(page.get("value")))), link_of(page, "@odata.nextLink"))


def conversations(own: AccountId, teams: Sequence[TeamId], cursor: str) -> Calls[Page[Place]]:
    """The channels of one of ``teams``, private ones included, with whether ``own`` is in them; of some where all are walked.

    A channel that another team shares with this one is that team's.
    """
    if teams:
        number, query = _open(teams, cursor)
        page, places = yield from _channels(own, teams[number], query)
        return Page(tuple(places), _following(teams, number, page))
    page = yield from _teams_page(cursor, TEAMS_WALKED)
    found: list[Place] = []
    for team in map(_team, mappings(page.get("value"))):
        found += yield from _all_channels(own, team.id)
    return Page(tuple(found), link_of(page, "@odata.nextLink"))


def _all_channels(own: AccountId, team: TeamId) -> Calls[list[Place]]:
    """A team that disappears while all are walked has no channels."""
    try:
        page, places = yield from _channels(own, team, "")
        while query := link_of(page, "@odata.nextLink"):
            page, more = yield from _channels(own, team, query)
            places += more
    except Gone:
        return []
    return places


def _channels(own: AccountId, team: TeamId, query: str) -> Calls[tuple[Mapping[str, Any], list[Place]]]:
    path = f"{team_path(team)}/channels"
    page = yield from _page(path, "Channel.ReadBasic.All", "list channels", query, _KNOWING_ALL_KINDS)
    is_in_team = (yield from membership(team_path(team), own)) is not None
    places: list[Place] = []
    for channel in mappings(page.get("value")):
        places += [(yield from _place(own, team, channel, is_in_team))]
    return page, places


def conversation(own: AccountId, conversation: ConversationId) -> Calls[Place]:
    """A channel as it is now."""
    team, _ = team_and_channel(conversation)
    channel = yield from channel_of(conversation)
    is_in_team = (yield from membership(team_path(TeamId(team)), own)) is not None
    return (yield from _place(own, TeamId(team), channel, is_in_team))


def channel_of(conversation: ConversationId) -> Calls[Mapping[str, Any]]:
    """A channel in Graph's own words."""
    path = channel_path(conversation)
    response = yield reading(path, "Channel.ReadBasic.All", "get channel", headers=_KNOWING_ALL_KINDS)
    return mapping(response.json())


def _place(own: AccountId, team: TeamId, channel: Mapping[str, Any], is_in_team: bool) -> Calls[Place]:
    """Whoever is not in the team is in none of its channels, but for those that are shared."""
    place = place_of(team, channel)
    path = channel_path(place.id)
    is_in = is_in_team and (not place.is_private or (yield from membership(path, own)) is not None)
    return place_of(team, channel, is_in)


def place_of(team: TeamId, channel: Mapping[str, Any], is_entered: bool = True) -> Place:
    """A channel of Graph's. One that only some of the team see is private, as is one shared with other teams."""
    is_standard = string(channel.get("membershipType") or STANDARD) == STANDARD
    return Place(
        id=channel_id(team, string(channel.get("id"))),
        name=string(channel.get("displayName")),
        topic=string(channel.get("description")),
        team=team,
        is_private=not is_standard,
        is_archived=channel.get("isArchived") is True,
        is_entered=is_entered,
        is_whole_team=is_standard,
    )


def members_page(conversation: ConversationId, cursor: str) -> Calls[Page[AccountId]]:
    """Some of those in a channel; for a standard channel that is its team. A cursor is the query of the page."""
    path = f"{channel_path(conversation)}/members"
    page = yield from _page(path, "ChannelMember.Read.All", "get channel members", query_of(cursor))
    ids = (string(member.get("userId")) for member in mappings(page.get("value")))
    return Page(tuple(AccountId(id_) for id_ in ids if id_), link_of(page, "@odata.nextLink"))


def membership(path: str, account: AccountId) -> Calls[Mapping[str, Any] | None]:
    """How ``account`` belongs to the team or channel at ``path``: Graph's id and roles for it, None where it does not."""
    is_team = "/channels/" not in path
    scope, bucket = (
        ("TeamMember.Read.All", "get team members") if is_team else ("ChannelMember.Read.All", "get channel members")
    )
    query = {"$filter": f"(microsoft.graph.aadUserConversationMember/userId eq {quoted(account)})"}
    page = listed((yield reading(f"{path}/members", scope, bucket, query=query)))
    return next((one for one in mappings(page.get("value")) if one.get("userId") == account), None)


def email(user: Mapping[str, Any]) -> str:
    """``mail`` may be missing; then the primary of the mail aliases. The sign-in name is no address (§3.6)."""
    known = user.get("proxyAddresses")
    aliases = map(string, known if isinstance(known, list) else ())
    primary = (alias.removeprefix("SMTP:") for alias in aliases if alias.startswith("SMTP:"))
    return string(user.get("mail")) or next(primary, "")


def account_of(user: Mapping[str, Any]) -> Account:
    """A user of Graph's; of one that a delta says was removed only the id is told."""
    is_deleted = "@removed" in user or user.get("accountEnabled") is False
    is_guest = user.get("userType") == "Guest"
    name = string(user.get("displayName"))
    return Account(AccountId(string(user.get("id"))), name, email(user), is_guest=is_guest, is_deleted=is_deleted)


def _member(member: Mapping[str, Any]) -> Account:
    roles = member.get("roles")
    is_guest = isinstance(roles, list) and "guest" in roles
    name, address = string(member.get("displayName")), string(member.get("email"))
    return Account(AccountId(string(member.get("userId"))), name, address, is_guest=is_guest)


def _team(team: Mapping[str, Any]) -> Team:
    return Team(TeamId(string(team.get("id"))), string(team.get("displayName")), string(team.get("description")))


def _teams_page(cursor: str, size: int) -> Calls[Mapping[str, Any]]:
    first = f"$select=id,displayName,description&$top={size}"
    url, check = f"/teams?{query_of(cursor) or first}", judge_cursor if cursor else judge
    return listed((yield reading(url, "Team.ReadBasic.All", "list teams", judge=check)))


def _page(
    path: str, scope: str, bucket: str, query: str, headers: Mapping[str, str] | None = None
) -> Calls[Mapping[str, Any]]:
    """A page of a list below a team; ``query`` is that of the link to it, empty for the first one."""
    first = f"?$top={MEMBERS_PAGE}" if path.endswith("/members") else ""
    call = reading(
        f"{path}?{query}" if query else path + first,
        scope,
        bucket,
        headers=headers,
        judge=judge_cursor if query else judge,
    )
    return listed((yield call))


def reading(
    path: str,
    scope: str,
    bucket: str,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    judge: Any = judge,
) -> Call:
    """A GET by the application."""
    return Call("GET", GRAPH + path, (scope,), bucket, APP, query=query, headers=headers or {}, judge=judge)


def judge_cursor(call: Call, response: Response) -> None:
    """What is wrong with a page that Graph named is its token, which expires (§3.0)."""
    if response.status in (400, 410):
        raise Gone("Microsoft no longer knows this page: the list has to be begun again")
    judge(call, response)


def listed(response: Response) -> Mapping[str, Any]:
    """A page of a list. Raises ``Unavailable`` for what is none."""
    page = mapping(response.json())
    if not isinstance(page.get("value"), list):
        raise Unavailable("Teams answered without a list")
    return page


def link_of(page: Mapping[str, Any], name: str) -> str:
    """The query of a link that a page has, empty where it has none. One that cannot be read is not the end of the list."""
    if page.get(name) is None:
        return ""
    try:
        query = urlsplit(string(page[name])).query
    except ValueError:
        query = ""
    if not query:
        raise Unavailable("Teams named a next page that cannot be read")
    return query


def query_of(cursor: str) -> str:
    """A cursor as a query, and nothing else. Raises ``Gone`` for what never was one of ours."""
    if not cursor.isascii() or not cursor.isprintable() or " " in cursor or "#" in cursor:
        raise Gone("this is no page of a list of Microsoft's")
    return cursor


def _open(teams: Sequence[TeamId], cursor: str) -> tuple[int, str]:
    """The number of the team that a cursor is at, and the query of the page. Raises ``Gone``."""
    number, _, query = (cursor or "0 ").partition(" ")
    if not (number.isdecimal() and number.isascii() and len(number) < 6 and int(number) < len(teams)):
        raise Gone("this page belongs to another choice of teams")
    return int(number), query_of(query)


def _following(teams: Sequence[TeamId], number: int, page: Mapping[str, Any]) -> str:
    """The cursor of the same team's next page, else of the next team's first."""
    if query := link_of(page, "@odata.nextLink"):
        return f"{number} {query}"
    return f"{number + 1} " if number + 1 < len(teams) else ""


def quoted(text: str) -> str:
    """A text within a filter."""
    return "'" + text.replace("'", "''") + "'"
