"""What a tenant's settings mean for its conversations."""

from collections.abc import Mapping
from typing import Any

from accounts.models import Tenant
from relay.models import ConversationLink

SWITCHES = {"shows_notices": "shows_notices", "shares_files": "allows_files"}
"""A tenant's setting, and the switch of each of its links that it turns."""


def obey(tenant: Tenant, changed: Mapping[str, Any]) -> None:
    """Turn the switches that go with ``changed`` settings, on all legs on the tenant's platforms. Ignores other settings.

    In direct chats nothing is ever told but what people say.
    """
    legs = ConversationLink.objects.filter(installation__tenant=tenant)
    for setting in SWITCHES.keys() & changed.keys():
        concerned = legs.filter(heard_by=None) if setting == "shows_notices" else legs
        concerned.update(**{SWITCHES[setting]: changed[setting]})
