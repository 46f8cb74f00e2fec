"""What every answer passes through, besides Django's own middleware."""

from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

import connectors
from connectors.consent import Connects, Purpose

CONNECT = Purpose.CONNECT


@cache
def policy() -> str:
    """Everything from our own address, nothing inline: an injected script or style does not run.

    A form may lead to a platform's consent page: Chromium holds ``form-action`` against redirects too.
    """
    return "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data:",  # icons inside style sheets
            "object-src 'none'",
            "base-uri 'self'",
            f"form-action 'self' {' '.join(consent_origins())}",
            "frame-ancestors 'none'",
        )
    )


def consent_origins() -> list[str]:
    """Where browsers are sent to consent and to sign in."""
    if settings.MIO_SANDBOX_URL:
        return [settings.MIO_SANDBOX_URL]
    pages = (
        step.authorize for each in connectors.everyone() if issubclass(each, Connects) for step in each.steps[CONNECT]
    )
    return sorted({f"https://{urlsplit(page).hostname}" for page in pages})


class ContentSecurityPolicy:
    """Adds the policy, unless a view has set a narrower one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy())
        return response


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
