"""Universal channels: those a company shares with others, whom it invites, and what it allows there."""

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import connectors
from accounts.access import May, membership_of, tenant_of, tenant_page
from accounts.audit import record
from accounts.members import NotPossible
from accounts.trusting import proven_domain
from mio_hub.hub.asking import ASKING, Question, ask, done
from mio_hub.hub.universal_forms import CompanyForm, NameForm, PolicyForm
from mio_hub.hub.universal_parts import address_of, part_of_page
from relay import inviting_companies, sharing
from relay.inviting_companies import Inviter
from relay.models import ChannelInvitation, ConversationLink, Participation

MOST_LISTED = 200
"""Universal channels on the page: more than a company shares with others."""


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    """What is shared, what was, and what one is invited to."""
    parts = Participation.objects.filter(tenant=tenant_of(request)).select_related("conversation__tenant")
    companies = Count("conversation__participations", filter=Q(conversation__participations__ended_at=None))
    parts = parts.annotate(companies=companies).order_by("-pk")
    shown = {
        "running": parts.filter(ended_at=None)[:MOST_LISTED],
        "ended": parts.exclude(ended_at=None)[:20],
        "received": inviting_companies.addressed_to(membership_of(request).user)[:20],
    }
    return render(request, "hub/universal/page.html", shown)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def new(request: HttpRequest) -> HttpResponse:
    """A new universal channel; which of one's own channels takes part is chosen next."""
    form = NameForm(request.POST or None)
    if form.is_valid():
        tenant, name = tenant_of(request), form.cleaned_data["name"]
        part = sharing.found(tenant, name, proven_domain(tenant, membership_of(request).user.email))
        record(tenant, "created universal channel", name, request)
        return redirect("hub:universal_find", tenant.key, part.pk)
    question = Question(
        "New universal channel",
        (
            "A universal channel is shared with other companies: each joins with a channel on a platform of its own.",
            "Next you choose which of your channels takes part, then whom to invite.",
        ),
        "Create",
        reverse("hub:universal", args=[tenant_of(request).key]),
    )
    return ask(request, question, form)


@require_safe
@tenant_page()
def shared(request: HttpRequest, shared: int) -> HttpResponse:
    return _details(request, part_of_page(request, shared))


def _details(
    request: HttpRequest, part: Participation, policy: PolicyForm | None = None, company: CompanyForm | None = None
) -> HttpResponse:
    shown = {
        "part": part,
        "is_owner": part.tenant_id == part.conversation.tenant_id,
        "companies": _companies(part),
        "planned": part.conversation.planned_legs.filter(installation__tenant=part.tenant_id).order_by("pk"),
        "legs": sharing.legs(part).select_related("installation").order_by("installation__platform", "name"),
        "invitations": _invitations(part),
        "policy": policy or PolicyForm(membership_of(request), part),
        "company_form": company or CompanyForm(),
    }
    return render(request, "hub/universal/shared.html", shown)


def _companies(part: Participation) -> list[Participation]:
    """Everybody who takes part, each with the platforms on which they do: all that one company learns of another here."""
    parts = list(sharing.taking_part(part.conversation))
    legs = ConversationLink.objects.filter(conversation=part.conversation_id, is_active=True)
    found = legs.order_by("installation__platform").values_list("installation__tenant", "installation__platform")
    for each in parts:
        labels = [connectors.get(slug).platform.label for tenant, slug in found if tenant == each.tenant_id]
        each.platforms = ", ".join(dict.fromkeys(labels))  # type: ignore[attr-defined]
    return parts


def _invitations(part: Participation) -> QuerySet[ChannelInvitation]:
    if part.tenant_id != part.conversation.tenant_id:
        return ChannelInvitation.objects.none()
    return part.conversation.invitations.select_related("invited_by").order_by("-pk")[:100]


