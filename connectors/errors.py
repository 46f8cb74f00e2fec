"""The error family, named by what the caller must do.

A platform's ``client.py`` judges an answer and raises one of these; ``http.py`` raises them for faults of the wire.
``relay/delivery.py`` has the one table that turns them into outcomes. Nothing in between catches them.
"""


class ConnectorError(Exception):
    """Something a platform would not do. ``str(error)`` is a reason an administrator may read: it never holds content."""


class TryAgain(ConnectorError):
    """Nothing was done; the same call may succeed later."""


class RateLimited(TryAgain):
    """The platform asks for patience: try again after ``after`` seconds."""

    def __init__(self, after: float, reason: str = "the platform asked to slow down") -> None:
        super().__init__(reason)
        self.after = after


class Unavailable(TryAgain):
    """The platform could not be reached, or said that the trouble is its own."""


class Unsure(ConnectorError):
    """It may have gone out: look for it at the destination before sending again."""


class Reconnect(ConnectorError):
    """The token is revoked or expired, or a scope is missing: an administrator must connect again."""


class Gone(ConnectorError):
    """The conversation, account or message is no longer there, or no longer visible to us."""


class Refused(ConnectorError):
    """The platform refused for good."""


class WrongAccount(Refused):
    """A token of an account that cannot do the work: nothing was kept of it."""


class NotSupported(Exception):
    """The platform has no such ability: skipped and counted, never retried."""


class Forged(Exception):
    """A request whose signature, time or secret does not hold: answered 401, nothing written."""


class Malformed(Exception):
    """A proven sender, but a body that cannot be read: answered 400, nothing written."""
