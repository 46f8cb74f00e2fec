"""The table of a tenant's channels: one row for what is synced, with its legs, and one for every other channel.

By name, a page at a time, each page a bounded number of statements however many channels there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

import connectors
from accounts.models import Channel, DirectoryImport, Installation, Tenant
from connectors.contract import Platform
from relay.legs import channels_of
from relay.models import ConversationLink, Delivery, PlannedLeg, UniversalConversation
from relay.suggesting import GROUPS, NOT_COUNTED, UNSYNCED

PAGE = 20
"""Rows at a time: a screen and a bit. Drawing them is most of what the page costs."""
BEHIND = timedelta(minutes=10)
"""How old a message that waits may be before we say so: platforms ask for patience of a minute or two all the time."""

_LOST = """NOT EXISTS (
    SELECT 1 FROM accounts_channel c WHERE c.installation_id = l.installation_id AND c.external_id = l.external_id
) AND EXISTS (
    SELECT 1 FROM accounts_directoryimport d
    WHERE d.installation_id = l.installation_id AND d.state = 'done' AND d.started_at > u.created_at
)"""
"""The channel of a leg ``l`` is no more: a whole import since it was synced has not seen it."""

_LATE = """EXISTS (
    SELECT 1 FROM relay_delivery d WHERE d.link_id = l.id AND d.state < 3 AND d.created_at < %(late)s
)"""

_TROUBLE = f"""(EXISTS (
    SELECT 1 FROM relay_conversationlink l JOIN accounts_installation i ON i.id = l.installation_id
    WHERE l.conversation_id = u.id AND l.is_active AND i.tenant_id = %(tenant)s
      AND (i.state <> 'connected' OR {_LATE} OR {_LOST})
) OR EXISTS (
    SELECT 1 FROM relay_plannedleg p JOIN accounts_installation i ON i.id = p.installation_id
    WHERE p.conversation_id = u.id AND p.state = 'refused' AND i.tenant_id = %(tenant)s
))"""

_STATES = {
    "synced": "SELECT * FROM conversations",
    "open": "SELECT * FROM channels",
    "paused": "SELECT c.* FROM conversations c JOIN relay_universalconversation u USING (id) WHERE u.paused_at IS NOT NULL",
    "trouble": f"SELECT c.* FROM conversations c JOIN relay_universalconversation u USING (id) WHERE {_TROUBLE}",
    "suggested": "SELECT * FROM channels",
    "": "SELECT * FROM conversations UNION ALL SELECT * FROM channels",
}
"""What each filter of states reads."""

_SUGGESTED = f", suggested AS MATERIALIZED (SELECT unnest(ids) AS id FROM ({GROUPS}) s WHERE plain <> '')"
_IS_SUGGESTED = " AND c.id IN (SELECT id FROM suggested)"
"""What else the state "suggested" asks of a channel."""

_ROWS = f"""
WITH ours AS (
    SELECT id FROM accounts_installation WHERE tenant_id = %(tenant)s AND (%(platform)s = '' OR platform = %(platform)s)
), legs AS (
    SELECT l.conversation_id, l.name, c.team_id, c.is_private
    FROM ours JOIN relay_conversationlink l ON l.installation_id = ours.id AND l.is_active AND l.heard_by IS NULL
    LEFT JOIN accounts_channel c ON c.installation_id = l.installation_id AND c.external_id = l.external_id
    UNION ALL
    SELECT p.conversation_id, p.name, p.team_id, p.is_private
    FROM ours JOIN relay_plannedleg p ON p.installation_id = ours.id
), conversations AS (
    SELECT DISTINCT u.id, lower(u.name) AS key, 0 AS kind
    FROM legs l JOIN relay_universalconversation u ON u.id = l.conversation_id
    WHERE u.ended_at IS NULL {{legs}}
) {{suggested}}, channels AS (
    {{each}}
)
SELECT kind, id, key FROM ({{state}}) found
WHERE (key, kind, id) > (%(key)s, %(kind)s, %(id)s) ORDER BY key, kind, id LIMIT {PAGE + 1}
"""


_CHANNELS = f"""(
    SELECT c.id, lower(c.name) AS key, 1 AS kind FROM accounts_channel c
    WHERE c.installation_id = {{place}} AND lower(c.name) >= %(key)s
      AND (lower(c.name), 1, c.id) > (%(key)s, %(kind)s, %(id)s) AND {UNSYNCED} {{channels}}
    ORDER BY lower(c.name), c.id LIMIT {PAGE + 1}
)"""
"""No more of each connection than the page can show, by its index. By themselves, for PostgreSQL knows how many channels this
connection has, and not how many "one of ours" has."""

_NO_CHANNELS = "SELECT 0 AS id, '' AS key, 1 AS kind WHERE false"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: ``state`` is a key of ``_STATES``, ``privacy`` "private" or "public"; what is empty filters nothing."""

    text: str = ""
    platform: str = ""
    team: int | None = None
    privacy: str = ""
    state: str = ""


