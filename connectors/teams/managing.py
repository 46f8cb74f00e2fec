"""Channels made and joined, and people brought into them (reference teams.md §3.5). Nothing here does I/O.

The service user does it all, so that Teams shows one name for it, and so that it can do no more than that account may: in
teams that it does not own it needs the role of a Teams Administrator. Of a standard channel the members are those of its
team, so whoever is added or removed there is added to, or removed from, the team.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.calls import Call, Calls, Response
from connectors.directory import Place
from connectors.errors import Gone, Refused, Unavailable, Unsure
from connectors.messages import NO_TEAM, AccountId, ConversationId, TeamId
from connectors.naming import one_line, shortened
from connectors.teams.client import GRAPH, READ_ERROR_BYTES, Judge, judge
from connectors.teams.directory import STANDARD, channel_of, membership, place_of
from connectors.teams.ids import channel_path, team_and_channel, team_path
from connectors.teams.names import LONGEST_TOPIC
from connectors.teams.scopes import SERVICE
from connectors.teams.values import mapping, mappings, string

MOST_ADDED = 200
"""Members that one call adds at most (§3.5)."""
PAUSE = 15.0
"""Seconds between two calls that change who is in a team: four a minute (§3.0)."""
WRITES = "change members: 4 per minute and team"
"""Graph's own figure for a team (§3.0): the narrowest of its limits, by far."""

_TEAM_WRITE, _CHANNEL_WRITE = "TeamMember.ReadWriteNonOwnerRole.All", "ChannelMember.ReadWrite.All"
_ENTER_TEAM = (
    "Teams does not let the service user join this team by itself: an owner of the team adds it, or an administrator "
    "gives it the role of a Teams Administrator"
)
_ENTER_PRIVATE = "this is a private or shared channel: one of its owners has to add the service user to it"
_MAY_NOT_CREATE = (
    "Teams does not let the service user make channels in this team: it has to be a member, and the team's settings have "
    "to let members create channels of this kind"
)
_MAY_NOT_CHANGE = (
    "Teams does not let the service user change the members here: "
    "make it an owner or, for a team, a Teams Administrator"
)
_REASONS: Sequence[tuple[str, str]] = (
    ("not in team", "has to be a member of the team before a private channel of it can be joined"),
    ("guest", "guests are not allowed here: the team, or the organisation, does not let them in"),
    ("external", "people of other organisations are not allowed here"),
    ("maximum", "the team or the channel has as many members as Teams allows"),
    ("license", "has no licence for Teams"),
    ("notfound", "is not known to Microsoft, or not yet: new accounts take up to a day"),
    ("forbidden", "a policy of the organisation forbids it"),
)
"""Words of an error's code or message, and what to tell of it. Graph documents none of them: the rest is told in general."""


