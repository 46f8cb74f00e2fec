"""A new channel of a company for a universal channel in which it takes part: where it can be made, and the order to do it."""

from django.db import transaction
from django.http import HttpRequest

from accounts.audit import record
from accounts.members import NotPossible
from accounts.models import Installation, PlatformAccount, User
from accounts.trusting import confirmed_addresses
from relay import afterwards, sharing
from relay.creating import Spot, everywhere
from relay.models import Participation, PlannedLeg


def spots(part: Participation, words: str = "", most: int | None = None) -> list[Spot]:
    """Everywhere that it could be made: on connections that do not take part yet; the rest as in ``everywhere``."""
    taken = sharing.places(part)
    found = everywhere(part.tenant, part.conversation.name, words, most)
    return [spot for spot in found if spot.installation.pk not in taken]


@transaction.atomic
def make(part: Participation, key: str, user: User, request: HttpRequest, *, is_private: bool) -> Spot:
    """Order a channel in the spot of this key; it takes part as soon as it is there. Raises ``NotPossible``.

    Into a private one ``user`` comes as its first member: nobody else could find it, and invite the others.
    """
    conversation = sharing.hold_part(part)
    spot = next((spot for spot in spots(part) if spot.key == key), None)
    if spot is None:
        raise NotPossible("Choose one of the places first. Nothing was changed.")
    member = account_of(user, spot.installation) if is_private else None
    if is_private and member is None:
        raise NotPossible(
            f"We do not know you on {spot.where}, so nobody could get into a private channel there. Let all your colleagues "
            "read it, or make the channel yourself, import it and choose it here. Nothing was changed."
        )
    PlannedLeg.objects.create(
        conversation=conversation, installation=spot.installation, team=spot.team, name=spot.name[:300],
        is_private=is_private, first_member=member,
    )  # fmt: skip
    after = {"to be made": f"{spot.name} ({spot.where})", "private": is_private}
    record(part.tenant, "ordered a channel for universal channel", conversation.name, request, after=after)
    afterwards.changed([spot.installation.pk])
    return spot


def account_of(user: User, installation: Installation) -> PlatformAccount | None:
    """Somebody's own account on a connection, by the addresses that they have proven to be theirs."""
    rows = PlatformAccount.objects.filter(installation=installation, is_bot=False, is_deleted=False)
    found = (rows.filter(email__iexact=email).order_by("pk").first() for email in confirmed_addresses(user))
    return next((account for account in found if account), None)
