"""Where the link of an invitation leads."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import inviting
from accounts.members import NotPossible
from accounts.models import Invitation, User
from accounts.secrets import digest
from accounts.signing_up import greet
from mio_hub.limits import Limit, limited

KEPT = "invitation"
"""The session's name for the digest of the token, while somebody signs in or up."""

OFTEN = Limit("invitation", 60)
"""Each new browser with a link is a new session row. A whole team that joins from one office stays below."""


@require_safe
@never_cache
@limited(OFTEN)
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address, where it would be seen and passed on."""
    request.session[KEPT] = digest(token)
    return redirect("invitation")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@limited(OFTEN)
def page(request: HttpRequest) -> HttpResponse:
    """Ask before joining: e-mail scanners open links, and the browser may be signed in as somebody else."""
    invitation = inviting.find(request.session.get(KEPT, ""))
    if invitation is None:
        return render(request, "invitations/gone.html", status=404)
    user = request.user
    if request.method == "POST" and isinstance(user, User):
        return _join(request, invitation, user)
    is_other = isinstance(user, User) and user.email.lower() != invitation.email.lower()
    return render(request, "invitations/page.html", {"invitation": invitation, "is_other": is_other})


def _join(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    try:
        membership = inviting.accept(invitation, user, request)
    except NotPossible:
        return render(request, "invitations/gone.html", status=404)
    request.session.pop(KEPT, None)
    greet(membership)
    messages.success(request, f"Welcome to {membership.tenant}. Your role: {membership.get_role_display().lower()}.")
    return redirect("hub:home", membership.tenant.key)
