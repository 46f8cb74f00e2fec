"""An invitation that a company received: looked at, accepted or declined in its own Hub."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import membership_of, tenant_of, tenant_page
from accounts.members import NotPossible
from mio_hub.hub.asking import ASKING
from mio_hub.views.channel_invitation import KEPT, kept
from relay import inviting_companies, sharing
from relay.models import ChannelInvitation


@require_http_methods(ASKING)
@tenant_page()
def received(request: HttpRequest, received: int) -> HttpResponse:
    """Accept or decline, for the company whose page this is."""
    user = membership_of(request).user
    mine = inviting_companies.addressed_to(user).filter(pk=received).first()
    by_link = kept(request)
    invitation = mine or (by_link if by_link and by_link.pk == received else None)
    if invitation is None:
        raise Http404
    if request.method == "POST":
        return _answered(request, invitation)
    problem, address = "", inviting_companies.address_for(invitation, user)
    try:
        inviting_companies.must_fit(invitation, tenant_of(request), address)
    except NotPossible as reason:
        problem = str(reason)
    parts = sharing.taking_part(invitation.conversation) if address else []  # whom it is not for learns nothing more
    companies = [part.tenant.name for part in parts]
    shown = {"invitation": invitation, "problem": problem, "companies": companies}
    return render(request, "hub/universal/received.html", shown)


def _answered(request: HttpRequest, invitation: ChannelInvitation) -> HttpResponse:
    tenant = tenant_of(request)
    try:
        if request.POST.get("answer") == "decline":
            inviting_companies.decline(invitation)
            messages.success(request, f"{invitation.conversation.tenant} learns that you declined.")
            return redirect("hub:universal", tenant.key)
        part = inviting_companies.accept(invitation, tenant, membership_of(request).user, request)
    except NotPossible as problem:
        messages.error(request, str(problem))
        return redirect("hub:universal", tenant.key)
    request.session.pop(KEPT, None)
    messages.success(
        request, f"{tenant} takes part in {invitation.conversation}. Choose the channel in which you read it."
    )
    return redirect("hub:universal_find", tenant.key, part.pk)
