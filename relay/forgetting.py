"""Forgetting what was known of the messages of channels that were unsynced some time ago."""

from datetime import timedelta

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from accounts.emptying import empty
from relay.models import ConversationLink, RelayedMessage, UniversalConversation

GRACE = timedelta(days=30)
"""How long an unsynced channel can be synced again as if nothing had been: whoever unsynced by mistake notices within a
month, and nobody edits a message that is older."""

log = structlog.get_logger(__name__)


def due() -> QuerySet[UniversalConversation]:
    """What was unsynced so long ago that it is not revived any more."""
    return UniversalConversation.objects.filter(ended_at__lte=timezone.now() - GRACE).order_by("pk")


def forget(pk: int) -> None:
    """Delete an ended conversation with all that is known of it, in small steps; may be run again if it was interrupted."""
    for conversation in due().filter(pk=pk):
        empty(RelayedMessage, "conversation", [pk])
        empty(ConversationLink, "conversation", [pk])
        conversation.delete()
        log.info("conversation_forgotten", conversation=pk)
