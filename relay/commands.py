"""What our app can be asked in a conversation: ``help``, and ``members``."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.db.models import QuerySet

from accounts.connections import Connections
from accounts.matching import Directory
from connectors.contract import Connector, TakesCommands
from connectors.directory import ListsMembers
from connectors.errors import ConnectorError, NotSupported
from connectors.http import Transport, drive
from connectors.messages import AccountId, Commanded, ConversationId, MessageId
from connectors.richtext import Block, BulletList, Document, Paragraph, Style, Text, document
from relay.models import ConversationLink

log = structlog.get_logger(__name__)

MOST_NAMES = 50
"""Names listed per platform; more than fit on a screen would hide the other platforms."""

USES = {"help": "this list", "members": "who is here, and on which platform"}
"""Every command with what it does, in the order in which ``help`` tells them."""


class Commands:
    """Answers commands. An answer that cannot be given is logged: the asker may ask again."""

    def __init__(self, connections: Connections, directory: Directory, transport: Transport, sandbox: str) -> None:
        self._connections = connections
        self._directory = directory
        self._transport = transport
        self._sandbox = sandbox
        self._known: dict[str, Callable[[Any], Awaitable[Document]]] = {"help": self._help, "members": self._members}

    async def obey(self, row: Any, command: Commanded) -> list[MessageId]:
        """Answer ``command`` that was heard in the conversation of ``row`` (of ``Ledger.events_waiting``).

        Returns the answer's messages where everybody there can read them.
        """
        connector = await self._connections.connector(row.installation_id)
        if not isinstance(connector, TakesCommands):
            return []
        word = (command.words.split() or ["help"])[0].lower()
        try:
            body = await self._known.get(word, self._unknown)(row)
            answer = connector.answer(command, ConversationId(row.conversation), body)
            return await drive(answer, self._transport, connector.credentials, self._sandbox)
        except (ConnectorError, NotSupported) as error:
            log.warning("command not answered", platform=connector.platform.slug, error=type(error).__name__)
            return []

    async def _help(self, row: Any) -> Document:
        shared = "This channel is shared. What you write here is read on the other platforms, and the other way round."
        uses = BulletList(tuple((_use(word, what),) for word, what in USES.items()))
        return document([_line(shared), _line("You can ask me:"), uses])

    async def _unknown(self, row: Any) -> Document:
        return document([_line("I did not understand that."), *(await self._help(row)).blocks])

    async def _members(self, row: Any) -> Document:
        """Who is in the conversation, by company and platform."""
        blocks: list[Block] = []
        company = None
        async for link in _links(row.universal):
            connector = await self._connections.connector(link.installation_id)
            if link.installation.tenant != company:
                company = link.installation.tenant
                blocks.append(Paragraph((Text(company.name, Style.BOLD),)))
            names = await self._names(connector, link)
            blocks += [_line(f"{connector.platform.label} ({len(names)})"), _listed(names)] if names else []
        return document(blocks)

    async def _names(self, connector: Connector, link: ConversationLink) -> list[str]:
        if not isinstance(connector, ListsMembers):
            return []
        search = connector.members(ConversationId(link.external_id))
        members = await drive(search, self._transport, connector.credentials, self._sandbox)
        people = [await self._name(link.installation_id, member) for member in members]
        return sorted(name for name in people if name)

    async def _name(self, installation: int, account: AccountId) -> str:
        known = await self._directory.account(installation, account)
        return known.name if known and not known.is_bot else ""


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


def _line(text: str) -> Paragraph:
    return Paragraph((Text(text),))


def _use(word: str, what: str) -> Paragraph:
    return Paragraph((Text(word, Style.BOLD), Text(f": {what}")))