def create(own: AccountId, name: str, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
    """A standard channel, or a private one that ``own`` owns. Names stay taken for 30 days after a channel is deleted."""
    if team == NO_TEAM:
        raise Refused("every channel in Teams belongs to a team: choose one")
    channel: dict[str, Any] = {"displayName": name, "membershipType": "private" if is_private else STANDARD}
    if topic:
        channel["description"] = shortened(one_line(topic), LONGEST_TOPIC)
    if is_private:
        channel["members"] = [_member(own, "owner")]
    url = f"{GRAPH}{team_path(team)}/channels"
    scopes, judged = ("Channel.Create",), _refusing(_MAY_NOT_CREATE)
    answer = yield Call("POST", url, scopes, "post channel", SERVICE, json=channel, repeatable=False, judge=judged)
    try:
        made = mapping(answer.json())
    except Unavailable:
        made = {}
    if not string(made.get("id")):
        raise Unsure("Teams made the channel without naming it")
    return place_of(team, made)


def enter_team(own: AccountId, team: TeamId) -> Calls[None]:
    """Looked up first, since joining counts against the narrowest limit."""
    path = team_path(team)
    if (yield from membership(path, own)) is None:
        yield _join(path, own, _TEAM_WRITE, _ENTER_TEAM)


def enter(own: AccountId, conversation: ConversationId) -> Calls[None]:
    """Of a private channel one has to be in the team first."""
    team, _ = team_and_channel(conversation)
    is_standard = yield from _is_standard(conversation)
    yield from enter_team(own, TeamId(team))
    path = channel_path(conversation)
    if not is_standard and (yield from membership(path, own)) is None:
        yield _join(path, own, _CHANNEL_WRITE, _ENTER_PRIVATE)


def _join(path: str, own: AccountId, scope: str, otherwise: str) -> Call:
    judged = _refusing(otherwise)
    return Call("POST", f"{GRAPH}{path}/members", (scope,), WRITES, SERVICE, json=_member(own), judge=judged)


def add(conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
    """All in one call. To a private channel nobody is added who is not in its team: that would open the whole team."""
    path, scope = yield from _membership_of(conversation)
    sent = {"values": [_member(account) for account in accounts]}
    url, judged = f"{GRAPH}{path}/members/add", _refusing(_MAY_NOT_CHANGE)
    answer = mapping((yield Call("POST", url, (scope,), WRITES, SERVICE, json=sent, judge=judged)).json())
    if not isinstance(answer.get("value"), list):
        raise Unavailable("Teams did not say who was added")
    parts = mappings(answer["value"])
    added = {string(part.get("userId")).lower() for part in parts if not part.get("error")}
    errors = {string(part.get("userId")).lower(): mapping(part.get("error")) for part in parts}
    return {one: _reason(errors.get(one.lower(), {})) for one in accounts if one.lower() not in added}


def remove(conversation: ConversationId, account: AccountId) -> Calls[None]:
    """By Graph's id of the membership, which has to be looked up. An owner is not ours to take out."""
    path, scope = yield from _membership_of(conversation)
    member = yield from membership(path, account)
    if member is None:
        return
    roles = member.get("roles")
    if isinstance(roles, list) and "owner" in roles:
        raise Refused("owners are not taken out of a team or channel: make this person a member first, in Teams")
    url = f"{GRAPH}{path}/members/{quote(string(member.get('id')), safe='')}"
    try:
        yield Call("DELETE", url, (scope,), WRITES, SERVICE, judge=_refusing(_MAY_NOT_CHANGE))
    except Gone:
        return


def _membership_of(conversation: ConversationId) -> Calls[tuple[str, str]]:
    """The team or channel that decides who is in a conversation, and the scope that changes its members."""
    if (yield from _is_standard(conversation)):
        return team_path(TeamId(team_and_channel(conversation)[0])), _TEAM_WRITE
    return channel_path(conversation), _CHANNEL_WRITE


def _is_standard(conversation: ConversationId) -> Calls[bool]:
    channel = yield from channel_of(conversation)
    return string(channel.get("membershipType") or STANDARD) == STANDARD


def _member(account: AccountId, *roles: str) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": list(roles),
        "user@odata.bind": f"{GRAPH}/users('{quote(account, safe='')}')",
    }


def _refusing(forbidden: str) -> Judge:
    """Judges as ever, and explains a refusal that is about what the service user may do, or about how much there is."""

    def judged(call: Call, response: Response) -> None:
        try:
            judge(call, response)
        except Refused as refused:
            said = response.body[:READ_ERROR_BYTES].lower()
            if b"maximum" in said:
                raise Refused("there are as many channels or members already as Teams allows") from refused
            if response.status == 403:
                raise Refused(forbidden) from refused
            raise

    return judged


def _reason(error: Mapping[str, Any]) -> str:
    said = f"{string(error.get('code'))} {string(error.get('message'))}".lower()
    return next(
        (reason for words, reason in _REASONS if words in said), "Teams did not take this account, without saying why"
    )
