"""The legs of synced channels: found by channel, made with the tenant's switches, and let go of once they have ended."""

from collections.abc import Iterable, Sequence

from django.db.models import CharField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

import connectors
from accounts.models import Channel, Installation
from connectors.directory import ManagesConversations
from relay.models import ConversationLink, PlannedLeg, UniversalConversation
from relay.obeying import SWITCHES

MOST = 4
"""Legs of one synced channel: one for each platform there is, or a few teams of the same."""


def channels_of(numbers: Iterable[int]) -> QuerySet[Channel]:
    """Channels with what is needed to name them."""
    rows = Channel.objects.filter(pk__in=list(numbers)).select_related("installation__tenant", "team")
    return rows.order_by("installation__platform", "installation_id", "name", "pk")


def where(channel: Channel | PlannedLeg) -> str:
    """The workspace or team of a channel, with its platform."""
    label = connectors.get(channel.installation.platform).platform.label
    return f"{channel.team or channel.installation.name} on {label}"


def named(channel: Channel | PlannedLeg) -> str:
    """A channel in the words of reasons and notices: "general (Acme on Slack)"."""
    return f"{channel.name} ({where(channel)})"


def obstacle(channel: Channel) -> str:
    """Why a channel cannot be synced, in a sentence; empty where it can."""
    if channel.is_archived:
        return f"{named(channel)} is archived. Take it out of the archive first."
    if channel.installation.state != Installation.State.CONNECTED:
        return f"{named(channel)}: the connection needs you. Authorise it again first."
    if not channel.is_entered and not issubclass(connectors.get(channel.installation.platform), ManagesConversations):
        return f"Our account is not in {named(channel)} and cannot enter by itself. Invite it there, then import again."
    return ""


def links_of(channels: Sequence[Channel]) -> QuerySet[ConversationLink]:
    """The links that stand on any of the channels, whether what they belong to has ended or not."""
    ours = Channel.objects.filter(pk__in=[channel.pk for channel in channels])
    on_them = ours.filter(installation=OuterRef("installation"), external_id=OuterRef("external_id"))
    return ConversationLink.objects.filter(Exists(on_them)).select_related("conversation").order_by("pk")


def plans_of(channels: Sequence[Channel]) -> QuerySet[PlannedLeg]:
    """The same for links that are planned."""
    ours = Channel.objects.filter(pk__in=[channel.pk for channel in channels])
    on_them = ours.filter(installation=OuterRef("installation"), external_id=OuterRef("external_id"))
    return PlannedLeg.objects.filter(Exists(on_them)).select_related("conversation").order_by("pk")


def live_links_of(channels: Sequence[Channel]) -> QuerySet[ConversationLink]:
    """Those of them over which messages cross, or will once they are resumed; people's own chats are none of them."""
    return links_of(channels).filter(conversation__ended_at=None, is_active=True, heard_by=None)


def let_go(channels: Sequence[Channel]) -> None:
    """Take ended links off the channels, so that these can be synced anew. What they knew is forgotten in its time.

    Where people had it as a chat of their own until now, it is theirs alone no longer.
    """
    ended = links_of(channels).exclude(conversation__ended_at=None, is_active=True, heard_by=None)
    numbers = list(ended.values_list("pk", flat=True))
    nowhere = Concat(Value("ended "), Cast(F("pk"), CharField()))
    ConversationLink.objects.filter(pk__in=numbers).update(external_id=nowhere, is_active=False)


def leg(conversation: UniversalConversation, channel: Channel) -> ConversationLink:
    """A link on a channel that our account is in, with the tenant's switches; not saved."""
    tenant = channel.installation.tenant
    switches = {switch: getattr(tenant, setting) for setting, switch in SWITCHES.items()}
    return ConversationLink(
        conversation=conversation,
        installation=channel.installation,
        external_id=channel.external_id,
        name=channel.name,
        to_tell=ConversationLink.Telling.SHARED,
        **switches,
    )


def planned(conversation: UniversalConversation, channel: Channel) -> PlannedLeg:
    """The same for a channel that our account must enter first; not saved."""
    return PlannedLeg(
        conversation=conversation,
        installation=channel.installation,
        team=channel.team,
        external_id=channel.external_id,
        name=channel.name,
        is_private=channel.is_private,
    )
