"""What every fake platform is made of, and the small company that lives on all four.

A fake is a platform in memory: state apart from HTTP, ``handle(request) → response``, strict where the real one is strict.
It is reached through two doors: in tests the ``world`` fixture answers in process at the real addresses; for the demo, the
browser tests and the benchmarks ``manage.py sandbox`` serves the same objects over HTTP. Only those two import this, and
``rehearsal.py``, which measures what a platform makes of a text.

Ids and tokens of people and channels are derived from their names, so a restarted sandbox is the same world; message ids
follow the clock, so they never repeat.
"""

import hashlib
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar

from connectors import slugs
from connectors.calls import Response
from connectors.consent import App, Preset
from connectors.contract import Credentials, Request
from connectors.messages import Account, ConversationId, MessageId
from connectors.sandbox_data import Data


@dataclass(frozen=True, slots=True)
class Actor:
    """A member of the demo company; the e-mail address is the same on every platform the actor uses."""

    name: str
    email: str
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel every fake has; the linked ones are joined to their namesakes on the other platforms."""

    name: str
    linked: bool


COMPANY = "Acme"
CAST = (
    Actor("Ann Moreau", "ann@acme.example", ("slack", "teams")),
    Actor("Bob Okafor", "bob@acme.example", ("slack",)),
    Actor("Carla Jensen", "carla@acme.example", ("slack", "zoom")),
    Actor("Dev Patel", "dev@acme.example", ("teams",)),
    Actor("Elif Kaya", "elif@acme.example", ("teams", "webex")),
    Actor("Farid Haddad", "farid@acme.example", ("webex",)),
    Actor("Grace Liu", "grace@acme.example", ("webex", "zoom")),
    Actor("Hugo Brandt", "hugo@acme.example", ("zoom",)),
)
CHANNELS = (Channel("general", linked=True), Channel("coffee", linked=False))


def cast_of(slug: str) -> list[Actor]:
    """The actors who have an account on a platform."""
    return [actor for actor in CAST if slug in actor.platforms]


def digest(*parts: str) -> str:
    """A stable hex string (64 digits) for ids and tokens that must survive a restart."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Webhook:
    """Something the platform tells the Hub. ``sign`` makes fresh headers for every try, as the platforms do."""

    url: str
    body: bytes
    sign: Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the sandbox's index shows them; ``token`` lets an outside client act as that person."""

    name: str
    id: str
    token: str


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation as the sandbox's index shows it. ``id`` is the platform's own (Teams: the channel's, with ``team_id``),
    ``conversation`` is the connector's opaque id."""

    name: str
    id: str
    conversation: ConversationId
    linked: bool
    team_id: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the platform's own client would draw it: ``html`` is made by the fake and safe to insert.

    ``reactions`` are emoji with the names of those who put them there, ``thread`` is the root that it answers, ``files``
    are names. ``only_for`` is the id of the one person who sees it; empty for what everybody reads.
    """

    id: MessageId
    author: str
    avatar_url: str
    html: str
    at: float
    is_app: bool
    thread: MessageId | None = None
    reactions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    edited: bool = False
    files: tuple[str, ...] = ()
    only_for: str = ""


class Fake(ABC):
    """One platform in memory.

    ``hub`` is the Hub's base address, ``secrets`` the platform's own ``Secrets``. Everything the platform tells the Hub
    goes to ``deliver``, set by whoever hosts the fake. ``retries`` are the pauses in seconds after which the platform
    sends a webhook again that was not answered with 2xx. ``calls_app`` begins a message to our app: its slash command where
    the platform has such, else a mention.
    """

    slug: ClassVar[str]
    hosts: ClassVar[tuple[str, ...]]
    calls_app: ClassVar[str]
    retries: ClassVar[tuple[float, ...]] = ()

    def __init__(self, secrets: Any, hub: str, clock: Callable[[], float] = time.time) -> None:
        self.secrets = secrets
        self.hub = hub
        self.clock = clock
        self.app = App(f"client-of-{self.slug}", digest("client secret", self.slug))
        self.deliver: Callable[[Webhook], None] = lambda webhook: None

    @abstractmethod
    def handle(self, request: Request) -> Response:
        """Answer a request to one of ``hosts`` (``request.url`` is at the real host) as strictly as the platform would."""

    def undelivered(self, webhook: Webhook) -> None:  # noqa: B027 (most platforms do nothing then)
        """A webhook was given up after all its retries; a platform may stop sending for it."""

    @abstractmethod
    def people(self) -> list[Person]:
        """The people of the company on this platform, with a token each."""

    @abstractmethod
    def places(self) -> list[Place]:
        """The channels or spaces of the company on this platform."""

    @abstractmethod
    def credentials(self) -> Credentials:
        """What the Hub's connection to this workspace holds after a successful consent."""

    @abstractmethod
    def directory(self) -> list[Account]:
        """All accounts, the app's own included, as an import would bring them."""

    @abstractmethod
    def add_place(self, name: str) -> Place:
        """A further channel that everybody and our app is in: for tests and benchmarks."""

    @abstractmethod
    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        """Post what a person typed into the platform's client, Markdown-like as people type it; fires webhooks as usual."""

    @abstractmethod
    def reply_as(self, person: str, conversation: ConversationId, root: MessageId, text: str) -> MessageId:
        """Answer in the thread of ``root``."""

    @abstractmethod
    def edit_as(self, person: str, conversation: ConversationId, message: MessageId, text: str) -> None:
        """Change what a person said."""

    @abstractmethod
    def delete_as(self, person: str, conversation: ConversationId, message: MessageId) -> None:
        """Take back what a person said."""

    @abstractmethod
    def react_as(self, person: str, conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> None:
        """Put an emoji (a character) on a message, or take it back."""

    @abstractmethod
    def share_as(self, person: str, conversation: ConversationId, name: str, data: bytes, text: str = "") -> MessageId:
        """Drop a file into the client, with words or without."""

    @abstractmethod
    def own_credentials(self, person: str, preset: Preset = Preset.PUBLISHED) -> Credentials:
        """What the Hub holds after that person (an account's id) has consented for themselves to what ``preset`` asks for;
        this call is their consent."""

    @abstractmethod
    def chat(self, people: Sequence[str]) -> ConversationId:
        """The direct chat of these people (accounts' ids), or their group where they are more than two; opened as one of
        them does in the platform's client. ``type_as`` and the others work there as in a channel."""

    def command_as(self, person: str, conversation: ConversationId, words: str) -> None:
        """Type the app's slash command and ``words``. Only where ``calls_app`` is one."""
        raise NotImplementedError

    @abstractmethod
    def shown(self, conversation: ConversationId) -> list[Shown]:
        """The messages of a conversation, oldest first, as the platform's client draws them."""

    @abstractmethod
    def whispers(self, conversation: ConversationId) -> list[Shown]:
        """What our app said to one person alone, oldest first; ``only_for`` is that person."""

    @abstractmethod
    def files(self, conversation: ConversationId) -> list[tuple[str, Data]]:
        """Names and contents of the files that ``shown`` names, in the same order."""


@dataclass(slots=True)
class Fault:
    """Trouble on demand. One of ``status``, ``delay``, ``duplicate``, ``reorder``, ``timeout_after_success`` is set.

    ``status`` answers calls with that status instead of doing them; ``delay`` (seconds) answers late;
    ``timeout_after_success`` does the call and loses the answer; ``duplicate`` sends webhooks twice; ``reorder`` holds a
    webhook back until after the next one. Each applies to a share ``rate`` of cases, drawn with ``seed``.
    """

    platform: str
    status: int = 0
    delay: float = 0.0
    duplicate: bool = False
    reorder: bool = False
    timeout_after_success: bool = False
    rate: float = 1.0
    seed: int = 0
    until: float = float("inf")
    _dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 (repeatable trouble, not a secret)

    def strikes(self, now: float) -> bool:
        """Whether it hits this time."""
        return now < self.until and self._dice.random() < self.rate


@dataclass(frozen=True, slots=True)
class Logged:
    """One request a fake received: what a test may ask about it, without bodies' tokens."""

    platform: str
    method: str
    url: str
    status: int
    at: float
    body: str


class AnswerDropped(Exception):
    """The fake did what was asked and its answer never arrives (``timeout_after_success``)."""


LOGGED_BYTES = 64 * 1024
"""Of a request's body: more than any message is long, and little of a file."""
LOG_LENGTH = 5_000
"""Requests remembered: enough for any test, a few megabytes at most."""


class World:
    """All fakes together, with faults and the log of requests. ``secrets`` and ``apps`` are by slug, as the Hub's settings
    hold them."""

    def __init__(
        self,
        secrets: Mapping[str, Any],
        hub: str,
        clock: Callable[[], float] = time.time,
        apps: Mapping[str, App] | None = None,
    ) -> None:
        self.clock = clock
        self.fakes: dict[str, Fake] = {slug: fake_class(slug)(secrets[slug], hub, clock) for slug in slugs()}
        for slug, app in (apps or {}).items():
            self.fakes[slug].app = app
        self.faults: list[Fault] = []
        self.log: list[Logged] = []
        self._hosts = {host: fake for fake in self.fakes.values() for host in fake.hosts}

    def fake_at(self, host: str) -> Fake | None:
        """The fake that answers for a real host name."""
        return self._hosts.get(host)

    def struck(self, slug: str, attribute: str) -> Fault | None:
        """The first fault of a kind that hits this time."""
        faults = (f for f in self.faults if f.platform in (slug, "*") and getattr(f, attribute))
        return next((fault for fault in faults if fault.strikes(self.clock())), None)

    def answer(self, host: str, request: Request) -> Response:
        """Handle a request at ``host`` with faults applied; delays are the host's affair (see ``delay_of``).

        Raises ``AnswerDropped`` where the caller must cut the connection instead of answering.
        """
        fake = self.fake_at(host)
        if fake is None:
            return Response(404, b"no such platform in the sandbox")
        if fault := self.struck(fake.slug, "status"):
            response = Response(fault.status, b"", {"retry-after": "1"} if fault.status == 429 else {})
        else:
            response = fake.handle(request)
        self._remember(fake, request, response)
        if response.status < 300 and request.method == "POST" and self.struck(fake.slug, "timeout_after_success"):
            raise AnswerDropped
        return response

    def delay_of(self, slug: str) -> float:
        """Seconds to wait before an answer goes out."""
        fault = self.struck(slug, "delay")
        return fault.delay if fault else 0.0

    def _remember(self, fake: Fake, request: Request, response: Response) -> None:
        body = request.body[:LOGGED_BYTES].decode(errors="replace")
        self.log.append(Logged(fake.slug, request.method, request.url, response.status, self.clock(), body))
        del self.log[:-LOG_LENGTH]

    def index(self, base: str) -> dict[str, Any]:
        """What ``GET /`` of the sandbox tells an outside client; ``base`` is the sandbox's own address."""
        return {"platforms": {slug: _indexed(fake, base) for slug, fake in self.fakes.items()}}


def _indexed(fake: Fake, base: str) -> dict[str, Any]:
    places = []
    for place in fake.places():
        entry = {"name": place.name, "id": place.id, "linked": place.linked}
        places.append(entry | {"team_id": place.team_id} if place.team_id else entry)
    people = [{"name": person.name, "id": person.id, "token": person.token} for person in fake.people()]
    return {"base_url": f"{base}/{fake.hosts[0]}", "people": people, "conversations": places}


def fake_class(slug: str) -> type[Fake]:
    """The fake of a platform: ``FakeSlack`` in ``connectors/slack/sandbox.py``."""
    found: type[Fake] = getattr(import_module(f"connectors.{slug}.sandbox"), f"Fake{slug.capitalize()}")
    return found
