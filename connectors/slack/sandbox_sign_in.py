"""Signing in with the fake Slack: OpenID Connect, as django-allauth and other clients speak it."""

import base64
import hashlib
from functools import cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from connectors.sandbox import COMPANY
from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_records import ICONS, Caller, Object

ISSUER = "https://slack.com"
ID_TOKEN_SECONDS = 300
"""How long an id token is good: what real ones were seen to have."""

DISCOVERY = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/openid/connect/authorize",
    "token_endpoint": f"{ISSUER}/api/openid.connect.token",
    "userinfo_endpoint": f"{ISSUER}/api/openid.connect.userInfo",
    "jwks_uri": f"{ISSUER}/openid/connect/keys",
    "scopes_supported": ["openid", "profile", "email"],
    "response_types_supported": ["code"],
    "response_modes_supported": ["query"],
    "grant_types_supported": ["authorization_code"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "claims_supported": ["sub", "auth_time", "iss"],
    "claims_parameter_supported": False,
    "request_parameter_supported": False,
    "request_uri_parameter_supported": True,
    "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
}


@cache
def _key() -> RSAKey:
    """Made when it is first needed: it takes a moment, and most tests sign nobody in."""
    return RSAKey.generate_key(2048, {"kid": "fake-slack", "use": "sig", "alg": "RS256"})


def public_keys() -> dict[str, Any]:
    """The key set with which id tokens are checked."""
    return {"keys": [_key().as_dict(private=False)]}


def claims(workspace: Workspace, caller: Caller) -> Object:
    """Who somebody is, as far as the scopes let us know."""
    told: Object = {"sub": caller.user, f"{ISSUER}/user_id": caller.user, f"{ISSUER}/team_id": workspace.team}
    actor = workspace.actors[caller.user]
    if "email" in caller.scopes:
        told |= {"email": actor.email, "email_verified": True, "date_email_verified": 1_700_000_000}
    if "profile" in caller.scopes:
        given, _, family = actor.name.partition(" ")
        told |= {"name": actor.name, "given_name": given, "family_name": family, "locale": "en-GB"}
        told |= {"picture": ICONS["image_72"], f"{ISSUER}/team_name": COMPANY, f"{ISSUER}/team_domain": COMPANY.lower()}
    return told


def id_token(workspace: Workspace, caller: Caller, client: str, nonce: str, access: str) -> str:
    """What proves to ``client`` who signed in, bound to its nonce and to the access token."""
    now = int(workspace.clock())
    half = hashlib.sha256(access.encode()).digest()[:16]
    about: Object = {"iss": ISSUER, "aud": client, "iat": now, "auth_time": now, "exp": now + ID_TOKEN_SECONDS}
    about |= {"at_hash": base64.urlsafe_b64encode(half).decode().rstrip("=")} | ({"nonce": nonce} if nonce else {})
    return jwt.encode({"alg": "RS256", "kid": "fake-slack"}, about | claims(workspace, caller), _key())


def user_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    return claims(workspace, caller)


SIGN_IN_METHODS: dict[str, Method] = {"openid.connect.userInfo": (user_info, ("openid",), False)}
