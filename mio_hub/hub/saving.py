"""Saving a form of settings."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import tenant_settings
from accounts.access import tenant_of
from mio_hub.hub.forms import TenantForm
from relay.obeying import obey


def saved(request: HttpRequest, form: TenantForm) -> HttpResponse | None:
    """Carry out what a valid form says and lead back to it; None where there is nothing to carry out."""
    if not form.is_valid():
        form.instance.refresh_from_db()  # the page goes on calling the tenant by its name, not by what was typed
        return None
    with transaction.atomic():
        changed = tenant_settings.change(tenant_of(request), form.cleaned_data, request)
        obey(tenant_of(request), changed)
    messages.success(request, "Saved." if changed else "Nothing was different, so nothing was changed.")
    return redirect(request.path)
