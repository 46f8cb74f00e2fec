"""One question to a platform outside the relay: for consent, health and administration."""

from typing import TypeVar

import requests
from django.conf import settings

from connectors.calls import Calls
from connectors.contract import Credentials
from connectors.http import drive_blocking, over_requests

T = TypeVar("T")


def ask(calls: Calls[T], credentials: Credentials | None) -> T:
    """Run a client method to its result. Raises the error family of ``connectors/errors.py``."""
    with requests.Session() as session:
        session.trust_env = False
        return drive_blocking(calls, over_requests(session), credentials, settings.MIO_SANDBOX_URL)
