"""A company's own channels in a universal channel: chosen, made, taken out."""

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import May, membership_of, tenant_of, tenant_page
from accounts.audit import record
from accounts.models import Channel
from mio_hub.hub.asking import ASKING, done
from mio_hub.hub.channel_forms import TeamForm
from mio_hub.hub.universal_forms import FindForm
from mio_hub.hub.universal_parts import address_of, part_of_page
from relay import making, sharing
from relay.models import ConversationLink, Participation, PlannedLeg
from relay.syncing import legs_of

SHOWN = 30
"""Channels listed at once when one is chosen: beyond that one searches."""
LONGEST_NUMBER = 18
"""Digits of a row's number: one more, and PostgreSQL refuses to look for it."""

_ON_IT = {"installation": OuterRef("installation"), "external_id": OuterRef("external_id")}
IN_SYNC = ConversationLink.objects.filter(**_ON_IT, is_active=True, heard_by=None)
PLANNED = PlannedLeg.objects.filter(**_ON_IT)
"""What takes a channel: it crosses from there, or will."""


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def find(request: HttpRequest, shared: int) -> HttpResponse:
    """Choose a channel of one's own that takes part."""
    part = part_of_page(request, shared)
    form, team = FindForm(request.GET), TeamForm(request.GET)
    if request.method == "POST":
        return _chosen(request, part)
    words = form.cleaned_data["q"] if form.is_valid() else ""
    found = _candidates(part).filter(name__icontains=words) if words else _candidates(part)
    spots = making.spots(part, team.words, TeamForm.SHOWN)
    shown = {
        "part": part, "form": form, "channels": found.order_by("name", "pk")[:SHOWN], "most": SHOWN,
        "team": team, "spots": spots, "searches": team.is_of_use(spots),
        "kinds": {each.is_private for each in legs_of(part.conversation)},
        "has_any": Channel.objects.filter(installation__tenant=tenant_of(request)).exists(),
    }  # fmt: skip
    return render(request, "hub/universal/find.html", shown)


def _chosen(request: HttpRequest, part: Participation) -> HttpResponse:
    number = request.POST.get("channel", "")
    if not number.isdecimal() or len(number) > LONGEST_NUMBER:
        messages.error(request, "Choose one of the channels first.")
        return redirect(request.path)
    return _attached(request, part, get_object_or_404(_candidates(part), pk=int(number)))


def _candidates(part: Participation) -> QuerySet[Channel]:
    """Channels of the company on connections that do not take part yet, not archived and not synced elsewhere."""
    channels = Channel.objects.filter(installation__tenant=part.tenant_id, is_archived=False)
    channels = channels.exclude(installation__in=sharing.places(part)).filter(~Exists(IN_SYNC), ~Exists(PLANNED))
    return channels.select_related("installation", "team")


def _attached(request: HttpRequest, part: Participation, channel: Channel) -> HttpResponse:
    def act() -> str:
        sharing.attach(part, channel)
        after = {"channel": channel.name, "on": str(channel.installation)}
        record(part.tenant, "brought a channel into universal channel", part.conversation.name, request, after=after)
        return f"{channel} ({channel.installation}) takes part now."

    return done(request, act, address_of(request, part), request.path)


@require_POST
@tenant_page()
def make(request: HttpRequest, shared: int) -> HttpResponse:
    """Have a new channel made that takes part; private unless somebody says otherwise."""
    part = part_of_page(request, shared)
    is_private, user = "is_open" not in request.POST, membership_of(request).user

    def act() -> str:
        spot = making.make(part, request.POST.get("spot", ""), user, request, is_private=is_private)
        return f"{spot.name} ({spot.where}) is being made. It takes part as soon as it is there: a few seconds."

    finding = reverse("hub:universal_find", args=[part.tenant.key, part.pk])
    return done(request, act, address_of(request, part), finding)


@require_POST
@tenant_page()
def detach(request: HttpRequest, shared: int, ours: int) -> HttpResponse:
    """Take one of one's own channels out."""
    part = part_of_page(request, shared)
    link = get_object_or_404(sharing.legs(part), pk=ours)

    def act() -> str:
        sharing.detach(link)
        before = {"channel": link.name}
        record(part.tenant, "took a channel out of universal channel", part.conversation.name, request, before)
        return f"{link} no longer takes part."

    return done(request, act, address_of(request, part))
