"""What the fake Graph serves, and which permissions suffice for it (reference teams.md §3, §6)."""

from collections.abc import Mapping

_Alternatives = tuple[str, ...]
_READ_TEAM = ("Team.ReadBasic.All", "TeamSettings.Read.All", "TeamSettings.ReadWrite.All")
_READ_CHANNEL = ("Channel.ReadBasic.All", "ChannelSettings.Read.All", "ChannelSettings.ReadWrite.All")
_CHANGE_CHANNEL = ("ChannelSettings.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All")
_READ_CHANNEL_MEMBERS = ("ChannelMember.Read.All", "ChannelMember.ReadWrite.All")
_READ_TEAM_MEMBERS = ("TeamMember.Read.All", "TeamMember.ReadWrite.All")
_ADD_TO_TEAM = ("TeamMember.ReadWriteNonOwnerRole.All", "TeamMember.ReadWrite.All")
_ADD_TO_CHANNEL = ("ChannelMember.ReadWrite.All",)
_CREATE_CHANNEL = ("Channel.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All")
_READ_ALL_USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All")
_READ_GROUPS = ("GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All")
_INVITE = ("User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
_DELETE_USERS = ("User.DeleteRestore.All", "User.ReadWrite.All")
_READ_MESSAGES = ("ChannelMessage.Read.All", "Group.Read.All", "Group.ReadWrite.All")
_SEND = ("ChannelMessage.Send", "Group.ReadWrite.All")
_READ_USERS = ("User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All")
_CHANGE = ("ChannelMessage.ReadWrite", "Group.ReadWrite.All")
_DELETE = ("ChannelMessage.ReadWrite",)
_REACT = ("ChannelMessage.Send",)
_READ_FILES = ("Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All")
_SEE_CHATS = ("Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite")
_READ_CHATS = ("Chat.Read", "Chat.ReadWrite")
_SAY_IN_CHATS = ("ChatMessage.Send", "Chat.ReadWrite")
_HEAR_CHANNELS = ("ChannelMessage.Read.All", "Channel.ReadBasic.All", "User.Read.All")
_HEAR, _HEAR_AS_PERSON = (*_HEAR_CHANNELS, "Chat.Read.All"), (*_HEAR_CHANNELS, *_READ_CHATS)
_WRITE_FILES = ("Files.ReadWrite.All", "Sites.ReadWrite.All")
MESSAGES = "/teams/{team-id}/channels/{channel-id}/messages"
MESSAGE = MESSAGES + "/{chatMessage-id}"
CHAT_MESSAGES = "/chats/{chat-id}/messages"
CHAT_MESSAGE = CHAT_MESSAGES + "/{chatMessage-id}"
_CHANNEL_MEMBERS = "/teams/{team-id}/channels/{channel-id}/members"

PERMISSIONS: Mapping[tuple[str, str], tuple[_Alternatives, _Alternatives]] = {
    ("GET", "/me"): (("User.Read", *_READ_USERS), ()),
    ("GET", "/me/joinedTeams"): (_READ_TEAM, ()),
    ("GET", "/me/transitiveMemberOf"): (("User.Read", "Directory.Read.All"), ()),
    ("GET", "/organization"): (("User.Read", "Organization.Read.All"), ("Organization.Read.All", "User.Read.All")),
    ("GET", "/users"): (_READ_USERS, _READ_USERS),
    ("GET", "/users/delta()"): (_READ_ALL_USERS, _READ_ALL_USERS),
    ("GET", "/users/{user-id}/licenseDetails/getTeamsLicensingDetails()"): (("User.Read",), ()),
    ("GET", "/groups"): (_READ_GROUPS, _READ_GROUPS),
    ("GET", "/groups/{group-id}/transitiveMembers"): (_READ_GROUPS, _READ_GROUPS),
    ("GET", "/chats"): (_SEE_CHATS, ()),
    ("POST", "/chats"): (("Chat.Create", "Chat.ReadWrite"), ()),
    ("GET", "/chats/{chat-id}"): (_SEE_CHATS, ("Chat.ReadBasic.All", "Chat.Read.All")),
    ("GET", "/chats/{chat-id}/members"): ((*_SEE_CHATS, "ChatMember.Read"), ("ChatMember.Read.All", "Chat.Read.All")),
    ("POST", "/chats/{chat-id}/members"): (("ChatMember.ReadWrite", "Chat.ReadWrite"), ("ChatMember.ReadWrite.All",)),
    ("GET", CHAT_MESSAGES): (_READ_CHATS, ("Chat.Read.All",)),
    ("POST", CHAT_MESSAGES): (_SAY_IN_CHATS, ()),
    ("GET", CHAT_MESSAGE): (_READ_CHATS, ("Chat.Read.All",)),
    ("PATCH", CHAT_MESSAGE): (("Chat.ReadWrite",), ()),
    ("POST", CHAT_MESSAGE + "/setReaction"): (_SAY_IN_CHATS, ()),
    ("POST", CHAT_MESSAGE + "/unsetReaction"): (_SAY_IN_CHATS, ()),
    ("GET", CHAT_MESSAGE + "/hostedContents/{chatMessageHostedContent-id}/$value"): (_READ_CHATS, ("Chat.Read.All",)),
    ("POST", "/users/{user-id}" + CHAT_MESSAGE + "/softDelete"): (("Chat.ReadWrite",), ()),
    ("POST", "/users/{user-id}" + CHAT_MESSAGE + "/undoSoftDelete"): (("Chat.ReadWrite",), ()),
    ("GET", "/users/{user-id}/drive"): (_READ_FILES, _READ_FILES),
    ("GET", "/subscriptions"): (_HEAR_AS_PERSON, _HEAR),
    ("POST", "/subscriptions"): (_HEAR_AS_PERSON, _HEAR),
    ("PATCH", "/subscriptions/{subscription-id}"): (_HEAR_AS_PERSON, _HEAR),
    ("DELETE", "/subscriptions/{subscription-id}"): (_HEAR_AS_PERSON, _HEAR),
    ("POST", "/invitations"): (_INVITE, _INVITE),
    ("DELETE", "/users/{user-id}"): (_DELETE_USERS, _DELETE_USERS),
    ("GET", "/users/{user-id}"): (("User.Read", *_READ_USERS), _READ_USERS),
    ("GET", "/teams"): (_READ_TEAM, _READ_TEAM),
    ("GET", "/teams/{team-id}"): (_READ_TEAM, _READ_TEAM),
    ("GET", "/teams/{team-id}/members"): (_READ_TEAM_MEMBERS, _READ_TEAM_MEMBERS),
    ("POST", "/teams/{team-id}/members"): (_ADD_TO_TEAM, _ADD_TO_TEAM),
    ("POST", "/teams/{team-id}/members/add"): (_ADD_TO_TEAM, _ADD_TO_TEAM),
    ("DELETE", "/teams/{team-id}/members/{conversationMember-id}"): (_ADD_TO_TEAM, _ADD_TO_TEAM),
    ("POST", "/teams/{team-id}/channels"): (_CREATE_CHANNEL, _CREATE_CHANNEL),
    ("POST", _CHANNEL_MEMBERS): (_ADD_TO_CHANNEL, _ADD_TO_CHANNEL),
    ("POST", _CHANNEL_MEMBERS + "/add"): (_ADD_TO_CHANNEL, _ADD_TO_CHANNEL),
    ("DELETE", _CHANNEL_MEMBERS + "/{conversationMember-id}"): (_ADD_TO_CHANNEL, _ADD_TO_CHANNEL),
    ("GET", "/teams/{team-id}/channels"): (_READ_CHANNEL, _READ_CHANNEL),
    ("GET", "/teams/{team-id}/channels/{channel-id}"): (_READ_CHANNEL, _READ_CHANNEL),
    ("PATCH", "/teams/{team-id}/channels/{channel-id}"): (_CHANGE_CHANNEL, _CHANGE_CHANNEL),
    ("GET", "/teams/{team-id}/channels/{channel-id}/members"): (_READ_CHANNEL_MEMBERS, _READ_CHANNEL_MEMBERS),
    ("GET", MESSAGES): (_READ_MESSAGES, _READ_MESSAGES),
    ("POST", MESSAGES): (_SEND, ()),
    ("GET", MESSAGE + "/replies"): (_READ_MESSAGES, _READ_MESSAGES),
    ("POST", MESSAGE + "/replies"): (_SEND, ()),
    ("GET", "/teams/{team-id}/channels/{channel-id}/filesFolder"): (_READ_FILES, _READ_FILES),
    ("PUT", "/drives/{drive-id}/items/{driveItem-id}:/{fileName}:/content"): (_WRITE_FILES, _WRITE_FILES),
    ("GET", "/shares/{sharedDriveItem-id}/driveItem/content"): (_READ_FILES, _READ_FILES),
} | {
    (method, message + action): permissions
    for message in (MESSAGE, MESSAGE + "/replies/{chatMessage-id1}")
    for method, action, permissions in (
        ("GET", "", (_READ_MESSAGES, _READ_MESSAGES)),
        ("PATCH", "", (_CHANGE, ())),
        ("POST", "/softDelete", (_DELETE, ())),
        ("POST", "/undoSoftDelete", (_DELETE, ())),
        ("POST", "/setReaction", (_REACT, ())),
        ("POST", "/unsetReaction", (_REACT, ())),
        ("GET", "/hostedContents/{chatMessageHostedContent-id}/$value", (_READ_MESSAGES, _READ_MESSAGES)),
    )
}
"""Endpoints that are served, with what suffices for a signed-in person and for an application on its own."""
