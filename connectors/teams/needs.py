"""What calls about messages need, by the kind of conversation (reference teams.md §6)."""

from dataclasses import dataclass

from connectors.messages import ConversationId
from connectors.teams.ids import is_channel


@dataclass(frozen=True, slots=True)
class Needs:
    """``kind`` is the word for it in the names of rate limits. Of permissions any one suffices; reading is the
    application's affair, and a person's own where the token is theirs."""

    kind: str
    read: tuple[str, ...]
    send: tuple[str, ...]
    change: tuple[str, ...]


CHANNEL = Needs("channel", ("ChannelMessage.Read.All",), ("ChannelMessage.Send",), ("ChannelMessage.ReadWrite",))
CHAT = Needs("chat", ("Chat.Read.All", "Chat.ReadWrite"), ("Chat.ReadWrite",), ("Chat.ReadWrite",))


def needs(conversation: ConversationId) -> Needs:
    """What it takes in this one."""
    return CHANNEL if is_channel(conversation) else CHAT
