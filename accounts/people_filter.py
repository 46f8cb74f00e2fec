"""Which people are meant: by search and filters, in the table as in everything that is done to all of them."""

from dataclasses import asdict, dataclass
from typing import Any

from accounts.models import SyncGroup, Team, Tenant, UserSync
from accounts.standing_in import makes

UNSYNCED, UNAVAILABLE, TO_CHOOSE, AMBIGUOUS, RESTRICTED = (
    "not synced",
    "unavailable",
    "to choose",
    "ambiguous",
    "restricted",
)

_STATES = {
    UNSYNCED: "NOT EXISTS (SELECT FROM accounts_usersync s WHERE s.person_id = p.id {sync})"
    " AND (%(on)s = 0 OR p.primary_id IS DISTINCT FROM %(on)s)",
    UNAVAILABLE: "%(on)s <> 0 AND NOT %(on)s = ANY(%(makers)s) AND p.primary_id IS DISTINCT FROM %(on)s"
    " AND NOT EXISTS (SELECT FROM accounts_usersync s WHERE s.person_id = p.id {sync})"
    " AND NOT EXISTS (SELECT FROM accounts_platformaccount a"
    " WHERE a.person_id = p.id AND a.installation_id = %(on)s AND NOT a.is_deleted)",
    TO_CHOOSE: "p.primary_id IS NULL AND p.places > 1",
    AMBIGUOUS: "p.is_ambiguous",
    RESTRICTED: "EXISTS (SELECT FROM accounts_restricteduser r"
    " WHERE r.tenant_id = p.tenant_id AND lower(r.email) = lower(p.email))",
}
"""States of people; every other one is a state of a sync."""

MOST_GROUPS = 200
"""Of each kind in the list to choose from: beyond that nobody finds anything in it."""

_GROUPS = {
    "g": "p.id IN (SELECT m.person_id FROM accounts_syncgroupmember m WHERE m.group_id = %(group)s)",
    "t": "p.id IN (SELECT a.person_id FROM accounts_channel k JOIN accounts_channelmember x ON x.channel_id = k.id"
    " JOIN accounts_platformaccount a ON a.id = x.account_id WHERE k.team_id = %(group)s)",
}
"""By the first letter of a key. People are of the tenant already, so that another one's group holds nobody."""

_SYNC = "p.id IN (SELECT s.person_id FROM accounts_usersync s WHERE s.installation_id = ANY(%(places)s) {more})"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is empty filters nothing. ``platform`` is a connection's number, ``state`` of a sync or of the keys above.

    ``group`` is a key of ``groups``: a team that was imported, or a group of Auto Sync.
    """

    text: str = ""
    platform: int | None = None
    state: str = ""
    kind: str = ""
    group: str = ""

    def told(self) -> dict[str, Any]:
        """What of it is given, for an address or a run."""
        return {name: value for name, value in asdict(self).items() if value}


def conditions(tenant: Tenant, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """SQL about a person ``p``, and its values."""
    found = ["p.tenant_id = %(tenant)s"]
    on = wanted.platform or 0
    sync = "AND s.installation_id = %(on)s" if on else ""
    if wanted.text:
        found.append("p.search LIKE lower(%(text)s)")
    if wanted.state in _STATES:
        found.append(_STATES[wanted.state].format(sync=sync))
    elif wanted.state:
        found.append(_SYNC.format(more="AND s.state = %(state)s" + (" AND s.kind = %(kind)s" if wanted.kind else "")))
    if wanted.kind and (not wanted.state or wanted.state in _STATES):
        found.append(_SYNC.format(more="AND s.kind = %(kind)s"))
    if wanted.group:
        found.append(_GROUPS.get(wanted.group[:1], "false"))
    if on and not wanted.state and not wanted.kind:
        found.append(
            "EXISTS (SELECT FROM accounts_platformaccount a WHERE a.person_id = p.id AND a.installation_id = %(on)s"
            " AND NOT a.is_deleted)"
        )
    return " AND ".join(found), _values(tenant, wanted, on)


def _values(tenant: Tenant, wanted: Wanted, on: int) -> dict[str, Any]:
    text = wanted.text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return {
        "tenant": tenant.pk,
        "text": f"%{text}%",
        "on": on,
        "places": [place.pk for place in tenant.places if on in (0, place.pk)],
        "makers": [place.pk for place in tenant.places if makes(place)],
        "state": wanted.state,
        "kind": wanted.kind,
        "group": int(wanted.group[1:19]) if wanted.group[1:].isdecimal() else 0,
    }


def groups(tenant: Tenant) -> dict[str, str]:
    """What one may filter by, with its name: groups of Auto Sync before the teams that were imported."""
    ours = SyncGroup.objects.filter(tenant=tenant).order_by("place", "pk")
    teams = Team.objects.filter(installation__tenant=tenant, is_chosen=True).order_by("name", "pk")
    known = [(letter, rows.values_list("pk", "name")[:MOST_GROUPS]) for letter, rows in (("g", ours), ("t", teams))]
    return {f"{letter}{number}": name for letter, rows in known for number, name in rows}


STATES = {
    "": "All",
    UNSYNCED: "Not synced",
    UserSync.State.SYNCED: "Synced",
    UserSync.State.PENDING: "Waiting for consent",
    UserSync.State.SYNCING: "Syncing",
    UserSync.State.NEEDS_REAUTH: "Consent has ended",
    UserSync.State.ERROR: "In error",
    UNAVAILABLE: "Not available",
    TO_CHOOSE: "Primary platform to choose",
    AMBIGUOUS: "Two accounts on one platform",
    RESTRICTED: "Restricted to the organization",
}
"""What one can filter by, in words."""
