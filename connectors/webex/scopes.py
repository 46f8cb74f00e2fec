"""What Webex is asked to allow (reference §6.1, §6.2), and why.

Webex's bots have no scopes of their own: every one here is consented to by a person, be it the service user ("service") or
somebody who signs up or writes direct messages ("person").
"""

from collections.abc import Mapping
from typing import Any

from connectors.consent import Preset, Purpose, Scope
from connectors.webex.client import TOKEN

PERSON = "person"

DESCRIPTIONS: Mapping[str, str] = {
    "openid": "Tell that it is you who signs in",
    "email": "Tell your e-mail address",
    "profile": "Tell your name",
    "spark:kms": "Decrypt what you may read, and encrypt what you write",
    "spark:messages_read": "Read what is written in the spaces that you are in",
    "spark:messages_write": "Post messages, and delete them, as you",
    "spark:people_read": "Look people up in your company's directory",
    "spark:rooms_read": "List the spaces that you are in, by their titles",
    "spark:rooms_write": "Make spaces, and change those that you are in, such as their titles",
    "spark:memberships_read": "List who is in the spaces that you are in",
    "spark:memberships_write": "Invite people to spaces as you",
    "spark:teams_read": "List the teams that you belong to",
    "spark:team_memberships_read": "List who belongs to your teams",
    "spark:team_memberships_write": "Add people to teams as you",
    "spark-admin:organizations_read": "Read what your organisation is called",
}
"""By Webex's name: what it allows whoever holds the token. ``you`` is the account that consented."""

MISSPELT = "Published as “spark-admin:organiztions_read”, which Webex does not know: a letter was missing."
BROKEN = "Published with its name broken over two lines."
REPEATED = "Published with its use case under another scope: the columns had slipped."
NEEDED = "An addition: nothing works without it. Webex adds it to every integration by itself."
SIGN_IN = "An addition: signing in with Webex is made of these. It needs no tick in Webex's console."
OWN = "An addition: no list was ever published for people's own consent on Webex."


def _connect(name: str, use_case: str, why: str, **fields: Any) -> Scope:
    return Scope(name, Purpose.CONNECT, TOKEN, DESCRIPTIONS[name], use_case, why, **fields)


def _sign_up(name: str, use_case: str, why: str, **fields: Any) -> Scope:
    return Scope(name, Purpose.SIGN_UP, PERSON, DESCRIPTIONS[name], use_case, why, **fields)


def _own(name: str, use_case: str, why: str, **fields: Any) -> Scope:
    return Scope(name, Purpose.MESSAGES, PERSON, DESCRIPTIONS[name], use_case, why, note=OWN, **fields)


CONNECT = (
    _connect(
        "spark:messages_read",
        "To carry what is written in your linked spaces to Microsoft Teams, Slack and Zoom",
        "Nothing written on Webex would reach the other platforms.",
    ),
    _connect(
        "spark:messages_write",
        "To let the service user post what people on other platforms write",
        "Nothing from other platforms would reach Webex.",
    ),
    _connect(
        "spark:people_read",
        "To know the service user, and to name whoever wrote a message or was mentioned in it",
        "We could not tell whose message it is, nor which account was connected.",
    ),
    _connect(
        "spark:rooms_read",
        "To know the titles of your spaces, and to hear when one is renamed",
        "Spaces would have no names in the Hub, and a new title would not cross.",
        note=REPEATED,
        disables="Names of spaces",
    ),
    _connect(
        "spark:memberships_read",
        "To know who is in a linked space, so that “members” answers rightly on every platform",
        "“members” would leave out everybody on Webex, and nobody would be told who joined or left.",
        disables="Lists of members, and notices of who joined and left",
    ),
    _connect(
        "spark-admin:organizations_read",
        "To show which organisation is connected, and to tell colleagues from outsiders",
        "The connection would be named after the service user's e-mail address.",
        note=MISSPELT,
        disables="The organisation's own name",
    ),
    _connect(
        "spark:kms",
        "To read titles and messages, which Webex keeps encrypted",
        "All we read could be cipher.",
        note=NEEDED,
    ),
    _connect(
        "spark:rooms_write",
        "To make the spaces that you ask for in Channel Sync, and to carry new titles and descriptions to Webex",
        "No space could be made here, and a channel renamed on another platform would keep its old title on Webex.",
        preset=Preset.FULL,
        note="An addition: spaces are made, and titles and descriptions carried over, only where you want it.",
        disables="Making spaces, and carrying titles and descriptions to Webex",
    ),
    _connect(
        "spark:memberships_write",
        "To bring the service user into the spaces that you link, and people into those that they share",
        "Somebody would have to add them to each space by hand.",
        disables="Adding people to spaces, and taking out those who were added",
    ),
    _connect(
        "spark:teams_read",
        "To show the teams whose spaces can be linked",
        "You could not choose a team.",
        disables="Choosing teams to import",
    ),
    _connect(
        "spark:team_memberships_read",
        "To import everybody who belongs to a team that you choose",
        "The members of your teams would be unknown to us.",
        note=BROKEN,
        disables="Importing the people of your teams",
    ),
    _connect(
        "spark:team_memberships_write",
        "To make the service user a member of the teams that you connect, and to add people to their General spaces",
        "Somebody would have to add them to each team by hand.",
        disables="Adding people to teams",
        note=BROKEN,
    ),
)
"""Published for Connect Platforms, with two additions."""

