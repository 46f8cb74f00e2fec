"""Consent, tokens and signing in at the fake Webex (reference §1.1 to §1.4)."""

import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectors.contract import Request
from connectors.sandbox import digest
from connectors.webex.oauth import Registration
from connectors.webex.sandbox_asked import Answer, Problem
from connectors.webex.sandbox_company import Company
from connectors.webex.sandbox_consent import consent_page, refusal_page
from connectors.webex.sandbox_oidc import discovery, id_token, keys, user_info
from connectors.webex.sandbox_state import IDBROKER, Member
from connectors.webex.scopes import DESCRIPTIONS

CODE_SECONDS = 300.0
"""Webex documents no figure for its codes; other platforms' live five or ten minutes."""
ACCESS_SECONDS = 1_209_599
"""Fourteen days, less the second that Webex's own samples show."""
REFRESH_SECONDS = 7_775_999
"""Ninety days, likewise; every refresh begins them anew."""

TOKEN_FIELDS = frozenset(
    ["grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token"]
)
NO_TOKEN = "The request requires a valid access token set in the Authorization request header."  # noqa: S105


@dataclass(slots=True)
class Grant:
    """What somebody allowed: one refresh token, and the access tokens made of it with the times at which they end."""

    person: str
    scopes: tuple[str, ...]
    nonce: str
    refresh: str = field(repr=False)
    refresh_ends: float
    access: dict[str, float] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Code:
    """An authorisation code that waits to be redeemed."""

    grant: Grant
    redirect: str
    challenge: str
    method: str
    ends: float


