"""Syncing channels that exist: what would happen is planned, shown, and carried out when somebody says so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.members import NotPossible, hold
from accounts.models import Channel, Tenant
from relay import afterwards
from relay.forgetting import GRACE
from relay.legs import MOST, channels_of, leg, let_go, links_of, live_links_of, named, obstacle, planned, plans_of
from relay.models import ConversationLink, Participation, PlannedLeg, UniversalConversation


@dataclass(frozen=True, slots=True)
class Plan:
    """What syncing would do. ``channels`` are those that come to it; ``existing`` is the synced channel that they join.

    ``revived`` is one of the very same channels that was unsynced a short while ago. ``mixes``: private and public ones come
    together, so that more people read than now. ``problems`` are sentences; while there are any it cannot be done.
    """

    channels: tuple[Channel, ...]
    existing: UniversalConversation | None
    revived: UniversalConversation | None
    mixes: bool
    problems: tuple[str, ...]

    @property
    def to_enter(self) -> tuple[Channel, ...]:
        """Channels that our account must enter before anything crosses."""
        return tuple(channel for channel in self.channels if not channel.is_entered)

    @property
    def companies(self) -> list[str]:
        """Other companies that read what is written in ``existing``."""
        parts = Participation.objects.filter(conversation=self.existing, ended_at=None)
        others = parts.exclude(tenant=self.existing.tenant_id) if self.existing else parts.none()
        return list(others.order_by("tenant__name").values_list("tenant__name", flat=True))

    @property
    def name(self) -> str:
        """What the synced channel is called here."""
        return self.existing.name if self.existing else self.channels[0].name if self.channels else ""


def plan(tenant: Tenant, numbers: Iterable[int]) -> Plan:
    """What it would mean to sync the tenant's channels of these numbers; others do not exist."""
    found = list(channels_of(numbers).filter(installation__tenant=tenant))
    taken = _taken(found)
    new = [channel for channel in found if _spot(channel) not in taken]
    live = {conversation.pk: conversation for conversation in taken.values()}
    existing = next(iter(live.values()), None)
    legs = legs_of(existing) if existing else []
    problems = [*_whole(tenant, new, legs, list(live.values())), *(text for each in new if (text := obstacle(each)))]
    kinds = {channel.is_private for channel in [*new, *legs]}
    revived = None if existing else _revived(tenant, new)
    return Plan(tuple(new), existing, revived, len(kinds) > 1, tuple(problems))


def _taken(channels: Sequence[Channel]) -> dict[tuple[int, str], UniversalConversation]:
    """By place, what each channel is part of already."""
    rows: list[ConversationLink | PlannedLeg] = [*live_links_of(channels), *plans_of(channels)]
    return {(row.installation_id, row.external_id): row.conversation for row in rows}


def _spot(row: Channel | ConversationLink | PlannedLeg) -> tuple[int, str]:
    return row.installation_id, row.external_id


def legs_of(conversation: UniversalConversation) -> list[Channel | PlannedLeg]:
    """What is part of a synced channel already, of whichever company, as far as it is known here."""
    spots = set(conversation.links.filter(is_active=True).values_list("installation_id", "external_id"))
    channels = Channel.objects.filter(installation__in={i for i, _ in spots}, external_id__in=[x for _, x in spots])
    known = [channel for channel in channels.select_related("installation", "team") if _spot(channel) in spots]
    return [*known, *conversation.planned_legs.select_related("installation", "team").order_by("pk")]


def _whole(
    tenant: Tenant, new: list[Channel], legs: list[Channel | PlannedLeg], live: list[UniversalConversation]
) -> list[str]:
    """What is wrong with the choice as a whole."""
    if len(live) > 1:
        return ["More than one of these is synced already, each with others. Unsync one of them first."]
    if any(conversation.tenant_id != tenant.pk for conversation in live):
        return [
            "One of these belongs to a channel that another company shares with you; only that company can add to it."
        ]
    if not new or len(new) + len(legs) < 2:
        return ["Choose at least two channels that are not synced with each other yet."]
    if len(new) + sum(each.installation.tenant_id == tenant.pk for each in legs) > MOST:
        return [f"A synced channel has {MOST} legs at most. Choose fewer channels."]
    places = [(each.installation_id, each.team_id) for each in [*new, *legs]]
    if len(set(places)) < len(places):
        return ["Two of these are in the same workspace or team. Choose one channel of each."]
    return []


def _revived(tenant: Tenant, channels: list[Channel]) -> UniversalConversation | None:
    """What these very channels were part of until it was unsynced, while that is remembered."""
    recent = {"conversation__tenant": tenant, "conversation__ended_at__gt": timezone.now() - GRACE}
    ended = list(links_of(channels).filter(**recent))
    conversations = {link.conversation_id for link in ended}
    if len(ended) != len(channels) or len(conversations) != 1:
        return None
    conversation = ended[0].conversation
    return conversation if conversation.links.count() == len(channels) else None


@transaction.atomic
def sync(
    tenant: Tenant, numbers: Iterable[int], request: HttpRequest | None = None, *, accepts_mixing: bool = False
) -> UniversalConversation:
    """Do what ``plan`` says, as things are now. Raises ``NotPossible``.

    Messages cross from the next moment between those channels that our account is in; it enters the others soon.
    """
    hold(tenant)
    wanted = plan(tenant, numbers)
    if wanted.problems:
        raise NotPossible(f"{' '.join(wanted.problems)} Nothing was changed.")
    if wanted.mixes and not accepts_mixing:
        raise NotPossible("Private and public channels come together here: confirm that first. Nothing was changed.")
    if wanted.existing:
        join({wanted.existing: wanted.channels})
        conversation = wanted.existing
        conversation.links.filter(is_active=True).update(to_tell=ConversationLink.Telling.SHARED)
    elif wanted.revived:
        conversation = _revive(wanted.revived)
    else:
        conversation = UniversalConversation.objects.create(tenant=tenant, name=wanted.name)
        join({conversation: wanted.channels})
    after = {"channels": [named(channel) for channel in wanted.channels], "private with public": wanted.mixes}
    record(tenant, "synced channels", conversation.name, request, after=after)
    afterwards.changed(channel.installation_id for channel in wanted.channels)
    return conversation


def _revive(conversation: UniversalConversation) -> UniversalConversation:
    conversation.ended_at = conversation.paused_at = None
    conversation.save(update_fields=["ended_at", "paused_at"])
    conversation.links.update(is_active=True, to_tell=ConversationLink.Telling.SHARED)
    return conversation


def join(wanted: dict[UniversalConversation, Sequence[Channel]]) -> None:
    """Give conversations a leg on each of their channels, or a plan for one where our account must enter first."""
    pairs = [(conversation, channel) for conversation, channels in wanted.items() for channel in channels]
    let_go([channel for _, channel in pairs])
    ConversationLink.objects.bulk_create(leg(*pair) for pair in pairs if pair[1].is_entered)
    PlannedLeg.objects.bulk_create(planned(*pair) for pair in pairs if not pair[1].is_entered)
