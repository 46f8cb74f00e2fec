"""Moving: bringing people into channels and taking them out, in bulk, at the pace that each platform allows.

The intent is on record before each call. Whoever finds one that was left behind by a crash makes the call again: who is
there already is a success.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from accounts import tokens
from accounts.alone import alone
from accounts.asking import ask
from accounts.memberships import count_members
from accounts.models import Channel, ChannelMember, Doubt, Installation
from connectors.directory import ManagesConversations
from connectors.errors import ConnectorError, Gone, Reconnect, TryAgain
from connectors.messages import AccountId, ConversationId
from relay import mirroring
from relay.models import ConversationLink, MembershipChange

log = structlog.get_logger(__name__)

State = MembershipChange.State

MOST_CALLS = 100
"""Calls of one turn at one leg: about half a minute; the next turn goes on within seconds."""
MOST_TRIES = 5
"""Then it is for an administrator to see; with the pauses between them, a quarter of an hour for the trouble to pass."""
RETRY = timedelta(minutes=1)
"""Pause after the first failure; each further one is twice as long."""
PATIENCE = timedelta(seconds=30)
"""How long a platform in trouble is left alone."""


def waiting() -> list[int]:
    """Conversations in which somebody is to be moved now."""
    links = _due().filter(link__installation__state=Installation.State.CONNECTED)
    return list(links.order_by("link__conversation").values_list("link__conversation", flat=True).distinct())


def mirror(conversation: int) -> None:
    """Plan, and move whoever may be moved now. Two workers at once do no harm: the second leaves it to the first."""
    mirroring.plan(conversation)
    with alone("move members", conversation) as is_alone:
        if not is_alone:
            return
        links = ConversationLink.objects.filter(
            pk__in=_due().filter(link__conversation=conversation).values("link"),
            installation__state=Installation.State.CONNECTED,
        )
        for link in links.select_related("installation").prefetch_related("installation__tokens").order_by("pk"):
            _Mover(link).turn()


def retry(link: int) -> int:
    """Have everything that failed at a leg tried again, at once; how many that is."""
    failed = MembershipChange.objects.filter(link=link, state=State.FAILED)
    return failed.update(state=State.WAITING, tries=0, not_before=Now(), changed_at=Now())


def _due() -> QuerySet[MembershipChange]:
    """Nobody is brought into a channel that rests, or whose members are in doubt: they might be there on their own."""
    in_doubt = Doubt.objects.filter(
        installation=OuterRef("link__installation"), conversation=OuterRef("link__external_id"), account=""
    )
    rests = Q(link__is_active=False) | Q(link__conversation__paused_at__isnull=False)
    rests |= Q(link__conversation__ended_at__isnull=False) | Q(link__conversation__archived_at__isnull=False)
    due = MembershipChange.objects.filter(state__in=[State.WAITING, State.UNDER_WAY], not_before__lte=Now())
    return due.exclude(Q(is_addition=True) & (rests | Exists(in_doubt)))


class _Mover:
    """One turn at one leg."""

    def __init__(self, link: ConversationLink) -> None:
        self._link = link
        self._connector = link.installation.connector()
        self._conversation = ConversationId(link.external_id)
        self._channel = Channel.objects.filter(installation=link.installation, external_id=link.external_id).first()
        self._team = self._channel.team_id if self._channel else None
        self._pause: float = getattr(self._connector, "pause", 0.0)

    def turn(self) -> None:
        """Where there is a pace, one worker at a time for all channels that share it."""
        if not self._pause:
            self._move(MOST_CALLS)
            return
        with alone("change members of a team", self._team or self._link.pk) as is_alone:
            if is_alone and not self._has_just_called():
                self._move(1)

    def _move(self, most_calls: int) -> None:
        for _ in range(most_calls):
            changes = self._take()
            if not changes or not self._carried_out(changes):
                return

    def _has_just_called(self) -> bool:
        """Whether the pace has us wait; then what was planned since waits with the rest."""
        called = self._at_this_pace().exclude(state=State.WAITING, tries=0).order_by("-changed_at").first()
        left = self._pause - (timezone.now() - called.changed_at).total_seconds() if called else 0.0
        if left > 0:
            self._put_off(left)
        return left > 0

    def _take(self) -> list[MembershipChange]:
        """The next that go into one call, their intent on record."""
        due = (
            _due().filter(link=self._link).select_related("account").order_by("state", "pk")
        )  # what a crash left first
        first = due.first()
        if first is None:
            return []
        most = getattr(self._connector, "most_added", 1) if first.is_addition else 1
        changes = list(due.filter(is_addition=True)[:most]) if first.is_addition else [first]
        self._write(changes, state=State.UNDER_WAY)
        return changes

    def _carried_out(self, changes: list[MembershipChange]) -> bool:
        """Whether the next call may follow at once."""
        try:
            refused = self._call(changes)
        except TryAgain as error:
            self._put_off(max(PATIENCE.total_seconds(), getattr(error, "after", 0.0)))
            return False
        except Reconnect as error:
            tokens.refused(self._link.installation_id, self._connector.credentials.tokens, f"{error}.")
            self._put_off(PATIENCE.total_seconds())
            return False
        except ConnectorError as error:
            refused = {AccountId(change.account.external_id): f"{error}." for change in changes}
        self._settle([change for change in changes if change.account.external_id not in refused])
        for change in changes:
            if reason := refused.get(AccountId(change.account.external_id)):
                self._set_back(change, reason)
        if self._pause:
            self._put_off(self._pause)
        return not self._pause

    def _call(self, changes: list[MembershipChange]) -> dict[AccountId, str]:
        """Those who could not be moved, with the reasons."""
        accounts = [AccountId(change.account.external_id) for change in changes]
        connector, credentials = self._connector, self._connector.credentials
        if not isinstance(connector, ManagesConversations):
            return dict.fromkeys(accounts, "On this platform we cannot change who is in a channel.")
        if changes[0].is_addition:
            return ask(connector.add(self._conversation, accounts), credentials)
        try:
            ask(connector.remove(self._conversation, accounts[0]), credentials)
        except Gone:
            log.info("member_gone_already", platform=self._link.installation.platform)
        return {}

    # --- what became of it

    def _settle(self, changes: list[MembershipChange]) -> None:
        """The memberships that we made or ended, in one commit with the changes."""
        if not changes:
            return
        with transaction.atomic():
            self._write(changes, state=State.DONE, reason="")
            if self._channel:
                self._write_members(self._channel, changes)
                count_members(self._channel.pk)

    def _write_members(self, channel: Channel, changes: list[MembershipChange]) -> None:
        if changes[0].is_addition:
            rows = [ChannelMember(channel=channel, account=change.account, is_added=True) for change in changes]
            key = ["channel", "account"]
            ChannelMember.objects.bulk_create(
                rows, update_conflicts=True, unique_fields=key, update_fields=["is_added"]
            )
        else:
            accounts = [change.account_id for change in changes]
            ChannelMember.objects.filter(channel=channel, account__in=accounts, is_added=True).delete()

    def _set_back(self, change: MembershipChange, reason: str) -> None:
        """Try again later, a few times; then it stays for an administrator to see."""
        tries = change.tries + 1
        self._write(
            [change],
            state=State.FAILED if tries >= MOST_TRIES else State.WAITING,
            reason=reason[:500],
            tries=tries,
            not_before=timezone.now() + RETRY * 2**change.tries,
        )

    def _put_off(self, seconds: float) -> None:
        """Nothing at this leg for a while: the platform's pace, or its trouble."""
        still_open = self._at_this_pace().filter(state__in=[State.WAITING, State.UNDER_WAY])
        later = Value(timezone.now() + timedelta(seconds=seconds))
        still_open.update(not_before=Greatest("not_before", later, output_field=DateTimeField()))

    def _at_this_pace(self) -> QuerySet[MembershipChange]:
        """Changes of this leg, and of all that are channels of the same team."""
        legs = Q(link=self._link)
        if self._team:
            channels = Channel.objects.filter(team=self._team)
            legs |= Q(link__installation=self._link.installation, link__external_id__in=channels.values("external_id"))
        return MembershipChange.objects.filter(legs)

    def _write(self, changes: Sequence[MembershipChange], **fields: Any) -> None:
        pks = [change.pk for change in changes]
        MembershipChange.objects.filter(pk__in=pks).update(changed_at=Now(), **fields)
