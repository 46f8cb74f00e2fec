"""People's own chats (reference §2.5, §3.1, §3.4, §3.5): opened and read with a person's token. Our service user is in none.

A 1:1 space is named by nothing but what was said in it, and comes into being with its first message and in no other way. A
group chat is to Webex a space like any other: of no team, and not public.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from connectors.calls import Call, Calls
from connectors.direct import MOST_PEOPLE
from connectors.errors import ConnectorError, Gone, NotSupported, Refused, Unavailable
from connectors.messages import NO_TEAM, AccountId, ConversationId
from connectors.webex import ids, managing
from connectors.webex.client import (
    BASE,
    TOKEN,
    delete,
    items_of,
    object_of,
    path_of,
    posting,
    reading,
    room,
    text_of,
)
from connectors.webex.directory import MEMBERSHIPS
from connectors.webex.judge import judge, judge_opening
from connectors.webex.names import WRITING as MAKING
from connectors.webex.names import legal_name

OPENING = "…"
"""What is said, and taken back at once, where two people never wrote to each other: the answer names their new space."""


def open_direct(accounts: Sequence[AccountId], topic: str) -> Calls[ConversationId]:
    """The 1:1 space with one other, or a new space with several."""
    if len(accounts) == 1:
        return (yield from _space_with(accounts[0]))
    return (yield from _group(accounts, topic))


def _space_with(other: AccountId) -> Calls[ConversationId]:
    """``GET /messages/direct``. Whether Webex answers an empty list or 404 where there is no space yet it does not say."""
    asked = reading("/messages/direct", ("spark:messages_read",), "messages", {"personId": other})
    try:
        said = items_of((yield asked))
    except Gone:
        said = []
    found = ids.plausible(said[0].get("roomId")) if said else None
    return ids.conversation(found) if found else (yield from _opened(other))


def _opened(other: AccountId) -> Calls[ConversationId]:
    """``POST /messages`` and ``DELETE /messages/{id}``; said twice, there is still one space."""
    opening = posting({"toPersonId": other, "text": OPENING})
    made = object_of((yield replace(opening, repeatable=True, judge=judge_opening)))
    space, message = ids.plausible(made.get("roomId")), ids.plausible(made.get("id"))
    if space is None or message is None:
        raise Unavailable("Webex did not say which space it made")
    with suppress(ConnectorError):  # where it has to stay, the space is there all the same
        yield from delete(ids.message(message))
    return ids.conversation(space)


def _group(accounts: Sequence[AccountId], topic: str) -> Calls[ConversationId]:
    """``POST /rooms``, and ``POST /memberships`` for each; one that lacks somebody is left to nobody."""
    space = (yield from managing.create(legal_name(topic), is_private=True, team=NO_TEAM, topic="")).id
    try:
        yield from bring_in(space, accounts)
    except ConnectorError:
        with suppress(ConnectorError):
            yield _taking_back(space)
        raise
    return space


def _taking_back(space: ConversationId) -> Call:
    """``DELETE /rooms/{id}``, which takes the caller out where others are in it already (§3.4)."""
    path = path_of("rooms", space)
    return Call("DELETE", BASE + path, scopes=MAKING, bucket="rooms", token=TOKEN, judge=judge)


def participants(conversation: ConversationId) -> Calls[list[AccountId]]:
    """``GET /memberships``; of a group also ``GET /rooms/{id}``, for a team's space and a public one are no chats."""
    query = {"roomId": conversation, "max": str(MOST_PEOPLE + 1)}
    members = items_of((yield reading("/memberships", MEMBERSHIPS, "memberships", query)))
    if not all(text_of(member, "roomType") == "direct" for member in members):
        space = yield from room(conversation)
        if text_of(space, "teamId") or space.get("isPublic") is True:
            raise NotSupported("a team's space, or a public one, is nobody's own chat")
    people = (ids.person(text_of(member, "personId")) for member in members[: MOST_PEOPLE + 1])
    return list(dict.fromkeys(filter(None, people)))


def bring_in(conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[None]:
    """``POST /memberships``, one by one. What was refused tells why: to a 1:1 space nobody can be added."""
    refused = yield from managing.add(conversation, accounts)
    if not refused:
        return
    if (yield from room(conversation)).get("type") == "direct":
        raise NotSupported("Webex keeps a 1:1 space to its two people")
    raise Refused(next(iter(refused.values())))
