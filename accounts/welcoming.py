"""The one welcome message that a member gets from the app, on the first platform that can bring it."""

import requests
import structlog
from django.conf import settings

from accounts.models import Installation, Membership
from accounts.writing import spokesman
from connectors.consent import Greets
from connectors.errors import ConnectorError, TryAgain, Unsure
from connectors.http import drive_blocking, over_requests
from connectors.messages import AccountId, Button
from connectors.richtext import BulletList, Document, Paragraph, Style, Text, document

log = structlog.get_logger(__name__)

PURPOSE = "It lets people on Slack, Microsoft Teams, Webex and Zoom talk to each other."
COMMANDS = {
    "help": "what I can do",
    "create": "share a channel with another company",
    "invite": "invite people of other companies to it",
    "members": "who is in a shared channel, and on which platform",
}
"""What the app can be asked, as ``relay.commands`` answers it."""


def welcome(membership: Membership, platform: str, account: str) -> bool:
    """Greet a member in a direct message to their ``account`` on ``platform``, unless they were greeted before.

    Whoever sets ``welcomed_on`` sends. It is taken back where nothing went out, and stays where that is not known: a second
    greeting would be worse than none. Raises ``TryAgain`` where it may be tried later.
    """
    installation = Installation.objects.filter(tenant=membership.tenant, platform=platform).first()
    connector = spokesman(platform, installation)
    if not isinstance(connector, Greets) or not _claim(membership, platform):
        return False
    try:
        with requests.Session() as session:
            hub = Button("Open the Hub", f"{settings.MIO_BASE_URL}/t/{membership.tenant.key}/")
            calls = connector.greet(AccountId(account), greeting(membership), (hub,))
            drive_blocking(calls, over_requests(session), connector.credentials, settings.MIO_SANDBOX_URL)
    except Unsure:
        log.warning("welcome in doubt", platform=platform, membership=membership.pk)
        return False
    except ConnectorError as error:
        Membership.objects.filter(pk=membership.pk).update(welcomed_on="")
        log.warning("welcome not sent", platform=platform, membership=membership.pk, error=type(error).__name__)
        if isinstance(error, TryAgain):
            raise
        return False
    return True


def greeting(membership: Membership) -> Document:
    """Greets by name, names the organization, lists the commands."""
    tenant, name = membership.tenant, membership.user.first_name
    hello = [Text(f"Hello{' ' + name if name else ''}! "), Text(tenant.name, Style.BOLD)]
    return document(
        [
            Paragraph((*hello, Text(f" now uses {tenant.product_name}."))),
            Paragraph((Text(f"{PURPOSE} You can ask me:"),)),
            BulletList(tuple((_command(tenant.command_name, word, what),) for word, what in COMMANDS.items())),
            Paragraph((Text("Everything is set up in the Hub."),)),
        ]
    )


def _command(command: str, word: str, what: str) -> Paragraph:
    return Paragraph((Text(f"/{command} {word}", Style.CODE), Text(f": {what}")))


def _claim(membership: Membership, platform: str) -> bool:
    return bool(Membership.objects.filter(pk=membership.pk, welcomed_on="").update(welcomed_on=platform))
