"""Proving Slack's webhooks and naming their events (reference §2.1 to §2.6). Everything here is pure."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Protocol

from connectors.contract import Envelope, Reply, Request
from connectors.errors import Forged, Malformed
from connectors.messages import ConversationId, Kind, MessageId, Reference, WorkspaceId
from connectors.slack.ids import is_id, is_ts, moment

TOLERANCE = 300
"""Seconds a signature stays good: Slack's own rule against replays (§2.1)."""

POSTED_SUBTYPES = (None, "me_message", "bot_message", "file_share", "thread_broadcast")
"""Subtypes that are somebody saying something; all others are notices of the channel (§2.6). A tuple, as are the next two:
what a hostile body has in their place may not be hashable."""

_REACTIONS = ("reaction_added", "reaction_removed")
_MEMBERSHIPS = ("member_joined_channel", "member_left_channel")

_OTHER = Reference(Kind.OTHER, ConversationId(""), MessageId(""))

Object = Mapping[str, Any]


class Signed(Protocol):
    @property
    def signing_secret(self) -> str: ...


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What Slack writes into ``X-Slack-Signature`` for a body sent at ``timestamp``."""
    base = b"v0:%b:%b" % (timestamp.encode(), body)
    return "v0=" + hmac.digest(secret.encode(), base, hashlib.sha256).hex()


def prove(request: Request, secret: str, now: float) -> None:
    """Raise ``Forged`` unless Slack signed this body within the last ``TOLERANCE`` seconds before ``now``."""
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    if not secret:
        raise Forged("no signing secret is set")
    if (
        not (timestamp.isascii() and timestamp.isdigit())
        or len(timestamp) > 12
        or abs(now - int(timestamp)) > TOLERANCE
    ):
        raise Forged("missing or stale timestamp")
    given = request.headers.get("x-slack-signature", "").encode(errors="replace")
    if not hmac.compare_digest(given, signature(secret, timestamp, request.body).encode()):
        raise Forged("wrong signature")


def receive(request: Request, secrets: Signed) -> Reply | list[Envelope]:
    """A proven request's handshake answer or its event. Raises ``Forged`` and ``Malformed``, nothing else."""
    prove(request, secrets.signing_secret, time.time())
    outer = _object(_json(request.body))
    match outer.get("type"):
        case "url_verification":
            return Reply(_text(outer, "challenge").encode(errors="replace"))
        case "event_callback":
            return [_envelope(outer)]
        case "app_rate_limited":
            return [_rate_limited(outer)]
    raise Malformed("not an event")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None


def _object(value: Any) -> Object:
    if not isinstance(value, dict):
        raise Malformed("an object is missing")
    return value


def _text(outer: Object, key: str) -> str:
    value = outer.get(key)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{key} is missing")
    return value


def _envelope(outer: Object) -> Envelope:
    event = _object(outer.get("event"))
    event_id = f"{_text(outer, 'api_app_id')}:{_text(outer, 'event_id')}"
    reference = _reference(event)
    return Envelope(_workspace(outer), event_id, reference, event if reference.kind is not Kind.OTHER else None)


def _workspace(outer: Object) -> WorkspaceId:
    """The installation's team: in a shared channel the event's own ``team_id`` may be the other company's (§2.3)."""
    authorizations = outer.get("authorizations")
    first = authorizations[0] if isinstance(authorizations, list) and authorizations else None
    if isinstance(first, dict) and is_id(first.get("team_id")):
        return WorkspaceId(first["team_id"])
    if is_id(outer.get("team_id")):
        return WorkspaceId(outer["team_id"])
    raise Malformed("no workspace is named")


def _rate_limited(outer: Object) -> Envelope:
    """Slack drops events beyond its hourly cap and says so once a minute (§2.4)."""
    minute = outer.get("minute_rate_limited")
    return Envelope(_workspace(outer), f"{_text(outer, 'api_app_id')}:app_rate_limited:{minute}", _OTHER)


def _reference(event: Object) -> Reference:
    kind, channel, ts = _classified(event)
    if kind is Kind.OTHER:
        return _OTHER
    if not is_id(channel) or not (is_ts(ts) or kind is Kind.MEMBERSHIP):
        raise Malformed("the event names no message")
    at = event.get("event_ts", ts)
    return Reference(kind, ConversationId(channel), MessageId(ts), moment(at) if is_ts(at) else None)


def _classified(event: Object) -> tuple[Kind, Any, Any]:
    """Kind, channel and message of an event; the last two are as they came."""
    kind = event.get("type")
    if kind == "message":
        return _classified_message(event)
    if kind in _REACTIONS:
        item = _object(event.get("item"))
        return Kind.REACTION if item.get("type") == "message" else Kind.OTHER, item.get("channel"), item.get("ts")
    if kind in _MEMBERSHIPS:
        return Kind.MEMBERSHIP, event.get("channel"), ""
    return Kind.OTHER, "", ""


def _classified_message(event: Object) -> tuple[Kind, Any, Any]:
    subtype, channel = event.get("subtype"), event.get("channel")
    if subtype == "message_changed":
        message = _object(event.get("message"))
        return _change(message), channel, message.get("ts")
    if subtype == "message_deleted":
        return Kind.DELETED, channel, event.get("deleted_ts")
    if subtype in POSTED_SUBTYPES and not event.get("hidden"):
        return Kind.POSTED, channel, event.get("ts")
    return Kind.OTHER, "", ""


def _change(message: Object) -> Kind:
    """Slack announces three things as a change (§2.6): deleted thread parents, edits, and unfurls and counters."""
    if message.get("subtype") == "tombstone":
        return Kind.DELETED
    return Kind.EDITED if message.get("edited") else Kind.OTHER
