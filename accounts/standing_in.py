"""Which of a tenant's connections tell who may chat there, and which let us make accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import connectors
from accounts import tokens
from accounts.models import Installation, Tenant
from connectors.errors import Reconnect
from connectors.provisioning import FindsAccounts, ProvisionsAccounts


def asked(tenant: Tenant) -> list[int]:
    """The connections whose platform tells by address who may chat, and that can be asked now."""
    rows = Installation.objects.filter(pk__in=_able(tenant, FindsAccounts), state=Installation.State.CONNECTED)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def makers(tenant: Tenant) -> list[int]:
    """The connections on which we can make accounts for people who have none."""
    return _able(tenant, ProvisionsAccounts)


def makes(installation: Installation) -> str:
    """What an account is that we make there: guest or bot; empty where we cannot."""
    platform = connectors.get(installation.platform)
    return platform.makes if issubclass(platform, ProvisionsAccounts) else ""


def _able(tenant: Tenant, ability: type) -> list[int]:
    rows = Installation.objects.filter(tenant=tenant).order_by("pk")
    return [row.pk for row in rows if issubclass(connectors.get(row.platform), ability)]


@contextmanager
def speaking(installation: Installation) -> Iterator[Any]:
    """Its connector. Where its tokens are refused, they are looked after before ``Reconnect`` goes on its way."""
    connector = installation.connector()
    try:
        yield connector
    except Reconnect as error:
        tokens.refused(installation.pk, connector.credentials.tokens, f"{error}.")
        raise
