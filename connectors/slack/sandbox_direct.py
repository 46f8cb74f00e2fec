"""Opening direct chats in the fake Slack (reference §3.5)."""

from connectors.slack.sandbox_arguments import yes
from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_directory import shown_channel
from connectors.slack.sandbox_records import Caller, Complaint, Object, require

MOST_OTHERS = 8
"""People in a group besides who opens it."""


def conversations_open(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    """The chat of the caller with these people, which is there already if it ever was."""
    users = list(dict.fromkeys(filter(None, str(arguments.get("users") or "").split(","))))
    others = [user for user in users if user != caller.user]
    _check(workspace, caller, users, others)
    known = set(workspace.channels)
    chat = workspace.chat([caller.user, *others])
    there = {"no_op": True, "already_open": True} if chat.id in known else {}
    return {
        "channel": shown_channel(workspace, caller, chat) if yes(arguments, "return_im") else {"id": chat.id}
    } | there


def _check(workspace: Workspace, caller: Caller, users: list[str], others: list[str]) -> None:
    if not users:
        raise Complaint("users_list_not_supplied")
    if len(others) > MOST_OTHERS:
        raise Complaint("too_many_users")
    require(caller, "mpim:write" if len(others) > 1 else "im:write")
    if not workspace.actors.keys() >= set(users):
        raise Complaint("user_not_found")
    if any(workspace.actors[user].is_gone for user in users):
        raise Complaint("user_disabled")
    if "conversations.open" in workspace.forbidden:
        raise Complaint("restricted_action")


DIRECT: dict[str, Method] = {"conversations.open": (conversations_open, ("im:write", "mpim:write"), True)}
