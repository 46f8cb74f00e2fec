"""One delivery at the front of its mailbox: the intent on record before each send, its outcome before the next.

A crash between send and commit leaves the intent. Whoever comes next looks at the platform before sending again.
"""

from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import structlog
from django import db
from redis.exceptions import RedisError

from connectors.calls import Calls, T
from connectors.contract import Connector, NamesConversations, Rendered, SetsTopics
from connectors.errors import Gone, NotSupported, RateLimited, Reconnect, Refused, TryAgain, Unsure
from connectors.http import ANSWER_SECONDS, drive
from connectors.messages import (
    ConversationId,
    Edited,
    Event,
    Happening,
    Kind,
    Message,
    MessageId,
    Noticed,
    Posted,
    Reference,
    Stands,
)
from connectors.richtext import mentions
from relay.amending import Amendment
from relay.consequences import MISTAKE, consequence, growing_rest
from relay.database import LeaseLost
from relay.direct_chats import CONSENT_SECONDS, told_in_vain
from relay.files import OriginFails, OriginLost
from relay.hearing import Unheard
from relay.models import Delivery, Discard, MessageCopy, Outcome
from relay.sayings import Saying, Talk, Words
from relay.translate import NO_THREAD, Thread
from relay.turns import CalledOff, Intent, Said
from relay.voices import Voice, Voiceless

if TYPE_CHECKING:
    from relay.delivery import Deliver

log = structlog.get_logger(__name__)

SETTLE = 3.0
"""Seconds before we look for an unanswered send: platforms show a new message within a second or two."""
LOOK_AGAIN = 5.0
"""Seconds between looks for a send that a worker died over, until the platform must have finished with it."""
LONGEST_TRYING = 24 * 3600.0
"""Seconds after which a message nobody could deliver is kept for a decision instead: a day late, it is history."""
LOOK_BACK = timedelta(seconds=60)
"""Clocks differ: what is looked for may bear a time a little before our intent. Far under any reuse of a nonce."""

INFRASTRUCTURE = (LeaseLost, psycopg.Error, db.Error, RedisError, OSError)
"""Trouble with our own database or Redis: no message's fault, so whoever runs the shard decides."""

State = Delivery.State
Heard = TypeVar("Heard")


