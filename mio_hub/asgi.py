"""The web process: webhooks are taken by the small ingress, everything else by Django."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mio_hub.settings")
django = get_asgi_application()

from relay.ingress import application as ingress  # noqa: E402 - it needs Django's models, ready only now


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    # Django does not know lifespan events; the ingress opens and closes its connections by them.
    if scope["type"] == "lifespan" or scope["path"].startswith("/webhooks/"):
        await ingress(scope, receive, send)
    else:
        await django(scope, receive, send)
