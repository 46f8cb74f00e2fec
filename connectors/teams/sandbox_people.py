"""Who the fake Graph knows: the members of the tenant and its guests (reference teams.md §3.6)."""

from collections.abc import Mapping
from typing import Any

from connectors.teams.sandbox_rules import Denied


class People:
    """Names and addresses by object id. ``unlicensed`` members have no Teams."""

    def __init__(self, members: Mapping[str, tuple[str, str]], guests: Mapping[str, tuple[str, str]]) -> None:
        self._all = {**members, **guests}
        self._guests = frozenset(guests)
        self.unlicensed: set[str] = set()

    def __iter__(self) -> Any:
        return iter(self._all)

    def shown(self, user: str, select: str) -> dict[str, Any]:
        """Somebody by object id or address, with the properties asked for. Raises ``Denied``."""
        known = self._known(user)
        name, email = self._all[known]
        first, _, last = name.partition(" ")
        everything = {
            "id": known,
            "displayName": name,
            "givenName": first,
            "surname": last,
            "mail": email,
            "userPrincipalName": email,
            "proxyAddresses": [f"SMTP:{email}"],
            "userType": "Guest" if known in self._guests else "Member",
            "accountEnabled": True,
        }
        return {name: everything[name] for name in select.split(",") if name in everything} if select else everything

    def licensing(self, user: str) -> dict[str, Any]:
        """Whether somebody may use Teams. Guests need no licence of this tenant. Raises ``Denied``."""
        return {"hasTeamsLicense": self._known(user) not in self.unlicensed | self._guests}

    def _known(self, user: str) -> str:
        known = next((id_ for id_, (_, email) in self._all.items() if user in (id_, email)), None)
        if known is None:
            raise Denied(404, "Request_ResourceNotFound", f"Resource '{user}' does not exist.")
        return known
