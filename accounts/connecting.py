"""Connecting a platform: the browser is sent to the platform's consent page, comes back, and a connection is made or not.

Whatever goes wrong on the way is a ``Setback`` with its own words, and changes nothing.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import oauth, tokens
from accounts.access import May, may, memberships
from accounts.asking import ask
from accounts.models import ConsentRequest, Installation, Membership, PlatformApp, Token, User
from accounts.secrets import digest
from connectors.consent import App, Connects, Granted, Identity, Preset, Purpose, Scope, Step, wanted
from connectors.contract import Credentials
from connectors.errors import ConnectorError, NotSupported, TryAgain, WrongAccount
from connectors.messages import AccountId, WorkspaceId

TRIP_MINUTES = 15
"""How long a browser may take at the platform: time enough to find an administrator's password, and to read the list."""
FORGET_AFTER = timedelta(hours=1)
"""How long after its end a request is remembered: a late browser is told what happened, not that we know nothing."""
REFUSALS = frozenset({"access_denied", "permission_denied", "consent_required"})
"""``error`` of a browser that comes back because somebody said no (Slack §1.1, Teams §1.3 and §1.7, Zoom §1.1)."""

WORKSPACE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,99}")
"""A tenant's GUID or domain (Teams §1.2): nothing that could lead out of its place in an address."""


class Setback(Exception):
    """Why nothing was connected, in words for the administrator. ``title`` is the headline, the text says what to do."""

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


class NotAllowed(Setback):
    title = "You may not connect platforms here"


class Unsuitable(Setback):
    title = "This is not the right account"


class TooLittle(Setback):
    title = "A permission is missing"


class ConnectedElsewhere(Setback):
    title = "This workspace is connected already"


class OtherWorkspace(Setback):
    title = "That is another workspace"


@dataclass(frozen=True, slots=True)
class Onward:
    """There is one more step to take: what it is, and where the browser goes for it."""

    trip: ConsentRequest
    step: Step
    address: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """The connection stands. ``is_new`` is False where one was authorised again."""

    trip: ConsentRequest
    installation: Installation
    is_new: bool


def steps(platform: str) -> tuple[Step, ...]:
    """The trips that connecting a platform takes."""
    return oauth.platform(platform).steps[Purpose.CONNECT]


def callback(platform: str) -> str:
    """Where the platform sends the browser back to; registered there, so the same for all tenants."""
    return f"{settings.MIO_BASE_URL}{reverse('connect-callback', args=[platform])}"


def start(membership: Membership, platform: str, preset: Preset, again: Installation | None = None) -> str:
    """The address of the first consent page. ``again`` is the connection to be authorised once more."""
    trip = ConsentRequest(
        tenant=membership.tenant, user=membership.user, platform=platform, installation=again,
        purpose=Purpose.CONNECT.value, preset=preset.value,
    )  # fmt: skip
    return _set_out(trip, {"workspace": again.workspace if again else "", "gathered": []})


def _set_out(trip: ConsentRequest, luggage: dict[str, Any]) -> str:
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    trip.digest = digest(state)
    trip.secrets = luggage | {"verifier": verifier}
    trip.expires_at = timezone.now() + timedelta(minutes=TRIP_MINUTES)
    trip.save()
    step = steps(trip.platform)[trip.step]
    asked = wanted(oauth.platform(trip.platform).scopes, Purpose(trip.purpose), Preset(trip.preset))
    return oauth.consent_address(step, app_for(trip), asked, _journey(trip, state))


def _journey(trip: ConsentRequest, state: str = "") -> oauth.Trip:
    verifier = trip.secrets["verifier"] if steps(trip.platform)[trip.step].pkce else ""
    return oauth.Trip(callback(trip.platform), state, verifier, trip.secrets["workspace"])


def own_app(trip: ConsentRequest) -> PlatformApp | None:
    """The tenant's own registration with the platform, where it brought one."""
    own = PlatformApp.objects.filter(tenant=trip.tenant_id, platform=trip.platform).first()
    return own if own and own.is_ready else None


def app_for(trip: ConsentRequest) -> App:
    """The registration that consent is given to."""
    return tokens.app_of(trip.platform, own_app(trip))


# --- Coming back


