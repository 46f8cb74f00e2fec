"""Guests invited into the fake tenant (reference teams.md §3.7), and the policies that keep them out."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox import digest
from connectors.teams.sandbox_entra import guid
from connectors.teams.sandbox_people import Named, People
from connectors.teams.sandbox_rules import Denied

_NOBODY_INVITES = "Guest invitations not allowed for your company. Contact your company administrator for more details."
_ADDRESS, _REDIRECT = "invitedUserEmailAddress", "inviteRedirectUrl"


class Invitations:
    """``lets_invite``, ``blocked_domains`` and ``room`` (accounts that the directory still has place for) are policies.

    ``delay`` are the seconds for which Graph knows a new guest nowhere but here. ``mailed`` are
    those who were written to, with the words.
    """

    def __init__(self, people: People, named: dict[str, Named], clock: Callable[[], float]) -> None:
        self._people, self._named, self._clock = people, named, clock
        self.lets_invite = True
        self.blocked_domains: set[str] = set()
        self.room = 1_000_000
        self.delay = 0.0
        self.mailed: list[tuple[str, str]] = []
        self._made = 0

    def invite(self, sent: Any) -> dict[str, Any]:
        """A guest; the same one for the same address. Raises ``Denied``."""
        email = self._checked(sent)
        guest = self._standing(email) or self._arrive(email, str(sent.get("invitedUserDisplayName") or email))
        if sent.get("sendInvitationMessage"):
            told_so = sent.get("invitedUserMessageInfo") or {}
            self.mailed.append((email, str(told_so.get("customizedMessageBody") or "")))
        told = {"id": guid("invitation", email), "status": "PendingAcceptance", "resetRedemption": False}
        kept = {
            name: sent.get(name) for name in (_ADDRESS, "invitedUserDisplayName", _REDIRECT, "sendInvitationMessage")
        }
        redeem = f"https://login.microsoftonline.com/redeem?rd={digest('redeem', email)[:16]}"
        return told | kept | {"inviteRedeemUrl": redeem, "invitedUserType": "Guest", "invitedUser": {"id": guest}}

    def _checked(self, sent: Any) -> str:
        given = sent if isinstance(sent, dict) else {}
        email, page = str(given.get(_ADDRESS) or ""), urlsplit(str(given.get(_REDIRECT) or ""))
        mailbox, _, domain = email.lower().partition("@")
        if not (mailbox and domain) or page.scheme != "https" or given.get("invitedUserType", "Guest") != "Guest":
            raise Denied(400, "BadRequest", "Invalid invitation: an address and a page to arrive at are required.")
        if not self.lets_invite:
            raise Denied(403, "Forbidden", _NOBODY_INVITES)
        if domain in self.blocked_domains:
            raise Denied(
                400, "BadRequest", "The domain of the invited user is not allowed by the organization's policy."
            )
        return email

    def _standing(self, email: str) -> str:
        """The guest who has an address, if any. Raises ``Denied`` for one of a member, or of who may not sign in."""
        for user, (_, known) in self._named.items():
            if known.lower() != email.lower() or user not in self._people:
                continue
            if user in self._people.guests and user not in self._people.disabled:
                return user
            raise Denied(400, "BadRequest", f"The invited user already exists in the directory as object ID: {user}.")
        return ""

    def _arrive(self, email: str, name: str) -> str:
        """Whoever was deleted and is invited again is another one."""
        if self.room <= 0:
            raise Denied(403, "Directory_QuotaExceeded", "The directory object quota limit has been exceeded.")
        self.room -= 1
        self._made += 1
        guest = guid("guest", email, str(self._made))
        self._named[guest] = self._people.guests[guest] = (name, email)
        self._people.appearing[guest] = self._clock() + self.delay
        self._people.arrive(guest)
        return guest
