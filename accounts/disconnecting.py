"""Ending a connection: what its people and we ourselves were allowed is given back, then everything of it is deleted."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import grants, importing, tokens
from accounts.alone import alone
from accounts.audit import record
from accounts.emptying import empty
from accounts.giving_back import cancel_orders, give_back, revoke
from accounts.models import Grant, Installation, SyncChange, UserSync
from connectors.contract import Credentials
from connectors.errors import Unavailable

AT_ONCE = 10
"""People whose consents are given back while an administrator waits for the page: some seconds of calls."""
PORTION = 100
"""The same of one turn of a worker: about a minute."""
GRACE = timedelta(hours=1)
"""How long a consent is kept after somebody was unsynced: whoever did so by mistake undoes it soon."""

UNDER_WAY = (
    "It is being disconnected, and nothing crosses any more. What people allowed is given back first, which takes some "
    "minutes. Should it still be here in an hour, disconnect it again."
)
"""What a connection says of itself meanwhile. Whoever reauthorises it keeps it."""


def takes_long(installation: Installation) -> bool:
    """Whether so many people have consented that nobody wants to wait for it."""
    return standing(installation).count() > AT_ONCE


@transaction.atomic
def begin(installation: Installation, request: HttpRequest) -> None:
    """Stop what crosses, and leave the rest to ``go_on``."""
    stopped = {"state": Installation.State.NEEDS_RECONNECT, "problem": UNDER_WAY, "flagged_at": None}
    Installation.objects.filter(pk=installation.pk).update(**stopped)
    record(installation.tenant, "began to disconnect platform", str(installation), request)


def go_on(pk: int) -> bool:
    """Give some more consents back, and disconnect when there are none left. Whether there is more to do.

    May be run again at any time; two at once do no harm.
    """
    with alone("disconnect", pk) as is_alone:
        rows = Installation.objects.select_related("app", "tenant").filter(pk=pk, problem=UNDER_WAY)
        installation = rows.first() if is_alone else None
        if installation is None:
            return False
        if _give_some_back(installation):
            return True
        disconnect(installation)
        return False


def disconnect(installation: Installation, request: HttpRequest | None = None) -> list[str]:
    """Leave a workspace and delete everything of the connection. Returns what ``take_leave`` does."""
    name, before = str(installation), {"platform": installation.platform}
    left = take_leave(installation)
    empty(Installation, "pk", [installation.pk])
    record(installation.tenant, "disconnected platform", name, request, before, {"left there": left})
    return left


def take_leave(installation: Installation) -> list[str]:
    """End a connection at its platform, for its people and for us, and whatever is being read there.

    Returns sentences on what was not possible: somebody may want to finish it there.
    Webex keeps calling webhooks whose token is gone, so they go first (reference §2.1).
    """
    importing.stop(installation)
    while _give_some_back(installation):
        pass
    connector = installation.connector()
    standing = cancel_orders(connector, installation.subscriptions.filter(account=None))
    left = [f"The order “{resource}” still stands there." for resource in standing]
    if not revoke(connector, tokens.app_of(installation.platform, installation.app)):
        left.append("Our permissions could not be given back; remove the app there.")
    return left


def standing(installation: Installation) -> QuerySet[Grant]:
    """What people have allowed us there."""
    rows = Grant.objects.filter(account__installation=installation, state=Grant.State.GRANTED)
    return rows.select_related("account__installation__app", "account__installation__tenant").order_by("pk")


def give_unneeded_back() -> None:
    """Give back what people allowed us who are no longer synced, some at a time: their voice is of no use any more."""
    syncs = UserSync.objects.filter(account=OuterRef("account"))
    lately = SyncChange.objects.filter(account=OuterRef("account"), run__applied_at__gt=timezone.now() - GRACE)
    rows = Grant.objects.filter(~Exists(syncs), ~Exists(lately), state=Grant.State.GRANTED)
    _end(rows.select_related("account__installation__app", "account__installation__tenant").order_by("pk")[:PORTION])


def _give_some_back(installation: Installation) -> bool:
    """Whether there are more."""
    return _end(standing(installation)[:PORTION]) == PORTION


def _end(rows: Iterable[Grant]) -> int:
    """Each is ended here first: where the platform is in trouble it is not tried for ever. Returns how many there were."""
    found = list(rows)
    for grant in found:
        held = _fresh(grant)
        if grants.given_back(grant):
            give_back(grant, held)
    return len(found)


def _fresh(grant: Grant) -> Credentials:
    """The person's voice, renewed where it is old: with an old one no order is cancelled."""
    try:
        return grants.credentials_of(grant.account) or grants.credentials_held(grant)
    except Unavailable:
        return grants.credentials_held(grant)
