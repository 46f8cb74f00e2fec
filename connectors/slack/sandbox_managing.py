"""Making channels in the fake Slack, and who comes into them by a call (reference §3.5)."""

from connectors.slack import sandbox_changes as changes
from connectors.slack.sandbox_arguments import yes
from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_directory import shown_channel
from connectors.slack.sandbox_names import MANAGES, check_name, managed, manages
from connectors.slack.sandbox_records import Caller, Channel, Complaint, Object

MOST_INVITED = 100
"""People per invitation (§3.2)."""


def _forbid(workspace: Workspace, method: str) -> None:
    if method in workspace.forbidden:
        raise Complaint("restricted_action")


def conversations_create(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    is_private, name = yes(arguments, "is_private"), str(arguments.get("name") or "")
    manages(caller, is_private=is_private)
    _forbid(workspace, "conversations.create")
    check_name(workspace, None, name)
    made = changes.create(workspace, name, caller.user, is_private=is_private)
    return {"channel": shown_channel(workspace, caller, made)}


def conversations_invite(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = managed(workspace, caller, arguments)
    users = list(dict.fromkeys(filter(None, str(arguments.get("users") or "").split(","))))
    if not users:
        raise Complaint("no_user")
    if len(users) > MOST_INVITED:
        raise Complaint("invalid_arguments", response_metadata={"messages": ["[ERROR] no more than 100 users allowed"]})
    wrong = {user: why for user in users if (why := _not_invited(workspace, caller, channel, user))}
    good = [user for user in users if user not in wrong]
    told = [{"user": user, "ok": False, "error": why} for user, why in wrong.items()]
    if wrong and not (good and yes(arguments, "force")):
        raise Complaint(next(iter(wrong.values())), errors=told)
    for user in good:
        changes.enter(workspace, channel, user, caller.user)
    return {"channel": shown_channel(workspace, caller, channel)} | ({"errors": told} if told else {})


def _not_invited(workspace: Workspace, caller: Caller, channel: Channel, user: str) -> str:
    """Why somebody cannot be invited; nothing where they can."""
    actor = workspace.actors.get(user)
    if actor is None or actor.is_gone:
        return "user_not_found"
    if user == caller.user:
        return "cant_invite_self"
    if user in channel.members:
        return "already_in_channel"
    elsewhere = any(user in other.members for other in workspace.named_channels())
    return "ura_max_channels" if actor.is_guest and elsewhere else ""


def conversations_join(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.channel(caller, arguments)
    if channel.kind != "public_channel":
        raise Complaint("method_not_supported_for_channel_type")
    if channel.archived:
        raise Complaint("is_archived")
    answer = {"channel": shown_channel(workspace, caller, channel) | {"is_member": True}}
    if caller.user in channel.members:
        there = "already_in_channel"
        return answer | {"warning": there, "response_metadata": {"warnings": [there]}}
    changes.enter(workspace, channel, caller.user)
    return answer


def conversations_kick(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = managed(workspace, caller, arguments)
    _forbid(workspace, "conversations.kick")
    user = str(arguments.get("user") or "")
    if user == caller.user:
        raise Complaint("cant_kick_self")
    if user not in workspace.actors:
        raise Complaint("user_not_found")
    if channel.is_general:
        raise Complaint("cant_kick_from_general")
    if user not in channel.members:
        raise Complaint("not_in_channel")
    changes.leave(workspace, channel, user, caller.user)
    return {"errors": {}}


def conversations_leave(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = workspace.channel(caller, arguments)
    if channel.is_general:
        raise Complaint("cant_leave_general")
    if caller.user not in channel.members:
        return {"ok": False, "not_in_channel": True}
    if len(channel.members) == 1:
        raise Complaint("last_member")
    changes.leave(workspace, channel, caller.user, caller.user)
    return {}


MANAGING: dict[str, Method] = {
    "conversations.create": (conversations_create, MANAGES, True),
    "conversations.invite": (conversations_invite, MANAGES, True),
    "conversations.join": (conversations_join, ("channels:join", "channels:write"), True),
    "conversations.kick": (conversations_kick, MANAGES, True),
    "conversations.leave": (conversations_leave, MANAGES, True),
}
