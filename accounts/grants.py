"""What people allowed for themselves, in our keeping: their own voice, renewed when it is used, and how it ends.

Asking is the story of ``granting``, the person's way to the platform and back that of ``consenting``.
"""

from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import audit, oauth, tokens
from accounts.models import Grant, Installation, PlatformAccount, UserSync
from connectors.consent import Granted, Purpose
from connectors.contract import Credentials
from connectors.errors import Unavailable
from connectors.messages import AccountId, WorkspaceId

log = structlog.get_logger(__name__)

State = Grant.State

KEEP_ALIVE = timedelta(days=30)
"""How long after its time a token that nobody used is renewed all the same: refresh tokens die of ninety days' disuse (Teams
§1.5, Webex §1.2, Zoom §1.3). Renewing everybody's every hour would be calls for nothing."""

NOTHING: dict[str, Any] = {"access": "", "refresh": "", "scopes": [], "expires_at": None, "renew_at": None}
"""What is kept of tokens once a grant has ended."""


def kind_of(platform: str) -> str:
    """The kind of token (see ``Call.token``) that people grant on a platform."""
    return oauth.platform(platform).steps[Purpose.MESSAGES][-1].yields


def credentials_of(account: PlatformAccount) -> Credentials | None:
    """The person's own voice on the platform of ``account``; None where they have not granted it: then see ``granting``.

    Its one token is of the kind ``kind_of(platform)``. Call it where blocking is allowed: about once an hour it asks the
    platform for the next token, under the row's lock. Raises ``Unavailable`` where that has to wait for the platform. When a
    call with these credentials raises ``Reconnect``, tell ``refused``.
    """
    grant = _standing(account)
    if grant and grant.renew_at and grant.renew_at <= timezone.now():
        renew(grant.pk)
        grant = _standing(account)
    if grant is None:
        return None
    if grant.expires_at and grant.expires_at <= timezone.now():
        raise Unavailable("the person's permission could not be renewed just now")
    return credentials_held(grant)


def credentials_held(grant: Grant) -> Credentials:
    """The same without a look at the clock."""
    installation, account = grant.installation, AccountId(grant.account.external_id)
    kind = kind_of(installation.platform)
    return Credentials(
        WorkspaceId(installation.workspace), account, {kind: grant.access}, dict(installation.extra), kind
    )


def _standing(account: PlatformAccount) -> Grant | None:
    return Grant.objects.select_related("account__installation").filter(account=account, state=State.GRANTED).first()


def give(grant: Grant, granted: Granted, **changes: Any) -> None:
    """Write down a consent. What waited for it is synced from now on; ``changes`` are further fields of the grant."""
    account, installation = grant.account, grant.installation
    with transaction.atomic():
        kept = tokens.fields(installation.platform, granted) | changes
        Grant.objects.filter(pk=grant.pk).update(state=State.GRANTED, answered_at=timezone.now(), **kept)
        waiting = _syncs(account).filter(state__in=[UserSync.State.PENDING, UserSync.State.NEEDS_REAUTH])
        if not waiting.update(state=UserSync.State.SYNCED, reason="", changed_at=timezone.now()):
            _sync_by_consent(account)
        Installation.objects.filter(pk=installation.pk).update(approval_wanted_at=None)
        note(grant, "gave consent")
    grant.refresh_from_db()


def _sync_by_consent(account: PlatformAccount) -> None:
    """Who was asked without being synced is synced by saying yes, where the tenant has people decide for themselves."""
    person = account.person
    if person and person.primary_id != account.installation_id and account.installation.tenant.prompts_unsynced:
        UserSync.objects.get_or_create(
            person=person,
            installation=account.installation,
            defaults={"account": account, "kind": UserSync.Kind.FULL, "state": UserSync.State.SYNCED},
        )


def decline(grant: Grant) -> None:
    """Remember that the person said no."""
    with transaction.atomic():
        rows = Grant.objects.filter(pk=grant.pk).exclude(state=State.GRANTED)
        if rows.update(state=State.DECLINED, answered_at=timezone.now()):
            _syncs(grant.account).update(reason="The person said no when they were asked.", changed_at=timezone.now())
            note(grant, "declined consent")


def withdrawn(grant: Grant) -> bool:
    """End a grant as its person wishes. False where there is none any more."""
    why = "The person has withdrawn their consent."
    return _end(grant, State.WITHDRAWN, why, "withdrew consent", answered_at=timezone.now())


def given_back(grant: Grant) -> bool:
    """End a grant that is of no use any more; as ``withdrawn``, but the person is asked again should they be synced again."""
    return _end(grant, State.LOST, "The consent was given back: it was no longer needed.", "gave consent back")


def lose(grant: Grant, reason: str) -> bool:
    """End a grant that the platform no longer accepts; the person is asked once more when they next take part."""
    log.warning("grant_lost", grant=grant.pk, reason=reason)
    why = "The platform no longer accepts the person's consent. They will be asked again."
    return _end(grant, State.LOST, why, "lost consent")


def refused(account: PlatformAccount, held: Credentials, reason: str) -> None:
    """Tell that the platform did not accept ``held``: the grant is lost, unless the token was only old."""
    grant = _standing(account)
    if grant and grant.access in held.tokens.values():
        lose(grant, reason)


def _end(grant: Grant, state: Grant.State, why: str, told: str, **changes: Any) -> bool:
    """``why`` is for the table of people, ``told`` for the audit log."""
    with transaction.atomic():
        rows = Grant.objects.filter(pk=grant.pk, state=State.GRANTED)
        if not rows.update(state=state, **NOTHING, **changes):
            return False
        _syncs(grant.account).update(state=UserSync.State.NEEDS_REAUTH, reason=why, changed_at=timezone.now())
        note(grant, told)
    return True


def _syncs(account: PlatformAccount) -> Any:
    return UserSync.objects.filter(account=account, kind=UserSync.Kind.FULL)


def note(grant: Grant, action: str, **after: Any) -> None:
    """Put it in the tenant's audit log: whose consent on which platform, and nothing else of the person."""
    audit.record(grant.installation.tenant, action, f"{grant.account}, {grant.installation}", after=after)


# --- Renewal


def renew(pk: int) -> bool:
    """Get the next token where it is due; as ``tokens.renew``, of which it is the same."""
    rows = Grant.objects.select_related("account__installation__app", "account__installation__tenant")
    return tokens.renew_held(rows, pk, _OfPeople())


class _OfPeople(tokens.Keeper[Grant]):
    def next(self, held: Grant) -> list[Granted]:
        installation = held.installation
        connector, kind = oauth.platform(installation.platform), kind_of(installation.platform)
        app = tokens.app_of(installation.platform, installation.app).for_people
        granted = oauth.refresh(kind, connector, app, held.refresh, installation.workspace)
        return [tokens.complete(one, held) for one in granted if one.kind == kind]

    def keep(self, held: Grant, granted: list[Granted]) -> None:
        for one in granted:
            Grant.objects.filter(pk=held.pk).update(**tokens.fields(held.installation.platform, one))

    def mourn(self, held: Grant, reason: str) -> None:
        lose(held, reason)


def due() -> list[int]:
    """Grants that nobody used for so long that they would die of it."""
    rows = Grant.objects.filter(renew_at__lte=timezone.now() - KEEP_ALIVE, state=State.GRANTED)
    return list(rows.order_by("renew_at").values_list("pk", flat=True))
