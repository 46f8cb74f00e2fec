"""Receiving Zoom's webhooks: proof of the sender, the handshake, envelopes (§2)."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Content, Envelope, Reply, Request
from connectors.errors import Forged, Malformed
from connectors.messages import Kind, Reference, WorkspaceId
from connectors.zoom import ids

TOLERANCE = 300
"""Seconds a timestamp may differ from our clock: the five minutes of §2.1, against replays of an old request."""

DIGITS = 12
"""Digits of a timestamp read at most: seconds need ten for the next two centuries."""

URL_VALIDATION = "endpoint.url_validation"

KINDS = {
    "chat_message.sent": Kind.POSTED,
    "chat_message.replied": Kind.POSTED,
    "team_chat.channel_message_posted": Kind.POSTED,
    "chat_message.updated": Kind.EDITED,
    "team_chat.channel_message_updated": Kind.EDITED,
    "chat_message.deleted": Kind.DELETED,
    "team_chat.channel_message_deleted": Kind.DELETED,
    "team_chat.channel_reaction_added": Kind.REACTION,
    "team_chat.channel_reaction_removed": Kind.REACTION,
    "chat_channel.member_invited": Kind.MEMBERSHIP,
    "chat_channel.member_joined": Kind.MEMBERSHIP,
    "chat_channel.member_left": Kind.MEMBERSHIP,
    "chat_channel.member_removed": Kind.MEMBERSHIP,
}
"""What events of both families announce; all others, direct messages among them, are of no interest yet."""

_ID_KEYS = ("message_id", "msg_id", "id")
"""One message id, three names: the ``team_chat`` family, its reactions, the legacy family."""

_ENVELOPE_KEYS = ("operator", "operator_id", "operator_member_id")
"""What ``parse`` needs of the payload around the message: who acted, which is the author."""


def receive(request: Request, secret: str) -> Reply | list[Envelope]:
    """See ``Connector.receive``."""
    prove(request, secret, time.time())
    body = _read(request.body)
    if body["event"] == URL_VALIDATION:
        return _validated(body, secret)
    return [_envelope(body, request)]


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The ``x-zm-signature`` of a request (§2.1)."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def prove(request: Request, secret: str, now: float) -> None:
    """Raise ``Forged`` unless the raw body was signed with our secret at about ``now``."""
    timestamp = request.headers.get("x-zm-request-timestamp", "")
    if not secret or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= DIGITS):
        raise Forged("the timestamp is missing or not a number")
    given = request.headers.get("x-zm-signature", "").encode(errors="replace")
    if not hmac.compare_digest(signature(secret, timestamp, request.body).encode(), given):
        raise Forged("the signature does not match")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise Forged("the timestamp is too far from our clock")


def _trimmed(fields: dict[str, Any]) -> dict[str, Any]:
    """Zoom's keys may carry stray blanks (§2.5)."""
    return {name.strip(): value for name, value in fields.items()}


_DECODER = json.JSONDecoder(object_hook=_trimmed)


def _read(raw: bytes) -> dict[str, Any]:
    try:
        body = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("event"), str):
        raise Malformed("the body names no event")
    return body


def _validated(body: Mapping[str, Any], secret: str) -> Reply:
    """Zoom checks the address when it is saved and every 72 hours (§2.2)."""
    token = _mapping(body.get("payload")).get("plainToken")
    if not isinstance(token, str):
        raise Malformed("the validation names no plainToken")
    encrypted = hmac.new(secret.encode(), token.encode(errors="replace"), hashlib.sha256).hexdigest()
    answer = json.dumps({"plainToken": token, "encryptedToken": encrypted})
    return Reply(answer.encode(), "application/json")


def _envelope(body: Mapping[str, Any], request: Request) -> Envelope:
    payload = _mapping(body.get("payload"))
    thing = _mapping(payload.get("object"))
    reference = _reference(body, thing)
    content: Content | None = None
    if reference.kind is not Kind.OTHER:
        content = thing | {key: payload.get(key) for key in _ENVELOPE_KEYS}
    return Envelope(_workspace(payload, thing), _event_id(body, payload, reference, request), reference, content)


def _workspace(payload: Mapping[str, Any], thing: Mapping[str, Any]) -> WorkspaceId:
    """The account whose app is told; for an actor from outside ``account_id`` is empty and the channel's owner tells it."""
    return ids.workspace(payload.get("account_id")) or ids.workspace(thing.get("channel_owner_account_id"))


def _reference(body: Mapping[str, Any], thing: Mapping[str, Any]) -> Reference:
    kind = Kind.OTHER if thing.get("type") == "to_contact" else KINDS.get(body["event"], Kind.OTHER)
    at = moment(thing.get("timestamp")) or moment(body.get("event_ts"))
    if kind is Kind.MEMBERSHIP:
        conversation, message = ids.conversation(thing.get("id")), ids.message("")
    else:
        raw = next((thing[key] for key in _ID_KEYS if thing.get(key)), "")
        conversation, message = ids.conversation(thing.get("channel_id")), ids.message(raw)
    if kind is not Kind.OTHER and not (conversation and (message or kind is Kind.MEMBERSHIP)):
        raise Malformed(f"a {kind} event without its ids")
    return Reference(kind, conversation, message, at)


_EVENT_IDS: Mapping[Kind, Callable[[str, str, str], str]] = {
    Kind.POSTED: lambda message, revision, rest: f"posted:{message}",
    Kind.EDITED: lambda message, revision, rest: f"edited:{message}:{revision}",
    Kind.DELETED: lambda message, revision, rest: f"deleted:{message}",
    Kind.REACTION: lambda message, revision, rest: f"{rest}:{message}:{revision}",
    Kind.MEMBERSHIP: lambda message, revision, rest: f"{rest}:{revision}",
    Kind.OTHER: lambda message, revision, rest: f"{rest}:{message}:{revision}",
}
"""Both families announce the same message, so posts and deletions go by the message alone (§2.12)."""


def _event_id(body: Mapping[str, Any], payload: Mapping[str, Any], reference: Reference, request: Request) -> str:
    revision = ids.opaque(body.get("event_ts")) or ids.opaque(request.headers.get("x-zm-request-id"))
    actor = ids.account(payload.get("operator_id"), payload.get("operator_member_id"))
    rest = f"{ids.opaque(body['event'])}:{reference.conversation}:{actor}"
    return _EVENT_IDS[reference.kind](reference.message, revision, rest)


def moment(value: object) -> datetime | None:
    """A time as Zoom writes it: milliseconds, as number or text, or an ISO date-time. None if it is neither."""
    try:
        if isinstance(value, str) and not value.strip().isdigit():
            return _utc(datetime.fromisoformat(value.strip()))
        if isinstance(value, int | float | str):
            return datetime.fromtimestamp(int(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
