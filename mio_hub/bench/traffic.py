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

TEAM = "T0BENCH001"
APP = "A0BENCH001"
BOT = "U0BENCHBOT"
BOT_PROFILE = "B0BENCHBOT"
PEOPLE = 20
"""Who type and mention one another: a busy team. All of them are known on both sides."""

REMEMBERED = 2_000
"""Messages that can be asked for again: far more than are ever on their way."""

ORGANIZATION = "3b2c9a4e-0000-4000-8000-000000000000"

MARKER = re.compile(rb"mark(\d+)x(\d+)x(\d+)x")
"""Round, channel and number of a message, in its text: letters and digits, so that no dialect has to escape them."""

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


class Typist:
    """Makes the webhooks. No two of them have the same event id or time."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._count = 0
        self._typed: dict[str, str] = {}

    def request(self, round_number: int, channel_number: int, number: int) -> bytes:
        """A complete HTTP request that tells of one message."""
        now = int(time.time())
        body = self.body(round_number, channel_number, number, now)
        signature = hmac.digest(self._secret, b"v0:%d:%b" % (now, body), hashlib.sha256).hex()
        return _REQUEST % (now, signature.encode(), len(body), body)

    def body(self, round_number: int, channel_number: int, number: int, now: int) -> bytes:
        """The JSON of one message, posted at ``now`` (seconds of Unix time)."""
        self._count += 1
        ts = f"{now}.{self._count % 1_000_000:06d}"
        values = {
            "author": person(self._count % PEOPLE),
            "mentioned": person((self._count + 7) % PEOPLE),
            "channel": channel(channel_number),
            "ts": ts,
            "event": f"Ev0B{self._count:010d}",
            "marker": f"mark{round_number}x{channel_number}x{number}x",
            "now": now,
        }
        body = _BODY % values
        self._typed[ts] = body
        if len(self._typed) > REMEMBERED:
            del self._typed[next(iter(self._typed))]
        return body.encode()

    def recall(self, ts: str) -> str | None:
        """Slack's answer to the question for one message, as ``conversations.history``; None when it is too old."""
        body = self._typed.get(ts)
        if body is None:
            return None
        return json.dumps({"ok": True, "messages": [json.loads(body)["event"]], "has_more": False})


def _body() -> str:
    """The template of a body. What varies is written as ``%(name)s``."""
    text = [
        {"type": "text", "text": "Morning! "},
        {"type": "user", "user_id": "%(mentioned)s"},
        {"type": "text", "text": " the build %(marker)s is green again, "},
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
    message = {
        "user": "%(author)s",
        "type": "message",
        "ts": "%(ts)s",
        "client_msg_id": "9f0c6d1e-6f2b-4a63-9d56-0d2f6c1a7b3e",
        "text": "Morning! <@%(mentioned)s> the build %(marker)s is green again, *please look* before noon :tada:"
        "<https://ci.example.com/runs/48151623|the run>",
        "team": TEAM,
        "blocks": [block],
        "channel": "%(channel)s",
        "event_ts": "%(ts)s",
        "channel_type": "channel",
    }
    bot = {"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True, "is_enterprise_install": False}
    outer = {
        "token": "one-long-verification-token",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": message,
        "type": "event_callback",
        "event_id": "%(event)s",
        "event_time": 0,
        "authorizations": [bot],
        "is_ext_shared_channel": False,
        "event_context": "4-eyJldCI6Im1lc3NhZ2UiLCJ0aWQiOiJUMEJFTkNIMDAxIn0",
    }
    return json.dumps(outer, separators=(",", ":")).replace('"event_time":0', '"event_time":%(now)d')


_BODY = _body()
