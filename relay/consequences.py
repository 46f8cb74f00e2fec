"""What an error does to a delivery, and how long its mailbox rests."""

import random
from dataclasses import dataclass

from connectors.errors import Gone, NotSupported, RateLimited, Reconnect, Refused, TryAgain, Unsure
from relay.hearing import Unheard
from relay.ingest import RECONNECT_REST
from relay.models import Delivery, Outcome
from relay.voices import Voiceless

LONGEST_REST = 60.0
"""Seconds between tries at most: a platform that comes back is served within a minute, one that is down is not pressed."""

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an error does to a delivery and how long its mailbox rests; ``rest`` None grows with each setback."""

    outcome: Outcome
    state: Delivery.State
    rest: float | None = 0.0


CONSEQUENCES: dict[type[Exception], Consequence] = {
    RateLimited: Consequence(Outcome.RATE_LIMITED, State.WAITING, None),
    TryAgain: Consequence(Outcome.UNAVAILABLE, State.WAITING, None),
    Unsure: Consequence(Outcome.UNSURE, State.UNSURE, None),
    Reconnect: Consequence(Outcome.RECONNECT, State.WAITING, RECONNECT_REST),
    Gone: Consequence(Outcome.GONE, State.PARKED),
    Refused: Consequence(Outcome.REFUSED, State.PARKED),
    NotSupported: Consequence(Outcome.NOT_SUPPORTED, State.SKIPPED),
    Unheard: Consequence(Outcome.GONE, State.SKIPPED),
    Voiceless: Consequence(Outcome.NO_CONSENT, State.WAITING, None),
}
"""The one table from errors to outcomes. What is not in it is a mistake of ours: parked, so that nothing is lost."""
MISTAKE = Consequence(Outcome.REFUSED, State.PARKED)


def consequence(error: Exception) -> Consequence:
    """The consequence of an error, by the nearest of its classes."""
    return next((CONSEQUENCES[kind] for kind in type(error).__mro__ if kind in CONSEQUENCES), MISTAKE)


def growing_rest(setbacks: int) -> float:
    """1, 2, 4 … seconds up to ``LONGEST_REST``, spread so that mailboxes do not come back all at once."""
    return min(LONGEST_REST, 2.0 ** min(setbacks, 10)) * random.uniform(0.75, 1.25)  # noqa: S311 (no secret)
