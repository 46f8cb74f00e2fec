"""Connect Platforms: what is connected, how it is doing, and the way to connect, reauthorise and disconnect."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

import connectors
from accounts import audit, connecting, consenting, disconnecting, oauth, tasks
from accounts.access import enter, membership_of, memberships, tenant_of, tenant_page
from accounts.connecting import Arrived, Onward, left_out, scopes_of
from accounts.models import Installation, User
from accounts.signing_up import greet
from accounts.travelling import Setback
from connectors.consent import Preset, Purpose
from connectors.contract import Platform
from mio_hub.hub import cards, guide
from mio_hub.hub.connection_forms import DisconnectForm, StartForm
from mio_hub.hub.imports import has_teams
from mio_hub.limits import Limit, limited
from mio_hub.scopes import tables
from mio_hub.views import consent
from relay.models import ConversationLink
from relay.resuming import resume


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    """One card per platform."""
    return render(request, "hub/connections/page.html", {"cards": cards.cards(tenant_of(request))})


@require_safe
@tenant_page()
def preparation(request: HttpRequest, platform: str) -> HttpResponse:
    """What to check before connecting."""
    face, tenant = _face(platform), tenant_of(request)
    shown = {
        "platform": face,
        "parts": guide.parts(platform, tenant.product_name),
        "has_app": cards.has_app(tenant, platform),
    }
    return render(request, "hub/connections/preparation.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_page()
def scopes(request: HttpRequest, platform: str) -> HttpResponse:
    """What will be asked for and why; from here the browser goes to the platform."""
    face, tenant = _face(platform), tenant_of(request)
    if not cards.has_app(tenant, platform):
        return redirect("hub:own-app", tenant.key, platform)
    again = _again(request, platform)
    form = StartForm(request.POST or None, initial={"preset": again.preset if again else tenant.preset})
    if request.method == "POST" and form.is_valid():
        preset = Preset(form.cleaned_data["preset"])
        address = connecting.start(membership_of(request), platform, preset, again)
        return render(request, "leaving.html", {"address": address, "platform": face.label})
    shown = {
        "platform": face, "form": form, "again": again, "steps": connecting.steps(platform),
        "tables": tables(platform, Purpose.CONNECT),
    }  # fmt: skip
    return render(request, "hub/connections/scopes.html", shown)


def _again(request: HttpRequest, platform: str) -> Installation | None:
    number = request.GET.get("again", "")
    if not number.isdigit():
        return None
    return get_object_or_404(Installation, pk=number, platform=platform, tenant=tenant_of(request))


def _face(platform: str) -> Platform:
    """The name and colours of a platform that can be connected; any other has no page."""
    try:
        oauth.platform(platform)
    except LookupError:
        raise Http404 from None
    return connectors.get(platform).platform


# --- Coming back

OFTEN = Limit("callback", 30)
"""Each may cost calls to the platform. Connecting takes four at most, and nobody does that every few seconds."""


@require_safe
@limited(OFTEN)
def callback(request: HttpRequest, platform: str) -> HttpResponse:
    """Where a platform sends the browser back to: of an administrator, or of somebody who consents for themselves."""
    _face(platform)
    if consenting.is_under_way(platform, request.GET.get("state", "")):
        return consent.come_back(request, platform)
    return _connecting(request, platform)


@login_required
def _connecting(request: HttpRequest, platform: str) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    try:
        outcome = connecting.arrive(user, platform, request.GET.dict())
    except Setback as setback:
        return _set_back(request, platform, setback)
    if isinstance(outcome, Onward):
        return _onward(request, user, outcome)
    return _arrived(request, user, outcome)


def _set_back(request: HttpRequest, platform: str, setback: Setback) -> HttpResponse:
    trip = setback.trip
    membership = enter(request, trip.user, trip.tenant.key) if trip and trip.user else None
    shown = {"setback": setback, "platform": _face(platform), "membership": membership}
    return render(request, "hub/connections/setback.html", shown, status=400)


def _onward(request: HttpRequest, user: User, onward: Onward) -> HttpResponse:
    tenant, platform = onward.trip.tenant, onward.trip.platform
    enter(request, user, tenant.key)
    shown = {
        "onward": onward,
        "platform": _face(platform),
        "parts": guide.parts(platform, tenant.product_name),
    }
    return render(request, "hub/connections/onward.html", shown)


def _arrived(request: HttpRequest, user: User, arrived: Arrived) -> HttpResponse:
    installation = arrived.installation
    action = "connected platform" if arrived.is_new else "reauthorised platform"
    after = {"platform": installation.platform, "account": installation.account_name, "preset": installation.preset}
    audit.record(arrived.trip.tenant, action, str(installation), request, after=after)
    resume(installation.pk)
    greet(memberships(user).get(tenant=arrived.trip.tenant_id))
    return redirect("hub:connected", arrived.trip.tenant.key, installation.pk)


# --- What is connected


@require_safe
@tenant_page()
def connected(request: HttpRequest, number: int) -> HttpResponse:
    """Success: what was granted, and what is off for want of a permission."""
    installation = _installation(request, number)
    granted, lacking = scopes_of(installation)
    shown = {
        "installation": installation,
        "platform": _face(installation.platform),
        "granted": granted,
        "lacking": lacking,
        "left_out": left_out(installation),
        "has_teams": has_teams(installation),
    }
    return render(request, "hub/connections/connected.html", shown)


@require_safe
@tenant_page()
def connection(request: HttpRequest, number: int) -> HttpResponse:
    """Everything about one connection."""
    installation = _installation(request, number)
    granted, lacking = scopes_of(installation)
    shown = {
        "installation": installation, "granted": granted, "lacking": lacking, "card": cards.card(installation),
        "platform": _face(installation.platform), "left_out": left_out(installation),
        "subscriptions": installation.subscriptions.filter(account=None).order_by("resource")[:200],
        "orders_of_people": installation.subscriptions.exclude(account=None).count(),
    }  # fmt: skip
    return render(request, "hub/connections/connection.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_page()
def end(request: HttpRequest, number: int) -> HttpResponse:
    """Disconnect, after typing the name."""
    installation = _installation(request, number)
    form = DisconnectForm(request.POST or None, name=installation.name)
    if request.method == "POST" and form.is_valid():
        _end(request, installation)
        return redirect("hub:connections", tenant_of(request).key)
    shown = {
        "installation": installation,
        "platform": _face(installation.platform),
        "form": form,
        "links": ConversationLink.channels.filter(installation=installation).count(),
        "parts": guide.parts(installation.platform, tenant_of(request).product_name),
    }
    return render(request, "hub/connections/end.html", shown)


def _end(request: HttpRequest, installation: Installation) -> None:
    """At once, or by a worker where many people's consents are given back."""
    name = str(installation)
    if disconnecting.takes_long(installation):
        disconnecting.begin(installation, request)
        tasks.disconnect.delay_on_commit(installation.pk)
        messages.success(
            request, f"{name} is being disconnected. Nothing crosses any more; it is gone in some minutes."
        )
        return
    left = disconnecting.disconnect(installation, request)
    messages.success(request, f"{name} is disconnected. Nothing of it is kept but the audit log.")
    for sentence in left:
        messages.warning(request, sentence)


def _installation(request: HttpRequest, number: int) -> Installation:
    rows = Installation.objects.select_related("connected_by", "tenant").prefetch_related("tokens")
    return get_object_or_404(rows, pk=number, tenant=tenant_of(request))
