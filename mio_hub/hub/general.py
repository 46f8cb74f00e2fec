"""General settings of a tenant, and its end."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import deleting
from accounts.access import May, membership_of, tenant_of, tenant_page
from mio_hub.hub.asking import ASKING, Question, ask
from mio_hub.hub.forms import DeletionForm, GeneralForm
from mio_hub.hub.saving import saved

CONSEQUENCES = (
    "For seven days everything goes on as before, and an owner can take the deletion back.",
    "Then its connections end, and its people, channel links, settings and audit log are deleted. Nothing can be restored.",
    "Members who belong to no other organization lose their accounts with it.",
    "Messages that crossed stay where they are, on your platforms.",
)


@require_http_methods(ASKING)
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    form = GeneralForm(membership_of(request), request.POST or None)
    return saved(request, form) or render(request, "hub/general.html", {"form": form})


@require_http_methods(ASKING)
@tenant_page(read=May.OWN, change=May.OWN)
def delete(request: HttpRequest) -> HttpResponse:
    form = DeletionForm(tenant_of(request), request.POST or None)
    back = reverse("hub:general", args=[tenant_of(request).key])
    if form.is_valid():
        deleting.ask(tenant_of(request), request)
        return redirect(back)
    return ask(request, Question(f"Delete {tenant_of(request)}", CONSEQUENCES, "Delete", back, "danger"), form)


@require_POST
@tenant_page(change=May.OWN)
def keep(request: HttpRequest) -> HttpResponse:
    if deleting.keep(tenant_of(request), request):
        messages.success(request, f"{tenant_of(request)} stays. Nothing of it was deleted.")
    else:
        messages.error(request, "The seven days are over: the deletion is under way and cannot be taken back.")
    return redirect("hub:home", tenant_of(request).key)
