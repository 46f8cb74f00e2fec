"""One synced channel: its legs and how they are doing, its switches, pausing and ending it."""

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.access import membership_of, tenant_of, tenant_page
from accounts.members import NotPossible
from accounts.models import Tenant
from accounts.trusting import proven_domain
from mio_hub.hub.asking import ASKING, Question, ask, done
from mio_hub.hub.channel_forms import LegForm, UnsyncForm
from relay import channel_list, mirroring, moving, sharing, unsyncing
from relay.channel_list import Row
from relay.forgetting import GRACE
from relay.models import ConversationLink, Delivery, MembershipChange, Participation, PlannedLeg, UniversalConversation

State = Delivery.State
Move = MembershipChange.State
MOST_FAILED = 50
"""People named who could not be moved: the first of them tell the reason of all."""


@require_safe
@tenant_page()
def page(request: HttpRequest, synced: int) -> HttpResponse:
    row = _row(request, synced)
    links = [leg.link for leg in row.legs if leg.link]
    counts = _counts(links)
    shown = {
        "row": row,
        "is_ours": row.conversation is not None and row.conversation.tenant_id == tenant_of(request).pk,
        "part": Participation.objects.filter(
            conversation=row.conversation, tenant=tenant_of(request), ended_at=None
        ).first(),
        "legs": [(leg, counts.get(leg.link.pk, {}) if leg.link else {}) for leg in row.legs],
        "last": row.conversation.messages.order_by("-pk").first() if row.conversation else None,
    }
    return render(request, "hub/channels/synced.html", shown)


def _row(request: HttpRequest, synced: int) -> Row:
    rows = channel_list.rows(tenant_of(request), [synced])
    if not rows:
        raise Http404
    return rows[0]


def _counts(links: list[ConversationLink]) -> dict[int, dict[str, int]]:
    """By leg: messages that wait and that are kept for a decision, people on their way in or out and who could not be."""
    moves = mirroring.progress(link.pk for link in links)
    counts = _messages(links)
    for link, moved in moves.items():
        moving = moved.get(Move.WAITING, 0) + moved.get(Move.UNDER_WAY, 0)
        counts[link] = counts.get(link, {}) | {"moving": moving, "unmoved": moved.get(Move.FAILED, 0)}
    return counts


def _messages(links: list[ConversationLink]) -> dict[int, dict[str, int]]:
    rows = Delivery.objects.filter(Q(state__lt=State.DONE) | Q(state=State.PARKED), link__in=links).order_by()
    waiting, kept = Count("pk", filter=Q(state__lt=State.DONE)), Count("pk", filter=Q(state=State.PARKED))
    counted = rows.values("link").annotate(waiting=waiting, kept=kept)
    return {row["link"]: {"waiting": row["waiting"], "kept": row["kept"]} for row in counted}


@require_http_methods(ASKING)
@tenant_page()
def leg(request: HttpRequest, synced: int, leg: int) -> HttpResponse:
    """The switches of one leg."""
    rows = ConversationLink.channels.select_related("installation", "conversation")
    row = get_object_or_404(
        rows, pk=leg, is_active=True, heard_by=None, conversation=synced, conversation__ended_at=None,
        installation__tenant=tenant_of(request),
    )  # fmt: skip
    before = {name: getattr(row, name) for name in LegForm.Meta.fields}
    form = LegForm(membership_of(request), request.POST or None, instance=row)
    if form.is_valid():
        _save(request, form, before)
        return redirect("hub:synced", tenant_of(request).key, synced)
    failed = row.membership_changes.filter(state=Move.FAILED).select_related("account").order_by("pk")
    shown = {"form": form, "leg": row, "failed": failed[:MOST_FAILED]}
    return render(request, "hub/channels/leg.html", shown)


@require_POST
@tenant_page()
def move_again(request: HttpRequest, synced: int, leg: int) -> HttpResponse:
    """Try again to bring in, or take out, those who could not be."""
    rows = ConversationLink.channels.filter(
        is_active=True, conversation=synced, installation__tenant=tenant_of(request)
    )
    row = get_object_or_404(rows, pk=leg)

    def act() -> str:
        tried = moving.retry(row.pk)
        audit.record(tenant_of(request), "tried memberships again", row.name, request, after={"people": tried})
        return f"{tried} tried again. It takes as long as the platform wants."

    return done(request, act, reverse("hub:synced", args=[tenant_of(request).key, synced]))


