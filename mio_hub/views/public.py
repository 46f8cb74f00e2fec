"""Pages for everybody: what is asked for and why, what is stored and what never is."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

import connectors
from connectors.consent import Connects
from mio_hub.scopes import tables


@require_safe
def scopes(request: HttpRequest, platform: str = "") -> HttpResponse:
    """The scopes of one platform; without one, where to find each."""
    slugs = [each.platform.slug for each in connectors.everyone() if issubclass(each, Connects)]
    if platform and platform not in slugs:
        raise Http404
    chosen = platform or next(iter(slugs))
    shown = {
        "platforms": [connectors.get(slug).platform for slug in slugs],
        "current": connectors.get(chosen).platform,
        "tables": tables(chosen),
    }
    return render(request, "public/scopes.html", shown)


@require_safe
def security(request: HttpRequest) -> HttpResponse:
    return render(request, "public/security.html")