@require_POST
@tenant_page()
def policy(request: HttpRequest, shared: int) -> HttpResponse:
    part = part_of_page(request, shared)
    form = PolicyForm(membership_of(request), part, request.POST)
    if not form.is_valid():
        return _details(request, part, policy=form)

    def act() -> str:
        changed = sharing.change_policy(part, form.cleaned_data, request)
        return "Saved." if changed else "Nothing was different, so nothing was changed."

    return done(request, act, address_of(request, part))


@require_POST
@tenant_page()
def invite(request: HttpRequest, shared: int) -> HttpResponse:
    """Invite an address, or a domain: then the link is shown once, for the inviter to pass on."""
    part = part_of_page(request, shared)
    form = CompanyForm(request.POST)
    if not form.is_valid():
        return _details(request, part, company=form)
    return _invited(request, part, form.cleaned_data["to"])


def _invited(request: HttpRequest, part: Participation, to: str) -> HttpResponse:
    user = membership_of(request).user
    try:
        sent = inviting_companies.invite(part, to, Inviter(user.get_full_name() or user.email, user, request))
    except NotPossible as problem:
        messages.error(request, str(problem))
        return redirect(address_of(request, part))
    if sent.is_sent:
        messages.success(request, f"An invitation is on its way to {to}.")
        return redirect(address_of(request, part))
    return render(request, "hub/universal/link.html", {"part": part, "sent": sent})


@require_POST
@tenant_page()
def renew(request: HttpRequest, shared: int, sent: int) -> HttpResponse:
    part = part_of_page(request, shared)
    return _invited(request, part, str(_sent(part, sent)))


@require_POST
@tenant_page()
def withdraw(request: HttpRequest, shared: int, sent: int) -> HttpResponse:
    part = part_of_page(request, shared)
    invitation = _sent(part, sent)

    def act() -> str:
        inviting_companies.withdraw(part, invitation, request)
        return f"The invitation of {invitation} is withdrawn. Its link no longer works."

    return done(request, act, address_of(request, part))


def _sent(part: Participation, pk: int) -> ChannelInvitation:
    if part.tenant_id != part.conversation.tenant_id:
        raise Http404
    return get_object_or_404(ChannelInvitation, pk=pk, conversation=part.conversation, state="open")


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def remove(request: HttpRequest, shared: int, company: int) -> HttpResponse:
    """Remove a company from a channel that one owns."""
    part = part_of_page(request, shared)
    other = get_object_or_404(sharing.taking_part(part.conversation), pk=company)

    def act() -> str:
        sharing.remove(part, other, request)
        return f"{other.tenant} no longer takes part. Nothing crosses to or from them any more."

    if request.method == "POST":
        return done(request, act, address_of(request, part))
    consequences = (
        f"From this moment nothing crosses between {other.tenant} and everybody else in {part.conversation}.",
        "They keep their channel and what was said in it so far. You can invite them again.",
    )
    return ask(request, Question(f"Remove {other.tenant}", consequences, "Remove", address_of(request, part), "danger"))


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def leave(request: HttpRequest, shared: int) -> HttpResponse:
    """Stop taking part; where one owns the channel, stop it for everybody."""
    part = part_of_page(request, shared)
    is_owner = part.tenant_id == part.conversation.tenant_id

    def act() -> str:
        sharing.leave(part, request)
        return f"{part.conversation} is no longer shared." if is_owner else f"You have left {part.conversation}."

    then = reverse("hub:universal", args=[tenant_of(request).key])
    if request.method == "POST":
        return done(request, act, then, address_of(request, part))
    consequences = (
        "From this moment nothing crosses between you and the other companies.",
        "Everybody keeps their channel and what was said in it so far.",
        "Your own channels in it stay synced with each other." if is_owner else "You can be invited again.",
    )
    title = f"Stop sharing {part.conversation}" if is_owner else f"Leave {part.conversation}"
    return ask(
        request, Question(title, consequences, "Stop" if is_owner else "Leave", address_of(request, part), "danger")
    )
