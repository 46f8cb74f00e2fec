"""What waited for a connection goes on."""

from relay.models import ConversationLink


def resume(installation: int) -> int:
    """Let an installation's mailboxes, and those of messages that come from it, try again now; how many there are.

    The sweep finds them within two seconds; nothing that waited was lost.
    """
    conversations = ConversationLink.objects.filter(installation=installation).values("conversation")
    return ConversationLink.objects.filter(conversation__in=conversations).update(not_before=None)
