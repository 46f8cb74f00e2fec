"""An installation's tokens: kept encrypted, renewed early and by one worker only, and what happens when one dies."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import oauth
from accounts.models import Held, Installation, PlatformApp, Token
from connectors.consent import App, Connects, Granted
from connectors.errors import Reconnect, Refused, TryAgain

log = structlog.get_logger(__name__)

H = TypeVar("H", bound=Held)

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
    return Token(installation=installation, kind=granted.kind, **fields(installation.platform, granted))


def fields(platform: str, granted: Granted) -> dict[str, Any]:
    """A token as it was handed out, by the names of ``Held``."""
    now, life = timezone.now(), granted.lifetime
    early = oauth.platform(platform).oauth.early if life else 1.0
    return {
        "access": granted.access,
        "refresh": granted.refresh,
        "scopes": sorted(granted.scopes),
        "expires_at": now + timedelta(seconds=life) if life else None,
        "renew_at": now + timedelta(seconds=life * early) if life else None,
        "renewed_at": now,
    }


def app_of(platform: str, own: PlatformApp | None) -> App:
    """The registration to speak with: a tenant's own, else the operator's."""
    operators: App = settings.MIO_PLATFORM_APPS[platform]
    return type(operators)(**own.registration) if own and own.is_ready else operators


class Keeper(ABC, Generic[H]):
    """What differs between tokens of installations and of people: how the next one is got, kept, and mourned."""

    @abstractmethod
    def next(self, held: H) -> list[Granted]:
        """Ask the platform. Raises ``TryAgain``, ``Reconnect`` or ``Refused``."""

    @abstractmethod
    def keep(self, held: H, granted: list[Granted]) -> None:
        """Write down what it handed out."""

    @abstractmethod
    def mourn(self, held: H, reason: str) -> None:
        """It will hand out no more."""


def renew_held(rows: QuerySet[H], pk: int, keeper: Keeper[H]) -> bool:
    """Get the next token where it is due, under its row's lock: whoever waited for the lock finds it done.

    A refresh token may be good for one use only (Slack, Zoom), so nobody else may hold the old one meanwhile. True where the
    token is good now; False where it is not, which its keeper was then told if it is for good.
    """
    with transaction.atomic():
        held = rows.select_for_update(of=("self",)).filter(pk=pk).first()
        if held is None or held.renew_at is None or held.renew_at > timezone.now():
            return held is not None
        try:
            granted = keeper.next(held)
        except TryAgain as error:
            log.warning("token_not_renewed", of=str(held), reason=str(error))
            rows.filter(pk=pk).update(renew_at=timezone.now() + RETRY)
            return False
        except (Reconnect, Refused) as error:
            log.warning("token_dead", of=str(held), reason=str(error))
            rows.filter(pk=pk).update(renew_at=None)
            keeper.mourn(held, str(error))
            return False
        keeper.keep(held, granted)
        return True


def renew(pk: int) -> bool:
    """The same for a token of an installation, which shows it when the token is dead."""
    return renew_held(Token.objects.all(), pk, _OfInstallations())


class _OfInstallations(Keeper[Token]):
    def next(self, held: Token) -> list[Granted]:
        installation = Installation.objects.select_related("app").get(pk=held.installation_id)
        connector: type[Connects] = oauth.platform(installation.platform)
        app = app_of(installation.platform, installation.app)
        if held.kind in connector.oauth.minted:
            return oauth.mint(held.kind, connector, app, installation.workspace)
        granted = oauth.refresh(held.kind, connector, app, held.refresh, installation.workspace)
        return [complete(one, held) if one.kind == held.kind else one for one in granted]

    def keep(self, held: Token, granted: list[Granted]) -> None:
        keep(held.installation, granted)

    def mourn(self, held: Token, reason: str) -> None:
        flag(held.installation_id, f"The {held.kind} token could not be renewed: {reason}.")


def complete(granted: Granted, token: Held) -> Granted:
    """What a refresh does not repeat stays as it was (Webex §1.2, Teams §1.5)."""
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
