"""Universal channels: which companies take part, with which of their channels, and what each allows there.

Every change is decided under the conversation's lock on rows read anew. Who leaves or is removed keeps the channel and its
history; nothing crosses any more from the moment of the commit.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Case, Q, QuerySet, When
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import changes, record
from accounts.members import NotPossible
from accounts.members import hold as hold_tenant
from accounts.models import Channel, Tenant
from relay import afterwards
from relay.calling_off import call_off
from relay.legs import links_of, live_links_of, obstacle, plans_of
from relay.models import ConversationLink, Delivery, Participation, UniversalConversation
from relay.syncing import join

Ending = Participation.Ending
STOPPED = "The companies no longer share this channel."
"""Why what waited was not delivered, for the list of failures."""


def hold(conversation: UniversalConversation) -> UniversalConversation:
    """The conversation as it is now, locked until the transaction ends. Messages may still be added."""
    return UniversalConversation.objects.select_for_update(no_key=True).get(pk=conversation.pk)


def taking_part(conversation: UniversalConversation) -> QuerySet[Participation]:
    """Those who share a channel at the moment, the owner first."""
    parts = conversation.participations.filter(ended_at=None).select_related("tenant")
    owners = Case(When(tenant=conversation.tenant_id, then=0), default=1)
    return parts.order_by(owners, "joined_at", "pk")


def part_of(conversation: UniversalConversation, tenant: Tenant) -> Participation:
    """A company's part. Raises ``NotPossible`` where it has none."""
    part = taking_part(conversation).filter(tenant=tenant).first()
    if part is None:
        raise NotPossible("Your organization does not take part in this channel.")
    return part


@transaction.atomic
def open_up(
    conversation: UniversalConversation, domain: str, request: HttpRequest | None = None, *, by: str = ""
) -> Participation:
    """Make a synced channel one that other companies can be invited to; what is so already stays. Raises ``NotPossible``.

    ``by`` is who wants that, where it is asked for on a platform.
    """
    conversation = hold(conversation)
    if conversation.kind == UniversalConversation.Kind.DIRECT:
        raise NotPossible("This is a direct chat, which stays among the people in it. Only channels can be shared.")
    if conversation.ended_at:
        raise NotPossible("This channel is not synced any more. Nothing was changed.")
    part, is_new = Participation.objects.get_or_create(
        conversation=conversation, tenant_id=conversation.tenant_id, ended_at=None, defaults={"domain": domain}
    )
    if is_new:
        after = {"by": by} if by else None
        record(conversation.tenant, "made synced channel universal", conversation.name, request, after=after)
    return part


@transaction.atomic
def found(tenant: Tenant, name: str, domain: str) -> Participation:
    """A new universal channel of a tenant, without a channel on any platform yet."""
    conversation = UniversalConversation.objects.create(tenant=tenant, name=name[:300])
    return Participation.objects.create(conversation=conversation, tenant=tenant, domain=domain)


def hold_part(part: Participation) -> UniversalConversation:
    """The conversation of a company that is going to add to it, locked with the company. Raises ``NotPossible``.

    Whoever else brings a channel of the company somewhere waits, and finds it taken.
    """
    hold_tenant(part.tenant)
    conversation = hold(part.conversation)
    if part_of(conversation, part.tenant) != part or conversation.ended_at:
        raise NotPossible("Your organization does not take part in this channel any more.")
    return conversation


@transaction.atomic
def attach(part: Participation, channel: Channel) -> None:
    """Have a company's channel take part, at once or as soon as our account is in it. Raises ``NotPossible``."""
    conversation = hold_part(part)
    if problem := obstacle(channel):
        raise NotPossible(problem)
    if live_links_of([channel]).exists() or plans_of([channel]).exists():
        raise NotPossible(f"{channel} is synced already. Unsync it first, or choose another channel.")
    if channel.installation_id in places(part):
        raise NotPossible(f"A channel of {channel.installation} takes part already: one for each connection.")
    if not links_of([channel]).filter(conversation=conversation).update(is_active=True):
        join({conversation: [channel]})
    legs(part).update(allows_broadcast=part.allows_broadcast)
    conversation.links.filter(is_active=True).update(to_tell=ConversationLink.Telling.SHARED)
    afterwards.changed([channel.installation_id])


def _tell(conversation: UniversalConversation) -> None:
    """Have everybody who still takes part told with whom they share the channel now, or that they no longer do."""
    left = conversation.links.filter(is_active=True)
    telling = ConversationLink.Telling.SHARED if left.count() > 1 else ConversationLink.Telling.ENDED
    left.update(to_tell=telling)


POLICY = ("sends_files", "takes_files", "allows_broadcast", "allows_more")
"""What a company decides for itself in a universal channel."""


