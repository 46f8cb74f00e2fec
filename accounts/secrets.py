"""Tokens at rest: encrypted per field, with keys that can be rotated; only a digest of those that we hand out ourselves.

``MIO_FIELD_KEYS`` is a list of Fernet keys, the newest first: it encrypts, all of them decrypt.
"""

import hashlib
import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(value: Any) -> str:
    """JSON-encodable ``value`` as ciphertext that only this Hub's keys open."""
    return _fernet(tuple(settings.MIO_FIELD_KEYS)).encrypt(json.dumps(value).encode()).decode()


def unseal(sealed: str) -> Any:
    """What ``seal`` was given. Raises ``cryptography.fernet.InvalidToken`` when no key fits."""
    return json.loads(_fernet(tuple(settings.MIO_FIELD_KEYS)).decrypt(sealed.encode()))


def digest(token: str) -> str:
    """What is kept of a token of ours. It is random and long: a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class SealedField(models.TextField[Any, Any]):
    """A JSON value that the database only ever sees as ciphertext."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else seal(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value if value is None else unseal(value)
