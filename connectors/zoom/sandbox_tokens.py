"""The fake Zoom's token endpoint and the tokens it knows (§1)."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import digest
from connectors.zoom.sandbox_company import ACCOUNT, User
from connectors.zoom.sandbox_rules import Refusal, answer

TOKEN_SECONDS = 3599
"""Lifetime of an access token, as Zoom states it."""

ADMIN_SCOPES = frozenset(
    (
        *("chat_channel:read:admin", "chat_channel:write:admin", "chat_message:read:admin", "chat_message:write:admin"),
        *("chat:read:admin", "user:read:admin", "imchat:bot"),
    )
)
"""What the admin-managed app is configured with."""

PERSONAL_SCOPES = frozenset(
    (
        *("chat_channel:read", "chat_channel:write", "chat_message:read", "chat_message:write"),
        *("chat:read", "user:read", "user_info:read"),
    )
)
"""What the user-managed app is configured with: never an ``:admin`` scope (§1.5)."""

BOT_SCOPES = frozenset({"imchat:bot"})
"""What the client credentials grant gives."""


@dataclass(frozen=True, slots=True)
class Token:
    """Who a token speaks for. ``personal`` ones, of the user-managed app, act only as ``me``; a ``bot``'s is the app's."""

    user: User
    scopes: frozenset[str]
    personal: bool = False
    bot: bool = False
    expires: float = float("inf")


class Tokens:
    """All tokens; those of the demo company never expire, those of the token endpoint do."""

    def __init__(self, service_user: User, clock: Callable[[], float]) -> None:
        self.client_id = digest("zoom", "client id")[:22]
        self.client_secret = digest("zoom", "client secret")[:32]
        self.service_user = service_user
        self.clock = clock
        self.known: dict[str, Token] = {}
        self.refresh: set[str] = {digest("zoom", "refresh")}
        self._issued = 0

    def seed(self, name: str, token: Token) -> str:
        """A token that is the same after every restart."""
        key = digest("zoom", "token", name)
        self.known[key] = token
        return key

    def bearer(self, request: Request) -> Token:
        """The token of a request. Raises ``Refusal``, code 124 (§1.6)."""
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        token = self.known.get(key) if kind.lower() == "bearer" else None
        if token is None:
            raise Refusal(401, 124, "Invalid access token.")
        if self.clock() > token.expires:
            raise Refusal(401, 124, "Access token is expired.")
        return token

    def endpoint(self, request: Request) -> Response:
        """``POST /oauth/token``: parameters in the query or the form, the app in the Basic header."""
        given = dict(parse_qsl(request.body.decode(errors="replace"))) | dict(request.query)
        if not self._is_our_app(request.headers.get("authorization", "")):
            return _error("invalid_client", "Invalid client_id or client_secret", 401)
        match given.get("grant_type"):
            case "client_credentials":
                return self._issue(BOT_SCOPES, bot=True)
            case "account_credentials":
                right = given.get("account_id") == ACCOUNT
                return self._issue(ADMIN_SCOPES) if right else _error("invalid_request", "Invalid account_id")
            case "refresh_token":
                return self._rotate(given)
        return _error("unsupported_grant_type", "Unsupported grant type")

    def _rotate(self, given: Mapping[str, str]) -> Response:
        """Every refresh gives a new refresh token and kills the old one (§1.3)."""
        old = given.get("refresh_token", "")
        if old not in self.refresh:
            return _error("invalid_grant", "Invalid Token!")
        self.refresh.remove(old)
        self._issued += 1
        new = digest("zoom", "refresh", str(self._issued), repr(self.clock()))
        self.refresh.add(new)
        return self._issue(ADMIN_SCOPES, {"refresh_token": new})

    def _issue(self, scopes: frozenset[str], more: Mapping[str, str] | None = None, bot: bool = False) -> Response:
        self._issued += 1
        key = digest("zoom", "token", str(self._issued), repr(self.clock()))
        self.known[key] = Token(self.service_user, scopes, bot=bot, expires=self.clock() + TOKEN_SECONDS)
        body = {
            "access_token": key,
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "api_url": "https://api.zoom.us",
        }
        return answer(200, body | {"scope": " ".join(sorted(scopes))} | dict(more or {}))

    def _is_our_app(self, header: str) -> bool:
        kind, _, encoded = header.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError):
            return False
        return kind.lower() == "basic" and given == f"{self.client_id}:{self.client_secret}"


def _error(error: str, reason: str, status: int = 400) -> Response:
    return answer(status, {"reason": reason, "error": error})
