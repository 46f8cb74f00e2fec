"""Incoming webhooks (reference §2.6 to §2.8): prove the sender, then name the event.

Webex sends ids, never text, and neither a delivery id nor a time of sending: a replayed request cannot be told by its
age. It does no harm, because ``event_id`` names the event itself and the ledger takes each one once.

Who ordered what is told shows in its filter: the service user's webhooks have none, people's own always have one (see
``subscriptions.py``).
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Envelope, Request
from connectors.errors import Forged, Malformed
from connectors.messages import Happening, Kind, MessageId, Reference, WorkspaceId
from connectors.webex import ids

SIGNATURE = "x-spark-signature"

KINDS = {
    ("messages", "created"): Kind.POSTED,
    ("messages", "updated"): Kind.CHANGED,
    ("messages", "deleted"): Kind.DELETED,
    ("memberships", "created"): Kind.NOTICE,
    ("memberships", "deleted"): Kind.NOTICE,
    ("rooms", "updated"): Kind.NOTICE,
    ("rooms", "created"): Kind.DIRECTORY,
}
"""By resource and event; everything else is of no interest."""

NEEDS = {
    "messages": ("spark:messages_read", "spark:kms"),
    "memberships": ("spark:memberships_read",),
    "rooms": ("spark:rooms_read", "spark:kms"),
}
"""What hearing of each resource of ``KINDS`` takes: to be told (§2.1), and to read what one was told of (§6.2)."""

MOVED = {"created": Happening.JOINED, "deleted": Happening.LEFT}
"""What the events of a membership mean."""


def receive(request: Request, secret: str) -> list[Envelope]:
    """The event of a webhook. A message that calls us is announced once more, as a command: whether it is one, only its text
    tells, and as a command it is heard where no message is. Raises ``Forged`` or ``Malformed``."""
    _prove(request, secret)
    event = _read(request.body)
    resource, name, data = event.get("resource"), event.get("event"), event.get("data")
    if not isinstance(resource, str) or not isinstance(name, str) or not isinstance(data, dict):
        raise Malformed("a webhook without resource, event or data")
    if _text(event, "filter"):
        return [_overheard(event, resource, name, data)]
    is_asked = (resource, name) == ("messages", "created") and _is_asked(data, event.get("createdBy"))
    kind = _kind(resource, name, data, is_asked)
    reference = _reference(kind, resource, name, data, event.get("actorId"))
    told = Envelope(_workspace(event), _event_id(resource, name, data), reference)
    if not is_asked or kind is not Kind.POSTED:
        return [told]
    asked = replace(reference, kind=Kind.COMMAND)
    return [told, replace(told, event_id=f"messages:command:{reference.message}", reference=asked)]


def _overheard(event: Mapping[str, Any], resource: str, name: str, data: Mapping[str, Any]) -> Envelope:
    """What a person's own webhook tells, with an event of its own: the service user may be told as well, and where it is,
    there a message is for the channel or a command. What a bot says to one person is nobody's chat."""
    hearer = ids.person(ids.plausible(event.get("createdBy")) or "")
    if hearer is None:
        raise Malformed("a person's webhook that does not say whose it is")
    is_chat = resource == "messages" and not _is_of_bot(data)
    kind = KINDS.get((resource, name), Kind.OTHER) if is_chat else Kind.OTHER
    reference = _reference(kind, resource, name, data, event.get("actorId"))
    event_id = f"direct:{_event_id(resource, name, data)}"
    return Envelope(_workspace(event), event_id, reference, is_direct=True, hearer=hearer)


def _is_of_bot(data: Mapping[str, Any]) -> bool:
    return data.get("roomType") == "direct" and ids.is_bot(_text(data, "personEmail"))


def _kind(resource: str, name: str, data: Mapping[str, Any], is_asked: bool) -> Kind:
    """What was announced to the service user; its 1:1 spaces are nobody's conversation, but there one can ask us."""
    if "direct" in (data.get("roomType"), data.get("type")):
        return Kind.COMMAND if is_asked else Kind.OTHER
    return KINDS.get((resource, name), Kind.OTHER)


def _is_asked(data: Mapping[str, Any], listener: object) -> bool:
    """Whether a person wrote to the service user, or mentioned it: who made the webhook is the one whom it tells."""
    author, own = _person(data.get("personId")), _person(listener)
    called = data.get("mentionedPeople")
    people = {_person(one) for one in called} if isinstance(called, list) else set()
    is_called = data.get("roomType") == "direct" or own in people
    return bool(own) and author != own and is_called and not ids.is_bot(_text(data, "personEmail"))


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

    A message is created and deleted once. An update tells nothing that distinguishes it from the next one unless it has
    ``updated``, so the moment at which it arrived must do: telling once more of the same state does no harm. Anything else
    may happen to the same id again (leave and join), and only its data differ.
    """
    if resource == "messages" and name in ("created", "deleted"):
        return f"messages:{name}:{data.get('id')}"
    if name == "updated":
        return f"{resource}:{name}:{data.get('id')}:{_text(data, 'updated') or time.time()}"
    state = json.dumps([resource, name, data], sort_keys=True).encode()
    return f"state:{hashlib.sha1(state, usedforsecurity=False).hexdigest()}"


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _reference(kind: Kind, resource: str, name: str, data: Mapping[str, Any], actor: object) -> Reference:
    room = ids.plausible(data.get("id" if resource == "rooms" else "roomId"))
    concerned = ids.message("") if kind is Kind.DIRECTORY else _concerned(resource, name, data, actor)
    if kind is not Kind.OTHER and (concerned is None or room is None):
        raise Malformed("an event without message, member or room")
    occurred = moment(data.get("updated")) or (moment(data.get("created")) if name == "created" else None)
    return Reference(kind, ids.conversation(room or ""), concerned or ids.message(""), occurred)


def _concerned(resource: str, name: str, data: Mapping[str, Any], actor: object) -> MessageId | None:
    """The message, or what a notice goes by."""
    subject = ids.plausible(data.get("personId" if resource == "memberships" else "id"))
    if subject is None:
        return None
    if resource == "memberships" and name in MOVED:
        return ids.notice(MOVED[name], ids.account(subject), _person(actor))
    return ids.notice(Happening.RENAMED, "", _person(actor)) if resource == "rooms" else ids.message(subject)


def _person(given: object) -> str:
    """Somebody's id; empty for what is nobody whom we could name."""
    return ids.person(ids.plausible(given) or "") or ""


def moment(text: object) -> datetime | None:
    """A time of Webex (``2026-03-02T10:15:30.123Z``); None for what is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if found is None or found.tzinfo is not None:
        return found
    return found.replace(tzinfo=UTC)
