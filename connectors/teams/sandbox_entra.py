"""The fake of Microsoft Entra ID: accounts, consents, and the token endpoint (reference teams.md §1).

What a browser sees of it is in ``sandbox_oauth.py``.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from connectors.calls import Response
from connectors.consent import App
from connectors.contract import Request
from connectors.sandbox import digest
from connectors.teams.sandbox_keys import opaque, published, signed, unpadded

LOGIN = "https://login.microsoftonline.com"
TOKEN_SECONDS = 3600
"""Microsoft draws 60 to 90 minutes."""
CODE_SECONDS = 600
"""An authorisation code lives about ten minutes (§1.3)."""
ASSUMED = frozenset({"openid", "profile", "email"})
"""Named in every answer, asked for or not (§1.4)."""
_ALWAYS = ASSUMED | {"offline_access", "User.Read"}
"""What tenants let people allow even where they decide about nothing else."""
ADMIN_ONLY = frozenset(
    {
        "Channel.Create",
        "ChannelMessage.Read.All",
        "ChannelMessage.ReadWrite",
        "ChannelMember.Read.All",
        "ChannelMember.ReadWrite.All",
        "ChannelSettings.ReadWrite.All",
        "TeamMember.Read.All",
        "TeamMember.ReadWriteNonOwnerRole.All",
        "User.Read.All",
    }
)
"""What a person cannot allow on their own (§6)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token may do: ``user`` is empty for an application's own. ``until`` is in seconds of the fake's clock."""

    permissions: frozenset[str]
    user: str = ""
    until: float = float("inf")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person agreed to in the browser, and how the code for it is to be proven."""

    user: str
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str = ""
    nonce: str = ""


