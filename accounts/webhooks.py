"""Telling a tenant's own server what happened: signed, tried again for days, and never a word of what was said.

As the Standard Webhooks specification wants it (https://www.standardwebhooks.com): the headers ``webhook-id``,
``webhook-timestamp`` and ``webhook-signature``, the last being ``v1,`` and the HMAC-SHA256 of id, timestamp and body.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.members import NotPossible, hold
from accounts.models import Membership, Tenant, WebhookCall, WebhookEndpoint, WebhookEvent
from connectors.addresses import PublicResolver, is_public
from connectors.calls import Response
from connectors.http import AnswerLost, NotSent, Outgoing, Transport, request_over, wire_faults

MOST = 10
"""Endpoints of one tenant: each is called for every event."""

AT_ONCE = 50
"""Calls that one task makes side by side: few enough that it ends soon, many enough that one slow server holds up none."""

PATIENCE = 15
"""Seconds that a server may take, connecting included: as long as Standard Webhooks advises at least."""

HELD = timedelta(minutes=1)
"""How long nobody else makes a call that a worker has taken: four times as long as it can take."""

PAUSES = tuple(timedelta(seconds=each) for each in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Until the next try, after each that failed: those of Standard Webhooks, three days in all."""

LONG = timedelta(days=5)
"""How long every call must have failed until we stop: a weekend and a holiday are shorter."""

KEPT = timedelta(days=30)
"""How long a settled call is listed."""

GONE = 410
"""The status with which a server says that it wants no more calls."""


# --- Endpoints


@transaction.atomic
def add(actor: Membership, url: str, events: Iterable[str], request: HttpRequest) -> str:
    """Have a server told of events. Returns the secret, which nobody can see again. Raises ``NotPossible``."""
    if not is_public(url):
        raise NotPossible(
            "This is not an https:// address on the public internet, at the usual port. Nothing was changed."
        )
    tenant = hold(actor.tenant)
    if tenant.webhook_endpoints.count() >= MOST:
        raise NotPossible(f"There are {MOST} addresses already. Remove one that is no longer needed.")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    endpoint = WebhookEndpoint.objects.create(tenant=tenant, url=url, secret=secret, events=sorted(events))
    record(tenant, "added webhook", endpoint.host, request, after={"events": endpoint.events})
    return secret


@transaction.atomic
def remove(endpoint: WebhookEndpoint, request: HttpRequest) -> None:
    """Call it no more."""
    endpoint.delete()
    record(endpoint.tenant, "removed webhook", endpoint.host, request, before={"events": endpoint.events})


@transaction.atomic
def enable(endpoint: WebhookEndpoint, request: HttpRequest) -> None:
    """Call it again, of what happens from now on."""
    if WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False).update(
        disabled_at=None, failing_since=None
    ):
        record(endpoint.tenant, "enabled webhook", endpoint.host, request)


# --- Events


def tell(tenant: Tenant, event: WebhookEvent, data: Mapping[str, Any]) -> None:
    """Have every endpoint of a tenant that wants it told of an event. Call it in the transaction of what happened."""
    endpoints = tenant.webhook_endpoints.filter(disabled_at=None, events__contains=[event])
    WebhookCall.objects.bulk_create(
        WebhookCall(endpoint=endpoint, event=event, data=dict(data)) for endpoint in endpoints.order_by("pk")
    )


# --- Calls


def work(transport: Transport | None = None) -> int:
    """Make the calls that are due, side by side; how many. Two at once never make the same one."""
    calls = _take()
    answers = asyncio.run(_all(calls, transport)) if calls else []
    for call, outcome in zip(calls, answers, strict=True):
        _settle(call, outcome)
    return len(calls)


@transaction.atomic
def _take() -> list[WebhookCall]:
    now = timezone.now()
    due = WebhookCall.objects.filter(not_before__lte=now, endpoint__disabled_at=None)
    rows = due.select_related("endpoint__tenant").order_by("not_before", "pk")
    calls = list(rows.select_for_update(skip_locked=True, of=("self",))[:AT_ONCE])
    WebhookCall.objects.filter(pk__in=[call.pk for call in calls]).update(not_before=now + HELD, tries=F("tries") + 1)
    return calls


async def _all(calls: list[WebhookCall], transport: Transport | None) -> list[int | str]:
    if transport:
        return await asyncio.gather(*(_make(transport, call) for call in calls))
    connector = aiohttp.TCPConnector(limit=AT_ONCE, resolver=PublicResolver())
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        return await asyncio.gather(*(_make(_status_over(session), call) for call in calls))


def _status_over(session: aiohttp.ClientSession) -> Transport:
    """A transport that reads nothing of an answer but its status: the body may be anything."""

    async def send(outgoing: Outgoing) -> Response:
        with wire_faults():
            async with request_over(session, outgoing) as answer:
                return Response(answer.status)

    return send


async def _make(transport: Transport, call: WebhookCall) -> int | str:
    """The status of the answer, or why there was none."""
    if not is_public(call.endpoint.url):
        return "the address is not on the public internet"
    try:
        async with asyncio.timeout(PATIENCE):
            response = await transport(signed(call, timezone.now()))
    except NotSent:
        return "the server could not be reached at a public address"
    except (AnswerLost, TimeoutError, ValueError):  # the last: an address that looks like one and is none
        return f"the server did not answer properly within {PATIENCE} seconds"
    return response.status


def signed(call: WebhookCall, now: datetime) -> Outgoing:
    """The request of a call: its body, and the headers that prove it to be ours."""
    body = json.dumps(
        {"type": call.event, "timestamp": call.created_at.isoformat(), "data": call.data}, separators=(",", ":")
    ).encode()
    name, time = f"msg_{call.key.hex}", str(int(now.timestamp()))
    key = base64.b64decode(call.endpoint.secret.removeprefix("whsec_"))
    proof = hmac.new(key, f"{name}.{time}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "user-agent": "Mio-Hub-Webhooks/1",
        "webhook-id": name,
        "webhook-timestamp": time,
        "webhook-signature": f"v1,{base64.b64encode(proof).decode()}",
    }
    return Outgoing("POST", call.endpoint.url, headers, body)


@transaction.atomic
def _settle(call: WebhookCall, outcome: int | str) -> None:
    """Write down how a call ended, and when it is tried again if it has to be."""
    now = timezone.now()
    arrived = isinstance(outcome, int) and 200 <= outcome < 300
    rows, endpoint = WebhookCall.objects.filter(pk=call.pk), WebhookEndpoint.objects.filter(pk=call.endpoint_id)
    said = f"HTTP {outcome}" if isinstance(outcome, int) else outcome
    if arrived:
        rows.update(arrived_at=now, not_before=None)
        endpoint.update(called_at=now, outcome=said, failing_since=None)
        return
    rows.update(not_before=now + PAUSES[call.tries] if call.tries < len(PAUSES) else None)
    endpoint.update(called_at=now, outcome=said, failing_since=Coalesce("failing_since", now))
    is_over = endpoint.filter(failing_since__lt=now - LONG)
    if (outcome == GONE and endpoint.exists()) or is_over.exists():
        _disable(call.endpoint, said)


def _disable(endpoint: WebhookEndpoint, why: str) -> None:
    if WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None).update(disabled_at=timezone.now()):
        endpoint.calls.filter(not_before__isnull=False).update(not_before=None)
        record(endpoint.tenant, "stopped calling webhook", endpoint.host, after={"last outcome": why})


def tidy() -> None:
    """Drop old calls that are settled."""
    WebhookCall.objects.filter(not_before=None, created_at__lt=timezone.now() - KEPT).delete()
