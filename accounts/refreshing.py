"""Refreshing: what a platform's events made us doubt is asked for, a little later and once for many of them."""

from datetime import timedelta
from typing import TypeVar

import structlog
from django.db.models.functions import Now
from django.utils import timezone

from accounts import tokens
from accounts.alone import alone
from accounts.asking import ask
from accounts.importing import ACTIVE
from accounts.matching import remember, storable
from accounts.memberships import Listed
from accounts.models import Channel, ChannelMember, DirectoryImport, Doubt, Installation, PlatformAccount, Team
from connectors.calls import Calls
from connectors.directory import MOST_PAGES, ListsAccounts, ListsConversations, ListsMembers, Place
from connectors.errors import ConnectorError, Gone, NotSupported, Reconnect, Refused, TryAgain
from connectors.messages import Account, AccountId, ConversationId

T = TypeVar("T")

log = structlog.get_logger(__name__)

BATCH = 100
"""Doubts of one turn: some hundred calls, a minute at the slowest platform, and then the next worker may have it."""
MOST_STRANGERS = 100
"""Unknown members asked for in one look at a channel: the rest in the next, so that a rate limit costs little."""
PATIENCE = timedelta(seconds=30)
"""How long a platform in trouble is left alone; a directory may be late by that much."""
WHILE_READ = timedelta(minutes=10)
"""A run that reads everything will write down what it saw hours ago: until it has, a doubt is looked into now and again."""


def due() -> list[int]:
    """Installations with doubts whose time has come."""
    rows = Doubt.objects.filter(not_before__lte=Now(), installation__state=Installation.State.CONNECTED)
    return list(rows.order_by("installation").values_list("installation", flat=True).distinct())


def doubt(installation: int, conversation: str) -> None:
    """Have a channel looked at at once: it was just made or entered, and nobody knows its members yet."""
    now = timezone.now()
    Doubt.objects.update_or_create(
        {"noticed_at": now, "not_before": now}, installation_id=installation, conversation=conversation, account=""
    )


def refresh(pk: int) -> set[int]:
    """Ask for what is in doubt in one installation. Returns the channels in which somebody came, went or changed."""
    with alone("refresh a directory", pk) as is_alone:
        installation = Installation.objects.prefetch_related("tokens").filter(pk=pk).first()
        if not is_alone or installation is None or installation.state != Installation.State.CONNECTED:
            return set()
        look = _Look(installation)
        look.turn()
        return look.changed


class _Look:
    """One turn at one installation's doubts."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._connector = installation.connector()
        self._doubts = Doubt.objects.filter(installation=installation, not_before__lte=Now())
        self._is_by_team = Team.objects.filter(installation=installation).exists()
        self.changed: set[int] = set()

    def turn(self) -> None:
        try:
            for doubt in self._doubts.order_by("not_before", "pk")[:BATCH]:
                self._look_into(doubt)
        except TryAgain as error:
            self._put_off(max(PATIENCE, timedelta(seconds=getattr(error, "after", 0.0))))
        except Reconnect as error:
            tokens.refused(self._installation.pk, self._connector.credentials.tokens, f"{error}.")
            self._put_off(PATIENCE)

    def _look_into(self, doubt: Doubt) -> None:
        try:
            is_all = self._asked(doubt)
        except (TryAgain, Reconnect):
            raise
        except (ConnectorError, NotSupported) as error:
            log.info("doubt_dropped", platform=self._installation.platform, reason=str(error))
            is_all = True  # asking once more would not help: the nightly run sees everything
        if is_all:
            self._settle(doubt)

    def _asked(self, doubt: Doubt) -> bool:
        """Whether the platform was asked for all of it; if not, the rest is for the next turn."""
        if doubt.conversation:
            return self._channel(ConversationId(doubt.conversation))
        self._account(AccountId(doubt.account))
        return True

    def _settle(self, doubt: Doubt) -> None:
        """Unless it was noticed again meanwhile, or what we wrote is about to be overwritten with older news."""
        reads = DirectoryImport.objects.filter(installation=self._installation, state__in=ACTIVE)
        same = Doubt.objects.filter(pk=doubt.pk, noticed_at=doubt.noticed_at)
        if reads.exists():
            same.update(not_before=timezone.now() + WHILE_READ)
        else:
            same.delete()

    def _put_off(self, pause: timedelta) -> None:
        self._doubts.update(not_before=timezone.now() + pause)

    # --- an account

    def _account(self, account: AccountId) -> None:
        """Where teams are chosen, strangers are of no interest: whoever joins one of them is in doubt as its member."""
        rows = PlatformAccount.objects.filter(installation=self._installation, external_id=account)
        before = rows.first()
        if before is None and self._is_by_team:
            return
        try:
            remember(self._installation.pk, [self._who_is(account)])
        except Gone:
            rows.update(is_deleted=True)
        after = rows.first()
        if before and after and (before.is_deleted, before.person_id) != (after.is_deleted, after.person_id):
            self.changed |= set(ChannelMember.objects.filter(account=after).values_list("channel", flat=True))

    def _who_is(self, account: AccountId) -> Account:
        if not isinstance(self._connector, ListsAccounts):
            raise NotSupported("this platform does not tell who an account is")
        return self._ask(self._connector.account(account))

    # --- a channel

    def _channel(self, conversation: ConversationId) -> bool:
        rows = Channel.objects.filter(installation=self._installation, external_id=conversation)
        if rows.filter(team__is_chosen=False).exists():
            return True
        if isinstance(self._connector, ListsConversations):
            try:
                self._write(self._ask(self._connector.conversation(conversation)))
            except Gone:
                rows.delete()
        channel = rows.first()
        return self._members(channel) if channel else True

    def _write(self, place: Place) -> None:
        """Of a team that nobody chose, nothing is written."""
        team = Team.objects.filter(installation=self._installation, external_id=place.team, is_chosen=True).first()
        if place.team and team is None:
            return
        as_told = {
            "team": team,
            "name": storable(place.name)[:300],
            "topic": storable(place.topic)[:1000],
            "is_private": place.is_private,
            "is_archived": place.is_archived,
            "is_entered": place.is_entered,
        }
        Channel.objects.update_or_create(as_told, installation=self._installation, external_id=place.id)

    def _members(self, channel: Channel) -> bool:
        if not isinstance(self._connector, ListsMembers):
            return True
        listed = self._listed(self._connector, channel)
        strangers = listed.strangers(MOST_STRANGERS)
        for stranger in strangers:
            remember(self._installation.pk, [self._introduced(stranger)])
        if listed.merge():
            self.changed.add(channel.pk)
        return len(strangers) < MOST_STRANGERS

    def _listed(self, connector: ListsMembers, channel: Channel) -> Listed:
        listed, cursor = Listed(channel.pk, self._installation.pk), ""
        for _ in range(MOST_PAGES):
            page = self._ask(connector.members_page(ConversationId(channel.external_id), cursor))
            listed.add(page.items)
            if not (cursor := page.next):
                return listed
        raise Refused("its list of members has no end")

    def _introduced(self, stranger: AccountId) -> Account:
        """Somebody the platform lists and does not tell of must not be asked for with every look."""
        try:
            return self._who_is(stranger)
        except Gone:
            return Account(stranger, "Someone", is_deleted=True)
        except (TryAgain, Reconnect):
            raise
        except (ConnectorError, NotSupported):
            return Account(stranger, "Someone")

    def _ask(self, calls: Calls[T]) -> T:
        return ask(calls, self._connector.credentials)