class _Denied(Exception):
    """An OAuth error: ``error``, Entra's number and sentence, HTTP status."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.number, self.text, self.status = error, number, text, status


class Entra:
    """One tenant's identity platform. ``users`` are names and addresses by object id, guests included; ``app`` is the one
    registration that everybody deals with.

    ``registered_roles`` and ``registered_scopes`` stand in the registration; ``app_roles`` and ``consented`` are what an
    administrator approved of it. ``admins`` may do so, ``entrusted`` have some directory role. Where the tenant does not let
    ``people_decide``, they may allow nothing that was not approved (§1.8).
    """

    def __init__(
        self,
        tenant: str,
        users: Mapping[str, tuple[str, str]],
        app: Callable[[], App],
        clock: Callable[[], float],
    ) -> None:
        self.tenant = tenant
        self.app_roles = self.consented = self.registered_roles = self.registered_scopes = frozenset[str]()
        self.admins: set[str] = set()
        self.entrusted: set[str] = set()
        self.is_installed = True
        self.people_decide = True
        self.grants: dict[str, Grant] = {}
        self._users, self._app, self._clock = users, app, clock
        self._codes: dict[str, tuple[Asked, float]] = {}
        self._refresh: dict[str, Grant] = {}

    @property
    def client_id(self) -> str:
        """Our app's id, and below its secret."""
        return self._app().client_id

    @property
    def client_secret(self) -> str:
        return self._app().client_secret

    def accounts(self) -> list[tuple[str, str, str]]:
        """Object id, name and address of everybody who can sign in."""
        return [(user, name, address) for user, (name, address) in self._users.items()]

    def person(self, told: str) -> str:
        """The object id of somebody by id, name or address; empty for a stranger."""
        return next((user for user, known in self._users.items() if told in (user, *known)), "")

    def approve(self) -> None:
        """An administrator lets the app in, with all that its registration names."""
        self.app_roles, self.consented, self.is_installed = self.registered_roles, self.registered_scopes, True

    def remove(self, kept: Collection[str]) -> None:
        """An administrator throws the app out; other tokens than those ``kept`` are dead."""
        self.app_roles = self.consented = frozenset()
        self.is_installed = False
        self.grants = {token: grant for token, grant in self.grants.items() if token in kept}
        self._codes.clear()
        self._refresh.clear()

    def lacks_approval(self, user: str, scopes: frozenset[str]) -> bool:
        """Whether somebody may not allow this without an administrator."""
        return user not in self.admins and not self._decisive(scopes) <= self.consented

    def _decisive(self, scopes: frozenset[str]) -> frozenset[str]:
        """Those that take an administrator."""
        return scopes & ADMIN_ONLY if self.people_decide else scopes - _ALWAYS

    def code_for(self, asked: Asked) -> str:
        """A code for what a person agreed to."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = asked, self._clock() + CODE_SECONDS
        self.is_installed = True
        return code

    def handle(self, request: Request, segments: list[str]) -> Response:
        """Answer a request to the login host. ``segments`` are those of the path."""
        match request.method, segments:
            case "GET", ["common", "discovery", "instance"]:
                return _json(200, self._instances())
            case "GET", [tenant, "v2.0", ".well-known", "openid-configuration"] if self.knows(tenant):
                return _json(200, self._discovery(tenant))
            case "GET", [tenant, "discovery", "v2.0", "keys"] if self.knows(tenant):
                return _json(200, published())
            case "POST", [tenant, "oauth2", "v2.0", "token"] if self.knows(tenant):
                return self._token(request, tenant)
        return _json(404, {"error": "not_found"})

    def grant_of(self, token: str) -> Grant | None:
        """What a bearer token allows now; None once it expired."""
        grant = self.grants.get(token)
        return grant if grant and grant.until > self._clock() else None

    def knows(self, tenant: str) -> bool:
        """Whether an address names this tenant, or any."""
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
        if not self.is_installed:
            raise _Denied("unauthorized_client", 700016, "Application was not found in the directory.")
        return self._issued(Grant(self.app_roles))

    def _for_code(self, form: Mapping[str, str]) -> dict[str, Any]:
        asked, until = self._codes.pop(form.get("code", ""), (None, 0.0))
        if asked is None:
            raise _Denied("invalid_grant", 54005, "The authorization code was already redeemed.")
        if until < self._clock() or form.get("redirect_uri") != asked.redirect_uri:
            raise _Denied("invalid_grant", 70008, "The authorization code has expired.")
        if _challenge(form.get("code_verifier", "")) != asked.challenge:
            raise _Denied("invalid_grant", 501481, "The code_verifier does not match the code_challenge.")
        grant = Grant(asked.scopes | ASSUMED, asked.user)
        nonce = asked.nonce if "openid" in asked.scopes else None
        return self._issued(grant, nonce, "client_info" in form)

    def _refreshed(self, form: Mapping[str, str]) -> dict[str, Any]:
        """A new refresh token; the old one keeps working (§1.5). Scopes may be narrowed."""
        grant = self._refresh.get(form.get("refresh_token", ""))
        if grant is None:
            raise _Denied("invalid_grant", 700082, "The refresh token has expired due to inactivity.")
        wanted = scopes_of(form.get("scope", "")) or grant.permissions
        if not wanted <= grant.permissions:
            raise _Denied("invalid_grant", 65001, "The user or administrator has not consented.")
        return self._issued(grant, "" if "openid" in wanted else None, "client_info" in form)

    def _issued(self, grant: Grant, nonce: str | None = None, with_info: bool = False) -> dict[str, Any]:
        """``nonce`` is None where nobody asked for an ``id_token``."""
        token = opaque(self._claims(grant))
        self.grants[token] = Grant(grant.permissions, grant.user, self._clock() + TOKEN_SECONDS)
        answer = {"token_type": "Bearer", "expires_in": TOKEN_SECONDS, "ext_expires_in": TOKEN_SECONDS}
        answer["access_token"] = token
        if not grant.user:
            return answer
        answer["scope"] = " ".join(sorted(grant.permissions - {"offline_access"}))
        if nonce is not None:
            answer["id_token"] = self._id_token(grant.user, nonce)
        if "offline_access" in grant.permissions:
            refresh = secrets.token_urlsafe(64)
            self._refresh[refresh] = grant
            answer["refresh_token"] = refresh
        return answer | ({"client_info": self.client_info(grant.user)} if with_info else {})

    def _claims(self, grant: Grant) -> dict[str, Any]:
        claims = {"aud": "https://graph.microsoft.com", "tid": self.tenant, "appid": self.client_id}
        if grant.user:
            return claims | {"oid": grant.user, "scp": " ".join(sorted(grant.permissions))}
        return claims | {"idtyp": "app", "roles": sorted(grant.permissions)}

    def client_info(self, user: str) -> str:
        """By what msal knows an account."""
        return unpadded(json.dumps({"uid": user, "utid": self.tenant}).encode())

    def _id_token(self, user: str, nonce: str) -> str:
        now = int(self._clock())
        claims = {"aud": self.client_id, "iss": f"{LOGIN}/{self.tenant}/v2.0", "tid": self.tenant, "oid": user}
        claims |= {"sub": digest("teams", "sub", user), "name": self._users[user][0], "ver": "2.0", "nonce": nonce}
        return signed(claims | {"iat": now, "nbf": now, "exp": now + TOKEN_SECONDS})

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


def scopes_of(scope: str) -> frozenset[str]:
    """Scopes by their short names, as Entra answers them."""
    return frozenset(name.removeprefix("https://graph.microsoft.com/") for name in scope.split())


def _form(request: Request) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise _Denied("invalid_request", 900144, "The request body must be form encoded.")
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))


def _challenge(verifier: str) -> str:
    """The S256 form of a verifier; without one it is empty."""
    return unpadded(hashlib.sha256(verifier.encode()).digest()) if verifier else ""


def _json(status: int, body: object) -> Response:
    return Response(status, json.dumps(body).encode(), {"content-type": "application/json; charset=utf-8"})
