"""What `./hub up` and `./hub test` put into the environment so that nobody has to configure anything first."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.fernet import Fernet

from mio_hub import platforms

SECRETS: dict[str, Callable[[], str]] = {
    "MIO_SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "MIO_FIELD_KEYS": lambda: Fernet.generate_key().decode(),
    "MIO_VAULT_KEY": lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(),
    **{name: lambda: secrets.token_urlsafe(24) for name in platforms.variables()},  # shared with the sandbox
}


def kept_secrets(path: Path) -> dict[str, str]:
    """The secrets of this folder, made on the first run: with new ones the stored tokens could not be read any more."""
    known = dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}
    complete = {name: known.get(name) or make() for name, make in SECRETS.items()}
    if complete != known:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in complete.items()))
    return complete


def new_secrets() -> dict[str, str]:
    return {name: make() for name, make in SECRETS.items()}


def local_settings(port: int, sandbox_port: int) -> dict[str, str]:
    """Settings of a Hub that is only reached from this machine."""
    return {
        "MIO_ALLOWED_HOSTS": "127.0.0.1 localhost",
        "MIO_BASE_URL": f"http://127.0.0.1:{port}",
        "MIO_EMAIL_URL": "console:",
        "MIO_HTTPS": "false",
        "MIO_LOG_FORMAT": "console",
        "MIO_SANDBOX_URL": f"http://127.0.0.1:{sandbox_port}",
        "PYTHONUNBUFFERED": "1",
    }


def completed(environment: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The environment, with defaults for what it names neither directly nor as the path of a file."""
    missing = {name for name in defaults if name not in environment and f"{name}_FILE" not in environment}
    return {**environment, **{name: defaults[name] for name in missing}}


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the developer's own settings: tests mean the same on every machine."""
    return {name: value for name, value in environment.items() if not name.startswith("MIO_") or name in FOR_TESTS}


FOR_TESTS = frozenset({"MIO_REQUIRE_BROWSER"})
