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
    404: "not found at Webex, or not shown to the account that asks: it may no longer be in the space",
    410: "removed by Webex",
}
PASSING = frozenset({408, 423, 500, 502, 503, 504})
"""Trouble of the moment; whether a post went out is then unknown."""


EDIT_REASONS = {400: "Webex lets a message be edited ten times at most, and none that has files or cards"}
ROOM_REASONS = {
    400: "Webex does not let this space be named: a direct one cannot be",
    403: "Webex does not let the service user name this space: only moderators may, or a scope is missing",
}
ADDING_REASONS = {
    400: "Webex does not let this account be added",
    403: "Webex does not let this account in: it may be from outside, and Control Hub blocks external messaging or lets "
    "in certain domains only; or “spark:memberships_write” was not granted",
    404: "Webex does not know this account, or does not show the space to the service user",
}
ADD_FAILED = "the service user is not in the space, or a policy of the organisation keeps this account out"
TEAM_REASONS = {
    400: "Webex does not let this account be added to the team",
    403: "only a moderator of the team can add people to it: make the service user one in Webex; or "
    "“spark:team_memberships_write” was not granted",
    404: "Webex does not show this team to the service user, or does not know the account",
}
REMOVING_REASONS = {
    400: "Webex does not let this account be taken out: it may be the last moderator",
    403: "only a moderator can take people out of this space: make the service user one in Webex; or "
    "“spark:memberships_write” was not granted",
}
CREATING_REASONS = {
    400: "Webex does not make this space: the title is not accepted, or the organisation does not allow public spaces",
    403: "Webex does not let this account make spaces here: the permission “spark:rooms_write” was not granted, or "
    "the organisation keeps it to others",
    404: "the service user is not a member of this team",
}
OPENING_REASONS = {
    400: "Webex does not let these two write to each other",
    403: "Webex does not let these two write to each other: one may be from outside, and Control Hub blocks external "
    "messaging or lets certain domains in only; or “spark:messages_write” was not granted",
    404: "Webex does not know this account",
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


def judge_page(call: Call, response: Response) -> None:
    """The same for a page that an earlier one named: one that Webex no longer knows is gone, and so is the rest."""
    if response.status == 400:
        raise Gone("Webex no longer knows where the list stopped: it must be read again")
    judge(call, response)


def judge_adding(call: Call, response: Response) -> None:
    """The same for the adding to a space; who is in already is a success. Of a 502 only the words tell that it is for good
    (§3.5)."""
    failed = {502: ADD_FAILED} if b"Add participant failed" in response.body else {}
    if response.status != 409:
        _judge(call, response, ADDING_REASONS | failed)


def judge_team(call: Call, response: Response) -> None:
    """The same for the adding to a team."""
    if response.status != 409:
        _judge(call, response, TEAM_REASONS)


def judge_removing(call: Call, response: Response) -> None:
    """The same for the taking out."""
    _judge(call, response, REMOVING_REASONS)


def judge_creating(call: Call, response: Response) -> None:
    """The same for a new space."""
    _judge(call, response, CREATING_REASONS)


def judge_opening(call: Call, response: Response) -> None:
    """The same for the first message to somebody."""
    _judge(call, response, OPENING_REASONS)


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
