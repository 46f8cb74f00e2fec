"""For whom Slack delivered an event: our bot, or a person who let us hear it (reference §2.3). Pure.

It names one of them, however many were to be told.
"""

from collections.abc import Mapping
from typing import Any

from connectors.errors import Malformed
from connectors.messages import AccountId, WorkspaceId
from connectors.slack.ids import is_id

Object = Mapping[str, Any]


def bot_user(outer: Object) -> str:
    """Our bot's own user, for whom Slack delivered this; empty where it was for somebody else."""
    return _told_for(outer, is_bot=True)


def hearer(outer: Object) -> AccountId:
    """The person by whose consent Slack delivered this; empty where our bot hears it, or Slack names nobody."""
    return AccountId(_told_for(outer, is_bot=False))


def workspace(outer: Object) -> WorkspaceId:
    """The installation's team: in a shared channel the event's own ``team_id`` may be the other company's."""
    team = _authorization(outer).get("team_id")
    if isinstance(team, str) and is_id(team):
        return WorkspaceId(team)
    if is_id(outer.get("team_id")):
        return WorkspaceId(outer["team_id"])
    raise Malformed("no workspace is named")


def _told_for(outer: Object, *, is_bot: bool) -> str:
    first = _authorization(outer)
    user = first.get("user_id") if first.get("is_bot") is is_bot else None
    return user if isinstance(user, str) and is_id(user) else ""


def _authorization(outer: Object) -> Object:
    given = outer.get("authorizations")
    first = given[0] if isinstance(given, list) and given else None
    return first if isinstance(first, dict) else {}
