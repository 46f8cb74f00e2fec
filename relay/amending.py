"""Amending: bringing the copy of a message to what the message now is: edited, deleted, reacted to.

A delivery of a change does not repeat what happened, it brings about how things stand. That folds whatever happened while
it waited, and makes every step repeatable after a crash. What a platform cannot do is said in words, by setting.

Whoever said a copy changes it and takes it back: our own account, or the person in whose name it was said.
"""

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from connectors.contract import Connector, DeletesMessages, EditsMessages, Reacts, Rendered
from connectors.errors import Gone, NotSupported, Refused, Unavailable
from connectors.messages import ConversationId, Kind, MessageId
from connectors.provisioning import ProvisionsAccounts
from relay.models import Delivery, MessageCopy, Outcome
from relay.sayings import Words
from relay.standing import OURS, Copy, Standing
from relay.voices import Voice

if TYPE_CHECKING:
    from relay.visit import Visit

TEXT_KINDS = frozenset({Kind.EDITED, Kind.CHANGED})
"""What may tell of other words; the rest tells of the message's end or of reactions."""
REACTING = frozenset({Kind.REACTED, Kind.UNREACTED})
"""What tells of reactions and of nothing else."""
IMPOSSIBLE = (Refused, NotSupported)
"""What a platform does not let us do; said in words instead."""


