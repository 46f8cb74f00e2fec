"""The events that an app subscribes to, and the scope that each one takes (§2.6 to §2.9, §2.11). Pure."""

from collections.abc import Collection, Mapping

_MESSAGES = "chat_message:read:admin"
_CHANNELS = "chat_channel:read:admin"
_RICH = "chat:read:admin"
_PEOPLE = "user:read:admin"

_OLD_FAMILY = "chat_message."

NEEDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("chat_message.sent", "chat_message.replied", "chat_message.updated", "chat_message.deleted"), _MESSAGES
    ),
    "team_chat.channel_message_posted": _RICH,
    "team_chat.channel_message_updated": _RICH,
    "team_chat.channel_message_deleted": _RICH,
    "team_chat.channel_reaction_added": _RICH,
    "team_chat.channel_reaction_removed": _RICH,
    "team_chat.channel_archived": _RICH,
    "team_chat.channel_unarchived": _RICH,
    "chat_channel.member_invited": _CHANNELS,
    "chat_channel.member_joined": _CHANNELS,
    "chat_channel.member_left": _CHANNELS,
    "chat_channel.member_removed": _CHANNELS,
    "chat_channel.updated": _CHANNELS,
    "chat_channel.created": _CHANNELS,
    "chat_channel.deleted": _CHANNELS,
    **dict.fromkeys(
        (
            *("user.created", "user.updated", "user.activated", "user.invitation_accepted"),
            *("user.deactivated", "user.deleted", "user.disassociated"),
        ),
        _PEOPLE,
    ),
}
"""By the event's name, for the account's app. What the chatbot is told, and the end of a consent, need no subscription
(§1.7, §2.10)."""

OF_PEOPLE: Mapping[str, str] = {
    **{name: "chat_message:read" for name in NEEDS if name.startswith(_OLD_FAMILY)},
    "team_chat.dm_reaction_added": "chat:read",
    "team_chat.dm_reaction_removed": "chat:read",
}
"""The same for the app of people, which is told of those who consented: of messages by one family, whatever the scopes."""


def events_of_people(scopes: Collection[str]) -> list[str]:
    """What the app of people subscribes to with these scopes."""
    return [name for name, scope in OF_PEOPLE.items() if scope in scopes]


def events(scopes: Collection[str]) -> list[str]:
    """What an app with these scopes subscribes to. Of the two families that tell of messages, the one that says more."""
    rich = _RICH in scopes
    return [name for name, scope in NEEDS.items() if scope in scopes and not (rich and name.startswith(_OLD_FAMILY))]
