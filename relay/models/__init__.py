from relay.models.conversations import ConversationLink, UniversalConversation
from relay.models.messages import MessageCopy, RelayedMessage
from relay.models.post_office import Attempt, Delivery, Discard, DiscardCount, InboundEvent, Outcome, Shard

__all__ = [
    "Attempt",
    "ConversationLink",
    "Delivery",
    "Discard",
    "DiscardCount",
    "InboundEvent",
    "MessageCopy",
    "Outcome",
    "RelayedMessage",
    "Shard",
    "UniversalConversation",
]
