"""The fake Slack's people and channels, as its methods list and show them (reference §3.5, §5)."""

from connectors.sandbox import COMPANY
from connectors.slack.sandbox_arguments import page, yes
from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_records import (
    ICONS,
    Caller,
    Channel,
    Complaint,
    Object,
    UserGroup,
    require,
    without,
)

MOST_UNPAGED = 1_000
"""People whom Slack lists at once to who asks for no number of them; it does not tell where it stops."""
_SCOPES = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
"""What one needs to see each type of conversation."""


def shown_channel(workspace: Workspace, caller: Caller, channel: Channel) -> Object:
    """A conversation object."""
    if channel.direct == "im":
        other = next((user for user in channel.members if user != caller.user), caller.user)
        return {"id": channel.id, "created": 1_700_000_000, "is_im": True, "is_org_shared": False, "user": other}
    note = {"value": "", "creator": "", "last_set": 0}
    kinds = dict.fromkeys(("is_im", "is_shared", "is_org_shared"), False)
    kinds |= dict.fromkeys(("is_group", "is_mpim"), channel.direct == "mpim")
    shared = {"is_ext_shared": False, "is_pending_ext_shared": False, "pending_shared": [], "previous_names": []}
    named = {"id": channel.id, "name": channel.name, "name_normalized": channel.name, "creator": channel.creator}
    state: Object = {
        "is_channel": not channel.direct,
        "is_archived": channel.archived,
        "is_general": channel.is_general,
    }
    state |= {"is_private": channel.is_private, "is_member": caller.user in channel.members, "unlinked": 0}
    state |= {"created": 1_700_000_000, "context_team_id": workspace.team}
    return named | state | kinds | shared | {"topic": note | {"value": channel.topic}, "purpose": note}


def shown_user(workspace: Workspace, user: str, *, with_email: bool) -> Object:
    """A user object."""
    actor = workspace.actors[user]
    profile = {"real_name": actor.name, "display_name": actor.name, "team": workspace.team, "avatar_hash": "g0"}
    if actor.email and with_email:
        profile["email"] = actor.email
    if user == workspace.bot_user:
        profile |= {"bot_id": workspace.bot_id, "api_app_id": workspace.app_id}
    flags = dict.fromkeys(("is_admin", "is_owner", "is_primary_owner", "is_ultra_restricted", "is_app_user"), False)
    flags |= {"deleted": actor.is_gone, "is_bot": user == workspace.bot_user, "is_restricted": actor.is_guest}
    named = {"id": user, "team_id": workspace.team, "name": workspace.handle_of(user), "real_name": actor.name}
    return named | flags | {"updated": 1_700_000_000, "profile": profile}


def _of_types(workspace: Workspace, caller: Caller, arguments: Object) -> list[Channel]:
    """The channels of the types that are asked for, as far as the caller sees them."""
    types = str(arguments.get("types") or "public_channel").split(",")
    if not set(types) <= _SCOPES.keys():
        raise Complaint("invalid_types")
    for kind in types:
        require(caller, _SCOPES[kind])
    found = [channel for channel in workspace.channels.values() if channel.kind in types and channel.shows_to(caller)]
    return [channel for channel in found if not (channel.archived and yes(arguments, "exclude_archived"))]


