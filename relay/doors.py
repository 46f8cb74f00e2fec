"""The addresses to which webhooks come: one per platform for the operator's app, and one per app that a tenant brought."""

from dataclasses import astuple, dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

import connectors
from accounts.matching import Memory
from accounts.models import PlatformApp

LONGEST_KEY = 16
"""Letters of an app's key. Longer ones are not looked for, let alone remembered."""


@dataclass(frozen=True, slots=True)
class Door:
    """With which secrets a webhook is proven, and for whose app: None is the operator's."""

    platform: str
    app: int | None
    secrets: Any


class Doors:
    """This process's memory of them: an app's new secrets are known here within a minute."""

    def __init__(self) -> None:
        self._own: Memory[tuple[str, str], Door | None] = Memory()

    async def at(self, path: str) -> Door | None:
        """The door behind ``<platform>`` or ``<platform>/<key>``; None where there is none, or where no secret locks it."""
        platform, _, key = path.strip("/").partition("/")
        if not key:
            secrets = settings.MIO_PLATFORM_SECRETS.get(platform)
            return Door(platform, None, secrets) if secrets is not None and all(astuple(secrets)) else None
        if len(key) > LONGEST_KEY or platform not in connectors.slugs():
            return None
        if (platform, key) not in self._own:
            self._own[platform, key] = await sync_to_async(_find)(platform, key)
        return self._own[platform, key]


def _find(platform: str, key: str) -> Door | None:
    close_old_connections()  # this thread serves no request of Django's, which would have done so
    own = PlatformApp.objects.filter(platform=platform, key=key).first()
    if own is None or not own.is_ready:
        return None
    secrets = connectors.get(own.platform).Secrets(**own.secrets)
    return Door(own.platform, own.pk, secrets) if all(astuple(secrets)) else None
