"""The page that shows the four platforms side by side. Without a sandbox there is no such page."""

from base64 import b64encode
from collections.abc import AsyncIterator
from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

import connectors
from connectors.contract import Reacts
from mio_hub.sandbox import client, crossings
from mio_hub.sandbox.deeds import LARGEST_FILE, TOO_LARGE
from mio_hub.streaming import streamed

SAID = ("platform", "person", "conversation", "message", "text", "emoji")
PICTURED = ("platform", "conversation", "message", "number", "name")

EMOJIS = ("👍", "❤️", "😂", "🎉", "👀", "🙏")
"""Offered at once: what people use most, and every platform knows."""

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
    everyone = list(connectors.everyone())
    shown = {
        "platforms": [each.platform for each in everyone],
        "mute": [each.platform.slug for each in everyone if not issubclass(each, Reacts)],
        "emojis": EMOJIS,
        "largest": LARGEST_FILE,
    }
    return render(request, "sandbox/page.html", shown)


@require_safe
async def stream(request: HttpRequest) -> HttpResponseBase:
    """The sandbox's events, passed on."""
    events = client.stream(sandbox_address())
    try:
        first = await anext(events, b"")
    except client.Away:
        return JsonResponse({"error": AWAY}, status=503)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the latter keeps nginx from collecting it
    return streamed(_joined(first, events), "text/event-stream", headers)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


@require_POST
async def do(request: HttpRequest, deed: str) -> JsonResponse:
    """What somebody does in a pane, one of ``DEEDS``."""
    address = sandbox_address()
    words = {name: request.POST.get(name, "") for name in SAID}
    if file := request.FILES.get("file"):
        if (file.size or 0) > LARGEST_FILE:
            return JsonResponse({"error": TOO_LARGE, "field": "file"}, status=413)
        words |= {"name": file.name or "", "data": b64encode(file.read()).decode()}
    try:
        status, answer = await client.do(address, deed, words)
    except client.Away:
        return JsonResponse({"error": AWAY}, status=503)
    return JsonResponse(answer, status=status)


@require_safe
async def picture(request: HttpRequest) -> HttpResponse:
    """A picture that was shared, from the sandbox's memory; nothing keeps it."""
    which = {name: request.GET.get(name, "") for name in PICTURED}
    try:
        status, kind, data = await client.picture(sandbox_address(), which)
    except client.Away:
        return JsonResponse({"error": AWAY}, status=503)
    if status != HTTPStatus.OK:
        raise Http404
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return HttpResponse(data, content_type=kind, headers=headers)


@require_safe
def crossing_times(request: HttpRequest) -> JsonResponse:
    """What the ledger knows about the latest copies."""
    sandbox_address()
    names = ("platform", "conversation", "id", "origin", "ms")
    found = [dict(zip(names, (*key, *value), strict=True)) for key, value in crossings.recent().items()]
    return JsonResponse({"crossings": found})
