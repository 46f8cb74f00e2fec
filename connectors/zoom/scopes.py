"""What the Hub asks of Zoom and why: the published tables with their misprints corrected, and our additions (§6).

Apps registered since April 2024 know granular names only, older ones the classic names listed here (§1.6). ``GRANULAR``
says which of the new rights make up what we use of an old one; it holds nothing that we do not use.
"""

from collections.abc import Iterable, Mapping

from connectors.consent import Preset, Purpose, Scope

ADMIN = "admin"
"""The kind of token that speaks for the whole account: the admin-managed app's (§0)."""
BOT = "bot"
"""The chatbot's own kind, of the client credentials grant; no other may speak for it."""
USER = "user"
"""The kind of token that speaks for one person: the user-managed app's."""

_PUBLICATION = "Zoom publishing it"
_UNPUBLISHED = "Not requested: Zoom's public list has no such scope, so no app can be registered with it."
_SWAPPED = (
    "Its description and use case were printed beside the other chat scope of this table, and are exchanged here."
)

SCOPES: tuple[Scope, ...] = (
    Scope(
        "chat_channel:read:admin", Purpose.CONNECT, ADMIN,
        description="See the account's channels, their details and who is in them.",
        use_case="To import channels and who is in them, and to hear when channels or their members change.",
        why="The Hub could neither import Zoom's channels nor tell who is in one, and would not hear of changes.",
        note='Printed with the use case "read channel messages", which is what chat_message:read:admin is for.',
        disables="Importing Zoom channels and their members, and notices of joining, leaving and renaming",
    ),
    Scope(
        "chat_channel:read:member", Purpose.CONNECT, ADMIN,
        description="See the details of one channel, or the channels of one person, as a member.",
        use_case="To read who is in a channel.",
        why="Nothing: chat_channel:read:admin covers it.",
        note=_UNPUBLISHED.replace("has no such scope", "ties it to mention groups alone, which the Hub does not use"),
        awaits=_PUBLICATION,
    ),
    Scope(
        "chat_channel:write:admin", Purpose.CONNECT, ADMIN,
        description="Create, change and delete channels, and invite or remove their members.",
        use_case="To create the Zoom side of a synced channel, and to keep its name and its members the same everywhere.",
        why="Synced channels would have to be made in Zoom by hand, and their name and members kept the same by hand.",
        disables="Creating and renaming Zoom channels, and adding and removing their members",
    ),
    Scope(
        "chat_message:read:admin", Purpose.CONNECT, ADMIN,
        description="Find and read messages and shared files in the account's channels and chats.",
        use_case="To hear what is said in synced channels and carry it to the other platforms.",
        why="The Hub would not hear what is said in Zoom.",
    ),
    Scope(
        "chat_message:read:member", Purpose.CONNECT, ADMIN,
        description="Find and read messages and shared files as a member of a channel or chat.",
        use_case="To hear what is said in synced channels and carry it to the other platforms.",
        why="Nothing: chat_message:read:admin covers it.",
        note=_UNPUBLISHED,
        awaits=_PUBLICATION,
    ),
    Scope(
        "chat_message:write:admin", Purpose.CONNECT, ADMIN,
        description="Send, change and delete messages, react to them, and bring files, for users of the account.",
        use_case="To say in Zoom what was said elsewhere: messages, edits, deletions, reactions and files.",
        why="Nothing could be posted in Zoom.",
        note="Addition: the published table has no scope to post with but the chatbot's, which can neither mention people "
        "nor carry formatting, reactions and files.",
    ),
    Scope(
        "chat:read:admin", Purpose.CONNECT, ADMIN,
        description="Be told of messages as they look, of reactions and files, and of what people outside the account say.",
        use_case="To carry formatting, mentions, files and reactions, and what guests from other Zoom accounts say.",
        why="The Hub would hear plain text only, and only from people of your own account.",
        preset=Preset.FULL,
        note="Addition: the published scopes announce plain text alone.",
        disables="Formatting, mentions, files and reactions from Zoom, people of other Zoom accounts, and archiving",
    ),
    Scope(
        "imchat:bot", Purpose.CONNECT, BOT,
        description="Send messages as the app's chatbot.",
        use_case="To answer commands so that only the asker reads it, and to welcome whoever connects Zoom.",
        why="Answers to commands would be read by the whole channel, and nobody would be welcomed.",
        disables="Private answers to commands, and the welcome message",
    ),
    Scope(
        "imchat:bot_member", Purpose.CONNECT, BOT,
        description="Let the chatbot be a member of channels.",
        use_case="To add the chatbot to a channel.",
        why="Nothing: today this is a setting of the app, which our manifest switches on.",
        note=_UNPUBLISHED,
        awaits=_PUBLICATION,
    ),
    Scope(
        "user:read:admin", Purpose.CONNECT, ADMIN,
        description="See the profiles and settings of the account's users.",
        use_case="To know whose account was connected, to import the account's people, and to hear when they change.",
        why="The Hub could not tell which account was connected, nor who wrote a message, nor import people.",
    ),
    Scope(
        "chat_message:write", Purpose.MESSAGES, USER,
        description="Send, change and delete one's own messages, react, and mark messages as read or unread.",
        use_case="To send, change, delete and react to direct messages as the person.",
        why="Nobody's direct messages could be posted in Zoom in their own name.",
        note=_SWAPPED,
    ),
    Scope(
        "chat_message:read", Purpose.MESSAGES, USER,
        description="Find and read one's own messages and the files shared in them.",
        use_case="To hear the direct messages of the person, and read the files sent in them.",
        why="Direct messages written in Zoom would not be heard.",
        note=f"Printed as chat_messages:read, which does not exist. {_SWAPPED}",
    ),
    Scope(
        "chat:read", Purpose.MESSAGES, USER,
        description="Be told of one's own messages as they look, and of reactions and files.",
        use_case="To carry reactions to direct messages.",
        why="Reactions to direct messages would not be heard.",
        preset=Preset.FULL,
        note="Addition: the published scopes announce messages alone.",
        disables="Reactions to direct messages from Zoom",
    ),
    Scope(
        "chat_channel:read", Purpose.MESSAGES, USER,
        description="See the person's own channels and group chats, and who is in them.",
        use_case="To know who is in a group chat of the person, and who wrote a message there.",
        why="Group chats could not be carried.",
        preset=Preset.FULL,
        note="Addition: the published scopes reach chats of two people alone.",
        disables="Group chats in Zoom",
    ),
    Scope(
        "chat_channel:write", Purpose.MESSAGES, USER,
        description="Create and change the person's own channels and group chats, and invite people to them.",
        use_case="To open the group chat that the person takes part in elsewhere, and to bring people into it.",
        why="Group chats could not be carried.",
        preset=Preset.FULL,
        note="Addition: the published scopes reach chats of two people alone.",
        disables="Group chats in Zoom",
    ),
    Scope(
        "chat_contact:read", Purpose.MESSAGES, USER,
        description="See the person's own contacts.",
        use_case="To learn the e-mail addresses by which Zoom takes people into a group chat.",
        why="Group chats could not be carried.",
        preset=Preset.FULL,
        note="Addition: the published scopes reach chats of two people alone.",
        disables="Group chats in Zoom",
    ),
    Scope(
        "user:read", Purpose.MESSAGES, USER,
        description="See one's own profile and settings.",
        use_case="To know whose account it is.",
        why="The Hub could not tell whose consent it was given.",
    ),
    Scope(
        "user_info:read", Purpose.MESSAGES, USER,
        description="See who is signed in.",
        use_case="To know whose account it is.",
        why="Nothing where user:read is granted: either one suffices.",
        awaits="User Sync without user:read",
    ),
    Scope(
        "user:read", Purpose.FILES, USER,
        description="See one's own profile and settings.",
        use_case="To know who opens a shared file, before it is shown.",
        why="A shared file could be opened by anybody who has its link.",
        note="Printed as account-level. It is a user-level scope, of the app that people authorise for themselves; its "
        "account-level namesake is user:read:admin.",
        awaits="Opening shared files",
    ),
)  # fmt: skip

