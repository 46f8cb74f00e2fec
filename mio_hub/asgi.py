"""The web process: webhooks are taken by the small ingress, everything else by Django."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.asgi import get_asgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mio_hub.settings")

POOL = {"min_size": 2, "max_size": 20, "timeout": 5.0, "reconnect_timeout": 5.0}
"""Connections to the database, and how many seconds a request waits for one: as long as connecting may take."""

# Django serves each request in a thread of its own, which cannot keep a connection for the next one. Without the pool every
# page would open one: a server process forked, a password proven, a catalogue read, which cost more than most pages ask.
connections.settings["default"]["CONN_MAX_AGE"] = 0
connections.settings["default"]["OPTIONS"]["pool"] = POOL
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
