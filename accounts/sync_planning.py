"""Planning a run of User Sync: whom it is about, what their platforms say of them, and what would be done to each.

All of it in SQL over many rows at a time; no person is held in memory. Each step commits, so that a run can be planned by
one worker after another.
"""

from typing import Any

import requests
from django.db import connection, transaction
from django.db.models import Count

from accounts.asking import ask_over
from accounts.matching import OWN, remember
from accounts.models import Installation, SyncChange, SyncRun
from accounts.people_filter import Wanted, conditions
from accounts.standing_in import asked, makers, speaking
from connectors.provisioning import Found

Action = SyncChange.Action

AT_ONCE = 10_000
"""Changes decided by one statement: about a second."""

_FILL = """
INSERT INTO accounts_syncchange (run_id, person_id, installation_id, subject, deed, action, licence, state, reason)
SELECT %(run)s, p.id, i.id, p.email, %(deed)s, '', '', 'planned', ''
FROM accounts_person p JOIN accounts_installation i ON i.tenant_id = p.tenant_id
WHERE i.id = ANY(%(installations)s) AND {people}
ON CONFLICT DO NOTHING
"""

_UNDO = """
INSERT INTO accounts_syncchange (run_id, person_id, installation_id, subject, deed, action, licence, state, reason)
SELECT %(run)s, c.person_id, c.installation_id, c.subject,
       CASE c.deed WHEN 'sync' THEN 'unsync' ELSE 'sync' END, '', '', 'planned', ''
FROM accounts_syncchange c LEFT JOIN accounts_usersync s ON s.change_id = c.id
WHERE c.run_id = %(undoes)s AND c.state = 'done' AND c.person_id IS NOT NULL AND c.installation_id IS NOT NULL
  AND (c.action IN ('remove', 'delete') OR (c.action IN ('adopt', 'reuse', 'make') AND s.id IS NOT NULL))
ON CONFLICT DO NOTHING
"""
"""What somebody has changed since is no longer the run's to undo."""

_BATCH = """
SELECT id FROM accounts_syncchange WHERE run_id = %(run)s AND state = 'planned' AND action = '' AND deed = ANY(%(deeds)s)
ORDER BY id LIMIT %(most)s
"""

_RULE = """
coalesce((
    SELECT r.rule FROM accounts_accountpolicy r
    WHERE r.tenant_id = p.tenant_id AND CASE r.by
        WHEN 'domain' THEN r.value = lower(split_part(p.email, '@', 2))
        ELSE EXISTS (
            SELECT FROM accounts_team g JOIN accounts_channel k ON k.team_id = g.id
            JOIN accounts_channelmember x ON x.channel_id = k.id
            JOIN accounts_platformaccount m ON m.id = x.account_id
            JOIN accounts_installation w ON w.id = g.installation_id
            WHERE lower(g.name) = r.value AND m.person_id = p.id AND w.tenant_id = p.tenant_id)
        END
    ORDER BY r.place, r.id LIMIT 1
), t.account_rule)
"""

_FACTS = f"""
SELECT c.id, c.deed, c.licence, c.installation_id, c.installation_id = ANY(%(makers)s) AS makes,
       i.tenant_id AS tenant, p.id AS person, p.primary_id AS chosen, p.places,
       coalesce((SELECT o.installation_id FROM accounts_syncchange o
                 WHERE o.run_id = c.run_id AND o.person_id = p.id AND o.deed = 'primary' AND o.action IN ('choose', 'nothing')
                 ORDER BY o.id LIMIT 1),
                p.primary_id, CASE WHEN p.places = 1 THEN accounts.only_place END) AS main,
       here.own, here.owns, here.stand, s.id AS sync, s.state AS synced, s.is_ours, s.account_id AS synced_as,
       {_RULE} AS rule, t.deletes_stand_ins OR %(undoes)s AS deletes
FROM accounts_syncchange c
LEFT JOIN accounts_installation i ON i.id = c.installation_id
LEFT JOIN accounts_person p ON p.id = c.person_id
LEFT JOIN accounts_tenant t ON t.id = p.tenant_id
LEFT JOIN accounts_usersync s ON s.person_id = c.person_id AND s.installation_id = c.installation_id
LEFT JOIN LATERAL (
    SELECT min(a.id) FILTER (WHERE {OWN.format("a")}) AS own, count(*) FILTER (WHERE {OWN.format("a")}) AS owns,
           min(a.id) FILTER (WHERE a.is_guest AND NOT a.is_deleted) AS stand
    FROM accounts_platformaccount a WHERE a.person_id = c.person_id AND a.installation_id = c.installation_id
) here ON true
LEFT JOIN LATERAL (
    SELECT min(a.installation_id) AS only_place FROM accounts_platformaccount a
    WHERE a.person_id = c.person_id AND {OWN.format("a")}
) accounts ON true
WHERE c.id IN ({_BATCH})
"""

