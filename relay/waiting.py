"""An event that waits to be routed, as a worker walks it: read from the ledger, or brought by the bell."""

from datetime import UTC, datetime
from typing import Any, NamedTuple


class Waiting(NamedTuple):
    """An event and what is set for its link. ``conversation`` is the platform's id, ``universal`` ours.

    ``is_shared``: with other companies. ``heard_by`` as in ``ConversationLink``. ``age`` is in seconds.
    """

    id: int
    link_id: int
    kind: str
    message: str
    occurred_at: datetime | None
    received_at: datetime
    installation_id: int
    conversation: str
    universal: int
    name: str
    carries_apps: bool
    heard_by: str | None
    is_shared: bool
    age: float = 0.0

    def packed(self) -> tuple[Any, ...]:
        """For the bell: references only, as they stand in the inbox."""
        return self[:-1]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> "Waiting":
        """What was packed and made JSON, of the age that it has by now by this machine's clock.

        Raises ``TypeError`` or ``ValueError``.
        """
        told = cls(*packed)
        occurred_at, received_at = told.occurred_at and _time(told.occurred_at), _time(told.received_at)
        age = (datetime.now(UTC) - received_at).total_seconds()
        return told._replace(occurred_at=occurred_at, received_at=received_at, age=age)


def _time(packed: Any) -> datetime:
    return datetime.fromisoformat(packed)
