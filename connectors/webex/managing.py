"""Making spaces, and who comes into them and goes (reference §3.4 to §3.6).

All of it is done by the service user. It brings itself into the open spaces of its teams; into moderated ones, into spaces of
no team, and into teams somebody must bring it who is there already. ``spark:rooms_write`` is asked for only by the fuller of
the two presets.
"""

import json
from collections.abc import Sequence
from typing import Any

from connectors.calls import Call, Calls, Response
from connectors.directory import Place
from connectors.errors import Gone, Refused, Unsure
from connectors.messages import AccountId, ConversationId, TeamId
from connectors.naming import one_line, shortened
from connectors.webex.client import BASE, TOKEN, path_of, reading, room, text_of
from connectors.webex.directory import TEAMS, is_general, membership, place_of
from connectors.webex.judge import judge_adding, judge_creating, judge_removing, judge_team
from connectors.webex.names import LONGEST
from connectors.webex.names import WRITING as MAKING

INVITING = ("spark:memberships_write",)
INVITING_TO_TEAMS = ("spark:team_memberships_write",)

MODERATED = "only a moderator of this space can add people to it: make the service user one in Webex"
NOT_INVITED = "somebody who is in this space must add the service user to it in Webex"
NOT_IN_TEAM = "a moderator of this team must add the service user to it in Webex"


def create(name: str, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
    """``POST /rooms``. Private in a team means moderated, by us; public outside of one means open to the organization."""
    fields: dict[str, Any] = {"title": name}
    description = shortened(one_line(topic), LONGEST)
    if team:
        fields |= {"teamId": team} | ({"isLocked": True} if is_private else {})
    elif not is_private:
        fields["isPublic"] = True
        description = description or name  # without one Webex makes no space public
    if description:
        fields["description"] = description
    made = yield _writing("POST", "/rooms", MAKING, "rooms", json=fields, judge=judge_creating, repeatable=False)
    return _made(made)


def _made(response: Response) -> Place:
    try:
        told = json.loads(response.body)
        return place_of(told["id"], told, is_entered=True)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unsure("Webex made the space and did not say its id") from error


def enter_team(team: TeamId, own: AccountId) -> Calls[None]:
    """``POST /team/memberships`` for ourselves, which is done by moderators only; whoever sees a team is in it."""
    if not (yield from _into_team(team, own)):
        return
    try:
        yield reading(path_of("teams", team), TEAMS, "teams")
    except Gone as error:
        raise Refused(NOT_IN_TEAM) from error


def enter(conversation: ConversationId, own: AccountId) -> Calls[None]:
    """``POST /memberships`` for ourselves."""
    try:
        yield _adding(conversation, own)
    except Refused as error:
        raise Refused(f"{NOT_INVITED} ({error})") from error


def add(conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
    """``POST /memberships``, one by one."""
    refused: dict[AccountId, str] = {}
    for account in accounts:
        try:
            yield _adding(conversation, account)
        except Refused as error:
            if why := (yield from _why_not(conversation, account, str(error))):
                refused[account] = why
    return refused


def _why_not(conversation: ConversationId, account: AccountId, reason: str) -> Calls[str]:
    """Why it was refused, once another way is tried: into a team's General space one comes by the team (§3.6).

    Raises ``Gone`` where the space is not there for us at all.
    """
    space = yield from room(conversation)
    team = TeamId(text_of(space, "teamId"))
    if is_general(conversation, team):
        return (yield from _into_team(team, account))
    return MODERATED if space.get("isLocked") is True else reason


def _into_team(team: TeamId, account: AccountId) -> Calls[str]:
    """``POST /team/memberships``; why it is refused, or nothing."""
    fields = {"teamId": team, "personId": account}
    try:
        yield _writing(
            "POST", "/team/memberships", INVITING_TO_TEAMS, "team memberships", json=fields, judge=judge_team
        )
    except Refused as error:
        return str(error)
    return ""


def remove(conversation: ConversationId, account: AccountId) -> Calls[None]:
    """``DELETE /memberships/{id}``, whose id is looked up: nobody but Webex knows where it lives (§7.1)."""
    found = yield from membership(conversation, account)
    if not found:
        return
    try:
        yield _writing("DELETE", path_of("memberships", found), INVITING, "memberships", judge=judge_removing)
    except Gone:
        return


def _adding(conversation: ConversationId, account: AccountId) -> Call:
    """Done twice it is a conflict, which is as good."""
    fields = {"roomId": conversation, "personId": account}
    return _writing("POST", "/memberships", INVITING, "memberships", json=fields, judge=judge_adding)


def _writing(method: str, path: str, scopes: tuple[str, ...], bucket: str, **fields: Any) -> Call:
    return Call(method, BASE + path, scopes=scopes, bucket=bucket, token=TOKEN, **fields)
