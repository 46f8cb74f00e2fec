"""What waited for a connection goes on."""

from django.utils import timezone

from accounts.models import Subscription
from relay.models import ConversationLink


def resume(installation: int) -> int:
    """Let an installation's mailboxes, and those of messages that come from it, try again now; how many there are.

    The sweep finds them within two seconds; a worker that rests for one looks within a minute. Nothing that waited was lost.
    Orders may have ended with the permission, so all are seen to anew.
    """
    Subscription.objects.filter(installation=installation).update(renew_at=timezone.now())
    conversations = ConversationLink.objects.filter(installation=installation).values("conversation")
    return ConversationLink.objects.filter(conversation__in=conversations).update(not_before=None)
