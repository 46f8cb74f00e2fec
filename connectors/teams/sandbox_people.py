"""Who the fake Graph knows: the members of the tenant and its guests (reference teams.md §3.6)."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from connectors.sandbox import digest
from connectors.teams.sandbox_entra import guid
from connectors.teams.sandbox_rules import Denied

TOKEN_LIFE = timedelta(days=7)
"""How long Graph knows a token of ``users/delta``."""
LARGEST_PAGE = 999
MOST_IN_FILTER = 15
"""Values of an ``in``, or conditions joined by ``or``."""
_IN = re.compile(r"(id|mail) in \(('(?:[^']|'')+'(?:,'(?:[^']|'')+')*)\)")
_ALIAS = re.compile(r"proxyAddresses/any\(p:p eq ('(?:[^']|'')+')\)")
_VALUE = re.compile(r"'((?:[^']|'')+)'")

Named = tuple[str, str]


class People:
    """Names and addresses by object id. ``unlicensed`` members have no Teams, ``disabled`` ones may not sign in,
    ``unmailed`` ones have their address among the ``aliases`` only, ``internal`` guests were made here and not invited.
    ``appearing`` tells from when on somebody new is known.

    ``users`` and ``guests`` are shared with who made this; of a ``crowd`` nobody ever speaks.
    """

    def __init__(self, users: dict[str, Named], guests: dict[str, Named], clock: Callable[[], float]) -> None:
        self._known: tuple[dict[str, Named], ...] = users, guests, {}
        self._clock = clock
        self.guests, self.crowd = guests, self._known[2]
        self.unlicensed: set[str] = set()
        self.disabled: set[str] = set()
        self.unmailed: set[str] = set()
        self.aliases: dict[str, list[str]] = {}
        self.internal: set[str] = set()
        self.appearing: dict[str, float] = {}
        self.heed: Callable[[str, str], None] = lambda user, change: None
        self._order = [*users, *guests]
        self._changes: list[str] = []

    def __contains__(self, user: object) -> bool:
        return any(user in known for known in self._known)

    def named(self, user: str) -> Named:
        """Name and address. Raises ``Denied``."""
        for known in self._known:
            if user in known:
                return known[user]
        raise Denied(404, "Request_ResourceNotFound", f"Resource '{user}' does not exist.")

    def arrive(self, user: str) -> None:
        """Somebody was added to one of the three."""
        self._order.append(user)
        self.changed(user)

    def forget(self, user: str) -> None:
        """Somebody is no more."""
        for known in self._known:
            known.pop(user, None)
        self.changed(user)

    def is_replicated(self, user: str) -> bool:
        """Whether every part of the directory has heard of somebody new (§3.7)."""
        return self._clock() >= self.appearing.get(user, 0.0)

    def changed(self, user: str) -> None:
        """Somebody is not what the directory said, or is no more."""
        self._changes.append(user)
        self.heed(user, "updated" if user in self else "deleted")

    def gather(self, crowd: Mapping[str, Named]) -> None:
        """Many more people at once."""
        self.crowd.update(crowd)
        self._order += crowd

    def present(self) -> list[str]:
        """Object ids of all, in the order of their arrival."""
        return [user for user in self._order if user in self and self.is_replicated(user)]

    def filtered(self, condition: str) -> list[str]:
        """Object ids of those whom a filter of one of three forms means. Raises ``Denied``."""
        listed, aliases = _IN.fullmatch(condition), [_ALIAS.fullmatch(one) for one in condition.split(" or ")]
        values = _values(listed[2]) if listed else [_values(one[1])[0] for one in aliases if one]
        if not (listed or all(aliases)) or not 1 <= len(values) <= MOST_IN_FILTER:
            raise Denied(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.")
        if listed and listed[1] == "id":
            return [id_ for id_ in values if id_ in self and self.is_replicated(id_)]
        wanted = {value.lower() for value in values}
        return [user for user in self.present() if wanted & (self._mail(user) if listed else self._aliases(user))]

    def _mail(self, user: str) -> set[str]:
        return set() if user in self.unmailed else {self.named(user)[1].lower()}

    def _aliases(self, user: str) -> set[str]:
        return {f"smtp:{address.lower()}" for address in (self.named(user)[1], *self.aliases.get(user, ()))}

    def shown(self, user: str, select: str) -> dict[str, Any]:
        """Somebody by object id or address, with the properties asked for. Raises ``Denied``."""
        known = user if user in self else self._by_address(user)
        name, email = self.named(known)
        first, _, last = name.partition(" ")
        mail = None if known in self.unmailed else email
        is_guest = known in self.guests
        everything = {
            "id": known,
            "displayName": name,
            "givenName": first,
            "surname": last,
            "mail": mail,
            "userPrincipalName": f"{email.replace('@', '_')}#EXT#@acme.onmicrosoft.com" if is_guest else email,
            "proxyAddresses": [f"SMTP:{email}", *(f"smtp:{alias}" for alias in self.aliases.get(known, ()))],
            "userType": "Guest" if is_guest else "Member",
            "creationType": "Invitation" if is_guest and known not in self.internal else None,
            "externalUserState": "PendingAcceptance" if is_guest else None,
            "accountEnabled": known not in self.disabled,
            "assignedPlans": [] if is_guest else self._plans(known),
        }
        return {name: everything[name] for name in select.split(",") if name in everything} if select else everything

    def _plans(self, user: str) -> list[dict[str, Any]]:
        """Mail for everybody; Teams was taken away again from those without a licence."""
        states = {"exchange": "Enabled", "TeamspaceAPI": "Deleted" if user in self.unlicensed else "Enabled"}
        return [
            {"service": service, "capabilityStatus": state, "servicePlanId": guid("plan", service)}
            for service, state in states.items()
        ]

    def delta(self, query: Mapping[str, str], page: int) -> dict[str, Any]:
        """A page of all, or of what changed since a token; tokens are those of this very query. Raises ``Denied``."""
        select = query.get("$select", "")
        token = query.get("$skiptoken") or query.get("$deltatoken") or ""
        at, since, seen, selected = self._opened(token) if token else (0, -1, len(self._changes), select)
        told = list(dict.fromkeys(self._changes[since:seen])) if since >= 0 else self._order
        size = min(page or LARGEST_PAGE, LARGEST_PAGE)
        users = [self._told(user, selected) for user in told[at : at + size] if user in self or since >= 0]
        url = "https://graph.microsoft.com/v1.0/users/delta?"
        if at + size < len(told):
            link = {"@odata.nextLink": f"{url}$skiptoken={self._token(at + size, since, seen, selected)}"}
        else:
            link = {"@odata.deltaLink": f"{url}$deltatoken={self._token(0, seen, -1, selected)}"}
        return {"value": users} | link

    def _told(self, user: str, select: str) -> dict[str, Any]:
        return self.shown(user, select) if user in self else {"id": user, "@removed": {"reason": "changed"}}

    def _token(self, at: int, since: int, seen: int, select: str) -> str:
        told = f"{at}.{since}.{seen}.{int(self._clock())}.{select.replace(',', '-')}"
        return f"{told}.{digest('delta', told)[:16]}"

    def _opened(self, token: str) -> tuple[int, int, int, str]:
        told, _, proof = token.rpartition(".")
        if digest("delta", told)[:16] != proof:
            raise Denied(400, "Directory_ExpiredPageToken", "The specified page token value is not valid.")
        at, since, seen, made, select = told.split(".")
        if int(made) + TOKEN_LIFE.total_seconds() < self._clock():
            raise Denied(410, "syncStateNotFound", "The sync state is not found: synchronize again.")
        told_until = len(self._changes) if int(seen) < 0 else int(seen)
        return int(at), int(since), told_until, select.replace("-", ",")

    def licensing(self, user: str) -> dict[str, Any]:
        """Whether somebody may use Teams. Guests need no licence of this tenant. Raises ``Denied``."""
        known = user if user in self else self._by_address(user)
        return {"hasTeamsLicense": known not in self.unlicensed and known not in self.guests}

    def _by_address(self, address: str) -> str:
        found = (id_ for known in self._known for id_, (_, email) in known.items() if email == address)
        if user := next(found, ""):
            return user
        raise Denied(404, "Request_ResourceNotFound", f"Resource '{address}' does not exist.")


def _values(written: str) -> list[str]:
    """The texts of a filter."""
    return [value.replace("''", "'") for value in _VALUE.findall(written)]
