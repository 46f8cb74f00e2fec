"""Tokens of the REST API: made for a purpose and for a time, shown once, revoked at any moment."""

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.members import NotPossible, hold
from accounts.models import ApiAnswer, ApiToken, Membership, Scope
from accounts.secrets import digest

PREFIX = "mio_"
"""By which people, and scanners of published code, know one of ours."""

LONGEST_DAYS = 365
"""After which every token ends: nobody remembers by then where an old one lies about."""

MOST = 50
"""Good tokens of one tenant: more than it has programs, and few enough to look through."""

NOTED = timedelta(minutes=1)
"""How exactly it is kept when a token was last used: one write a minute, however busy a program is."""

REMEMBERED = timedelta(hours=24)
"""How long the answer to an ``Idempotency-Key`` is given again."""


@transaction.atomic
def make(actor: Membership, name: str, scopes: Iterable[Scope], days: int, request: HttpRequest) -> str:
    """Make a token that is good for so many days. Returns it: nobody can see it again. Raises ``NotPossible``."""
    tenant = hold(actor.tenant)
    if tenant.api_tokens.filter(revoked_at=None, expires_at__gt=timezone.now()).count() >= MOST:
        raise NotPossible(f"There are {MOST} tokens that work. Revoke some that are no longer needed.")
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        tenant=tenant,
        name=name,
        digest=digest(token),
        hint=token[-4:],
        scopes=sorted(scopes),
        made_by=actor.user,
        expires_at=timezone.now() + timedelta(days=min(days, LONGEST_DAYS)),
    )
    after = {"scopes": row.scopes, "good until": row.expires_at.date().isoformat()}
    record(tenant, "made API token", row.name, request, after=after)
    return token


@transaction.atomic
def revoke(token: ApiToken, request: HttpRequest) -> None:
    """End a token at once. Raises ``NotPossible``."""
    rows = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    if not rows.update(revoked_at=timezone.now()):
        raise NotPossible("This token was revoked already. Nothing was changed.")
    record(token.tenant, "revoked API token", token.name, request, before={"scopes": token.scopes})


def note_use(token: ApiToken) -> None:
    """Write down that a token is in use."""
    now = timezone.now()
    if token.used_at is None or token.used_at < now - NOTED:
        ApiToken.objects.filter(Q(used_at=None) | Q(used_at__lt=now - NOTED), pk=token.pk).update(used_at=now)


def forget_answers() -> None:
    """Drop what was remembered for ``Idempotency-Key``s."""
    ApiAnswer.objects.filter(made_at__lt=timezone.now() - REMEMBERED).delete()
