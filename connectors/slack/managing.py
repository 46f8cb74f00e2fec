"""Making channels, coming into them and bringing people in and out (reference §3.5). Generators of ``Call``s, no I/O.

Our app may bring people only into a channel that it is in itself. By itself it comes into public channels alone, and only
where it was given a permission for that; into all others it has to be invited.
"""

from collections.abc import Sequence
from dataclasses import replace

from connectors.calls import Calls
from connectors.directory import Place
from connectors.errors import ConnectorError, Refused, Unsure
from connectors.messages import AccountId, ConversationId
from connectors.slack import directory
from connectors.slack.names import MANAGE, set_topic
from connectors.slack.rich_text import Object, objects, text_of
from connectors.slack.web import inner, telling, word

MOST_ADDED = 100
"""People per invitation by Slack's present documentation; an older one said a thousand (§9)."""

_PUBLIC, _PRIVATE = MANAGE

_INVITE = "somebody in it must invite the app: type /invite there and choose the app"
_BAD_NAME = "Slack does not take this name for a channel"
_NOT_CREATED = {
    **dict.fromkeys(
        ("invalid_name", "invalid_name_maxlength", "invalid_name_punctuation", "invalid_name_required"), _BAD_NAME
    ),
    "invalid_name_specials": _BAD_NAME,
    "cannot_create_channel": "Slack does not let the app make channels in this workspace",
    "restricted_action": "the workspace does not let the app make channels: an owner decides that under Permissions",
}
_NOT_ENTERED = {
    "channel_is_limited_access": f"the channel is open to certain people only: {_INVITE}",
    "method_not_supported_for_channel_type": f"the channel is private: {_INVITE}",
    "missing_scope": f"the app may not join channels by itself, it lacks the permission channels:join: {_INVITE}",
    "too_many_members": "the channel has as many members as Slack allows",
}
_NOT_REMOVED = {
    "cant_kick_from_general": "Slack lets nobody be taken out of the channel that everybody is in",
    "cant_leave_general": "Slack lets nobody leave the channel that everybody is in",
    "last_member": "the app is the last in the channel: archive it in Slack instead",
    "restricted_action": "the workspace does not let the app take people out: an owner decides that under Permissions",
}

_THERE = ("already_in_channel", "cant_invite_self")
"""Who is in the channel already; our app is, or it could invite nobody."""
_NOT_ADDED = {
    "app_cannot_join_channel": "this app cannot be added to the channel",
    "cant_invite": "Slack does not let the app invite this person",
    "invitee_cant_see_channel": "this person may not see the channel",
    "no_external_invite_permission": "a person of another company: only some people of the workspace may invite them",
    "org_user_not_in_team": "this person is in another workspace of the organisation",
    "ura_max_channels": "a guest who may be in one channel only",
    "user_disabled": "this account is deactivated",
    "user_is_restricted": "a guest: an administrator must add them in Slack",
    "user_not_found": "this person is not in the workspace, or deactivated",
    "user_not_visible": "the app cannot see this person",
}


def create(name: str, topic: str, *, is_private: bool) -> Calls[Place]:
    """Make a channel, in which our app is then alone.

    One whose topic cannot be set is there all the same: the answer tells which topic it has.
    """
    wanted = {"name": name, "is_private": is_private}
    call = telling("conversations.create", wanted, _PRIVATE if is_private else _PUBLIC, refused=_NOT_CREATED)
    response = yield replace(call, repeatable=False)
    made = directory.place(inner(response.json(), "channel"))
    if made is None:
        raise Unsure("Slack did not say which channel it made")
    if not topic:
        return made
    try:
        yield from set_topic(made.id, topic)
    except ConnectorError:
        return made
    return replace(made, topic=topic)


def enter(conversation: ConversationId) -> Calls[None]:
    """Come into a public channel."""
    place = yield from directory.conversation(conversation)
    if place.is_entered:
        return
    if place.is_private:
        raise Refused(_NOT_ENTERED["method_not_supported_for_channel_type"])
    yield telling("conversations.join", {"channel": conversation}, "channels:join", refused=_NOT_ENTERED)


def add(conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
    """Invite people, at most ``MOST_ADDED``."""
    failed = (yield from _invite(conversation, accounts)) if accounts else {}
    return {account: _in_words(code) for account, code in failed.items() if code not in _THERE}


def _invite(conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
    """Who could not be invited, with Slack's word for it.

    Slack is told to go on where somebody cannot be. Should it refuse all the same, it is asked again without those whom it
    names, or where it names nobody, for each alone.
    """
    wanted = {"channel": conversation, "users": ",".join(accounts), "force": True}
    answer = (yield telling("conversations.invite", wanted, *MANAGE, settled=(*_THERE, *_NOT_ADDED))).json()
    failed = _named(answer, accounts)
    if answer.get("ok") is True:
        return failed
    if len(accounts) == 1:
        return failed or {accounts[0]: text_of(answer, "error")}
    others = [account for account in accounts if account not in failed]
    for group in [others] if failed else [[account] for account in accounts]:
        failed |= (yield from _invite(conversation, group)) if group else {}
    return failed


def _named(answer: Object, accounts: Sequence[AccountId]) -> dict[AccountId, str]:
    """Whom an answer names as not invited."""
    told = {text_of(error, "user"): text_of(error, "error") for error in objects(answer.get("errors"))}
    return {account: told[account] for account in accounts if account in told}


def _in_words(code: str) -> str:
    return _NOT_ADDED.get(code, f"Slack refused: {word(code)}")


def remove(conversation: ConversationId, account: AccountId, own: AccountId) -> Calls[None]:
    """Take somebody out; our app goes by itself."""
    settled = ("not_in_channel", "user_not_found")
    where = {"channel": conversation}
    if account == own:
        yield telling("conversations.leave", where, *MANAGE, settled=settled, refused=_NOT_REMOVED)
    else:
        kicked = where | {"user": account}
        yield telling("conversations.kick", kicked, *MANAGE, settled=settled, refused=_NOT_REMOVED)
