"""Names of channels (§3.2). Nothing here does I/O. A Zoom channel has neither topic nor description that a call could set.

The right to it is among those that the product publishes for channel sync (``chat_channel:write:admin``).
"""

from connectors.calls import Call, Calls
from connectors.contract import Credentials
from connectors.messages import ConversationId
from connectors.naming import NAMELESS, one_line, shortened
from connectors.zoom.directory import channel_url
from connectors.zoom.judging import judge_saying
from connectors.zoom.scopes import ADMIN

CHANGE = ("chat_channel:write:admin", "team_chat:update:user_channel:admin")

LONGEST_NAME = 256
"""Characters (§3.2)."""

NAME_TAKEN = "Zoom does not take the name: another channel has it"

_renaming = judge_saying(
    {
        300: NAME_TAKEN,
        200: "the service user may not rename this channel: it has to be its owner or an administrator of it",
    }
)


def legal_name(name: str) -> str:
    """``name`` in one line; anything goes but nothing. A legal one stays as it is."""
    return shortened(one_line(name), LONGEST_NAME) or NAMELESS


def rename(credentials: Credentials, conversation: ConversationId, name: str) -> Calls[str]:
    """``PATCH`` of the channel, as the service user; Zoom does not answer with what it took."""
    legal = legal_name(name)
    url = channel_url(credentials, conversation)
    yield Call("PATCH", url, CHANGE, bucket="medium", token=ADMIN, json={"name": legal}, judge=_renaming)
    return legal
