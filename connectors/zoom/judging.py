"""What Zoom's answers mean (§1.6, §3.1, §3.7, §3.8): which error each code is, and what the administrator may do."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from connectors.calls import Call, Response, judge_status
from connectors.errors import ConnectorError, Gone, NotSupported, RateLimited, Reconnect, Refused, Unavailable
from connectors.zoom.scopes import USER
from connectors.zoom.webhook import moment

BURST_PAUSE = 2.0
"""Seconds to wait after a 429 that names no time: per-second limits want one or two (§3.7)."""

LONGEST_PAUSE = 86_400.0
"""Seconds: a daily limit ends within a day, whatever the header says."""

DAILY_PAUSE = 3600.0
"""Seconds to wait when the day's calls are used up and Zoom names no time: it does name one, as a rule."""

_ROLE = "no permission: the role of the administrator who installed the app needs Chat Messages (Edit)"
_LISTING_ROLE = "no permission: the role of the service user needs View of Users, and View and Edit of Chat Channels"
_REVOKED = "Zoom no longer accepts our token"
_MEANINGS: Mapping[tuple[int, int] | int, tuple[type[ConnectorError], str]] = {
    124: (Reconnect, _REVOKED),
    (403, 403): (Reconnect, "the account has not permitted the app to act for it"),
    (400, 200): (Refused, _ROLE),
    (403, 200): (Refused, _ROLE),
    (401, 100): (Reconnect, _REVOKED),
    (401, 106): (Reconnect, _REVOKED),
    (401, 300): (Reconnect, _REVOKED),
    (401, 401): (Reconnect, "the Zoom app may not read files"),
    300: (
        Refused,
        "Zoom found a parameter invalid, or the message is older than the six months that it lets apps touch",
    ),
    1001: (Gone, "no such user in this Zoom account"),
    1120: (Gone, "the user's invitation to the Zoom account has expired"),
    404: (Gone, "no such file, or no longer there"),
    2300: (Refused, "Zoom knows no such call"),
    4130: (Gone, "no such channel, or the account that speaks is not in it"),
    4131: (Gone, "no such message"),
    5301: (Unavailable, "Zoom failed to do it"),
    5401: (Gone, "no such message"),
    5402: (Refused, "a reply must go to the first message of a thread"),
    5403: (Refused, "the Zoom account does not allow files"),
    5404: (Gone, "no such file"),
    **dict.fromkeys((5045, 5046, 5405), (Refused, "Zoom could not make a card")),
    5407: (Gone, "no such shared space"),
    5418: (Refused, "the account that speaks may not chat"),
    5419: (Refused, "the channel is end-to-end encrypted: apps cannot post in it"),
    5420: (Refused, "the channel is archived"),
    5421: (Refused, "the contact is blocked"),
    7001: (Refused, "Zoom could not read the chatbot's message"),
    7002: (Reconnect, "the chatbot's JID on record is not this app's"),
    7003: (Reconnect, "no chatbot has the JID on record"),
    7004: (Gone, "the chatbot may not speak in this channel, or it is gone"),
    7010: (Reconnect, "Zoom wants another kind of token"),
}
"""By HTTP status and Zoom's code where a code has several meanings, else by the code alone (§3.1, §3.8)."""

_NO_MESSAGE = (4131, 5401)
_SCOPE_CODES = (4700, 4711)
_SCOPES = re.compile(r"scopes:?\s*\[([\w:,.\s]*)\]")


def judge(call: Call, response: Response) -> None:
    """Raise what Zoom's code means (§1.6, §3.1, §3.7, §3.8); the HTTP status where it names none."""
    if response.status < 400:
        return
    error = told(response)
    code = error.get("code")
    if response.status == 429 or code == 429:
        raise _rate_limited(response.headers)
    if code in _SCOPE_CODES:
        _missing_scopes(call, error)
    if isinstance(code, int) and response.status < 500:
        meaning = _MEANINGS.get((response.status, code)) or _MEANINGS.get(code)
        if meaning:
            raise meaning[0](f"{meaning[1]} (Zoom code {code})")
    judge_status(call, response)


