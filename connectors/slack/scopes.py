"""The permissions that our app may ask for at Slack: the published lists, and what they lack (reference §6)."""

from functools import partial

from connectors.consent import Preset, Purpose, Scope
from connectors.slack.scopes_of_people import OF_PEOPLE

_bot = partial(Scope, purpose=Purpose.CONNECT, token="bot")  # noqa: S106 (a kind of token, not one)

_OF_THE_APP = (
    _bot(
        "app_mentions:read",
        description="See messages that mention our app, where it is present",
        use_case="People mention the app to ask it for help",
        why="Nobody would get an answer by mentioning the app.",
        disables="Commands by mention",
    ),
    _bot(
        "channels:history",
        description="Read what is said in public channels that our app was added to",
        use_case="To carry messages to Microsoft Teams, Webex and Zoom",
        why="Nothing said in a public channel would reach the other platforms.",
        disables="Public channels",
        note="Published as “Microsoft Team”; Microsoft Teams is meant.",
    ),
    _bot(
        "channels:manage",
        description="Manage the public channels that our app was added to, and make new ones",
        use_case="To make channels, bring people into them, and keep names and topics the same on every platform",
        why="Public channels could not be made from here, and neither people nor a new name or topic would follow.",
        disables="Making public channels, their members, names and topics",
    ),
    _bot(
        "channels:read",
        description="See the names and members of the workspace's public channels",
        use_case="To list the channels that can be joined with others, and to know who is in them",
        why="No public channel could be chosen, nobody could ask who is in one, and who joins or leaves would not be seen.",
        disables="The list of public channels and their members",
    ),
    _bot(
        "commands",
        description="Offer a slash command",
        use_case="People ask for help, or who is in a conversation, by the app's slash command",
        why="The slash command would not exist; mentioning the app would be the only way to ask.",
        disables="The slash command",
    ),
    _bot(
        "files:read",
        description="See the files shared where our app was added",
        use_case="To carry files to the other platforms",
        why="A file shared in Slack would not cross, and we could not see whether one of ours arrived.",
        disables="Files",
    ),
    _bot(
        "files:write",
        description="Upload, change and delete files as our app",
        use_case="To post files that people share on the other platforms",
        why="A file shared elsewhere would not arrive in Slack.",
        disables="Files from other platforms",
    ),
    _bot(
        "groups:history",
        description="Read what is said in private channels that our app was added to",
        use_case="To carry messages to private conversations on Microsoft Teams, Webex and Zoom",
        why="Nothing said in a private channel would reach the other platforms.",
        disables="Private channels",
        note="Published as “Microsoft Team”; Microsoft Teams is meant.",
    ),
    _bot(
        "groups:read",
        description="See the names and members of private channels that our app was added to",
        use_case="To list those that can be joined with others, and to know who is in them",
        why="No private channel could be chosen, nobody could ask who is in one, and who joins or leaves would not be seen.",
        disables="The list of private channels and their members",
    ),
    _bot(
        "groups:write",
        description="Manage the private channels that our app was added to, and make new ones",
        use_case="To make private channels, bring people into them, and keep names and topics the same on every platform",
        why="Private channels could not be made from here, and neither people nor a new name or topic would follow.",
        disables="Making private channels, their members, names and topics",
        note="The published use, posting messages, belongs to chat:write: this scope manages channels.",
    ),
    _bot(
        "im:history",
        description="Read the direct messages between people and our app",
        use_case="To hear what people ask the app in a direct message",
        why="The app would not hear what is said to it in a direct message.",
        disables="Commands in direct messages",
    ),
    _bot(
        "im:read",
        description="See which direct messages people have with our app",
        use_case="To know who is asking when the app is used in a direct message",
        why="Nobody could ask in a direct message who takes part in it.",
        disables="Members of direct messages",
    ),
    _bot(
        "im:write",
        description="Start direct messages with people",
        use_case="To welcome who connected the workspace, and to write to people who use the app",
        why="The welcome message could not be sent.",
        disables="The welcome message",
    ),
    _bot(
        "reactions:read",
        description="See emoji reactions, and what they were put on, where our app was added",
        use_case="To carry reactions to the other platforms",
        why="Reactions put on in Slack would not be seen elsewhere.",
        disables="Reactions from Slack",
    ),
    _bot(
        "reactions:write",
        description="Put emoji reactions on messages, and take them back",
        use_case="To show reactions that people put on elsewhere",
        why="Reactions put on elsewhere would not be seen in Slack.",
        disables="Reactions from other platforms",
    ),
    _bot(
        "users:read",
        description="See the people of the workspace",
        use_case="To put names to messages, to know who connected the app, and to list the people of the workspace",
        why="Messages would reach the other platforms without their author's name, and nobody could be listed.",
    ),
    _bot(
        "users:read.email",
        description="See the e-mail addresses of the people of the workspace",
        use_case="To recognise the same person on several platforms and in several workspaces",
        why="Accounts of one person would not be recognised as one, so mentions would not reach them.",
        disables="Matching people by e-mail address",
    ),
    _bot(
        "chat:write",
        description="Post, change and delete messages as our app",
        use_case="To post what people say on the other platforms, and to answer who asks the app",
        why="The app could post nothing at all.",
        note="An addition: the published list has it for people only, and an app without it cannot say a word.",
    ),
    _bot(
        "chat:write.customize",
        preset=Preset.FULL,
        description="Post under another name and picture",
        use_case="To show a message from another platform under its author's name and picture",
        why="Messages would all come from the app, with the author's name in their first line.",
        disables="The author's name and picture as the sender",
        note="An addition: without it Slack ignores names and pictures, and does not say so.",
    ),
    _bot(
        "mpim:history",
        preset=Preset.FULL,
        description="Read the group direct messages that our app was added to",
        use_case="To hear what people ask the app in a group direct message, and to carry what is said there",
        why="The app would be deaf in group direct messages.",
        disables="Group direct messages",
        note="An addition: the published list covers channels and direct messages only.",
    ),
    _bot(
        "mpim:read",
        preset=Preset.FULL,
        description="See the members of group direct messages that our app was added to",
        use_case="To know who is in a group direct message",
        why="Nobody could ask who is in a group direct message.",
        disables="Members of group direct messages",
        note="An addition: the published list covers channels and direct messages only.",
    ),
    _bot(
        "usergroups:read",
        preset=Preset.FULL,
        description="See the user groups of the workspace and who is in them",
        use_case="To keep the people of a user group that an administrator chose represented on the other platforms",
        why="People could not be synced by a user group of Slack; they would be synced one by one or by a file.",
        disables="Auto Sync by user groups of Slack",
        note="An addition: nothing on the published list shows a user group.",
    ),
    _bot(
        "channels:join",
        preset=Preset.FULL,
        description="Join public channels of the workspace",
        use_case="To come into a public channel that an administrator chose to join with others",
        why="Somebody would have to invite the app into every channel.",
        disables="Joining public channels by itself",
        note="An addition: channels:manage does not allow it.",
    ),
)

SCOPES: tuple[Scope, ...] = _OF_THE_APP + OF_PEOPLE
"""In the order of the published lists; additions follow."""
