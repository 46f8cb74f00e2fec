"""Chats of two or a few people: opened, looked into, and joined (reference teams.md §3.4). Nothing here does I/O.

Members of the tenant come in as owners and its guests as guests. Who is a guest only the application may ask: a person's own
token opens chats with members alone, and Graph refuses it a guest.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from connectors.calls import Call, Calls, Response
from connectors.contract import Credentials
from connectors.direct import MOST_PEOPLE
from connectors.errors import Gone, NotSupported, Refused, Unavailable
from connectors.messages import AccountId, ConversationId
from connectors.naming import one_line, shortened
from connectors.teams.client import GRAPH, READ_ERROR_BYTES, judge
from connectors.teams.directory import looked_up
from connectors.teams.ids import chat_id, conversation_path, is_channel
from connectors.teams.needs import CHAT
from connectors.teams.scopes import APP, SERVICE
from connectors.teams.values import mapping, mappings, string

LONGEST_TOPIC = 250
"""Characters of a group's name, as Teams' own client takes them; Graph tells no number."""
PAGES = 4
"""Pages of members that are read: Graph may make pages of 25, and no more people are carried than ``MOST_PEOPLE``."""
_ONE_ON_ONE = "oneOnOne"
_KIND = "#microsoft.graph.aadUserConversationMember"


def open_direct(own: Credentials, accounts: Sequence[AccountId], topic: str = "") -> Calls[ConversationId]:
    """With one other it is always the same chat, a group is a new one each time."""
    others = [account for account in dict.fromkeys(accounts) if account != own.account]
    if not others:
        raise NotSupported("Teams opens no chat of one person")
    is_group = len(others) > 1
    roles = yield from _roles(own, others)
    opened: dict[str, Any] = {"chatType": "group" if is_group else _ONE_ON_ONE}
    opened["members"] = [_member(own.account, "owner"), *(_member(account, roles[account]) for account in others)]
    if is_group and topic:
        opened["topic"] = shortened(one_line(topic), LONGEST_TOPIC)
    made = yield _write("/chats", opened, repeatable=not is_group)
    if not (chat := string(mapping(made.json()).get("id"))):
        raise Unavailable("Teams opened a chat without naming it")
    return chat_id(chat)


def _roles(own: Credentials, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
    if own.person:
        return dict.fromkeys(accounts, "owner")
    known = yield from looked_up(accounts)
    return {one: "guest" if one in known and known[one].is_guest else "owner" for one in accounts}


def _member(account: AccountId, role: str) -> dict[str, object]:
    bound = f"{GRAPH}/users('{quote(account, safe='')}')"
    return {"@odata.type": _KIND, "roles": [role], "user@odata.bind": bound}


def participants(conversation: ConversationId) -> Calls[list[AccountId]]:
    """Who has no object id, such as a caller by telephone, is named by the membership, so that nobody is overlooked."""
    if is_channel(conversation):
        raise NotSupported("a channel is no direct chat")
    path, found = f"{conversation_path(conversation)}/members", list[AccountId]()
    query = ""
    for _ in range(PAGES):
        page = mapping((yield _read(f"{path}?{query}" if query else path)).json())
        members = [string(one.get("userId")) or string(one.get("id")) for one in mappings(page.get("value"))]
        found += [AccountId(member) for member in members if member]
        query = urlsplit(string(page.get("@odata.nextLink"))).query
        if not query or len(found) > MOST_PEOPLE:
            break
    return found[: MOST_PEOPLE + 1]


def bring_in(own: Credentials, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[None]:
    """Newcomers do not see what was said before: that was not meant for them. The two of a direct chat stay two for ever."""
    if is_channel(conversation):
        raise NotSupported("a channel is no direct chat")
    path = conversation_path(conversation)
    if mapping((yield _read(path)).json()).get("chatType") == _ONE_ON_ONE:
        raise NotSupported("Teams lets nobody else into a chat of two")
    within = yield from participants(conversation)
    new = [account for account in dict.fromkeys(accounts) if account not in within]
    roles = yield from _roles(own, new)
    for account in new:
        yield _write(f"{path}/members", _member(account, roles[account]))


def _read(path: str) -> Call:
    return Call("GET", GRAPH + path, CHAT.read, "get chat", APP, judge=_judge_sight)


def _write(path: str, sent: Mapping[str, object], *, repeatable: bool = True) -> Call:
    bucket = "change chat: 4 per minute and chat"
    return Call("POST", GRAPH + path, CHAT.send, bucket, SERVICE, json=sent, repeatable=repeatable, judge=_judge_people)


def _judge_sight(call: Call, response: Response) -> None:
    """To whoever is not in it a chat is not there."""
    if response.status == 403 and b"AclCheckFailed" in response.body[:READ_ERROR_BYTES]:
        raise Gone("the chat is not to be seen: our account is not in it")
    judge(call, response)


def _judge_people(call: Call, response: Response) -> None:
    """Of what is sent nothing but the people can be wrong."""
    if response.status == 400:
        raise Refused("Teams does not put these people into one chat; a guest has to be invited by the service user")
    judge(call, response)
