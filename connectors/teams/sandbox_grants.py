"""What tokens of the sandbox may do: those that stand from the beginning, and those of a person's consent."""

from connectors.consent import Preset, Purpose, wanted
from connectors.sandbox import digest
from connectors.teams.sandbox_entra import ASSUMED, Grant
from connectors.teams.scopes import SCOPES

APP_ROLES = frozenset(
    {
        "Channel.ReadBasic.All",
        "ChannelMember.Read.All",
        "ChannelMessage.Read.All",
        "Organization.Read.All",
        "Team.ReadBasic.All",
        "TeamMember.Read.All",
        "User.Read.All",
        "User.Invite.All",
        "Files.Read.All",
        "Chat.Read.All",
        "GroupMember.Read.All",
    }
)
SERVICE_SCOPES = frozenset(
    {
        "openid",
        "profile",
        "offline_access",
        "User.Read",
        "ChannelMessage.Send",
        "ChannelMessage.ReadWrite",
        "ChannelSettings.ReadWrite.All",
        "Channel.Create",
        "Chat.ReadWrite",
        "ChannelMember.ReadWrite.All",
        "TeamMember.ReadWriteNonOwnerRole.All",
        "Files.ReadWrite.All",
        "User.DeleteRestore.All",
    }
)
PERSON_SCOPES = SERVICE_SCOPES - {"User.DeleteRestore.All", "Chat.ReadWrite"} | {
    "Chat.Create",
    "Chat.Read",
    "ChatMessage.Send",
    "Channel.ReadBasic.All",
    "ChannelMember.Read.All",
    "ChannelMessage.Read.All",
    "Team.ReadBasic.All",
    "TeamMember.Read.All",
    "User.Read.All",
    "User.ReadBasic.All",
}
"""What a person's own client holds. It is no consent to our app: ``Chat.ReadWrite`` is what that is known by."""


def registered(token: str) -> frozenset[str]:
    """What stands in our app's registration: the full set, of one kind of token."""
    asked = [scope for each in (Purpose.CONNECT, Purpose.MESSAGES) for scope in wanted(SCOPES, each, Preset.FULL)]
    return frozenset(scope.name for scope in asked if scope.token == token)


def token_of(owner: str) -> str:
    """A token that stands from the beginning: of a user, or of the app."""
    return f"eyJ0eXAi.{digest('teams', 'token', owner)}"


def consent_of(user: str) -> tuple[str, Grant]:
    """The token that our app holds after somebody has agreed to what people are asked for, and what it may do."""
    asked = {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, Preset.PUBLISHED)}
    return token_of(f"consent of {user}"), Grant(frozenset(asked) | ASSUMED, user)
