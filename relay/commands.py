"""What people ask our app: for help, for a channel that they share with another company, for who is in it."""

import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models import QuerySet

from accounts.connections import Connections
from accounts.matching import Directory
from connectors.calls import Calls, T
from connectors.contract import Connector, TakesCommands
from connectors.directory import ListsAccounts, ListsConversations, ListsMembers, ManagesConversations, Place
from connectors.errors import ConnectorError, Gone, NotSupported, Refused
from connectors.http import Transport, drive
from connectors.messages import AccountId, Button, Commanded, ConversationId, MessageId
from connectors.richtext import Block, BulletList, Document, Paragraph, Style, Text, document
from relay import wishes
from relay.models import ConversationLink
from relay.people import Group, people_of
from relay.wishes import Asker, NotGranted

log = structlog.get_logger(__name__)

MOST_NAMES = 50
"""Names listed per platform; more than fit on a screen would hide the other platforms."""

WHOLE_TEAM = (
    "Everybody in the team is in this channel, so you would leave the whole team. Nothing was changed. "
    "To see less of the channel, hide or mute it in your app; to leave the team, use its menu there."
)

USES = {
    "help": "this list",
    "create": "share this channel with other companies; create and a name: make a new channel for it",
    "invite": "with one or more e-mail addresses: invite people of other companies to this channel",
    "members": "who is here, of which company, and on which platform",
    "leave": "take yourself out of this channel",
}
"""Every command with what it does, in the order in which ``help`` tells them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a command was heard. ``link`` and ``universal`` are None where nothing crosses from there."""

    installation: int
    conversation: ConversationId
    link: int | None = None
    universal: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to the asker alone, where the platform can."""

    body: Document
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """A command on its way: who asks for what, where, and by which connector it is answered."""

    asked: Asked
    command: Commanded
    connector: Connector
    words: tuple[str, ...] = field(default=())


class Commands:
    """Answers commands. An answer that cannot be given is logged: the asker may ask again."""

    def __init__(self, connections: Connections, directory: Directory, transport: Transport, sandbox: str) -> None:
        self._connections = connections
        self._directory = directory
        self._transport = transport
        self._sandbox = sandbox
        self._known: dict[str, Callable[[Wish], Awaitable[Answer]]] = {
            "help": self._help,
            "create": self._create,
            "invite": self._invite,
            "members": self._members,
            "leave": self._leave,
        }

    async def obey(self, asked: Asked, command: Commanded) -> list[MessageId]:
        """Do what was asked and answer. Returns the answer's messages where everybody there can read them."""
        connector = await self._connections.connector(asked.installation)
        if not isinstance(connector, TakesCommands):
            return []
        word, *words = command.words.split() or ["help"]
        wish = Wish(asked, command, connector, tuple(words))
        try:
            answer = await self._answer(word.lower(), wish)
            said = connector.answer(command, asked.conversation, answer.body, answer.buttons)
            return await self._drive(connector, said)
        except (ConnectorError, NotSupported) as error:
            log.warning("command not answered", platform=connector.platform.slug, error=type(error).__name__)
            return []

    async def _answer(self, word: str, wish: Wish) -> Answer:
        known = self._known.get(word)
        if known is None:
            return await self._unknown(word, wish)
        try:
            return await known(wish)
        except NotGranted as refusal:
            return Answer(_lines(str(refusal)))
        except (Refused, NotSupported) as refusal:
            return Answer(_lines(f"That was not possible: {refusal}."))

    async def _help(self, wish: Wish) -> Answer:
        shared = "What you write here is read on the other platforms, and the other way round."
        start = "I let people on Slack, Microsoft Teams, Webex and Zoom talk to each other."
        uses = BulletList(tuple((_use(word, what),) for word, what in USES.items()))
        return Answer(document([_line(shared if wish.asked.universal else start), _line("You can ask me:"), uses]))

    async def _unknown(self, word: str, wish: Wish) -> Answer:
        close = difflib.get_close_matches(word, USES, 1)
        hint = f" Did you mean “{close[0]}”?" if close else ""
        uses = (await self._help(wish)).body.blocks
        return Answer(document([_line(f"I did not understand that.{hint}"), *uses]))

    # --- sharing with another company

    async def _create(self, wish: Wish) -> Answer:
        asker = await self._asker(wish)
        await sync_to_async(wishes.must_be_granted)(asker)
        name = " ".join(wish.words)
        if not name and wish.asked.universal:
            channel = await sync_to_async(wishes.open_up)(asker, wish.asked.universal)
        else:
            place = await (self._made(wish, name) if name else self._here(wish))
            channel = await sync_to_async(wishes.share)(asker, place)
        return Answer(
            _lines(
                f"{channel} can now be shared with other companies.", "Invite them: invite and their e-mail addresses."
            )
        )

    async def _made(self, wish: Wish, name: str) -> Place:
        """A new channel, private, for people outside will read it; the asker is in it."""
        connector = wish.connector
        if not isinstance(connector, ManagesConversations):
            raise NotGranted("Make the channel yourself, and ask me “create” there.")
        team = await sync_to_async(wishes.team_of)(wish.asked.installation, wish.asked.conversation)
        calls = connector.create(connector.legal_name(name), is_private=True, team=team, topic="")
        place = await self._drive(connector, calls)
        await self._drive(connector, connector.add(place.id, [wish.command.account]))
        return place

    async def _here(self, wish: Wish) -> Place:
        connector, here = wish.connector, wish.asked.conversation
        if not isinstance(connector, ListsConversations):
            raise NotGranted(wishes.IN_A_CHANNEL)
        try:
            place = await self._drive(connector, connector.conversation(here))
        except (Gone, Refused):
            raise NotGranted(wishes.IN_A_CHANNEL) from None
        if isinstance(connector, ManagesConversations) and not place.is_entered:
            await self._drive(connector, connector.enter(here))
        return place

    async def _invite(self, wish: Wish) -> Answer:
        asker = await self._asker(wish)
        await sync_to_async(wishes.must_be_granted)(asker)
        results = await sync_to_async(wishes.invite)(asker, wish.asked.universal, wish.words)
        return Answer(document([BulletList(tuple((_line(result),) for result in results))]))

    async def _leave(self, wish: Wish) -> Answer:
        connector = wish.connector
        if wish.asked.universal is None or not isinstance(connector, ManagesConversations):
            raise NotGranted("Nothing crosses from here. To leave, use the menu of your app.")
        if isinstance(connector, ListsConversations):
            place = await self._drive(connector, connector.conversation(wish.asked.conversation))
            if place.is_whole_team:
                raise NotGranted(WHOLE_TEAM)
        await self._drive(connector, connector.remove(wish.asked.conversation, wish.command.account))
        hub = Button("Open the Hub", f"{settings.MIO_BASE_URL}/")
        return Answer(_lines("You have left. To take your whole company out, an administrator uses the Hub."), (hub,))

    async def _asker(self, wish: Wish) -> Asker:
        account, installation = wish.command.account, wish.asked.installation
        if not await self._directory.account(installation, account) and isinstance(wish.connector, ListsAccounts):
            await self._directory.learn(
                installation, await self._drive(wish.connector, wish.connector.account(account))
            )
        return await sync_to_async(wishes.asker)(installation, account)

    # --- who is here

    async def _members(self, wish: Wish) -> Answer:
        """Who is in the conversation, by company and platform."""
        if wish.asked.universal is None:
            raise NotGranted("This channel is not shared with anybody, so everybody in it is listed by your own app.")
        groups = await sync_to_async(people_of)(wish.asked.universal) or await self._ask_everywhere(
            wish.asked.universal
        )
        blocks: list[Block] = []
        company = ""
        for group in groups:
            if group.company != company:
                company = group.company
                blocks.append(Paragraph((Text(company, Style.BOLD),)))
            if group.names:
                blocks += [_line(f"{group.platform} ({len(group.names)})"), _listed(group.names)]
        return Answer(document(blocks))

    async def _ask_everywhere(self, universal: int) -> list[Group]:
        """The same of the platforms themselves, where the directory does not know for sure."""
        groups = []
        async for link in _links(universal):
            connector = await self._connections.connector(link.installation_id)
            names = await self._names(connector, link)
            groups.append(Group(link.installation.tenant.name, connector.platform.label, names))
        return groups

    async def _names(self, connector: Connector, link: ConversationLink) -> list[str]:
        if not isinstance(connector, ListsMembers):
            return []
        members = await self._drive(connector, connector.members(ConversationId(link.external_id)))
        people = [await self._name(link.installation_id, member) for member in members]
        return sorted(name for name in people if name)

    async def _name(self, installation: int, account: AccountId) -> str:
        known = await self._directory.account(installation, account)
        return known.name if known and not known.is_bot else ""

    async def _drive(self, connector: Connector, calls: Calls[T]) -> T:
        return await drive(calls, self._transport, connector.credentials, self._sandbox)


def _links(universal: int) -> "QuerySet[ConversationLink]":
    links = ConversationLink.objects.filter(conversation=universal, is_active=True)
    return links.select_related("installation__tenant").order_by(
        "installation__tenant__name", "installation__tenant", "installation__platform", "id"
    )


def _listed(names: list[str]) -> BulletList:
    shown = [(_line(name),) for name in names[:MOST_NAMES]]
    if len(names) > MOST_NAMES:
        shown.append((_line(f"and {len(names) - MOST_NAMES} more"),))
    return BulletList(tuple(shown))


def _lines(*texts: str) -> Document:
    return document([_line(text) for text in texts])


def _line(text: str) -> Paragraph:
    return Paragraph((Text(text),))


def _use(word: str, what: str) -> Paragraph:
    return Paragraph((Text(word, Style.BOLD), Text(f": {what}")))
