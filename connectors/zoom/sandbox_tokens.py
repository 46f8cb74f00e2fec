"""The fake Zoom's token endpoint, and the tokens and codes it knows (§1). Its consent page is ``sandbox_oauth.py``."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import digest
from connectors.zoom.oauth import Registration
from connectors.zoom.sandbox_company import ACCOUNT, User
from connectors.zoom.sandbox_rules import Refusal, answer

TOKEN_SECONDS = 3599
"""Lifetime of an access token, as Zoom states it."""

REFRESH_SECONDS = 90 * 86_400.0
CODE_SECONDS = 300.0
"""Lifetimes of refresh tokens and of codes (§1.3)."""

ADMIN_SCOPES = frozenset(
    (
        *("chat_channel:read:admin", "chat_channel:write:admin", "chat_message:read:admin", "chat_message:write:admin"),
        *("chat:read:admin", "user:read:admin", "imchat:bot"),
    )
)
"""What the admin-managed app is configured with, unless a test says otherwise."""

PERSONAL_SCOPES = frozenset(
    (
        *("chat_channel:read", "chat_channel:write", "chat_message:read", "chat_message:write"),
        *("chat:read", "chat_contact:read", "user:read", "user_info:read"),
    )
)
"""What the user-managed app is configured with: never an ``:admin`` scope (§1.5)."""

BOT_SCOPES = frozenset({"imchat:bot"})
"""What the client credentials grant gives."""

ENDLESS = float("inf")


@dataclass(frozen=True, slots=True)
class Token:
    """Who a token speaks for. ``personal`` ones, of the user-managed app, act only as ``me``; a ``bot``'s is the app's."""

    user: User
    scopes: frozenset[str]
    personal: bool = False
    bot: bool = False
    expires: float = ENDLESS


@dataclass(frozen=True, slots=True)
class Renewal:
    """A refresh token: what it is exchanged for, and the access token that goes with it."""

    token: Token
    access: str = ""
    expires: float = ENDLESS


@dataclass(frozen=True, slots=True)
class Code:
    """What the consent page hands out: for one app, one address and one verifier, once and soon."""

    token: Token
    redirect: str
    challenge: str
    method: str
    expires: float


class Tokens:
    """All tokens; those of the demo company never expire, those of the token endpoint do.

    ``registered`` are the scopes of the admin-managed app: what a consent grants, since none are asked for (§1.2).
    ``installed`` is False while the account has taken the app away. ``consents`` are the scopes of those who let the
    user-managed app act for them, by user id.
    """

    def __init__(self, service_user: User, clock: Callable[[], float], app: Callable[[], Registration]) -> None:
        self.app = app
        self.service_user = service_user
        self.clock = clock
        self.registered: set[str] = set(ADMIN_SCOPES)
        self.installed = True
        self.consents: dict[str, frozenset[str]] = {}
        self.known: dict[str, Token] = {}
        self.codes: dict[str, Code] = {}
        self.refresh = {digest("zoom", "refresh"): Renewal(Token(service_user, ADMIN_SCOPES))}
        self._issued = 0

    def seed(self, name: str, token: Token) -> str:
        """A token that is the same after every restart."""
        key = digest("zoom", "token", name)
        self.known[key] = token
        return key

    def agree(self, token: Token) -> str:
        """What a person's consent comes to in the end: a token, and word of what happens to that person."""
        self.consents[token.user.id] = token.scopes
        return self.seed(f"own {token.user.email}", token)

    def bearer(self, request: Request) -> Token:
        """The token of a request. Raises ``Refusal``, code 124 (§1.6)."""
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        token = self.known.get(key) if kind.lower() == "bearer" else None
        if token is None:
            raise Refusal(401, 124, "Invalid access token.")
        if self.clock() > token.expires:
            raise Refusal(401, 124, "Access token is expired.")
        return token

    def is_personal(self, client_id: str) -> bool | None:
        """Whether an app is the user-managed one; None for an app that Zoom does not know."""
        app = self.app()
        return {app.user_client_id: True, app.client_id: False}.get(client_id) if client_id else None

    def endpoint(self, request: Request) -> Response:
        """``POST /oauth/token``: parameters in the query or the form, the app in the Basic header."""
        given = _fields(request)
        personal = self._proven(request, given)
        if personal is None:
            return _error("invalid_client", "Invalid client_id or client_secret", 401)
        match given.get("grant_type"):
            case "authorization_code":
                return self._redeem(given, personal)
            case "refresh_token":
                return self._rotate(given, personal)
            case "client_credentials" if not personal:
                scopes = BOT_SCOPES & self.registered
                return self._issue(Token(self.service_user, scopes, bot=True), refreshed=False)
            case "account_credentials":
                if given.get("account_id") != ACCOUNT:
                    return _error("invalid_request", "Invalid account_id")
                return self._issue(Token(self.service_user, ADMIN_SCOPES), refreshed=False)
        return _error("unsupported_grant_type", "Unsupported grant type")

    def offer(self, user: User, personal: bool, asked: Mapping[str, str]) -> str:
        """A code for what was just allowed."""
        scopes = PERSONAL_SCOPES if personal else frozenset(self.registered)
        challenge, method = asked.get("code_challenge", ""), asked.get("code_challenge_method", "plain")
        until = self.clock() + CODE_SECONDS
        key = self._next("code")
        self.codes[key] = Code(Token(user, scopes, personal), asked["redirect_uri"], challenge, method, until)
        return key

    def _redeem(self, given: Mapping[str, str], personal: bool) -> Response:
        code = self.codes.pop(given.get("code", ""), None)
        if code is None or code.token.personal is not personal or self.clock() > code.expires:
            return _error("invalid_grant", "Invalid authorization code")
        if given.get("redirect_uri") != code.redirect:
            return _error("invalid_request", "Redirect URI mismatch.")
        if not _verified(code, given.get("code_verifier", "")):
            return _error("invalid_grant", "Invalid code verifier")
        self._forget(
            lambda one: (one.user.id, one.personal) == (code.token.user.id, personal) and one.expires < ENDLESS
        )
        self.installed = self.installed or not personal
        if personal:
            self.consents[code.token.user.id] = code.token.scopes
        return self._issue(code.token)

    def _rotate(self, given: Mapping[str, str], personal: bool) -> Response:
        """Every refresh gives a new refresh token and kills the old one (§1.3)."""
        old = self.refresh.get(given.get("refresh_token", ""))
        if old is None or old.token.personal is not personal or self.clock() > old.expires:
            return _error("invalid_grant", "Invalid Token!")
        del self.refresh[given["refresh_token"]]
        return self._issue(old.token)

    def _issue(self, token: Token, refreshed: bool = True) -> Response:
        access = self._next("token")
        self.known[access] = fresh = replace(token, expires=self.clock() + TOKEN_SECONDS)
        body = {"access_token": access, "token_type": "bearer", "expires_in": TOKEN_SECONDS}
        if refreshed:
            body["refresh_token"] = refresh = self._next("refresh")
            self.refresh[refresh] = Renewal(fresh, access, self.clock() + REFRESH_SECONDS)
        return answer(200, body | {"api_url": "https://api.zoom.us", "scope": " ".join(sorted(token.scopes))})

    def revoke(self, request: Request) -> Response:
        """``POST /oauth/revoke``: the access token, and its refresh token with it (§1.1)."""
        given = _fields(request)
        personal = self._proven(request, given)
        if personal is None:
            return _error("invalid_client", "Invalid client_id or client_secret", 401)
        access = given.get("token", "")
        token = self.known.get(access)
        if token is None or token.personal is not personal:
            return _error("invalid_request", "Invalid Token!")
        del self.known[access]
        if personal:
            self.consents.pop(token.user.id, None)
        self.refresh = {key: one for key, one in self.refresh.items() if one.access != access}
        return answer(200, {"status": "success"})

    def deauthorize(self) -> None:
        """The account takes the admin-managed app away. The chatbot's token is the app's own: it lives, for nothing."""
        self._forget(lambda token: not (token.personal or token.bot))
        self.installed = False

    def _forget(self, which: Callable[[Token], bool]) -> None:
        self.known = {key: token for key, token in self.known.items() if not which(token)}
        self.refresh = {key: one for key, one in self.refresh.items() if not which(one.token)}

    def _proven(self, request: Request, given: Mapping[str, str]) -> bool | None:
        """``is_personal`` of the app that proves itself, in the header or, as older clients do, among the parameters."""
        app = self.app()
        client_id, secret = _basic(request.headers.get("authorization", "")) or (
            given.get("client_id", ""),
            given.get("client_secret", ""),
        )
        personal = self.is_personal(client_id)
        wanted = app.user_client_secret if personal else app.client_secret
        return personal if wanted and hmac.compare_digest(secret.encode(), wanted.encode()) else None

    def _next(self, kind: str) -> str:
        self._issued += 1
        return digest("zoom", kind, str(self._issued), repr(self.clock()))


def _fields(request: Request) -> Mapping[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace"))) | dict(request.query)


def _basic(header: str) -> tuple[str, str] | None:
    kind, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, _, secret = given.partition(":")
    return (client_id, secret) if kind.lower() == "basic" else None


def _verified(code: Code, verifier: str) -> bool:
    """PKCE (§1.2): a method that is not named is ``plain``."""
    if not code.challenge:
        return True
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(code.challenge.encode(), (hashed if code.method == "S256" else verifier).encode())


def _error(error: str, reason: str, status: int = 400) -> Response:
    return answer(status, {"reason": reason, "error": error})
