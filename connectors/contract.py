"""The contract between the relay and a platform: what a platform folder must bring, and what it may rely on.

``connectors/README.md`` is the recipe for adding one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

from connectors.calls import Call, Calls
from connectors.messages import (
    NO_ACCOUNT,
    AccountId,
    Attachment,
    Button,
    Commanded,
    ConversationId,
    Draft,
    Event,
    MessageId,
    Reference,
    WorkspaceId,
)
from connectors.richtext import Document, letters
from connectors.splitting import split

Content = Mapping[str, Any]
"""A message as its platform tells it: the JSON object that ``parse`` reads, from a webhook or from ``fetch`` alike."""


class Unit(Enum):
    """What a platform counts when it limits a text."""

    CHARACTERS = "characters"
    BYTES = "bytes of UTF-8"


@dataclass(frozen=True, slots=True)
class Limits:
    """``text`` is the most one message may hold, in ``unit``, after rendering and escaping; ``file`` in bytes."""

    text: int
    unit: Unit
    file: int


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's name and face. ``colour`` is a CSS colour of its own brand."""

    slug: str
    label: str
    colour: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one connection speaks with.

    ``account`` is the account that posts (bot or service user). ``tokens`` are by kind, as ``Call.token`` names them.
    ``extra`` holds a platform's further ids, such as Slack's ``bot_id``. Tokens never show in a repr. ``person`` is set where
    these are somebody's own: the kind of the only token there is, which signs every call that wants a token.
    """

    workspace: WorkspaceId
    account: AccountId
    tokens: Mapping[str, str] = field(repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)
    person: str = ""

    def signing(self, kind: str) -> str | None:
        """The token for a call that wants one of this kind; None where there is none."""
        return self.tokens.get(self.person or kind)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it arrived: header and query names as sent but headers in lower case, the body untouched."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a handshake (URL verification, validation token): sent at once, nothing is stored."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One verified event, split into what may be stored and what may not.

    ``event_id`` is the same on every redelivery of the same event. ``content`` goes to the vault, never to the
    database; None where the platform sends only ids and the message is fetched by ``reference``. ``is_direct``: said in a
    chat of two or a few people, see ``direct.py``; ``hearer`` is the account by whose consent we were told, empty where our
    own voice hears it.
    """

    workspace: WorkspaceId
    event_id: str
    reference: Reference
    content: Content | None = field(default=None, repr=False)
    is_direct: bool = False
    hearer: AccountId = NO_ACCOUNT


@dataclass(frozen=True, slots=True)
class Rendered:
    """A draft in a platform's own form: ``payload`` is what ``post`` sends, ``size`` is counted in ``Limits.unit``."""

    conversation: ConversationId
    payload: dict[str, Any] = field(repr=False)
    size: int
    nonce: str


class Connector(ABC):
    """One platform, spoken to with one set of credentials.

    Nothing here does I/O: methods that talk return ``Calls`` for a driver of ``http.py`` to run. ``Secrets`` is a frozen
    dataclass of text fields with what the operator's app needs to prove incoming requests; each field is read from
    ``MIO_<SLUG>_<FIELD>`` and must not show in a repr.
    """

    platform: ClassVar[Platform]
    Secrets: ClassVar[type]

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    @property
    def own_accounts(self) -> frozenset[AccountId]:
        """Author ids under which our own posts come back. Read by the echo check together with sends on record."""
        return frozenset({self.credentials.account})

    @classmethod
    @abstractmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        """Prove a webhook's sender over its raw body, then answer a handshake or name its events.

        Called on the hot path before any database work, so it must be pure and quick. Raises ``Forged`` when signature,
        time or secret do not hold, ``Malformed`` for a body that is not what the platform sends. Events of no interest
        are returned with ``Kind.OTHER``: the caller counts them.
        """

    @abstractmethod
    def parse(self, content: Content, reference: Reference) -> Event:
        """Read a message into the neutral form. Pure; unknown constructs degrade to readable text and are counted."""

    @abstractmethod
    def render(self, draft: Draft) -> Rendered:
        """Write a draft in the platform's own form. Pure; the text of a user never becomes markup, mention or link."""

    @abstractmethod
    def post(self, rendered: Rendered) -> Calls[MessageId]:
        """Say it. The caller has the intent on record and resolves ``Unsure`` with ``find``."""

    @abstractmethod
    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        """Look at the destination for a send whose answer was lost: candidates, oldest first, posted by us after ``since``.

        By the hidden nonce where the platform keeps it (then at most one candidate), else by author and text. The caller
        drops ids it already knows.
        """

    def parts(self, draft: Draft) -> list[Rendered]:
        """Render ``draft``, split where it exceeds the platform's limit; part nonces are ``<nonce>.<number>``."""
        limit = self.platform.limits.text
        whole = self.render(replace(draft, nonce=f"{draft.nonce}.00"))
        if whole.size <= limit:
            return [whole]

        def fits(body: Document) -> bool:
            if letters(body.blocks) > 2 * limit:  # no dialect says two letters with one, and writing it all takes long
                return False
            return self.render(replace(draft, body=body, nonce=f"{draft.nonce}.00")).size <= limit

        bodies = split(draft.body, fits)
        return [self.render(replace(draft, body=body, nonce=f"{draft.nonce}.{n:02}")) for n, body in enumerate(bodies)]