def arrive(user: User, platform: str, query: Mapping[str, str]) -> Onward | Arrived:
    """Take up a browser that comes back from a platform. Raises ``Setback``, with the ``trip`` where it is known."""
    trip = _claim(user, platform, query.get("state", ""))
    try:
        return _go_on(trip, query)
    except Setback as setback:
        setback.trip = trip
        raise
    except WrongAccount as error:
        raise _blamed(trip, Unsuitable(str(error))) from None
    except TryAgain:
        raise _blamed(
            trip,
            PlatformSaysNo("It could not be reached just now. Nothing was changed; please try again in a few minutes."),
        ) from None
    except (ConnectorError, NotSupported) as error:
        raise _blamed(trip, PlatformSaysNo(f"It gave this reason: {error}. Nothing was changed.")) from None


def _blamed(trip: ConsentRequest, setback: Setback) -> Setback:
    setback.trip = trip
    return setback


def _claim(user: User, platform: str, state: str) -> ConsentRequest:
    """The request that a browser comes back with: once, in time, and to the person who set out."""
    trip = ConsentRequest.objects.filter(digest=digest(state), user=user, platform=platform).first()
    if trip is None:
        raise Lost(
            "It was not started from here by you, so nothing was changed. If you meant to connect a platform, start again "
            "from Connect Platforms."
        )
    membership = memberships(user).filter(tenant=trip.tenant_id).first()
    if membership is None or not may(membership, May.CHANGE):
        raise NotAllowed("Your role does not let you connect platforms any more. Nothing was changed.")
    now = timezone.now()
    if trip.expires_at <= now:
        raise _blamed(
            trip, Expired("For safety a request ends after a quarter of an hour. Nothing was changed: start again.")
        )
    if not ConsentRequest.objects.filter(pk=trip.pk, used_at=None).update(used_at=now, secrets={}):
        raise _blamed(trip, Replayed("Each request works once. What it did the first time still stands."))
    return trip


def _go_on(trip: ConsentRequest, query: Mapping[str, str]) -> Onward | Arrived:
    if error := query.get("error"):
        raise _refusal(error)
    connector, step = oauth.platform(trip.platform), steps(trip.platform)[trip.step]
    gathered = [_unpacked(one) for one in trip.secrets["gathered"]]
    workspace = trip.secrets["workspace"]
    if step.yields:
        if not query.get("code"):
            raise PlatformSaysNo("It sent you back without saying yes or no. Nothing was changed; please try again.")
        gathered += oauth.redeem(step.yields, connector, app_for(trip), query["code"], _journey(trip))
    else:
        workspace = workspace or _named(query.get("tenant", ""))
    if trip.step + 1 < len(steps(trip.platform)):
        return _onward(trip, workspace, gathered)
    return _finish(trip, connector, workspace, gathered)


def _named(workspace: str) -> str:
    """A workspace that the browser brings: not proven yet, and about to stand in an address."""
    if not WORKSPACE.fullmatch(workspace):
        raise PlatformSaysNo("It did not say for which organization. Nothing was changed; please try again.")
    return workspace


def _refusal(error: str) -> Setback:
    if error in REFUSALS:
        return Denied("You, or your organization's rules, said no on the platform's page. Nothing was changed.")
    known = error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 60 else "an unknown error"
    return PlatformSaysNo(f"It answered “{known}”. Nothing was changed.")


def _onward(trip: ConsentRequest, workspace: str, gathered: list[Granted]) -> Onward:
    following = ConsentRequest(
        tenant=trip.tenant, user=trip.user, platform=trip.platform, installation=trip.installation,
        purpose=trip.purpose, preset=trip.preset, step=trip.step + 1,
    )  # fmt: skip
    address = _set_out(following, {"workspace": workspace, "gathered": [_packed(one) for one in gathered]})
    return Onward(following, steps(trip.platform)[following.step], address)


def _packed(granted: Granted) -> dict[str, Any]:
    return {
        "kind": granted.kind, "access": granted.access, "refresh": granted.refresh, "lifetime": granted.lifetime,
        "scopes": sorted(granted.scopes),
    }  # fmt: skip