class Visit:
    """One delivery's time at the front of its mailbox. ``said`` is what went out last and is not yet committed.

    ``revision`` is the edit whose words it says, None for the original ones.
    """

    def __init__(self, deliver: "Deliver", row: Any, *, is_begun: bool = False) -> None:
        self.deliver = deliver
        self.row = row
        self.said: Said | None = None
        self.revision: datetime | None = None
        self._is_begun = is_begun
        self._in_doubt = self._began_in_doubt = not is_begun and row.state in (State.SENDING, State.UNSURE)
        self.mentions_people = False
        self.voice: Voice
        """In whose name things are said here: from the start ours, then that of who said it."""
        self._has_voice = False

    async def pay(self, said: Said | None) -> float:
        """Carry this delivery out, committing ``said`` on the way. Returns seconds the mailbox must rest, 0 to go on."""
        self.said = said
        try:
            await self._carry_out()
        except TooEarly as early:
            await self.commit()
            return early.seconds
        except CalledOff:
            return 0.0
        except INFRASTRUCTURE:
            raise
        except Exception as error:  # noqa: BLE001 (whatever one delivery meets, it must not stop its mailbox)
            await self.commit()
            return await self._set_back(error)
        return 0.0

    async def _carry_out(self) -> None:
        self.voice = await self.deliver.voices.ours(self.row.installation)
        match Kind(self.row.event_kind):
            case Kind.POSTED if self.row.is_deleted:
                await self._withdraw()
            case Kind.POSTED if self.row.tries and await self._was_overtaken():
                await self.close(State.DONE, Outcome.FOLDED)
            case Kind.POSTED | Kind.NOTICE:
                match await self._heard():
                    case Noticed() as notice:
                        await self._notify(notice)
                    case _:
                        await self.post()
            case _:
                await self._clear_up()
                await (await Amendment.of(self)).make()

    async def _was_overtaken(self) -> bool:
        """Whether an edit that it let pass while it was kept for a decision said it already; or that was taken away since."""
        await self.commit()
        standing = await self.deliver.standings.of(self.row.message, self.row.link, self.row.id)
        said = any(self.row.part <= copy.part < MessageCopy.NOTES for copy in standing.copies)
        return said or standing.is_taken_away

    # --- what is to be said

    async def post(self) -> None:
        """Say the message as it now stands: what was edited while it waited goes out edited."""
        await self._say_all(await self.sayings())

    async def sayings(
        self, *, only_names: bool = False, is_edited: bool = True, then: datetime | None = None
    ) -> list[Saying]:
        """The message for this mailbox by the newest edit heard of, or as it was: its words in parts, then its files.

        ``then``: where it belonged at that time.
        """
        message = await self.message(is_edited=is_edited)
        thread = await self._thread(message, then)
        if not self._has_voice:
            self.speak_as(await self._voice_of(message))
        self.mentions_people = bool(mentions(message.body) or self.voice.stand_in) and not only_names
        return await self.deliver.translator.sayings(message, self.row, self.voice, thread, only_names=only_names)

    async def parts(self, *, only_names: bool = False) -> list[Rendered]:
        """The words of the message by the newest edit heard of."""
        sayings = await self.sayings(only_names=only_names)
        return [saying.rendered for saying in sayings if isinstance(saying, Words)]

    async def message(self, *, is_edited: bool = True) -> Message:
        """The message by the newest edit heard of, or as it was."""
        match await self._heard(is_edited=is_edited):
            case Posted(message) | Edited(message) | Stands(message):
                self.revision = (self.row.edited_at if is_edited else None) or message.edited_at
                return message
            case _:
                raise Unheard(Discard.GONE)

    async def _heard(self, *, is_edited: bool = True) -> Event:
        row = self.row
        event, kind, at = row.event, row.event_kind, row.event_occurred_at
        if is_edited and row.edit is not None:
            event, kind, at = row.edit, row.edit_kind, row.edit_occurred_at
        reference = self._about(Kind(kind), MessageId(row.event_message), at)
        return await self._listen(self.deliver.ear.hear(event, row.origin_installation, reference, row.origin_heard_by))

    def _about(self, kind: Kind, message: MessageId, occurred_at: datetime | None = None) -> Reference:
        return Reference(kind, ConversationId(self.row.origin_conversation), message, occurred_at)

    async def _listen(self, hearing: Awaitable[Heard]) -> Heard:
        try:
            return await hearing
        except Reconnect:
            raise OriginLost("the platform it comes from must be connected again") from None

    async def _thread(self, message: Message, then: datetime | None) -> Thread:
        """Where a reply belongs: under our copy of the root, or under a line of it when the root never came here."""
        if message.thread is None:
            return NO_THREAD
        await self.commit()  # the root may be what was said just now
        root = (await self.deliver.standings.of(self.row.message, self.row.link, self.row.id, then)).thread
        if root is not None:
            return Thread(MessageId(root))
        reference = self._about(Kind.POSTED, message.thread)
        reading = self.deliver.ear.message(self.row.origin_installation, reference, self.row.origin_heard_by)
        with suppress(Unheard):  # deleted by now: the reply can do without
            return Thread(None, await self._listen(reading))
        return NO_THREAD

    # --- in whose name

    def speak_as(self, voice: Voice) -> None:
        """Say what follows in somebody's name."""
        self.voice, self._has_voice = voice, True

    async def _voice_of(self, message: Message) -> Voice:
        """The author's own voice here, else ours; in a direct chat ours speaks for stand-ins only."""
        row = self.row
        voice = await self.deliver.voices.of(row.origin_installation, message.author, row.installation)
        if voice and (not voice.is_a_persons or voice.may_post(ConversationId(row.conversation))):
            return voice
        if row.is_direct:
            raise Voiceless(row.origin_installation, message.author)
        return await self.deliver.voices.ours(row.installation)

    async def speak_as_said(self, account: int | None) -> None:
        """Go on in the name of whoever said a copy (``MessageCopy.voice``); in ours where that voice is lost."""
        voice = await self.deliver.voices.by(account) if account is not None else None
        self.speak_as(voice or await self.deliver.voices.ours(self.row.installation))

    # --- saying it

    async def _say_all(self, sayings: Sequence[Saying]) -> None:
        left = [saying for saying in sayings if saying.number >= self.row.part]
        if not left:  # it became shorter since its first parts were said
            await self.close(State.DONE, Outcome.SAID)
        for saying in left:
            try:
                await self.say(saying, is_last=saying is left[-1])
            except (Refused, Gone) as error:
                if saying.number == 0 and self.voice.is_a_persons and not self.row.is_direct:
                    # Not a member there, say: rather in our name than not at all.
                    self.speak_as(await self.deliver.voices.ours(self.row.installation))
                    return await self._say_all(await self.sayings())
                if isinstance(error, Gone) or saying.number or not self.mentions_people:
                    raise
                # Graph refuses a whole message for one person outside the channel: rather unnotified than undelivered.
                return await self._say_all(await self.sayings(only_names=True))
        return None

    async def say(self, saying: Saying, *, is_last: bool = False) -> None:
        """Say one thing, the intent on record before it; its outcome is committed with the next step."""
        outcome, external_id = await self._say(saying)
        # Which words were found is not known for certain, so an edit that waits behind says its own in any case.
        revision = None if outcome == Outcome.FOUND else self.revision
        self.said = Said(
            self.row.id, self.row.event, saying.number, external_id, is_last, outcome,
            is_news=outcome != Outcome.SAID or self.row.tries > 0, revision=revision, voice=self.voice.account,
        )  # fmt: skip

    async def _say(self, saying: Saying) -> tuple[Outcome, MessageId]:
        if self._in_doubt and saying.number == self.row.part:
            await self.commit()
            found = await self._found(saying) or await self._look(saying.number, saying)
            if found:
                self._in_doubt = False
                return Outcome.FOUND, found
            self._may_resend()
        if not self._is_begun:
            said, self.said = self.said, None
            await self.deliver.turn(said, Intent(self.row.id, saying.number))
        self._is_begun = self._in_doubt = False
        return Outcome.SAID, await saying.say(self.talk)

    async def _notify(self, notice: Noticed) -> None:
        """Take a new name or topic on here, or else tell of it."""
        if self.row.follows_names and await self._follow(notice):
            await self.close(State.DONE, Outcome.CARRIED_OUT)
        elif self.row.shows_notices:
            await self._say_all(self.words(await self.deliver.translator.notice(notice, self.row, self.voice)))
        else:
            await self.close(State.SKIPPED, Outcome.UNWANTED)

    async def _follow(self, notice: Noticed) -> bool:
        connector, conversation = self.voice.connector, ConversationId(self.row.conversation)
        try:
            match notice.what:
                case Happening.RENAMED if not await self.deliver.changes.is_newest_name(self.row.link, self.row.event):
                    pass  # last writer wins
                case Happening.RENAMED if isinstance(connector, NamesConversations):
                    name = await self.talk(connector.rename(conversation, notice.text))
                    await self.deliver.changes.renamed(self.row.link, name)
                case Happening.TOPIC if isinstance(connector, SetsTopics):
                    await self.talk(connector.set_topic(conversation, notice.text))
                case _:
                    return False
        except (Refused, Gone, NotSupported, Reconnect):  # not ours to name, or we were not given the permission
            return False
        return True

    async def _withdraw(self) -> None:
        """Its author deleted it while it waited: it does not go out. What is out already, the delete takes back."""
        await self._clear_up()
        await self.close(State.SKIPPED, Outcome.UNWANTED)

    # --- after a lost answer

    async def _clear_up(self) -> None:
        """Write down what the last try said, if it did: a newer edit would say it again, a deletion would leave it there."""
        if not self._in_doubt or self.row.part >= MessageCopy.NOTES:
            return
        found = await self._look(self.row.part)
        if not found:
            self._may_resend()
            return
        self._in_doubt = False
        number, voice = self.row.part, self.voice.account
        self.said = Said(self.row.id, self.row.event, number, found, False, Outcome.FOUND, voice=voice)

    async def _found(self, saying: Saying) -> MessageId | None:
        """The id of an earlier try whose answer was lost; None when it is not there."""
        if self.row.intent_age < SETTLE:
            raise TooEarly(SETTLE - self.row.intent_age)
        candidates = await self._candidates(saying)
        unclaimed = await self.deliver.ledger.unknown(self.row.link, list(map(str, candidates)))
        return MessageId(unclaimed[0]) if unclaimed else None

    async def _candidates(self, saying: Saying) -> list[MessageId]:
        """Where somebody who spoke for themselves may not look, our own account does."""
        since = self.row.intent_at - LOOK_BACK
        try:
            return await saying.look(self.talk, since)
        except (Refused, Gone):
            if not self.voice.is_a_persons or self.row.is_direct:
                raise
        ours = (await self.deliver.voices.ours(self.row.installation)).connector
        return await saying.of(ours).look(self._talk_as(ours), since)

    async def _look(self, number: int, *looked_for: Saying) -> MessageId | None:
        """The same for whatever a part of the message may have gone out as: with names only, with the words from before an
        edit, under a root that was deleted since."""
        revision, mentions_people, tried = self.revision, self.mentions_people, list(looked_for)
        for then, is_edited, only_names in product((None, self.row.intent_at), (True, False), (True, False)):
            if number >= MessageCopy.FILES and (only_names or not is_edited):
                continue
            if is_edited or self.row.edit not in (None, self.row.event):
                with suppress(Unheard):
                    sayings = await self.sayings(only_names=only_names, is_edited=is_edited, then=then)
                    said = next((one for one in sayings if one.number == number and one not in tried), None)
                    if said and (found := await self._found(said)):
                        return found
                    tried += [said] if said else []
        self.revision, self.mentions_people = revision, mentions_people
        if self.voice.is_a_persons and not self.row.is_direct:  # it may have gone out in our name, after a refusal
            return await self._look_as_ours(number)
        return None

    async def _look_as_ours(self, number: int) -> MessageId | None:
        persons = self.voice
        self.speak_as(await self.deliver.voices.ours(self.row.installation))
        found = await self._look(number)
        if found is None:
            self.speak_as(persons)
        return found

    def _may_resend(self) -> None:
        """A worker that died in mid-call leaves the platform at work on it: not there yet is not the same as not sent."""
        if self.row.state == State.SENDING and self.row.intent_age < ANSWER_SECONDS:
            raise TooEarly(min(LOOK_AGAIN, ANSWER_SECONDS - self.row.intent_age))

    # --- for whoever carries it out

    def words(self, parts: Iterable[Rendered]) -> list[Words]:
        """Parts of a text as things to say here."""
        return [Words(number, part, self.voice.connector) for number, part in enumerate(parts)]

    async def talk(self, calls: Calls[T]) -> T:
        """Run a method of the connector of ``voice``."""
        return await self._talk_as(self.voice.connector)(calls)

    def _talk_as(self, connector: Connector) -> Talk:
        async def talk(calls: Calls[T]) -> T:
            return await drive(calls, self.deliver.transport, connector.credentials, self.deliver.sandbox)

        return talk

    async def commit(self) -> None:
        """Write down what was said so far."""
        said, self.said = self.said, None
        await self.deliver.turn(said, None)

    async def close(self, state: Delivery.State, outcome: Outcome) -> None:
        """End this delivery without a last part to say."""
        await self.commit()
        # What the last try said of the message may read otherwise by now, and then is not found again.
        unclaimed = self._in_doubt or (self._began_in_doubt and self.row.part >= MessageCopy.NOTES)
        finished = await self.deliver.ledger.close_delivery(self.row.id, state, outcome, unclaimed=unclaimed)
        if finished is not None:
            self.deliver.done.append(finished)

    async def _set_back(self, error: Exception) -> float:
        what = consequence(error)
        if what is MISTAKE:
            log.error("delivery failed by our own mistake", delivery=self.row.id, error=type(error).__name__)
        if isinstance(error, Reconnect) and self.voice.is_a_persons:
            await self.deliver.voices.lost(self.voice, f"{error}.")
            what = consequence(TryAgain())
        elif isinstance(error, Reconnect):
            await self.deliver.connections.lost(self.row.installation)
        if isinstance(error, OriginLost):
            await self.deliver.connections.lost(self.row.origin_installation)
        rest = growing_rest(self.row.setbacks) if what.rest is None else what.rest
        if isinstance(error, RateLimited | OriginFails):
            rest = max(rest, error.after)
        state, reason = what.state, "a mistake of the Hub's own" if what is MISTAKE else str(error)
        if self._in_doubt and state == State.WAITING:
            state = State.UNSURE
        if isinstance(error, Voiceless) and self.row.age > CONSENT_SECONDS:
            state, rest = State.SKIPPED, 0.0
            await told_in_vain(error.origin, error.author)
        if (
            state in (State.WAITING, State.UNSURE)
            and what.outcome != Outcome.RECONNECT
            and self.row.age > LONGEST_TRYING
        ):
            state, rest, reason = State.PARKED, 0.0, f"tried for a day: {reason}"
        is_over = state in (State.PARKED, State.SKIPPED)
        unclaimed = is_over and (self._in_doubt or isinstance(error, Unsure) or what is MISTAKE)
        await self.deliver.ledger.set_back(self.row.id, state, what.outcome, reason, rest, unclaimed=unclaimed)
        if is_over:
            self.deliver.done.extend(await self.deliver.ledger.finished([self.row.event]))
        return rest


class TooEarly(Exception):
    """An unanswered send is too fresh to be looked for; come back in ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
