"""Chats of two people or a few (reference §3.5). Generators of ``Call``s, no I/O.

Our app is in none of them: they are opened, read and spoken in with the token of somebody who is. Slack has one chat of the
same people and gives it back whenever it is opened; who is in a group never changes.
"""

from collections.abc import Sequence

from connectors.calls import Calls
from connectors.contract import Credentials
from connectors.direct import MOST_PEOPLE
from connectors.errors import NotSupported, Refused
from connectors.messages import NO_ACCOUNT, AccountId, ConversationId
from connectors.slack import directory
from connectors.slack.ids import is_chat, is_id
from connectors.slack.rich_text import text_of
from connectors.slack.web import inner, of_a_person, telling

MOST_OTHERS = 8
"""People in a group besides who opens it (§3.5)."""

_TOO_MANY = "a group chat in Slack has nine people at most"
_NOT_OPENED = {
    "cannot_dm_bot": "Slack does not let this account write to an app",
    "invalid_user_combination": "Slack does not let these people share a chat",
    "not_enough_users": "a chat needs somebody else",
    "restricted_action": "the workspace does not let these people write to each other",
    "too_many_users": _TOO_MANY,
    "user_disabled": "this account is deactivated",
    "user_not_visible": "these people may not see each other",
    "users_list_not_supplied": "a chat needs somebody else",
}


def open_direct(accounts: Sequence[AccountId]) -> Calls[ConversationId]:
    """The one chat of who speaks, a person or our app, with these others."""
    if len(accounts) > MOST_OTHERS:
        raise Refused(_TOO_MANY)
    scope = "mpim:write" if len(accounts) > 1 else "im:write"
    response = yield telling("conversations.open", {"users": ",".join(accounts)}, scope, refused=_NOT_OPENED)
    chat = text_of(inner(response.json(), "channel"), "id")
    if not is_id(chat):
        raise Refused("Slack did not say where to write to this person")
    return ConversationId(chat)


def participants(credentials: Credentials, conversation: ConversationId, author: AccountId) -> Calls[list[AccountId]]:
    """Who speaks, and the others. Of a chat of two Slack tells only the other one, and that only by ``im:read``, which the
    published list lacks: then ``author`` is the other one, unless it is who asks."""
    asking = _told(conversation, credentials.account)
    try:
        return (yield from of_a_person(asking) if credentials.person else asking)
    except Refused:
        if not is_chat(conversation) or author in (NO_ACCOUNT, credentials.account):
            raise
        return [credentials.account, author]


def _told(conversation: ConversationId, own: AccountId) -> Calls[list[AccountId]]:
    chat = yield from directory.info(conversation)
    if chat.get("is_im") is True:
        other = chat.get("user")
        if not isinstance(other, str) or not is_id(other):
            raise Refused("Slack did not say whose chat this is")
        return list(dict.fromkeys((own, AccountId(other))))
    if chat.get("is_mpim") is not True:
        raise NotSupported("this is a channel")
    page = yield from directory.members_page(conversation, "")
    return list(page.items[: MOST_PEOPLE + 1])
