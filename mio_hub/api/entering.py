"""What a request to the API passes before anything else: its token, the token's scope, and how often it may come."""

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import access, api_tokens
from accounts.models import ApiToken, Tenant
from mio_hub.limits import Limit

OFTEN = Limit("api", 600)
"""Requests of one token in a minute: ten a second, of which one token costs a core less than a tenth."""


class BearerToken(BaseAuthentication):
    """``Authorization: Bearer mio_…``. The token stands in for a user; a browser's session counts for nothing here."""

    def authenticate(self, request: Request) -> tuple[ApiToken, ApiToken]:
        token = access.bearer(request.headers.get("Authorization", ""))
        if token is None:
            raise AuthenticationFailed(
                "Show a token of this API that is neither expired nor revoked. Nothing was done."
            )
        api_tokens.note_use(token)
        return token, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Mio Hub"'


class HasScope(BasePermission):
    """The token has the scope that the view asks for."""

    message = "The token lacks the scope that this needs. Nothing was done."

    def has_permission(self, request: Request, view: Any) -> bool:
        return view.scope is None or access.token_may(token_of(request), view.scope)


class PerToken(BaseThrottle):
    """``OFTEN`` for each token."""

    seconds = 0

    def allow_request(self, request: Request, view: Any) -> bool:
        self.seconds = OFTEN.wait_of(str(token_of(request).pk))
        return not self.seconds

    def wait(self) -> int:
        return self.seconds


class AlwaysJson(BaseContentNegotiation):
    """There is one form of answers, whatever a request says it accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return next((each for each in parsers if (request.content_type or "").startswith(each.media_type)), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def token_of(request: Request) -> ApiToken:
    """The token that a request came with."""
    token: Any = request.auth
    found: ApiToken = token
    return found


def tenant_of(request: Request) -> Tenant:
    """Whose token it is: nothing of any other tenant exists."""
    return token_of(request).tenant


def http_request(request: Request) -> HttpRequest:
    """The request as the stories take it; its user is the token, as whom they write it down."""
    bare: HttpRequest = request._request  # noqa: SLF001 (REST framework's documented way to it)
    return bare
