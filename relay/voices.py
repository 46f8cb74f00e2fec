"""In whose name something is said: as the person themselves where they have consented, else by our own account.

A person's consent lets us do what they could do; here it is used for what they said elsewhere, and for reading the direct
chats in which they are.
"""

from dataclasses import dataclass, replace

from asgiref.sync import sync_to_async
from django.db.models import Q

import connectors
from accounts import grants
from accounts.connections import Connections
from accounts.matching import Memory
from accounts.models import Grant, PlatformAccount, UserSync
from connectors.contract import Connector, Credentials
from connectors.direct import OpensDirectChats
from connectors.errors import ConnectorError, NotSupported
from connectors.http import Transport, drive
from connectors.messages import NO_ACCOUNT, AccountId, ConversationId, Draft
from connectors.richtext import Paragraph, Text, document
from relay import direct_people

_A_WORD = document([Paragraph((Text("a"),))])


@dataclass(frozen=True, slots=True)
class Voice:
    """``account`` is the person's own account that speaks, ``name`` what the platform calls it; None and empty for ours.

    ``scopes`` are what the person has granted. ``stand_in`` is the account that represents the author where ours speaks for
    them, empty where none does.
    """

    connector: Connector
    account: int | None = None
    name: AccountId = NO_ACCOUNT
    scopes: frozenset[str] = frozenset()
    stand_in: AccountId = NO_ACCOUNT

    @property
    def is_a_persons(self) -> bool:
        """Whether it is a person's own, and needs no byline."""
        return self.account is not None

    def may_post(self, conversation: ConversationId) -> bool:
        """Whether what was granted is enough to post there: nobody consents to more than direct chats need. Pure."""
        draft = Draft(conversation, _A_WORD, "")
        first = next(self.connector.post(self.connector.render(draft)))
        return not first.scopes or not self.scopes.isdisjoint(first.scopes)


@dataclass(frozen=True, slots=True)
class Representative:
    """The account that represents somebody elsewhere; ``is_own``: it speaks for itself."""

    account: int
    name: str
    is_own: bool


class Voiceless(Exception):
    """Nobody can say it here: in a direct chat only the people themselves speak, and the author has not consented.

    ``origin`` and ``author`` say who that is.
    """

    def __init__(self, origin: int, author: str) -> None:
        super().__init__("the author has not consented to speak there")
        self.origin = origin
        self.author = author


class Voices:
    """A worker's short memory of people's voices. Who consents is heard as soon as somebody asks, and who does no longer is
    silent at once."""

    def __init__(self, connections: Connections, transport: Transport, sandbox: str) -> None:
        self._connections = connections
        self._transport = transport
        self._sandbox = sandbox
        self._of_people: Memory[int, Voice] = Memory()
        self._speakers: Memory[tuple[int, str], bool] = Memory()
        self._stand_ins: Memory[tuple[int, str, int], Representative | None] = Memory()

    async def ours(self, installation: int) -> Voice:
        """Our own account's."""
        return Voice(await self._connections.connector(installation))

    async def of(self, origin: int, author: str, installation: int) -> Voice | None:
        """The voice that the author of what was said on ``origin`` has on another connection: their own by their consent,
        ours for a stand-in. None for who is not synced there, or has not consented."""
        key = (origin, author, installation)
        if key not in self._stand_ins:
            self._stand_ins[key] = await sync_to_async(_stand_in)(*key)
        stand_in = self._stand_ins[key]
        if stand_in is None:
            return None
        if stand_in.is_own:
            return await self.by(stand_in.account)
        return replace(await self.ours(installation), stand_in=AccountId(stand_in.name))

    async def by(self, account: int) -> Voice | None:
        """The voice of somebody's own account; None where they have not consented, or do no longer."""
        if account in self._of_people and not await _is_granted(account):
            self._of_people.pop(account)
        if account not in self._of_people:
            voice = await sync_to_async(_voice)(account)
            if voice is None:
                return None
            self._of_people[account] = voice
        return self._of_people[account]

    async def speaks(self, installation: int, account: str) -> bool:
        """Whether we speak with that account there, as its person's stand-in."""
        key = (installation, account)
        if key not in self._speakers:
            self._speakers[key] = await sync_to_async(_is_stand_in)(*key)
        return self._speakers[key]

    async def named(self, installation: int, account: str) -> Voice | None:
        """The same by what the platform calls the account."""
        row = await PlatformAccount.objects.filter(installation=installation, external_id=account).afirst()
        return await self.by(row.pk) if row else None

    async def reader(self, installation: int, conversation: str, heard_by: str | None) -> Voice:
        """Who reads a conversation: our own account, or in a direct chat somebody in it who has consented, if possible the
        one whom ``heard_by`` names (see ``ConversationLink``)."""
        ours = await self.ours(installation)
        connector = ours.connector
        if heard_by is None or not isinstance(connector, OpensDirectChats) or connector.reads_unasked:
            return ours
        if heard_by and (voice := await self.named(installation, heard_by)):
            return voice
        for account in await self._people_in(ours, connector, installation, ConversationId(conversation)):
            if voice := await self.named(installation, account):
                return voice
        return ours

    async def _people_in(
        self, ours: Voice, connector: OpensDirectChats, installation: int, conversation: ConversationId
    ) -> list[str]:
        """Whom we know to be in a chat, or else what the platform tells our own account, which is seldom more than an id
        does."""
        if known := await sync_to_async(direct_people.accounts_in)(installation, conversation):
            return known
        try:
            asking = connector.participants(conversation, NO_ACCOUNT)
            return list(await drive(asking, self._transport, ours.connector.credentials, self._sandbox))
        except (ConnectorError, NotSupported):
            return []

    async def lost(self, voice: Voice, reason: str) -> None:
        """The platform did not accept a person's voice."""
        if voice.account is not None:
            self._of_people.pop(voice.account)
            await sync_to_async(_refused)(voice.account, voice.connector.credentials, reason)


def _voice(account: int) -> Voice | None:
    row = PlatformAccount.objects.select_related("installation").filter(pk=account).first()
    credentials = grants.credentials_of(row) if row else None
    if row is None or credentials is None:
        return None
    scopes = Grant.objects.values_list("scopes", flat=True).get(account=row)
    connector = connectors.get(row.installation.platform)(credentials)
    return Voice(connector, row.pk, credentials.account, frozenset(scopes))


def _stand_in(origin: int, author: str, installation: int) -> Representative | None:
    person = PlatformAccount.objects.filter(installation=origin, external_id=author).values("person")
    synced = UserSync.objects.filter(installation=installation, state=UserSync.State.SYNCED, account__isnull=False)
    row = synced.filter(person__in=person).select_related("account", "installation__tenant").first()
    if row is None or row.account is None:
        return None
    is_own = row.kind == UserSync.Kind.FULL
    if row.kind == UserSync.Kind.GUEST and row.installation.tenant.guests_speak:
        is_own = Grant.objects.filter(account=row.account, state=Grant.State.GRANTED).exists()
    return Representative(row.account.pk, row.account.external_id, is_own)


async def _is_granted(account: int) -> bool:
    return await Grant.objects.filter(account=account, state=Grant.State.GRANTED).aexists()


def _is_stand_in(installation: int, account: str) -> bool:
    """In whatever state: what was said before a consent ended may come back after it."""
    speaks = Q(kind=UserSync.Kind.FULL) | Q(account__grant__isnull=False)
    return UserSync.objects.filter(speaks, installation=installation, account__external_id=account).exists()


def _refused(account: int, held: Credentials, reason: str) -> None:
    grants.refused(PlatformAccount.objects.get(pk=account), held, reason)
