"""Suggesting which channels belong together: those of one name on several platforms, whatever its case, gaps and emoji."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest

import connectors
from accounts.audit import record
from accounts.members import NotPossible, hold
from accounts.models import Channel, Tenant
from relay import afterwards
from relay.legs import MOST, channels_of
from relay.models import UniversalConversation
from relay.syncing import join

IGNORED = r"[\s_.·:#&–—\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff-]+"
"""What does not count in a name: gaps of any kind, a leading "#", arrows, symbols and emoji."""

ASCII_IGNORED = " \t\n\r\f\v_.:#&-"
"""Of these the ones in ASCII: taking them out of a name that has no others, as most, costs a tenth of the expression."""

_TAKEN = """
    SELECT l.installation_id, l.external_id
    FROM relay_conversationlink l JOIN relay_universalconversation u ON u.id = l.conversation_id
    WHERE l.is_active AND u.ended_at IS NULL AND l.heard_by IS NULL AND l.installation_id IN (SELECT id FROM ours)
    UNION ALL
    SELECT p.installation_id, p.external_id FROM relay_plannedleg p WHERE p.installation_id IN (SELECT id FROM ours)
"""
"""What is part of something already."""

UNSYNCED = """NOT EXISTS (
    SELECT FROM relay_conversationlink l JOIN relay_universalconversation u ON u.id = l.conversation_id
    WHERE l.installation_id = c.installation_id AND l.external_id = c.external_id AND l.is_active AND u.ended_at IS NULL
      AND l.heard_by IS NULL OFFSET 0
) AND NOT EXISTS (
    SELECT FROM relay_plannedleg p WHERE p.installation_id = c.installation_id AND p.external_id = c.external_id OFFSET 0
)"""
"""Of one channel ``c``: it is part of nothing. ``OFFSET 0`` has each looked up by its index, where a few of many are wanted;
else PostgreSQL joins all of them with all links."""

GROUPS = f"""
    WITH ours AS (
        SELECT id, platform FROM accounts_installation WHERE tenant_id = %(tenant)s AND state = 'connected'
    ), taken AS MATERIALIZED ({_TAKEN})
    SELECT CASE WHEN octet_length(c.name) = length(c.name) THEN translate(lower(c.name), %(ascii_ignored)s, '')
                ELSE regexp_replace(lower(c.name), %(ignored)s, '', 'g') END AS plain,
           array_agg(c.id ORDER BY i.platform, c.id) AS ids,
           bool_or(c.is_private) <> bool_and(c.is_private) AS is_mixed
    FROM accounts_channel c JOIN ours i ON i.id = c.installation_id
    WHERE NOT c.is_archived AND NOT EXISTS (
        SELECT FROM taken t WHERE t.installation_id = c.installation_id AND t.external_id = c.external_id
    )
    GROUP BY 1 HAVING count(*) BETWEEN 2 AND {MOST} AND count(*) = count(DISTINCT i.platform)
"""
"""The channels of each name. One that two channels of the same platform bear tells nobody which of them is meant; one of
nothing but emoji (``plain`` is empty) is none."""

NOT_COUNTED = {"ignored": IGNORED, "ascii_ignored": ASCII_IGNORED}
"""What ``GROUPS`` asks for besides the tenant."""

_SUGGESTED = f"""
SELECT plain, ids, is_mixed FROM (
    SELECT *, row_number() OVER (PARTITION BY is_mixed ORDER BY plain) AS place FROM ({GROUPS}) s WHERE plain > %(after)s
) numbered WHERE place <= %(most)s ORDER BY plain
"""

AT_ONCE = 500
"""Suggestions accepted in one go: a second's work, and few enough to look through before."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Channels of one name. ``key`` is that name without what does not count."""

    key: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Suggested:
    """Suggestions by name; apart those that would bring private and public channels together."""

    plain: list[Suggestion]
    mixed: list[Suggestion]


def suggestions(tenant: Tenant, *, after: str = "", most: int = AT_ONCE) -> Suggested:
    """Those that follow the name ``after``; of either kind no more than ``most``."""
    rows = _rows(tenant, after, most)
    channels = channels_of(number for _, numbers, _ in rows for number in numbers).in_bulk()
    found = Suggested([], [])
    for key, numbers, is_mixed in rows:
        one = Suggestion(key, tuple(channels[n] for n in numbers if n in channels))
        (found.mixed if is_mixed else found.plain).append(one)
    return found


def _rows(tenant: Tenant, after: str, most: int) -> list[tuple[str, Sequence[int], bool]]:
    values: dict[str, Any] = NOT_COUNTED | {"tenant": tenant.pk, "after": after, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_SUGGESTED, values)
        return [(plain, ids, is_mixed) for plain, ids, is_mixed in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Offer:
    """What accepting all at once would do now: the ``names`` of the synced channels, of how many channels ``by_platform``.

    ``mark`` tells whether it is still that: the same for the same channels in the same groups.
    """

    names: tuple[str, ...]
    by_platform: dict[str, int]
    mark: str


def offer(tenant: Tenant) -> Offer:
    """All that can be accepted in one go; never what would bring private and public channels together."""
    groups = [numbers for _, numbers, is_mixed in _rows(tenant, "", AT_ONCE) if not is_mixed]
    channels = Channel.objects.filter(pk__in=chain(*groups))
    facts = {pk: told for pk, *told in channels.values_list("pk", "name", "installation__platform")}
    slugs = Counter(slug for _, slug in facts.values())
    by_platform = {connectors.get(slug).platform.label: number for slug, number in sorted(slugs.items())}
    return Offer(tuple(facts[numbers[0]][0] for numbers in groups), by_platform, _mark(groups))


def _mark(groups: Iterable[Sequence[int]]) -> str:
    return hashlib.sha256(repr([list(numbers) for numbers in groups]).encode()).hexdigest()[:32]


@transaction.atomic
def accept_all(tenant: Tenant, mark: str, request: HttpRequest) -> int:
    """Sync what was offered under ``mark``; how many. Raises ``NotPossible`` where the offer is another by now."""
    hold(tenant)
    found = suggestions(tenant).plain
    if not found or _mark([channel.pk for channel in one.channels] for one in found) != mark:
        raise NotPossible("The suggestions are others by now. Nothing was changed. Look at them again.")
    made = UniversalConversation.objects.bulk_create(
        UniversalConversation(tenant=tenant, name=one.channels[0].name) for one in found
    )
    join(dict(zip(made, (one.channels for one in found), strict=True)))
    after = {"synced channels": len(found), "names": [one.channels[0].name for one in found]}
    record(tenant, "accepted suggestions", f"{len(found)} synced channels", request, after=after)
    afterwards.changed(channel.installation_id for one in found for channel in one.channels)
    return len(found)
