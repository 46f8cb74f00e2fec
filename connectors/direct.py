"""Chats between two people, or a few: nobody of ours is in them, so most platforms let only the people themselves act there.

A connector made with a person's own ``Credentials`` (``person`` is set) speaks and reads as that person, in direct chats and
in conversations alike: it posts, edits, deletes, reacts, fetches and finds with that one token.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from connectors.calls import Calls
from connectors.messages import NO_ACCOUNT, AccountId, ConversationId

MOST_PEOPLE = 50
"""Accounts of one direct chat that are carried: above it people make a channel. Slack allows nine in one, the others more."""


class OpensDirectChats(ABC):
    """People's direct chats can be read, opened and spoken in. They arrive as envelopes with ``is_direct``.

    ``reads_unasked``: our own voice may read a chat in which nobody has consented to anything, and is told of it when it
    orders that (``Subscribes.resources``); else a chat is read as ``Envelope.hearer``, by that person's consent.
    ``orders_as_people``: what is said in somebody's chats is ordered with that person's own token; else nothing need be.
    """

    reads_unasked: ClassVar[bool] = False
    orders_as_people: ClassVar[bool] = False

    @abstractmethod
    def open_direct(self, accounts: Sequence[AccountId], topic: str = "") -> Calls[ConversationId]:
        """The chat of ``credentials.account`` with exactly these others: the one there is, else a new one.

        With one other it is a direct chat, with more a group, which gets ``topic`` where the platform names groups. Platforms
        that make a group anew each time do so here: the caller remembers it. Raises ``Refused`` where the platform does not
        let these people write to each other.
        """

    @abstractmethod
    def participants(self, conversation: ConversationId, author: AccountId = NO_ACCOUNT) -> Calls[list[AccountId]]:
        """Everybody in a direct chat, ``MOST_PEOPLE`` and one more at most. Raises ``Gone`` where it is not to be seen, and
        ``NotSupported`` for a conversation that is not a direct chat.

        ``author`` has just spoken there: where nobody allowed us to ask, that and who asks may be the two of a chat of two.
        """

    @abstractmethod
    def bring_in(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[None]:
        """Bring further people into a group; who is in it already is a success. Raises ``NotSupported`` where the platform
        keeps the people of a chat for ever: the caller opens another one."""
