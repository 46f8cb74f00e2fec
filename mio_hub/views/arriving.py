"""Where somebody lands after signing in: at their organization, or at the making of one."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import signing_up
from accounts.access import lacks_second_factor, memberships, tenant_page
from accounts.models import Tenant
from mio_hub.views import channel_invitation
from mio_hub.views.invitation import KEPT


class OrganizationForm(forms.ModelForm[Tenant]):
    class Meta:
        model = Tenant
        fields = ("name",)
        labels = {"name": "Name of your organization"}
        help_texts = {"name": "The people you invite see it. You can change it later."}


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the only organization, to a choice of several, or to the making of the first."""
    user: Any = request.user
    mine = list(memberships(user))
    if len(mine) > 1:
        return render(request, "arriving/choose.html", {"memberships": mine})
    return redirect("hub:home", mine[0].tenant.key) if mine else redirect("welcome")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def welcome(request: HttpRequest) -> HttpResponse:
    """Ask for the organization's name and make it. Whoever belongs to one already is led on."""
    user: Any = request.user
    if memberships(user).exists():
        return redirect("home")
    if KEPT in request.session:  # they came by an invitation's link, and made an account on the way
        return redirect("invitation")
    form = OrganizationForm(request.POST or None, initial={"name": signing_up.suggested_name(user)})
    if request.method == "POST" and form.is_valid():
        membership = signing_up.first_tenant(user, form.cleaned_data["name"], request)
        return redirect("success", membership.tenant.key)
    about = {"form": form, "invitations": signing_up.open_invitations(user)}
    return render(request, "arriving/welcome.html", about, status=200 if request.method != "POST" else 422)


@require_safe
@tenant_page()
def success(request: HttpRequest) -> HttpResponse:
    """What happened, and what comes next: first of all the invitation by which somebody came, if there is one."""
    return render(request, "arriving/success.html", {"invitation": channel_invitation.kept(request)})


@require_safe
@tenant_page(second_factor=False)
def second_factor(request: HttpRequest) -> HttpResponse:
    """Say why a second step is needed here, and where to set it up."""
    membership = request.membership  # type: ignore[attr-defined]
    if not lacks_second_factor(membership):
        return redirect("hub:home", membership.tenant.key)
    return render(request, "arriving/second_factor.html")