GRANULAR: Mapping[str, frozenset[str]] = {
    "chat_channel:read:admin": frozenset(
        {
            *("team_chat:read:channel:admin", "team_chat:read:list_members:admin", "team_chat:read:user_channel:admin"),
            *("team_chat:read:list_user_channels:admin", "team_chat:read:list_channels:admin"),
        }
    ),
    "chat_channel:write:admin": frozenset(
        {
            *("team_chat:update:user_channel:admin", "team_chat:write:user_channel:admin"),
            *("team_chat:write:members:admin", "team_chat:delete:member:admin"),
        }
    ),
    "chat_message:read:admin": frozenset(
        {"team_chat:read:list_user_messages:admin", "team_chat:read:user_message:admin"}
    ),
    "chat_message:write:admin": frozenset(
        {
            *("team_chat:write:user_message:admin", "team_chat:update:user_message:admin"),
            *("team_chat:delete:user_message:admin", "team_chat:update:message_emoji:admin"),
            *("team_chat:write:files:admin", "team_chat:write:message_files:admin"),
        }
    ),
    "chat:read:admin": frozenset(
        {
            *("team_chat:read:user_message:admin", "team_chat:read:message_emoji:admin"),
            "team_chat:read:archive_channels:admin",
        }
    ),
    "user:read:admin": frozenset({"user:read:user:admin", "user:read:list_users:admin"}),
    "chat_message:write": frozenset(
        {"team_chat:write:user_message", "team_chat:update:user_message", "team_chat:delete:user_message"}
        | {"team_chat:update:message_emoji", "team_chat:write:files", "team_chat:write:message_files"}
    ),
    "chat_message:read": frozenset({"team_chat:read:list_user_messages", "team_chat:read:user_message"}),
    "chat:read": frozenset({"team_chat:read:message_emoji"}),
    "chat_channel:read": frozenset({"team_chat:read:user_channel", "team_chat:read:list_members"}),
    "chat_channel:write": frozenset({"team_chat:write:user_channel", "team_chat:write:members"}),
    "chat_contact:read": frozenset({"team_chat:read:contact"}),
    "user:read": frozenset({"user:read:user"}),
    "user_info:read": frozenset({"user:read:user"}),
}
"""By classic name, for the scopes we ask for; ``imchat:bot`` has kept its name."""


def granular(names: Iterable[str]) -> list[str]:
    """The names under which an app of today is registered for the same rights."""
    return sorted(set().union(*(GRANULAR.get(name, {name}) for name in names)))


def known(names: frozenset[str]) -> frozenset[str]:
    """``names`` as granted, with the classic scopes whose every right is among them."""
    return names | {classic for classic, rights in GRANULAR.items() if rights <= names}
