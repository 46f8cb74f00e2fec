"""A channel's members as its platform lists them, page by page, against those that we hold: compared by the database."""

from collections.abc import Iterable

from django.db import connection, transaction

from accounts.matching import is_id
from connectors.messages import AccountId

_MAKE_LIST = "CREATE TEMPORARY TABLE IF NOT EXISTS listed (account text PRIMARY KEY)"

_LIST = "INSERT INTO listed SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"

_NEWEST = "SELECT coalesce(max(id), 0) FROM accounts_channelmember"

_STRANGERS = """
SELECT s.account FROM listed s
WHERE NOT EXISTS (
    SELECT FROM accounts_platformaccount a WHERE a.installation_id = %s AND a.external_id = s.account
)
ORDER BY s.account LIMIT %s
"""

_COME = """
INSERT INTO accounts_channelmember (channel_id, account_id, is_added)
SELECT %(channel)s, a.id, false
FROM listed s JOIN accounts_platformaccount a ON a.external_id = s.account AND a.installation_id = %(installation)s
ORDER BY a.id
ON CONFLICT DO NOTHING
"""

_GO = """
DELETE FROM accounts_channelmember m USING accounts_platformaccount a
WHERE m.channel_id = %(channel)s AND m.id <= %(newest)s AND a.id = m.account_id
  AND NOT EXISTS (SELECT FROM listed s WHERE s.account = a.external_id)
"""

_COUNT = """
UPDATE accounts_channel SET members_count = (SELECT count(*) FROM accounts_channelmember WHERE channel_id = %(channel)s)
WHERE id = %(channel)s
"""


class Listed:
    """What a platform lists as a channel's members. Everybody is gone through by the database, nobody kept in memory.

    Made before the first page is asked for: whoever becomes a member by our own doing meanwhile, and is on no page yet, is
    not taken for one who left. Of one database connection, and one at a time.
    """

    def __init__(self, channel: int, installation: int) -> None:
        self._channel = channel
        self._installation = installation
        with connection.cursor() as cursor:
            cursor.execute(_MAKE_LIST)
            cursor.execute("TRUNCATE listed")
            cursor.execute(_NEWEST)
            [self._newest] = cursor.fetchone()

    def add(self, accounts: Iterable[AccountId]) -> None:
        """Note one page."""
        with connection.cursor() as cursor:
            cursor.execute(_LIST, [[account for account in accounts if is_id(account)]])

    def strangers(self, most: int) -> list[AccountId]:
        """Members that the directory has never heard of, at most ``most``."""
        with connection.cursor() as cursor:
            cursor.execute(_STRANGERS, [self._installation, most])
            return [AccountId(account) for (account,) in cursor.fetchall()]

    def merge(self) -> bool:
        """Make the memberships what was listed; whether anything changed. Whom we added stays marked as such."""
        told = {"channel": self._channel, "installation": self._installation, "newest": self._newest}
        with transaction.atomic(), connection.cursor() as cursor:
            changed = 0
            for statement in (_GO, _COME):
                cursor.execute(statement, told)
                changed += cursor.rowcount
            if changed:
                count_members(self._channel)
        return changed > 0


def count_members(channel: int) -> None:
    """Write down how many members a channel has."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"channel": channel})
