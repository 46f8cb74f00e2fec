"""A tenant's first page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import tenant_page


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "hub/home.html")
