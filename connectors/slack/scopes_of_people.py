"""What a person may allow our app to do for them at Slack (reference §6.2 to §6.4)."""

from functools import partial

from connectors.consent import Preset, Purpose, Scope

_CHANNELS = "Channels without the app"
"""A feature to come: until then its scopes are listed and not asked for. Direct messages do without them."""

_person = partial(Scope, purpose=Purpose.MESSAGES, token="person")  # noqa: S106 (a kind of token)
_later = partial(_person, awaits=_CHANNELS)

OF_PEOPLE = (
    _later(
        "users:read",
        description="See the people of the workspace",
        use_case="To keep track of who is in a channel where the app is not",
        why="People could not be recognised where the app is absent.",
        disables="Directory without the app",
    ),
    _later(
        "channels:history",
        description="Read what is said in the person's public channels",
        use_case="To carry messages to Microsoft Teams, Webex and Zoom",
        why="Public channels without the app could not be carried.",
        disables="Public channels without the app",
    ),
    _later(
        "channels:write",
        description="Manage the person's public channels, and make new ones for them",
        use_case="To make a channel, invite people and the app, and set its name and topic",
        why="The app could not be brought into a public channel for the person.",
        disables="Managing public channels for a person",
        note="The published use, posting messages, belongs to chat:write: this scope manages channels.",
    ),
    _person(
        "chat:write",
        description="Send messages as the person",
        use_case="To post in Slack what the person says on another platform",
        why="Nothing could be said in the person's own name.",
    ),
    _person(
        "files:read",
        description="See the files that the person can see",
        use_case="To carry files to the other platforms",
        why="Files in direct messages would not cross.",
        disables="Files in direct messages",
    ),
    _later(
        "groups:history",
        description="Read what is said in the person's private channels",
        use_case="To carry messages to private conversations on Microsoft Teams, Webex and Zoom",
        why="Private channels without the app could not be carried.",
        disables="Private channels without the app",
    ),
    _later(
        "groups:read",
        description="See the names and members of the person's private channels",
        use_case="To know who is in a private channel that is joined with others",
        why="Members of private channels without the app would be unknown.",
        disables="Members of private channels without the app",
    ),
    _later(
        "groups:write",
        description="Manage the person's private channels, and make new ones for them",
        use_case="To make a channel, invite people and the app, and set its name and topic",
        why="The app could not be brought into a private channel for the person.",
        disables="Managing private channels for a person",
        note="The published use, posting messages, belongs to chat:write: this scope manages channels.",
    ),
    _person(
        "im:history",
        description="Read the person's direct messages",
        use_case="To carry direct messages to people on the other platforms",
        why="Direct messages would not cross.",
        disables="Direct messages",
    ),
    _person(
        "mpim:history",
        description="Read the person's group direct messages",
        use_case="To carry group chats to Microsoft Teams, Webex and Zoom",
        why="Group direct messages would not cross.",
        disables="Group direct messages",
    ),
    _person(
        "mpim:read",
        description="See the members of the person's group direct messages",
        use_case="To post group chats from other platforms to the right people",
        why="Who takes part in a group chat would be unknown.",
        disables="Group direct messages",
    ),
    _person(
        "reactions:read",
        description="See emoji reactions, and what they were put on, in the person's conversations",
        use_case="To carry reactions to the other platforms",
        why="Reactions in direct messages would not cross.",
        disables="Reactions in direct messages",
    ),
    _later(
        "team:read",
        description="See the name, e-mail domain and icon of the person's workspaces",
        use_case="To make sure that the person belongs to the workspace that is connected",
        why="A person of another workspace could not be told apart.",
        disables="Check of the person's workspace",
    ),
    _later(
        "users:read.email",
        description="See the e-mail addresses of the people of the workspace",
        use_case="To recognise the same person on several platforms and in several workspaces",
        why="Accounts of one person would not be recognised as one.",
        disables="Matching people by e-mail address",
        note="Published as “users:read:email”, which does not exist: Slack would refuse the whole request.",
    ),
    _later(
        "channels:read",
        preset=Preset.FULL,
        description="See the names and members of the workspace's public channels",
        use_case="To know who is in a public channel where the app is not",
        why="Members of public channels without the app would be unknown.",
        disables="Members of public channels without the app",
        note="An addition: the published list lets us read and manage these channels, and not find them.",
    ),
    _person(
        "im:read",
        preset=Preset.FULL,
        description="See with whom the person has direct messages",
        use_case="To know whom a direct message is for",
        why="A direct message could not be matched with the people in it.",
        disables="Direct messages",
        note="An addition: the published list lets us read direct messages, and not see whose they are.",
    ),
    _person(
        "im:write",
        preset=Preset.FULL,
        description="Start direct messages as the person",
        use_case="To begin a direct message that the person begins on another platform",
        why="Only direct messages that exist already could be carried.",
        disables="New direct messages",
        note="An addition: posting alone does not open a conversation.",
    ),
    _person(
        "mpim:write",
        preset=Preset.FULL,
        description="Start group direct messages as the person",
        use_case="To begin a group chat that the person begins on another platform",
        why="Only group direct messages that exist already could be carried.",
        disables="New group direct messages",
        note="An addition: posting alone does not open a conversation.",
    ),
    _person(
        "files:write",
        preset=Preset.FULL,
        description="Upload, change and delete files as the person",
        use_case="To post in a direct message a file that the person shares on another platform",
        why="Files from elsewhere would not arrive in direct messages.",
        disables="Files in direct messages",
        note="An addition: the app's own right ends where it is not present.",
    ),
    _person(
        "reactions:write",
        preset=Preset.FULL,
        description="Put emoji reactions on messages, and take them back, as the person",
        use_case="To show in Slack a reaction that the person puts on elsewhere",
        why="Reactions from elsewhere would not be seen in direct messages.",
        disables="Reactions in direct messages",
        note="An addition: the app's own right ends where it is not present.",
    ),
)
