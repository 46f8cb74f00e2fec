"""From an installation in the database to a connector that speaks for it."""

from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.matching import Memory
from accounts.models import Installation
from accounts.tokens import flag
from connectors.contract import Connector


class Connections:
    """A worker's short memory of its installations' connectors."""

    def __init__(self) -> None:
        self._connectors: Memory[int, Connector] = Memory()

    async def connector(self, installation: int) -> Connector:
        """The connector of an installation; tokens are at most a minute old. Raises ``Installation.DoesNotExist``."""
        if installation not in self._connectors:
            row = await Installation.objects.prefetch_related("tokens").aget(pk=installation)
            self._connectors[installation] = row.connector()
        return self._connectors[installation]

    async def lost(self, installation: int) -> None:
        """The platform did not accept our token: show that an administrator must connect again.

        Unless the token was only old: then the next one is there already, or beat is about to get it and tells if it cannot.
        """
        held = self._connectors[installation].credentials.tokens if installation in self._connectors else {}
        self._connectors.pop(installation)
        row = await Installation.objects.prefetch_related("tokens").filter(pk=installation).afirst()
        if row is None:
            return
        tokens = row.tokens.all()
        is_old = held and held != {token.kind: token.access for token in tokens}
        if not is_old and not any(token.expires_at and token.expires_at <= timezone.now() for token in tokens):
            await sync_to_async(flag)(installation, "The platform no longer accepts our token.")
