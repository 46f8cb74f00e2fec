"""Receiving Zoom's webhooks: proof of the sender, the handshake, envelopes (§2)."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Content, Envelope, Reply, Request
from connectors.errors import Forged, Malformed
from connectors.messages import ConversationId, Kind, MessageId, Reference, WorkspaceId
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
    "team_chat.channel_reaction_added": Kind.REACTED,
    "team_chat.channel_reaction_removed": Kind.UNREACTED,
    "chat_channel.member_invited": Kind.NOTICE,
    "chat_channel.member_joined": Kind.NOTICE,
    "chat_channel.member_left": Kind.NOTICE,
    "chat_channel.member_removed": Kind.NOTICE,
    "chat_channel.updated": Kind.NOTICE,
    "team_chat.channel_archived": Kind.NOTICE,
    "team_chat.channel_unarchived": Kind.NOTICE,
    "team_chat.dm_reaction_added": Kind.REACTED,
    "team_chat.dm_reaction_removed": Kind.UNREACTED,
    "team_chat.app_mention": Kind.COMMAND,
    "chat_channel.created": Kind.DIRECTORY,
    "chat_channel.deleted": Kind.DIRECTORY,
    "user.created": Kind.DIRECTORY,
    "user.updated": Kind.DIRECTORY,
    "user.activated": Kind.DIRECTORY,
    "user.deactivated": Kind.DIRECTORY,
    "user.deleted": Kind.DIRECTORY,
    "user.disassociated": Kind.DIRECTORY,
    "user.invitation_accepted": Kind.DIRECTORY,
}
"""What events of both families announce; all others are of no interest. Of direct messages the older family tells alone:
both people's apps, where the younger one tells the receiver's only, and takes a scope that is not published."""

_OF_CHATS = "team_chat.dm_"
"""How events of the younger family begin that are about a chat of two people."""

GROUP_CHAT = "4"
"""The type of channel that is a group chat (§3.2)."""

_OF_PEOPLE = "user."
"""How events begin of which the object is a person, and not a channel."""

_UNTOLD = (Kind.OTHER, Kind.DIRECTORY)
"""Kinds of which the ids are all."""

DEAUTHORIZED = "app_deauthorized"
"""The account took the app away, and every token with it (§1.7)."""

SLASH_COMMAND = "bot_notification"
"""The one event of the chatbot's that is written in camel case and without an object (§2.10)."""

_ID_KEYS = ("message_id", "msg_id", "id")
"""One message id, three names: the ``team_chat`` family, its reactions, the legacy family."""

_ENVELOPE_KEYS = ("operator", "operator_id", "operator_member_id")
"""What ``parse`` needs of the payload around the message: who acted, which is the author."""

_SAYING = ("message", "files", "file_id")
"""A new message or an edit with none of these is a GIF, a card, or a file that the legacy family leaves out."""


