"""Where the Hub's time goes: the ledger's own timestamps, and the pure work of the connectors by itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.conf import settings
from django.db import connection

from accounts.models import Installation
from connectors.contract import Envelope, Request
from connectors.messages import Byline, ConversationId, Draft, Posted
from mio_hub.bench import traffic
from mio_hub.bench.traffic import Typist

_STAGES = """
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM m.created_at - e.received_at)),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM d.intent_at - m.created_at)),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM c.created_at - d.intent_at))
FROM relay_inboundevent e
JOIN relay_delivery d ON d.event_id = e.id
JOIN relay_relayedmessage m ON m.id = d.message_id
JOIN relay_messagecopy c ON c.message_id = d.message_id AND c.link_id = d.link_id
WHERE e.received_at >= %s AND e.received_at < %s AND e.kind = 'posted' AND c.part = 0
"""

NAMES = ("inbox → routed", "routed → intent", "intent → committed")
"""Received by the web process; routed by a worker; its turn in the mailbox; answered by the platform and written down."""

REPEATS = 300
"""Of each piece of pure work: a few tenths of a second in all."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Milliseconds."""

    name: str
    p50: float
    p99: float


def stages(since: datetime, until: datetime) -> list[Stage]:
    """How long the messages received between two times took from stage to stage."""
    with connection.cursor() as cursor:
        cursor.execute(_STAGES, [since, until])
        [row] = cursor.fetchall()
    return [Stage(name, one[0] * 1000, one[1] * 1000) for name, one in zip(NAMES, row, strict=True) if one]


def pure_work() -> dict[str, float]:
    """Microseconds of one message's work in which nobody waits: a single process, nothing else running."""
    slack, webex = (Installation.objects.get(platform=slug).connector() for slug in ("slack", "webex"))
    secrets = settings.MIO_PLATFORM_SECRETS["slack"]
    request = example(secrets.signing_secret)
    [envelope] = cast(list[Envelope], type(slack).receive(request, secrets))
    content = envelope.content or {}
    posted = cast(Posted, slack.parse(content, envelope.reference))
    draft = Draft(ConversationId(traffic.room(0)), posted.message.body, "nonce", Byline("Person 1", "Slack"))
    return {
        "verify and read": _microseconds(lambda: type(slack).receive(request, secrets)),
        "parse": _microseconds(lambda: slack.parse(content, envelope.reference)),
        "render": _microseconds(lambda: webex.parts(draft)),
    }


def example(secret: str) -> Request:
    """One message of the benchmark as a connector receives it."""
    return as_request(Typist(secret).request(0, 0, 0))


def as_request(webhook: bytes) -> Request:
    """A webhook as it came over the wire, in the form in which connectors take it."""
    head, _, body = webhook.partition(b"\r\n\r\n")
    lines = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
    return Request("POST", "/webhooks/slack/", {name.lower(): value for name, _, value in lines}, {}, body)


def _microseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    for _ in range(REPEATS):
        work()
    return (time.perf_counter() - begin) / REPEATS * 1e6