class FetchesMessages(ABC):
    """The platform can be asked again for a message: the durable copy is theirs, not ours."""

    @abstractmethod
    def fetch(self, reference: Reference) -> Calls[Content]:
        """The message as it stands, in a shape that ``parse`` reads. Raises ``Gone`` once it is deleted.

        For ``POSTED`` parse then yields ``Posted``, for ``EDITED``, ``REACTED``, ``UNREACTED`` and ``CHANGED`` it yields
        ``Stands``.
        """


class EditsMessages(ABC):
    """What we said can be changed."""

    @abstractmethod
    def edit(self, message: MessageId, rendered: Rendered) -> Calls[None]:
        """Replace the text of our own message; doing it twice does no harm.

        Raises ``Refused`` where the platform does not let this one be edited (any more): the caller then says a correction.
        """


class DeletesMessages(ABC):
    """What we said can be taken back."""

    @abstractmethod
    def delete(self, conversation: ConversationId, message: MessageId) -> Calls[None]:
        """Remove our own message; one that is gone already is a success."""


class Reacts(ABC):
    """Our account can put an emoji on a message."""

    @abstractmethod
    def react(self, conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> Calls[None]:
        """Put ``emoji`` on a message or take it back; what is so already is a success.

        ``emoji`` is as in ``Reaction``. Raises ``NotSupported`` for one the platform does not know: the caller then says it
        in words; ``Refused`` where the message takes no more.
        """


class CarriesFiles(ABC):
    """Files can be read from the platform and put on it, streamed: they never lie on our side."""

    @abstractmethod
    def open(self, attachment: Attachment) -> Calls[Call]:
        """Find out where the bytes are: returns the GET whose answer's body is the file. The caller streams it.

        Its host is one that the platform itself named and that this connector trusts with the token the call carries.
        Raises ``TryAgain`` while the platform scans the file, ``Refused`` where it will not give it.
        """

    @abstractmethod
    def upload(self, attachment: Attachment, draft: Draft) -> Calls[MessageId]:
        """Post a file into ``draft.conversation`` (and thread, with its byline; the body is the line that goes with it).

        One of the calls has ``Call.upload``: the driver sends the file there, and again where the platform sends it on to
        another host. ``attachment.size`` is known. Raises ``Refused`` for a kind of file that the platform does not take.
        """

    @abstractmethod
    def find_file(self, attachment: Attachment, draft: Draft, since: datetime) -> Calls[list[MessageId]]:
        """Look for an upload whose answer was lost: candidates, oldest first, posted by us after ``since``.

        By the nonce where a message with a file can carry it, else by thread, text, and the file's name and size as far as
        the platform tells them. The caller drops ids it already knows.
        """


class NamesConversations(ABC):
    """The name of a conversation can be changed."""

    @abstractmethod
    def rename(self, conversation: ConversationId, name: str) -> Calls[str]:
        """Give a conversation a name, made legal here; returns it as the platform took it. Doing it twice does no harm.

        It comes back as ``Noticed`` by our own account. Raises ``Refused`` where the name is taken, or is not ours to give.
        """


class SetsTopics(ABC):
    """A conversation has a topic or description that can be changed."""

    @abstractmethod
    def set_topic(self, conversation: ConversationId, topic: str) -> Calls[None]:
        """Say what a conversation is about, as plain text cut to the platform's length; an empty one takes it away.

        Doing it twice does no harm. Raises ``Refused`` where it is not ours to say.
        """


class TakesCommands(ABC):
    """Our app can be asked things, and can answer so that only the asker reads it."""

    @abstractmethod
    def answer(
        self, command: Commanded, conversation: ConversationId, body: Document, buttons: Sequence[Button] = ()
    ) -> Calls[list[MessageId]]:
        """Answer a command, privately where the platform can; returns what everybody in the conversation can read.

        In the platform's own rich form, with a plain text for where that is not shown.
        """
