"""Forgetting what was known of the messages of channels that were unsynced some time ago."""

from datetime import timedelta

import structlog
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from accounts.emptying import empty
from relay.models import ConversationLink, RelayedMessage, UniversalConversation

UNINVOLVED = timedelta(minutes=10)
"""How long it is known that a direct chat concerned nobody: so long it is not looked at once more for every message."""
AT_ONCE = 1_000
"""Chats that one statement deletes."""
GRACE = timedelta(days=30)
"""How long an unsynced channel can be synced again as if nothing had been: whoever unsynced by mistake notices within a
month, and nobody edits a message that is older."""

log = structlog.get_logger(__name__)


def due() -> QuerySet[UniversalConversation]:
    """What was unsynced so long ago that it is not revived any more."""
    return UniversalConversation.objects.filter(ended_at__lte=timezone.now() - GRACE).order_by("pk")


_UNINVOLVED = """
WITH gone AS (  -- one that is being taken up again is let be
    SELECT u.id FROM relay_universalconversation u
    WHERE u.kind = 'direct' AND (u.ended_at < %(before)s OR u.created_at < %(before)s
                                 AND NOT EXISTS (SELECT FROM relay_conversationlink l WHERE l.conversation_id = u.id))
      AND NOT EXISTS (SELECT FROM relay_relayedmessage m WHERE m.conversation_id = u.id)
    ORDER BY u.id LIMIT %(most)s FOR UPDATE OF u SKIP LOCKED
), legs AS (
    SELECT l.id FROM relay_conversationlink l JOIN gone ON l.conversation_id = gone.id
), events AS (
    DELETE FROM relay_inboundevent e USING legs WHERE e.link_id = legs.id
), people AS (
    DELETE FROM relay_directmember d USING legs WHERE d.link_id = legs.id
), links AS (
    DELETE FROM relay_conversationlink l USING legs WHERE l.id = legs.id
)
DELETE FROM relay_universalconversation u USING gone WHERE u.id = gone.id
"""


def forget_uninvolved() -> None:
    """Delete direct chats of which nothing ever crossed, and those that were begun twice at the same moment."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_UNINVOLVED, {"before": timezone.now() - UNINVOLVED, "most": AT_ONCE})
            if cursor.rowcount < AT_ONCE:
                return


def forget(pk: int) -> None:
    """Delete an ended conversation with all that is known of it, in small steps; may be run again if it was interrupted."""
    for conversation in due().filter(pk=pk):
        empty(RelayedMessage, "conversation", [pk])
        empty(ConversationLink, "conversation", [pk])
        conversation.delete()
        log.info("conversation_forgotten", conversation=pk)
