"""Who is in a universal conversation, by company and platform, as the directory knows them."""

from dataclasses import dataclass, field

from django.db.models import F

import connectors
from accounts.models import Channel, ChannelMember, Doubt
from relay.models import ConversationLink


@dataclass(slots=True)
class Group:
    """The people of one leg: a company's on one platform. ``platform`` is its label; ``names`` are sorted."""

    company: str
    platform: str
    names: list[str] = field(default_factory=list)


def people_of(conversation: int) -> list[Group] | None:
    """Everybody in a conversation, wherever it is asked: each person where they came on their own, without bots.

    None where the directory cannot tell for sure, because a leg was never read or is in doubt: then the platforms can be
    asked. Four queries.
    """
    links = list(
        ConversationLink.objects.filter(conversation=conversation, is_active=True)
        .select_related("installation__tenant")
        .order_by("installation__tenant__name", "installation__tenant", "installation__platform", "id")
    )
    places = [(link.installation_id, link.external_id) for link in links]
    names = _names({installation for installation, _ in places}, {external_id for _, external_id in places})
    if names is None or not names.keys() >= set(places):
        return None
    return [
        Group(link.installation.tenant.name, connectors.get(link.installation.platform).platform.label, names[place])
        for link, place in zip(links, places, strict=True)
    ]


def _names(installations: set[int], channels: set[str]) -> dict[tuple[int, str], list[str]] | None:
    """By channel; those that nobody has read are left out. None where one is in doubt."""
    if Doubt.objects.filter(installation__in=installations, conversation__in=channels).exists():
        return None
    read = Channel.objects.filter(installation__in=installations, external_id__in=channels, members_count__gt=0)
    named: dict[tuple[int, str], list[str]] = {
        place: [] for place in read.order_by("pk").values_list("installation", "external_id")
    }
    people = ChannelMember.objects.filter(channel__in=read, is_added=False, account__is_bot=False)
    told = people.filter(account__is_deleted=False).exclude(account__external_id=F("channel__installation__account"))
    for installation, channel, name in told.order_by("account__name", "pk").values_list(
        "channel__installation", "channel__external_id", "account__name"
    ):
        named[installation, channel].append(name)
    return named
