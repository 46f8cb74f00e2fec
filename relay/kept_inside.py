"""Saying something to one person, where nobody else reads it: that their words did not reach everybody in a channel."""

from contextlib import suppress
from typing import Any

import requests
import structlog
from asgiref.sync import sync_to_async
from celery import current_app
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from connectors.consent import Greets
from connectors.errors import ConnectorError, NotSupported
from connectors.http import drive_blocking, over_requests
from connectors.messages import AccountId
from connectors.richtext import Paragraph, Style, Text, document
from relay.models import ConversationLink

log = structlog.get_logger(__name__)

NOT_AGAIN_SECONDS = 24 * 60 * 60
"""How long somebody is not told the same of the same channel: they know, and may go on writing to their colleagues."""

RESTRICTED = (
    "Your organization does not let your messages leave it, so the other companies in this channel cannot read them."
)
UNTRUSTED = "Some of the companies in this channel are not trusted by yours, or do not trust it: they cannot read this."


async def tell_barred(redis: Redis, row: Any, author: str, *, is_restricted: bool) -> None:
    """Have somebody told, once a day, that what they say in the conversation of ``row`` stays inside their company.

    Without Redis they are not told: the message itself does not wait for it.
    """
    with suppress(RedisError, OSError):
        if await redis.set(f"kept-inside:{row.link_id}:{author}", 1, nx=True, ex=NOT_AGAIN_SECONDS):
            told = (row.link_id, author, is_restricted)
            await sync_to_async(current_app.send_task)("relay.tasks.tell_kept_inside", told)


def tell(link: int, account: str, is_restricted: bool) -> None:
    """Write to somebody in a direct message of the app; where that cannot be done it is logged, and the administrators see
    the messages that were kept inside in the counts of what was discarded.
    """
    leg = ConversationLink.objects.prefetch_related("installation__tokens").get(pk=link)
    connector = leg.installation.connector()
    if not isinstance(connector, Greets):
        return
    place = Paragraph((Text("About your message in "), Text(str(leg), Style.BOLD), Text(":")))
    why = Paragraph((Text(f"{RESTRICTED if is_restricted else UNTRUSTED} Your colleagues can."),))
    try:
        with requests.Session() as session:
            calls = connector.greet(AccountId(account), document([place, why]))
            drive_blocking(calls, over_requests(session), connector.credentials, settings.MIO_SANDBOX_URL)
    except (ConnectorError, NotSupported) as error:
        log.warning("author not told", link=link, error=type(error).__name__)
