"""The fake of Microsoft Entra ID: discovery, authorisation with PKCE, and the token endpoint (reference teams.md §1)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import digest

LOGIN = "https://login.microsoftonline.com"
TOKEN_SECONDS = 3600
"""Microsoft draws 60 to 90 minutes."""
CODE_SECONDS = 600
"""An authorisation code lives about ten minutes (§1.3)."""
_ASSUMED = frozenset({"openid", "profile", "email"})


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token may do: ``user`` is empty for an application's own. ``until`` is in seconds of the fake's clock."""

    permissions: frozenset[str]
    user: str = ""
    until: float = float("inf")


@dataclass(frozen=True, slots=True)
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    nonce: str


class _Denied(Exception):
    """An OAuth error: ``error``, Entra's number and sentence, HTTP status."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.number, self.text, self.status = error, number, text, status


class Entra:
    """One tenant's identity platform. ``users`` are names by object id, ``addresses`` object ids by sign-in name."""

    def __init__(
        self, tenant: str, users: Mapping[str, str], addresses: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self.tenant = tenant
        self.client_id = guid("client")
        self.client_secret = digest("teams", "client secret")
        self.redirect_uris = {"https://hub.example/oauth/teams/callback"}
        self.app_roles: frozenset[str] = frozenset()
        self.grants: dict[str, Grant] = {}
        self._users, self._addresses, self._clock = users, addresses, clock
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, Grant] = {}

    def handle(self, request: Request, segments: list[str], query: Mapping[str, str]) -> Response:
        """Answer a request to the login host. ``segments`` are those of the path."""
        match request.method, segments:
            case "GET", ["common", "discovery", "instance"]:
                return _json(200, self._instances())
            case "GET", [tenant, "v2.0", ".well-known", "openid-configuration"] if self._knows(tenant):
                return _json(200, self._discovery(tenant))
            case "GET", [tenant, "oauth2", "v2.0", "authorize"] if self._knows(tenant):
                return self._authorize(query)
            case "POST", [tenant, "oauth2", "v2.0", "token"] if self._knows(tenant):
                return self._token(request, tenant)
        return _json(404, {"error": "not_found"})

    def grant_of(self, token: str) -> Grant | None:
        """What a bearer token allows now; None once it expired."""
        grant = self.grants.get(token)
        return grant if grant and grant.until > self._clock() else None

    def _knows(self, tenant: str) -> bool:
        return tenant in (self.tenant, "organizations", "common")

    def _instances(self) -> dict[str, Any]:
        host = "login.microsoftonline.com"
        alias = {"preferred_network": host, "preferred_cache": "login.windows.net", "aliases": [host]}
        endpoint = f"{LOGIN}/common/v2.0/.well-known/openid-configuration"
        return {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [alias]}

    def _discovery(self, tenant: str) -> dict[str, Any]:
        issuer = self.tenant if tenant == self.tenant else "{tenantid}"
        return {
            "issuer": f"{LOGIN}/{issuer}/v2.0",
            "authorization_endpoint": f"{LOGIN}/{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{LOGIN}/{tenant}/oauth2/v2.0/token",
            "jwks_uri": f"{LOGIN}/{tenant}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _authorize(self, query: Mapping[str, str]) -> Response:
        """Signs in whom ``login_hint`` names; without one, a page to choose. Consent is always given."""
        if query.get("client_id") != self.client_id or query.get("redirect_uri") not in self.redirect_uris:
            return Response(400, b"AADSTS50011: unknown client or redirect address", {"content-type": "text/plain"})
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return self._back(query, error="invalid_request", error_description="PKCE with S256 is required")
        user = self._addresses.get(query.get("login_hint", ""))
        if user is None:
            return self._choice(query)
        code = secrets.token_urlsafe(32)
        grant = Grant(_scopes(query.get("scope", "")) | _ASSUMED, user, self._clock() + CODE_SECONDS)
        self._codes[code] = _Code(grant, query["redirect_uri"], query["code_challenge"], query.get("nonce", ""))
        info = {"client_info": self._client_info(user)} if query.get("client_info") else {}
        return self._back(query, code=code, **info)

    def _choice(self, query: Mapping[str, str]) -> Response:
        links = "".join(
            f'<li><a href="?{escape(urlencode({**query, "login_hint": address}))}">{escape(address)}</a></li>'
            for address in self._addresses
        )
        return Response(200, f"<ul>{links}</ul>".encode(), {"content-type": "text/html; charset=utf-8"})

    def _back(self, query: Mapping[str, str], **answer: str) -> Response:
        answer |= {"state": query["state"]} if "state" in query else {}
        return Response(302, b"", {"location": f"{query['redirect_uri']}?{urlencode(answer)}"})

    def _token(self, request: Request, tenant: str) -> Response:
        try:
            form = _form(request)
            self._check_client(form)
            return _json(200, self._granted(form, tenant))
        except _Denied as denied:
            return _json(denied.status, self._error(denied))

    def _check_client(self, form: Mapping[str, str]) -> None:
        if form.get("client_id") != self.client_id:
            raise _Denied("unauthorized_client", 700016, "Application was not found in the directory.")
        if not hmac.compare_digest(form.get("client_secret", ""), self.client_secret):
            raise _Denied("invalid_client", 7000215, "Invalid client secret provided.", 401)

    def _granted(self, form: Mapping[str, str], tenant: str) -> dict[str, Any]:
        match form.get("grant_type"):
            case "client_credentials":
                return self._for_app(form, tenant)
            case "authorization_code":
                return self._for_code(form)
            case "refresh_token":
                return self._refreshed(form)
        raise _Denied("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")

    def _for_app(self, form: Mapping[str, str], tenant: str) -> dict[str, Any]:
        if tenant != self.tenant:
            raise _Denied("invalid_request", 50194, "The tenant must be named for this grant.")
        if form.get("scope") != "https://graph.microsoft.com/.default":
            raise _Denied("invalid_scope", 1002012, "The scope must end with /.default.")
        return self._issued(Grant(self.app_roles))

    def _for_code(self, form: Mapping[str, str]) -> dict[str, Any]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None:
            raise _Denied("invalid_grant", 54005, "The authorization code was already redeemed.")
        if code.grant.until < self._clock() or form.get("redirect_uri") != code.redirect_uri:
            raise _Denied("invalid_grant", 70008, "The authorization code has expired.")
        verified = _unpadded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if not hmac.compare_digest(verified, code.challenge):
            raise _Denied("invalid_grant", 501481, "The code_verifier does not match the code_challenge.")
        return self._issued(code.grant, code.nonce, "client_info" in form)

    def _refreshed(self, form: Mapping[str, str]) -> dict[str, Any]:
        """A new refresh token; the old one keeps working (§1.5). Scopes may be narrowed."""
        grant = self._refresh.get(form.get("refresh_token", ""))
        if grant is None:
            raise _Denied("invalid_grant", 700082, "The refresh token has expired due to inactivity.")
        wanted = _scopes(form.get("scope", "")) or grant.permissions
        if not wanted <= grant.permissions:
            raise _Denied("invalid_grant", 65001, "The user or administrator has not consented.")
        return self._issued(grant, "", "client_info" in form)

    def _issued(self, grant: Grant, nonce: str = "", with_info: bool = False) -> dict[str, Any]:
        token = secrets.token_urlsafe(48)
        self.grants[token] = Grant(grant.permissions, grant.user, self._clock() + TOKEN_SECONDS)
        answer = {"token_type": "Bearer", "expires_in": TOKEN_SECONDS, "ext_expires_in": TOKEN_SECONDS}
        answer["access_token"] = token
        if not grant.user:
            return answer
        answer["scope"] = " ".join(sorted(grant.permissions - {"offline_access"}))
        answer["id_token"] = self._id_token(grant.user, nonce)
        if "offline_access" in grant.permissions:
            refresh = secrets.token_urlsafe(64)
            self._refresh[refresh] = grant
            answer["refresh_token"] = refresh
        return answer | ({"client_info": self._client_info(grant.user)} if with_info else {})

    def _client_info(self, user: str) -> str:
        return _unpadded(json.dumps({"uid": user, "utid": self.tenant}).encode())

    def _id_token(self, user: str, nonce: str) -> str:
        """Unsigned: msal does not look, and who verifies signatures has to be shown a key (§1.9)."""
        now = int(self._clock())
        claims = {"aud": self.client_id, "iss": f"{LOGIN}/{self.tenant}/v2.0", "tid": self.tenant, "oid": user}
        claims |= {"sub": digest("teams", "sub", user), "name": self._users[user], "ver": "2.0", "nonce": nonce}
        times = {"iat": now, "nbf": now, "exp": now + TOKEN_SECONDS}
        parts = ({"typ": "JWT", "alg": "none"}, claims | times)
        return ".".join(_unpadded(json.dumps(part).encode()) for part in parts) + "."

    def _error(self, denied: _Denied) -> dict[str, Any]:
        at = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        trace, correlation = guid(secrets.token_hex(8)), guid(secrets.token_hex(8))
        ids = f"Trace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {at}"
        return {
            "error": denied.error,
            "error_description": f"AADSTS{denied.number}: {denied.text}\r\n{ids}",
            "error_codes": [denied.number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{LOGIN}/error?code={denied.number}",
        }


def guid(*names: str) -> str:
    """A stable object id for a thing of the sandbox."""
    hexed = digest("teams", *names)
    return "-".join((hexed[:8], hexed[8:12], f"4{hexed[13:16]}", f"8{hexed[17:20]}", hexed[20:32]))


def _scopes(scope: str) -> frozenset[str]:
    """Scopes by their short names, as Entra answers them."""
    return frozenset(name.removeprefix("https://graph.microsoft.com/") for name in scope.split())


def _form(request: Request) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise _Denied("invalid_request", 900144, "The request body must be form encoded.")
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(status: int, body: object) -> Response:
    return Response(status, json.dumps(body).encode(), {"content-type": "application/json; charset=utf-8"})
