"""Ending the sync of channels, or interrupting it: nothing on the platforms is deleted, and history stays where it is."""

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.members import NotPossible
from accounts.models import Tenant
from relay import afterwards, mirroring
from relay.calling_off import call_off
from relay.models import ConversationLink, Delivery, Participation, PlannedLeg, UniversalConversation

SKIPPED = "the channel was unsynced before this was delivered"


@transaction.atomic
def pause(tenant: Tenant, number: int, request: HttpRequest) -> UniversalConversation:
    """Let nothing new cross; what waits already still arrives. What is said meanwhile never crosses."""
    conversation = _held(tenant, number)
    if conversation.paused_at is None:
        conversation.paused_at = timezone.now()
        conversation.save(update_fields=["paused_at"])
        record(tenant, "paused synced channel", conversation.name, request)
    return conversation


@transaction.atomic
def resume(tenant: Tenant, number: int, request: HttpRequest) -> UniversalConversation:
    """Let messages cross again from now on."""
    conversation = _held(tenant, number)
    if conversation.paused_at is not None:
        conversation.paused_at = None
        conversation.save(update_fields=["paused_at"])
        record(tenant, "resumed synced channel", conversation.name, request)
    return conversation


@transaction.atomic
def unsync(tenant: Tenant, number: int, request: HttpRequest, *, removes_added: bool = False) -> UniversalConversation:
    """Stop at once. What waits is skipped, the channels stay as they are, and each is told once.

    ``removes_added``: accounts that we made members are taken out again. What is known of the messages is forgotten after
    ``forgetting.GRACE``.
    """
    conversation = _held(tenant, number)
    if conversation.participations.filter(ended_at=None).exclude(tenant=tenant).exists():
        raise NotPossible("Other companies take part in this channel. Stop sharing it under Universal channels first.")
    conversation.participations.filter(ended_at=None).update(
        ended_at=timezone.now(), ended_by=Participation.Ending.LEFT
    )
    conversation.ended_at = timezone.now()
    conversation.save(update_fields=["ended_at"])
    conversation.planned_legs.all().delete()
    legs = list(conversation.links.filter(is_active=True).order_by("pk"))  # those that ended before were told then
    for link in legs if removes_added else []:
        mirroring.take_out(link.pk)
    ended = ConversationLink.objects.filter(pk__in=[link.pk for link in legs])
    ended.update(is_active=False, to_tell=ConversationLink.Telling.ENDED, not_before=None)
    skipped = call_off(Delivery.objects.filter(link__conversation=conversation), SKIPPED)
    names = [link.name for link in legs]
    after = {"channels": names, "skipped messages": skipped, "removes members we added": removes_added}
    record(tenant, "unsynced channels", conversation.name, request, after=after)
    afterwards.changed(link.installation_id for link in legs)
    return conversation


def _held(tenant: Tenant, number: int) -> UniversalConversation:
    """One of the tenant's own, locked. Raises ``NotPossible`` where it has ended meanwhile."""
    rows = UniversalConversation.channels.select_for_update(no_key=True)
    conversation = rows.filter(pk=number, tenant=tenant, ended_at=None).first()
    if conversation is None:
        raise NotPossible("This channel is not synced any more. Nothing was changed.")
    return conversation


# --- Legs that did not come about


@transaction.atomic
def try_again(tenant: Tenant, number: int, request: HttpRequest) -> PlannedLeg:
    """Have a leg that was refused taken up once more. Raises ``NotPossible``."""
    leg = _planned(tenant, number)
    leg.state, leg.reason, leg.not_before = PlannedLeg.State.WAITING, "", None
    leg.save(update_fields=["state", "reason", "not_before"])
    record(tenant, "tried channel again", leg.name, request)
    afterwards.changed([])
    return leg


@transaction.atomic
def drop(tenant: Tenant, number: int, request: HttpRequest) -> PlannedLeg:
    """Give up a leg that is not there yet. Raises ``NotPossible``."""
    leg = _planned(tenant, number)
    PlannedLeg.objects.filter(pk=leg.pk).delete()
    record(tenant, "gave up planned channel", leg.name, request, before={"reason": leg.reason})
    afterwards.changed([])
    return leg


def _planned(tenant: Tenant, number: int) -> PlannedLeg:
    rows = PlannedLeg.objects.select_for_update(of=("self",)).select_related("conversation")
    leg = rows.filter(pk=number, installation__tenant=tenant).first()
    if leg is None:
        raise NotPossible("This is settled meanwhile. Nothing was changed.")
    return leg
