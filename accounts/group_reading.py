"""Auto Sync: reading who is in a platform's group, page by page, again every quarter of an hour while it is on.

Members are told by account; whose account it is, an import has found out. Bots, guests and whoever was deactivated are
nobody's members. A group that the platform no longer knows keeps its members as they were last told, and says so.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import requests
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.asking import ask_over, session
from accounts.matching import OWN
from accounts.models import Installation, SyncGroup
from accounts.reading import HOLD, is_keepable
from accounts.standing_in import speaking
from connectors.directory import MOST_PAGES, Page
from connectors.errors import ConnectorError, Gone, NotSupported, RateLimited, Reconnect, Unavailable
from connectors.messages import AccountId

EVERY = timedelta(minutes=15)
"""As late as the product's own events from Microsoft may be (AS-4)."""
PAGES_AT_ONCE = 10
"""Pages of a slice: some seconds, after which other work gets its turn."""
MOST_FAILURES = 3
"""Readings that break off in a row before an administrator reads why; two may be the weather."""

_NOTE = f"""
INSERT INTO accounts_syncgroupmember AS m (group_id, person_id, reading)
SELECT DISTINCT %(group)s::bigint, a.person_id, %(reading)s::int FROM accounts_platformaccount a
WHERE a.installation_id = %(installation)s AND a.external_id = ANY(%(ids)s) AND a.person_id IS NOT NULL
  AND {OWN.format("a")}
ON CONFLICT (group_id, person_id) DO UPDATE SET reading = excluded.reading
RETURNING xmax = 0
"""
"""True of each who was none before."""


def due() -> list[int]:
    """The groups of which something is to be read now and that nobody reads, those that wait longest first."""
    return list(_due().order_by(F("read_at").asc(), "pk").values_list("pk", flat=True))


def _due() -> QuerySet[SyncGroup]:
    now = timezone.now()
    free = Q(held_until=None) | Q(held_until__lt=now)
    return SyncGroup.objects.filter(free, read_at__lte=now, installation__state=Installation.State.CONNECTED)


def work(pk: int) -> bool:
    """Read a few pages of a group, unless somebody does. True where it can go on at once."""
    with transaction.atomic():
        group = _due().select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
        if group is None:
            return False
        group.held_until = timezone.now() + HOLD
        group.save(update_fields=["held_until"])
    told = _slice(group)
    SyncGroup.objects.filter(pk=pk, held_until=group.held_until).update(held_until=None, **told)
    return not told


def _slice(group: SyncGroup) -> dict[str, Any]:
    """Read for a while. Returns what is to be written on the group; nothing where it goes on."""
    installation = Installation.objects.get(pk=group.installation_id or 0)
    try:
        with session() as opened, speaking(installation) as connector:
            for _ in range(PAGES_AT_ONCE):
                if not _page(group, connector, opened):
                    return {}
                if not group.cursor:
                    return _ended(group)
        return {}
    except RateLimited as error:
        return {"read_at": timezone.now() + timedelta(seconds=error.after)}
    except Gone:
        return _lost(group)
    except Reconnect as error:
        return _broken(
            group, f"The connection lacks something ({error}). Look at it under Connect Platforms", at_once=True
        )
    except NotSupported:
        return _broken(group, "This platform no longer tells who is in its groups", at_once=True)
    except ConnectorError as error:
        return _broken(group, f"Its members cannot be read ({error})")


def _page(group: SyncGroup, connector: Any, opened: requests.Session) -> bool:
    """Read one page and write it down. False where somebody else reads the group by now."""
    page = ask_over(opened, connector.group_members(group.external_id, group.cursor), connector.credentials)
    if page.next and (page.next == group.cursor or not is_keepable(page.next) or group.pages >= MOST_PAGES):
        raise Unavailable("the list of members has no end")
    with transaction.atomic():
        rows = SyncGroup.objects.select_for_update().filter(pk=group.pk, held_until=group.held_until)
        if not rows.exists():
            return False
        _note(group, page.items)
        _go_on(group, page)
        rows.update(cursor=group.cursor, pages=group.pages)
    return True


def _go_on(group: SyncGroup, page: Page[AccountId]) -> None:
    group.cursor, group.pages = page.next, group.pages + 1


def _note(group: SyncGroup, ids: Sequence[AccountId]) -> None:
    values = {"group": group.pk, "installation": group.installation_id, "reading": group.reading + 1, "ids": list(ids)}
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, values)
        if any(is_new for (is_new,) in cursor.fetchall()):
            _changed(group)


@transaction.atomic
def _ended(group: SyncGroup) -> dict[str, Any]:
    """All pages are read: whoever was on none of them is no member."""
    if SyncGroup.objects.select_for_update().filter(pk=group.pk, held_until=group.held_until).exists():
        gone, _ = group.members.exclude(reading=group.reading + 1).delete()
        if gone:
            _changed(group)
    return _again(group) | {"reading": F("reading") + 1, "problem": "", "failures": 0}


def _changed(group: SyncGroup) -> None:
    now = timezone.now()
    SyncGroup.objects.filter(pk=group.pk).update(settle_at=now, changed_at=now)


def _again(group: SyncGroup) -> dict[str, Any]:
    """Begin anew at its time."""
    return {"cursor": "", "pages": 0, "read_at": timezone.now() + EVERY if group.is_on else None}


def _lost(group: SyncGroup) -> dict[str, Any]:
    """Within the list, the platform has forgotten the page; at its beginning, the group."""
    if group.cursor:
        return _broken(group, "Its members cannot be read to the end")
    words = (
        "The platform no longer knows this group. Everybody stays as they were; remove the group here to unsync them."
    )
    return _again(group) | {"problem": words}


def _broken(group: SyncGroup, why: str, *, at_once: bool = False) -> dict[str, Any]:
    told = _again(group) | {"read_at": timezone.now() + EVERY, "failures": min(group.failures + 1, MOST_FAILURES)}
    if at_once or group.failures + 1 >= MOST_FAILURES:
        told["problem"] = f"{why}. Everybody stays as they were; it is tried again every quarter of an hour."[:500]
    return told
