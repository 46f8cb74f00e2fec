"""Signing in with the fake Webex by OpenID Connect (reference §1.3)."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from connectors.webex.client import BASE
from connectors.webex.sandbox_state import IDBROKER, Member

ISSUER = f"https://{IDBROKER}/idb"
"""Of one of Webex's identity clusters; others differ (§1.3)."""
OPENID = frozenset(["openid", "email", "profile"])
ID_TOKEN_SECONDS = 3600


@cache
def _key() -> RSAKey:
    """Made when it is first needed: that takes a tenth of a second."""
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


def discovery() -> dict[str, Any]:
    return {
        "issuer": ISSUER,
        "authorization_endpoint": f"{BASE}/authorize",
        "token_endpoint": f"{BASE}/access_token",
        "userinfo_endpoint": f"{BASE}/userinfo",
        "jwks_uri": f"{BASE}/verification",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256", "plain"],
        "scopes_supported": sorted(OPENID),
    }


def keys() -> dict[str, Any]:
    return {"keys": [_key().as_dict(private=False)]}


def id_token(person: Member, client: str, nonce: str, now: float) -> str:
    """Claims of the protocol only: names and addresses are for ``user_info`` to tell."""
    at = int(now)
    claims = {
        "iss": ISSUER,
        "sub": person.uuid,
        "aud": client,
        "iat": at,
        "auth_time": at,
        "exp": at + ID_TOKEN_SECONDS,
    }
    header = {"alg": "RS256", "kid": _key().kid}
    return jwt.encode(header, claims | ({"nonce": nonce} if nonce else {}), _key())


def user_info(person: Member, scopes: Iterable[str]) -> dict[str, Any]:
    """What was allowed to be told; whether the address is confirmed is told as a text (§1.3)."""
    first, _, last = person.name.partition(" ")
    told: dict[str, Any] = {"sub": person.uuid}
    if "email" in scopes:
        told |= {"email": person.email, "email_verified": "true"}
    if "profile" in scopes:
        told |= {"name": person.name, "given_name": first, "family_name": last}
    return told
