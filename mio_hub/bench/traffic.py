"""What people type into Slack during a benchmark, as Slack tells it: about 1 kB of JSON, signed. Pure.

Slack's signature is written down here once more: nobody outside ``connectors`` knows a platform, and a benchmark that
borrowed its subject's code would not notice when that is wrong.
"""

import hashlib
import hmac
import json
import re
import time
from base64 import b64encode
from typing import Any

from connectors.messages import Kind

TEAM = "T0BENCH001"
APP = "A0BENCH001"
BOT = "U0BENCHBOT"
BOT_PROFILE = "B0BENCHBOT"
PEOPLE = 20
"""Who type and mention one another: a busy team. All of them are known on both sides."""

REMEMBERED = 10_000
"""Messages that can be asked for again: more than are on their way, or still changed, in a thousand channels."""

ORGANIZATION = "3b2c9a4e-0000-4000-8000-000000000000"

Mark = tuple[int, int, int]
"""Round, channel and number of something that happened."""
MARKER = re.compile(rb"mark(\d+)x(\d+)x(\d+)x")
"""A mark in a text, or as the name of an emoji: letters and digits, so that no dialect has to escape them."""

_REQUEST = (
    b"POST /webhooks/slack/ HTTP/1.1\r\nHost: hub.example.com\r\nUser-Agent: Slackbot 1.0\r\nAccept: */*\r\n"
    b"Content-Type: application/json\r\nX-Slack-Request-Timestamp: %d\r\nX-Slack-Signature: v0=%b\r\n"
    b"Content-Length: %d\r\n\r\n%b"
)


def channel(number: int) -> str:
    """The id of a Slack channel."""
    return f"C0BENCH{number:05d}"


def person(number: int) -> str:
    """The id of somebody in Slack."""
    return f"U0BENCH{number:03d}"


def webex_id(kind: str, number: int) -> str:
    """An id as Webex makes them."""
    plain = f"ciscospark://us/{kind}/3b2c9a4e-0000-4000-8000-{number:012x}"
    return b64encode(plain.encode()).decode().rstrip("=")


def room(number: int) -> str:
    """The Webex space that is linked with ``channel(number)``."""
    return webex_id("ROOM", number)


SERVICE_USER = webex_id("PEOPLE", 0)
"""Who says in Webex what was heard in Slack."""


def marks(said: bytes) -> list[Mark]:
    """All marks in what is said, in their order."""
    return [(int(one[0]), int(one[1]), int(one[2])) for one in MARKER.findall(said)]


class Typist:
    """Makes the webhooks. No two of them have the same event id or time. What is changed is a channel's newest message."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._count = 0
        self._newest: dict[int, dict[str, str]] = {}
        self._typed: dict[str, tuple[str, str]] = {}

    def request(self, round_number: int, channel_number: int, number: int, kind: Kind = Kind.POSTED) -> bytes:
        """A complete HTTP request that tells of one message, edit or reaction."""
        now = int(time.time())
        body = self.body(round_number, channel_number, number, now, kind)
        signature = hmac.digest(self._secret, b"v0:%d:%b" % (now, body), hashlib.sha256).hex()
        return _REQUEST % (now, signature.encode(), len(body), body)

    def body(self, round_number: int, channel_number: int, number: int, now: int, kind: Kind = Kind.POSTED) -> bytes:
        """The JSON of one thing that happened at ``now`` (seconds of Unix time)."""
        self._count += 1
        at = f"{now}.{self._count % 1_000_000:06d}"
        marker = f"mark{round_number}x{channel_number}x{number}x"
        if kind is Kind.POSTED:
            self._newest[channel_number] = self._new(channel(channel_number), at, marker)
        told = {"marker": marker, "at": at, "event": f"Ev0B{self._count:010d}", "now": now}
        values: dict[str, Any] = {**self._newest[channel_number], **told, "reactor": person(self._count % PEOPLE)}
        body = _BODIES[kind] % values
        if kind is not Kind.REACTED:
            self._remember(values["ts"], values["first"], body)
        return body.encode()

    def _new(self, place: str, ts: str, marker: str) -> dict[str, str]:
        """What stays of a message whatever happens to it."""
        author, mentioned = person(self._count % PEOPLE), person((self._count + 7) % PEOPLE)
        return {"author": author, "mentioned": mentioned, "channel": place, "ts": ts, "first": marker}

    def _remember(self, ts: str, marker: str, body: str) -> None:
        self._typed[ts] = marker, body
        if len(self._typed) > REMEMBERED:
            del self._typed[next(iter(self._typed))]

    def recall(self, ts: str) -> str | None:
        """Slack's answer to the question for one message, as ``conversations.history``; None when it is too old."""
        if ts not in self._typed:
            return None
        event = json.loads(self._typed[ts][1])["event"]
        return json.dumps({"ok": True, "messages": [event.get("message", event)], "has_more": False})

    def named(self, ts: str) -> Mark | None:
        """The mark of the message of a time; None when it is too old."""
        return marks(self._typed[ts][0].encode())[0] if ts in self._typed else None


