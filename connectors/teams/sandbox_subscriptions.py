"""Standing orders for notifications in the fake, and what is sent for them (reference teams.md §2)."""

import json
from collections.abc import Callable, Collection, Container, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.messages import ConversationId, MessageId
from connectors.sandbox import Webhook
from connectors.teams.ids import in_key_form, is_channel, root_and_reply, team_and_channel
from connectors.teams.sandbox_channels import Channel, iso
from connectors.teams.sandbox_entra import guid
from connectors.teams.sandbox_rules import Denied, page
from connectors.teams.values import timestamp

LONGEST, SHORTEST = timedelta(minutes=4320), timedelta(minutes=45)
"""The most that Graph takes for messages, and what it makes of less (§2.2)."""
WITHOUT_LIFECYCLE = timedelta(hours=1)
"""What lives longer needs an address for what happens to the order itself."""
LONGEST_STATE = 128
"""Characters."""

_PAGE = 100
PERMISSIONS = {
    "messages": "ChannelMessage.Read.All",
    "channels": "Channel.ReadBasic.All",
    "users": "User.Read.All",
    "getAllMessages": "Chat.Read.All",
}
"""What it takes to be told, by the end of the resource's path."""
_SETTABLE = frozenset(
    {"changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime", "clientState"}
)
Order = dict[str, Any]


