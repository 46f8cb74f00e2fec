"""Zoom's REST calls (§3): what to ask, and what an answer means. No I/O."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

from connectors.calls import Call, Calls, Response, judge_status
from connectors.contract import Content, Credentials, Rendered
from connectors.errors import ConnectorError, Gone, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.messages import Account, AccountId, MessageId, Reference
from connectors.zoom import ids
from connectors.zoom.webhook import moment

API = "https://api.zoom.us/v2"
"""Zoom's global host: valid for every region (§1.1)."""

_ADMIN = "admin"
"""The kind of token: the admin-managed app's (§0)."""

SEND = ("chat_message:write:admin", "team_chat:write:user_message:admin")
LIST = ("chat_message:read:admin", "chat_message:write:admin", "team_chat:read:list_user_messages:admin")
READ = ("chat_message:read:admin", "chat_message:write:admin", "team_chat:read:user_message:admin")
WHO = ("user:read:admin", "user:write:admin", "user:read:user:admin")
"""Classic and granular names of the same right; a token has the one or the other (§1.6)."""

PAGE = 50
"""Messages of one page: the most the list gives."""

BURST_PAUSE = 2.0
"""Seconds to wait after a 429 that names no time: per-second limits want one or two (§3.7)."""

LONGEST_PAUSE = 86_400.0
"""Seconds: a daily limit ends within a day, whatever the header says."""

DAILY_PAUSE = 3600.0
"""Seconds to wait when the day's calls are used up and Zoom names no time: it does name one, as a rule."""

_REVOKED = "Zoom no longer accepts our token"
_MEANINGS: Mapping[tuple[int, int] | int, tuple[type[ConnectorError], str]] = {
    124: (Reconnect, _REVOKED),
    (403, 403): (Reconnect, "the service user has not permitted the app to act for it"),
    (400, 200): (
        Refused,
        "no permission: the role of the administrator who installed the app needs Chat Messages (Edit)",
    ),
    (403, 200): (
        Refused,
        "no permission: the role of the administrator who installed the app needs Chat Messages (Edit)",
    ),
    300: (Refused, "Zoom found a parameter invalid"),
    1001: (Gone, "no such user in this Zoom account"),
    1120: (Gone, "the user's invitation to the Zoom account has expired"),
    2300: (Refused, "Zoom knows no such call"),
    4130: (Gone, "no such channel, or the service user is not in it"),
    4131: (Gone, "no such message"),
    5301: (Unavailable, "Zoom could not send the message"),
    5401: (Gone, "no such message"),
    5402: (Refused, "a reply must go to the first message of a thread"),
    5403: (Refused, "the Zoom account does not allow files"),
    5405: (Refused, "Zoom could not make a card"),
    5418: (Refused, "the service user may not chat"),
    5419: (Refused, "the channel is end-to-end encrypted: apps cannot post in it"),
    5420: (Refused, "the channel is archived"),
    5421: (Refused, "the contact is blocked"),
    7010: (Reconnect, "Zoom wants another kind of token"),
}
"""By HTTP status and Zoom's code where a code has several meanings, else by the code alone (§3.1, §3.8)."""

_SCOPE_CODES = (4700, 4711)
_SCOPES = re.compile(r"scopes:?\s*\[([\w:,.\s]*)\]")


def post(credentials: Credentials, rendered: Rendered) -> Calls[MessageId]:
    """Send a channel message as the service user (§3.1)."""
    url = _messages(credentials)
    response = yield Call(
        "POST", url, SEND, bucket="medium", token=_ADMIN, json=rendered.payload, repeatable=False, judge=judge
    )
    message = ids.message(_told(response).get("id"))
    if not message:
        raise Unsure("Zoom took the message without naming its id")
    return message


