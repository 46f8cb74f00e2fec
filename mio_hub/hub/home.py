"""A tenant's first page: what stands, what needs somebody, what to do next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import tenant_of, tenant_page
from mio_hub.hub import cards

ENOUGH = 2
"""Platforms without which nothing can cross."""


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    platforms = cards.cards(tenant_of(request))
    connected = [each for each in platforms if each.connections]
    shown = {
        "platforms": platforms,
        "connected": len(connected),
        "is_enough": len(connected) >= ENOUGH,
        "channels": sum(card.channels for each in connected for card in each.connections),
    }
    return render(request, "hub/home.html", shown)
