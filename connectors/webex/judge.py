"""What Webex's answers mean (reference §1.5, §3.1, §3.3)."""

import re
from collections.abc import Mapping

from connectors.calls import Call, Response, retry_after
from connectors.errors import Gone, RateLimited, Reconnect, Refused, Unavailable, Unsure

PAUSE = 15.0
"""Seconds after a 429 whose Retry-After is missing or unreadable: the default of Webex's own SDKs (§1.6)."""
LONGEST_PAUSE = 3600.0
"""Seconds; the longest that Webex documents. A header that asks for more is broken."""
SCAN_PAUSE = 5.0
"""Seconds to the next look at a file that is being scanned and names no time of its own (§3.3)."""

_TRACKING = re.compile(r"[\w.-]{1,80}")

REASONS = {
    400: "Webex did not understand the request",
    403: "Webex does not allow it: a scope, a role or a licence is missing, or only moderators may write in this space",
    405: "Webex does not know this method",
    409: "Webex reports a conflict",
    415: "Webex does not accept this kind of body",
}
"""Refused for good. Webex's own sentences are left out: they may repeat what was sent."""

GONE = {
    404: "not found at Webex, or the service user is no longer a member of the space",
    410: "removed by Webex",
}
PASSING = frozenset({408, 423, 500, 502, 503, 504})
"""Trouble of the moment; whether a post went out is then unknown."""


EDIT_REASONS = {400: "Webex lets a message be edited ten times at most, and none that has files or cards"}
ROOM_REASONS = {
    400: "Webex does not let this space be named: a direct one cannot be",
    403: "Webex does not let the service user name this space: only moderators may, or a scope is missing",
}
FILE_REASONS = {
    410: "the file was removed by Webex's virus scanner",
    428: "the file cannot be scanned for viruses by Webex, as encrypted archives cannot",
}


def judge(call: Call, response: Response) -> None:
    """Raise what an answer means. Bodies may be HTML and are not read; the tracking id is for Webex's support."""
    _judge(call, response, {})


def judge_edit(call: Call, response: Response) -> None:
    """The same for the edit of a message."""
    _judge(call, response, EDIT_REASONS)


def judge_room(call: Call, response: Response) -> None:
    """The same for the change of a space."""
    _judge(call, response, ROOM_REASONS)


def judge_file(call: Call, response: Response) -> None:
    """The same for the content of a file; while it is scanned, Webex says when to come back."""
    if response.status == 423:
        raise RateLimited(min(retry_after(response.headers, SCAN_PAUSE), LONGEST_PAUSE), "Webex is scanning the file")
    _judge(call, response, FILE_REASONS)


def _judge(call: Call, response: Response, reasons: Mapping[int, str]) -> None:
    status = response.status
    if status < 300:
        return
    tracked = f"(HTTP {status}{_tracking(response)})"
    if status in reasons:
        raise Refused(f"{reasons[status]} {tracked}")
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
