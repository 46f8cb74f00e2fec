"""Who is active, how channels fare and which companies take part: read from the sums, for one tenant, a page at a time."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

import connectors
from accounts.models import Tenant
from relay.failures import STANDING, What
from relay.models import (
    ActiveAccount,
    ConversationLink,
    DailySpeaker,
    DailyTraffic,
    Delivery,
    LinkPulse,
    Participation,
    UniversalConversation,
)

DAYS = 30
"""How far back the pages look: who said nothing for a month is not active."""

LABELS = {each.platform.slug: each.platform.label for each in connectors.everyone()}


def first_day() -> date:
    """The first of the days that count (UTC)."""
    return timezone.now().date() - timedelta(days=DAYS - 1)


# --- people


@dataclass(slots=True)
class ActiveUser:
    """A person, or an account of nobody we know. ``organizations`` are those that take part in channels they spoke in.

    Of the direct chats they spoke in only the number is told. ``row`` is where a list goes on behind them.
    """

    row: int
    name: str
    email: str
    last_on: date
    platforms: list[str]
    channels: set[int] = field(default_factory=set)
    direct_chats: set[int] = field(default_factory=set)
    organizations: list[str] = field(default_factory=list)


def active(tenant: Tenant, search: str = "") -> QuerySet[ActiveAccount]:
    """One row for each active user: of a person with several active accounts the first one that fits what is searched."""
    rows = ActiveAccount.objects.filter(tenant=tenant, last_on__gte=first_day(), account__is_bot=False)
    if search:
        rows = rows.filter(Q(account__name__icontains=search) | Q(account__email__icontains=search))
    earlier = rows.filter(account__person=OuterRef("account__person"), account__lt=OuterRef("account"))
    return rows.exclude(Exists(earlier))


def users(rows: QuerySet[ActiveAccount], after: int | None, many: int) -> list[ActiveUser]:
    """A page of them in the order in which their first accounts became known, with all that is told of each."""
    page = rows.filter(pk__gt=after) if after else rows
    heads = list(page.select_related("account", "tenant").order_by("pk")[:many])
    accounts = _accounts(heads)
    told = {head.pk: _user(head, accounts[head.pk]) for head in heads}
    if heads:
        _add_conversations(heads[0].tenant, told, accounts)
    return list(told.values())


def _accounts(heads: list[ActiveAccount]) -> dict[int, list[Any]]:
    """The active accounts of each row's person; of nobody's account only itself."""
    people = {head.account.person_id: head.pk for head in heads if head.account.person_id}
    found: dict[int, list[Any]] = {head.pk: [] if head.account.person_id else [head] for head in heads}
    rows = ActiveAccount.objects.filter(account__person__in=people, last_on__gte=first_day())
    for row in rows.select_related("account__installation").order_by("pk"):
        found[people[row.account.person_id]].append(row)  # type: ignore[index]  # it was asked for by its person
    return found


def _user(head: ActiveAccount, rows: list[Any]) -> ActiveUser:
    platforms = sorted({LABELS[row.account.installation.platform] for row in rows})
    account = head.account
    return ActiveUser(head.pk, account.name, account.email, max(row.last_on for row in rows), platforms)


def _add_conversations(tenant: Tenant, told: dict[int, ActiveUser], accounts: dict[int, list[Any]]) -> None:
    who = {(row.account.installation_id, row.account.external_id): pk for pk, rows in accounts.items() for row in rows}
    spoken = DailySpeaker.objects.filter(
        account__in={account for _, account in who}, day__gte=first_day(), link__installation__tenant=tenant
    ).values_list("link__installation", "account", "link__conversation", "link__conversation__kind")
    for installation, account, conversation, kind in spoken.order_by().distinct():
        if user := told.get(who.get((installation, account), 0)):
            places = user.channels if kind == UniversalConversation.Kind.CHANNEL else user.direct_chats
            places.add(conversation)
    others = _others(tenant, {channel for user in told.values() for channel in user.channels})
    for user in told.values():
        user.organizations = sorted({name for channel in user.channels for name in others[channel]})


def _others(tenant: Tenant, conversations: Iterable[int]) -> dict[int, set[str]]:
    """The companies that take part in conversations, but for our own."""
    found: dict[int, set[str]] = defaultdict(set)
    rows = Participation.objects.filter(conversation__in=conversations, ended_at=None).exclude(tenant=tenant)
    for conversation, name in rows.order_by("pk").values_list("conversation", "tenant__name"):
        found[conversation].add(name)
    return found


# --- companies


@dataclass(slots=True)
class Organization:
    """Another company, since when it takes part with us, and in which channels."""

    name: str
    since: datetime
    channels: list[str] = field(default_factory=list)


def organizations(tenant: Tenant) -> list[Organization]:
    """The companies we share channels with now, by name. Nothing of theirs is told but that they are there."""
    ours = Participation.objects.filter(tenant=tenant, ended_at=None).values("conversation")
    shared = Participation.objects.filter(conversation__in=ours, ended_at=None, conversation__ended_at=None)
    found: dict[int, Organization] = {}
    for row in shared.exclude(tenant=tenant).select_related("tenant", "conversation").order_by("joined_at", "pk"):
        one = found.setdefault(row.tenant_id, Organization(row.tenant.name, row.joined_at))
        one.channels.append(row.conversation.name)
    return sorted(found.values(), key=lambda one: one.name.lower())


# --- channels


@dataclass(slots=True)
class Leg:
    """How one platform's side of a channel fares. ``delay`` in seconds."""

    platform: str
    waiting: int
    failed: int
    last_at: datetime | None
    delay: float | None