def _unpacked(packed: Mapping[str, Any]) -> Granted:
    return Granted(**{**packed, "scopes": frozenset(packed["scopes"])})


# --- The connection


def _finish(trip: ConsentRequest, connector: type[Connects], workspace: str, gathered: list[Granted]) -> Arrived:
    gathered += [
        token for kind in connector.oauth.minted for token in oauth.mint(kind, connector, app_for(trip), workspace)
    ]
    speaking = _speaking(connector, workspace, gathered, app_for(trip))
    identity = ask(speaking.identify(), speaking.credentials)
    _check_scopes(trip, gathered)
    with transaction.atomic():
        return _connect(trip, identity, gathered)


def _speaking(connector: type[Connects], workspace: str, gathered: Iterable[Granted], app: App) -> Any:
    held = {token.kind: token.access for token in gathered}
    credentials = Credentials(WorkspaceId(workspace), AccountId(""), held, app.ids)
    return connector(credentials)  # type: ignore[call-arg]  # a mix-in of Connector


def missing(asked: Iterable[Scope], granted: Mapping[str, Iterable[str]]) -> list[Scope]:
    """The scopes that were asked for and not granted, by kind of token. A platform that tells nothing has granted all."""
    return [scope for scope in asked if (told := set(granted.get(scope.token, ()))) and scope.name not in told]


def _check_scopes(trip: ConsentRequest, gathered: Iterable[Granted]) -> None:
    asked = wanted(oauth.platform(trip.platform).scopes, Purpose(trip.purpose), Preset(trip.preset))
    granted = {token.kind: token.scopes for token in gathered}
    needed = [scope for scope in missing(asked, granted) if not scope.disables]
    if needed:
        names = ", ".join(scope.name for scope in needed)
        raise TooLittle(
            f"Without {names} nothing could be relayed, so nothing was connected. Start again and allow it."
        )


def _connect(trip: ConsentRequest, identity: Identity, gathered: list[Granted]) -> Arrived:
    here = Installation.objects.select_for_update().filter(platform=trip.platform, workspace=identity.workspace).first()
    if here is not None and here.tenant_id != trip.tenant_id:
        raise ConnectedElsewhere(
            f"{identity.workspace_name} is connected to another organization's Hub. Only one can speak for a workspace: "
            "disconnect it there first, or ask its administrators. Nothing was changed."
        )
    if trip.installation and (here is None or here.pk != trip.installation_id):
        raise OtherWorkspace(
            f"You signed in to {identity.workspace_name}, but this connection is to {trip.installation.name}. "
            "Nothing was changed: choose the right workspace on the platform's page."
        )
    installation = here or Installation(tenant=trip.tenant, platform=trip.platform, workspace=identity.workspace)
    _describe(installation, trip, identity)
    installation.save()
    Token.objects.filter(installation=installation).exclude(kind__in=[token.kind for token in gathered]).delete()
    tokens.keep(installation, gathered)
    return Arrived(trip, installation, here is None)


def _describe(installation: Installation, trip: ConsentRequest, identity: Identity) -> None:
    installation.app = own_app(trip)
    installation.name = identity.workspace_name[:200]
    installation.account = identity.account
    installation.account_name = identity.account_name[:200]
    installation.account_email = identity.email[:320]
    installation.extra = dict(identity.extra)
    installation.doubts = list(identity.doubts)
    installation.preset = trip.preset
    installation.state = Installation.State.CONNECTED
    installation.problem = ""
    installation.flagged_at = installation.told_at = None
    installation.connected_by = trip.user
    installation.connected_at = timezone.now()


def scopes_of(installation: Installation) -> tuple[list[Scope], list[Scope]]:
    """What was asked for and is granted, and what was asked for and is missing. One query."""
    asked = wanted(oauth.platform(installation.platform).scopes, Purpose.CONNECT, Preset(installation.preset))
    lacking = missing(asked, {token.kind: token.scopes for token in installation.tokens.all()})
    return [scope for scope in asked if scope not in lacking], lacking


def forget() -> int:
    """Delete requests that nobody came back with; how many. They hold what earlier steps brought, and are of no use now."""
    count, _ = ConsentRequest.objects.filter(expires_at__lt=timezone.now() - FORGET_AFTER).delete()
    return count
