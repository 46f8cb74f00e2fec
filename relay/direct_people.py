"""Who is in which direct chat, what platform each of them prefers, and what stands for them elsewhere: the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.matching import OWN
from accounts.models import PlatformAccount, Subscription, Tenant, UserSync
from connectors.errors import Refused
from relay import afterwards
from relay.models import ConversationLink, DirectMember, UniversalConversation

STANDING = (UserSync.State.SYNCED, UserSync.State.PENDING, UserSync.State.NEEDS_REAUTH)
"""States in which somebody is synced, whether or not their consent is missing."""

_HOME = f"""
coalesce(p.primary_id, CASE WHEN p.places = 1 THEN (
    SELECT min(o.installation_id) FROM accounts_platformaccount o WHERE o.person_id = p.id AND {OWN.format("o")}
) END)
"""
"""The connection of somebody's primary platform: the one chosen, or the only one."""

_AT = f"""
SELECT a.id AS account, a.external_id, a.name, a.person_id AS person, {_HOME} AS home,
       s.id AS sync, s.kind, s.state
FROM relay_directmember d
JOIN accounts_platformaccount a ON a.id = d.account_id
LEFT JOIN accounts_person p ON p.id = a.person_id
LEFT JOIN accounts_usersync s ON s.person_id = p.id AND s.installation_id = a.installation_id
WHERE d.link_id = %s ORDER BY d.id
"""

_IS_AT_HOME = f"""
SELECT 1 FROM accounts_platformaccount a JOIN accounts_person p ON p.id = a.person_id
WHERE a.installation_id = %s AND a.external_id = %s AND NOT a.is_guest AND {_HOME} = a.installation_id
"""

_STAND_INS = f"""
SELECT s.person_id AS person, s.installation_id AS installation, a.id AS account, a.external_id,
       s.id AS sync, s.kind, s.state,
       s.kind = 'guest' AND t.guests_speak AND NOT EXISTS (SELECT FROM accounts_grant g WHERE g.account_id = a.id)
           AS may_be_asked
FROM accounts_usersync s JOIN accounts_platformaccount a ON a.id = s.account_id
JOIN accounts_installation i ON i.id = s.installation_id JOIN accounts_tenant t ON t.id = i.tenant_id
WHERE s.person_id = ANY(%(people)s) AND s.installation_id = ANY(%(homes)s) AND s.state = ANY(%(standing)s)
UNION ALL
SELECT a.person_id, a.installation_id, a.id, a.external_id, NULL, NULL, NULL, false
FROM accounts_platformaccount a
WHERE a.person_id = ANY(%(people)s) AND a.installation_id = ANY(%(homes)s) AND {OWN.format("a")}
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Somebody:
    """Somebody in a chat, by their account there. ``person`` is None where nobody was matched, ``home`` (the connection of
    their primary platform) where none was chosen of several. ``sync``, ``kind`` and ``state`` are of the ``UserSync`` that
    has them represented here, None where there is none."""

    account: int
    external_id: str
    name: str
    person: int | None
    home: int | None
    sync: int | None
    kind: str | None
    state: str | None

    @property
    def is_synced(self) -> bool:
        """Whether they are represented here."""
        return self.state in STANDING

    @property
    def wants_consent(self) -> bool:
        """Whether we cannot speak as them here before they have consented."""
        return _wants_consent(self.kind, self.state)


@dataclass(frozen=True, slots=True)
class StandIn:
    """An account that somebody has on another connection: their own, or one that stands for them.

    ``sync`` is None for an account of their own that represents nobody. ``may_be_asked``: a guest that may speak for itself,
    and whose person was not asked yet; ours speaks for it meanwhile.
    """

    person: int
    installation: int
    account: int
    external_id: str
    sync: int | None
    kind: str | None
    state: str | None
    may_be_asked: bool

    @property
    def is_own(self) -> bool:
        """Whether it speaks for itself, by its person's consent."""
        return self.kind == UserSync.Kind.FULL

    @property
    def wants_consent(self) -> bool:
        """As of ``Somebody``."""
        return _wants_consent(self.kind, self.state)


