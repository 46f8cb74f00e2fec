"""Questions to a platform outside the relay: for consent, health, administration and imports."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import requests
from django.conf import settings

from connectors.calls import Calls
from connectors.contract import Credentials
from connectors.http import drive_blocking, over_requests

T = TypeVar("T")


@contextmanager
def session() -> Iterator[requests.Session]:
    """Connections to platforms that several questions in a row may share. No proxy of the environment is used."""
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


def ask(calls: Calls[T], credentials: Credentials | None) -> T:
    """Run a client method to its result. Raises the error family of ``connectors/errors.py``."""
    with session() as opened:
        return ask_over(opened, calls, credentials)


def ask_over(opened: requests.Session, calls: Calls[T], credentials: Credentials | None) -> T:
    """The same over a session that is open already."""
    return drive_blocking(calls, over_requests(opened), credentials, settings.MIO_SANDBOX_URL)