# --- bodies; what varies is written as ``%(name)s``


def _message(marker: str) -> dict[str, Any]:
    text = [
        {"type": "text", "text": "Morning! "},
        {"type": "user", "user_id": "%(mentioned)s"},
        {"type": "text", "text": f" the build {marker} is green again, "},
        {"type": "text", "text": "please look", "style": {"bold": True}},
        {"type": "text", "text": " before noon "},
        {"type": "emoji", "name": "tada", "unicode": "1f389"},
        {"type": "link", "url": "https://ci.example.com/runs/48151623", "text": "the run"},
    ]
    block = {
        "type": "rich_text",
        "block_id": "kS7t",
        "elements": [{"type": "rich_text_section", "elements": text}],
    }
    return {
        "user": "%(author)s",
        "type": "message",
        "ts": "%(ts)s",
        "client_msg_id": "9f0c6d1e-6f2b-4a63-9d56-0d2f6c1a7b3e",
        "text": f"Morning! <@%(mentioned)s> the build {marker} is green again, *please look* before noon :tada:"
        "<https://ci.example.com/runs/48151623|the run>",
        "team": TEAM,
        "blocks": [block],
    }


def _posted() -> dict[str, Any]:
    return _message("%(marker)s") | {"channel": "%(channel)s", "event_ts": "%(ts)s", "channel_type": "channel"}


def _edited() -> dict[str, Any]:
    """Slack tells the second of an edit, and sends what the message was before along."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": _message("%(marker)s") | {"edited": {"user": "%(author)s", "ts": "%(now)d.000000"}},
        "previous_message": _message("%(first)s"),
        "channel": "%(channel)s",
        "hidden": True,
        "ts": "%(at)s",
        "event_ts": "%(at)s",
        "channel_type": "channel",
    }


def _reacted() -> dict[str, Any]:
    """With an emoji of the workspace's own, whose name is the mark."""
    return {
        "type": "reaction_added",
        "user": "%(reactor)s",
        "reaction": "%(marker)s",
        "item": {"type": "message", "channel": "%(channel)s", "ts": "%(ts)s"},
        "item_user": "%(author)s",
        "event_ts": "%(at)s",
    }


def _body(event: dict[str, Any]) -> str:
    bot = {"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True, "is_enterprise_install": False}
    outer = {
        "token": "one-long-verification-token",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": "%(event)s",
        "event_time": 0,
        "authorizations": [bot],
        "is_ext_shared_channel": False,
        "event_context": "4-eyJldCI6Im1lc3NhZ2UiLCJ0aWQiOiJUMEJFTkNIMDAxIn0",
    }
    return json.dumps(outer, separators=(",", ":")).replace('"event_time":0', '"event_time":%(now)d')


_BODIES = {Kind.POSTED: _body(_posted()), Kind.EDITED: _body(_edited()), Kind.REACTED: _body(_reacted())}
