"""The faces of the platforms."""

from importlib.resources import files

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

import connectors

DRAWING_ONLY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""An SVG opened by itself is a document: it may draw and nothing else."""


@require_safe
def drawing(request: HttpRequest, slug: str) -> HttpResponse:
    """A platform's logo."""
    found = files("connectors") / slug / "logo.svg"
    if slug not in connectors.slugs() or not found.is_file():
        raise Http404
    headers = {"Content-Security-Policy": DRAWING_ONLY, "Cache-Control": "public, max-age=3600"}
    return HttpResponse(found.read_bytes(), content_type="image/svg+xml", headers=headers)
