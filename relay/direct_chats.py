"""Direct chats: whether what somebody says in one crosses, and the chats of the same people on the other platforms.

Whoever speaks on their primary platform reaches everybody in the chat whose primary platform is another one, there and
nowhere else; what they say on a secondary platform stays there (product §5.1, US-4 and US-5). All of them must be synced.
Nobody is asked for consent before they take part; while the author is asked their message waits, and nothing of it is kept
beyond that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async

from accounts import tasks
from accounts.connections import Connections
from accounts.matching import Memory, is_id
from accounts.models import UserSync
from connectors.calls import Calls, T
from connectors.direct import MOST_PEOPLE, OpensDirectChats
from connectors.errors import Gone, NotSupported, Reconnect, Refused, TryAgain
from connectors.http import Transport, drive
from connectors.messages import NO_ACCOUNT, AccountId, ConversationId
from connectors.provisioning import ProvisionsAccounts
from relay import direct_people
from relay.direct_people import Leg, Somebody, StandIn, StandIns
from relay.hearing import Ear
from relay.models import Discard
from relay.voices import Voice, Voices

CONSENT_SECONDS = 15 * 60.0
"""How long a message waits for its author's consent (product §6.3); it is as long as the vault keeps it."""
CONSENT_REST = 2.0
"""Seconds between looks whether somebody has consented by now."""

State, Kind = UserSync.State, UserSync.Kind


@dataclass(frozen=True, slots=True)
class Admission:
    """What becomes of a message: ``discard`` is why it does not cross, ``waits`` that its author is asked for consent.

    ``barred`` are the legs that it does not reach.
    """

    discard: Discard | None = None
    waits: bool = False
    barred: tuple[int, ...] = ()


WAITS = Admission(waits=True)


@dataclass(slots=True)
class Reach:
    """Where a message goes. ``homes`` are the connections on which it is said, ``waiting`` those that want consent first.

    ``prompts`` are the syncs whose people are asked, each with the reason (``granting.Why``).
    """

    homes: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)
    prompts: set[tuple[int, str]] = field(default_factory=set)


