"""API & webhooks: the tokens of a tenant's own programs, and the servers of its own that are told what happens."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import api_tokens, scim, webhooks
from accounts.access import May, membership_of, tenant_of, tenant_page
from accounts.members import NotPossible
from accounts.models import ApiToken, WebhookEndpoint
from mio_hub.hub.api_forms import TokenForm, WebhookForm
from mio_hub.hub.asking import ASKING, Question, ask, done

ENDED = 20
"""Tokens listed that no longer work: enough to see which program may still be trying one."""

CALLS = 50
"""Calls of a webhook listed: two or three screens."""

NEW_TOKEN = (
    "A token lets a program of yours see or change what you tick, in this organization only.",
    "It is shown once, right after it is made. It keeps working when whoever made it leaves.",
)
NEW_WEBHOOK = (
    "Your server is called with ids, counts and reasons; nothing that anybody said is ever in it.",
    "Every call is signed with a secret that is shown once, right after you add the address.",
)


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    tokens, now = tenant_of(request).api_tokens.select_related("made_by").order_by("-pk"), timezone.now()
    good = tokens.filter(revoked_at=None, expires_at__gt=now)
    shown = {
        "tokens": good,
        "ended": tokens.exclude(pk__in=good.values("pk"))[:ENDED],
        "endpoints": tenant_of(request).webhook_endpoints.order_by("pk"),
        "scim_url": f"{settings.MIO_BASE_URL}/scim/v2",
        "scim_users": tenant_of(request).scim_users.count(),
        "scim_groups": scim.groups_of(tenant_of(request)).count(),
    }
    return render(request, "hub/api/page.html", shown)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def make_token(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST or None)
    if form.is_valid():
        wanted = form.cleaned_data
        try:
            token = api_tokens.make(membership_of(request), wanted["name"], wanted["scopes"], wanted["days"], request)
            return _shown_once(request, f"The token “{wanted['name']}”", token)
        except NotPossible as problem:
            form.add_error(None, str(problem))
    return ask(request, Question("Make a token", NEW_TOKEN, "Make the token", _list(request)), form)


def _shown_once(request: HttpRequest, what: str, secret: str) -> HttpResponse:
    """The page with a secret on it. Nobody keeps it: no cache, no session, no address."""
    answer = render(request, "hub/api/once.html", {"what": what, "secret": secret})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def revoke_token(request: HttpRequest, token: int) -> HttpResponse:
    row = get_object_or_404(ApiToken.objects.select_related("tenant"), pk=token, tenant=tenant_of(request))

    def act() -> str:
        api_tokens.revoke(row, request)
        return f"The token “{row}” no longer works."

    if request.method == "POST":
        return done(request, act, _list(request))
    consequences = (f"Whatever uses the token “{row}” is refused from this moment. This cannot be taken back.",)
    return ask(request, Question("Revoke a token", consequences, "Revoke", _list(request), "danger"))


# --- Webhooks


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def add_webhook(request: HttpRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None)
    if form.is_valid():
        url, events = form.cleaned_data["url"], form.cleaned_data["events"]
        try:
            return _shown_once(request, "The secret", webhooks.add(membership_of(request), url, events, request))
        except NotPossible as problem:
            form.add_error("url", str(problem))
    return ask(request, Question("Add a webhook", NEW_WEBHOOK, "Add the webhook", _list(request)), form)


@require_safe
@tenant_page()
def webhook(request: HttpRequest, endpoint: int) -> HttpResponse:
    row = _endpoint(request, endpoint)
    return render(request, "hub/api/webhook.html", {"endpoint": row, "calls": row.calls.order_by("-pk")[:CALLS]})


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def remove_webhook(request: HttpRequest, endpoint: int) -> HttpResponse:
    row = _endpoint(request, endpoint)

    def act() -> str:
        webhooks.remove(row, request)
        return f"{row.host} is not called any more."

    if request.method == "POST":
        return done(request, act, _list(request))
    consequences = (f"{row.host} is not called any more, and what it was not told yet it will not be told.",)
    return ask(request, Question("Remove a webhook", consequences, "Remove", _list(request), "danger"))


@require_POST
@tenant_page()
def enable_webhook(request: HttpRequest, endpoint: int) -> HttpResponse:
    row = _endpoint(request, endpoint)

    def act() -> str:
        webhooks.enable(row, request)
        return f"{row.host} is called again, of what happens from now on."

    return done(request, act, _list(request))


def _endpoint(request: HttpRequest, pk: int) -> WebhookEndpoint:
    return get_object_or_404(WebhookEndpoint.objects.select_related("tenant"), pk=pk, tenant=tenant_of(request))


def _list(request: HttpRequest) -> str:
    return reverse("hub:api", args=[tenant_of(request).key])
