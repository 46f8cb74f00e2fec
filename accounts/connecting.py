"""From an installation in the database to a connector that speaks for it."""

from accounts.matching import Memory
from accounts.models import Installation
from connectors.contract import Connector


class Connections:
    """A worker's short memory of its installations' connectors."""

    def __init__(self) -> None:
        self._connectors: Memory[int, Connector] = Memory()

    async def connector(self, installation: int) -> Connector:
        """The connector of an installation; tokens are at most a minute old. Raises ``Installation.DoesNotExist``."""
        if installation not in self._connectors:
            self._connectors[installation] = (await Installation.objects.aget(pk=installation)).connector()
        return self._connectors[installation]

    async def lost(self, installation: int) -> None:
        """The platform no longer accepts our token: show that an administrator must connect again."""
        self._connectors.pop(installation)
        await Installation.objects.filter(pk=installation).aupdate(state=Installation.State.NEEDS_RECONNECT)