_CAN = "(f.owns = 1 AND f.licence NOT IN ('no', 'none'))"
_OUTCOMES: tuple[tuple[str, str, str], ...] = (
    ("f.person IS NULL OR f.tenant IS NULL", "impossible", "This person or connection is no longer there."),
    ("f.deed = 'primary' AND f.chosen = f.installation_id", "nothing", "It is their primary platform already."),
    ("f.deed = 'primary' AND f.owns = 0", "impossible", "They have no account of their own there."),
    ("f.deed = 'primary' AND f.sync IS NOT NULL", "impossible", "They are synced there. Unsync them there first."),
    ("f.deed = 'primary'", "choose", ""),
    ("f.deed = 'unsync' AND f.sync IS NULL", "nothing", "They are not synced there."),
    ("f.deed = 'unsync' AND f.is_ours AND f.deletes AND f.synced_as IS NOT NULL", "delete", ""),
    ("f.deed = 'unsync'", "remove", ""),
    ("f.synced IN ('synced', 'pending', 'syncing')", "nothing", "They are synced there already."),
    ("f.main IS NULL AND f.places = 0", "impossible", "They have no account of their own on any connected platform."),
    ("f.main IS NULL", "impossible", "They use several platforms. Choose their primary platform first."),
    ("f.main = f.installation_id", "nothing", "It is their primary platform."),
    ("f.owns > 1", "impossible", "They have two accounts there. Say first which of them is theirs."),
    ("NOT f.makes AND f.owns = 0", "impossible", "They have no account there."),
    (f"NOT f.makes AND NOT {_CAN}", "impossible", "Their account there has no licence to chat."),
    ("NOT f.makes", "adopt", ""),
    ("f.rule = 'never'", "impossible", "Your account policy says that they are never synced there."),
    (f"f.rule <> 'stand-in' AND {_CAN}", "adopt", ""),
    (
        "f.rule = 'full'",
        "impossible",
        "Your account policy allows only accounts of their own, and they have none there that may chat.",
    ),
    ("f.stand IS NOT NULL", "reuse", ""),
    ("true", "make", ""),
)
"""Condition, action, reason: the first that holds is what becomes of a change."""

_DECIDE = f"""
UPDATE accounts_syncchange c SET (action, reason, account_id) = (
    SELECT a.action, a.reason, CASE a.action
        WHEN 'adopt' THEN f.own WHEN 'reuse' THEN f.stand WHEN 'remove' THEN f.synced_as WHEN 'delete' THEN f.synced_as END
    FROM (SELECT {{number}} AS number) n JOIN (VALUES {{outcomes}}) AS a (number, action, reason) USING (number)
)
FROM ({_FACTS}) f WHERE f.id = c.id
""".format(
    number="CASE " + " ".join(f"WHEN {when} THEN {place}" for place, (when, _, _) in enumerate(_OUTCOMES)) + " END",
    outcomes=", ".join(f"({place}, '{action}', '{reason}')" for place, (_, action, reason) in enumerate(_OUTCOMES)),
)


def fill(run: SyncRun) -> None:
    """Write down whom the run is about, on which connections."""
    values: dict[str, Any] = {"run": run.pk, "deed": run.deed, "installations": run.wanted.get("installations", [])}
    if "people" in run.wanted:
        people, more = (
            "p.id = ANY(%(people)s) AND p.tenant_id = %(tenant)s",
            {"people": run.wanted["people"], "tenant": run.tenant_id},
        )
    else:
        people, more = conditions(run.tenant, Wanted(**run.wanted["filter"]))
    with connection.cursor() as cursor:
        cursor.execute(_FILL.format(people=people), values | more)
        cursor.execute("ANALYZE accounts_syncchange")  # or PostgreSQL believes for a minute that there are none


def fill_undo(run: SyncRun) -> None:
    """Write down the reverse of what the run that it ``undoes`` has done."""
    with connection.cursor() as cursor:
        cursor.execute(_UNDO, {"run": run.pk, "undoes": run.undoes_id})


def decide(run: SyncRun) -> int:
    """Decide some of what is not decided yet; primary platforms first, on which the rest depends. Returns how many."""
    values: dict[str, Any] = {
        "run": run.pk,
        "makers": makers(run.tenant),
        "undoes": run.undoes_id is not None,
        "most": AT_ONCE,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for deeds in (["primary"], ["sync", "unsync"]):
            cursor.execute(_DECIDE, values | {"deeds": deeds})
            if cursor.rowcount:
                break
        return int(cursor.rowcount)


def look_up(run: SyncRun, opened: requests.Session) -> bool:
    """Ask a platform about a batch of people whose own account may be used, or for whom one would be made.

    What it says is written down, and they are decided anew. False where nobody is left to ask about. Raises the error
    family of ``connectors/errors.py``.
    """
    waiting = SyncChange.objects.filter(run=run, state="planned", action__in=(Action.ADOPT, Action.MAKE), licence="")
    for pk in asked(run.tenant):
        rows = waiting.filter(installation=pk).select_related("person", "account").order_by("pk")
        if rows.exists():
            installation = Installation.objects.get(pk=pk)
            with speaking(installation) as connector:
                batch = list(rows[: connector.most_looked_up])
                addresses = {row.pk: address_of(row) for row in batch}
                found = ask_over(opened, connector.look_up(sorted(set(addresses.values()))), connector.credentials)
            _write_down(installation, addresses, found)
            return True
    return False


def address_of(change: SyncChange) -> str:
    """By which address a platform knows somebody, in small letters."""
    known = change.account.email if change.account else ""
    return (known or change.subject).lower()


@transaction.atomic
def _write_down(installation: Installation, addresses: dict[int, str], found: dict[str, Found]) -> None:
    remember(installation.pk, [each.account for each in found.values()])
    for licence in ("yes", "no", "none"):
        numbers = [pk for pk, address in addresses.items() if _licence(found.get(address)) == licence]
        SyncChange.objects.filter(pk__in=numbers).update(licence=licence, action="")


def _licence(found: Found | None) -> str:
    if found is None:
        return "none"
    return "yes" if found.is_licensed else "no"


def counted(run: SyncRun, by: str) -> dict[str, int]:
    """How many changes there are of each action or state."""
    rows = SyncChange.objects.filter(run=run).order_by(by).values_list(by).annotate(count=Count("pk"))
    return dict(rows)
