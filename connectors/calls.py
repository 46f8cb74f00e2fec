"""What a client method yields and receives: no I/O here, and none in any platform's ``client.py``.

A client method is a generator of ``Call``s that returns its typed result. ``http.py`` drives it, over ``requests`` or
over ``aiohttp``; a test drives it with plain values.
"""

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connectors.errors import Gone, RateLimited, Reconnect, Refused, Unavailable, Unsure

T = TypeVar("T")
Calls = Generator["Call", "Response", T]

FALLBACK_PAUSE = 5.0
"""Seconds to wait after a 429 without a readable Retry-After: long enough to clear a per-second window several times."""


LONGEST_PAUSE = 3600.0
"""Seconds a platform may ask us to wait; the longest any of them documents. More is a broken header."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Header names are lower case. ``body`` is complete: large answers are refused by the driver."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON; ``Unavailable`` where a proxy answered with a page, as gateways in trouble do."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Unavailable(f"HTTP {self.status} without readable JSON") from error


def retry_after(headers: Mapping[str, str], otherwise: float = FALLBACK_PAUSE) -> float:
    """Seconds of a Retry-After header, from one to ``LONGEST_PAUSE``; ``otherwise`` when it is missing or no number."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return otherwise
    return min(max(1.0, seconds), LONGEST_PAUSE) if seconds == seconds else otherwise  # NaN is no number either


def judge_status(call: "Call", response: Response) -> None:
    """Raise what an HTTP status means where a platform says nothing finer."""
    status = response.status
    if status < 300:
        return
    if status == 429:
        raise RateLimited(retry_after(response.headers))
    if status >= 500 or status in (408, 423):
        raise (Unavailable if call.repeatable else Unsure)(f"HTTP {status}")
    if status == 401:
        raise Reconnect("the platform no longer accepts our token")
    if status in (404, 410):
        raise Gone("not found, or no longer visible to us")
    raise Refused(f"HTTP {status}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A request body that is a file, streamed from elsewhere: raw, or as the part named ``part`` of a multipart form.

    ``form`` are the other parts of the form. ``size`` is in bytes and exact.
    """

    name: str
    content_type: str
    size: int
    part: str = ""
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a platform.

    ``url`` is absolute, at the platform's real host (the driver knows about the sandbox). ``token`` names which of the
    credentials' tokens signs it. ``scopes`` lists alternatives: any one suffices. ``bucket`` names the platform's rate
    limit it counts against. ``repeatable`` is True where sending twice does no harm; without it a lost answer is
    ``Unsure``. ``judge`` raises the platform's own errors. ``upload`` makes the body the file that the driver was given.
    ``after`` are seconds to wait before sending, for a platform that needs a moment and offers no other way to know.
    """

    method: str
    url: str
    scopes: tuple[str, ...] = ()
    bucket: str = ""
    token: str = "bot"  # noqa: S105 (a name of a token, not one)
    json: Any = None
    form: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    upload: Upload | None = None
    after: float = 0.0
    judge: Callable[["Call", Response], None] = judge_status
