"""Change notifications of Microsoft Graph: proven by ``clientState``, answered without any look at a database.

Graph signs nothing. What proves a notification is the ``clientState`` that we gave each subscription: an HMAC of the
tenant's id under a key only we hold (reference teams.md §2.4), so that each item can be checked by itself.
"""

import hmac
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from connectors.contract import Envelope, Reply, Request
from connectors.errors import Forged, Malformed
from connectors.messages import ConversationId, Kind, MessageId, Reference, WorkspaceId
from connectors.teams.ids import channel_id, chat_id, in_key_form, is_channel, message_id, read_key_form

LONGEST_TOKEN = 2048
"""Characters of a validation token we echo: Microsoft's are a few hundred, and we echo them for anybody who asks."""

_KINDS = {"created": Kind.POSTED, "updated": Kind.CHANGED, "deleted": Kind.DELETED}
_LAPSING = ("reauthorizationRequired", "subscriptionRemoved", "missed")
"""Renewing answers the first; of one that was removed it tells that there is nothing to renew (§2.5)."""
_PERSON = re.compile(r"(?i:users)/([0-9A-Za-z-]{1,64})")
"""The one resource that notifications do not name in key form."""
_NOWHERE, _NOTHING = ConversationId(""), MessageId("")
_Item = Mapping[str, Any]


class _Secrets(Protocol):
    @property
    def client_state_key(self) -> str: ...


def client_state(key: str, tenant: str) -> str:
    """The ``clientState`` of every subscription in a tenant: 64 hex digits of the 128 characters that Graph allows."""
    return hmac.digest(key.encode(), tenant.lower().encode("utf-8", "replace"), "sha256").hex()


def receive(request: Request, secrets: _Secrets) -> Reply | list[Envelope]:
    """Answer a validation handshake, or prove and name the notifications of a batch."""
    token = request.query.get("validationToken")
    if token is not None:
        return _echo(token)
    proven = [item for item in _items(request.body) if _is_proven(item, secrets.client_state_key)]
    if not proven:
        raise Forged("no notification has a clientState that holds")
    return [_envelope(item) for item in proven]  # of several subscriptions: a stale one must not take the others along


def _echo(token: str) -> Reply:
    if len(token) > LONGEST_TOKEN:
        raise Malformed("the validation token is too long")
    return Reply(token.encode("utf-8", "replace"))


def _items(body: bytes) -> list[_Item]:
    """The items of a batch. What is no batch carries no proof either."""
    try:
        batch = json.loads(body)
    except (ValueError, RecursionError):
        raise Forged("no batch of notifications") from None
    items = batch.get("value") if isinstance(batch, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise Forged("no batch of notifications")
    return items


def _is_proven(item: _Item, key: str) -> bool:
    tenant, state = item.get("tenantId"), item.get("clientState")
    if not key or not isinstance(tenant, str) or not isinstance(state, str):
        return False
    return hmac.compare_digest(client_state(key, tenant).encode(), state.encode("utf-8", "replace"))


def _envelope(item: _Item) -> Envelope:
    workspace = WorkspaceId(item["tenantId"].lower())
    if "lifecycleEvent" in item:
        return _lifecycle(workspace, item)
    change, resource = item.get("changeType"), item.get("resource")
    if not isinstance(change, str) or not isinstance(resource, str):
        return _unshown(workspace, "unreadable")
    if person := _PERSON.fullmatch(resource):
        return _directory(workspace, change, resource, account=person[1].lower())
    try:
        segments = read_key_form(resource)
    except ValueError:
        return _unshown(workspace, "unreadable")
    return _notification(workspace, change, resource, segments)


def _lifecycle(workspace: WorkspaceId, item: _Item) -> Envelope:
    """What Graph tells of an order. A challenge is told apart from the next one by the order's end, which renewing moves."""
    event, order = item["lifecycleEvent"], item.get("subscriptionId")
    event_id = f"lifecycle:{event}:{order}:{item.get('subscriptionExpirationDateTime')}"
    if event not in _LAPSING or not isinstance(order, str):
        return _unshown(workspace, event_id)
    return Envelope(workspace, event_id, Reference(Kind.LAPSED, _NOWHERE, MessageId(order)))


def _notification(workspace: WorkspaceId, change: str, resource: str, segments: list[tuple[str, str]]) -> Envelope:
    """A message's notification. Of one in a chat there is one for each participant whose chats were ordered.

    Graph tells nothing by which two changes of one message differ, so the moment of arrival does. A change that is
    delivered twice is then two events and compared twice, which does no harm; one that was taken for a repetition of the
    change before would be lost.
    """
    match segments:
        case [("teams", team), ("channels", channel), ("messages", root)]:
            conversation, message = channel_id(team, channel), message_id(root)
        case [("teams", team), ("channels", channel), ("messages", root), ("replies", reply)]:
            conversation, message = channel_id(team, channel), message_id(reply, root)
        case [("chats", chat), ("messages", said)]:
            conversation, message = chat_id(chat), message_id(said)
        case [("teams", team), ("channels", channel)]:
            return _directory(workspace, change, resource, channel_id(team, channel))
        case _:
            return _unshown(workspace, f"{change}:{resource}")
    kind = _KINDS.get(change, Kind.OTHER)
    at = said_at(message) if kind is Kind.POSTED else None
    reference = Reference(kind, conversation, message, at)
    event_id = f"{change}:{in_key_form(conversation, message)}"
    if kind is Kind.CHANGED:
        event_id = f"{event_id}:{time.time()}"
    return Envelope(workspace, event_id, reference, is_direct=not is_channel(conversation))


def _directory(
    workspace: WorkspaceId, change: str, resource: str, conversation: ConversationId = _NOWHERE, account: str = ""
) -> Envelope:
    """A person or a channel is not what it was. As with messages, two changes differ by nothing but when they are told."""
    reference = Reference(Kind.DIRECTORY, conversation, MessageId(account))
    return Envelope(workspace, f"{change}:{resource}:{time.time()}", reference)


def _unshown(workspace: WorkspaceId, event_id: str) -> Envelope:
    return Envelope(workspace, event_id, Reference(Kind.OTHER, _NOWHERE, _NOTHING))


def said_at(message: MessageId) -> datetime | None:
    """When a message was sent, by its id: milliseconds since 1970 (§3.0)."""
    try:
        return datetime.fromtimestamp(int(message.rpartition("/")[2]) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
