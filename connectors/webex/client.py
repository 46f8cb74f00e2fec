"""The calls about messages (reference §3.1), and what all calls share; they are made with the service user's token."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from connectors.calls import Call, Calls, Response
from connectors.contract import Content, Rendered
from connectors.errors import Gone, Refused, Unavailable, Unsure
from connectors.markdown import from_markdown
from connectors.messages import (
    AccountId,
    ConversationId,
    Happening,
    Kind,
    MessageId,
    Posted,
    Reference,
)
from connectors.richtext import Document, Inline, Link, Text, map_inlines, plain
from connectors.webex import ids
from connectors.webex.judge import judge, judge_edit, judge_page
from connectors.webex.parse import parse
from connectors.webex.webhook import moment

BASE = "https://webexapis.com/v1"
TOKEN = "service"  # noqa: S105 (the name of a kind of token)
WRITING = ("spark:messages_write",)

PAGE = 50
"""Messages listed at once: Webex's own default."""
PAGES = 20
"""Pages looked through for a send whose answer was lost: a thousand messages, hours of a busy space."""
MOST_PAGES = 40
"""Far more than the largest space needs; a listing that does not end shall not keep us (§8)."""
LONGEST_ADDRESS = 3_000
"""Letters of a next page's address: with a team's id before it, it fits ``LONGEST_CURSOR``."""
CLOCKS_APART = timedelta(seconds=10)
"""``created`` is Webex's clock, ``since`` is ours. Looking back too far does no harm: known ids are dropped."""
READING_LAGS = timedelta(seconds=15)
"""Reading may be behind the webhook; a message is retried at 1, 3 and 10 s before a 404 means deleted (§2.8)."""

_NEXT = re.compile(r'<https?://[^>]*?/v1(/[^>]*)>;\s*rel="next"')
"""At whatever host: Webex still names an old one of its own here and there (§0)."""
MENTION = re.compile(r"<@person(?:Id|Email):[^|>]*\|?([^>]*)>")
_NAME = r"(\1)"
"""A mention without its id; a bracket leaves the markers next to it as they are."""
_UNSURE = str.maketrans("", "", "@()<>")


def post(rendered: Rendered) -> Calls[MessageId]:
    """``POST /messages``; an answer to what is no longer there is said without it (§3.1)."""
    payload = rendered.payload
    try:
        response = yield posting(payload)
    except (Refused, Gone):
        if "parentId" not in payload:
            raise
        response = yield posting({name: value for name, value in payload.items() if name != "parentId"})
    return posted_id(response)


def posted_id(response: Response) -> MessageId:
    """The id of a message that was taken."""
    try:
        return ids.message(json.loads(response.body)["id"])
    except (ValueError, TypeError, KeyError) as error:
        raise Unsure("Webex took the message and did not say its id") from error


def edit(message: MessageId, rendered: Rendered) -> Calls[None]:
    """``PUT /messages/{id}``; only these two fields, for others are refused (§8)."""
    payload = {name: rendered.payload[name] for name in ("roomId", "markdown")}
    yield _writing("PUT", path_of("messages", message), json=payload, judge=judge_edit)


def delete(message: MessageId) -> Calls[None]:
    """``DELETE /messages/{id}``."""
    try:
        yield _writing("DELETE", path_of("messages", message))
    except Gone:
        return


def find(rendered: Rendered, since: datetime, own: AccountId) -> Calls[list[MessageId]]:
    """Messages of ``own`` since ``since`` that show the same text: nothing of ours can be hidden in a message.

    Raises ``Unsure`` where more was said since than is read: not found would not mean not sent.
    """
    return [ids.message(item["id"]) for item in (yield from same_text(rendered, since, own))]


def same_text(rendered: Rendered, since: datetime, own: AccountId) -> Calls[list[dict[str, Any]]]:
    """The messages as Webex lists them, oldest first."""
    query = {"roomId": rendered.conversation, "max": str(PAGE)}
    wanted = _shown(from_markdown(MENTION.sub(_NAME, rendered.payload["markdown"])))
    found: list[dict[str, Any]] = []
    for _ in range(PAGES):
        items = items_of((yield reading("/messages", ("spark:messages_read",), "messages", query)))
        recent = [item for item in items if _is_recent(item, since - CLOCKS_APART)]
        ours = [item for item in recent if _is_own(item, own)]
        found += [item for item in ours if _said(item, rendered.conversation) == wanted]
        if len(recent) < len(items) or len(items) < PAGE:
            return found[::-1]
        query["beforeMessage"] = str(items[-1].get("id"))
    raise Unsure("too much was said since to look for a lost message")


def fetch(reference: Reference) -> Calls[Content]:
    """``GET /messages/{id}``, or ``GET /rooms/{id}`` for a new title. What a reference tells alone needs no call."""
    if reference.kind in (Kind.DELETED, Kind.DIRECTORY):
        return {}
    if reference.kind is Kind.NOTICE:
        renamed = ids.opened_notice(reference.message)[0] == Happening.RENAMED
        return (yield from room(reference.conversation)) if renamed else {}
    return (yield from _message(reference))


