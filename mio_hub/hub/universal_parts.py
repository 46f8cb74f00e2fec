"""Whose part in which universal channel a page is about, found by its address."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.access import tenant_of
from relay.models import Participation


def part_of_page(request: HttpRequest, pk: int) -> Participation:
    """The part of the tenant whose page this is; any other does not exist."""
    rows = Participation.objects.select_related("conversation__tenant", "tenant").filter(ended_at=None)
    return get_object_or_404(rows, pk=pk, tenant=tenant_of(request))


def address_of(request: HttpRequest, part: Participation) -> str:
    """Where a part is shown."""
    return reverse("hub:universal_shared", args=[tenant_of(request).key, part.pk])
