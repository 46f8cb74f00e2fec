"""Making channels, and who is in them (§3.2). No I/O.

Zoom takes people into a channel by e-mail address only, and nobody but the contacts of whoever adds them: that is everybody
in the account.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from connectors.calls import Call, Calls
from connectors.contract import Credentials
from connectors.directory import Place
from connectors.errors import Gone, Refused, Unsure
from connectors.messages import AccountId, ConversationId
from connectors.zoom import directory, ids
from connectors.zoom.client import account_url, address_of, voice
from connectors.zoom.directory import channel_url, members_page
from connectors.zoom.judging import judge_saying, read, told
from connectors.zoom.names import NAME_TAKEN
from connectors.zoom.scopes import ADMIN

CREATE = (
    "chat_channel:write:admin",
    "chat_channel:write",
    "team_chat:write:user_channel:admin",
    "team_chat:write:user_channel",
)
ADD = ("chat_channel:write:admin", "chat_channel:write", "team_chat:write:members:admin", "team_chat:write:members")
REMOVE = ("chat_channel:write:admin", "team_chat:delete:member:admin")

MOST_ADDED = 5
"""Addresses of one invitation: one page of Zoom's says 5, another 20."""

PRIVATE, PUBLIC = 2, 3
"""Types of channels. Of the two private ones, the one into which nobody from outside the account can be brought: whoever
wants that changes it in Zoom."""

OUTSIDE = "belongs to another Zoom account: Zoom lets no app add such a person"
NO_USER = "no longer has a user in this Zoom account"
NO_ADDRESS = "has no e-mail address in Zoom, and Zoom adds people by it"
NOT_ADDED = "Zoom did not add this person: the user may be deactivated, or kept from chat by the account's settings"

_OWNERS = "ask its owner, or have the service user made an administrator of the channel"
_creating = judge_saying(
    {
        300: NAME_TAKEN,
        200: "the service user may not create channels: its role needs Chat Channels (Edit), and Team Chat must allow it",
    }
)
_adding = judge_saying(
    {
        200: f"the service user may not add people to this channel: {_OWNERS}",
        300: "Zoom does not take the e-mail address",
        1001: NO_USER,
        5301: NOT_ADDED,
    }
)
_removing = judge_saying(
    {
        200: f"the service user may not remove this person: {_OWNERS}",
        300: "Zoom lets no app take its own service user out of a channel: remove it in Zoom",
        1001: NO_USER,
        5301: "Zoom could not remove this person from the channel",
    }
)


def create(credentials: Credentials, name: str, *, is_private: bool) -> Calls[Place]:
    """See ``ManagesConversations.create``. Nobody is in it but the service user, who owns it. No names are used twice."""
    body = {"name": name, "type": PRIVATE if is_private else PUBLIC}
    url = f"{account_url(credentials)}/channels"
    call = Call("POST", url, CREATE, bucket="medium", token=ADMIN, json=body, repeatable=False, judge=_creating)
    place = directory.place_of(body | told((yield call)), is_entered=True)
    if not place.id:
        raise Unsure("Zoom made the channel without naming its id")
    return place


def enter(credentials: Credentials, conversation: ConversationId) -> Calls[None]:
    """Only a person's own token joins a channel (§3.2), so that all there is to do is to see whether we are in it."""
    try:
        yield from directory.our_channel(credentials, conversation)
    except Gone:
        address = credentials.extra.get("email", "")
        who = f"the service user ({address})" if address else "the service user"
        raise Refused(f"Zoom lets no app join a channel: somebody who is in it has to add {who}") from None


def add(
    credentials: Credentials, conversation: ConversationId, accounts: Sequence[AccountId]
) -> Calls[dict[AccountId, str]]:
    """See ``ManagesConversations.add``: look up the addresses, invite, and where Zoom names fewer see who is there."""
    failed: dict[AccountId, str] = {}
    addresses: dict[AccountId, str] = {}
    for account in accounts:
        try:
            addresses[account] = yield from _address(credentials, account)
        except Refused as error:
            failed[account] = str(error)
    if addresses:
        failed |= yield from _invite(credentials, conversation, addresses)
    return failed


def remove(credentials: Credentials, conversation: ConversationId, account: AccountId) -> Calls[None]:
    """See ``ManagesConversations.remove``. Zoom refuses in the same words where the person is not in it."""
    url = f"{channel_url(credentials, conversation)}/members/{quote(ids.identifier(account), safe='')}"
    try:
        yield Call("DELETE", url, REMOVE, bucket="medium", token=ADMIN, judge=_removing)
    except Refused:
        if account not in (yield from _absent(credentials, conversation, {account})):
            raise


def _address(credentials: Credentials, account: AccountId) -> Calls[str]:
    if ids.is_outsider(account):
        raise Refused(OUTSIDE)
    try:
        address = yield from address_of(credentials, account)
    except Gone:
        raise Refused(NO_USER) from None
    if not address:
        raise Refused(NO_ADDRESS)
    return address


def _invite(
    credentials: Credentials, conversation: ConversationId, addresses: Mapping[AccountId, str]
) -> Calls[dict[AccountId, str]]:
    """All in one call; where Zoom refuses that, one by one, to learn whom it means."""
    body = {"members": [{"email": address} for address in addresses.values()]}
    url = f"{channel_url(credentials, conversation)}/members"
    try:
        answer = read(
            (yield Call("POST", url, ADD, bucket="medium", token=voice(credentials), json=body, judge=_adding))
        )
    except Refused as error:
        return (yield from _invite_each(credentials, conversation, addresses, error))
    added = answer.get("ids")
    missing = set(addresses).difference(added.split(",") if isinstance(added, str) else ())
    absent = (yield from _absent(credentials, conversation, missing)) if missing else frozenset()
    return dict.fromkeys(filter(absent.__contains__, addresses), NOT_ADDED)


def _invite_each(
    credentials: Credentials, conversation: ConversationId, addresses: Mapping[AccountId, str], error: Refused
) -> Calls[dict[AccountId, str]]:
    failed: dict[AccountId, str] = {}
    if len(addresses) == 1:
        return dict.fromkeys((yield from _absent(credentials, conversation, set(addresses))), str(error))
    for account, address in addresses.items():
        failed |= yield from _invite(credentials, conversation, {account: address})
    return failed


def _absent(
    credentials: Credentials, conversation: ConversationId, accounts: set[AccountId]
) -> Calls[frozenset[AccountId]]:
    """Which of ``accounts`` are not in a channel, whatever Zoom answered to what we asked of it."""
    absent, cursor = set(accounts), ""
    while absent:
        page = yield from members_page(credentials, conversation, cursor)
        absent.difference_update(page.items)
        cursor = page.next
        if not cursor:
            break
    return frozenset(absent)
