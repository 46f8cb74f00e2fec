"""One page of a conversation's events: new messages gathered for one commit, changes written one by one."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from accounts.matching import LONGEST_ID, storable
from connectors.errors import ConnectorError, NotSupported, Reconnect, TryAgain, Unsure
from connectors.messages import (
    AccountId,
    Commanded,
    ConversationId,
    Deleted,
    Edited,
    Event,
    Happening,
    Kind,
    Message,
    MessageId,
    Noticed,
    Posted,
    Reacted,
    Reaction,
    Reference,
    Skipped,
    Stands,
    Unreacted,
)
from relay import kept_inside, policy, vault
from relay.changes import UNKNOWN
from relay.commands import Asked
from relay.database import REFUSALS
from relay.direct_chats import CONSENT_REST, WAITS, Admission
from relay.hearing import Unheard
from relay.inbox import Counted
from relay.ledger import PAGE
from relay.models import DailyCount, Discard
from relay.plausible import plausible
from relay.routing import LATER, SETTLED, Heard, Routed

if TYPE_CHECKING:
    from relay.ingest import Ingest

DEGRADED = DailyCount.What.DEGRADED.value
DISCARD = DailyCount.What.DISCARD.value
ASK_AGAIN = 0.05
"""Seconds until a post by our own account is judged again: about the time a platform takes to answer the send."""
OVERTAKEN_SECONDS = 10.0
"""How long a reaction may wait for its message to be told: platforms send webhooks in any order, seconds apart."""
OWN_SECONDS = 5.0
"""How long a post by our own account holds up what is behind it while a send is under way there: usually the two are one."""
ROOT_SECONDS = 3.0
"""How long a reply may wait for its root to be told: less, for people wait for it; most such roots predate the link."""
OVERTAKEN_REST = 0.5
"""Seconds between looks whether what something waits for has been told by now."""
ANSWER_ECHO_SECONDS = 60.0
"""How long the answer to a command may take to come back as a message of our own account."""
ABOUT_WORDS = frozenset({Kind.POSTED, Kind.EDITED, Kind.CHANGED})
"""Kinds of events that are of no interest once the message is deleted."""
MOVES = frozenset({Happening.JOINED, Happening.LEFT})
RECENT = timedelta(minutes=10)
"""An edit of a message never heard of is told as new when the message is younger: its webhook is late or lost."""


class Page:
    """One page of a conversation's events on its way: new messages gathered for one commit, changes written one by one."""

    def __init__(self, ingest: "Ingest", rows: list[Any]) -> None:
        self._ingest = ingest
        self._changes = ingest.changes
        self._rows = rows
        self._gone = {row.message for row in rows if row.kind == Kind.DELETED}
        self._posts: list[Heard] = []
        self._routed: list[Routed] = []
        self._degraded: dict[int, list[Counted]] = {}
        self._kept_inside: list[Counted] = []
        self._rest = 0.0
        self._held: set[AccountId] = set()
        """Whose message waits for their consent: what they say after it does not overtake it."""
        self.waiting = 0
        """Events left for later because what they are about was not told yet."""
        self.reached: set[int] = set()
        """Mailboxes with something new in them of which nobody has been told."""

    async def turn(self) -> float | None:
        """Route what was heard. Returns seconds to rest; None when nothing is left, for who says more rings."""
        heard = await asyncio.gather(*map(self._hear, self._rows), return_exceptions=True)
        taken = 0
        for row, event in zip(self._rows, heard, strict=True):
            if isinstance(event, BaseException) and not isinstance(event, Unheard):
                self._rest = max(self._rest, await self._ingest.trouble(row, event))
                break
            try:
                await self._take(row, event)
            except REFUSALS:  # an id, an emoji or a time that no database takes: it must not stop what is behind it
                self._discard(row, Discard.UNREADABLE)
            taken += 1
            if self._posts and (self._posts[-1].own or self._posts[-1].is_voiced) and row.age < OWN_SECONDS:
                break  # nothing behind it may overtake it while its verdict is open
        await self._flush()
        await self._finish()
        is_all = len(self._rows) < PAGE and taken == len(self._rows)
        return None if is_all and not self._rest else self._rest

    async def _hear(self, row: Any) -> Event:
        if row.message in self._gone and row.kind in ABOUT_WORDS:
            raise Unheard(Discard.GONE)  # a platform may take long to admit that there is nothing to read
        conversation, message = ConversationId(row.conversation), MessageId(row.message)
        reference = Reference(Kind(row.kind), conversation, message, row.occurred_at)
        return await self._ingest.ear.hear(row.id, row.installation_id, reference, row.heard_by)

    async def _take(self, row: Any, event: Event | Unheard) -> None:
        match event:
            case Posted(message):
                await self._posted(row, message)
            case Unheard(reason=reason):
                self._discard(row, reason)
            case _:
                await self._flush()  # a change of what stands before it in this page
                await self._change(row, event)

    async def _change(self, row: Any, event: Event) -> None:
        match event:
            case Edited(message):
                await self._edited(row, message)
            case Stands(message, reactions):
                await self._stands(row, message, reactions)
            case Deleted(message):
                self._routed.append(await self._changes.deleted(row.id, row.link_id, message))
            case Reacted(message, reaction):
                await self._reacted(row, message, reaction, on=True)
            case Unreacted(message, reaction):
                await self._reacted(row, message, reaction, on=False)
            case Noticed():
                await self._noticed(row, event)
            case Commanded():
                await self._obey(row, event)
            case Posted() | Skipped():
                raise AssertionError("taken elsewhere")

    async def _obey(self, row: Any, command: Commanded) -> None:
        """Answer once: the event is settled before. The answer comes back, and concerns nobody else."""
        self._discard(row, Discard.ANSWERED)
        await self._flush()
        await self._changes.expect_echo(row.link_id, ANSWER_ECHO_SECONDS)
        asked = Asked(row.installation_id, ConversationId(row.conversation))
        if row.heard_by is None:  # nobody shares a chat of two with a company
            asked = replace(asked, link=row.link_id, universal=row.universal)
        for answer in await self._ingest.commands.obey(asked, command):
            await self._changes.adopt(row.link_id, answer)

    # --- new messages

    async def _posted(self, row: Any, message: Message, *, is_late_edit: bool = False) -> None:
        admission = WAITS if message.author in self._held else await self._admission(row, message)
        if admission.waits:
            self._held.add(message.author)
            self.waiting += 1
            self._rest = max(self._rest, CONSENT_REST)
            return
        root = None
        if message.thread is not None:
            await self._flush()  # the root may stand before it in this page
            root = await self._changes.root(row.link_id, message.thread)
            if root is None and row.age < ROOT_SECONDS:
                self._wait()
                return
            root = root or await self._changes.adopt(row.link_id, message.thread)
        if any(one.external_id == message.id for one in self._posts):
            await self._flush()  # told twice: the ledger judges the second once the first is written
        platform = (await self._ingest.connections.connector(row.installation_id)).platform.slug
        self._degraded[row.id] = [(platform, DEGRADED, construct) for construct in message.body.degraded]
        own = await self._ingest.is_ours(row, message.author)
        discard = admission.discard or (None if own or await self._is_wanted(row, message) else Discard.UNWANTED)
        barred = () if own else await self._barred(row, message.author)
        self._posts.append(
            Heard(
                row.id, row.link_id, message.id, own, row.received_at, discard.value if discard else "",
                barred=barred + admission.barred, root=root,
                is_voiced=row.heard_by is None and await self._ingest.voices.speaks(row.installation_id, message.author),
                is_late_edit=is_late_edit, edited_at=plausible(message.edited_at, row.received_at),
                author=storable(message.author)[:LONGEST_ID],
            )
        )  # fmt: skip

    async def _admission(self, row: Any, message: Message) -> Admission:
        """Whether it crosses from a direct chat; from a channel everything does."""
        if row.heard_by is None:
            return Admission()
        try:
            return await self._ingest.direct_chats.admit(row, message.author)
        except (TryAgain, Unsure, Reconnect) as error:
            self._rest = max(self._rest, await self._ingest.trouble(row, error))
            return WAITS
        except (ConnectorError, NotSupported):  # these people may not write to each other there
            return Admission(Discard.NOT_SYNCED)

    async def _is_wanted(self, row: Any, message: Message) -> bool:
        if row.carries_apps:
            return True
        author = await self._ingest.directory.account(row.installation_id, message.author)
        return not (message.is_app or (author and author.is_bot))

    async def _barred(self, row: Any, author: AccountId) -> tuple[int, ...]:
        """Mailboxes of other companies that somebody's words must not reach; they are told, and it is counted."""
        if not row.is_shared:
            return ()
        barred = await policy.barred(row.link_id, author)
        if barred.links:
            platform = (await self._ingest.connections.connector(row.installation_id)).platform.slug
            self._kept_inside.append((platform, DISCARD, Discard.KEPT_INSIDE.value))
            await kept_inside.tell_barred(self._ingest.redis, row, author, is_restricted=barred.is_restricted)
        return barred.links

    async def _told_late(self, row: Any, message: Message) -> None:
        """A change of a message nobody told us of: its webhook is late or lost, or it predates the link."""
        if datetime.now(UTC) - message.sent_at < RECENT:
            await self._posted(row, message, is_late_edit=True)
        else:
            self._discard(row, Discard.UNKNOWN_MESSAGE)

    # --- changes

    async def _edited(self, row: Any, message: Message) -> None:
        at = plausible(message.edited_at, row.received_at) or row.received_at
        barred = await self._barred(row, message.author)
        routed = await self._changes.edited(row.id, row.link_id, message.id, at, barred)
        if routed.verdict == UNKNOWN:
            await self._told_late(row, message)
        else:
            self._routed.append(routed)

    async def _stands(self, row: Any, message: Message, reactions: frozenset[Reaction]) -> None:
        """Compare a message with what is known of it: its text, and who reacted with what."""
        at = plausible(message.edited_at, row.received_at)
        barred = await self._barred(row, message.author) if at else ()
        now = {(one.account, one.emoji) for one in reactions if not await self._ingest.is_own(row, one.account)}
        before = await self._changes.reactions_here(row.link_id, message.id)
        reacting = {account for account, _ in now ^ before}
        kept_from = {link for account in sorted(reacting) for link in await self._barred(row, AccountId(account))}
        routed = await self._changes.stands(
            row.id, row.link_id, message.id, at, now - before, before - now, barred, sorted(kept_from)
        )
        if routed.verdict != UNKNOWN:
            self._routed.append(routed)
        elif now and row.age < OVERTAKEN_SECONDS:
            self._wait()  # told now, the message would go out without them
        else:
            await self._told_late(row, message)

    async def _reacted(
        self,
        row: Any,
        message: str,
        reaction: Reaction,
        *,
        on: bool,
    ) -> None:
        if await self._ingest.is_own(row, reaction.account):
            self._discard(row, Discard.ECHO)
            return
        this = [(reaction.account, reaction.emoji)]
        put, taken = (this, []) if on else ([], this)
        barred = await self._barred(row, reaction.account)
        routed = await self._changes.reacted(row.id, row.link_id, message, put, taken, barred)
        if routed.verdict != UNKNOWN:
            self._routed.append(routed)
        elif row.age < OVERTAKEN_SECONDS:
            self._wait()
        else:
            self._discard(row, Discard.UNKNOWN_MESSAGE)

    async def _noticed(self, row: Any, notice: Noticed) -> None:
        if row.heard_by is not None:
            await self._ingest.direct_chats.forget_people(row.link_id)
            self._discard(row, Discard.NOT_CARRIED)
        elif await self._is_our_doing(row, notice):
            self._discard(row, Discard.ECHO)
        elif notice.what == Happening.RENAMED and storable(notice.text) == row.name:
            self._discard(row, Discard.STALE)
        else:
            await self._tell(row, notice)

    async def _is_our_doing(self, row: Any, notice: Noticed) -> bool:
        """Whether our account did it, or it is about people whom we moved: some platforms do not tell who did."""
        if notice.by and await self._ingest.is_own(row, notice.by):
            return True
        others = [account for account in notice.accounts if not await self._ingest.is_own(row, account)]
        if notice.what in MOVES and others:
            moved = await self._changes.moved_by_us(row.link_id, others, come=notice.what == Happening.JOINED)
            others = [account for account in others if account not in moved]
        return bool(notice.accounts) and not others

    async def _tell(self, row: Any, notice: Noticed) -> None:
        """Route a notice. An archive is written down before, for that may be repeated; a name after, for an event that tells
        a known name is old news, and after a crash this one would be.
        """
        if notice.what in (Happening.ARCHIVED, Happening.UNARCHIVED):
            await self._changes.archived(row.universal, on=notice.what == Happening.ARCHIVED)
        name = f"notice:{row.id}"  # no platform's id looks like that
        self._posts.append(Heard(row.id, row.link_id, name, False, row.received_at, is_notice=True))
        await self._flush()
        if notice.what == Happening.RENAMED:
            await self._changes.renamed(row.link_id, storable(notice.text), row.id)

    # --- what became of it

    def _wait(self) -> None:
        self.waiting += 1
        self._rest = max(self._rest, OVERTAKEN_REST)

    def _later(self, told: Heard) -> None:
        """A post of our own account that cannot be judged yet."""
        is_old = datetime.now(UTC) - told.received_at > timedelta(seconds=OWN_SECONDS)
        self.waiting += is_old
        self._rest = max(self._rest, OVERTAKEN_REST if is_old else ASK_AGAIN)

    def _discard(self, row: Any, reason: Discard) -> None:
        self._posts.append(Heard(row.id, row.link_id, row.message, False, row.received_at, reason.value))

    async def _flush(self) -> None:
        """Route the new messages gathered so far in one commit."""
        heard, self._posts = self._posts, []
        if not heard:
            return
        try:
            await self._route(heard)
        except REFUSALS:
            for one in heard:  # the one that the database refuses must not take the others along
                try:
                    await self._route([one])
                except REFUSALS:
                    await self._route([one._replace(external_id="", discard=Discard.UNREADABLE.value)])

    async def _route(self, heard: list[Heard]) -> None:
        ready = self._ingest.mailboxes.reserve(heard[0].link)
        routed: list[Routed] = []
        try:
            routed = await self._ingest.ledger.route([heard[0]._replace(ready=ready), *heard[1:]])
        finally:
            self._ingest.mailboxes.hand_over(ready, self._rows, routed)
        self._routed += routed
        for told, one in zip(heard, routed, strict=True):
            if one.verdict == LATER:
                self._later(told)

    async def _finish(self) -> None:
        """Forget what goes nowhere; count what was discarded and what crossed degraded. Echoes are no news."""
        installations = {row.id: row.installation_id for row in self._rows}
        carried = {one.event for one in self._routed if one.links}
        over: list[int] = []
        happenings = self._kept_inside
        for one in self._routed:
            self.reached.update(set(one.links).difference(begun.link for begun in one.begun))
            if one.links:
                happenings += self._degraded.get(one.event, [])
            elif one.verdict not in (LATER, SETTLED) and one.event not in carried:
                over.append(one.event)
                if one.verdict not in ("", Discard.ECHO):
                    connector = await self._ingest.connections.connector(installations[one.event])
                    happenings.append((connector.platform.slug, DISCARD, one.verdict))
        for event in over:
            self._ingest.ear.forget(event)
        await vault.drop(self._ingest.redis, over)
        if happenings:
            await self._ingest.ledger.count(happenings)
