"""Who and what there is in a Zoom account: its people, its channels, who is in one (§3.2, §3.5). No I/O.

Two lists make up either of the first two walks, so a cursor is ``<list>.<how many the lists before had>.<Zoom's token>``. The
token goes into a query of ours and nowhere else. Zoom keeps one for fifteen minutes, and tells no changes: a later run
reads all.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.calls import Call, Calls
from connectors.contract import Credentials
from connectors.directory import Page, Place
from connectors.errors import Gone, Unavailable
from connectors.messages import Account, AccountId, ConversationId
from connectors.provisioning import Found, is_address
from connectors.zoom import ids
from connectors.zoom.client import API, account_of, account_url, person, voice
from connectors.zoom.judging import judge, judge_page, judge_unseen, read
from connectors.zoom.scopes import ADMIN
from connectors.zoom.webhook import GROUP_CHAT

PEOPLE = ("user:read:admin", "user:read:list_users:admin")
OURS = ("chat_channel:read:admin", "chat_channel:write:admin", "team_chat:read:list_user_channels:admin")
PUBLIC = ("chat_channel:read:admin", "chat_channel:write:admin", "team_chat:read:list_channels:admin")
CHANNEL = (
    "chat_channel:read:admin",
    "chat_channel:write:admin",
    "chat_channel:read",
    "chat_channel:write",
    "team_chat:read:user_channel:admin",
    "team_chat:read:user_channel",
)
ANY_CHANNEL = ("chat_channel:read:admin", "chat_channel:write:admin", "team_chat:read:channel:admin")
MEMBERS = (
    "chat_channel:read:admin",
    "chat_channel:write:admin",
    "chat_channel:read",
    "chat_channel:write",
    "team_chat:read:list_members:admin",
    "team_chat:read:list_members",
)
"""Classic and granular names of the same right (§1.6)."""

PEOPLE_PAGE = 300
"""Users of one page: the most that older and newer editions of Zoom's reference both allow, and 334 calls for 100,000."""
OUR_PAGE = 1000
PUBLIC_PAGE = 20
MEMBERS_PAGE = 100
"""Entries of one page: the most that each list gives."""

STATUSES = ("active", "inactive")
"""Those who are invited only (``pending``) have no id yet."""
LISTS = ("ours", "public")

PUBLIC_TYPES = ("3", "5")
"""Types of channels (§3.2): the others are private."""


def people(cursor: str) -> Calls[Page[Account]]:
    """The account's users, then those who were deactivated; ``total`` grows when their turn comes."""
    status, before, token = _spot(cursor, STATUSES)
    answer = yield from _page(f"{API}/users", PEOPLE, PEOPLE_PAGE, token, status=status)
    found = tuple(account_of(one, is_deleted=status != "active") for one in _listed(answer, "users") if _has_id(one))
    total = before + (_total(answer) or 0)
    return Page(found, _following(answer, STATUSES, status, before, total), total)


def look_up(emails: Sequence[str]) -> Calls[dict[str, Found]]:
    """One after the other. Who was deactivated, or has not accepted the invitation to the account, cannot chat."""
    found: dict[str, Found] = {}
    for email in filter(is_address, emails):
        try:
            user = yield from person(email.lower())
        except Gone:
            continue
        one = account_of(user, is_deleted=user.get("status") == "inactive")
        if _has_id(user) and one.email.lower() == email.lower():
            found[email.lower()] = Found(one, is_licensed=user.get("status") == "active")
    return found


def conversations(credentials: Credentials, cursor: str) -> Calls[Page[Place]]:
    """The channels that the service user is in, then the account's other public ones (§3.2).

    The account's own list knows neither private channels nor who is in one. No list tells which are archived.
    """
    which, _, token = _spot(cursor, LISTS)
    if which == "ours":
        answer = yield from _our_page(credentials, token)
        return Page(tuple(_places(answer, is_entered=True)), _following(answer, LISTS, which))
    answer = yield from _page(f"{API}/chat/channels", PUBLIC, PUBLIC_PAGE, token)
    others = list(_places(answer, is_entered=False))
    ours = (yield from _ours(credentials)) if others else frozenset()
    return Page(tuple(place for place in others if place.id not in ours), _following(answer, LISTS, which))


def conversation(credentials: Credentials, conversation: ConversationId) -> Calls[Place]:
    """One channel as the service user sees it, or a public one from outside. ``Gone`` for a group chat, too."""
    try:
        channel, is_entered = (yield from our_channel(credentials, conversation)), True
    except Gone:
        url = f"{API}/chat/channels/{quote(conversation, safe='')}"
        channel = read((yield Call("GET", url, ANY_CHANNEL, bucket="medium", token=ADMIN, judge=judge_unseen)))
        is_entered = False
    if is_group(channel):
        raise Gone("a group chat, which is no channel")
    return place_of(channel, is_entered=is_entered)


def our_channel(credentials: Credentials, conversation: ConversationId) -> Calls[dict[str, Any]]:
    """A channel that the service user is in, as Zoom tells it. Raises ``Gone`` for all others."""
    url = channel_url(credentials, conversation)
    return read((yield Call("GET", url, CHANNEL, bucket="medium", token=voice(credentials), judge=judge)))


