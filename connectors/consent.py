"""What a platform lets an administrator or a person allow, why we ask for it, and how the consent is obtained.

Everything here is said by the platform's folder and used by the Hub: the scopes pages, the consent addresses and the
checks of what was granted are made of these values and of nothing else. OAuth itself is spoken by ``accounts/oauth.py``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

from connectors.calls import Calls
from connectors.messages import AccountId, Button, ConversationId, WorkspaceId
from connectors.richtext import Document

OURS = MappingProxyType({"ours": True})
"""Metadata of a field of ``Secrets`` that no console tells: it is ours to make up."""


class Preset(StrEnum):
    """How much is asked for: what the product has always published, or all that its features can use."""

    PUBLISHED = "published"
    FULL = "full"


class Purpose(StrEnum):
    """What a consent is for. Each has a public page of its scopes."""

    CONNECT = "connect"
    SIGN_UP = "sign-up"
    MESSAGES = "direct-messages"
    FILES = "file-sharing"


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission under the name that the platform gives it, and why it is asked for.

    ``token`` is the kind of token that carries it (see ``Call.token``). ``description`` is what the platform says it allows,
    ``use_case`` what we do with it, ``why`` what would not work without it. ``note`` tells of a misprint corrected or of
    an addition. ``disables`` names the feature that is off where it was not granted; empty where nothing works without it.
    ``awaits`` names a feature that is not there yet: until then the scope is listed and not asked for.
    """

    name: str
    purpose: Purpose
    token: str
    description: str
    use_case: str
    why: str
    preset: Preset = Preset.PUBLISHED
    note: str = ""
    disables: str = ""
    awaits: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One trip of a browser to the platform's consent page.

    ``title`` is what one is about to do there ("Sign in as the service user"). ``authorize`` is the page's address, in which
    ``{workspace}`` stands for the workspace once it is known (``organizations`` until then, at Microsoft). ``asks`` are kinds
    of token with the query parameter that lists their scopes; an empty parameter where the platform takes them from the app's
    own registration. ``yields`` is the kind of token that the code is redeemed for; empty where no code comes back.
    """

    name: str
    title: str
    authorize: str
    asks: Mapping[str, str]
    yields: str
    separator: str = " "
    extra: Mapping[str, str] = field(default_factory=dict)
    pkce: bool = True


@dataclass(frozen=True, slots=True)
class OAuth:
    """A platform's token endpoint. ``{workspace}`` in an address is filled in as in ``Step``.

    ``authentication`` is how our app proves itself: ``client_secret_basic`` or ``client_secret_post``. ``minted`` are the
    kinds of token that our app gets for itself, with the scope it names. ``early`` is the share of a token's life after which
    it is renewed.
    """

    token: str
    authentication: str
    minted: Mapping[str, str] = field(default_factory=dict)
    early: float = 0.75


class Often(StrEnum):
    """How often somebody may be asked, where messages cannot cross for want of their consent (product §5.4)."""

    EVERY_ATTEMPT = "at every attempt"
    THROTTLED = "once a day"


@dataclass(frozen=True, slots=True)
class Prompting:
    """How often people of a platform are asked: who wrote (PR-6, PR-8), and whom somebody wrote to (PR-7, PR-8)."""

    sender: Often = Often.EVERY_ATTEMPT
    recipient: Often = Often.THROTTLED


@dataclass(frozen=True)
class App:
    """Our registration with a platform: the operator's, from ``MIO_<SLUG>_CLIENT_ID`` and so on, or a tenant's own."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    @property
    def ids(self) -> Mapping[str, str]:
        """What a connector must know of the registration itself: found in ``Credentials.extra`` when it identifies."""
        return {}

    @property
    def for_people(self) -> "App":
        """The registration to which people consent for themselves: the same one, unless the platform takes two."""
        return self


