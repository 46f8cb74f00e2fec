"""What every answer passes through, besides Django's own middleware."""

from collections.abc import Callable
from hashlib import sha256

from allauth.account.adapter import get_adapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",  # icons inside style sheets
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Everything from our own address, nothing inline: an injected script or style does not run."""


SEEN_FOR = 60
"""Seconds for which a session that was seen need not be written down again."""


class ContentSecurityPolicy:
    """Adds the policy, unless a view has set a narrower one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class SessionsSeen(UserSessionsMiddleware):  # type: ignore[misc]  # allauth is untyped
    """Writes down which sessions are in use: once a minute for each browser and address, not with every page."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        if not key:
            return self.get_response(request)  # type: ignore[no-any-return]
        browser = repr((key, get_adapter().get_client_ip(request), request.headers.get("User-Agent")))
        is_new = caches["process"].add(f"seen:{sha256(browser.encode()).hexdigest()}", True, SEEN_FOR)
        return super().__call__(request) if is_new else self.get_response(request)  # type: ignore[no-any-return]


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise is untyped
    """WhiteNoise streams files, which under ASGI costs a thread and a warning each. Ours are small: sent whole."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        content = found.file.read() if found.file else b""
        response = HttpResponse(content, status=int(found.status), content_type="")
        del response.headers["Content-Type"]  # a 304 must not have one, and the others bring theirs
        for name, value in found.headers:
            response.headers[name] = value
        if found.file:
            found.file.close()
        return response