def _message(reference: Reference) -> Calls[Content]:
    """A message announced just now is not ``Gone``, only not readable yet."""
    try:
        response = yield reading(path_of("messages", reference.message), ("spark:messages_read",), "messages")
    except Gone:
        if reference.occurred_at and datetime.now(UTC) - reference.occurred_at < READING_LAGS:
            raise Unavailable("Webex announced the message and cannot show it yet") from None
        raise
    return object_of(response)


def message_exists(message: MessageId) -> Calls[bool]:
    """Whether a message is still there."""
    try:
        yield reading(path_of("messages", message), ("spark:messages_read",), "messages")
    except Gone:
        return False
    return True


def room(conversation: ConversationId) -> Calls[Content]:
    """``GET /rooms/{id}``. A title that could not be decrypted is no name (§1.5)."""
    found = object_of((yield reading(path_of("rooms", conversation), ("spark:rooms_read",), "rooms")))
    if "errors" in found:
        raise Unavailable("Webex cannot read the title of the space at the moment")
    return found


def listed(
    path: str, scopes: tuple[str, ...], bucket: str, query: Mapping[str, str] | None = None
) -> Calls[list[dict[str, Any]]]:
    """All of a list; the pages that follow are at the address that Webex names (§1.7)."""
    found: list[dict[str, Any]] = []
    following = ""
    for _ in range(MOST_PAGES):
        items, following = yield from page_of(path, scopes, bucket, None if following else query, following)
        found += items
        if not following:
            break
    return found


def page_of(
    path: str, scopes: tuple[str, ...], bucket: str, query: Mapping[str, str] | None, following: str = ""
) -> Calls[tuple[list[dict[str, Any]], str]]:
    """One page of a list, and where the next is: no more than the query of the address that Webex names.

    So the token goes where it always goes. An address of another list is no end: what is missing would look removed.
    """
    if following:
        response = yield replace(reading(f"{path}?{following}", scopes, bucket), judge=judge_page)
    else:
        response = yield reading(path, scopes, bucket, query)
    told = response.headers.get("link", "")
    link = _NEXT.search(told)
    if link is None and "next" not in told:
        return items_of(response), ""
    if link is None or not link[1].startswith(f"{path}?") or len(link[1]) > LONGEST_ADDRESS:
        raise Unavailable("Webex named a next page that is not of this list")
    return items_of(response), link[1].removeprefix(f"{path}?")


def reading(path: str, scopes: tuple[str, ...], bucket: str, query: Mapping[str, str] | None = None) -> Call:
    """A GET."""
    return Call("GET", BASE + path, scopes=scopes, bucket=bucket, token=TOKEN, query=query, judge=judge)


def _writing(method: str, path: str, **fields: Any) -> Call:
    given: dict[str, Any] = {"scopes": WRITING, "bucket": "messages", "token": TOKEN, "judge": judge} | fields
    return Call(method, BASE + path, **given)


def posting(payload: Mapping[str, Any]) -> Call:
    """``POST /messages``."""
    return _writing("POST", "/messages", json=payload, repeatable=False)


def path_of(collection: str, id_: str) -> str:
    """The path of one thing."""
    return f"/{collection}/{quote(id_, safe='')}"


def object_of(response: Response) -> dict[str, Any]:
    """An answer that is one thing."""
    found = response.json()
    if not isinstance(found, dict):
        raise Unavailable(f"HTTP {response.status} without a JSON object")
    return found


def items_of(response: Response) -> list[dict[str, Any]]:
    """An answer that lists things. ``Unavailable`` where it does not: to take it for empty would remove everybody."""
    items = object_of(response).get("items")
    if not isinstance(items, list):
        raise Unavailable("Webex answered without a list")
    return [item for item in items if isinstance(item, dict)]


def text_of(data: Mapping[str, Any], name: str) -> str:
    """A field of a thing; empty where it holds no text."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _is_recent(item: Mapping[str, Any], since: datetime) -> bool:
    created = moment(item.get("created"))
    return created is not None and created >= since


def _is_own(item: Mapping[str, Any], own: AccountId) -> bool:
    return ids.plausible(item.get("id")) is not None and ids.account(text_of(item, "personId")) == own


def _said(item: Mapping[str, Any], room: ConversationId) -> str:
    match parse(item, Reference(Kind.POSTED, room, ids.message(item["id"]))):
        case Posted(message):
            return _shown(message.body)
    return ""


def _shown(body: Document) -> str:
    """What of a text surely survives Webex's rendering: no blanks, no signs of a mention, no addresses behind labels."""
    text = MENTION.sub(_NAME, plain(map_inlines(body, _label)))
    return "".join(unquote(text).split()).translate(_UNSURE)


def _label(inline: Inline) -> Inline:
    return Text(inline.text) if isinstance(inline, Link) else inline