GROUPS = "Group chats that were begun on another platform"

LATER = "Universal channels without a connection of the company"

SIGN_UP = (
    _sign_up("openid", "To sign you in", "You could not sign up with Webex.", note=SIGN_IN),
    _sign_up("email", "To know you again, and to write to you", "We would not know whose account it is.", note=SIGN_IN),
    _sign_up("profile", "To call you by your name", "You would be called by your address.", note=SIGN_IN),
    _sign_up(
        "spark:messages_read",
        "To carry what is written in your spaces to other platforms",
        "Nothing written on Webex would reach them.",
        awaits=LATER,
    ),
    _sign_up(
        "spark:people_read",
        "To keep track of who belongs to a universal channel",
        "People on Webex would have no names.",
        awaits=LATER,
    ),
    _sign_up(
        "spark:rooms_read",
        "To show which of your spaces can become a universal channel",
        "You could not choose a space.",
        note=REPEATED,
        awaits=LATER,
    ),
    _sign_up(
        "spark:memberships_write",
        "To bring our bot into the spaces that you make universal",
        "You would have to add it by hand.",
        awaits=LATER,
    ),
    _sign_up(
        "spark-admin:organizations_read",
        "To know what your company is called, and who your colleagues are",
        "Your company would be named after your e-mail address.",
        note=MISSPELT,
        awaits=LATER,
    ),
    _sign_up(
        "spark:teams_read",
        "To show in which teams a universal channel can be made",
        "You could not choose a team.",
        awaits=LATER,
    ),
)
"""Published as the bot's scopes; they are of the person who signs up, and today only signing in is asked for."""

MESSAGES = (
    _own("spark:messages_read", "To hear the direct messages that are for people elsewhere", "They would not cross."),
    _own(
        "spark:messages_write", "To write direct messages in your own name", "Answers would come from the service user."
    ),
    _own("spark:people_read", "To know whose direct message it is", "It could not be told who writes."),
    _own("spark:rooms_read", "To tell your own chats from a team's spaces", "We could not tell what is private."),
    _own(
        "spark:memberships_read",
        "To know for whom your direct messages are",
        "What you write to somebody elsewhere would not reach them.",
    ),
    _own("spark:kms", "To read direct messages, which Webex keeps encrypted", "All we read could be cipher."),
    _own(
        "spark:rooms_write",
        "To make a space for a group chat in which you take part elsewhere",
        "Group chats would not come to Webex in your name.",
        preset=Preset.FULL,
        disables=GROUPS,
    ),
    _own(
        "spark:memberships_write",
        "To bring the others of a group chat into its space",
        "You would be alone in that space.",
        preset=Preset.FULL,
        disables=GROUPS,
    ),
)

SCOPES: tuple[Scope, ...] = CONNECT + SIGN_UP + MESSAGES
