"""Standing orders for change notifications (reference teams.md §2): one per linked channel for its messages, one per person
whose chats are carried, one per team with such channels for its channels, one for all people. Nothing here does I/O.

Graph ends each after three days at the latest, and an application's order for a resource stands only once.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from connectors.calls import Call, Calls, Response
from connectors.consent import Subscribed
from connectors.errors import Gone, Unavailable
from connectors.messages import AccountId, ConversationId, WorkspaceId
from connectors.teams.client import GRAPH, Judge, judge
from connectors.teams.forgiving import refusing
from connectors.teams.ids import is_channel, messages_path, team_and_channel
from connectors.teams.scopes import APP
from connectors.teams.values import mapping, mappings, string, timestamp
from connectors.teams.webhook import client_state

LIFE = timedelta(minutes=4320 - 10)
"""Graph gives a subscription to messages 4320 minutes and no more (§2.2): ten are left to clocks that differ."""
PAGES = 200
"""Pages of orders read at most: Graph allows a tenant ten thousand (§2.1), and lists a hundred at once."""

USERS = "/users"
_CHATS = "/chats/getAllMessages"
_MESSAGES = "ChannelMessage.Read.All"
_EVERY_CHANGE = "created,updated,deleted"


def resources(conversations: Iterable[ConversationId], people: Iterable[AccountId] = ()) -> list[str]:
    """The messages of each channel, those of all chats of each person, and what keeps the directory current.

    Not the members of teams: of those Graph tells no more than that some membership changed.
    """
    channels = list(dict.fromkeys(one for one in conversations if is_channel(one)))
    teams = dict.fromkeys(team_and_channel(one)[0] for one in channels)
    messages = [unquote(messages_path(one)) for one in channels]
    chats = [f"/users/{person}{_CHATS}" for person in dict.fromkeys(people)]
    return messages + chats + [f"/teams/{team}/channels" for team in teams] + ([USERS] if messages or chats else [])


def _told_of(resource: str) -> tuple[str, str]:
    """The permission that an order needs, and the changes it is for: a new user is announced as a changed one (§2.1)."""
    if resource == USERS:
        return "User.Read.All", "updated,deleted"
    if resource.endswith("/messages"):
        return _MESSAGES, _EVERY_CHANGE
    return "Chat.Read.All" if resource.endswith(_CHATS) else "Channel.ReadBasic.All", _EVERY_CHANGE


def subscriptions(address: str) -> Calls[list[Subscribed]]:
    """Of all orders of our app in the tenant, those that tell ``address``."""
    return [_read(order) for order in (yield from _standing()) if order.get("notificationUrl") == address]


def subscribe(workspace: WorkspaceId, resource: str, address: str, secret: str) -> Calls[Subscribed]:
    """Order. ``secret`` is the operator's ``client_state_key``: the order carries what is made of it for this tenant, and
    every notification brings that back as its proof.

    An order that stands is returned as it is; one that tells another address is ordered anew, since Graph keeps only one.
    """
    order = {
        "changeType": _told_of(resource)[1],
        "notificationUrl": address,
        "lifecycleNotificationUrl": address,
        "resource": resource,
        "expirationDateTime": _until(),
        "clientState": client_state(secret, workspace),
    }
    response = yield _post(order)
    if response.status == 409:
        for standing in (yield from _standing()):
            if _resource(standing) == resource and standing.get("notificationUrl") == address:
                return _read(standing)
            if _resource(standing) == resource:
                yield from unsubscribe(_read(standing))
        response = yield _post(order)
    if response.status == 409:
        raise Unavailable("Teams says that there is such a subscription, and does not show it")
    return _read(mapping(response.json()))


def renew(subscribed: Subscribed) -> Calls[Subscribed]:
    """Extend; at the same time this answers a challenge to prove our permission anew (§2.5)."""
    return _read(mapping((yield _call("PATCH", subscribed, {"expirationDateTime": _until()})).json()))


def unsubscribe(subscribed: Subscribed) -> Calls[None]:
    """Cancel."""
    try:
        yield _call("DELETE", subscribed)
    except Gone:
        return


def _standing() -> Calls[list[Mapping[str, Any]]]:
    """Every order of our app. Of the link to the next page only the query is used."""
    url, page_query, found = f"{GRAPH}/subscriptions", "", list[Mapping[str, Any]]()
    for _ in range(PAGES):
        page = mapping((yield _ask("GET", f"{url}?{page_query}" if page_query else url)).json())
        found += mappings(page.get("value"))
        page_query = urlsplit(string(page.get("@odata.nextLink"))).query
        if not page_query:
            break
    return found


def _post(order: Mapping[str, Any]) -> Call:
    return _ask("POST", f"{GRAPH}/subscriptions", order, _judge_order, order["resource"])


def _call(method: str, subscribed: Subscribed, sent: Mapping[str, Any] | None = None) -> Call:
    url = f"{GRAPH}/subscriptions/{quote(subscribed.id, safe='')}"
    return _ask(method, url, sent, _judge_standing, subscribed.resource)


def _ask(
    method: str, url: str, sent: Mapping[str, Any] | None = None, judge: Judge = judge, resource: str = "/messages"
) -> Call:
    scopes = (_told_of(resource)[0],)
    return Call(method, url, scopes=scopes, bucket="subscriptions", token=APP, json=sent, judge=judge)


def _judge_order(call: Call, response: Response) -> None:
    """An order that stands already is no error."""
    if response.status != 409:
        _judge_standing(call, response)


def _judge_standing(call: Call, response: Response) -> None:
    """Messages of channels cross without the rest: a permission missing for that does not end the connection."""
    (judge if call.scopes == (_MESSAGES,) else refusing(judge))(call, response)


def _until() -> str:
    return datetime.fromtimestamp(time.time() + LIFE.total_seconds(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(order: Mapping[str, Any]) -> Subscribed:
    until = timestamp(order.get("expirationDateTime"))
    if not (id_ := string(order.get("id"))):
        raise Unavailable("Teams answered with a subscription that has no id")
    return Subscribed(id_, _resource(order), until.timestamp() if until else None)


def _resource(order: Mapping[str, Any]) -> str:
    """As ``resources`` names it: Graph takes and shows it with and without a slash, encoded or not."""
    return "/" + unquote(string(order.get("resource"))).strip("/")
