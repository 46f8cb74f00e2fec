"""Where the link in a prompt leads: what a person is asked for, the way to their platform and back, and how to withdraw.

No Hub account is needed. The token leaves the address at once, and only the browser that set out may arrive.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

import connectors
from accounts import consenting, granting
from accounts.models import Grant
from accounts.secrets import digest
from accounts.travelling import Setback
from connectors.errors import TryAgain
from mio_hub.limits import Limit, limited

KEPT, SET_OUT = "consent", "consent_request"
"""The session's names for the digest of the link's token, and for the request with which the browser left."""

OFTEN = Limit("consent", 120)
"""Each new browser with a link is a new session row. A whole office that is asked on one morning stays below."""


@require_safe
@never_cache
@limited(OFTEN)
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address, where it would be seen and passed on."""
    request.session[KEPT] = digest(token)
    return redirect("consent")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@limited(OFTEN)
def page(request: HttpRequest) -> HttpResponse:
    """Say what, why, for how long and how to withdraw. Messengers open links to show a preview: looking decides nothing."""
    grant = consenting.find(request.session.get(KEPT, ""))
    if grant is None:
        return render(request, "consent/gone.html", status=404)
    if request.method == "POST":
        return _acted(request, grant)
    if grant.state == Grant.State.GRANTED:
        return render(request, "consent/granted.html", _shown(grant))
    if grant.has_ended:
        return render(request, "consent/ended.html", _shown(grant), status=410)
    return render(request, "consent/page.html", _shown(grant))


def _acted(request: HttpRequest, grant: Grant) -> HttpResponse:
    wish = request.POST.get("wish")
    if wish == "withdraw":
        if consenting.withdraw(grant):
            messages.success(request, "You have withdrawn your consent. Nothing is written in your name any more.")
    elif wish == "new link" and grant.has_ended:
        return _sent_again(request, grant)
    elif grant.state != Grant.State.GRANTED and not grant.has_ended:
        request.session[SET_OUT], address = consenting.start(grant)
        label = connectors.get(grant.installation.platform).platform.label
        return render(request, "leaving.html", {"address": address, "platform": label})
    return redirect("consent")


def _sent_again(request: HttpRequest, grant: Grant) -> HttpResponse:
    try:
        was_sent = granting.send_again(grant)
    except TryAgain:
        was_sent = False
    return render(request, "consent/sent.html", _shown(grant) | {"was_sent": was_sent})


def come_back(request: HttpRequest, platform: str) -> HttpResponse:
    """The browser returns from the platform; ``connections.callback`` is its address."""
    try:
        _, request.session[KEPT] = consenting.arrive(platform, request.GET.dict(), request.session.pop(SET_OUT, 0))
    except Setback as setback:
        grant = setback.trip.grant if setback.trip else consenting.find(request.session.get(KEPT, ""))
        shown = {"setback": setback} | (_shown(grant) if grant else {})
        return render(request, "consent/setback.html", shown, status=400)
    return redirect("consent")


def _shown(grant: Grant) -> dict[str, object]:
    installation = grant.installation
    on = grant.asked_on or grant.account
    return {
        "grant": grant,
        "tenant": installation.tenant,
        "platform": connectors.get(installation.platform).platform,
        "asked_on": connectors.get(on.installation.platform).platform,
        "scopes": consenting.scopes_of(grant),
    }
