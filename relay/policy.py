"""What may cross between companies that share a channel: asked for each message there, so that a change counts at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection


def _trusts(tenant: str, domain: str) -> str:
    """Whether a company's list of trusted organizations lets a domain in; a company without a list trusts everybody."""
    listed = f"SELECT 1 FROM accounts_trustedorganization t WHERE t.tenant_id = {tenant}"
    return f"(NOT EXISTS ({listed}) OR EXISTS ({listed} AND lower(t.domain) = lower({domain})))"


def _barring(wished: str) -> str:
    """What of ``wished`` must not be: rows of number, link and author of what is said, target (NULL: every other leg), and
    whether the author is known. Yields number, link that must not be reached, and whether by the author's own company.
    """
    return f"""
WITH asked AS (
    SELECT w.*, l.conversation_id, i.tenant_id, split_part(coalesce(a.email, ''), '@', 2) AS domain, EXISTS (
        SELECT 1 FROM accounts_restricteduser r WHERE r.tenant_id = i.tenant_id AND lower(r.email) = lower(a.email)
    ) AS is_restricted
    FROM ({wished}) AS w(number, link, author, target, has_author)
    JOIN relay_conversationlink l ON l.id = w.link
    JOIN accounts_installation i ON i.id = l.installation_id
    LEFT JOIN accounts_platformaccount a ON a.installation_id = i.id AND a.external_id = w.author AND w.has_author
)
SELECT asked.number, l.id, asked.is_restricted
FROM asked
JOIN relay_conversationlink l
    ON l.conversation_id = asked.conversation_id AND l.is_active AND l.id = coalesce(asked.target, l.id)
JOIN accounts_installation i ON i.id = l.installation_id AND i.tenant_id <> asked.tenant_id
LEFT JOIN relay_participation ours
    ON ours.conversation_id = l.conversation_id AND ours.tenant_id = asked.tenant_id AND ours.ended_at IS NULL
LEFT JOIN relay_participation theirs
    ON theirs.conversation_id = l.conversation_id AND theirs.tenant_id = i.tenant_id AND theirs.ended_at IS NULL
WHERE asked.is_restricted OR ours.id IS NULL OR theirs.id IS NULL
   OR NOT {_trusts("asked.tenant_id", "theirs.domain")}
   OR NOT {_trusts("i.tenant_id", "ours.domain")}
   OR asked.has_author AND NOT {_trusts("i.tenant_id", "asked.domain")}
ORDER BY l.id
"""


_BARRED = _barring("SELECT 0, %(link)s::bigint, %(author)s::text, NULL::bigint, true")

_NO_LONGER = _barring(
    """
    SELECT d.id, e.link_id, m.author, d.link_id,
        e.kind IN ('posted', 'edited', 'changed') AND e.link_id = m.origin_id AND m.author NOT IN ('', i.account)
    FROM relay_delivery d
    JOIN relay_inboundevent e ON e.id = d.event_id
    JOIN accounts_installation i ON i.id = e.installation_id
    JOIN relay_relayedmessage m ON m.id = d.message_id
    WHERE d.id = ANY(%(deliveries)s::bigint[]) AND e.kind <> 'deleted'
    """
)
"""Of a reaction only the company counts that reacts: who it was is not kept. What was taken back is taken back everywhere."""

NO_LONGER = (
    "kept inside: since this was written, trust between the companies was taken back or its author was restricted"
)
"""Why what was kept is not delivered after all."""

_FILES = """
SELECT l.allows_files AS are_let_in, o.tenant_id <> t.tenant_id AS go_outside, company.name AS company,
       company.shares_files_outside AND ours.sends_files IS TRUE AS may_leave, theirs.takes_files IS TRUE AS are_taken,
       a.is_guest IS TRUE AND NOT company.shares_files_of_guests AS are_a_guests
FROM relay_conversationlink l
JOIN accounts_installation t ON t.id = l.installation_id
JOIN accounts_installation o ON o.id = %(origin)s
JOIN accounts_tenant company ON company.id = o.tenant_id
LEFT JOIN accounts_platformaccount a ON a.installation_id = o.id AND a.external_id = %(author)s
LEFT JOIN relay_participation ours
    ON ours.conversation_id = l.conversation_id AND ours.tenant_id = o.tenant_id AND ours.ended_at IS NULL
LEFT JOIN relay_participation theirs
    ON theirs.conversation_id = l.conversation_id AND theirs.tenant_id = t.tenant_id AND theirs.ended_at IS NULL
WHERE l.id = %(link)s
"""


@dataclass(frozen=True, slots=True)
class Barred:
    """Mailboxes of other companies that somebody's words must not reach. ``is_restricted``: by the author's own company."""

    links: tuple[int, ...] = ()
    is_restricted: bool = False


NOBODY = Barred()


async def barred(link: int, author: str) -> Barred:
    """Whom ``author``, who speaks in the conversation of ``link``, must not reach.

    Nobody outside, where their company restricts them; nor a company that they, or their company, are not trusted by; nor one
    that their company does not trust.
    """
    rows = await sync_to_async(_rows)(_BARRED, {"link": link, "author": author})
    return Barred(tuple(link for _, link, _ in rows), any(is_restricted for _, _, is_restricted in rows))


def no_longer(deliveries: Sequence[int]) -> set[int]:
    """Which of these deliveries may not cross any more, by what the companies decided since they were routed."""
    return {delivery for delivery, _, _ in _rows(_NO_LONGER, {"deliveries": list(deliveries)})}


async def obstacle_to_files(origin: int, author: str, link: int) -> str:
    """Why files of ``author``, shared on the installation ``origin``, do not go into a mailbox; empty where they do."""
    [(are_let_in, go_outside, company, may_leave, are_taken, are_a_guests)] = await sync_to_async(_rows)(
        _FILES, {"origin": origin, "author": author, "link": link}
    )
    if go_outside and not may_leave:
        return f"{company} does not share files with other companies"
    if are_a_guests:
        return f"{company} does not share files of guests"
    return "" if are_let_in and (are_taken or not go_outside) else "files are not let in here"


def _rows(statement: str, values: dict[str, Any]) -> Sequence[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: Sequence[Any] = cursor.fetchall()
        return rows
