"""Proving Slack's webhooks and naming their events (reference §2.1 to §2.6). Everything here is pure."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from connectors.contract import Envelope, Reply, Request
from connectors.errors import Forged, Malformed
from connectors.messages import ConversationId, Kind, MessageId, Reference, WorkspaceId
from connectors.slack.authorizations import bot_user, hearer, workspace
from connectors.slack.ids import is_chat, is_id, is_ts, moment

TOLERANCE = 300
"""Seconds a signature stays good: Slack's own rule against replays (§2.1)."""

POSTED_SUBTYPES = (None, "me_message", "bot_message", "file_share", "thread_broadcast", "huddle_thread")
"""Subtypes that are somebody saying something; all others are notices of the channel (§2.6). A tuple, as are those below:
what a hostile body has in their place may not be hashable."""

_REACTIONS = {"reaction_added": Kind.REACTED, "reaction_removed": Kind.UNREACTED}
_NOTICES = (
    "member_joined_channel", "member_left_channel",
    "channel_archive", "group_archive", "channel_unarchive", "group_unarchive",
)  # fmt: skip
"""Joins and archiving are told by events of their own; the messages that say the same again are dropped."""
NOTICE_SUBTYPES = ("channel_topic", "group_topic", "channel_name", "group_name")
"""A new topic is told by a message only. So is who gave a new name: the event of the same is for the directory."""

_CONVERSIONS = ("channel_convert_to_private", "channel_convert_to_public")
"""Messages by which alone a channel tells that others may see it now, or no longer."""
_ABOUT_PEOPLE = ("team_join", "user_change")
_ABOUT_CHANNELS = (
    "channel_created", "channel_deleted", "channel_id_changed", "channel_left", "channel_rename",
    "group_deleted", "group_left", "group_rename",
)  # fmt: skip
_LEFT = ("channel_left", "group_left")
"""Our app is out of a channel, where it hears no more."""

_NAMED_BY_SLACK = (Kind.NOTICE, Kind.DIRECTORY, Kind.OTHER, Kind.REVOKED)
_WITHOUT_CONTENT = (Kind.DIRECTORY, Kind.OTHER, Kind.REVOKED)

_DIRECT_TYPES = ("im", "mpim")
"""A tuple, as what a hostile event has for its type may not be hashable."""

SLACKBOT = "USLACKBOT"
"""Who says what Slack itself has to say: it asks for nothing."""

SLASH_COMMAND = "slash_command"
"""The ``type`` we give to the fields of a command, which come as a form and have none."""
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 100
"""Fields of a form: Slack's commands have about fifteen."""
_LONGEST_WORD = 255
"""Characters of a name or time from the wire that becomes part of an event's id."""

_NOWHERE = ConversationId(""), MessageId("")
_OTHER = Reference(Kind.OTHER, *_NOWHERE)

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
    if request.headers.get("content-type", "").startswith(_FORM):
        return _form(request.body)
    outer = _object(_json(request.body))
    match outer.get("type"):
        case "url_verification":
            return Reply(_text(outer, "challenge").encode(errors="replace"))
        case "event_callback":
            return [_envelope(outer)]
        case "app_rate_limited":
            return [_rate_limited(outer)]
    raise Malformed("not an event")


def _form(body: bytes) -> Reply | list[Envelope]:
    """A slash command (§2.8), Slack looking whether our certificate is good, or the news that a button was pressed.

    Our buttons only open an address, which the person's own browser does; Slack wants the news of it acknowledged.
    """
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Malformed("not a form") from None
    if fields.get("ssl_check") == "1" or "payload" in fields:
        return Reply(b"")
    return [slash_command(fields)]


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
    reference = _reference(event, bot_user(outer), outer.get("event_time"))
    app, given = _text(outer, "api_app_id"), _text(outer, "event_id")
    event_id = f"{app}:{given if reference.kind in _NAMED_BY_SLACK else _event_key(event, reference, given)}"
    content = None if reference.kind in _WITHOUT_CONTENT else event
    person = hearer(outer)
    is_theirs = bool(person) and _is_among_people(event, reference)
    return Envelope(workspace(outer), event_id, reference, content, is_theirs, person)


def _event_key(event: Object, reference: Reference, given: str) -> str:
    """What happened to which message and when: Slack repeats events under other ids too (§2.4, pitfall 4).

    The two events that tell of one mention of our app have the same key. ``given`` is Slack's own id of the event.
    """
    key = f"{reference.conversation}:{reference.message}"
    at = event["event_ts"] if is_ts(event.get("event_ts")) else given
    match reference.kind:
        case Kind.POSTED | Kind.COMMAND:
            return f"{key}:posted"
        case Kind.DELETED:
            return f"{key}:deleted"
        case Kind.EDITED:
            return f"{key}:edited:{at}"
    user, reaction = event.get("user"), event.get("reaction")
    return f"{key}:{reference.kind}:{user if is_id(user) else ''}:{str(reaction)[:_LONGEST_WORD]}:{at}"


