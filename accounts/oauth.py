"""OAuth 2.0 with a platform, spoken by Authlib: consent addresses, codes, refreshes and our app's own tokens.

What differs between platforms is in their ``Step``s and ``OAuth``; nothing of it is known here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import TOO_MANY_REQUESTS
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from django.conf import settings
from requests.adapters import HTTPAdapter

import connectors
from connectors.addresses import is_public
from connectors.consent import App, Connects, Granted, Scope, Step
from connectors.contract import Connector
from connectors.errors import Malformed, Reconnect, Refused, Unavailable
from connectors.http import ANSWER_SECONDS, CONNECT_SECONDS, LARGEST_ANSWER

HOME = "organizations"
"""Stands for the workspace in an address while it is not known: Microsoft's name for any work account's own."""
DEAD = frozenset(
    {"invalid_grant", "invalid_refresh_token", "token_revoked", "account_inactive", "interaction_required"}
)
"""Answers to a refresh that no waiting mends: somebody has to consent again (Slack §1.3, Teams §1.10, Zoom §1.3)."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One browser's journey to a consent page: what it carries, and what must be known when it comes back."""

    redirect: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    workspace: str = ""


def platform(slug: str) -> type[Connects]:
    """A platform that is connected by OAuth. Raises ``LookupError``."""
    connector: type[Connector] = connectors.get(slug)
    if not issubclass(connector, Connects):
        raise LookupError(f"{slug} is not connected by OAuth")
    return connector


def consent_address(step: Step, app: App, scopes: Iterable[Scope], trip: Trip) -> str:
    """Where to send the browser. In the sandbox, the fake's own page."""
    asked = {}
    for kind, parameter in step.asks.items():
        names = [scope.name for scope in scopes if scope.token == kind]
        if parameter:
            asked[parameter] = step.separator.join(dict.fromkeys(names))
    asked |= step.extra
    with OAuth2Session(app.client_id, redirect_uri=trip.redirect, scope=asked.pop("scope", None)) as session:
        session.code_challenge_method = "S256" if step.pkce else None
        verifier = {"code_verifier": trip.verifier} if step.pkce else {}
        address, _ = session.create_authorization_url(
            step.authorize.replace("{workspace}", trip.workspace or HOME), state=trip.state, **verifier, **asked
        )
    return reachable(str(address))


def redeem(kind: str, connector: type[Connects], app: App, code: str, trip: Trip) -> list[Granted]:
    """Exchange a code for tokens. Raises ``Refused`` where the platform would not, ``Unavailable`` where it could not."""
    verifier = {"code_verifier": trip.verifier} if trip.verifier else {}
    return _ask(
        kind, connector, app, trip.workspace, "fetch_token", redirect_uri=trip.redirect, code=code,
        grant_type="authorization_code", **verifier,
    )  # fmt: skip


def refresh(kind: str, connector: type[Connects], app: App, token: str, workspace: str) -> list[Granted]:
    """Exchange a refresh token for the next tokens. Raises ``Reconnect`` where it is dead, ``Unavailable`` to try later."""
    return _ask(kind, connector, app, workspace, "refresh_token", refresh_token=token)


def mint(kind: str, connector: type[Connects], app: App, workspace: str) -> list[Granted]:
    """A token of our app's own, by its client credentials. Raises as ``refresh`` does."""
    scope = connector.oauth.minted[kind]
    asked = {"scope": scope} if scope else {}
    return _ask(kind, connector, app, workspace, "fetch_token", grant_type="client_credentials", **asked)


def _ask(kind: str, connector: type[Connects], app: App, workspace: str, method: str, **fields: Any) -> list[Granted]:
    address = connector.oauth.token.replace("{workspace}", workspace or HOME)
    try:
        with _session(connector, app) as session:
            answer: Mapping[str, Any] = getattr(session, method)(address, **fields)
    except AuthlibBaseError as error:
        raise (Reconnect if error.error in DEAD else Refused)(f"the platform answered: {error.error}") from None
    except (requests.RequestException, ValueError):  # Authlib lets a page in place of JSON through as a ValueError
        raise Unavailable("the platform's sign-in could not be reached") from None
    try:
        return connector.granted(kind, answer)
    except Malformed as error:
        raise Refused(str(error)) from None


def _session(connector: type[Connects], app: App) -> OAuth2Session:
    session = OAuth2Session(app.client_id, app.client_secret, token_endpoint_auth_method=connector.oauth.authentication)
    guard(session)
    return session


def reachable(url: str) -> str:
    """The address under which a platform is reached: its own, or that of its fake."""
    return f"{settings.MIO_SANDBOX_URL}/{url.removeprefix('https://')}" if settings.MIO_SANDBOX_URL else url


def guard(session: requests.Session) -> requests.Session:
    """Let a session reach public addresses only, follow no redirect and read no endless answer."""
    session.mount("https://", GuardedAdapter())
    session.mount("http://", GuardedAdapter())
    session.trust_env = False
    return session


class GuardedAdapter(HTTPAdapter):
    """The one way out for sign-in and consent, on which the sandbox's address is put in place of a platform's."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if not request.url or not is_public(request.url):
            raise requests.exceptions.InvalidURL("an address that is not a platform's")
        request.url = reachable(request.url)
        kwargs |= {"timeout": (CONNECT_SECONDS, ANSWER_SECONDS), "stream": True}
        response = super().send(request, *args, **kwargs)
        body = response.raw.read(LARGEST_ANSWER + 1, decode_content=True)
        if len(body) > LARGEST_ANSWER or response.is_redirect:
            raise requests.exceptions.ContentDecodingError("an answer that no platform gives")
        if response.status_code == TOO_MANY_REQUESTS:
            raise requests.exceptions.RetryError("the platform asked to slow down")
        response._content = body  # noqa: SLF001 (what ``Response.content`` would read without a bound)
        return response
