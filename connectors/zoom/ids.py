"""Zoom's opaque ids and handles: made and opened here, nowhere else (reference §5).

An account is the **user id** (22 characters, case matters) for people of the workspace: directory, events and paths all
know it. People of other accounts have no user id for us; they are ``member:<member id>``, the token that works across
accounts. An e-mail address is never an id, since it changes; yet the send call mentions people by e-mail or member id
and takes no user id. So a mention carries the address next to the id (``Mention.address``), filled from the directory
or from the message itself, and ``at_contact`` picks what Zoom accepts.
"""

import json
import re

from connectors.contract import Credentials
from connectors.errors import NotSupported
from connectors.messages import AccountId, ConversationId, MessageId, WorkspaceId

_OUTSIDER = "member:"
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_ROOM = "@conference.xmpp.zoom.us"
_PERSON = "@xmpp.zoom.us"
_BETWEEN = "|"
"""Between the two accounts of a direct chat, which has no id of its own: neither they nor channels have it in theirs."""

LONGEST = 255
"""Characters. Member ids were seen up to about 64; whatever is longer than a few of them is no id."""


def opaque(value: object) -> str:
    """``value`` as the text of an id; empty if it is missing or cannot be one. Numbers pass: Zoom's scalars change type."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**LONGEST:
        return str(value)
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= LONGEST and text.isprintable() else ""


def readable(value: object) -> str:
    """``value`` as text that any database or encoder takes; empty if it is no text.

    NUL and halves of surrogate pairs are replaced, one unit for one, so that positions stay right.
    """
    return _UNREADABLE.sub("\ufffd", value) if isinstance(value, str) else ""


def workspace(account_id: object) -> WorkspaceId:
    """A Zoom account, which is the tenant's key."""
    return WorkspaceId(opaque(account_id))


def conversation(channel_id: object) -> ConversationId:
    """A channel, or a group chat, which is one of a type of its own."""
    told = opaque(channel_id)
    return ConversationId("" if _BETWEEN in told else told)


def pair(one: AccountId, other: AccountId) -> ConversationId:
    """The direct chat of two people, the same whoever of them is told; empty where one is missing or both are the same."""
    if not (one and other) or one == other or _BETWEEN in one + other:
        return ConversationId("")
    return ConversationId(_BETWEEN.join(sorted((one, other))))


def two_of(conversation: ConversationId) -> list[AccountId]:
    """The people of a direct chat; nobody where it is none."""
    return [AccountId(one) for one in conversation.split(_BETWEEN)] if _BETWEEN in conversation else []


def other_of(conversation: ConversationId, account: AccountId) -> AccountId:
    """Whom ``account`` writes to in a direct chat. Raises ``NotSupported`` for anybody who is not one of the two."""
    two = two_of(conversation)
    if account not in two:
        raise NotSupported("in a direct chat of Zoom only the two people themselves can be acted for")
    return two[1 - two.index(account)]


def addressed(credentials: Credentials, conversation: ConversationId) -> dict[str, str]:
    """How a call names the conversation in which it acts: a direct chat by the one of the two who is not acting (§3.1)."""
    if two_of(conversation):
        return {"to_contact": identifier(other_of(conversation, credentials.account))}
    return {"to_channel": conversation}


def conversation_of_jid(jid: object) -> ConversationId:
    """The channel that a chatbot is told by its JID; empty for a person's."""
    local, _, _ = opaque(jid).rpartition(_ROOM)
    return ConversationId(local)


def direct(jid: object) -> ConversationId:
    """A person's own chat with the chatbot, known by the person's JID; empty for a channel's."""
    text = opaque(jid)
    return ConversationId(text if text.endswith(_PERSON) else "")


def is_direct(conversation: ConversationId) -> bool:
    """Whether a conversation is somebody's own chat with the chatbot, in which the service user is not."""
    return conversation.endswith(_PERSON)


def jid(conversation: ConversationId) -> str:
    """How a chatbot names a channel."""
    return conversation + _ROOM


def person_jid(account: AccountId) -> str:
    """How a chatbot names a person of the account. Never the way back: the case of the id is lost."""
    return f"{account.lower()}{_PERSON}"


def message(message_id: object) -> MessageId:
    """A message: the same UUID comes with and without braces, in upper and in lower case."""
    return MessageId(opaque(message_id).strip("{} ").upper())


def account(user_id: object, member_id: object = "") -> AccountId:
    """A person; empty if neither id is known."""
    if user := opaque(user_id):
        return AccountId(user)
    member = opaque(member_id)
    return AccountId(_OUTSIDER + member if member else "")


def is_outsider(account: AccountId) -> bool:
    """Whether a person belongs to another Zoom account: no call can look them up."""
    return account.startswith(_OUTSIDER)


def identifier(account: AccountId) -> str:
    """What a call names anybody by: the user id or the member id (§3.2)."""
    return account.removeprefix(_OUTSIDER)


def at_contact(account: AccountId | None, address: str) -> str:
    """What the send call names a mentioned person by: member id or e-mail; empty if neither is known (§3.1)."""
    if account is None:
        return ""
    if is_outsider(account):
        return identifier(account)
    return address.strip()


def handle(conversation: ConversationId, message: MessageId, file_id: str) -> str:
    """What it takes to find a file again: its address is short-lived and told only with the whole message (§3.3)."""
    return json.dumps([conversation, message, file_id], ensure_ascii=False)


def opened(handle: str) -> tuple[ConversationId, MessageId, str]:
    """What ``handle`` put together."""
    conversation, message, file_id = json.loads(handle)
    return ConversationId(conversation), MessageId(message), file_id