def slash_command(fields: Mapping[str, str]) -> Envelope:
    """``/mio help``: Slack sends a command once, under a trigger that is never used again."""
    app, team, trigger = (fields.get(key, "") for key in ("api_app_id", "team_id", "trigger_id"))
    channel, user = fields.get("channel_id", ""), fields.get("user_id", "")
    if not (is_id(app) and is_id(team) and is_id(channel) and is_id(user) and 0 < len(trigger) <= _LONGEST_WORD):
        raise Malformed("a command without its place")
    content = {"type": SLASH_COMMAND, "channel": channel, "user": user}
    content |= {key: fields.get(key, "") for key in ("text", "response_url")}
    reference = Reference(Kind.COMMAND, ConversationId(channel), MessageId(""))
    return Envelope(WorkspaceId(team), f"{app}:command:{trigger}", reference, content)


def _rate_limited(outer: Object) -> Envelope:
    """Slack drops events beyond its hourly cap and says so once a minute (§2.4)."""
    minute = outer.get("minute_rate_limited")
    return Envelope(workspace(outer), f"{_text(outer, 'api_app_id')}:app_rate_limited:{minute}", _OTHER)


def _reference(event: Object, bot: str, event_time: Any) -> Reference:
    kind, channel, ts = _classified(event, bot)
    if kind is Kind.OTHER:
        return _OTHER
    if kind is Kind.REVOKED:  # such an event may come without a time of its own (§2.3)
        at = f"{event_time}.0"
        return Reference(kind, *_NOWHERE, moment(at) if is_ts(at) else None)
    if kind is Kind.DIRECTORY:
        if not is_id(ts if channel == "" else channel):
            raise Malformed("the event names no account and no channel")
    elif not is_id(channel) or not (is_ts(ts) or kind is Kind.NOTICE):
        raise Malformed("the event names no message")
    at = event.get("event_ts", ts)
    return Reference(kind, ConversationId(channel), MessageId(ts), moment(at) if is_ts(at) else None)


def _classified(event: Object, bot: str) -> tuple[Kind, Any, Any]:
    """Kind, channel and message of an event, or the account that the directory's news is about; both are as they came."""
    kind = event.get("type")
    if kind == "message":
        return _classified_message(event, bot)
    if kind == "app_mention":
        return (Kind.COMMAND if is_command(event, bot) else Kind.OTHER), event.get("channel"), event.get("ts")
    if isinstance(kind, str) and kind in _REACTIONS:
        item = _object(event.get("item"))
        return _REACTIONS[kind] if item.get("type") == "message" else Kind.OTHER, item.get("channel"), item.get("ts")
    if kind in _NOTICES:
        return Kind.NOTICE, event.get("channel"), ""
    if kind in _ABOUT_PEOPLE:
        return Kind.DIRECTORY, "", _object(event.get("user")).get("id")
    if kind in _ABOUT_CHANNELS:
        return Kind.DIRECTORY, _channel_told(event) or None, bot if kind in _LEFT and is_id(bot) else ""
    if kind == "app_uninstalled" or (kind == "tokens_revoked" and _object(event.get("tokens")).get("bot")):
        return Kind.REVOKED, "", ""  # what people take back is theirs alone
    return Kind.OTHER, "", ""


def _channel_told(event: Object) -> Any:
    """The id of the channel that an event is about, by itself or within the channel; the old one of one that changed it."""
    channel = event.get("channel", event.get("old_channel_id"))
    return channel.get("id") if isinstance(channel, dict) else channel


def _classified_message(event: Object, bot: str) -> tuple[Kind, Any, Any]:
    subtype, channel = event.get("subtype"), event.get("channel")
    if subtype == "message_changed":
        message = _object(event.get("message"))
        return _change(message), channel, message.get("ts")
    if subtype == "message_deleted":
        return Kind.DELETED, channel, event.get("deleted_ts")
    if subtype in NOTICE_SUBTYPES:
        return Kind.NOTICE, channel, ""
    if subtype in _CONVERSIONS:
        return Kind.DIRECTORY, channel, ""
    if subtype in POSTED_SUBTYPES and not event.get("hidden"):
        return Kind.COMMAND if is_command(event, bot) else Kind.POSTED, channel, event.get("ts")
    return Kind.OTHER, "", ""


def is_command(message: Object, bot: str) -> bool:
    """Whether a person asks our app: by a new message that begins with its mention, or that is for it alone."""
    text, user = message.get("text"), message.get("user")
    if not bot or not isinstance(text, str) or message.get("subtype") is not None or "edited" in message:
        return False
    if user in (bot, SLACKBOT) or not is_id(user):
        return False
    return is_direct(message) or text.lstrip().startswith((f"<@{bot}>", f"<@{bot}|"))


def is_direct(message: Object) -> bool:
    """Whether a message was said in a direct message; one that our bot hears is with our app."""
    return message.get("channel_type") == "im"


def _is_among_people(event: Object, reference: Reference) -> bool:
    """Whether what a person let us hear was said in a direct chat. A reaction in a group does not tell: its id is like a
    channel's."""
    return event.get("channel_type") in _DIRECT_TYPES or is_chat(reference.conversation)


def _change(message: Object) -> Kind:
    """Slack announces three things as a change (§2.6): deleted thread parents, edits, and unfurls and counters."""
    if message.get("subtype") == "tombstone":
        return Kind.DELETED
    return Kind.EDITED if message.get("edited") else Kind.OTHER
