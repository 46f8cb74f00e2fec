"""Making planned legs real: our account enters a channel, or makes it, and messages cross from then on.

One leg at a time, each by one worker. That a channel is about to be made is on record before the call: after a crash, or an
answer that was lost, it is looked for before another is made.
"""

from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from accounts import refreshing, tokens
from accounts.asking import ask
from accounts.audit import record
from accounts.members import hold
from accounts.models import Channel, Installation
from connectors.calls import Calls
from connectors.contract import Connector, Credentials
from connectors.directory import ListsConversations, ManagesConversations, Place
from connectors.errors import ConnectorError, NotSupported, RateLimited, Reconnect, Refused, TryAgain, Unsure
from connectors.messages import NO_TEAM, AccountId, ConversationId, TeamId
from relay.legs import leg as link_on
from relay.legs import let_go, live_links_of, named
from relay.models import ConversationLink, Participation, PlannedLeg

log = structlog.get_logger(__name__)

HELD = timedelta(minutes=5)
"""How long one worker has a leg for itself: a few calls, each answered or given up within half a minute."""
AGAIN = timedelta(seconds=30)
"""When we ask a platform again that could not do it: long enough for a new channel to be in its lists."""
MOST_PAGES = 100
"""Pages of a platform's channels that are looked through for one we may have made: 10,000 of them and more."""

State = PlannedLeg.State


def due() -> QuerySet[PlannedLeg]:
    """The legs that can be taken up now."""
    now = timezone.now()
    rows = PlannedLeg.objects.filter(state=State.WAITING, installation__state=Installation.State.CONNECTED)
    rows = rows.filter(Q(not_before=None) | Q(not_before__lte=now), Q(held_until=None) | Q(held_until__lte=now))
    return rows.order_by("pk")


def take_up(pk: int) -> int | None:
    """Make a planned leg real, or write down why that cannot be. Returns the installation that has a new link."""
    if not PlannedLeg.objects.filter(pk__in=due().filter(pk=pk).values("pk")).update(held_until=timezone.now() + HELD):
        return None
    rows = PlannedLeg.objects.select_related("installation__tenant", "team", "conversation", "first_member")
    leg = rows.get(pk=pk)
    try:
        _settle(leg, _place(leg))
    except (ConnectorError, NotSupported) as error:
        _set_back(leg, error)
        return None
    return leg.installation_id


def _place(leg: PlannedLeg) -> Place:
    connector = leg.installation.connector()
    if not isinstance(connector, ManagesConversations):
        raise Refused("this platform does not let us do it")
    if leg.is_new:
        making = connector.create(leg.name, is_private=leg.is_private, team=_team(leg), topic=leg.topic)
        place = (_found(leg, connector) if leg.intent_at else None) or _made(leg, making, connector.credentials)
        if leg.first_member:
            account = AccountId(leg.first_member.external_id)
            _must_be_in(leg, ask(connector.add(place.id, [account]), connector.credentials))
        return place
    ask(connector.enter(ConversationId(leg.external_id)), connector.credentials)
    return Place(ConversationId(leg.external_id), leg.name, leg.topic, is_private=leg.is_private)


def _made(leg: PlannedLeg, making: Calls[Place], credentials: Credentials | None) -> Place:
    _intend(leg)
    place = ask(making, credentials)
    leg.refresh_from_db(fields=["intent_at"])  # whatever fails from here on, it is there and to be found
    return place


def _must_be_in(leg: PlannedLeg, refused: dict[AccountId, str]) -> None:
    if reason := next(iter(refused.values()), ""):
        raise Refused(f"it is made, but {leg.first_member} could not be added to it: {reason}")


def _intend(leg: PlannedLeg) -> None:
    newest = Channel.objects.filter(installation=leg.installation).aggregate(newest=Max("pk"))["newest"] or 0
    PlannedLeg.objects.filter(pk=leg.pk).update(intent_at=timezone.now(), newest_known=newest)


def _team(leg: PlannedLeg) -> TeamId:
    return TeamId(leg.team.external_id) if leg.team else NO_TEAM


def _found(leg: PlannedLeg, connector: Connector) -> Place | None:
    """The channel that an earlier try made without our learning of it. Raises ``Refused`` where nobody can tell."""
    if not isinstance(connector, ListsConversations):
        raise Refused(
            "it may have been made already, and this platform does not let us look: map it once it is imported"
        )
    known = Channel.objects.filter(installation=leg.installation, pk__lte=leg.newest_known)
    cursor = ""
    for _ in range(MOST_PAGES):
        page = ask(connector.conversations([_team(leg)] if leg.team else [], cursor), connector.credentials)
        for place in page.items:
            if _may_be(place, leg) and not known.filter(external_id=place.id).exists():
                return place
        cursor = page.next
        if not cursor:
            return None
    raise Refused("it may have been made already, among too many channels to look for it: map it once it is imported")


def _may_be(place: Place, leg: PlannedLeg) -> bool:
    looks = (place.name, place.is_private, place.team, place.is_archived, place.is_entered)
    return looks == (leg.name, leg.is_private, _team(leg), False, True)


def _set_back(leg: PlannedLeg, error: Exception) -> None:
    """Write down what came of it. An intent stays where this try or an earlier one may have made the channel."""
    changes: dict[str, object] = {"held_until": None, "reason": f"{error}."[:500]}
    if not isinstance(error, Unsure):
        changes["intent_at"] = leg.intent_at
    match error:
        case RateLimited():
            changes["not_before"] = timezone.now() + timedelta(seconds=error.after)
        case TryAgain() | Unsure():
            changes["not_before"] = timezone.now() + AGAIN
        case Reconnect():
            tokens.refused(leg.installation.pk, leg.installation.credentials().tokens, f"{error}.")
        case _:
            changes["state"] = State.REFUSED
    PlannedLeg.objects.filter(pk=leg.pk).update(**changes)
    log.info("leg_not_taken_up", platform=leg.installation.platform, leg=leg.pk, error=type(error).__name__)


@transaction.atomic
def _settle(leg: PlannedLeg, place: Place) -> None:
    """The channel is ours to speak in: write it down, and put the link in the plan's place, unless that was dropped.

    Raises ``Refused`` where somebody synced the very same channel by hand meanwhile.
    """
    hold(leg.installation.tenant)
    seen = {"name": place.name[:300], "is_private": place.is_private, "is_entered": True, "is_archived": False}
    if leg.is_new:
        seen |= {"topic": place.topic[:1000], "team": leg.team}
    channel, _ = Channel.objects.update_or_create(installation=leg.installation, external_id=place.id, defaults=seen)
    if taken := live_links_of([channel]).first():
        raise Refused(
            f"it is part of the synced channel {taken.conversation} by now: leave it out here, or unsync that one first"
        )
    if not PlannedLeg.objects.filter(pk=leg.pk).delete()[0]:
        return
    refreshing.doubt(leg.installation_id, place.id)
    let_go([channel])
    link = link_on(leg.conversation, channel)
    if part := _part(leg):
        link.allows_broadcast = part.allows_broadcast
    link.save()
    leg.conversation.links.filter(is_active=True).update(to_tell=ConversationLink.Telling.SHARED)
    action = "made channel" if leg.is_new else "entered channel"
    record(leg.installation.tenant, action, named(channel), after={"synced channel": leg.conversation.name})


def _part(leg: PlannedLeg) -> Participation | None:
    """What the company of a leg has decided, where its channel is shared with others."""
    return leg.conversation.participations.filter(tenant=leg.installation.tenant_id, ended_at=None).first()