def judge_message(call: Call, response: Response) -> None:
    """Where one message is asked for, code 300 may say that there is no such message (§3.1)."""
    if _is_missing(response):
        raise Gone("no such message (Zoom code 300)")
    judge(call, response)


def judge_own(call: Call, response: Response) -> None:
    """Where our own message is changed, code 200 may also say that it is not ours."""
    if response.status == 400 and told(response).get("code") == 200:
        raise Refused(f"only its author may change a message; or {_ROLE} (Zoom code 200)")
    judge_message(call, response)


def judge_deletion(call: Call, response: Response) -> None:
    """A message that is not there is as good as deleted; a channel that is not there is another matter."""
    if not (_is_missing(response) or (response.status == 404 and told(response).get("code") in _NO_MESSAGE)):
        judge_own(call, response)


def judge_reaction(call: Call, response: Response) -> None:
    """Where the message is there, Zoom does not take the emoji, or none any more: either way it is said in words."""
    if response.status == 400 and told(response).get("code") == 300 and not _is_missing(response):
        raise NotSupported("Zoom does not take this reaction")
    judge_message(call, response)


def judge_page(call: Call, response: Response) -> None:
    """Where a page token was sent, code 300 says that Zoom no longer knows it; code 200 is about the role (§1.5, §3.8)."""
    code = told(response).get("code") if response.status in (400, 403) else None
    if code == 300 and call.query and "next_page_token" in call.query:
        raise Gone("Zoom keeps a place in a list for 15 minutes only: it has to be begun again (Zoom code 300)")
    if code == 200:
        raise Refused(f"{_LISTING_ROLE} (Zoom code 200)")
    judge(call, response)


def judge_unseen(call: Call, response: Response) -> None:
    """Where a channel is looked at from outside, code 200 says no more than that it is not public."""
    if response.status in (400, 403) and told(response).get("code") == 200:
        raise Gone("no such channel, or not one that the service user may see (Zoom code 200)")
    judge(call, response)


def judge_saying(sentences: Mapping[int, str]) -> Callable[[Call, Response], None]:
    """A judge for a call of which some codes say something of their own: why it is ``Refused``."""

    def judged(call: Call, response: Response) -> None:
        code = told(response).get("code") if 400 <= response.status < 500 else None
        if isinstance(code, int) and code in sentences:
            raise Refused(f"{sentences[code]} (Zoom code {code})")
        judge(call, response)

    return judged


def _is_missing(response: Response) -> bool:
    """Zoom says it under the code of every other wrong parameter, and of messages too old to be touched (§3.1).

    The documented words are ``Message does not exist`` and, of a message too, ``Channel does not exist``.
    """
    error = told(response) if response.status == 400 else {}
    return error.get("code") == 300 and "not exist" in str(error.get("message")).lower()


def _missing_scopes(call: Call, error: Mapping[str, Any]) -> NoReturn:
    """Name the scopes of Zoom's bracket list: the administrator adds one of them to the app (§1.6).

    What a person allowed stands, even where it is less than a call takes.
    """
    named = _SCOPES.search(str(error.get("message")))
    scopes = ", ".join(scope.strip() for scope in named[1].split(",")) if named else "(not named)"
    lacking = Refused if call.token == USER else Reconnect
    raise lacking(f"a permission is missing in Zoom, any one of these: {scopes}")


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


def read(response: Response) -> dict[str, Any]:
    """A read's answer. ``Unavailable`` where it cannot be read: taking it for empty would hide what is there."""
    answer = response.json()
    if not isinstance(answer, dict):
        raise Unavailable("Zoom's answer is not an object")
    return answer


def told(response: Response) -> dict[str, Any]:
    """What an error, or the answer to a post, tells; nothing where it cannot be read."""
    try:
        return read(response)
    except Unavailable:
        return {}
