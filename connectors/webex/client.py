"""The calls to Webex (reference §1.5, §1.6, §3.1, §3.7); all are made with the service user's token."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from connectors.calls import Call, Calls, Response, retry_after
from connectors.contract import Content, Rendered
from connectors.errors import Gone, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.markdown import from_markdown
from connectors.messages import Account, AccountId, ConversationId, Kind, MessageId, Posted, Reference
from connectors.richtext import Document, Inline, Link, Text, map_inlines, plain
from connectors.webex import ids
from connectors.webex.parse import parse
from connectors.webex.webhook import moment

BASE = "https://webexapis.com/v1"
TOKEN = "service"  # noqa: S105 (the name of a kind of token)

PAUSE = 15.0
"""Seconds after a 429 whose Retry-After is missing or unreadable: the default of Webex's own SDKs (§1.6)."""
LONGEST_PAUSE = 3600.0
"""Seconds; the longest that Webex documents. A header that asks for more is broken."""
PAGE = 50
"""Messages listed at once: Webex's own default."""
PAGES = 20
"""Pages looked through for a send whose answer was lost: a thousand messages, hours of a busy space."""
CLOCKS_APART = timedelta(seconds=10)
"""``created`` is Webex's clock, ``since`` is ours. Looking back too far does no harm: known ids are dropped."""
READING_LAGS = timedelta(seconds=15)
"""Reading may be behind the webhook; a message is retried at 1, 3 and 10 s before a 404 means deleted (§2.8)."""

_TRACKING = re.compile(r"[\w.-]{1,80}")
_MENTION = re.compile(r"<@person(?:Id|Email):[^|>]*\|?([^>]*)>")
_NAME = r"(\1)"
"""A mention without its id; a bracket leaves the markers next to it as they are."""
_UNSURE = str.maketrans("", "", "@()")


def post(rendered: Rendered) -> Calls[MessageId]:
    """``POST /messages``."""
    call = Call(
        "POST",
        f"{BASE}/messages",
        scopes=("spark:messages_write",),
        bucket="messages",
        token=TOKEN,
        json=rendered.payload,
        repeatable=False,
        judge=judge,
    )
    response = yield call
    try:
        return ids.message(json.loads(response.body)["id"])
    except (ValueError, TypeError, KeyError) as error:
        raise Unsure("Webex took the message and did not say its id") from error


def find(rendered: Rendered, since: datetime, own: AccountId) -> Calls[list[MessageId]]:
    """Messages of ``own`` since ``since`` that show the same text: nothing of ours can be hidden in a message.

    Raises ``Unsure`` where more was said since than is read: not found would not mean not sent.
    """
    query = {"roomId": rendered.conversation, "max": str(PAGE)}
    wanted = _shown(from_markdown(_MENTION.sub(_NAME, rendered.payload["markdown"])))
    found: list[MessageId] = []
    for _ in range(PAGES):
        items = _items((yield _read("/messages", ("spark:messages_read",), "messages", query)))
        recent = [item for item in items if _is_recent(item, since - CLOCKS_APART)]
        ours = [item for item in recent if _is_own(item, own)]
        found += [ids.message(item["id"]) for item in ours if _said(item, rendered.conversation) == wanted]
        if len(recent) < len(items) or len(items) < PAGE:
            return found[::-1]
        query["beforeMessage"] = str(items[-1].get("id"))
    raise Unsure("too much was said since to look for a lost message")


def fetch(reference: Reference) -> Calls[Content]:
    """``GET /messages/{id}``. A message announced just now is not ``Gone``, only not readable yet."""
    try:
        response = yield _read(f"/messages/{quote(reference.message, safe='')}", ("spark:messages_read",), "messages")
    except Gone:
        if reference.occurred_at and datetime.now(UTC) - reference.occurred_at < READING_LAGS:
            raise Unavailable("Webex announced the message and cannot show it yet") from None
        raise
    return _object(response)


def account(account: AccountId) -> Calls[Account]:
    """``GET /people/{id}``."""
    response = yield _read(f"/people/{quote(account, safe='')}", ("spark:people_read",), "people")
    person = _object(response)
    emails = person.get("emails")
    return Account(
        id=account,
        name=_text(person, "displayName") or _text(person, "nickName"),
        email=emails[0] if isinstance(emails, list) and emails and isinstance(emails[0], str) else "",
        avatar_url=_text(person, "avatar"),
        is_bot=person.get("type") in ("bot", "appuser"),
    )


def _read(path: str, scopes: tuple[str, ...], bucket: str, query: Mapping[str, str] | None = None) -> Call:
    return Call("GET", BASE + path, scopes=scopes, bucket=bucket, token=TOKEN, query=query, judge=judge)


def _object(response: Response) -> dict[str, Any]:
    found = response.json()
    if not isinstance(found, dict):
        raise Unavailable(f"HTTP {response.status} without a JSON object")
    return found


def _items(response: Response) -> list[dict[str, Any]]:
    items = _object(response).get("items")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _is_recent(item: Mapping[str, Any], since: datetime) -> bool:
    created = moment(item.get("created"))
    return created is not None and created >= since


def _is_own(item: Mapping[str, Any], own: AccountId) -> bool:
    return ids.plausible(item.get("id")) is not None and ids.account(_text(item, "personId")) == own


def _said(item: Mapping[str, Any], room: ConversationId) -> str:
    match parse(item, Reference(Kind.POSTED, room, ids.message(item["id"]))):
        case Posted(message):
            return _shown(message.body)
    return ""


def _shown(body: Document) -> str:
    """What of a text surely survives Webex's rendering: no blanks, no signs of a mention, no addresses behind labels."""
    text = _MENTION.sub(_NAME, plain(map_inlines(body, _label)))
    return "".join(unquote(text).split()).translate(_UNSURE)


def _label(inline: Inline) -> Inline:
    return Text(inline.text) if isinstance(inline, Link) else inline


# What Webex's answers mean (§1.5)

REASONS = {
    400: "Webex did not understand the request",
    403: "Webex does not allow it: a scope, a role or a licence is missing, or only moderators may write in this space",
    405: "Webex does not know this method",
    409: "Webex reports a conflict",
    415: "Webex does not accept this kind of body",
    428: "Webex could not scan the file",
}
"""Refused for good. Webex's own sentences are left out: they may repeat what was sent."""

GONE = {
    404: "not found at Webex, or the service user is no longer a member of the space",
    410: "removed by Webex",
}
PASSING = frozenset({408, 423, 500, 502, 503, 504})
"""Trouble of the moment; whether a post went out is then unknown."""


def judge(call: Call, response: Response) -> None:
    """Raise what an answer means. Bodies may be HTML and are not read; the tracking id is for Webex's support."""
    status = response.status
    if status < 300:
        return
    tracked = f"(HTTP {status}{_tracking(response)})"
    if status == 429:
        raise RateLimited(min(retry_after(response.headers, PAUSE), LONGEST_PAUSE))
    if status == 401:
        raise Reconnect(f"Webex no longer accepts our token {tracked}")
    if status in GONE:
        raise Gone(f"{GONE[status]} {tracked}")
    if status in PASSING or status >= 500:
        raise (Unavailable if call.repeatable else Unsure)(f"Webex is in trouble {tracked}")
    raise Refused(f"{REASONS.get(status, 'Webex answered in an unexpected way')} {tracked}")


def _tracking(response: Response) -> str:
    found = _TRACKING.fullmatch(response.headers.get("trackingid", ""))
    return f", tracking id {found[0]}" if found else ""
