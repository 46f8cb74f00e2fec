"""Security groups and the people in them, as Graph lists them (reference teams.md §3.6). Nothing here does I/O."""

from urllib.parse import quote, urlencode

from connectors.calls import Calls
from connectors.directory import Group, Page
from connectors.messages import AccountId
from connectors.teams.client import judge
from connectors.teams.directory import MEMBERS_PAGE, judge_cursor, link_of, listed, query_of, quoted, reading
from connectors.teams.values import mappings, string

GROUPS_PAGE = 100
"""Groups shown at once to who chooses one."""


def groups(text: str, cursor: str) -> Calls[Page[Group]]:
    """Security groups that somebody fills; neither those of Microsoft 365 nor those that a rule fills."""
    condition = "securityEnabled eq true" + (f" and startswith(displayName,{quoted(text)})" if text else "")
    first = {"$filter": condition, "$select": "id,displayName,groupTypes", "$top": str(GROUPS_PAGE)}
    path = f"/groups?{query_of(cursor) or urlencode(first, safe='$,', quote_via=quote)}"
    check = judge_cursor if cursor else judge
    page = listed((yield reading(path, "GroupMember.Read.All", "list groups", judge=check)))
    found = (one for one in mappings(page.get("value")) if string(one.get("id")) and not one.get("groupTypes"))
    return Page(
        tuple(Group(string(one.get("id")), string(one.get("displayName"))) for one in found),
        link_of(page, "@odata.nextLink"),
    )


def group_members(group: str, cursor: str) -> Calls[Page[AccountId]]:
    """Some of the people in a group and in groups within it; what else is in it, such as devices, is left out."""
    first = f"$select=id&$top={MEMBERS_PAGE}"
    path = f"/groups/{quote(group, safe='')}/transitiveMembers?{query_of(cursor) or first}"
    check = judge_cursor if cursor else judge
    page = listed((yield reading(path, "GroupMember.Read.All", "list group members", judge=check)))
    people = (one for one in mappings(page.get("value")) if one.get("@odata.type") == "#microsoft.graph.user")
    ids = (string(one.get("id")) for one in people)
    return Page(tuple(AccountId(id_) for id_ in ids if id_), link_of(page, "@odata.nextLink"))