def _wants_consent(kind: str | None, state: str | None) -> bool:
    return kind == UserSync.Kind.FULL and state != UserSync.State.SYNCED


class StandIns:
    """What stands for the people of a chat on the connections where any of them is at home."""

    def __init__(self, rows: Sequence[StandIn], people: Iterable[Somebody]) -> None:
        self._at_home = {(one.person, one.home) for one in people}
        self._synced = {(row.person, row.installation): row for row in rows if row.sync is not None}
        self._own = {(row.person, row.installation): row for row in rows if row.sync is None}

    def synced(self, person: int | None, home: int | None) -> StandIn | None:
        """What a sync has represent somebody there."""
        return self._synced.get((person, home)) if person and home else None

    def own(self, person: int | None, home: int | None) -> StandIn | None:
        """Their own account there."""
        return self._own.get((person, home)) if person and home else None

    def there(self, person: int | None, home: int) -> StandIn | None:
        """The account with which somebody is in a chat there: none of somebody who is neither synced nor at home there."""
        return self.synced(person, home) or (self.own(person, home) if (person, home) in self._at_home else None)


@dataclass(frozen=True, slots=True)
class Leg:
    """A chat on another platform, with the accounts in it."""

    link: int
    external_id: str
    heard_by: str | None
    accounts: frozenset[int]


def at(link: int) -> list[Somebody]:
    """Everybody in a chat, as far as the platform was asked."""
    return [Somebody(*row) for row in _rows(_AT, [link])]


def accounts_in(installation: int, chat: str) -> list[str]:
    """What the platform calls those in a chat, as far as we know them."""
    rows = DirectMember.objects.filter(link__installation=installation, link__external_id=chat)
    return list(rows.order_by("pk").values_list("account__external_id", flat=True))


def account(installation: int, external_id: str) -> int | None:
    """The number of an account."""
    rows = PlatformAccount.objects.filter(installation=installation, external_id=external_id)
    return rows.values_list("pk", flat=True).first()


def is_at_home(installation: int, account: str) -> bool:
    """Whether an account is its person's own on their primary platform."""
    return bool(_rows(_IS_AT_HOME, [installation, account]))


def stand_ins(people: Sequence[Somebody]) -> StandIns:
    """What stands for these people wherever any of them is at home."""
    homes = sorted({one.home for one in people if one.home})
    values = {"people": [one.person for one in people if one.person], "homes": homes, "standing": list(STANDING)}
    return StandIns([StandIn(*row) for row in _rows(_STAND_INS, values)], people)


def leg(conversation: int, installation: int, ours: Iterable[str]) -> Leg | None:
    """The chat of a conversation on one connection; ``ours`` are accounts that do not count among its people."""
    row = ConversationLink.objects.filter(conversation=conversation, installation=installation, is_active=True).first()
    if row is None:
        return None
    people = row.people.exclude(account__external_id__in=list(ours)).values_list("account", flat=True)
    return Leg(row.pk, row.external_id, row.heard_by, frozenset(people))


def has_other_legs(conversation: int, link: int) -> bool:
    """Whether there are chats on other platforms already."""
    return ConversationLink.objects.filter(conversation=conversation).exclude(pk=link).exists()


def legs_outside(conversation: int, link: int, homes: Iterable[int]) -> tuple[int, ...]:
    """The other legs of a conversation that are on none of these connections."""
    rows = ConversationLink.objects.filter(conversation=conversation, is_active=True).exclude(pk=link)
    return tuple(rows.exclude(installation__in=list(homes)).order_by("pk").values_list("pk", flat=True))


def write_down(link: int, installation: int, accounts: Iterable[str]) -> int:
    """Remember who is in a chat. Returns how many of them we know."""
    rows = PlatformAccount.objects.filter(installation=installation, external_id__in=list(accounts))
    with transaction.atomic():
        DirectMember.objects.filter(link=link).exclude(account__in=rows).delete()
        members = [DirectMember(link_id=link, account_id=pk) for pk in rows.order_by("pk").values_list("pk", flat=True)]
        DirectMember.objects.bulk_create(members, ignore_conflicts=True)
    return len(members)


