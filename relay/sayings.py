"""The things that a delivery says one after the other, each with an id of its own at the platform: words, and files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from connectors.calls import Calls
from connectors.contract import CarriesFiles, Connector, Rendered
from connectors.messages import Attachment, Draft, MessageId
from relay.files import CannotCross, Files, OriginFails

T = TypeVar("T")

ENOUGH = 5
"""Tries after which a file that its own platform does not give is named instead: what stands behind it waits."""


class Talk(Protocol):
    """Runs a method of the mailbox's connector."""

    def __call__(self, calls: Calls[T]) -> Awaitable[T]: ...


class Saying(Protocol):
    """One thing to say. ``number`` is its place among the copies of the message, see ``MessageCopy``."""

    @property
    def number(self) -> int:
        """Its place among the copies."""

    async def say(self, talk: Talk) -> MessageId:
        """Say it. Raises the error family; ``Unsure`` is resolved by ``look``."""

    async def look(self, talk: Talk, since: datetime) -> list[MessageId]:
        """Candidates for an earlier try whose answer was lost, oldest first."""

    def of(self, target: Connector) -> "Saying":
        """The same in another voice."""


@dataclass(frozen=True, slots=True)
class Words:
    """A part of a text."""

    number: int
    rendered: Rendered
    target: Connector

    async def say(self, talk: Talk) -> MessageId:
        """See ``Saying``."""
        return await talk(self.target.post(self.rendered))

    async def look(self, talk: Talk, since: datetime) -> list[MessageId]:
        """See ``Saying``."""
        return await talk(self.target.find(self.rendered, since))

    def of(self, target: Connector) -> "Words":
        """See ``Saying``."""
        return replace(self, target=target)


@dataclass(frozen=True, slots=True)
class Shared:
    """A file, streamed from where it was shared; where it is refused on the way, ``otherwise`` the words that name it."""

    number: int
    files: Files
    origin: Connector
    attachment: Attachment
    target: Connector
    draft: Draft
    otherwise: Callable[[str], Rendered]
    tries: int

    async def say(self, talk: Talk) -> MessageId:
        """See ``Saying``."""
        try:
            return await self.files.carry(self.origin, self.attachment, self.target, self.draft)
        except CannotCross as refusal:
            return await talk(self.target.post(self.otherwise(str(refusal))))
        except OriginFails:
            if self.tries < ENOUGH:
                raise
            return await talk(self.target.post(self.otherwise("its platform does not give it")))

    async def look(self, talk: Talk, since: datetime) -> list[MessageId]:
        """See ``Saying``."""
        if not isinstance(self.target, CarriesFiles):
            return []
        return await talk(self.target.find_file(self.attachment, self.draft, since))

    def of(self, target: Connector) -> "Shared":
        """See ``Saying``."""
        return replace(self, target=target)