class DirectChats:
    """The direct chats of one shard."""

    def __init__(self, connections: Connections, voices: Voices, ear: Ear, transport: Transport, sandbox: str) -> None:
        self._connections = connections
        self._voices = voices
        self._ear = ear
        self._transport = transport
        self._sandbox = sandbox
        self._prompted: Memory[int, bool] = Memory()
        self._told: Memory[int, bool] = Memory()
        self._asked: Memory[int, bool] = Memory()
        self._homes: Memory[tuple[int, str], bool] = Memory()

    async def admit(self, row: Any, author: AccountId) -> Admission:
        """Decide on a message, ask whom it needs, and see to it that there is a chat wherever it goes.

        ``row`` is one of ``events_waiting``. Raises the error family where a platform is in trouble.
        """
        if await self._is_ours_for_a_stand_in(row, author):
            return Admission(Discard.SECONDARY)
        people = await self._people(row, author)
        speaker = next((one for one in people if one.external_id == author), None)
        elsewhere = [one for one in people if one.home not in (None, row.installation_id)]
        if not elsewhere or await self._is_with_us(row):
            await sync_to_async(direct_people.close)(row.universal)
            return Admission(Discard.NOT_LINKED)
        if speaker is None or speaker.person is None:
            return Admission(Discard.NOT_SYNCED)
        if speaker.home != row.installation_id:
            return Admission(Discard.SECONDARY)
        stand_ins = await sync_to_async(direct_people.stand_ins)(people)
        reach = self._reach(speaker, people, elsewhere, stand_ins)
        await sync_to_async(self._prompt)(row, reach)
        if reach.waiting and row.age < CONSENT_SECONDS:
            return WAITS
        for home in sorted(reach.homes):
            if not await self._see_to_chat(row, home, speaker, people, stand_ins):
                return WAITS if row.age < CONSENT_SECONDS else Admission(Discard.NOT_SYNCED)
        await sync_to_async(self._tell)(row, speaker, elsewhere, stand_ins, reach)
        if not reach.homes:
            return Admission(Discard.NOT_SYNCED)
        return Admission(
            barred=await sync_to_async(direct_people.legs_outside)(row.universal, row.link_id, reach.homes)
        )

    async def is_at_home(self, installation: int, account: str) -> bool:
        """Whether that account is its person's own on their primary platform: what others do there is our doing or theirs
        alone."""
        key = (installation, account)
        if key not in self._homes:
            self._homes[key] = await sync_to_async(direct_people.is_at_home)(*key)
        return self._homes[key]

    async def forget_people(self, link: int) -> None:
        """Somebody came or went: whoever speaks next has the platform asked who is there."""
        await sync_to_async(direct_people.forget)(link)

    # --- whom it reaches

    def _reach(
        self, speaker: Somebody, people: Iterable[Somebody], elsewhere: Iterable[Somebody], stand_ins: StandIns
    ) -> Reach:
        """A chat that lacked one of the people would be another one: what is answered there is not meant for that one."""
        reach = Reach()
        for other in elsewhere:
            own = stand_ins.synced(speaker.person, other.home)
            if other.home is None or own is None or not other.is_synced:
                continue
            if not all(stand_ins.there(one.person, other.home) for one in people):
                continue
            if other.wants_consent and other.sync is not None:
                reach.prompts.add((other.sync, "RECEIVED"))
            if own.may_be_asked and own.sync is not None:
                reach.prompts.add((own.sync, "SENT"))
            if own.wants_consent and own.sync is not None:
                reach.waiting.add(other.home)
                reach.prompts.add((own.sync, "SENT"))
            else:
                reach.homes.add(other.home)
        return reach

    def _prompt(self, row: Any, reach: Reach) -> None:
        """Ask people for their consent: once for each message, however often it is looked at; ``granting`` decides more."""
        if row.id not in self._prompted:
            self._prompted[row.id] = True
            for sync, why in sorted(reach.prompts):
                tasks.prompt.delay(sync, why)

    def _tell(
        self, row: Any, speaker: Somebody, elsewhere: Iterable[Somebody], stand_ins: StandIns, reach: Reach
    ) -> None:
        """Tell those for want of whose sync or consent it does not arrive (product §5.4): once, however often it is looked at
        while its thread is waited for, say."""
        if row.id in self._told:
            return
        self._told[row.id] = True
        if reach.waiting:
            tasks.tell_waited.delay(speaker.account)
        for other in elsewhere:
            own = stand_ins.synced(speaker.person, other.home)
            if own is None and (account := stand_ins.own(speaker.person, other.home)):
                tasks.prompt_sender.delay(account.account)
            if not other.is_synced and (own or stand_ins.own(speaker.person, other.home)):
                tasks.prompt_recipient.delay(other.account)
            if own and not other.is_synced:
                tasks.tell_sender.delay(speaker.account, other.account)

    # --- who is there

    async def _people(self, row: Any, author: AccountId) -> list[Somebody]:
        """Everybody in the chat but our own account; the platform is asked where we do not know, or not of the author, and
        of a group now and then: not every platform tells who leaves one."""
        people = await sync_to_async(direct_people.at)(row.link_id)
        if all(one.external_id != author for one in people) or self._is_stale(row.link_id, len(people)):
            await self._ask_who_is_there(row.link_id, row.installation_id, row.conversation, row.heard_by, author)
            people = await sync_to_async(direct_people.at)(row.link_id)
        ours = await self._own_accounts(row.installation_id)
        return [one for one in people if one.external_id not in ours]

    def _is_stale(self, link: int, people: int) -> bool:
        """Whether somebody may have left: of two nobody can."""
        return people > 2 and link not in self._asked

    async def _own_accounts(self, installation: int) -> frozenset[AccountId]:
        return (await self._connections.connector(installation)).own_accounts

    async def _is_ours_for_a_stand_in(self, row: Any, author: AccountId) -> bool:
        """Whether our own account wrote it into a chat that is carried: nobody's own words, and no reason to end the chat."""
        if author not in await self._own_accounts(row.installation_id):
            return False
        return await sync_to_async(direct_people.has_other_legs)(row.universal, row.link_id)

    async def _is_with_us(self, row: Any) -> bool:
        """Whether it is somebody's chat with our own account, and none that we opened for a stand-in."""
        ours = await self._own_accounts(row.installation_id)
        people = await sync_to_async(direct_people.at)(row.link_id)
        if all(one.external_id not in ours for one in people):
            return False
        return not await sync_to_async(direct_people.has_other_legs)(row.universal, row.link_id)

    async def _ask_who_is_there(
        self, link: int, installation: int, chat: str, heard_by: str | None, author: AccountId
    ) -> None:
        conversation = ConversationId(chat)
        voice = await self._voices.reader(installation, conversation, heard_by)
        if not isinstance(voice.connector, OpensDirectChats):
            return
        try:
            accounts = await self._talk(installation, voice, voice.connector.participants(conversation, author))
        except (Gone, Refused, NotSupported):
            accounts = None
        self._asked[link] = True
        if accounts is None:
            return
        if len(accounts) > MOST_PEOPLE or not all(map(is_id, accounts)):
            await sync_to_async(direct_people.forget)(link)
            return
        for account in accounts:
            await self._ear.introduce(installation, account)
        if await sync_to_async(direct_people.write_down)(link, installation, accounts) < len(set(accounts)):
            raise TryAgain("not everybody in a chat could be looked up")  # whoever is overlooked would overhear

    # --- the chats elsewhere

    async def _see_to_chat(
        self, row: Any, home: int, speaker: Somebody, people: Iterable[Somebody], stand_ins: StandIns
    ) -> bool:
        """See to it that these people, and nobody else, have a chat there. False where another worker goes on."""
        own = stand_ins.synced(speaker.person, home)
        there = [account for one in people if (account := stand_ins.there(one.person, home))]
        leg = await self._leg(row, home, own)
        wanted = {one.account for one in there}
        if leg and leg.accounts == wanted:
            return True
        voice = await self._voice_of(own)
        if voice is None or not isinstance(voice.connector, OpensDirectChats):
            return False
        missing = [one for one in there if leg is None or one.account not in leg.accounts]
        if leg and leg.accounts and leg.accounts < wanted and await self._brought_in(home, voice, leg, missing):
            await sync_to_async(direct_people.add)(leg.link, missing)
            return True
        chat = await self._opened(voice, home, there, _topic(people))
        heard_by = "" if voice.connector.reads_unasked else str(voice.name)
        return await sync_to_async(direct_people.attach)(row.universal, row.link_id, home, chat, heard_by, there)

    async def _leg(self, row: Any, home: int, own: StandIn | None) -> Leg | None:
        """The chat that there is, and who is in it by now."""
        ours = await self._own_accounts(home)
        leg = await sync_to_async(direct_people.leg)(row.universal, home, ours)
        if leg is None or (leg.accounts and not self._is_stale(leg.link, len(leg.accounts))):
            return leg
        author = AccountId(own.external_id) if own else NO_ACCOUNT
        await self._ask_who_is_there(leg.link, home, leg.external_id, leg.heard_by, author)
        return await sync_to_async(direct_people.leg)(row.universal, home, ours)

    async def _opened(self, voice: Voice, home: int, there: Iterable[StandIn], topic: str) -> ConversationId:
        """A chat of these accounts, opened by one of them; where guests are among them perhaps by our own account, which is
        then in it as well."""
        others = [AccountId(one.external_id) for one in there if one.account != voice.account]
        if not isinstance(voice.connector, OpensDirectChats):
            raise NotSupported("direct chats are not carried there")
        try:
            return await self._talk(home, voice, voice.connector.open_direct(others, topic))
        except Refused:
            if not voice.is_a_persons or not isinstance(voice.connector, ProvisionsAccounts):
                raise
        return await self._opened(await self._voices.ours(home), home, there, topic)

    async def _voice_of(self, own: StandIn | None) -> Voice | None:
        if own is None:
            return None
        return await self._voices.by(own.account) if own.is_own else await self._voices.ours(own.installation)

    async def _brought_in(self, home: int, voice: Voice, leg: Leg, missing: Iterable[StandIn]) -> bool:
        connector = voice.connector
        if not isinstance(connector, OpensDirectChats):
            return False
        accounts = [AccountId(one.external_id) for one in missing]
        try:
            await self._talk(home, voice, connector.bring_in(ConversationId(leg.external_id), accounts))
        except (NotSupported, Refused, Gone):
            return False
        return True

    async def _talk(self, installation: int, voice: Voice, calls: Calls[T]) -> T:
        """Whose token it was that is not accepted is known here and nowhere else."""
        try:
            return await drive(calls, self._transport, voice.connector.credentials, self._sandbox)
        except Reconnect as error:
            if voice.is_a_persons:
                await self._voices.lost(voice, f"{error}.")
            else:
                await self._connections.lost(installation)
            raise TryAgain("a token is no longer accepted") from error


async def told_in_vain(origin: int, author: str) -> None:
    """Tell somebody that what they wrote did not arrive for want of their own consent."""
    account = await sync_to_async(direct_people.account)(origin, author)
    if account is not None:
        tasks.tell_waited.delay(account)


def _topic(people: Iterable[Somebody]) -> str:
    """What a group is called where groups have names: after its people."""
    return ", ".join(one.name for one in people)[:200]
