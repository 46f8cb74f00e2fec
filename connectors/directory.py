"""What a platform tells of its people and conversations, and what we may change there.

Lists come in pages, one call or a few each, so that a run can be continued after a crash, slowed down, and shown while it
goes on. A cursor is opaque above the platform's folder, short enough for a database row (``LONGEST_CURSOR``), and good for a
run of some hours; where the platform's own cursors are not, ``Gone`` says that the list must be begun again.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from connectors.calls import Calls
from connectors.messages import NO_TEAM, Account, AccountId, ConversationId, TeamId

T = TypeVar("T")

LONGEST_CURSOR = 4000
"""Letters; Microsoft's skip tokens are the longest, and grow to about half of it."""
MOST_MEMBERS = 30_000
"""Members that ``ListsMembers.members`` reads at most: a team of Microsoft's holds 25,000, none of the others more."""

MOST_PAGES = 1_000
"""Pages of a conversation's members: three times those of the largest, at a hundred a page. More is a list without an end."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. ``next`` is the cursor of the following one, empty at the end.

    ``total`` is how many there are in all, where the platform tells. ``resume``, on the last page only: the cursor by which a
    later run is told just what changed since; then deleted accounts come with ``is_deleted``. Empty where it must read all.
    """

    items: tuple[T, ...]
    next: str = ""
    total: int | None = None
    resume: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """A team as its platform's directory shows it."""

    id: TeamId
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A channel or space as its platform's directory shows it. ``team`` is empty where it belongs to none.

    ``is_entered``: our own account is a member, or need not be to hear and speak there. ``is_whole_team``: its members are
    those of its team, so that whoever is taken out of it is taken out of the team.
    """

    id: ConversationId
    name: str
    topic: str = ""
    team: TeamId = NO_TEAM
    is_private: bool = False
    is_archived: bool = False
    is_entered: bool = True
    is_whole_team: bool = False


class ListsAccounts(ABC):
    """The platform tells who an account is."""

    @abstractmethod
    def account(self, account: AccountId) -> Calls[Account]:
        """One account, for an author or a mentioned person the directory does not know yet. Raises ``Gone``."""


class ListsTeams(ABC):
    """Conversations belong to teams, and it is by team that an administrator chooses what is imported."""

    @abstractmethod
    def teams(self, cursor: str = "") -> Calls[Page[Team]]:
        """All teams that can be chosen, where the platform lets us see them also those that our account is not in."""

    @abstractmethod
    def enter_team(self, team: TeamId) -> Calls[None]:
        """Make our account a member; it is a success if it is one. Raises ``Refused`` where somebody must do it by hand."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of people as its platform's directory shows it. Its id is opaque."""

    id: str
    name: str


class ListsGroups(ABC):
    """The platform keeps groups of people, by which an administrator says who is synced."""

    @abstractmethod
    def groups(self, text: str = "", cursor: str = "") -> Calls[Page[Group]]:
        """A page of the groups whose name begins with ``text``; all that can be chosen where it is empty."""

    @abstractmethod
    def group_members(self, group: str, cursor: str = "") -> Calls[Page[AccountId]]:
        """A page of the people in a group and in the groups within it. Raises ``Gone`` where the group is no more, and
        where the platform no longer knows the page.
        """


class ListsPeople(ABC):
    """The platform tells who its people are."""

    @abstractmethod
    def people(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Account]]:
        """A page of accounts: everybody, or where there are teams the members of ``teams``; one may come up more than once.

        ``cursor`` is a page's ``next``, or the ``resume`` of an earlier run with the same teams. Raises ``Gone`` where the
        platform no longer knows it, or one of ``teams``: a team that we no longer see is not one that everybody has left.
        """


class ListsConversations(ABC):
    """The platform tells which conversations there are."""

    @abstractmethod
    def conversations(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Place]]:
        """A page of channels, public and private as far as our voice can see; direct chats never.

        All that there are, or where there are teams the channels of ``teams`` and those that belong to none. Raises ``Gone``
        as ``people`` does.
        """

    @abstractmethod
    def conversation(self, conversation: ConversationId) -> Calls[Place]:
        """One channel as it is now. Raises ``Gone`` where it is no more, or no longer visible to us."""


class ListsMembers(ABC):
    """The platform tells who is in a conversation."""

    @abstractmethod
    def members_page(self, conversation: ConversationId, cursor: str = "") -> Calls[Page[AccountId]]:
        """A page of everybody in a conversation, our own account included."""

    def members(self, conversation: ConversationId) -> Calls[list[AccountId]]:
        """Everybody in a conversation, up to ``MOST_MEMBERS``."""
        found: list[AccountId] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            page = yield from self.members_page(conversation, cursor)
            found += page.items
            cursor = page.next
            if not cursor or len(found) >= MOST_MEMBERS:
                break
        return found


class ManagesConversations(ABC):
    """Conversations can be made, and people brought into them. ``most_added`` accounts fit one ``add``.

    ``pause`` are the seconds that a platform wants between two calls that add to a conversation or take out of it; 0 where
    its general limits suffice.
    """

    most_added: ClassVar[int] = 1
    pause: ClassVar[float] = 0.0

    @classmethod
    @abstractmethod
    def legal_name(cls, name: str) -> str:
        """``name`` as this platform takes it for a channel: letters, case and length. Never empty. Pure."""

    @abstractmethod
    def create(self, name: str, *, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
        """Make a channel of a legal name, our account in it. ``team`` is empty where the platform has none, or wants none.

        Raises ``Refused`` where the name is taken or creating is not ours to do; ``Unsure`` where it may have been made: the
        caller then looks for the name in ``conversations``.
        """

    @abstractmethod
    def enter(self, conversation: ConversationId) -> Calls[None]:
        """Have our account hear and speak there; a success if it does. Raises ``Refused`` where somebody must invite it."""

    @abstractmethod
    def add(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
        """Make accounts members, at most ``most_added``; those who are already are a success.

        Returns those who could not be added, each with the reason in words an administrator may read.
        """

    @abstractmethod
    def remove(self, conversation: ConversationId, account: AccountId) -> Calls[None]:
        """Take an account out of a conversation; one that is not in it is a success. Raises ``Refused``."""
