"""Where the link of an invitation to a universal channel leads: it works before one has an account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import May, may, memberships
from accounts.members import NotPossible
from accounts.models import User
from accounts.secrets import digest
from mio_hub.limits import Limit, limited
from relay import inviting_companies
from relay.models import ChannelInvitation

KEPT = "channel_invitation"
"""The session's name for the digest of the token, while somebody signs in or up."""

OFTEN = Limit("channel-invitation", 60)
"""Each new browser with a link is a new session row. A whole team that opens one from one office stays below."""


@require_safe
@never_cache
@limited(OFTEN)
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address, where it would be seen and passed on."""
    request.session[KEPT] = digest(token)
    return redirect("channel_invitation")


def kept(request: HttpRequest) -> ChannelInvitation | None:
    """The invitation by whose link somebody came, as long as it is good."""
    return inviting_companies.find(request.session.get(KEPT, ""))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@limited(OFTEN)
def page(request: HttpRequest) -> HttpResponse:
    """Say who invites to what, and lead on to the Hub of the company that accepts. E-mail scanners open links: nothing is
    decided by looking.
    """
    invitation = kept(request)
    if invitation is None:
        return render(request, "shared/gone.html", status=404)
    if request.method == "POST":
        return _declined(request, invitation)
    user, mine = request.user, []
    if isinstance(user, User):
        mine = [each.tenant for each in memberships(user) if may(each, May.CHANGE)]
    return render(request, "shared/page.html", {"invitation": invitation, "tenants": mine})


def _declined(request: HttpRequest, invitation: ChannelInvitation) -> HttpResponse:
    try:
        inviting_companies.decline(invitation)
    except NotPossible:
        return render(request, "shared/gone.html", status=404)
    request.session.pop(KEPT, None)
    messages.success(request, f"{invitation.conversation.tenant} learns that you declined.")
    return redirect("start")
