"""Typed readers for settings that come from the environment.

A missing value is the default; a wrong one stops the process with the name of the variable. Secrets may also be
given as the path of a file, in `NAME_FILE`, as Docker and Kubernetes hand them out.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int) -> int:
    value = text(name)
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def seconds(name: str, default: int) -> int:
    """A duration. Zero or less has never been what somebody meant."""
    value = integer(name, default)
    if value <= 0:
        raise ImproperlyConfigured(f"{name} must be a number of seconds above zero, not {value}.")
    return value


def boolean(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in TRUE


def words(name: str, default: str = "") -> list[str]:
    """A list, written with commas or spaces."""
    return text(name, default).replace(",", " ").split()


def secret(name: str, default: str = "") -> str:
    """The value of `NAME`, or the content of the file named by `NAME_FILE`."""
    path = text(f"{name}_FILE")
    if not path:
        return text(name, default)
    if text(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one.")
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {path} cannot be read: {error.strerror}.") from None


def database(url: str) -> dict[str, Any]:
    """Django's form of `postgresql://user:password@host:port/name?option=value`.

    A unix socket is written as libpq does it: `postgresql:///name?host=/folder/of/the/socket&user=me`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://; no other database is supported.")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or "") or options.pop("user", ""),
        "PASSWORD": unquote(parts.password or "") or options.pop("password", ""),
        "HOST": unquote(parts.hostname or "") or options.pop("host", ""),
        "PORT": str(parts.port or "") or options.pop("port", ""),
        "OPTIONS": options,
    }


def email(url: str) -> dict[str, Any]:
    """Django's settings for `smtp://user:password@host:port` (STARTTLS), `smtps://…` (TLS from the start) or `console:`.

    Without a user, `smtp://host` is a relay of one's own, spoken to in the clear. Without an address, one on this machine.
    """
    parts = urlsplit(url or "smtp://localhost")
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme not in ("smtp", "smtps"):
        raise ImproperlyConfigured("MIO_EMAIL_URL must begin with smtp://, smtps:// or console:.")
    tls = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if tls else 587 if parts.username else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": tls,
        "EMAIL_USE_TLS": bool(parts.username) and not tls,
        "EMAIL_TIMEOUT": 10,  # seconds; a request waits for it
    }
