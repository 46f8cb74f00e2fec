"""Groups of the fake Entra, and who is in them (reference teams.md §3.6)."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.teams.sandbox_entra import guid
from connectors.teams.sandbox_rules import Denied, page

GRAPH = "https://graph.microsoft.com/v1.0"
LARGEST_PAGE, USUAL_PAGE = 999, 100
KINDS: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "security": ((), True),
    "dynamic": (("DynamicMembership",), True),
    "unified": (("Unified",), False),
    "distribution": ((), False),
}
"""What Graph calls a group of a kind, and whether it is for security."""
_CONDITION = re.compile(r"securityEnabled eq true(?: and startswith\(displayName,'((?:[^']|'')*)'\))?")


@dataclass(slots=True)
class Group:
    """``members`` are people and groups by id."""

    id: str
    name: str
    kind: str
    members: set[str] = field(default_factory=set)


class Groups:
    """``exists`` says whether the directory still knows somebody. Tests may take groups out of ``all``."""

    def __init__(self, exists: Callable[[str], bool]) -> None:
        self.all: dict[str, Group] = {}
        self._exists = exists

    def add(self, name: str, people: Iterable[str], within: str, kind: str) -> str:
        """A new group, or more people in one of that name."""
        group = self.all.setdefault(guid("group", name), Group(guid("group", name), name, kind))
        group.members.update(people)
        if within:
            self.all[within].members.add(group.id)
        return group.id

    def list(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Raises ``Denied`` for conditions that the sandbox does not know."""
        found = list(self.all.values())
        if (condition := query.get("$filter")) is not None:
            known = _CONDITION.fullmatch(condition)
            if known is None:
                raise Denied(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.")
            start = (known[1] or "").replace("''", "'").lower()
            found = [one for one in found if KINDS[one.kind][1] and one.name.lower().startswith(start)]
        return page(found, query, f"{GRAPH}/groups", LARGEST_PAGE, USUAL_PAGE, _shown)

    def members(self, group: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Everything in a group and in the groups within it, each once. Raises ``Denied``."""
        if group not in self.all:
            raise Denied(404, "Request_ResourceNotFound", f"Resource '{group}' does not exist.")
        inside = sorted(one for one in self._within(group, {group}) if one in self.all or self._exists(one))
        url = f"{GRAPH}/groups/{group}/transitiveMembers"
        return page(inside, query, url, LARGEST_PAGE, USUAL_PAGE, self._member)

    def _within(self, group: str, seen: set[str]) -> set[str]:
        for member in self.all[group].members - seen:
            seen.add(member)
            if member in self.all:
                self._within(member, seen)
        return seen - {group}

    def _member(self, id_: str) -> dict[str, Any]:
        return {"@odata.type": f"#microsoft.graph.{'group' if id_ in self.all else 'user'}", "id": id_}


def _shown(group: Group) -> dict[str, Any]:
    return {"id": group.id, "displayName": group.name, "groupTypes": list(KINDS[group.kind][0])}