def receive(request: Request, secret: str, of_people: str = "") -> Reply | list[Envelope]:
    """See ``Connector.receive``. ``secret`` is that of the account's app, ``of_people`` that of the one for people: both are
    told at one address, and nothing but the secret tells which of them is."""
    proven = prove(request, (secret, of_people), time.time())
    body = _read(request.body)
    if body["event"] == URL_VALIDATION:
        return _validated(body, proven)
    if proven != secret:
        return [_envelope(body, request, of_people=True)]
    of_the_app = {SLASH_COMMAND: _command, DEAUTHORIZED: _revoked}.get(body["event"])
    return [of_the_app(body) if of_the_app else _envelope(body, request, of_people=False)]


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The ``x-zm-signature`` of a request (§2.1)."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def prove(request: Request, secrets: Sequence[str], now: float) -> str:
    """The secret with which the raw body was signed at about ``now``. Raises ``Forged`` where it is none of ours."""
    timestamp = request.headers.get("x-zm-request-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= DIGITS):
        raise Forged("the timestamp is missing or not a number")
    given = request.headers.get("x-zm-signature", "").encode(errors="replace")
    made = ((secret, signature(secret, timestamp, request.body)) for secret in secrets if secret)
    proven = next((secret for secret, ours in made if hmac.compare_digest(ours.encode(), given)), "")
    if not proven:
        raise Forged("the signature does not match")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise Forged("the timestamp is too far from our clock")
    return proven


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


def _envelope(body: Mapping[str, Any], request: Request, *, of_people: bool) -> Envelope:
    payload = _mapping(body.get("payload"))
    thing = _mapping(payload.get("object"))
    reference = _reference(body, payload, thing, of_people)
    is_direct = of_people and reference.kind not in _UNTOLD
    content: Content | None = None
    if reference.kind not in _UNTOLD and not _says_nothing(reference.kind, thing, is_direct):
        around = {key: payload.get(key) for key in _ENVELOPE_KEYS}
        content = thing | around | {"event": body["event"], "event_ts": body.get("event_ts")}
    event_id = _event_id(body, payload, reference, request)
    return Envelope(_workspace(payload, thing), event_id, reference, content, is_direct)


def _says_nothing(kind: Kind, thing: Mapping[str, Any], is_direct: bool) -> bool:
    """Whether the event leaves out what was said, so that the message has to be fetched (§4.6). In a direct chat it always
    may: the older family tells the text of a file, and not that there is one."""
    return kind in (Kind.POSTED, Kind.EDITED) and (is_direct or not any(thing.get(key) for key in _SAYING))


def _command(body: Mapping[str, Any]) -> Envelope:
    """A slash command anywhere, or all that is said to the chatbot in a person's own chat with it."""
    payload = _mapping(body.get("payload"))
    at = ids.opaque(payload.get("timestamp")) or ids.opaque(body.get("event_ts"))
    conversation = ids.conversation_of_jid(payload.get("toJid")) or _with_the_chatbot(payload)
    kind = Kind.COMMAND if conversation else Kind.OTHER
    reference = Reference(kind, conversation, ids.message(""), moment(payload.get("timestamp")))
    event_id = f"command:{at}:{ids.account(payload.get('userId'), payload.get('userMemberId'))}"
    return Envelope(ids.workspace(payload.get("accountId")), event_id, reference, payload if conversation else None)


def _with_the_chatbot(payload: Mapping[str, Any]) -> ConversationId:
    """The asker's own chat with the chatbot; none where the chatbot itself is named as who spoke."""
    asker = payload.get("userJid")
    return ids.direct("" if asker == payload.get("robotJid") else asker)


def _revoked(body: Mapping[str, Any]) -> Envelope:
    payload = _mapping(body.get("payload"))
    workspace = ids.workspace(payload.get("account_id"))
    if not workspace:
        raise Malformed("a deauthorisation that names no account")
    when = payload.get("deauthorization_time") or payload.get("event_ts") or body.get("event_ts")
    reference = Reference(Kind.REVOKED, ids.conversation(""), ids.message(""), moment(when))
    return Envelope(workspace, f"revoked:{ids.opaque(payload.get('user_id'))}:{ids.opaque(when)}", reference)


def _workspace(payload: Mapping[str, Any], thing: Mapping[str, Any]) -> WorkspaceId:
    """The account whose app is told; for an actor from outside ``account_id`` is empty, and the channel's owner tells it."""
    return ids.workspace(payload.get("account_id")) or ids.workspace(thing.get("channel_owner_account_id"))


def _reference(
    body: Mapping[str, Any], payload: Mapping[str, Any], thing: Mapping[str, Any], of_people: bool
) -> Reference:
    place = _pair(payload, thing) if of_people else ids.conversation(thing.get("channel_id"))
    kind = _kind(body["event"], thing)
    if _is_direct(body["event"], thing) is not of_people or (of_people and not place):
        kind = Kind.OTHER
    told, happened = moment(thing.get("timestamp")), moment(body.get("event_ts"))
    at = (told or happened) if kind is Kind.POSTED else (happened or told)
    if kind is Kind.DIRECTORY and body["event"].startswith(_OF_PEOPLE):
        return Reference(kind, ids.conversation(""), MessageId(ids.account(thing.get("id"))), at)
    if kind in (Kind.NOTICE, Kind.DIRECTORY):
        conversation, message = ids.conversation(thing.get("id")), ids.message("")
    else:
        raw = next((thing[key] for key in _ID_KEYS if thing.get(key)), "")
        conversation, message = place, ids.message(raw)
    if kind is not Kind.OTHER and not (conversation and (message or kind in (Kind.NOTICE, Kind.DIRECTORY))):
        raise Malformed(f"a {kind} event without its ids")
    return Reference(kind, conversation, message, at)


def _kind(event: str, thing: Mapping[str, Any]) -> Kind:
    """What an event is about. A message that names the app further on is told a second time, as an ordinary message. A new
    group chat is nothing for the directory."""
    kind = KINDS.get(event, Kind.OTHER)
    if kind is Kind.DIRECTORY and (not ids.opaque(thing.get("id")) or ids.opaque(thing.get("type")) == GROUP_CHAT):
        return Kind.OTHER
    if kind is Kind.COMMAND and not str(thing.get("message")).lstrip().startswith("@"):
        return Kind.OTHER
    return kind


def _is_direct(event: str, thing: Mapping[str, Any]) -> bool:
    """Said in a chat of two people. The account's app may be told of anybody's: it is the people's own that may listen."""
    return thing.get("type") == "to_contact" or event.startswith(_OF_CHATS)


def _pair(payload: Mapping[str, Any], thing: Mapping[str, Any]) -> ConversationId:
    """The chat of who acted and the contact."""
    actor = ids.account(payload.get("operator_id"), payload.get("operator_member_id"))
    return ids.pair(actor, ids.account(thing.get("contact_id"), thing.get("contact_member_id")))


_EVENT_IDS: Mapping[Kind, Callable[[str, str, str], str]] = {
    Kind.POSTED: lambda message, revision, rest: f"posted:{message}",
    Kind.COMMAND: lambda message, revision, rest: f"posted:{message}",
    Kind.EDITED: lambda message, revision, rest: f"edited:{message}:{revision}",
    Kind.DELETED: lambda message, revision, rest: f"deleted:{message}",
}
"""Both families announce the same message, so posts and deletions go by the message alone (§2.12); so does a mention of
the app, which is told as an ordinary message too. All else goes by everything that tells one event from another."""


def _event_id(body: Mapping[str, Any], payload: Mapping[str, Any], reference: Reference, request: Request) -> str:
    revision = ids.opaque(body.get("event_ts")) or ids.opaque(request.headers.get("x-zm-request-id"))
    actor = ids.account(payload.get("operator_id"), payload.get("operator_member_id"))
    emoji = ids.opaque(_mapping(payload.get("object")).get("emoji"))
    rest = ":".join(filter(None, (ids.opaque(body["event"]), reference.conversation, actor, emoji)))
    return _EVENT_IDS.get(reference.kind, _by_all)(reference.message, revision, rest)


def _by_all(message: str, revision: str, rest: str) -> str:
    return f"{rest}:{message}:{revision}"


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
