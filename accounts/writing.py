"""How our app writes to one person, outside of any conversation that is carried across."""

from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

import connectors
from accounts.asking import ask
from accounts.models import Installation, PlatformAccount
from connectors.consent import Greets
from connectors.contract import Connector, Credentials
from connectors.errors import NotSupported
from connectors.messages import AccountId, Button, WorkspaceId
from connectors.richtext import Document


def spokesman(platform: str, installation: Installation | None) -> Connector | None:
    """Our app on a platform: with the tokens of a tenant's connection, and with the one that is good everywhere."""
    held = installation.credentials() if installation else Credentials(WorkspaceId(""), AccountId(""), {})
    token = getattr(settings.MIO_PLATFORM_APPS.get(platform), "bot_token", "")
    tokens = {**held.tokens, **({"bot": token} if token else {})}
    return connectors.get(platform)(replace(held, tokens=tokens)) if tokens else None


def write_to(account: PlatformAccount, body: Document, buttons: Sequence[Button] = ()) -> None:
    """Say something to one person in a direct message of the app, in the platform's own rich form.

    Raises ``NotSupported`` where the app cannot write to people, and the error family of ``connectors/errors.py``.
    """
    connector = spokesman(account.installation.platform, account.installation)
    if not isinstance(connector, Greets):
        raise NotSupported("the app cannot write to people there")
    ask(connector.greet(AccountId(account.external_id), body, buttons), connector.credentials)
