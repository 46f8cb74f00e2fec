"""Suggesting which channels belong together: those of one name on several platforms, whatever its case, gaps and emoji."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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

UNSYNCED = """NOT EXISTS (
    SELECT 1 FROM relay_conversationlink l JOIN relay_universalconversation u ON u.id = l.conversation_id
    WHERE l.installation_id = c.installation_id AND l.external_id = c.external_id AND l.is_active AND u.ended_at IS NULL
      AND l.heard_by IS NULL
) AND NOT EXISTS (
    SELECT 1 FROM relay_plannedleg p WHERE p.installation_id = c.installation_id AND p.external_id = c.external_id
)"""
"""Of a channel ``c``: it is part of nothing."""

GROUPS = f"""
    SELECT CASE WHEN octet_length(c.name) = length(c.name) THEN translate(lower(c.name), %(ascii_ignored)s, '')
                ELSE regexp_replace(lower(c.name), %(ignored)s, '', 'g') END AS plain,
           array_agg(c.id ORDER BY i.platform, c.id) AS ids,
           bool_or(c.is_private) <> bool_and(c.is_private) AS is_mixed
    FROM accounts_channel c JOIN accounts_installation i ON i.id = c.installation_id
    WHERE i.tenant_id = %(tenant)s AND i.state = 'connected' AND NOT c.is_archived AND {UNSYNCED}
    GROUP BY 1 HAVING count(*) BETWEEN 2 AND {MOST} AND count(*) = count(DISTINCT i.platform)
"""
"""The channels of each name. One that two channels of the same platform bear tells nobody which of them is meant; one of
nothing but emoji (``plain`` is empty) is none."""

NOT_COUNTED = {"ignored": IGNORED, "ascii_ignored": ASCII_IGNORED}
"""What ``GROUPS`` asks for besides the tenant."""

_SUGGESTED = f"""
SELECT plain, ids FROM ({GROUPS}) s WHERE plain > %(after)s AND is_mixed = %(mixed)s ORDER BY plain LIMIT %(limit)s
"""

AT_ONCE = 500
"""Suggestions accepted in one go: a second's work, and few enough to look through before."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Channels of one name. ``key`` is that name without what does not count."""

    key: str
    channels: tuple[Channel, ...]


def suggestions(tenant: Tenant, *, mixed: bool = False, after: str = "", most: int | None = None) -> list[Suggestion]:
    """By name, those that follow ``after``. ``mixed``: those that would bring private and public channels together."""
    rows = _rows(tenant, mixed=mixed, after=after, most=most)
    channels = channels_of(number for _, numbers in rows for number in numbers).in_bulk()
    return [Suggestion(key, tuple(channels[n] for n in numbers if n in channels)) for key, numbers in rows]


def _rows(tenant: Tenant, *, mixed: bool, after: str, most: int | None) -> list[tuple[str, Sequence[int]]]:
    values: dict[str, Any] = NOT_COUNTED | {"tenant": tenant.pk, "after": after, "mixed": mixed, "limit": most}
    with connection.cursor() as cursor:
        cursor.execute(_SUGGESTED, values)
        return [(plain, ids) for plain, ids in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Offer:
    """What accepting all at once would do now: the suggestions, and a mark by which to tell whether they are still those."""

    suggestions: tuple[Suggestion, ...]

    @property
    def mark(self) -> str:
        """The same for the same channels in the same groups."""
        groups = [[channel.pk for channel in one.channels] for one in self.suggestions]
        return hashlib.sha256(repr(groups).encode()).hexdigest()[:32]

    @property
    def by_platform(self) -> dict[str, int]:
        """How many channels there are of each platform, by its label."""
        slugs = Counter(channel.installation.platform for one in self.suggestions for channel in one.channels)
        return {connectors.get(slug).platform.label: number for slug, number in sorted(slugs.items())}


def offer(tenant: Tenant) -> Offer:
    """All that can be accepted in one go; never what would bring private and public channels together."""
    return Offer(tuple(suggestions(tenant, most=AT_ONCE)))


@transaction.atomic
def accept_all(tenant: Tenant, mark: str, request: HttpRequest) -> int:
    """Sync what was offered under ``mark``; how many. Raises ``NotPossible`` where the offer is another by now."""
    hold(tenant)
    now = offer(tenant)
    if now.mark != mark or not now.suggestions:
        raise NotPossible("The suggestions are others by now. Nothing was changed. Look at them again.")
    found = now.suggestions
    made = UniversalConversation.objects.bulk_create(
        UniversalConversation(tenant=tenant, name=one.channels[0].name) for one in found
    )
    join(dict(zip(made, (one.channels for one in found), strict=True)))
    after = {"synced channels": len(found), "names": [one.channels[0].name for one in found]}
    record(tenant, "accepted suggestions", f"{len(found)} synced channels", request, after=after)
    afterwards.changed(channel.installation_id for one in found for channel in one.channels)
    return len(found)
