"""From an installation in the database to a connector that speaks for it."""

from dataclasses import dataclass

from asgiref.sync import sync_to_async

from accounts.matching import Memory
from accounts.models import Installation
from accounts.tokens import refused
from connectors.contract import Connector


@dataclass(frozen=True, slots=True)
class Company:
    """Whose an installation is. ``amends_full_accounts``: what was said with a person's own account is edited and deleted."""

    tenant: int
    name: str
    amends_full_accounts: bool


class Connections:
    """A worker's short memory of its installations' connectors, and of whose they are."""

    def __init__(self) -> None:
        self._connectors: Memory[int, Connector] = Memory()
        self._companies: Memory[int, Company] = Memory()

    async def connector(self, installation: int) -> Connector:
        """The connector of an installation; tokens are at most a minute old. Raises ``Installation.DoesNotExist``."""
        if installation not in self._connectors:
            row = await Installation.objects.prefetch_related("tokens").aget(pk=installation)
            self._connectors[installation] = row.connector()
        return self._connectors[installation]

    async def company(self, installation: int) -> Company:
        """Whose an installation is. Raises ``Installation.DoesNotExist``."""
        if installation not in self._companies:
            row = await Installation.objects.select_related("tenant").aget(pk=installation)
            self._companies[installation] = Company(row.tenant_id, row.tenant.name, row.tenant.amends_full_accounts)
        return self._companies[installation]

    async def lost(self, installation: int) -> None:
        """The platform did not accept our tokens: forget them. Whoever comes second finds that done, and may not judge those
        that are in the database by now."""
        if installation in self._connectors:
            held = self._connectors[installation].credentials.tokens
            self._connectors.pop(installation)
            await sync_to_async(refused)(installation, held, "The platform no longer accepts our token.")
