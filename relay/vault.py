"""Message contents while they wait for their delivery: sealed, in Redis, for minutes.

AES-256-GCM per entry with a fresh nonce; the entry's name is authenticated along, so contents cannot be swapped. Nothing
else in the house keeps content. What the vault has forgotten is fetched again from the platform it came from.
"""

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

Key = int | str
"""An inbound event's number, or the name of what has none."""
NONCE_BYTES = 12
"""What GCM is made for (NIST SP 800-38D §8.2): 96 random bits, safe for four billion entries under one key."""


@cache
def _cipher(key: str) -> AESGCM:
    return AESGCM(urlsafe_b64decode(key))


def _name(event: Key) -> str:
    return f"vault:{event}"


def put(pipeline: Pipeline, event: Key, content: Mapping[str, Any]) -> bytes:
    """Add to ``pipeline`` that the content of an inbound event is kept for ``MIO_VAULT_TTL`` seconds; the content, sealed."""
    nonce = os.urandom(NONCE_BYTES)
    # Half a surrogate pair is legal in JSON and not in UTF-8; ``json.loads`` takes it back.
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    sealed = nonce + _cipher(settings.MIO_VAULT_KEY).encrypt(nonce, plain, _name(event).encode())
    pipeline.set(_name(event), sealed, ex=settings.MIO_VAULT_TTL)
    return sealed


async def take(redis: Redis, events: Sequence[Key]) -> list[Mapping[str, Any] | None]:
    """The contents of several events; None for each that is no longer there. They stay until ``drop``."""
    sealed: list[bytes | None] = await redis.mget([_name(event) for event in events])  # type: ignore[assignment]  # no decoding was asked for
    return [opened(event, entry) if entry else None for event, entry in zip(events, sealed, strict=True)]


def opened(event: Key, sealed: bytes) -> Mapping[str, Any] | None:
    """What was sealed for an event; None when it was not, or not by us."""
    try:
        cipher = _cipher(settings.MIO_VAULT_KEY)
        plain = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _name(event).encode())
    except (InvalidTag, ValueError):
        return None  # sealed under a key that was rotated away, or not by us: the platform is asked again
    content: Mapping[str, Any] = json.loads(plain)
    return content


async def drop(redis: Redis, events: Iterable[Key]) -> None:
    """Forget contents whose last delivery is done."""
    names = [_name(event) for event in events]
    if names:
        await redis.delete(*names)
