"""An installation's tokens: kept encrypted, renewed early and by one worker only, and what happens when one dies."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import oauth
from accounts.models import Installation, PlatformApp, Token
from connectors.consent import App, Connects, Granted
from connectors.errors import Reconnect, Refused, TryAgain

log = structlog.get_logger(__name__)

RETRY = timedelta(minutes=1)
"""When to ask again a platform that could not renew a token: several times before an hour's token runs out."""


def keep(installation: Installation, granted: Iterable[Granted]) -> None:
    """Write down tokens as they were handed out, in place of older ones of their kind."""
    rows = [_row(installation, one) for one in granted]
    changing = ["access", "refresh", "scopes", "expires_at", "renew_at", "renewed_at"]
    Token.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["installation", "kind"], update_fields=changing
    )


def _row(installation: Installation, granted: Granted) -> Token:
    now, life = timezone.now(), granted.lifetime
    early = oauth.platform(installation.platform).oauth.early if life else 1.0
    return Token(
        installation=installation,
        kind=granted.kind,
        access=granted.access,
        refresh=granted.refresh,
        scopes=sorted(granted.scopes),
        expires_at=now + timedelta(seconds=life) if life else None,
        renew_at=now + timedelta(seconds=life * early) if life else None,
        renewed_at=now,
    )


def app_of(platform: str, own: PlatformApp | None) -> App:
    """The registration to speak with: a tenant's own, else the operator's."""
    operators: App = settings.MIO_PLATFORM_APPS[platform]
    return type(operators)(**own.registration) if own and own.is_ready else operators


def renew(pk: int) -> bool:
    """Get the next token where it is due, under its row's lock: whoever waited for the lock finds it done.

    A refresh token may be good for one use only (Slack, Zoom), so nobody else may hold the old one meanwhile. True where the
    token is good now; False where it is not, which is then written on the installation if it is for good.
    """
    with transaction.atomic():
        token = Token.objects.select_for_update().filter(pk=pk).first()
        if token is None or token.renew_at is None or token.renew_at > timezone.now():
            return token is not None
        installation = Installation.objects.select_related("app").get(pk=token.installation_id)
        try:
            granted = _next(token, installation)
        except TryAgain as error:
            log.warning("token_not_renewed", platform=installation.platform, reason=str(error))
            Token.objects.filter(pk=pk).update(renew_at=timezone.now() + RETRY)
            return False
        except (Reconnect, Refused) as error:
            log.warning("token_dead", platform=installation.platform, reason=str(error))
            Token.objects.filter(pk=pk).update(renew_at=None)
            flag(installation.pk, f"The {token.kind} token could not be renewed: {error}.")
            return False
        keep(installation, [_complete(one, token) for one in granted])
        return True


def _next(token: Token, installation: Installation) -> list[Granted]:
    connector: type[Connects] = oauth.platform(installation.platform)
    app = app_of(installation.platform, installation.app)
    if token.kind in connector.oauth.minted:
        return oauth.mint(token.kind, connector, app, installation.workspace)
    return oauth.refresh(token.kind, connector, app, token.refresh, installation.workspace)


def _complete(granted: Granted, token: Token) -> Granted:
    """What a refresh does not repeat stays as it was (Webex §1.2, Teams §1.5)."""
    if granted.kind != token.kind:
        return granted
    return replace(granted, refresh=granted.refresh or token.refresh, scopes=granted.scopes or frozenset(token.scopes))


def due() -> list[int]:
    """The tokens whose time has come, of connections that work."""
    rows = Token.objects.filter(renew_at__lte=timezone.now(), installation__state=Installation.State.CONNECTED)
    return list(rows.order_by("renew_at").values_list("pk", flat=True))


def flag(installation: int, problem: str) -> bool:
    """Show that a connection must be made again; what waits for it keeps waiting. True for the first who noticed."""
    rows = Installation.objects.filter(pk=installation, state=Installation.State.CONNECTED)
    return bool(
        rows.update(
            state=Installation.State.NEEDS_RECONNECT, problem=problem[:300], flagged_at=timezone.now(), told_at=None
        )
    )


def refused(installation: int, held: Mapping[str, str], problem: str) -> None:
    """The platform did not accept the tokens ``held``, by kind: show that an administrator must connect again.

    Unless they were only old: then the next ones are there already, or beat is about to get them and tells if it cannot.
    """
    rows = Token.objects.filter(installation=installation)
    is_old = held != {token.kind: token.access for token in rows}
    if not is_old and not any(token.expires_at and token.expires_at <= timezone.now() for token in rows):
        flag(installation, problem)
