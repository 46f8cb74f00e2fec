"""The page that shows the four platforms side by side. Without a sandbox there is no such page."""

from collections.abc import AsyncIterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

import connectors
from mio_hub.sandbox import client, crossings

SAID = ("platform", "person", "conversation", "text")

AWAY = "The sandbox is not running. ./hub up starts it with everything else, ./hub manage sandbox starts it alone."


def sandbox_address() -> str:
    """Where the sandbox is; a Hub without one has none of these pages."""
    if not settings.MIO_SANDBOX_URL:
        raise Http404
    address: str = settings.MIO_SANDBOX_URL
    return address


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The four panes, still empty: the stream fills them."""
    sandbox_address()
    return render(request, "sandbox/page.html", {"platforms": [each.platform for each in connectors.everyone()]})


@require_safe
async def stream(request: HttpRequest) -> HttpResponseBase:
    """The sandbox's events, passed on."""
    events = client.stream(sandbox_address())
    try:
        first = await anext(events, b"")
    except client.Away:
        return JsonResponse({"error": AWAY}, status=503)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the latter keeps nginx from collecting it
    return StreamingHttpResponse(_joined(first, events), content_type="text/event-stream", headers=headers)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


@require_POST
async def say(request: HttpRequest) -> JsonResponse:
    """Type something as somebody."""
    words = {name: request.POST.get(name, "") for name in SAID}
    try:
        status, answer = await client.say(sandbox_address(), words)
    except client.Away:
        return JsonResponse({"error": AWAY}, status=503)
    return JsonResponse(answer, status=status)


@require_safe
def crossing_times(request: HttpRequest) -> JsonResponse:
    """What the ledger knows about the latest copies."""
    sandbox_address()
    names = ("platform", "conversation", "id", "origin", "ms")
    found = [dict(zip(names, (*key, *value), strict=True)) for key, value in crossings.recent().items()]
    return JsonResponse({"crossings": found})