def find(credentials: Credentials, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
    """Our own posts of this very text since ``since``, oldest first. Zoom hides no nonce: sender and text must do."""
    email = credentials.extra.get("email", "")
    if not email:
        raise Reconnect("the service user's e-mail address is not on record")
    query = {
        "to_channel": rendered.conversation,
        "from": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "page_size": str(PAGE),
    }
    found: list[tuple[datetime, MessageId]] = []
    page = ""
    while True:
        turned = query | {"next_page_token": page} if page else query
        response = yield _get(_messages(credentials), LIST, "medium", turned)
        answer = _object(response)
        found += _matching(answer.get("messages"), email, rendered.payload["message"], since)
        page = ids.opaque(answer.get("next_page_token"))
        if not page:
            return [message for _, message in sorted(found)]


def _matching(messages: object, email: str, text: str, since: datetime) -> Iterator[tuple[datetime, MessageId]]:
    if not isinstance(messages, list):
        raise Unavailable("Zoom's answer lists no messages")
    for message in messages:
        if isinstance(message, dict) and message.get("message") == text:
            at = moment(message.get("timestamp")) or since
            if str(message.get("sender")).lower() == email.lower() and at >= since.replace(microsecond=0):
                yield at, ids.message(message.get("id"))


def fetch(credentials: Credentials, reference: Reference) -> Calls[Content]:
    """A message in the shape webhooks have: addresses are looked up, since this call names no user ids (§3.1)."""
    url = f"{_messages(credentials)}/{quote(reference.message, safe='')}"
    response = yield _get(url, READ, "medium", {"to_channel": reference.conversation}, _judge_message)
    message = _object(response)
    users: dict[str, str] = {}
    for address in _addresses(message):
        users[address] = yield from _user_id(address)
    content = message | {
        "operator": message.get("sender"),
        "operator_id": users.get(_address(message.get("sender")), ""),
        "operator_member_id": message.get("send_member_id"),
    }
    if items := _items(message):
        content["at_items"] = [
            item | {"at_contact_user_id": users.get(_address(item.get("at_contact")), "")} for item in items
        ]
    return content


def _items(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = message.get("at_items")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _addresses(message: Mapping[str, Any]) -> list[str]:
    """The sender's and the mentioned people's, each once."""
    everyone = [message.get("sender"), *(item.get("at_contact") for item in _items(message))]
    return list(dict.fromkeys(filter(None, map(_address, everyone))))


def _address(value: object) -> str:
    return value.strip() if isinstance(value, str) and "@" in value else ""


def _user_id(address: str) -> Calls[str]:
    """The user behind an address; empty for a person of another account, whom only the member id tells."""
    try:
        response = yield _get(_user(address), WHO, "light")
    except Gone:
        return ""
    return ids.opaque(_object(response).get("id"))


def account(account: AccountId) -> Calls[Account]:
    """One person of the account. A person from outside cannot be looked up: ``Gone``."""
    if ids.is_outsider(account):
        raise Gone("a person of another Zoom account")
    response = yield _get(_user(account), WHO, "light")
    user = _object(response)
    names = (_text(user.get("display_name")), f"{_text(user.get('first_name'))} {_text(user.get('last_name'))}".strip())
    return Account(
        id=ids.account(user.get("id")) or account,
        name=next(filter(None, names), _text(user.get("email"))),
        email=_text(user.get("email")),
        avatar_url=_text(user.get("pic_url")),
    )


def judge(call: Call, response: Response) -> None:
    """Raise what Zoom's code means (§1.6, §3.1, §3.7, §3.8); the HTTP status where it names none."""
    if response.status < 400:
        return
    error = _told(response)
    code = error.get("code")
    if response.status == 429 or code == 429:
        raise _rate_limited(response.headers)
    if code in _SCOPE_CODES:
        _missing_scopes(error)
    if isinstance(code, int) and response.status < 500:
        meaning = _MEANINGS.get((response.status, code)) or _MEANINGS.get(code)
        if meaning:
            raise meaning[0](f"{meaning[1]} (Zoom code {code})")
    judge_status(call, response)


def _judge_message(call: Call, response: Response) -> None:
    """Where one message is asked for, code 300 says that there is no such message (§3.1)."""
    if response.status == 400 and _told(response).get("code") == 300:
        raise Gone("no such message (Zoom code 300)")
    judge(call, response)


def _missing_scopes(error: Mapping[str, Any]) -> NoReturn:
    """Name the scopes of Zoom's bracket list: the administrator adds one of them to the app (§1.6)."""
    named = _SCOPES.search(str(error.get("message")))
    scopes = ", ".join(scope.strip() for scope in named[1].split(",")) if named else "(not named)"
    raise Reconnect(f"the Zoom app lacks a scope; any one of these: {scopes}")


def _rate_limited(headers: Mapping[str, str]) -> RateLimited:
    """Per second, or for the rest of the day: then Retry-After is a date, not seconds (§3.7)."""
    daily = headers.get("x-ratelimit-type", "").lower().startswith("daily")
    named = headers.get("retry-after", "").strip()
    try:
        pause = float(named)
    except ValueError:
        until = moment(named)
        pause = (until - datetime.now(UTC)).total_seconds() if until else (DAILY_PAUSE if daily else BURST_PAUSE)
    pause = min(max(1.0, pause), LONGEST_PAUSE)
    return RateLimited(pause, "the Zoom account's calls for today are used up") if daily else RateLimited(pause)


def _messages(credentials: Credentials) -> str:
    return f"{API}/chat/users/{quote(credentials.account, safe='')}/messages"


def _user(key: str) -> str:
    return f"{API}/users/{quote(key, safe='@')}"


def _get(
    url: str, scopes: tuple[str, ...], bucket: str, query: Mapping[str, str] | None = None, judge: Any = judge
) -> Call:
    return Call("GET", url, scopes, bucket=bucket, token=_ADMIN, query=query, judge=judge)


def _object(response: Response) -> dict[str, Any]:
    """A read's answer. ``Unavailable`` where it cannot be read: taking it for empty would hide what is there."""
    answer = response.json()
    if not isinstance(answer, dict):
        raise Unavailable("Zoom's answer is not an object")
    return answer


def _told(response: Response) -> dict[str, Any]:
    """What an error, or the answer to a post, tells; nothing where it cannot be read."""
    try:
        return _object(response)
    except Unavailable:
        return {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
