"""Forgetting what was known of the messages of channels that were unsynced some time ago."""

from datetime import timedelta

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.emptying import empty
from relay.models import ConversationLink, RelayedMessage, UniversalConversation

UNINVOLVED = timedelta(minutes=10)
"""How long it is known that a direct chat concerned nobody: so long it is not looked at once more for every message."""
GRACE = timedelta(days=30)
"""How long an unsynced channel can be synced again as if nothing had been: whoever unsynced by mistake notices within a
month, and nobody edits a message that is older."""

log = structlog.get_logger(__name__)


def due() -> QuerySet[UniversalConversation]:
    """What was unsynced so long ago that it is not revived any more, and direct chats of which nothing ever crossed."""
    now, rows = timezone.now(), UniversalConversation.objects.order_by("pk")
    uninvolved = Q(kind=UniversalConversation.Kind.DIRECT, ended_at__lte=now - UNINVOLVED, messages=None)
    return rows.filter(Q(ended_at__lte=now - GRACE) | uninvolved)


def forget(pk: int) -> None:
    """Delete an ended conversation with all that is known of it, in small steps; may be run again if it was interrupted."""
    for conversation in due().filter(pk=pk):
        empty(RelayedMessage, "conversation", [pk])
        empty(ConversationLink, "conversation", [pk])
        conversation.delete()
        log.info("conversation_forgotten", conversation=pk)
