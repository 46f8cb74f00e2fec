"""Making the counterparts of a channel: where they can be made, what they would be called there, and the order to do it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest

import connectors
from accounts.audit import record
from accounts.members import NotPossible, hold
from accounts.models import Channel, Installation, Team, Tenant
from connectors.directory import ListsTeams, ManagesConversations
from relay import afterwards
from relay.legs import MOST, channels_of, live_links_of, named, obstacle, plans_of
from relay.models import PlannedLeg, UniversalConversation
from relay.syncing import join, legs_of


@dataclass(frozen=True, slots=True)
class Spot:
    """Somewhere a channel can be made: in a workspace, or in one of its teams. ``name`` is what it would be called there."""

    installation: Installation
    team: Team | None
    name: str

    @property
    def key(self) -> str:
        """As forms name it."""
        return f"{self.installation.pk}-{self.team.pk}" if self.team else str(self.installation.pk)

    @property
    def where(self) -> str:
        """In words: "Sales on Microsoft Teams"."""
        label = connectors.get(self.installation.platform).platform.label
        return f"{self.team or self.installation.name} on {label}"


def spots(channel: Channel, words: str = "", most: int | None = None) -> list[Spot]:
    """Everywhere that a counterpart of a channel could be made; ``words`` and ``most`` as in ``everywhere``."""
    found, taken = everywhere(channel.installation.tenant, channel.name, words, most), _taken(channel)
    return [spot for spot in found if (spot.installation.pk, spot.team.pk if spot.team else None) not in taken]


def everywhere(tenant: Tenant, name: str, words: str = "", most: int | None = None) -> list[Spot]:
    """Everywhere that a channel could be made for a company, by platform, workspace and team.

    Of each workspace's teams those whose names have ``words`` in them, and no more than ``most``.
    """
    rows = Installation.objects.filter(tenant=tenant, state=Installation.State.CONNECTED)
    found = []
    for installation in rows.order_by("platform", "name", "pk"):
        connector = connectors.get(installation.platform)
        if issubclass(connector, ManagesConversations):
            legal, has_teams = connector.legal_name(name), issubclass(connector, ListsTeams)
            found += [Spot(installation, team, legal) for team in _teams(installation, has_teams, words, most)]
    return found


def _teams(installation: Installation, has_teams: bool, words: str, most: int | None) -> list[Team | None]:
    """A platform has channels outside of teams where any was imported, or where it knows no teams at all."""
    if not has_teams:
        return [None]
    outside: list[Team | None] = [None] if installation.channels.filter(team=None).exists() else []
    teams = installation.teams.filter(is_chosen=True, problem="", name__icontains=words)
    return [*outside, *teams.order_by("name", "pk")[:most]]


def _taken(channel: Channel) -> set[tuple[int, int | None]]:
    """Where the synced channel that a channel is part of has legs already; at least its own place."""
    conversation = _conversation(channel)
    taken = {(channel.installation_id, channel.team_id)}
    return taken | {(each.installation_id, each.team_id) for each in legs_of(conversation)} if conversation else taken


def _conversation(channel: Channel) -> UniversalConversation | None:
    """What a channel is part of now."""
    link = live_links_of([channel]).first() or plans_of([channel]).first()
    return link.conversation if link else None


@transaction.atomic
def create(
    tenant: Tenant, number: int, keys: Sequence[str], request: HttpRequest | None = None
) -> UniversalConversation:
    """Order counterparts of a channel in the spots of these keys. Raises ``NotPossible``.

    They are made one by one, soon; each has its own outcome, to be seen with the synced channel.
    """
    hold(tenant)
    channel = channels_of([number]).filter(installation__tenant=tenant).first()
    if channel is None:
        raise NotPossible("This channel is no longer there. Nothing was changed.")
    chosen = [spot for spot in spots(channel) if spot.key in set(keys)]
    conversation = _conversation(channel)
    _must_fit(tenant, channel, chosen, conversation)
    if conversation is None:
        conversation = UniversalConversation.objects.create(tenant=tenant, name=channel.name)
        join({conversation: [channel]})
    PlannedLeg.objects.bulk_create(_order(conversation, channel, spot) for spot in chosen)
    after = {"of": named(channel), "to be made": [f"{spot.name} ({spot.where})" for spot in chosen]}
    record(tenant, "ordered counterparts", conversation.name, request, after=after)
    afterwards.changed([channel.installation_id])
    return conversation


def _must_fit(
    tenant: Tenant, channel: Channel, chosen: Sequence[Spot], conversation: UniversalConversation | None
) -> None:
    legs = sum(each.installation.tenant_id == tenant.pk for each in legs_of(conversation)) if conversation else 1
    if not chosen:
        raise NotPossible("Choose at least one place. Nothing was changed.")
    if conversation and conversation.tenant_id != tenant.pk:
        raise NotPossible("Another company shares this channel with you; only that company can add to it.")
    if legs + len(chosen) > MOST:
        raise NotPossible(f"A synced channel has {MOST} legs at most. Choose fewer places. Nothing was changed.")
    if conversation is None and (problem := obstacle(channel)):
        raise NotPossible(f"{problem} Nothing was changed.")


def _order(conversation: UniversalConversation, channel: Channel, spot: Spot) -> PlannedLeg:
    return PlannedLeg(
        conversation=conversation,
        installation=spot.installation,
        team=spot.team,
        name=spot.name[:300],
        topic=channel.topic,
        is_private=channel.is_private,
    )
