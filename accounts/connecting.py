"""Connecting a platform: the browser is sent to the platform's consent page, comes back, and a connection is made or not.

Whatever goes wrong on the way is a ``Setback`` with its own words, and changes nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import oauth, tokens
from accounts.access import May, may, memberships
from accounts.asking import ask
from accounts.models import ConsentRequest, Installation, Membership, Token, User
from accounts.secrets import digest
from accounts.travelling import (
    Lost,
    PlatformSaysNo,
    Setback,
    app_for,
    check_scopes,
    in_words,
    missing,
    must_be_allowed,
    own_app,
    redeemed,
    set_out,
    speaking,
    step_of,
    take_up,
)
from connectors.consent import Connects, Granted, Identity, Preset, Purpose, Scope, Step, wanted

FORGET_AFTER = timedelta(hours=1)
"""How long after its end a request is remembered: a late browser is told what happened, not that we know nothing."""
WORKSPACE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,99}")
"""A tenant's GUID or domain (Teams §1.2): nothing that could lead out of its place in an address."""


class NotAllowed(Setback):
    title = "You may not connect platforms here"


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


def start(membership: Membership, platform: str, preset: Preset, again: Installation | None = None) -> str:
    """The address of the first consent page. ``again`` is the connection to be authorised once more."""
    trip = ConsentRequest(
        tenant=membership.tenant, user=membership.user, platform=platform, installation=again,
        purpose=Purpose.CONNECT.value, preset=preset.value,
    )  # fmt: skip
    return set_out(trip, {"workspace": again.workspace if again else "", "gathered": []})


# --- Coming back


def arrive(user: User, platform: str, query: Mapping[str, str]) -> Onward | Arrived:
    """Take up a browser that comes back from a platform. Raises ``Setback``, with the ``trip`` where it is known."""
    trip = _claim(user, platform, query.get("state", ""))
    with in_words(trip):
        return _go_on(trip, query)


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
    take_up(trip)
    return trip


def _go_on(trip: ConsentRequest, query: Mapping[str, str]) -> Onward | Arrived:
    must_be_allowed(query)
    connector, step = oauth.platform(trip.platform), step_of(trip)
    gathered = [_unpacked(one) for one in trip.secrets["gathered"]]
    workspace = trip.secrets["workspace"]
    if step.yields:
        gathered += redeemed(trip, query)
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


def _onward(trip: ConsentRequest, workspace: str, gathered: list[Granted]) -> Onward:
    following = ConsentRequest(
        tenant=trip.tenant, user=trip.user, platform=trip.platform, installation=trip.installation,
        purpose=trip.purpose, preset=trip.preset, step=trip.step + 1,
    )  # fmt: skip
    address = set_out(following, {"workspace": workspace, "gathered": [_packed(one) for one in gathered]})
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
    asker = speaking(connector, workspace, gathered, app_for(trip))
    identity = ask(asker.identify(), asker.credentials)
    check_scopes(trip, gathered)
    with transaction.atomic():
        return _connect(trip, identity, gathered)


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
    installation.flagged_at = installation.told_at = installation.approval_wanted_at = None
    installation.connected_by = trip.user
    installation.connected_at = timezone.now()


def scopes_of(installation: Installation) -> tuple[list[Scope], list[Scope]]:
    """What was asked for and is granted, and what was asked for and is missing. One query."""
    asked = wanted(oauth.platform(installation.platform).scopes, Purpose.CONNECT, Preset(installation.preset))
    lacking = missing(asked, {token.kind: token.scopes for token in installation.tokens.all()})
    return [scope for scope in asked if scope not in lacking], lacking


def left_out(installation: Installation) -> list[str]:
    """The features that are off because less than everything is asked for: of the connection, and of its people for their
    direct messages. No query."""
    scopes, preset = oauth.platform(installation.platform).scopes, Preset(installation.preset)
    missed = [
        scope
        for purpose in (Purpose.CONNECT, Purpose.MESSAGES)
        for scope in wanted(scopes, purpose, Preset.FULL)
        if scope not in wanted(scopes, purpose, preset)
    ]
    return list(dict.fromkeys(scope.disables for scope in missed if scope.disables))


def forget() -> int:
    """Delete requests that nobody came back with; how many. They hold what earlier steps brought, and are of no use now."""
    count, _ = ConsentRequest.objects.filter(expires_at__lt=timezone.now() - FORGET_AFTER).delete()
    return count