Place = tuple[str, int, int]
"""Where a page begins: after the row of this name, kind and number."""
START: Place = ("", -1, 0)


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg as the table shows it. ``channel`` is None where it is not known, or no more."""

    name: str
    installation: Installation
    channel: Channel | None
    link: ConversationLink | None = None
    planned: PlannedLeg | None = None

    @property
    def platform(self) -> Platform:
        """Its platform's face."""
        return connectors.get(self.installation.platform).platform


@dataclass(slots=True)
class Row:
    """A synced channel with its legs, or a channel (``channel``) that is part of nothing. ``state`` is a word and a tone.

    ``reasons`` are sentences about what is wrong.
    """

    name: str
    legs: list[Leg]
    conversation: UniversalConversation | None = None
    channel: Channel | None = None
    state: tuple[str, str] = ("", "")
    reasons: list[str] = field(default_factory=list)

    @property
    def number(self) -> int | None:
        """A channel by which to choose the row; None where it has none that is known."""
        return next((leg.channel.pk for leg in self.legs if leg.channel), None)


def page(tenant: Tenant, wanted: Wanted, after: Place = START) -> tuple[list[Row], Place | None]:
    """A page of rows, and where the next one begins; None where there is none."""
    found = _found(tenant, wanted, after)
    shown = found[:PAGE]
    synced = {
        row.conversation.pk: row for row in rows(tenant, [n for kind, n, _ in shown if kind == 0]) if row.conversation
    }
    single = channels_of(n for kind, n, _ in shown if kind == 1).in_bulk()
    table = [synced.get(n) if kind == 0 else _single(single.get(n)) for kind, n, _ in shown]
    more = (shown[-1][2], shown[-1][0], shown[-1][1]) if len(found) > PAGE else None
    return [row for row in table if row], more


def _found(tenant: Tenant, wanted: Wanted, after: Place) -> list[tuple[int, int, str]]:
    conditions, values = _conditions(wanted)
    legs, channels = ("".join(f" AND {each.format(table)}" for each in conditions) for table in ("l", "c"))
    suggested = _SUGGESTED if wanted.state == "suggested" else ""
    channels += _IS_SUGGESTED if suggested else ""
    each = [_CHANNELS.format(place=place, channels=channels) for place in _places(tenant, wanted.platform)]
    parts = {"legs": legs, "suggested": suggested, "each": " UNION ALL ".join(each) or _NO_CHANNELS}
    statement = _ROWS.format(**parts, state=_STATES[wanted.state])
    key, kind, number = after
    told: dict[str, Any] = {"tenant": tenant.pk, "platform": wanted.platform, "key": key, "kind": kind, "id": number}
    with connection.cursor() as cursor:
        cursor.execute(statement, told | values | NOT_COUNTED | {"late": timezone.now() - BEHIND})
        return [(kind, number, key) for kind, number, key in cursor.fetchall()]


def _places(tenant: Tenant, platform: str) -> list[int]:
    places = Installation.objects.filter(tenant=tenant, **({"platform": platform} if platform else {}))
    return list(places.order_by("pk").values_list("pk", flat=True))


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """What filters a leg or channel; ``{}`` is its table."""
    conditions = []
    if wanted.text:
        conditions.append("{}.name ILIKE %(text)s")
    if wanted.team:
        conditions.append("{}.team_id = %(team)s")
    if wanted.privacy:
        conditions.append("{}.is_private = %(private)s")
    text = wanted.text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return conditions, {"text": f"%{text}%", "team": wanted.team, "private": wanted.privacy == "private"}


def _single(channel: Channel | None) -> Row | None:
    if channel is None:
        return None
    state = ("Archived", "quiet") if channel.is_archived else ("Not synced", "quiet")
    return Row(channel.name, [Leg(channel.name, channel.installation, channel)], channel=channel, state=state)


# --- What is synced


