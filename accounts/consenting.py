"""A person's way from the link in a prompt to their platform's consent page and back, and the way to withdraw."""

import secrets
from collections.abc import Mapping
from typing import ClassVar

import structlog
from django.utils import timezone

import connectors
from accounts import grants, oauth
from accounts.asking import ask
from accounts.giving_back import give_back
from accounts.granting import link
from accounts.models import ConsentRequest, Grant, Installation
from accounts.secrets import digest
from accounts.travelling import (
    Denied,
    Lost,
    Setback,
    app_for,
    asked_of,
    check_scopes,
    in_words,
    must_be_allowed,
    redeemed,
    set_out,
    speaking,
    take_up,
)
from accounts.writing import write_to
from connectors.consent import Granted, Identity, Purpose, Scope
from connectors.errors import ConnectorError, NotSupported
from connectors.messages import Button
from connectors.richtext import Paragraph, Text, document

log = structlog.get_logger(__name__)


class SomebodyElse(Setback):
    title = "That is another account"


class ApprovalNeeded(Setback):
    title = "An administrator has to allow the app first"


class SaidNo(Denied):
    title = "Nothing was allowed"
    advice: ClassVar[str] = (
        "You are not asked again, unless you write to somebody on another platform in a day or later."
    )


def find(kept: str) -> Grant | None:
    """The grant to which a link leads, by its token's digest; an ended link still leads to it."""
    rows = Grant.objects.select_related("account__installation__tenant", "account__installation__app")
    return rows.filter(digest=kept).first() if kept else None


def request_of(grant: Grant) -> ConsentRequest:
    """What a person is about to be asked for; not kept yet."""
    installation = grant.installation
    return ConsentRequest(
        tenant=installation.tenant, grant=grant, platform=installation.platform, purpose=Purpose.MESSAGES.value,
        preset=installation.preset,
    )  # fmt: skip


def scopes_of(grant: Grant) -> list[Scope]:
    """The permissions that a person is asked for."""
    return asked_of(request_of(grant))


def start(grant: Grant) -> tuple[int, str]:
    """Set out for the platform's page: the request, which the browser must bring back, and the address."""
    trip = request_of(grant)
    address = set_out(trip, {"workspace": grant.installation.workspace})
    return trip.pk, address


def is_under_way(platform: str, state: str) -> bool:
    """Whether a browser that comes back is somebody's who consents for themselves."""
    return ConsentRequest.objects.filter(digest=digest(state), platform=platform, grant__isnull=False).exists()


def arrive(platform: str, query: Mapping[str, str], set_out_with: int) -> tuple[Grant, str]:
    """Take up a browser that comes back; ``set_out_with`` is the request that the same browser left with.

    The grant, and the digest of the link that leads to it from now on. Raises ``Setback``: then nothing was kept.
    """
    rows = ConsentRequest.objects.select_related("tenant", "grant__account__installation__tenant")
    trip = rows.filter(pk=set_out_with, digest=digest(query.get("state", "")), platform=platform).first()
    if trip is None or trip.grant is None:
        raise Lost("It was not started in this browser, so nothing was changed. Use the button in the app's message.")
    take_up(trip)
    with in_words(trip):
        return trip.grant, _granted(trip, trip.grant, query)


def _granted(trip: ConsentRequest, grant: Grant, query: Mapping[str, str]) -> str:
    _must_have_agreed(grant, query)
    connector = oauth.platform(trip.platform)
    gathered = [one for one in redeemed(trip, query) if one.kind == grants.kind_of(trip.platform)]
    asker = speaking(connector, grant.installation.workspace, gathered, app_for(trip))
    _must_be_theirs(grant, ask(asker.identify_person(), asker.credentials))
    check_scopes(trip, gathered)
    return _kept(grant, gathered[0])


def _must_have_agreed(grant: Grant, query: Mapping[str, str]) -> None:
    installation = grant.installation
    if oauth.platform(installation.platform).awaits_approval(query):
        Installation.objects.filter(pk=installation.pk).update(approval_wanted_at=timezone.now())
        grants.note(grant, "could not consent without an administrator's approval")
        raise ApprovalNeeded(
            f"Your organization does not let people decide about this app on their own. The administrators of "
            f"{installation.tenant} see this in the Hub and can allow it there. Nothing was changed, and you have nothing "
            "to do: try the same button again once they have."
        )
    try:
        must_be_allowed(query)
    except Denied:
        grants.decline(grant)
        raise SaidNo(f"Nothing is written in your name. {SaidNo.advice}") from None


def _must_be_theirs(grant: Grant, identity: Identity) -> None:
    """Nothing is given back either: it may be of somebody whose own consent stands, which would end with it."""
    account, installation = grant.account, grant.installation
    if (identity.workspace, identity.account) == (installation.workspace, account.external_id):
        return
    label = connectors.get(installation.platform).platform.label
    mine = f"{account.name} ({account.email})" if account.email else account.name
    raise SomebodyElse(
        f"You were signed in to {label} with another account, and nothing of it was kept. Needed is the account of {mine} in "
        f"{installation.name}. Sign out of {label} in this browser or choose “Use another account” there, then try again."
    )


def _kept(grant: Grant, granted: Granted) -> str:
    """The link that was used is spent: the one in the message that follows leads to the same page for good."""
    token = secrets.token_urlsafe(32)
    grants.give(grant, granted, digest=digest(token), link_until=None)
    thanks = "Thank you. From now on your messages appear under your own name. You can see what you allowed, and withdraw it."
    try:
        on = grant.asked_on or grant.account
        write_to(on, document([Paragraph((Text(thanks),))]), [Button("What I allowed", link(token))])
    except (ConnectorError, NotSupported) as error:
        log.warning("thanks_not_sent", grant=grant.pk, error=type(error).__name__)
    return digest(token)


def withdraw(grant: Grant) -> bool:
    """End the consent, and give the token back as far as the platform lets us. False where it has ended already."""
    held = grants.credentials_held(grant)
    if not grants.withdrawn(grant):
        return False
    give_back(grant, held)
    return True
