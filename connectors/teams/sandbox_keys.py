"""Microsoft's keys in the fake: made once per process, when the first is asked for, since that takes its time."""

import base64
import json
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

KEY_ID = "key-of-the-sandbox"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published() -> dict[str, Any]:
    """The key set by which an ``id_token`` is verified."""
    numbers = _key().public_key().public_numbers()
    parts = {"n": _written(numbers.n), "e": _written(numbers.e)}
    return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, **parts}]}


def _written(number: int) -> str:
    return unpadded(number.to_bytes((number.bit_length() + 7) // 8))


def signed(claims: Mapping[str, Any]) -> str:
    """A token that anybody can verify."""
    said = _said(claims)
    return f"{said}.{unpadded(_key().sign(said.encode(), padding.PKCS1v15(), SHA256()))}"


def opaque(claims: Mapping[str, Any]) -> str:
    """A token for Graph alone: it can be read, but its signature is nobody else's affair (§1.4)."""
    return f"{_said({**claims, 'uti': secrets.token_urlsafe(16)})}.{secrets.token_urlsafe(48)}"


def _said(claims: Mapping[str, Any]) -> str:
    header = {"typ": "JWT", "alg": "RS256", "kid": KEY_ID}
    return ".".join(unpadded(json.dumps(part).encode()) for part in (header, claims))


def unpadded(data: bytes) -> str:
    """Base64 as tokens write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