def rows(tenant: Tenant, numbers: Iterable[int]) -> list[Row]:
    """Synced channels of these numbers with their legs on the tenant's platforms, and how each is doing."""
    conversations = UniversalConversation.channels.filter(pk__in=list(numbers), ended_at=None).order_by("name", "pk")
    legs = _legs(tenant, [conversation.pk for conversation in conversations])
    return [_row(conversation, legs[conversation.pk]) for conversation in conversations if legs[conversation.pk]]


def _legs(tenant: Tenant, conversations: list[int]) -> Mapping[int, list[Leg]]:
    ours = Q(conversation__in=conversations, installation__tenant=tenant)
    order = ("installation__platform", "installation__name", "pk")
    links = (
        _judged(ConversationLink.objects.filter(ours, is_active=True))
        .select_related("installation", "conversation")
        .order_by(*order)
    )
    plans = PlannedLeg.objects.filter(ours).select_related("installation", "team").order_by(*order)
    known = channels_of(link.channel for link in links if link.channel).in_bulk()
    found: defaultdict[int, list[Leg]] = defaultdict(list)
    for link in links:
        channel = known.get(link.channel)
        found[link.conversation_id].append(Leg(link.name, link.installation, channel, link=link))
    for plan in plans:
        found[plan.conversation_id].append(Leg(plan.name, plan.installation, None, planned=plan))
    return found


def _judged(links: Any) -> Any:
    """With the number of its channel, whether that is no more, and since when something waits."""
    on_it = Channel.objects.filter(installation=OuterRef("installation"), external_id=OuterRef("external_id"))
    done = DirectoryImport.objects.filter(installation=OuterRef("installation"), state=DirectoryImport.State.DONE)
    waiting = Delivery.objects.filter(link=OuterRef("pk"), state__lt=Delivery.State.DONE).order_by("pk")
    return links.annotate(
        channel=Subquery(on_it.values("pk")[:1]),
        is_lost=~Exists(on_it) & Exists(done.filter(started_at__gt=OuterRef("conversation__created_at"))),
        waits_since=Subquery(waiting.values("created_at")[:1]),
    )


def _row(conversation: UniversalConversation, legs: list[Leg]) -> Row:
    row = Row(conversation.name, legs, conversation)
    row.reasons = [reason for leg in legs for reason in _reasons(leg)]
    row.state = _state(row)
    return row


def _reasons(leg: Leg) -> Iterable[str]:
    """What is wrong with a leg, in sentences."""
    where = f"{leg.name} on {leg.platform.label}"
    if leg.planned and leg.planned.state == PlannedLeg.State.REFUSED:
        yield f"{where} could not be {'made' if leg.planned.is_new else 'entered'}: {leg.planned.reason}"
    if leg.installation.state != Installation.State.CONNECTED:
        yield f"The connection to {leg.installation.name} on {leg.platform.label} needs you; messages wait until then."
    if leg.link and leg.link.is_lost:  # type: ignore[attr-defined]
        yield f"{where} is no longer there. Nothing elsewhere was changed; unsync it, or sync another channel instead."
    if leg.channel and leg.channel.is_archived:
        yield f"{where} is archived. Messages cross again when it is taken out of the archive."
    if leg.link and _is_behind(leg.link.waits_since):  # type: ignore[attr-defined]
        told = f": {leg.link.reason}" if leg.link.reason else "."
        yield f"Messages to {where} wait for more than {BEHIND.seconds // 60} minutes{told}"


def _is_behind(since: datetime | None) -> bool:
    return since is not None and since < timezone.now() - BEHIND


def _state(row: Row) -> tuple[str, str]:
    """The gravest first: what needs somebody, then what somebody wanted, then what passes by itself."""
    links = [leg.link for leg in row.legs if leg.link]
    plans = [leg.planned for leg in row.legs if leg.planned]
    conversation = row.conversation
    if any(link.is_lost for link in links):  # type: ignore[attr-defined]
        return "Broken", "bad"
    if any(plan.state == PlannedLeg.State.REFUSED for plan in plans):
        return "Not complete", "bad"
    if any(leg.installation.state != Installation.State.CONNECTED for leg in row.legs):
        return "Needs reconnecting", "bad"
    if conversation and (conversation.archived_at or any(leg.channel and leg.channel.is_archived for leg in row.legs)):
        return "Archived", "warning"
    if conversation and conversation.paused_at:
        return "Paused", "warning"
    if plans:
        return "Being set up", "accent"
    if any(_is_behind(link.waits_since) for link in links):  # type: ignore[attr-defined]
        return "Behind", "warning"
    return "Active", "good"
