"""How the fake Graph takes a new name or description of a channel (reference teams.md §3.5)."""

from connectors.teams.sandbox_channels import Channel, Channels
from connectors.teams.sandbox_rules import Denied

LONGEST_NAME, LONGEST_DESCRIPTION = 50, 1024
"""Characters."""
NOT_IN_A_NAME = frozenset("#%&*{}/\\:<>?+|'\"")


def change(channels: Channels, channel: Channel, user: str, sent: object) -> None:
    """What ``PATCH`` of a channel does, and a person in the client: told by Teams in the channel. Raises ``Denied``."""
    if not isinstance(sent, dict) or not sent or not set(sent) <= {"displayName", "description"}:
        raise Denied(400, "BadRequest", "Invalid channel update.")
    if "displayName" in sent:
        check_name(channels, channel.team, sent["displayName"], channel)
        channel.name = sent["displayName"]
        channels.tell(channel, "channelRenamed", user, channelId=channel.id, channelDisplayName=channel.name)
    if "description" in sent:
        told = sent["description"]
        channel.description = described(told)
        channels.tell(channel, "channelDescriptionUpdated", user, channelId=channel.id, channelDescription=told or None)
    channels.heed(channel, "updated")


def check_name(channels: Channels, team: str, name: object, by: Channel | None = None) -> None:
    """Raise ``Denied`` for a name that is not legal, or that another channel of the team has or lately had."""
    legal = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name == name.strip()
    if not isinstance(name, str) or not legal or NOT_IN_A_NAME & set(name) or name[0] in "_.":
        raise Denied(400, "BadRequest", "Channel name is not valid.")
    if channels.is_taken(team, name, by):
        raise Denied(400, "BadRequest", "Channel name already existed, please use other name.")


def described(told: object) -> str:
    """A description as it is kept. Raises ``Denied``."""
    if not isinstance(told, str | None) or len(told or "") > LONGEST_DESCRIPTION:
        raise Denied(400, "BadRequest", "Invalid channel description.")
    return told or ""
