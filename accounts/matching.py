"""Who an account is, and which account the same person has on another platform."""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

from accounts.models import PlatformAccount
from connectors.messages import Account

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED = 20_000
"""Accounts a worker keeps in memory: the active people of a large company, some ten megabytes."""
LONGEST_ID = 255
"""Far above any platform's ids (Webex: about 150). What is longer is no id, and nobody of that name is remembered."""
LONGEST_URL = 2000
"""What browsers and all four platforms accept; a longer avatar address is no avatar."""
REMEMBERED_SECONDS = 60.0
"""How long a name, avatar or match may be out of date on relayed messages."""


@dataclass(frozen=True, slots=True)
class Known:
    """An account of the directory. ``person`` is None while nobody was matched to it."""

    name: str
    email: str
    avatar_url: str
    person: int | None
    is_bot: bool


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The account that the same person has elsewhere."""

    external_id: str
    name: str
    email: str


class Directory:
    """A worker's short memory of the directory: no query for a person who was asked about within the minute."""

    def __init__(self) -> None:
        self._known: Memory[tuple[int, str], Known | None] = Memory()
        self._counterparts: Memory[tuple[int, int], Counterpart | None] = Memory()

    async def account(self, installation: int, external_id: str) -> Known | None:
        """The account of an installation with that id; None when the directory has never heard of it."""
        key = (installation, external_id)
        if key not in self._known:
            row = await PlatformAccount.objects.filter(installation=installation, external_id=external_id).afirst()
            self._known[key] = _known(row) if row else None
        return self._known[key]

    async def counterpart(self, person: int, installation: int) -> Counterpart | None:
        """The account a person has on another installation; a regular one before a bot."""
        key = (person, installation)
        if key not in self._counterparts:
            rows = PlatformAccount.objects.filter(person=person, installation=installation).order_by("is_bot", "id")
            row = await rows.afirst()
            self._counterparts[key] = Counterpart(row.external_id, row.name, row.email) if row else None
        return self._counterparts[key]

    async def learn(self, installation: int, account: Account) -> None:
        """Write down an account that the platform told us about."""
        await sync_to_async(remember)(installation, [account])
        self._known.pop((installation, account.id))


def _known(row: PlatformAccount) -> Known:
    return Known(row.name, row.email, row.avatar_url, row.person_id, row.is_bot)


def storable(text: str) -> str:
    """``text`` without what PostgreSQL cannot hold: NUL and halves of surrogate pairs, which JSON may carry."""
    return text.replace("\x00", "").encode(errors="ignore").decode()


def is_id(account: str) -> bool:
    """Whether an account of that id can be remembered."""
    return account == storable(account) and len(account) <= LONGEST_ID


def remember(installation: int, accounts: Iterable[Account]) -> None:
    """Insert or update accounts of one installation, and match each to the person of the same e-mail address."""
    accounts = [account for account in accounts if is_id(account.id)]
    rows = [
        PlatformAccount(
            installation_id=installation,
            external_id=account.id,
            name=storable(account.name)[:200],
            email=storable(account.email)[:320],
            avatar_url=storable(account.avatar_url) if len(account.avatar_url) <= LONGEST_URL else "",
            is_bot=account.is_bot,
            is_guest=account.is_guest,
            is_deleted=account.is_deleted,
        )
        for account in accounts
    ]
    PlatformAccount.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["installation", "external_id"],
        update_fields=["name", "email", "avatar_url", "is_bot", "is_guest", "is_deleted"],
    )
    match_people(installation, [row.external_id for row in rows])


_ADD_PEOPLE = """
INSERT INTO accounts_person (tenant_id, name, email)
SELECT DISTINCT ON (lower(a.email)) i.tenant_id, a.name, a.email
FROM accounts_platformaccount a JOIN accounts_installation i ON i.id = a.installation_id
WHERE a.installation_id = %(installation)s AND a.email <> '' AND NOT a.is_bot AND NOT a.is_deleted AND NOT a.is_placed
  AND (%(only)s::text[] IS NULL OR a.external_id = ANY(%(only)s))
ON CONFLICT DO NOTHING
"""

_MATCH = """
UPDATE accounts_platformaccount a SET person_id = p.id
FROM accounts_installation i, accounts_person p
WHERE a.installation_id = %(installation)s AND i.id = a.installation_id AND p.tenant_id = i.tenant_id
  AND lower(p.email) = lower(a.email) AND NOT a.is_bot AND NOT a.is_placed AND a.person_id IS DISTINCT FROM p.id
  AND (%(only)s::text[] IS NULL OR a.external_id = ANY(%(only)s))
"""

OWN = "NOT {0}.is_bot AND NOT {0}.is_guest AND NOT {0}.is_deleted"
"""What makes an account somebody's own, and no stand-in."""

_COUNT_PLACES = f"""
UPDATE accounts_person p SET places = counted.places, is_ambiguous = counted.is_ambiguous
FROM (
    SELECT p.id, count(own.accounts) AS places, coalesce(max(own.accounts), 0) > 1 AS is_ambiguous
    FROM accounts_person p LEFT JOIN (
        SELECT a.person_id, count(*) AS accounts FROM accounts_platformaccount a
        WHERE {OWN.format("a")} AND a.person_id = ANY(%(people)s)
        GROUP BY a.person_id, a.installation_id
    ) own ON own.person_id = p.id
    WHERE p.id = ANY(%(people)s)
    GROUP BY p.id
) counted
WHERE counted.id = p.id AND (p.places, p.is_ambiguous) IS DISTINCT FROM (counted.places, counted.is_ambiguous)
"""

_PEOPLE_OF = """
SELECT DISTINCT a.person_id FROM accounts_platformaccount a
WHERE a.installation_id = %(installation)s AND a.person_id IS NOT NULL
  AND (%(only)s::text[] IS NULL OR a.external_id = ANY(%(only)s))
"""


def count_places(people: list[int]) -> None:
    """Bring up to date on how many connections these people have accounts of their own."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_PLACES, {"people": people})


def match_people(installation: int, only: list[str] | None = None) -> None:
    """Give accounts of an installation that have an e-mail address their person, made where there is none yet.

    All of them, or those whose ids are in ``only``: one newcomer must not cost a look at a hundred thousand.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ADD_PEOPLE, {"installation": installation, "only": only})
        cursor.execute(_MATCH, {"installation": installation, "only": only})
        cursor.execute(
            _COUNT_PLACES.replace("ANY(%(people)s)", f"ANY(ARRAY({_PEOPLE_OF}))"),
            {"installation": installation, "only": only},
        )


class Memory(Generic[K, V]):
    """A bounded mapping whose entries go stale after ``REMEMBERED_SECONDS``."""

    def __init__(self) -> None:
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry[0] > time.monotonic()

    def __getitem__(self, key: K) -> V:
        return self._entries[key][1]

    def __setitem__(self, key: K, value: V) -> None:
        self._entries[key] = (time.monotonic() + REMEMBERED_SECONDS, value)
        if len(self._entries) > REMEMBERED:
            self._entries.popitem(last=False)

    def pop(self, key: K) -> None:
        """Forget an entry, if it is there."""
        self._entries.pop(key, None)
