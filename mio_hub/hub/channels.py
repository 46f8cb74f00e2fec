"""Channel Sync: every imported channel in one table, and the ways to sync them."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import May, tenant_of, tenant_page
from accounts.members import NotPossible
from accounts.models import Channel, Installation
from mio_hub.hub.asking import ASKING, done
from mio_hub.hub.channel_forms import ChannelFilter, MixingForm, TeamForm
from relay import channel_list, creating, suggesting, syncing
from relay.channel_list import START, Place
from relay.legs import MOST, channels_of

OFFERED = 25
"""Suggestions shown at a time."""


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    tenant, form = tenant_of(request), ChannelFilter(tenant_of(request), request.GET)
    after = _after(request)
    rows, more = channel_list.page(tenant, form.wanted, after)
    chosen = list(_chosen(request))
    kept = [*form.chosen.items(), *(("channel", channel.pk) for channel in chosen)]
    shown = {
        "filter": form,
        "rows": rows,
        "chosen": chosen,
        "chosen_numbers": {channel.pk for channel in chosen},
        "filtered": form.chosen,
        "is_filtered": bool(form.chosen),
        "is_later_page": after != START,
        "first": urlencode(kept),
        "more": urlencode([*kept, *_place(more)]) if more else "",
        "is_connected": bool(rows) or Installation.objects.filter(tenant=tenant).exists(),
    }
    return render(request, "hub/channels/page.html", shown)


def _after(request: HttpRequest) -> Place:
    """Where the page begins, from its address; anything else begins at the start."""
    kind, number = request.GET.get("kind", ""), request.GET.get("id", "")
    if not kind.isdecimal() or not number.isdecimal():
        return START
    return request.GET.get("key", "").replace("\x00", "")[:300], int(kind[:1]), int(number[:18])


def _place(place: Place) -> list[tuple[str, Any]]:
    return list(zip(("key", "kind", "id"), place, strict=True))


def _chosen(request: HttpRequest) -> QuerySet[Channel]:
    """The tenant's channels that the address or the form names; a few more than can be synced, so that somebody is told."""
    numbers = [value for value in _given(request, "channel") if value.isdecimal()]
    return channels_of([int(value[:18]) for value in numbers[: 2 * MOST]]).filter(
        installation__tenant=tenant_of(request)
    )


def _given(request: HttpRequest, name: str) -> list[str]:
    return (request.POST if request.method == "POST" else request.GET).getlist(name)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def sync(request: HttpRequest) -> HttpResponse:
    """What syncing the chosen channels would do; and, once that is confirmed, doing it."""
    tenant, numbers = tenant_of(request), [channel.pk for channel in _chosen(request)]
    plan = syncing.plan(tenant, numbers)
    form = MixingForm(request.POST or None) if plan.mixes else None
    if request.method == "POST" and not plan.problems and (form is None or form.is_valid()):
        try:
            made = syncing.sync(tenant, numbers, request, accepts_mixing=form is not None)
        except NotPossible as problem:
            messages.error(request, str(problem))
            return redirect("hub:channels", tenant.key)
        messages.success(request, f"{made.name} is synced. People are told in each of its channels.")
        return redirect("hub:synced", tenant.key, made.pk)
    kept = urlencode([("channel", number) for number in numbers])
    shown = {"plan": plan, "form": form, "numbers": numbers, "kept": kept}
    return render(request, "hub/channels/sync.html", shown)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def create(request: HttpRequest, channel: int) -> HttpResponse:
    """Where counterparts of a channel can be made, what exactly would be made there, and the order to do it."""
    tenant = tenant_of(request)
    row = get_object_or_404(channels_of([channel]), installation__tenant=tenant)
    keys, team = _given(request, "spot"), TeamForm(request.GET)
    if request.method == "POST":
        try:
            made = creating.create(tenant, row.pk, keys, request)
        except NotPossible as problem:
            messages.error(request, str(problem))
            return redirect("hub:create_channel", tenant.key, row.pk)
        messages.success(request, "Under way. Each channel is shown here as soon as it is there.")
        return redirect("hub:synced", tenant.key, made.pk)
    wanted = [spot for spot in creating.spots(row) if spot.key in keys] if keys else []
    offered = creating.spots(row, team.words, TeamForm.SHOWN)
    shown = {"channel": row, "team": team, "spots": offered, "searches": team.is_of_use(offered), "wanted": wanted}
    return render(request, "hub/channels/create.html", shown)


# --- Suggestions


@require_safe
@tenant_page()
def suggestions(request: HttpRequest) -> HttpResponse:
    """Channels of one name; those that would bring private and public ones together apart."""
    tenant, after = tenant_of(request), request.GET.get("after", "").replace("\x00", "")[:300]
    found = suggesting.suggestions(tenant, after=after, most=OFFERED + 1)
    plain = found.plain
    shown = {
        "plain": plain[:OFFERED],
        "mixed": [] if after else found.mixed[:OFFERED],
        "more": urlencode({"after": plain[OFFERED - 1].key}) if len(plain) > OFFERED else "",
        "is_later_page": bool(after),
    }
    return render(request, "hub/channels/suggestions.html", shown)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def accept(request: HttpRequest) -> HttpResponse:
    """All at once, after a look at how many that are."""
    tenant, back = tenant_of(request), reverse("hub:suggestions", args=[tenant_of(request).key])

    def act() -> str:
        count = suggesting.accept_all(tenant, request.POST.get("mark", ""), request)
        return f"{count} channels are synced. People are told in each of them."

    if request.method == "POST":
        return done(request, act, reverse("hub:channels", args=[tenant.key]), request.path)
    offer = suggesting.offer(tenant)
    if not offer.names:
        return redirect(back)
    return render(request, "hub/channels/accept.html", {"offer": offer, "back": back, "most": suggesting.AT_ONCE})
