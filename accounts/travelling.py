"""A browser's trip to a platform's consent page and back, whatever is consented to there.

``connecting`` and ``consenting`` set out and arrive. Whatever goes wrong on the way is a ``Setback`` with its own words, and
changes nothing.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts import oauth, tokens
from accounts.models import ConsentRequest, PlatformApp
from accounts.secrets import digest
from connectors.consent import App, Connects, Granted, Preset, Purpose, Scope, Step, wanted
from connectors.contract import Credentials
from connectors.errors import ConnectorError, NotSupported, TryAgain, WrongAccount
from connectors.messages import AccountId, WorkspaceId

TRIP_MINUTES = 15
"""How long a browser may take at the platform: time enough to find an administrator's password, and to read the list."""
REFUSALS = frozenset({"access_denied", "permission_denied", "consent_required"})
"""``error`` of a browser that comes back because somebody said no (Slack §1.1, Teams §1.3 and §1.7, Zoom §1.1)."""


class Setback(Exception):
    """Why nothing was granted, in words for whoever tried. ``title`` is the headline, the text says what to do."""

    title: ClassVar[str]

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.trip: ConsentRequest | None = None


class Lost(Setback):
    title = "We do not know this request"


class Expired(Setback):
    title = "That took too long"


class Replayed(Setback):
    title = "This was used already"


class Denied(Setback):
    title = "Nothing was allowed"


class PlatformSaysNo(Setback):
    title = "The platform did not go along"


class Unsuitable(Setback):
    title = "This is not the right account"


class TooLittle(Setback):
    title = "A permission is missing"


def callback(platform: str) -> str:
    """Where the platform sends the browser back to; registered there, so the same for all tenants."""
    return f"{settings.MIO_BASE_URL}{reverse('connect-callback', args=[platform])}"


def step_of(trip: ConsentRequest) -> Step:
    """Which step of its purpose a request is about."""
    return oauth.platform(trip.platform).steps[Purpose(trip.purpose)][trip.step]


def asked_of(trip: ConsentRequest) -> list[Scope]:
    """The scopes that it asks for."""
    return wanted(oauth.platform(trip.platform).scopes, Purpose(trip.purpose), Preset(trip.preset))


def set_out(trip: ConsentRequest, luggage: dict[str, Any]) -> str:
    """Keep a new request; the address that the browser goes to. ``luggage``: the ``workspace``, empty where it is not known,
    and what earlier steps ``gathered``."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    trip.digest = digest(state)
    trip.secrets = luggage | {"verifier": verifier}
    trip.expires_at = timezone.now() + timedelta(minutes=TRIP_MINUTES)
    trip.save()
    return oauth.consent_address(step_of(trip), app_for(trip), asked_of(trip), _journey(trip, state))


def _journey(trip: ConsentRequest, state: str = "") -> oauth.Trip:
    verifier = trip.secrets["verifier"] if step_of(trip).pkce else ""
    return oauth.Trip(callback(trip.platform), state, verifier, trip.secrets["workspace"])


def own_app(trip: ConsentRequest) -> PlatformApp | None:
    """The tenant's own registration with the platform, where it brought one."""
    own = PlatformApp.objects.filter(tenant=trip.tenant_id, platform=trip.platform).first()
    return own if own and own.is_ready else None


def app_for(trip: ConsentRequest) -> App:
    """The registration that consent is given to."""
    app = tokens.app_of(trip.platform, own_app(trip))
    return app.for_people if trip.purpose == Purpose.MESSAGES else app


# --- Coming back


@contextmanager
def in_words(trip: ConsentRequest) -> Iterator[None]:
    """Whatever goes wrong within is a ``Setback`` that knows its ``trip``."""
    try:
        yield
    except Setback as setback:
        setback.trip = trip
        raise
    except WrongAccount as error:
        raise blamed(trip, Unsuitable(str(error))) from None
    except TryAgain:
        raise blamed(
            trip,
            PlatformSaysNo("It could not be reached just now. Nothing was changed; please try again in a few minutes."),
        ) from None
    except (ConnectorError, NotSupported) as error:
        raise blamed(trip, PlatformSaysNo(f"It gave this reason: {error}. Nothing was changed.")) from None


def blamed(trip: ConsentRequest, setback: Setback) -> Setback:
    """The setback, with its trip."""
    setback.trip = trip
    return setback


def take_up(trip: ConsentRequest) -> None:
    """Use a request that a browser came back with: once and in time. Raises ``Setback``."""
    now = timezone.now()
    if trip.expires_at <= now:
        raise blamed(
            trip, Expired("For safety a request ends after a quarter of an hour. Nothing was changed: start again.")
        )
    if not ConsentRequest.objects.filter(pk=trip.pk, used_at=None).update(used_at=now, secrets={}):
        raise blamed(trip, Replayed("Each request works once. What it did the first time still stands."))


def must_be_allowed(query: Mapping[str, str]) -> None:
    """Raises ``Denied`` or ``PlatformSaysNo`` where the browser brings an error."""
    if error := query.get("error"):
        raise _refusal(error)


def redeemed(trip: ConsentRequest, query: Mapping[str, str]) -> list[Granted]:
    """The tokens that the browser's code stands for."""
    if not query.get("code"):
        raise PlatformSaysNo("It sent you back without saying yes or no. Nothing was changed; please try again.")
    return oauth.redeem(
        step_of(trip).yields, oauth.platform(trip.platform), app_for(trip), query["code"], _journey(trip)
    )


def _refusal(error: str) -> Setback:
    if error in REFUSALS:
        return Denied("You, or your organization's rules, said no on the platform's page. Nothing was changed.")
    known = error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 60 else "an unknown error"
    return PlatformSaysNo(f"It answered “{known}”. Nothing was changed.")


def speaking(connector: type[Connects], workspace: str, gathered: Iterable[Granted], app: App) -> Any:
    """A connector with the tokens of a trip, to ask whose they are."""
    held = {token.kind: token.access for token in gathered}
    credentials = Credentials(WorkspaceId(workspace), AccountId(""), held, app.ids)
    return connector(credentials)  # type: ignore[call-arg]  # a mix-in of Connector


def missing(asked: Iterable[Scope], granted: Mapping[str, Iterable[str]]) -> list[Scope]:
    """The scopes that were asked for and not granted, by kind of token. A platform that tells nothing has granted all."""
    return [scope for scope in asked if (told := set(granted.get(scope.token, ()))) and scope.name not in told]


def check_scopes(trip: ConsentRequest, gathered: Iterable[Granted]) -> None:
    """Raises ``TooLittle`` where something was not granted without which nothing works."""
    granted = {token.kind: token.scopes for token in gathered}
    needed = [scope for scope in missing(asked_of(trip), granted) if not scope.disables]
    if needed:
        names = ", ".join(scope.name for scope in needed)
        raise TooLittle(f"Without {names} nothing could be relayed, so nothing was changed. Start again and allow it.")