def conversations(tenant: Tenant, search: str = "") -> QuerySet[UniversalConversation]:
    """The tenant's channels and those of others in which it takes part, as far as they are not unsynced."""
    ours = ConversationLink.objects.filter(installation__tenant=tenant, is_active=True).values("conversation")
    rows = UniversalConversation.channels.filter(pk__in=ours, ended_at=None)
    return rows.filter(name__icontains=search) if search else rows


def legs(tenant: Tenant, page: list[UniversalConversation]) -> dict[int, list[Leg]]:
    """The tenant's own sides of channels, by channel."""
    links = ConversationLink.objects.filter(conversation__in=page, installation__tenant=tenant, is_active=True)
    rows = list(links.select_related("installation").order_by("installation__platform", "pk"))
    waiting = _counted(rows, Q(state__lt=Delivery.State.DONE))
    failed = _counted(rows, STANDING[What.KEPT])
    pulses = LinkPulse.objects.in_bulk([row.pk for row in rows])
    found: dict[int, list[Leg]] = defaultdict(list)
    for row in rows:
        pulse = pulses.get(row.pk)
        found[row.conversation_id].append(
            Leg(
                LABELS[row.installation.platform],
                waiting.get(row.pk, 0),
                failed.get(row.pk, 0),
                pulse.last_at if pulse else None,
                pulse.delay if pulse else None,
            )
        )
    return found


def _counted(links: list[ConversationLink], what: Q) -> dict[int, int]:
    rows = Delivery.objects.filter(what, link__in=links).order_by().values("link").annotate(many=Count("pk"))
    return {row["link"]: row["many"] for row in rows}


# --- days


@dataclass(frozen=True, slots=True)
class Day:
    """What crossed at one platform on one day."""

    day: date
    said: int = 0
    delivered: int = 0
    failed: int = 0


def traffic(tenant: Tenant) -> dict[str, list[Day]]:
    """Every day of the period, by platform in the order of its name; platforms without a connection are left out."""
    rows = DailyTraffic.objects.filter(installation__tenant=tenant, day__gte=first_day())
    summed = (
        rows.order_by()
        .values("day", slug=F("installation__platform"))
        .annotate(of_said=Sum("said"), of_delivered=Sum("delivered"), of_failed=Sum("failed"))
    )
    found = {(row["slug"], row["day"]): row for row in summed}
    days = [first_day() + timedelta(days=number) for number in range(DAYS)]
    slugs = tenant.installations.order_by("platform").values_list("platform", flat=True).distinct()
    return {LABELS[slug]: [_day(day, found.get((slug, day))) for day in days] for slug in slugs}


def _day(day: date, row: Any) -> Day:
    return Day(day, row["of_said"], row["of_delivered"], row["of_failed"]) if row else Day(day)
