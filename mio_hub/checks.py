"""System checks: what is missing is named before it is missed."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

NEEDED = {
    "DATABASE_URL": "the address of PostgreSQL, as postgresql://user:password@host/name",
    "REDIS_URL": "the address of Redis or Valkey, as redis://host:6379/0",
    "MIO_BASE_URL": "the address at which browsers and platforms reach the Hub, as https://hub.example.com",
    "MIO_FIELD_KEYS": 'a key for stored tokens, made by: python -c "from cryptography.fernet import Fernet as F; '
    'print(F.generate_key().decode())"',
    "MIO_VAULT_KEY": 'a key for contents in transit, made by: python -c "import base64, os; '
    'print(base64.urlsafe_b64encode(os.urandom(32)).decode())"',
}
"""Settings without which nothing works. Each is also the name of its environment variable."""

VAULT_KEY_LENGTH = 32
"""Bytes of an AES-256 key."""


@register(Tags.security)
def needed_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    missing = [name for name in NEEDED if not getattr(settings, name)]
    messages: list[CheckMessage] = [
        Error(f"{name} is not set.", hint=f"Set it to {NEEDED[name]}. ./hub up does so by itself.", id="mio.E001")
        for name in missing
    ]
    if not has_secret_key():
        messages.append(Error("MIO_SECRET_KEY is not set.", hint="Set it to a long random text.", id="mio.E001"))
    return messages


@register(Tags.security)
def usable_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    if not all(is_fernet_key(key) for key in settings.MIO_FIELD_KEYS):
        messages.append(Error("MIO_FIELD_KEYS holds something that is no Fernet key.", id="mio.E002"))
    if settings.MIO_VAULT_KEY and not is_vault_key(settings.MIO_VAULT_KEY):
        messages.append(Error("MIO_VAULT_KEY is not 32 bytes in urlsafe base64.", id="mio.E003"))
    return messages


@register(Tags.security, deploy=True)
def closed_doors(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    if not settings.MIO_METRICS_TOKEN:
        messages.append(checks.Warning("/metrics is open to everyone; set MIO_METRICS_TOKEN.", id="mio.W001"))
    if not settings.MIO_EMAIL_URL:
        hint = "Nobody can confirm an address or reset a password. Set it to smtp://user:password@host:587."
        messages.append(checks.Warning("MIO_EMAIL_URL is not set.", hint=hint, id="mio.W003"))
    if settings.MIO_SANDBOX_URL:
        messages.append(checks.Warning("MIO_SANDBOX_URL is set: no message leaves for a real platform.", id="mio.W002"))
    return messages


def has_secret_key() -> bool:
    try:
        return bool(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's answer to an empty one
        return False


def is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def is_vault_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == VAULT_KEY_LENGTH
    except (ValueError, binascii.Error):
        return False
