"""The scopes of every platform as tables: the same values that consent addresses are made of."""

from dataclasses import dataclass

from accounts import oauth
from connectors.consent import Preset, Purpose, Scope

TITLES = {
    Purpose.SIGN_UP: "Signing up and in",
    Purpose.CONNECT: "Connect Platforms",
    Purpose.MESSAGES: "Direct messages",
    Purpose.FILES: "File sharing",
}
CARRIERS = {
    "bot": "Of the app itself",
    "app": "Of the app itself, for the whole organization",
    "service": "Of the service user",
    "admin": "Of the administrator who connects",
    "person": "Of each person who agrees",
}
"""Who it is that is allowed something, by kind of token."""


@dataclass(frozen=True, slots=True)
class Table:
    """The scopes that one kind of token carries for one purpose."""

    purpose: str
    carrier: str
    scopes: list[Scope]


def tables(platform: str, *purposes: Purpose) -> list[Table]:
    """A platform's scopes, grouped by purpose and token, in the order in which the platform's folder lists them."""
    groups: dict[tuple[Purpose, str], list[Scope]] = {}
    for scope in oauth.platform(platform).scopes:
        if scope.purpose in (purposes or Purpose):
            groups.setdefault((scope.purpose, scope.token), []).append(scope)
    return [Table(TITLES[purpose], CARRIERS.get(token, token), scopes) for (purpose, token), scopes in groups.items()]


def is_asked(scope: Scope, preset: Preset) -> bool:
    """Whether a consent with that preset asks for a scope."""
    return not scope.awaits and (preset == Preset.FULL or scope.preset == Preset.PUBLISHED)