class Door:
    """Where people let our app in. ``app`` tells our registration as it is now."""

    def __init__(self, company: Company, app: Callable[[], Registration], hub: str) -> None:
        self.company = company
        self.app = app
        self.hub = hub
        self._codes: dict[str, Code] = {}
        self._grants: list[Grant] = []
        self._number = 0
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/v1/authorize"): self._authorize,
            ("POST", "/v1/authorize"): self._authorize,
            ("POST", "/v1/access_token"): self._token,
            ("GET", "/v1/.well-known/openid-configuration"): lambda request: (200, discovery(), {}),
            ("GET", "/v1/verification"): lambda request: (200, keys(), {}),
            ("GET", "/v1/userinfo"): self._user_info,
        }

    def answer(self, request: Request) -> Answer | None:
        """None for an address that is not about signing in. Raises ``Problem``."""
        address = urlsplit(request.url)
        if address.netloc == IDBROKER:
            return self._revoke(request)
        handler = self._routes.get((request.method, address.path))
        return handler(request) if handler else None

    def member(self, request: Request) -> Member | None:
        """Who calls, allowed what was granted to the token."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and hmac.compare_digest(token.encode(), self.app().bot_token.encode()):
            return self.company.bot
        grant = self._grant(token)
        if grant:
            return replace(self.company.members[grant.person], scopes=frozenset(grant.scopes))
        return self.company.by_token.get(token)

    def close(self) -> None:
        """Forget whatever was granted to our app, and the tokens that the demo began with."""
        self._codes.clear()
        self._grants.clear()
        self.company.by_token.pop(self.company.service_user.token, None)

    def _grant(self, access: str) -> Grant | None:
        now = self.company.clock()
        return next((grant for grant in self._grants if grant.access.get(access, 0) > now), None)

    # --- The consent page

    def _authorize(self, request: Request) -> Answer:
        asked = request.query
        if asked.get("client_id") != self.app().client_id:
            return refusal_page("The client ID is not known.")
        if not asked.get("redirect_uri", "").startswith(f"{self.hub}/"):
            return refusal_page("The redirect URI is not one that was registered.")
        if error := _wrong(asked):
            return _back(asked, {"error": error, "error_description": "The request is not one that Webex serves."})
        if request.method == "GET":
            return consent_page(asked["scope"].split(), [self.company.service_user, *self.company.cast])
        return self._decide(asked, dict(parse_qsl(request.body.decode(errors="replace"))))

    def _decide(self, asked: Mapping[str, str], form: Mapping[str, str]) -> Answer:
        person = self.company.members.get(form.get("person", ""))
        if person is None or form.get("decision") not in ("allow", "deny"):
            return refusal_page("Choose who you are, and whether you allow it.")
        if form["decision"] == "deny":
            return _back(asked, {"error": "access_denied", "error_description": "The user denied the request."})
        now, code = self.company.clock(), self._new("code")
        grant = self._granted(person, asked["scope"].split(), asked.get("nonce", ""))
        challenge, method = asked.get("code_challenge", ""), asked.get("code_challenge_method", "plain")
        self._codes[code] = Code(grant, asked["redirect_uri"], challenge, method, now + CODE_SECONDS)
        return _back(asked, {"code": code})

    def let_in(self, person: Member, scopes: Iterable[str]) -> str:
        """An access token, as somebody's consent to ``scopes`` yields it."""
        grant = self._granted(person, scopes)
        self._grants.append(grant)
        access: str = self._told(grant)[1]["access_token"]
        return access

    def _granted(self, person: Member, scopes: Iterable[str], nonce: str = "") -> Grant:
        ends = self.company.clock() + REFRESH_SECONDS
        return Grant(person.id, tuple(dict.fromkeys(scopes)), nonce, self._new("refresh"), ends)

    # --- Tokens

    def _token(self, request: Request) -> Answer:
        given = _form(request)
        if unknown := given.keys() - TOKEN_FIELDS:
            raise Problem(400, f"Unrecognized field: {min(unknown)}")
        self._prove(request, given)
        match given.get("grant_type"):
            case "authorization_code":
                return self._told(self._redeemed(given), is_first=True)
            case "refresh_token":
                return self._told(self._refreshed(given.get("refresh_token", "")))
        raise Problem(400, "The grant type is not supported.")

    def _prove(self, request: Request, given: Mapping[str, str]) -> None:
        """Our app's secret: in the body or in the header, never in both."""
        app, proofs = self.app(), [(given.get("client_id"), given.get("client_secret"))]
        if header := request.headers.get("authorization"):
            proofs = [_basic(header), *([proofs[0]] if proofs[0][1] else [])]
        if len(proofs) > 1:
            raise Problem(400, "The client authenticates itself twice.")
        if proofs[0] != (app.client_id, app.client_secret):
            raise Problem(401, "The client could not be authenticated.")

    def _redeemed(self, given: Mapping[str, str]) -> Grant:
        code = self._codes.pop(given.get("code", ""), None)
        if code is None or code.ends <= self.company.clock():
            raise Problem(400, "The authorization code is unknown, was used or has expired.")
        if given.get("redirect_uri") != code.redirect:
            raise Problem(400, "The redirect URI is not the one that the code was made for.")
        if code.challenge and _challenge(given.get("code_verifier", ""), code.method) != code.challenge:
            raise Problem(400, "The code verifier is wrong.")
        self._grants.append(code.grant)
        if code.grant.person == self.company.service_user.id:  # others sign in, or consent for themselves
            self.company.forget_seeded_hooks()
        return code.grant

    def _refreshed(self, refresh: str) -> Grant:
        """The refresh token stays, and its life begins anew (§1.2)."""
        now = self.company.clock()
        found = next((one for one in self._grants if one.refresh == refresh and one.refresh_ends > now), None)
        if found is None:
            raise Problem(400, "The refresh token is unknown or has expired.")
        found.refresh_ends = now + REFRESH_SECONDS
        return found

    def _told(self, grant: Grant, *, is_first: bool = False) -> Answer:
        now, access = self.company.clock(), self._new("access")
        grant.access = {token: ends for token, ends in grant.access.items() if ends > now}
        grant.access[access] = now + ACCESS_SECONDS
        told: dict[str, Any] = {
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": grant.refresh,
            "refresh_token_expires_in": REFRESH_SECONDS,
            "token_type": "Bearer",
            "scope": " ".join(grant.scopes),
        }
        if is_first and "openid" in grant.scopes:
            person = self.company.members[grant.person]
            told["id_token"] = id_token(person, self.app().client_id, grant.nonce, now)
        return 200, told, {}

    def _revoke(self, request: Request) -> Answer:
        """What the JavaScript SDK of Webex calls (§1.4); an unknown token is revoked already."""
        app, given = self.app(), _form(request)
        if (request.method, urlsplit(request.url).path) != ("POST", "/idb/oauth2/v1/revoke"):
            raise Problem(404, "The requested resource could not be found.")
        if _basic(request.headers.get("authorization", "")) != (app.client_id, app.client_secret):
            raise Problem(401, "The client could not be authenticated.")
        token = given.get("token", "")
        self._grants = [grant for grant in self._grants if token not in (grant.refresh, *grant.access)]
        if token == self.company.service_user.token:
            del self.company.by_token[token]
        return 200, {}, {}

    def _user_info(self, request: Request) -> Answer:
        grant = self._grant(request.headers.get("authorization", "").removeprefix("Bearer "))
        if grant is None or "openid" not in grant.scopes:
            raise Problem(401, NO_TOKEN)
        return 200, user_info(self.company.members[grant.person], grant.scopes), {}

    def _new(self, kind: str) -> str:
        self._number += 1
        return digest("webex", kind, repr(self.company.clock()), str(self._number))


def _wrong(asked: Mapping[str, str]) -> str:
    """What the redirect address is told of a request that cannot be; empty where it can."""
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    if not asked.get("scope") or not DESCRIPTIONS.keys() >= set(asked["scope"].split()):
        return "invalid_scope"
    if asked.get("code_challenge_method", "S256") not in ("S256", "plain"):
        return "invalid_request"
    return "login_required" if asked.get("prompt") == "none" else ""


def _back(asked: Mapping[str, str], told: Mapping[str, str]) -> Answer:
    """Send the browser back with what it brought."""
    query = dict(told) | ({"state": asked["state"]} if "state" in asked else {})
    return 302, b"", {"location": f"{asked['redirect_uri']}?{urlencode(query)}"}


def _form(request: Request) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Problem(415, "The body must be a form.")
    return dict(parse_qsl(request.body.decode(errors="replace")))


def _basic(header: str) -> tuple[str, str]:
    try:
        client, _, secret = b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except ValueError:
        return "", ""
    return client, secret


def _challenge(verifier: str, method: str) -> str:
    hashed = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    return hashed if method == "S256" else verifier
