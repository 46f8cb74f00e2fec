"""Times that platforms tell, as far as they can be meant: one from year 1 or 9999 would be kept and never read again."""

from datetime import datetime, timedelta

EARLIEST_YEAR = 2000
"""None of the platforms is older."""
CLOCKS_APART = timedelta(minutes=1)
"""How far a platform's clock may be ahead of ours. Taken at its word, an edit from next year would be the newest for ever."""


def plausible(time: datetime | None, now: datetime) -> datetime | None:
    """``time``, at most a little after ``now``; None where it is missing or cannot be meant."""
    return min(time, now + CLOCKS_APART) if time and time.year >= EARLIEST_YEAR else None
