"""Incoming webhooks (reference §2.6 to §2.8): prove the sender, then name the event.

Webex sends ids, never text, and neither a delivery id nor a time of sending: a replayed request cannot be told by its
age. It does no harm, because ``event_id`` names the event itself and the ledger takes each one once.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Envelope, Request
from connectors.errors import Forged, Malformed
from connectors.messages import Kind, Reference, WorkspaceId
from connectors.webex import ids

SIGNATURE = "x-spark-signature"

KINDS = {
    ("messages", "created"): Kind.POSTED,
    ("messages", "updated"): Kind.EDITED,
    ("messages", "deleted"): Kind.DELETED,
    ("memberships", "created"): Kind.MEMBERSHIP,
    ("memberships", "updated"): Kind.MEMBERSHIP,
    ("memberships", "deleted"): Kind.MEMBERSHIP,
}
"""By resource and event; everything else is of no interest."""


def receive(request: Request, secret: str) -> list[Envelope]:
    """The one event of a webhook. Raises ``Forged`` or ``Malformed``."""
    _prove(request, secret)
    event = _read(request.body)
    resource, name, data = event.get("resource"), event.get("event"), event.get("data")
    if not isinstance(resource, str) or not isinstance(name, str) or not isinstance(data, dict):
        raise Malformed("a webhook without resource, event or data")
    kind = KINDS.get((resource, name), Kind.OTHER)
    return [Envelope(_workspace(event), _event_id(resource, name, data), _reference(kind, data))]


def _prove(request: Request, secret: str) -> None:
    given = request.headers.get(SIGNATURE, "").strip().lower().encode(errors="replace")
    expected = hmac.digest(secret.encode(), request.body, "sha1").hex().encode()
    if not secret or not hmac.compare_digest(given, expected):
        raise Forged("the signature does not hold")


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(event, dict):
        raise Malformed("not a JSON object")
    return event


def _workspace(event: Mapping[str, Any]) -> WorkspaceId:
    try:
        return ids.workspace(ids.plausible(event.get("orgId")) or "")
    except ValueError as error:
        raise Malformed("a webhook without organization") from error


def _event_id(resource: str, name: str, data: Mapping[str, Any]) -> str:
    """The same for every webhook that tells of the same event, so without the webhook's own id.

    A message is created and deleted once. Anything else may happen to the same id again (leave and join, toggle), and
    only its data differ.
    """
    if resource == "messages" and name in ("created", "deleted"):
        return f"messages:{name}:{data.get('id')}"
    state = json.dumps([resource, name, data], sort_keys=True).encode()
    return f"state:{hashlib.sha1(state, usedforsecurity=False).hexdigest()}"


def _reference(kind: Kind, data: Mapping[str, Any]) -> Reference:
    message, room = ids.plausible(data.get("id")), ids.plausible(data.get("roomId"))
    if kind is not Kind.OTHER and (message is None or room is None):
        raise Malformed("an event without message or room")
    occurred = moment(data.get("updated")) or moment(data.get("created"))
    return Reference(kind, ids.conversation(room or ""), ids.message(message or ""), occurred)


def moment(text: object) -> datetime | None:
    """A time of Webex (``2026-03-02T10:15:30.123Z``); None for what is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if found is None or found.tzinfo is not None:
        return found
    return found.replace(tzinfo=UTC)