@transaction.atomic
def change_policy(part: Participation, values: Mapping[str, Any], request: HttpRequest) -> dict[str, Any]:
    """Set what a company allows in a channel. Returns what is different now."""
    now = Participation.objects.select_for_update().get(pk=part.pk)
    before, after = changes({name: getattr(now, name) for name in POLICY}, {name: values[name] for name in POLICY})
    if after:
        Participation.objects.filter(pk=part.pk).update(**after)
        if "allows_broadcast" in after:
            legs(part).update(allows_broadcast=after["allows_broadcast"])
        record(part.tenant, "changed universal channel", part.conversation.name, request, before, after)
    return after


def legs(part: Participation) -> QuerySet[ConversationLink]:
    """A company's channels that take part."""
    return ConversationLink.objects.filter(
        conversation=part.conversation_id, installation__tenant=part.tenant_id, is_active=True
    )


def places(part: Participation) -> set[int]:
    """The connections of a company on which a channel takes part, or is about to."""
    planned = part.conversation.planned_legs.filter(installation__tenant=part.tenant_id)
    return {*legs(part).values_list("installation", flat=True), *planned.values_list("installation", flat=True)}


@transaction.atomic
def leave(part: Participation, request: HttpRequest | None = None) -> None:
    """A company stops taking part; where it owns the channel, everybody does. Raises ``NotPossible``."""
    conversation = hold(part.conversation)
    if part.tenant_id == conversation.tenant_id:
        _stop(conversation, request)
        return
    _end(conversation, part, Ending.LEFT)
    record(part.tenant, "left universal channel", conversation.name, request)
    record(
        conversation.tenant,
        "lost a company from universal channel",
        conversation.name,
        after={"company": part.tenant.name},
    )


@transaction.atomic
def remove(owner: Participation, other: Participation, request: HttpRequest | None = None) -> None:
    """The owner of a channel removes a company from it. Raises ``NotPossible``."""
    conversation = hold(owner.conversation)
    if owner.tenant_id != conversation.tenant_id:
        raise NotPossible("Only the company that owns the channel can remove another one.")
    if other.tenant_id == owner.tenant_id:
        raise NotPossible("Stop sharing the channel instead: then nobody takes part any more.")
    _end(conversation, other, Ending.REMOVED)
    record(
        owner.tenant,
        "removed a company from universal channel",
        conversation.name,
        request,
        before={"company": other.tenant.name},
    )
    record(other.tenant, "was removed from universal channel", conversation.name, after={"by": owner.tenant.name})


def _stop(conversation: UniversalConversation, request: HttpRequest | None) -> None:
    """Nobody else takes part any more; the owner's own channels stay synced with each other."""
    for part in taking_part(conversation):
        if part.tenant_id == conversation.tenant_id:
            Participation.objects.filter(pk=part.pk).update(ended_at=timezone.now(), ended_by=Ending.LEFT.value)
        else:
            _end(conversation, part, Ending.REMOVED)
        actor = request if part.tenant_id == conversation.tenant_id else None
        record(part.tenant, "universal channel was stopped by its owner", conversation.name, actor)
    conversation.invitations.filter(state="open").update(state="withdrawn", ended_at=timezone.now())
    if conversation.links.filter(is_active=True).count() + conversation.planned_legs.count() < 2:
        conversation.planned_legs.all().delete()
        _silence(conversation, list(conversation.links.filter(is_active=True).values_list("pk", flat=True)))
        UniversalConversation.objects.filter(pk=conversation.pk).update(ended_at=timezone.now())


def _end(conversation: UniversalConversation, part: Participation, ending: Ending) -> None:
    ended = Participation.objects.filter(pk=part.pk, ended_at=None)
    if not ended.update(ended_at=timezone.now(), ended_by=ending.value):
        raise NotPossible(f"{part.tenant} does not take part any more.")
    conversation.planned_legs.filter(installation__tenant=part.tenant_id).delete()
    _silence(conversation, list(legs(part).values_list("pk", flat=True)))


@transaction.atomic
def detach(link: ConversationLink) -> None:
    """Take one of a company's channels out; nothing crosses to or from it any more."""
    _silence(hold(link.conversation), [link.pk])


def _silence(conversation: UniversalConversation, gone: list[int]) -> None:
    ended = ConversationLink.objects.filter(pk__in=gone)
    ended.update(is_active=False, to_tell=ConversationLink.Telling.ENDED, not_before=None)
    waiting = Delivery.objects.filter(Q(link__in=gone) | Q(event__link__in=gone), link__conversation=conversation)
    call_off(waiting, STOPPED)
    _tell(conversation)
    afterwards.changed(ended.values_list("installation", flat=True))