def conversations_list(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    def drawn(channel: Channel) -> Object:
        counted = {} if channel.direct == "im" else {"num_members": len(channel.members)}
        return shown_channel(workspace, caller, channel) | counted

    return page(workspace, "channels", _of_types(workspace, caller, arguments), arguments, "team", drawn)


def users_conversations(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    user = str(arguments.get("user") or caller.user)
    theirs = [channel for channel in _of_types(workspace, caller, arguments) if user in channel.members]
    return page(
        workspace,
        "channels",
        theirs,
        arguments,
        "team",
        lambda channel: without(shown_channel(workspace, caller, channel), "is_member"),
    )


def conversations_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    channel = _visible(workspace, caller, arguments)
    counted = {"num_members": len(channel.members)} if yes(arguments, "include_num_members") else {}
    return {"channel": shown_channel(workspace, caller, channel) | counted}


def conversations_members(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    return page(workspace, "members", list(_visible(workspace, caller, arguments).members), arguments, "user")


def _visible(workspace: Workspace, caller: Caller, arguments: Object) -> Channel:
    channel = workspace.channel(caller, arguments)
    require(caller, _SCOPES[channel.kind])
    return channel


def users_list(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    if not arguments.get("limit") and len(workspace.actors) > MOST_UNPAGED:
        raise Complaint("limit_required")
    with_email = "users:read.email" in caller.scopes
    listed = page(
        workspace,
        "members",
        list(workspace.actors),
        arguments,
        "user",
        lambda user: shown_user(workspace, user, with_email=with_email),
    )
    return {"cache_ts": int(workspace.clock())} | listed


def users_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    user = str(arguments.get("user", ""))
    if user not in workspace.actors:
        raise Complaint("user_not_found")
    return {"user": shown_user(workspace, user, with_email="users:read.email" in caller.scopes)}


def users_lookup_by_email(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    """Active people of the workspace by their exact address, whatever its case (§3.5)."""
    email = str(arguments.get("email", "")).lower()
    active = (user for user, actor in workspace.actors.items() if actor.email.lower() == email and not actor.is_gone)
    user = next(active, "") if email else ""
    if not user or user == workspace.bot_user:
        raise Complaint("users_not_found")
    return {"user": shown_user(workspace, user, with_email=True)}


def bots_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    known = {found.bot_id: found for found in workspace.callers.values()}
    bot = known.get(str(arguments.get("bot", "")))
    if bot is None:
        raise Complaint("bot_not_found")
    shown = {"id": bot.bot_id, "deleted": False, "name": workspace.app_of(bot), "updated": 0, "app_id": bot.app_id}
    return {"bot": shown | {"icons": ICONS} | ({"user_id": bot.user} if bot.is_bot else {})}


def team_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    domain = COMPANY.lower()
    team = {"id": workspace.team, "name": COMPANY, "domain": domain, "email_domain": f"{domain}.example"}
    return {"team": team | {"url": f"https://{domain}.slack.com/", "icon": {"image_default": True}}}


def usergroups_list(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    everyone, with_users = yes(arguments, "include_disabled"), yes(arguments, "include_users")
    listed = [group for group in workspace.user_groups.values() if everyone or not group.is_disabled]
    users = {group.id: {"users": list(group.users)} if with_users else {} for group in listed}
    return {"usergroups": [_shown_group(workspace, group) | users[group.id] for group in listed]}


def _shown_group(workspace: Workspace, group: UserGroup) -> Object:
    flags: Object = {"is_usergroup": True, "is_subteam": True, "is_external": False, "auto_provision": False}
    times = {"date_create": 1_700_000_000, "date_update": 1_700_000_000, "date_delete": int(group.is_disabled)}
    by: Object = {"auto_type": None, "enterprise_subteam_id": "", "created_by": group.maker, "updated_by": group.maker}
    named = {"id": group.id, "team_id": workspace.team, "name": group.name, "handle": group.name.lower()}
    prefs: Object = {"channels": [], "groups": []}
    return named | {"description": "", "deleted_by": None, "prefs": prefs} | flags | times | by


def usergroups_users_list(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    group = workspace.user_groups.get(str(arguments.get("usergroup", "")))
    if group is None or (group.is_disabled and not yes(arguments, "include_disabled")):
        raise Complaint("no_such_subteam")
    return {"users": [user for user in group.users if not workspace.actors[user].is_gone]}


_ANY = tuple(_SCOPES.values())

DIRECTORY: dict[str, Method] = {
    "bots.info": (bots_info, ("users:read",), False),
    "conversations.info": (conversations_info, _ANY, False),
    "conversations.list": (conversations_list, _ANY, False),
    "conversations.members": (conversations_members, _ANY, False),
    "team.info": (team_info, ("team:read",), True),
    "usergroups.list": (usergroups_list, ("usergroups:read",), False),
    "usergroups.users.list": (usergroups_users_list, ("usergroups:read",), False),
    "users.conversations": (users_conversations, _ANY, False),
    "users.info": (users_info, ("users:read",), False),
    "users.lookupByEmail": (users_lookup_by_email, ("users:read.email",), False),
    "users.list": (users_list, ("users:read",), False),
}
