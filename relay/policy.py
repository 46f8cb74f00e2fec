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


_BARRED = f"""
WITH here AS (
    SELECT l.id, l.conversation_id, i.tenant_id, coalesce(a.email, '') AS email
    FROM relay_conversationlink l JOIN accounts_installation i ON i.id = l.installation_id
    LEFT JOIN accounts_platformaccount a ON a.installation_id = i.id AND a.external_id = %(author)s
    WHERE l.id = %(link)s
), asked AS (
    SELECT here.*, split_part(email, '@', 2) AS domain, EXISTS (
        SELECT 1 FROM accounts_restricteduser r WHERE r.tenant_id = here.tenant_id AND lower(r.email) = lower(here.email)
    ) AS is_restricted FROM here
)
SELECT l.id, asked.is_restricted
FROM asked
JOIN relay_conversationlink l ON l.conversation_id = asked.conversation_id AND l.is_active
JOIN accounts_installation i ON i.id = l.installation_id AND i.tenant_id <> asked.tenant_id
LEFT JOIN relay_participation ours
    ON ours.conversation_id = l.conversation_id AND ours.tenant_id = asked.tenant_id AND ours.ended_at IS NULL
LEFT JOIN relay_participation theirs
    ON theirs.conversation_id = l.conversation_id AND theirs.tenant_id = i.tenant_id AND theirs.ended_at IS NULL
WHERE asked.is_restricted OR ours.id IS NULL OR theirs.id IS NULL
   OR NOT {_trusts("asked.tenant_id", "theirs.domain")}
   OR NOT {_trusts("i.tenant_id", "ours.domain")}
   OR NOT {_trusts("i.tenant_id", "asked.domain")}
ORDER BY l.id
"""

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
    return Barred(tuple(row[0] for row in rows), any(row[1] for row in rows))


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