class Amendment:
    """One change's visit to one mailbox."""

    def __init__(self, visit: "Visit", standing: Standing) -> None:
        self._visit = visit
        self._row = visit.row
        self._standing = standing
        self._standings = visit.deliver.standings
        self._translator = visit.deliver.translator
        self._voices = visit.deliver.voices
        self._conversation = ConversationId(self._row.conversation)
        self._texts = [copy for copy in standing.copies if copy.is_text]

    @property
    def _connector(self) -> Connector:
        return self._visit.voice.connector

    @classmethod
    async def of(cls, visit: "Visit") -> "Amendment":
        """With how things stand in the mailbox of ``visit``."""
        await visit.commit()
        standing = await visit.deliver.standings.of(visit.row.message, visit.row.link, visit.row.id)
        return cls(visit, standing)

    async def make(self) -> None:
        """Bring the copy here to how the message stands."""
        if self._standing.copies:
            await self._visit.speak_as_said(self._standing.copies[0].voice)
        if await self._is_left_alone():
            await self._visit.close(Delivery.State.SKIPPED, Outcome.NOT_SUPPORTED)
            return
        if self._standing.deleted_by_event is not None:
            outcome = await self._delete() if self._standing.deleted_by_event == self._row.event else Outcome.FOLDED
        elif self._standing.is_taken_away:
            outcome = Outcome.UNWANTED  # by somebody there who may do so: an edit must not bring it back
        elif not self._standing.copies:
            if self._is_newest_edit():
                await self._visit.post()  # the original never got here: what it says now does
                return
            outcome = Outcome.UNWANTED
        else:
            outcome = await self._edit()
            with suppress(Gone):  # deleted there a moment ago: whoever did so tells
                await self._react()
        await self._visit.close(Delivery.State.DONE, outcome)

    async def _is_left_alone(self) -> bool:
        """Whether the company has us change nothing in people's full accounts, where there are stand-ins as well."""
        is_a_full_account_s = self._visit.voice.is_a_persons and isinstance(self._connector, ProvisionsAccounts)
        if not is_a_full_account_s or Kind(self._row.event_kind) in REACTING:
            return False
        return not (await self._visit.deliver.connections.company(self._row.installation)).amends_full_accounts

    def _is_newest_edit(self) -> bool:
        return self._row.event_kind in TEXT_KINDS and self._standing.edited_by_event == self._row.event

    # --- deleting

    async def _delete(self) -> Outcome:
        """Take back every part, the last first, then the notes; where the platform does not let us, say so once."""
        for copy in sorted(self._standing.copies, key=lambda copy: (copy.part >= MessageCopy.NOTES, -copy.part)):
            try:
                await self._take_back(copy)
            except IMPOSSIBLE:
                await self._note(self._translator.deleted_note(self._row, self._visit.voice, self._thread()))
                return Outcome.REFUSED
        return Outcome.CARRIED_OUT

    async def _take_back(self, copy: Copy) -> None:
        await self._visit.speak_as_said(copy.voice)
        if not isinstance(self._connector, DeletesMessages):
            raise NotSupported("this platform does not let messages be taken back")
        await self._visit.talk(self._connector.delete(self._conversation, MessageId(copy.external_id)))
        await self._standings.removed(copy)

    # --- editing

    async def _edit(self) -> Outcome:
        """Make the parts here read as the message now does: changed, added or taken back."""
        if not self._is_newest_edit():
            return Outcome.FOLDED if self._row.event_kind in TEXT_KINDS else Outcome.CARRIED_OUT
        try:
            await self._rewrite(await self._visit.parts())
        except (*IMPOSSIBLE, Gone) as error:
            if isinstance(error, Refused) and await self._rewritten_with_names():
                return Outcome.CARRIED_OUT
            message = await self._visit.message()
            await self._note(await self._translator.edited_note(message, self._row, self._visit.voice, self._thread()))
            await self._standings.shows(self._texts, self._visit.revision)
            return Outcome.REFUSED
        return Outcome.CARRIED_OUT

    async def _rewrite(self, parts: list[Rendered]) -> None:
        """Part by part; those that have the new words already, after a crash, are left alone."""
        texts = {copy.part: copy for copy in self._texts}
        for number, part in enumerate(parts):
            await self._put(part, number, texts.pop(number, None))
        for surplus in texts.values():
            await self._take_back(surplus)

    async def _rewritten_with_names(self) -> bool:
        """Graph refuses an edit for one person outside the channel: rather unnotified than not edited."""
        if not self._visit.mentions_people:
            return False
        standing = await self._standings.of(self._row.message, self._row.link, self._row.id)
        self._texts = [copy for copy in standing.copies if copy.is_text]  # some parts may have gone through
        try:
            await self._rewrite(await self._visit.parts(only_names=True))
        except (*IMPOSSIBLE, Gone):
            return False
        return True

    async def _put(self, part: Rendered, number: int, copy: Copy | None) -> None:
        if copy is None:
            await self._say(part, number)
            return
        await self._visit.speak_as_said(copy.voice)
        if not isinstance(self._connector, EditsMessages):
            raise NotSupported("this platform does not let messages be edited")
        if copy.revision != self._visit.revision:
            await self._visit.talk(self._connector.edit(MessageId(copy.external_id), part))
            await self._standings.shows([copy], self._visit.revision)

    # --- reacting

    async def _react(self) -> None:
        """Put and take back emoji until what we put here is what anybody put elsewhere; name the others in a line."""
        wanted, unsaid = await self._wanted(), set(self._standing.wanted)
        for by, emoji in sorted(self._standing.placed.keys() - wanted.keys()):
            voice = await self._voices.named(self._row.installation, by) if by != OURS else await self._ours()
            if voice:
                await self._place(voice, by, emoji, on=False)
        for (by, emoji), voice in sorted(wanted.items(), key=lambda one: one[0]):
            if self._standing.placed.get((by, emoji)) or await self._place(voice, by, emoji, on=True):
                unsaid.discard(emoji)
        await self._line(unsaid, next(iter(wanted.values()), None))

    async def _wanted(self) -> dict[tuple[str, str], Voice]:
        """Who here is to put which emoji: our own account for everybody, in a direct chat each person with their own."""
        if not self._row.is_direct:
            ours = await self._ours()
            return {(OURS, emoji): ours for emoji in self._standing.wanted}
        found = {}
        for one in await self._standings.put_elsewhere(self._row.message, self._row.link):
            if voice := await self._voices.of(one.installation, one.account, self._row.installation):
                found[voice.name or OURS, one.emoji] = voice
        return found

    async def _ours(self) -> Voice:
        return await self._voices.ours(self._row.installation)

    async def _place(self, voice: Voice, by: str, emoji: str, *, on: bool) -> bool:
        if not isinstance(voice.connector, Reacts):
            return False
        self._visit.speak_as(voice)
        message = MessageId(self._standing.copies[0].external_id)
        placed = partial(self._standings.placed, self._row.message, self._row.link, by, emoji, on=on)
        try:
            await self._visit.talk(voice.connector.react(self._conversation, message, emoji, on))
        except Unavailable:  # it may have been heard all the same, and by the next try be wanted no longer
            await placed(is_in_doubt=True)
            raise
        except IMPOSSIBLE:
            if on:
                return False
        await placed()
        return True

    async def _line(self, emoji: set[str], speaker: Voice | None) -> None:
        """Keep one compact line in the thread, rather than a flood: edited, replaced when it cannot be, gone at zero.

        What waits behind says it: Webex lets a message be edited ten times. Where nobody can speak there is none.
        """
        if self._standing.is_followed:
            return
        line = next((copy for copy in self._standing.copies if copy.is_reactions), None)
        if line and emoji and line.revision == self._standing.reacted_at:
            return
        people = await self._standings.reacted_by(self._row.message, self._row.link) if emoji else []
        said = [one for one in people if one.emoji in emoji]
        if not said or not self._row.shows_corrections or speaker is None:
            if line:
                await self._take_back(line)
            return
        self._visit.speak_as(speaker)
        if line:
            await self._visit.speak_as_said(line.voice)
        part = await self._translator.reaction_line(said, self._row, self._visit.voice, self._thread())
        if line and await self._is_edited(line, part):
            await self._standings.shows([line], self._standing.reacted_at)
            return
        if line:
            await self._take_back(line)
        self._visit.revision = self._standing.reacted_at
        await self._say(part, line.part + 1 if line else MessageCopy.REACTIONS)

    async def _is_edited(self, line: Copy, part: Rendered) -> bool:
        if not isinstance(self._connector, EditsMessages):
            return False
        try:
            await self._visit.talk(self._connector.edit(MessageId(line.external_id), part))
        except (*IMPOSSIBLE, Gone):
            return False  # Webex lets a message be edited ten times
        return True

    # --- words where the platform has no way

    async def _note(self, note: Rendered) -> None:
        """Say a correction under the copy, by setting; after a crash not once more."""
        if not self._row.shows_corrections or self._row.part > MessageCopy.NOTES:
            return
        notes = [copy.part for copy in self._standing.copies if copy.is_note]
        await self._say(note, max(notes, default=MessageCopy.NOTES - 1) + 1)

    async def _say(self, part: Rendered, number: int) -> None:
        await self._visit.say(Words(number, part, self._connector))
        await self._visit.commit()

    def _thread(self) -> MessageId:
        """Where words about the message go: into its thread."""
        return MessageId(self._standing.thread or self._standing.copies[0].external_id)
