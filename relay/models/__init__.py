from relay.models.activity import ActiveAccount, DailySpeaker, DailyTraffic, LinkPulse, RollupMark
from relay.models.channels import PlannedLeg
from relay.models.companies import ChannelInvitation, Participation
from relay.models.conversations import ConversationLink, DirectMember, UniversalConversation
from relay.models.decisions import Decision
from relay.models.memberships import MembershipChange
from relay.models.messages import MessageCopy, Reaction, RelayedMessage
from relay.models.post_office import Attempt, DailyCount, Delivery, Discard, InboundEvent, Outcome, Shard

__all__ = [
    "ActiveAccount",
    "Attempt",
    "ChannelInvitation",
    "ConversationLink",
    "DailyCount",
    "DailySpeaker",
    "DailyTraffic",
    "Decision",
    "Delivery",
    "DirectMember",
    "Discard",
    "InboundEvent",
    "LinkPulse",
    "MembershipChange",
    "MessageCopy",
    "Outcome",
    "Participation",
    "PlannedLeg",
    "Reaction",
    "RelayedMessage",
    "RollupMark",
    "Shard",
    "UniversalConversation",
]
