"""Bringing one's own app: what to give to the platform's console, and what to bring back from there."""

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

import connectors
from accounts import audit, oauth
from accounts.access import tenant_of, tenant_page
from accounts.models import PlatformApp
from connectors.consent import Connects, Paper, Preset
from mio_hub.hub import guide
from mio_hub.hub.connection_forms import OwnAppForm


@require_safe
@tenant_page()
def page(request: HttpRequest, platform: str) -> HttpResponse:
    """Why one would bring an app, and once that is decided, its papers and the form for its secrets."""
    connector, own = _connector(platform), _own(request, platform)
    return _shown(request, platform, own, OwnAppForm(platform=platform) if own else None, connector)


@require_POST
@tenant_page()
def begin(request: HttpRequest, platform: str) -> HttpResponse:
    """Reserve the address for the app's webhooks, which its papers need."""
    _connector(platform)
    tenant = tenant_of(request)
    with transaction.atomic():
        _, is_new = PlatformApp.objects.get_or_create(tenant=tenant, platform=platform)
        if is_new:
            audit.record(tenant, "began own app", platform, request)
    return redirect("hub:own-app", tenant.key, platform)


@require_POST
@tenant_page()
def keep(request: HttpRequest, platform: str) -> HttpResponse:
    """Take the secrets. Replacing them keeps the app's address."""
    tenant = tenant_of(request)
    own = get_object_or_404(PlatformApp, tenant=tenant, platform=platform)
    form = OwnAppForm(request.POST, platform=platform)
    if not form.is_valid():
        return _shown(request, platform, own, form, _connector(platform))
    own.registration = form.values(form.registration)
    own.secrets = form.values(form.secret) | form.made_up(own.secrets)
    with transaction.atomic():
        own.save()
        after = {"client_id": own.registration["client_id"]}
        audit.record(tenant, "registered own app", platform, request, after=after)
    messages.success(request, "Your own app is used from now on whenever this platform is connected or reauthorised.")
    return redirect("hub:preparation", tenant.key, platform)


@require_POST
@tenant_page()
def drop(request: HttpRequest, platform: str) -> HttpResponse:
    """Go back to the operator's app."""
    tenant = tenant_of(request)
    own = get_object_or_404(PlatformApp, tenant=tenant, platform=platform)
    try:
        with transaction.atomic():
            own.delete()
            audit.record(tenant, "removed own app", platform, request)
    except ProtectedError:
        messages.error(request, "A connection still uses this app. Disconnect it first; nothing was changed.")
    else:
        messages.success(request, "Your own app and its secrets are deleted here.")
    return redirect("hub:own-app", tenant.key, platform)


@require_safe
@tenant_page()
def paper(request: HttpRequest, platform: str, name: str) -> HttpResponse:
    """One of the papers as a file."""
    own = _own(request, platform)
    found = own and next((one for one in _papers(request, own) if one.name == name and one.content_type), None)
    if not found:
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return HttpResponse(found.body, content_type=found.content_type, headers=headers)


def _shown(
    request: HttpRequest, platform: str, own: PlatformApp | None, form: OwnAppForm | None, connector: type[Connects]
) -> HttpResponse:
    papers = _papers(request, own) if own else []
    shown = {
        "platform": connectors.get(platform).platform, "own": own, "form": form,
        "files": [one for one in papers if one.content_type],
        "values": [(one.name, one.body.decode()) for one in papers if not one.content_type],
        "parts": guide.parts(platform, tenant_of(request).product_name),
    }  # fmt: skip
    return render(request, "hub/connections/own_app.html", shown)


def _own(request: HttpRequest, platform: str) -> PlatformApp | None:
    _connector(platform)
    return PlatformApp.objects.filter(tenant=tenant_of(request), platform=platform).first()


def _connector(platform: str) -> type[Connects]:
    try:
        return oauth.platform(platform)
    except LookupError:
        raise Http404 from None


def _papers(request: HttpRequest, own: PlatformApp) -> list[Paper]:
    tenant = tenant_of(request)
    webhooks = f"{settings.MIO_BASE_URL}/webhooks/{own.platform}/{own.key}/"
    papers = _connector(own.platform).papers(
        settings.MIO_BASE_URL, webhooks, Preset(tenant.preset), tenant.product_name
    )
    return [Paper(_file_name(one), one.body, one.content_type) for one in papers]


def _file_name(paper: Paper) -> str:
    if not paper.content_type:
        return paper.name
    stem, _, ending = paper.name.rpartition(".")
    return f"{slugify(stem)}.{slugify(ending)}"