def members_page(credentials: Credentials, conversation: ConversationId, cursor: str) -> Calls[Page[AccountId]]:
    """Some of those in a channel that the service user is in; people of other accounts by their member id (§3.2)."""
    answer = yield from _members(credentials, conversation, cursor)
    listed = _listed(answer, "members")
    members = tuple(filter(None, (ids.account(one.get("id"), one.get("member_id")) for one in listed)))
    return Page(members, _token(answer), _total(answer))


def member_addresses(credentials: Credentials, conversation: ConversationId) -> Calls[dict[str, AccountId]]:
    """Who is behind the addresses of a channel's members: its first page of them, which is all of a group chat."""
    listed = _listed((yield from _members(credentials, conversation, "")), "members")
    known = ((ids.opaque(one.get("email")), ids.account(one.get("id"), one.get("member_id"))) for one in listed)
    return {address: account for address, account in known if address}


def _members(credentials: Credentials, conversation: ConversationId, cursor: str) -> Calls[dict[str, Any]]:
    url = f"{channel_url(credentials, conversation)}/members"
    return _page(url, MEMBERS, MEMBERS_PAGE, cursor, voice(credentials))


def is_group(channel: Mapping[str, Any]) -> bool:
    """Whether what an answer shows is a group chat, and not a channel."""
    return _type(channel) == GROUP_CHAT


def channel_url(credentials: Credentials, conversation: ConversationId) -> str:
    """A channel, as whoever speaks has it."""
    return f"{account_url(credentials)}/channels/{quote(conversation, safe='')}"


def place_of(channel: Mapping[str, Any], *, is_entered: bool) -> Place:
    """A channel of any answer that shows one."""
    is_private = _type(channel) not in PUBLIC_TYPES
    name = ids.readable(channel.get("name"))
    return Place(ids.conversation(channel.get("id")), name, is_private=is_private, is_entered=is_entered)


def _our_page(credentials: Credentials, token: str) -> Calls[dict[str, Any]]:
    return _page(f"{account_url(credentials)}/channels", OURS, OUR_PAGE, token)


def _ours(credentials: Credentials) -> Calls[frozenset[ConversationId]]:
    """All channels that the service user is in: one call for every thousand."""
    found: set[ConversationId] = set()
    token = ""
    while True:
        answer = yield from _our_page(credentials, token)
        found |= {ids.conversation(one.get("id")) for one in _listed(answer, "channels")}
        token = _token(answer)
        if not token:
            return frozenset(found)


def _page(
    url: str, scopes: tuple[str, ...], size: int, token: str, kind: str = ADMIN, **query: str
) -> Calls[dict[str, Any]]:
    turned = query | {"page_size": str(size)} | ({"next_page_token": token} if token else {})
    return read((yield Call("GET", url, scopes, bucket="medium", token=kind, query=turned, judge=judge_page)))


def _spot(cursor: str, lists: Sequence[str]) -> tuple[str, int, str]:
    """Which of the lists a cursor is in, how many entries those before it had, and Zoom's token."""
    which, _, rest = (cursor or f"{lists[0]}.0.").partition(".")
    before, dot, token = rest.partition(".")
    if which not in lists or not dot or not (before.isascii() and before.isdigit() and len(before) < ids.LONGEST):
        raise Gone("a cursor that is none of this list's")
    return which, int(before), token


def _following(answer: Mapping[str, Any], lists: Sequence[str], which: str, before: int = 0, total: int = 0) -> str:
    """The cursor of the next page, which may be the first one of the next list."""
    if token := _token(answer):
        return f"{which}.{before}.{token}"
    return f"{lists[1]}.{total}." if which == lists[0] else ""


def _places(answer: Mapping[str, Any], *, is_entered: bool) -> Iterator[Place]:
    for channel in _listed(answer, "channels"):
        place = place_of(channel, is_entered=is_entered)
        if place.id and not is_group(channel):
            yield place


def _listed(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The entries of a list. ``Unavailable`` where there is none: to take it for empty would remove everybody."""
    entries = answer.get(name)
    if not isinstance(entries, list):
        raise Unavailable(f"Zoom's answer lists no {name}")
    return [one for one in entries if isinstance(one, dict)]


def _token(answer: Mapping[str, Any]) -> str:
    """Zoom's token of the next page. One that cannot be read is not the end of the list."""
    told = answer.get("next_page_token") or ""
    token = ids.opaque(told)
    if told and not token:
        raise Unavailable("Zoom named a next page that cannot be read")
    return token


def _total(answer: Mapping[str, Any]) -> int | None:
    told = ids.opaque(answer.get("total_records"))
    return int(told) if told.isascii() and told.isdigit() else None


def _has_id(one: Mapping[str, Any]) -> bool:
    return bool(ids.opaque(one.get("id")))


def _type(channel: Mapping[str, Any]) -> str:
    return ids.opaque(channel.get("type"))