def _save(request: HttpRequest, form: LegForm, before: dict[str, bool]) -> None:
    was, now = audit.changes(before, form.cleaned_data)
    if now:
        with transaction.atomic():
            form.instance.save(update_fields=list(now))
            audit.record(tenant_of(request), "changed leg of synced channel", str(form.instance), request, was, now)
    messages.success(request, "Saved." if now else "Nothing was different, so nothing was changed.")


# --- Sharing, pausing and ending


@require_POST
@tenant_page()
def share(request: HttpRequest, synced: int) -> HttpResponse:
    """Make it one that other companies can be invited to, and lead on to where they are."""
    tenant = tenant_of(request)
    row = get_object_or_404(UniversalConversation.channels, pk=synced, tenant=tenant)
    try:
        part = sharing.open_up(row, proven_domain(tenant, membership_of(request).user.email), request)
    except NotPossible as problem:
        messages.error(request, str(problem))
        return redirect("hub:channels", tenant.key)
    messages.success(request, f"{row} can be shared now. Nobody outside reads it until a company you invite joins.")
    return redirect("hub:universal_shared", tenant.key, part.pk)


@require_POST
@tenant_page()
def pause(request: HttpRequest, synced: int) -> HttpResponse:
    said = "{} is paused. What is written from now on stays where it is, and will not cross later."
    return _acted(request, synced, lambda tenant: said.format(unsyncing.pause(tenant, synced, request)))


@require_POST
@tenant_page()
def resume(request: HttpRequest, synced: int) -> HttpResponse:
    said = "Messages in {} cross again from now on."
    return _acted(request, synced, lambda tenant: said.format(unsyncing.resume(tenant, synced, request)))


def _acted(request: HttpRequest, synced: int, act: Callable[[Tenant], str]) -> HttpResponse:
    tenant = tenant_of(request)
    get_object_or_404(UniversalConversation.channels, pk=synced, tenant=tenant)
    back = reverse("hub:channels", args=[tenant.key])
    return done(request, lambda: act(tenant), reverse("hub:synced", args=[tenant.key, synced]), back)


@require_http_methods(ASKING)
@tenant_page()
def unsync(request: HttpRequest, synced: int) -> HttpResponse:
    tenant = tenant_of(request)
    row = get_object_or_404(UniversalConversation.channels, pk=synced, tenant=tenant, ended_at=None)
    form, back = UnsyncForm(request.POST or None), reverse("hub:synced", args=[tenant.key, synced])

    def act() -> str:
        unsyncing.unsync(tenant, synced, request, removes_added=form.cleaned_data["removes_added"])
        return f"{row.name} is no longer synced. Its channels and what was written in them stay."

    if request.method == "POST" and form.is_valid():
        return done(request, act, reverse("hub:channels", args=[tenant.key]))
    consequences = (
        "From this moment nothing crosses any more. Messages that wait for delivery are skipped.",
        "The channels stay on their platforms with everything that was written in them. Each is told once.",
        f"If you sync the very same channels again within {GRACE.days} days, edits of older messages cross again too.",
    )
    return ask(request, Question(f"Unsync {row.name}", consequences, "Unsync", back, "danger"), form)


# --- Legs that did not come about


@require_POST
@tenant_page()
def again(request: HttpRequest, planned: int) -> HttpResponse:
    row = _planned(request, planned)
    back = reverse("hub:synced", args=[tenant_of(request).key, row.conversation_id])

    def act() -> str:
        unsyncing.try_again(tenant_of(request), planned, request)
        return f"{row.name} is tried again. It takes a few seconds."

    return done(request, act, back)


@require_POST
@tenant_page()
def drop(request: HttpRequest, planned: int) -> HttpResponse:
    row = _planned(request, planned)
    back = reverse("hub:synced", args=[tenant_of(request).key, row.conversation_id])

    def act() -> str:
        unsyncing.drop(tenant_of(request), planned, request)
        return f"{row.name} is left out."

    return done(request, act, back)


def _planned(request: HttpRequest, planned: int) -> PlannedLeg:
    """One on a platform of the tenant's own, whoever owns the channel that it is to be part of."""
    return get_object_or_404(PlannedLeg, pk=planned, installation__tenant=tenant_of(request))
