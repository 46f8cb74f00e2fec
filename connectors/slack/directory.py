"""Slack's directory: its people, its channels and who is in them (reference §3.5, §5). Generators of ``Call``s, no I/O.

A workspace has no teams, and Slack keeps no list of what changed: every run reads everything. Public channels are listed
whether our app is in them or not, private ones only where it is.
"""

from collections.abc import Sequence
from typing import Any

from connectors.calls import Calls
from connectors.directory import Group, Page, Place
from connectors.errors import Gone, Unavailable
from connectors.messages import Account, AccountId, ConversationId, WorkspaceId
from connectors.provisioning import Found, is_address
from connectors.slack.ids import fitting, is_bot_profile, is_id
from connectors.slack.mrkdwn import literal
from connectors.slack.rich_text import Object, objects, text_of
from connectors.slack.web import asking, inner
from connectors.slack.webhook import SLACKBOT

CHANNELS = ("channels:read", "groups:read")
"""Either shows its own type of channel."""
READ = (*CHANNELS, "im:read", "mpim:read")
"""Any one that ``fitting`` leaves."""
PEOPLE = ("users:read", "users:read.email")
"""The second is never granted without the first, and makes Slack tell e-mail addresses as well (§5.1)."""

PAGE = 999
"""People, channels or members per page: Slack takes numbers under 1,000 (§3.2). A page of people is about 2 MB."""


def people(workspace: WorkspaceId, cursor: str) -> Calls[Page[Account]]:
    """Everybody of the workspace: people, guests, bots, and who was deactivated."""
    page = (yield asking("users.list", *PEOPLE, **_from(cursor))).json()
    named = (user for user in objects(_listed(page, "members")) if is_id(user.get("id")))
    return Page(tuple(_user(AccountId(user["id"]), user, workspace) for user in named), _next(page))


def conversations(cursor: str) -> Calls[Page[Place]]:
    """All channels that our app can see, archived ones included."""
    form = _from(cursor) | {"types": "public_channel,private_channel"}
    page = (yield asking("conversations.list", *CHANNELS, **form)).json()
    return Page(tuple(filter(None, map(place, objects(_listed(page, "channels"))))), _next(page))


def conversation(conversation: ConversationId) -> Calls[Place]:
    """One channel. Direct messages are none."""
    found = place((yield from info(conversation)))
    if found is None:
        raise Gone("this is no channel of the workspace")
    return found


def info(conversation: ConversationId) -> Calls[Object]:
    """What Slack tells of a channel, or of a direct message."""
    scopes = fitting(conversation, *READ)
    return inner((yield asking("conversations.info", *scopes, channel=conversation)).json(), "channel")


def members_page(conversation: ConversationId, cursor: str) -> Calls[Page[AccountId]]:
    """Some of those in a channel, bots included."""
    scopes = fitting(conversation, *READ)
    page = (yield asking("conversations.members", *scopes, channel=conversation, **_from(cursor))).json()
    return Page(tuple(AccountId(member) for member in _listed(page, "members") if is_id(member)), _next(page))


def groups(text: str) -> Calls[Page[Group]]:
    """The user groups that are not disabled, all at once: Slack knows no pages of them."""
    page = (yield asking("usergroups.list", "usergroups:read")).json()
    named = [one for one in objects(_listed(page, "usergroups")) if is_id(one.get("id")) and not one.get("date_delete")]
    found = (Group(one["id"], literal(text_of(one, "name", "handle"))) for one in named)
    return Page(tuple(one for one in found if one.name.lower().startswith(text.lower())))


def group_members(group: str) -> Calls[Page[AccountId]]:
    """Everybody in a user group, at once; a disabled one is ``Gone``."""
    page = (yield asking("usergroups.users.list", "usergroups:read", usergroup=group)).json()
    return Page(tuple(AccountId(user) for user in _listed(page, "users") if is_id(user)))


def account(account: AccountId, workspace: WorkspaceId) -> Calls[Account]:
    """A person or bot user, or the bot profile under which an app posts."""
    if is_bot_profile(account):
        response = yield asking("bots.info", "users:read", bot=account)
        return _bot(account, inner(response.json(), "bot"))
    response = yield asking("users.info", *PEOPLE, user=account)
    return _user(account, inner(response.json(), "user"), workspace)


def look_up(emails: Sequence[str], workspace: WorkspaceId) -> Calls[dict[str, Found]]:
    """One after the other. Slack finds members of the workspace who are active; guests are among them, bots are left out."""
    found: dict[str, Found] = {}
    for email in filter(is_address, emails):
        try:
            response = yield asking("users.lookupByEmail", "users:read.email", email=email)
        except Gone:
            continue
        user = inner(response.json(), "user")
        if is_id(user.get("id")):
            one = _user(AccountId(user["id"]), user, workspace)
            if one.email.lower() == email.lower() and not one.is_bot:
                found[email.lower()] = Found(one, is_licensed=not one.is_deleted)
    return found


def _from(cursor: str) -> dict[str, str]:
    return {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})


def _next(page: Object) -> str:
    """Where Slack goes on; a page with fewer than asked for, or none, need not be the last (§3.1)."""
    told = inner(page, "response_metadata")
    if not isinstance(told.get("next_cursor") or "", str):
        raise Unavailable("Slack named a next page that cannot be read")
    return text_of(told, "next_cursor")


def _listed(page: Object, name: str) -> list[Any]:
    """The entries of a list. ``Unavailable`` where there is none: to take it for empty would remove everybody."""
    entries = page.get(name)
    if not isinstance(entries, list):
        raise Unavailable(f"Slack's answer lists no {name}")
    return entries


def place(channel: Object) -> Place | None:
    """A channel as an answer tells it; None for what is none, such as a direct message."""
    if not is_id(channel.get("id")) or channel.get("is_im") or channel.get("is_mpim"):
        return None
    return Place(
        ConversationId(channel["id"]),
        text_of(channel, "name"),
        literal(text_of(inner(channel, "topic"), "value")),
        is_private=channel.get("is_private") is True or channel.get("is_group") is True,
        is_archived=channel.get("is_archived") is True,
        is_entered=channel.get("is_member") is True,
    )


def _bot(account: AccountId, bot: Object) -> Account:
    avatar = text_of(inner(bot, "icons"), "image_72")
    return Account(account, text_of(bot, "name"), "", avatar, is_bot=True, is_deleted=bot.get("deleted") is True)


def _user(account: AccountId, user: Object, workspace: WorkspaceId) -> Account:
    """Any field may be missing or empty (§5.1). An address that nobody confirmed could be anybody's: it is not told."""
    profile = inner(user, "profile")
    name = text_of(profile, "display_name", "real_name") or text_of(user, "real_name", "name")
    return Account(
        account,
        name or account,
        "" if user.get("is_email_confirmed") is False else text_of(profile, "email"),
        text_of(profile, "image_192", "image_512", "image_72"),
        user.get("is_bot") is True or account == SLACKBOT,  # Slack does not call it one (§5.1)
        user.get("is_restricted") is True or user.get("is_ultra_restricted") is True or _is_foreign(user, workspace),
        user.get("deleted") is True,
    )


def _is_foreign(user: Object, workspace: WorkspaceId) -> bool:
    """Whether somebody is of another company, and here in a shared channel (§5.3); not of another workspace of our own."""
    home, everywhere = text_of(user, "team_id"), inner(user, "enterprise_user").get("teams")
    is_ours = home in ("", workspace) or (isinstance(everywhere, list) and workspace in everywhere)
    return user.get("is_stranger") is True or not is_ours
