"""Security settings of a tenant: second factor, files, permissions, and who may talk to whom."""

from collections.abc import Callable

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import tenant_settings
from accounts.access import membership_of, tenant_of, tenant_page
from accounts.members import NotPossible
from accounts.models import RestrictedUser, TrustedOrganization
from mio_hub.hub.asking import ASKING, done
from mio_hub.hub.forms import AddressForm, DomainForm, SecurityForm
from mio_hub.hub.saving import saved


@require_http_methods(ASKING)
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    form = SecurityForm(membership_of(request), request.POST or None)
    return saved(request, form) or _page(request, form)


def _page(
    request: HttpRequest,
    form: SecurityForm | None = None,
    domain_form: DomainForm | None = None,
    address_form: AddressForm | None = None,
) -> HttpResponse:
    tenant = tenant_of(request)
    shown = {
        "form": form or SecurityForm(membership_of(request)),
        "domain_form": domain_form or DomainForm(),
        "address_form": address_form or AddressForm(),
        "trusted": tenant.trusted_organizations.order_by("domain"),
        "restricted": tenant.restricted_users.order_by("email"),
    }
    return render(request, "hub/security.html", shown)


@require_POST
@tenant_page()
def trust(request: HttpRequest) -> HttpResponse:
    form = DomainForm(request.POST)
    if _is_added(form, "domain", lambda domain: tenant_settings.trust(tenant_of(request), domain, request)):
        return done(request, lambda: f"{form.cleaned_data['domain']} is trusted.", _back(request))
    return _page(request, domain_form=form)


@require_POST
@tenant_page()
def restrict(request: HttpRequest) -> HttpResponse:
    form = AddressForm(request.POST)
    if _is_added(form, "email", lambda email: tenant_settings.restrict(tenant_of(request), email, request)):
        return done(request, lambda: f"{form.cleaned_data['email']} is restricted.", _back(request))
    return _page(request, address_form=form)


def _is_added(form: Form, field: str, add: Callable[[str], None]) -> bool:
    try:
        if form.is_valid():
            add(form.cleaned_data[field])
    except NotPossible as problem:
        form.add_error(field, str(problem))
    return form.is_valid()


@require_POST
@tenant_page()
def distrust(request: HttpRequest, trusted: int) -> HttpResponse:
    return _take_off(request, get_object_or_404(TrustedOrganization, pk=trusted, tenant=tenant_of(request)))


@require_POST
@tenant_page()
def unrestrict(request: HttpRequest, restricted: int) -> HttpResponse:
    return _take_off(request, get_object_or_404(RestrictedUser, pk=restricted, tenant=tenant_of(request)))


def _take_off(request: HttpRequest, entry: TrustedOrganization | RestrictedUser) -> HttpResponse:
    def act() -> str:
        tenant_settings.take_off(entry, request)
        return f"{entry} is off the list."

    return done(request, act, _back(request))


def _back(request: HttpRequest) -> str:
    return reverse("hub:security", args=[tenant_of(request).key])
