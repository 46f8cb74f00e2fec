"""People's own chats (§3.1, §3.2). No I/O.

A chat of two has no id and need not be opened: writing to somebody is all it takes. A group chat is a channel of a type of
its own: Zoom tells it from channels where channels are listed and changed, yet not where messages are told.
"""

from collections.abc import Sequence

from connectors.calls import Call, Calls
from connectors.contract import Credentials
from connectors.direct import MOST_PEOPLE
from connectors.errors import Gone, NotSupported, Refused, Unsure
from connectors.messages import AccountId, ConversationId
from connectors.zoom import ids, managing
from connectors.zoom.client import account_url, address_of, voice
from connectors.zoom.directory import is_group, members_page, our_channel
from connectors.zoom.judging import judge_saying, told
from connectors.zoom.names import NAME_TAKEN, legal_name

GROUP = 4
"""The type of a group chat."""

MOST_AT_FIRST = 20
"""Addresses that a new group chat takes; whoever is left is brought in afterwards."""

_opening = judge_saying({300: NAME_TAKEN, 200: "Team Chat does not let this person open group chats"})


def open_direct(credentials: Credentials, accounts: Sequence[AccountId], topic: str) -> Calls[ConversationId]:
    """See ``OpensDirectChats.open_direct``. Every group is a new one."""
    others = [one for one in dict.fromkeys(accounts) if one != credentials.account]
    if not others:
        raise Refused("a direct chat takes somebody else")
    if len(others) == 1:
        return ids.pair(credentials.account, others[0])
    addresses: list[str] = []
    for account in others[:MOST_AT_FIRST]:
        addresses += [(yield from _address(credentials, account))]
    group = yield from _opened(credentials, addresses, topic)
    yield from bring_in(credentials, group, others[MOST_AT_FIRST:])
    return group


def participants(credentials: Credentials, conversation: ConversationId) -> Calls[list[AccountId]]:
    """See ``OpensDirectChats.participants``: a chat of two says it by itself."""
    if two := ids.two_of(conversation):
        return two
    if ids.is_direct(conversation) or not is_group((yield from our_channel(credentials, conversation))):
        raise NotSupported("not a chat of people's own")
    page = yield from members_page(credentials, conversation, "")
    return list(page.items[: MOST_PEOPLE + 1])


def bring_in(credentials: Credentials, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[None]:
    """See ``OpensDirectChats.bring_in``."""
    if ids.two_of(conversation):
        raise NotSupported("a chat of two stays one: with a third person it is another chat")
    for first in range(0, len(accounts), managing.MOST_ADDED):
        some = accounts[first : first + managing.MOST_ADDED]
        failed = yield from managing.add(credentials, conversation, some)
        if failed:
            raise Refused("; ".join(dict.fromkeys(failed.values())))


def _address(credentials: Credentials, account: AccountId) -> Calls[str]:
    try:
        address = yield from address_of(credentials, account)
    except Gone:
        address = ""
    if not address:
        raise Refused("Zoom tells no e-mail address of somebody in this chat, and takes people into a group by it")
    return address


def _opened(credentials: Credentials, addresses: Sequence[str], topic: str) -> Calls[ConversationId]:
    """A group without a name shows its people. So does one whose name Zoom does not take, as another one has it."""
    body = {"type": GROUP, "members": [{"email": address} for address in addresses]}
    try:
        response = yield _creation(credentials, body | ({"name": legal_name(topic)} if topic else {}))
    except Refused:
        if not topic:
            raise
        response = yield _creation(credentials, body)
    if group := ids.conversation(told(response).get("id")):
        return group
    raise Unsure("Zoom made the group chat without naming its id")


def _creation(credentials: Credentials, body: dict[str, object]) -> Call:
    url, token = f"{account_url(credentials)}/channels", voice(credentials)
    return Call("POST", url, managing.CREATE, bucket="medium", token=token, json=body, repeatable=False, judge=_opening)
