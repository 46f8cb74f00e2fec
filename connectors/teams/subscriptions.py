"""Standing orders for change notifications: one per linked channel (reference teams.md §2). Nothing here does I/O.

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
from connectors.messages import ConversationId, WorkspaceId
from connectors.teams.client import GRAPH, Judge, judge
from connectors.teams.ids import is_channel, messages_path
from connectors.teams.scopes import APP
from connectors.teams.values import mapping, mappings, string, timestamp
from connectors.teams.webhook import client_state

LIFE = timedelta(minutes=4320 - 10)
"""Graph gives a subscription to messages 4320 minutes and no more (§2.2): ten are left to clocks that differ."""
PAGES = 200
"""Pages of orders read at most: Graph allows a tenant ten thousand (§2.1), and lists a hundred at once."""

_CHANGES = "created,updated,deleted"


def resources(conversations: Iterable[ConversationId]) -> list[str]:
    """The messages of each channel. A chat would need a permission that we do not ask for."""
    return list(dict.fromkeys(unquote(messages_path(one)) for one in conversations if is_channel(one)))


def subscriptions(address: str) -> Calls[list[Subscribed]]:
    """Of all orders of our app in the tenant, those that tell ``address``."""
    return [_read(order) for order in (yield from _standing()) if order.get("notificationUrl") == address]


def subscribe(workspace: WorkspaceId, resource: str, address: str, secret: str) -> Calls[Subscribed]:
    """Order. ``secret`` is the operator's ``client_state_key``: the order carries what is made of it for this tenant, and
    every notification brings that back as its proof.

    An order that stands is returned as it is; one that tells another address is ordered anew, since Graph keeps only one.
    """
    order = {
        "changeType": _CHANGES,
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
    return _read(mapping((yield _call("PATCH", subscribed.id, {"expirationDateTime": _until()})).json()))


def unsubscribe(subscribed: Subscribed) -> Calls[None]:
    """Cancel."""
    try:
        yield _call("DELETE", subscribed.id)
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
    return _ask("POST", f"{GRAPH}/subscriptions", order, _judge_order)


def _call(method: str, id_: str, sent: Mapping[str, Any] | None = None) -> Call:
    return _ask(method, f"{GRAPH}/subscriptions/{quote(id_, safe='')}", sent)


def _ask(method: str, url: str, sent: Mapping[str, Any] | None = None, judge: Judge = judge) -> Call:
    scopes = ("ChannelMessage.Read.All",)
    return Call(method, url, scopes=scopes, bucket="subscriptions", token=APP, json=sent, judge=judge)


def _judge_order(call: Call, response: Response) -> None:
    """An order that stands already is no error."""
    if response.status != 409:
        judge(call, response)


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