class Subscriptions:
    """``seeded`` is an order for the whole tenant, which the demo has without placing it: it is heard where no order of a
    channel's own stands, and ends when the app is approved by consent. Of chats it tells those of ``consenting`` people.

    ``channels`` are the ids that exist, ``people`` the users, ``tell`` sends.
    """

    def __init__(
        self, seeded: Order, hub: str, channels: Mapping[str, Channel], tell: Callable[[Webhook], None], clock: Any
    ) -> None:
        self.seeded: Order | None = seeded
        self._hub, self._channels, self._tell, self._clock = hub, channels, tell, clock
        self._tenant = seeded["tenantId"]
        self.people: Container[str] = ()
        self.consenting: Callable[[], Collection[str]] = tuple
        self._orders: dict[str, Order] = {}
        self._made = 0

    def standing(self) -> list[Order]:
        """The orders that did not end."""
        return [order for order in self._orders.values() if order["until"] > self._clock()]

    def listed(self, query: Mapping[str, str]) -> dict[str, Any]:
        shown = [_shown(order) for order in self.standing()]
        return page(shown, {"$top": str(_PAGE), **query}, "https://graph.microsoft.com/v1.0/subscriptions", _PAGE)

    def create(self, creator: str, sent: object) -> dict[str, Any]:
        """Validate both addresses, then take the order. Raises ``Denied``."""
        if not isinstance(sent, dict) or not set(sent) <= _SETTABLE | {"includeResourceData"}:
            raise _invalid("The subscription cannot be read.")
        order: Order = {name: sent.get(name) for name in _SETTABLE}
        self._check(order)
        for other in self.standing():
            if other["resource"].strip("/") == order["resource"].strip("/"):
                text = f"Subscription Id {other['id']} already exists for the requested combination"
                raise Denied(409, "ExtensionError", text)
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            self._shake_hands(order[name])
        self._made += 1
        order |= {"id": guid("order", str(self._made)), "creatorId": creator, "until": self._until(sent)}
        self._orders[order["id"]] = order
        return _shown(order)

    def _check(self, order: Order) -> None:
        parts = str(order["resource"]).strip("/").split("/")
        match parts:
            case ["users"]:
                pass
            case ["users", user, "chats", "getAllMessages"] if user in self.people:
                pass
            case ["teams", team, "channels"] if any(one.team == team for one in self._channels.values()):
                pass
            case ["teams", team, "channels", channel, "messages"]:
                if channel not in self._channels or self._channels[channel].team != team:
                    raise Denied(404, "NotFound", "No channel found with this id.")
            case _:
                raise _invalid(
                    "The sandbox takes orders for messages of a channel or a user, channels of a team, and users."
                )
        changes = str(order["changeType"]).split(",")
        if not set(changes) <= {"created", "updated", "deleted"} or len(set(changes)) < len(changes):
            raise _invalid("changeType is not valid.")
        if not isinstance(order["clientState"], str | None) or len(order["clientState"] or "") > LONGEST_STATE:
            raise _invalid("clientState is too long.")
        if (
            not order["lifecycleNotificationUrl"]
            and self._until(order) > self._now() + WITHOUT_LIFECYCLE.total_seconds()
        ):
            raise _invalid(
                "lifecycleNotificationUrl is a required property when expirationDateTime is more than 1 hour."
            )

    def _until(self, sent: Mapping[str, Any]) -> float:
        """The end of an order. Raises ``Denied``."""
        asked = timestamp(sent.get("expirationDateTime"))
        if asked is None or asked.timestamp() < self._now():
            raise _invalid("Subscription expiration can only be in the future.")
        if asked.timestamp() > self._now() + LONGEST.total_seconds():
            raise _invalid("Subscription expiration can only be 4320 minutes in the future.")
        return max(asked.timestamp(), self._now() + SHORTEST.total_seconds())

    def _now(self) -> float:
        now: float = self._clock()
        return now

    def _shake_hands(self, url: object) -> None:
        """Graph waits for the token to come back; here whoever carries webhooks sees whether it was answered."""
        if url is None:
            return
        if not isinstance(url, str) or not url.startswith(f"{self._hub}/"):
            raise _invalid("Subscription validation request failed. Must respond with 200 OK to this request.")
        token = urlencode({"validationToken": f"Validation: Testing client application + {guid('token', url)}"})
        self._tell(Webhook(f"{url}?{token}", b"", lambda: {"content-type": "text/plain; charset=utf-8"}))

    def renew(self, id_: str, sent: object) -> dict[str, Any]:
        """A later end. Raises ``Denied``."""
        order = self._order(id_)
        if not isinstance(sent, dict) or set(sent) != {"expirationDateTime"}:
            raise _invalid("The sandbox changes the end of an order only.")
        order["until"] = self._until(sent)
        return _shown(order)

    def remove(self, id_: str) -> None:
        """Raises ``Denied``."""
        del self._orders[self._order(id_)["id"]]

    def _order(self, id_: str) -> Order:
        order = self._orders.get(id_)
        if order is None or order["until"] <= self._now():
            raise Denied(404, "ResourceNotFound", "The object was not found.")
        return order

    def notify(
        self, conversation: ConversationId, message: MessageId, change: str, members: Collection[str] = ()
    ) -> None:
        """Tell of a message whoever ordered it: in a chat, each order for the chats of one of its ``members``."""
        root, reply = root_and_reply(message)
        resource = in_key_form(conversation, message)
        data = {"id": reply or root, "@odata.type": "#microsoft.graph.chatMessage", "@odata.id": resource}
        wanted = {"teams/{}/channels/{}/messages".format(*team_and_channel(conversation))}
        if not is_channel(conversation):
            wanted = {f"users/{user}/chats/getAllMessages" for user in members}
        ordered = [order for order in self.standing() if order["resource"].strip("/") in wanted]
        is_heard = is_channel(conversation) or not set(members).isdisjoint(self.consenting())
        for order in ordered or filter(None, [self.seeded if is_heard else None]):
            if change in order["changeType"].split(","):
                self._send(order, order["notificationUrl"], changeType=change, resource=resource, resourceData=data)

    def notify_channel(self, channel: Channel, change: str) -> None:
        """Tell of a channel whoever ordered its team's."""
        resource = f"teams('{channel.team}')/channels('{channel.id}')"
        data = {"id": channel.id, "@odata.type": "#Microsoft.Graph.channel", "@odata.id": resource}
        self._tell_all(f"teams/{channel.team}/channels", change, resource, data)

    def notify_user(self, user: str, change: str) -> None:
        """Tell of a person whoever ordered them; somebody new is told as changed."""
        resource = f"Users/{user}"
        data = {"id": user, "@odata.type": "#Microsoft.Graph.User", "@odata.id": resource}
        self._tell_all("users", change, resource, data)

    def _tell_all(self, wanted: str, change: str, resource: str, data: Mapping[str, str]) -> None:
        for order in self.standing():
            if order["resource"].strip("/") == wanted and change in order["changeType"].split(","):
                self._send(order, order["notificationUrl"], changeType=change, resource=resource, resourceData=data)

    def lifecycle(self, event: str) -> None:
        """Tell of all orders that something happened to them; ``subscriptionRemoved`` they also are."""
        for order in self.standing():
            if event == "subscriptionRemoved":
                del self._orders[order["id"]]
            if order["lifecycleNotificationUrl"]:
                self._send(order, order["lifecycleNotificationUrl"], lifecycleEvent=event)

    def _send(self, order: Order, url: str, **what: object) -> None:
        item = {
            "subscriptionId": order["id"],
            "subscriptionExpirationDateTime": iso(order["until"] or self._now() + LONGEST.total_seconds()),
            "clientState": order["clientState"],
            "tenantId": self._tenant,
            **what,
        }
        body = json.dumps({"value": [item]}).encode()
        self._tell(Webhook(url, body, lambda: {"content-type": "application/json"}))


def _invalid(text: str) -> Denied:
    return Denied(400, "ValidationError", text)


def _shown(order: Order) -> dict[str, Any]:
    """As Graph shows an order, which never tells its ``clientState`` again."""
    shown = {name: order[name] for name in _SETTABLE} | {"id": order["id"], "creatorId": order["creatorId"]}
    return shown | {"expirationDateTime": iso(order["until"]), "clientState": None}
