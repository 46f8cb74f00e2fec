"""A large company for benchmarks: the same people by number on several fakes, beside the small one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from connectors.sandbox import World, fake_class

DOMAIN = "bench.example"
"""Of all their e-mail addresses: ``person00001@bench.example`` and so on."""
TEAM = "Bench"
"""What their team is called, where a platform has teams."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """``people`` and ``channels`` on each platform, ``members`` of those people in each of them, in turn."""

    people: int
    channels: int
    members: int


@runtime_checkable
class Crowded(Protocol):
    """A fake that can hold a crowd. Its channels are called ``bench-0001`` and so on."""

    def populate(self, people: int, channels: int, members: int) -> None:
        """Let them all be there; nobody is told."""


def can_be_crowded(slug: str) -> bool:
    """Whether a platform's fake takes a crowd."""
    return issubclass(fake_class(slug), Crowded)


def populate(world: World, slugs: Iterable[str], crowd: Crowd) -> None:
    """Let the crowd in. Raises ``KeyError`` and ``TypeError`` for platforms that are unknown or cannot hold it."""
    for slug in slugs:
        fake = world.fakes[slug]
        if not isinstance(fake, Crowded):
            raise TypeError(f"the fake {slug} cannot hold a crowd")
        fake.populate(crowd.people, crowd.channels, crowd.members)
