"""Accounts that stand for people who have none of their own on a platform: found, made and taken away again."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from connectors.calls import Calls
from connectors.messages import Account, AccountId

_ADDRESS = re.compile(r"(?=.{3,254}\Z)[^\s@\x00-\x1f\x7f\ud800-\udfff]+@[^\s@\x00-\x1f\x7f\ud800-\udfff]+")
"""254 characters are the most that mail allows."""


def is_address(text: str) -> bool:
    """Whether ``text`` may be an e-mail address: nothing else is put into a question about one."""
    return bool(_ADDRESS.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Found:
    """An account of a verified address. ``is_licensed``: it may take part in chats; else a stand-in can be made.

    A guest needs no licence; ``account.is_guest`` tells one. Who made it no platform tells: what was found before we made
    anything is not ours to discard.
    """

    account: Account
    is_licensed: bool = True


class FindsAccounts(ABC):
    """The platform tells which account an e-mail address has, and whether that can chat."""

    most_looked_up: ClassVar[int] = 1
    """Addresses that one ``look_up`` takes."""

    @abstractmethod
    def look_up(self, emails: Sequence[str]) -> Calls[dict[str, Found]]:
        """By address in small letters the account that has it; an address that nobody has is left out."""


class ProvisionsAccounts(FindsAccounts):
    """The platform lets us make accounts that stand for people of other platforms. ``makes`` is ``guest`` or ``bot``."""

    makes: ClassVar[str]

    @abstractmethod
    def provision(self, email: str, name: str, message: str = "") -> Calls[Account]:
        """Make a stand-in; one that is there already is returned as it is. The person is written to by the platform where
        there is a ``message``, in its words; else nobody is.

        Raises ``Refused`` with a reason an administrator may read where the tenant's policy forbids it.
        """

    @abstractmethod
    def discard(self, account: AccountId) -> Calls[None]:
        """Delete a stand-in that we made; one that is gone already is a success. Never a person's own account."""