def add(link: int, accounts: Iterable[StandIn]) -> None:
    """Somebody was brought in."""
    members = [DirectMember(link_id=link, account_id=one.account) for one in accounts]
    DirectMember.objects.bulk_create(members, ignore_conflicts=True)


def forget(link: int) -> None:
    """Forget who is in a chat."""
    DirectMember.objects.filter(link=link).delete()


@transaction.atomic
def close(conversation: int) -> None:
    """Nothing of this chat ever crosses: what is said in it is not looked at for some time, and it is forgotten soon."""
    legs = ConversationLink.objects.filter(conversation=conversation)
    legs.update(is_active=False)
    DirectMember.objects.filter(link__in=legs).delete()
    UniversalConversation.objects.filter(pk=conversation).update(ended_at=Now())


@transaction.atomic
def attach(
    conversation: int, origin: int, installation: int, chat: str, heard_by: str, accounts: Iterable[StandIn]
) -> bool:
    """Make a chat a leg of a conversation, in the place of the one it had there.

    Both sides may have begun at the same time, each in a conversation of its own: then the older one takes the other's leg.
    False where ``origin`` is the one that moved: whoever works on the other conversation goes on with it. Raises ``Refused``
    for a chat that is synced as a channel.
    """
    known = ConversationLink.objects.filter(installation=installation, external_id=chat).first()
    if known and known.conversation_id != conversation:
        list(_in_order(conversation, known.conversation_id))
        known.refresh_from_db()
    if known and known.heard_by is None:
        raise Refused("this is a channel, and nobody's own chat")
    if known and known.is_active and known.conversation_id < conversation:
        _move(ConversationLink.objects.get(pk=origin), known.conversation_id)
        return False
    if known and known.conversation_id != conversation:
        _move(known, conversation)
    _part(conversation, installation, chat)
    shares_files = Tenant.objects.values_list("shares_files", flat=True).get(installations=installation)
    fields: dict[str, Any] = {"conversation_id": conversation, "is_active": True, "heard_by": heard_by, "name": ""}
    fields["allows_files"] = shares_files
    row, _ = ConversationLink.objects.update_or_create(installation_id=installation, external_id=chat, defaults=fields)
    accounts = list(accounts)
    row.people.exclude(account__in=[one.account for one in accounts]).delete()
    add(row.pk, accounts)
    # A group that was opened in somebody's name may have to be ordered in it, before anybody answers.
    orders = Subscription.objects.filter(installation=installation, account__external_id=heard_by)
    if orders.update(checked_at=datetime.fromtimestamp(0, UTC)):
        afterwards.changed([installation])
    return True


def _in_order(*conversations: int) -> Any:
    """Held until the end of the transaction, in an order that two who meet agree on."""
    rows = UniversalConversation.objects.select_for_update(no_key=True).filter(pk__in=conversations)
    return rows.order_by("pk").values_list("pk", flat=True)


def _move(link: ConversationLink, to: int) -> None:
    """Make a leg one of another conversation; what it leaves ends if nothing is left of it."""
    _part(to, link.installation_id, link.external_id)
    ConversationLink.objects.filter(pk=link.pk).update(conversation=to)
    left = UniversalConversation.objects.filter(pk=link.conversation_id).exclude(links__is_active=True)
    left.update(ended_at=Now())


def _part(conversation: int, installation: int, chat: str) -> None:
    """Let go of any other chat on a connection: it goes on by itself, for whoever writes there writes to other people."""
    legs = ConversationLink.objects.filter(conversation=conversation, installation=installation, is_active=True)
    for leg in legs.exclude(external_id=chat).select_related("conversation").order_by("pk"):
        kind = UniversalConversation.Kind.DIRECT
        leg.conversation = UniversalConversation.objects.create(tenant_id=leg.conversation.tenant_id, kind=kind)
        leg.save(update_fields=["conversation"])


def _rows(statement: str, values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
        return rows