@dataclass(frozen=True, slots=True)
class Granted:
    """A token as its platform handed it out. ``lifetime`` in seconds; None for one that lives until it is revoked."""

    kind: str
    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    lifetime: float | None = None
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose tokens these are: the workspace, and the account that will post there.

    ``doubts`` are sentences about the account that an administrator should read, such as a missing role. ``extra`` holds the
    platform's further ids, for ``Credentials.extra``.
    """

    workspace: WorkspaceId
    workspace_name: str
    account: AccountId
    account_name: str
    email: str = ""
    doubts: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paper:
    """Something to give to a platform's console when one registers an app of one's own: a manifest, a package, a value.

    ``name`` is a file's name, or the label of a value to be copied, which then has no ``content_type``.
    """

    name: str
    body: bytes
    content_type: str = ""


class Connects(ABC):
    """The platform is connected by OAuth. All class-level values are the platform's own facts."""

    Registration: ClassVar[type[App]] = App
    oauth: ClassVar[OAuth]
    scopes: ClassVar[tuple[Scope, ...]]
    steps: ClassVar[Mapping[Purpose, tuple[Step, ...]]]
    prompting: ClassVar[Prompting] = Prompting()

    @classmethod
    def awaits_approval(cls, answer: Mapping[str, str]) -> bool:
        """Whether a browser comes back because an administrator has to allow the app before people can. Pure.

        ``answer`` is the query that it brings; nothing of it is proven.
        """
        return False

    @classmethod
    @abstractmethod
    def granted(cls, kind: str, answer: Mapping[str, Any]) -> list[Granted]:
        """Read the token endpoint's answer to a code, a refresh or our own request for ``kind``. Pure.

        Usually one token; Slack hands out two at once. Raises ``Malformed`` for an answer that holds none.
        """

    @abstractmethod
    def identify(self) -> Calls[Identity]:
        """Ask, with the tokens just granted, whose they are; ``credentials.workspace`` is empty or what a step told.

        Raises ``WrongAccount`` for an account that cannot do the work, such as a person's own where a service user is needed.
        """

    @abstractmethod
    def identify_person(self) -> Calls[Identity]:
        """Ask, with the token that somebody just granted for themselves, whose it is. Only its ids are of use: the caller
        compares them with the account that was asked, and keeps nothing of another."""

    @abstractmethod
    def revoke(self, app: App) -> Calls[None]:
        """Give the tokens back, as far as the platform lets us; what is revoked already is a success."""

    @classmethod
    @abstractmethod
    def papers(cls, hub: str, webhooks: str, preset: Preset, name: str) -> list[Paper]:
        """What the platform's console wants to know of an app: ``hub`` is the Hub's address, ``webhooks`` the address of the
        app's webhooks, ``name`` what the app is called. Pure."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A standing order at a platform to be told of something. ``expires_at`` in seconds since 1970, None for never."""

    id: str
    resource: str
    expires_at: float | None = None
    is_active: bool = True


class Subscribes(ABC):
    """The platform tells only what was ordered, and orders end."""

    @abstractmethod
    def resources(self, conversations: Iterable[ConversationId], people: Iterable[AccountId] = ()) -> list[str]:
        """The names of all that must be ordered to hear of these conversations, and of these people's direct chats where our
        own voice orders that. Pure; Webex orders for all conversations at once.

        Of a connector with a person's own credentials: what is to be ordered to hear that person's direct chats.
        """

    @abstractmethod
    def subscriptions(self, address: str) -> Calls[list[Subscribed]]:
        """What stands at the platform and tells ``address``."""

    @abstractmethod
    def subscribe(self, resource: str, address: str, secret: str) -> Calls[Subscribed]:
        """Order, for as long as the platform allows; an order that stands already is returned as it is."""

    @abstractmethod
    def renew(self, subscribed: Subscribed) -> Calls[Subscribed]:
        """Extend an order, or switch it on again. Raises ``Gone`` for one that is no more."""

    @abstractmethod
    def unsubscribe(self, subscribed: Subscribed) -> Calls[None]:
        """Cancel an order; one that is gone already is a success."""


class Greets(ABC):
    """Our app can write to one person."""

    @abstractmethod
    def greet(self, account: AccountId, body: Document, buttons: Sequence[Button] = ()) -> Calls[None]:
        """Say something to one person in a direct message of the app, in the platform's own rich form."""


def wanted(scopes: Iterable[Scope], purpose: Purpose, preset: Preset) -> list[Scope]:
    """The scopes that a consent asks for."""
    levels = {Preset.PUBLISHED} if preset == Preset.PUBLISHED else set(Preset)
    return [scope for scope in scopes if scope.purpose == purpose and scope.preset in levels and not scope.awaits]
