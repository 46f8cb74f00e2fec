from relay.models.companies import ChannelInvitation, Participation
from relay.models.conversations import ConversationLink, UniversalConversation
from relay.models.messages import MessageCopy, Reaction, RelayedMessage
from relay.models.post_office import Attempt, DailyCount, Delivery, Discard, InboundEvent, Outcome, Shard

__all__ = [
    "Attempt",
    "ChannelInvitation",
    "ConversationLink",
    "DailyCount",
    "Delivery",
    "Discard",
    "InboundEvent",
    "MessageCopy",
    "Outcome",
    "Participation",
    "Reaction",
    "RelayedMessage",
    "Shard",
    "UniversalConversation",
]
