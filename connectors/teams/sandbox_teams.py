"""Teams of the fake: who is in them, and who may change that (reference teams.md §3.5)."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from connectors.sandbox import digest
from connectors.teams.sandbox_channels import Channel, Channels, Team
from connectors.teams.sandbox_people import People
from connectors.teams.sandbox_rules import Denied

MOST_ADDED = 200
LARGEST_TEAM, LARGEST_PRIVATE = 25_000, 250
"""Members of a team, and of a private channel."""
_BIND = re.compile(r"https://graph\.microsoft\.com/v1\.0/users(?:\('([^']+)'\)|/([^/]+))")
_FILTER = re.compile(r"\(microsoft\.graph\.aadUserConversationMember/userId eq '([^']+)'\)")
_RESULT = "#microsoft.graph.aadUserConversationMemberResult"


class Rosters:
    """Who belongs to a team, or to a private channel: listed and changed. ``administers`` are Teams Administrators."""

    def __init__(self, tenant: str, people: People, channels: Channels, administers: Callable[[str], bool]) -> None:
        self._tenant, self._people, self._channels, self._administers = tenant, people, channels, administers

    def shown(self, place: Team | Channel, user: str) -> dict[str, Any]:
        """A membership. Raises ``Denied`` for somebody who left the directory."""
        name, email = self._people.named(user)
        roles = ["owner"] if user in place.owners else ["guest"] if user in self._people.guests else []
        return {
            "@odata.type": "#microsoft.graph.aadUserConversationMember",
            "id": digest("membership", place.id, user)[:40],
            "roles": roles,
            "displayName": name,
            "userId": user,
            "email": None if user in self._people.unmailed else email,
            "tenantId": self._tenant,
        }

    def listed(self, place: Team | Channel, query: Mapping[str, str]) -> list[str]:
        """Object ids, all or the one that is filtered for. Raises ``Denied``."""
        if "$filter" not in query:
            return sorted(place.members)
        found = _FILTER.fullmatch(query["$filter"])
        if found is None:
            raise Denied(400, "BadRequest", "Invalid filter clause.")
        return [user for user in (found[1],) if user in place.members]

    def check_may_change(self, place: Team | Channel, user: str) -> None:
        """Owners change who is in; in a team also administrators, though not in its private channels. Raises ``Denied``."""
        if user not in place.owners and not (isinstance(place, Team) and self._administers(user)):
            raise Denied(403, "Forbidden", "The caller may not change the members.")

    def add(self, place: Team | Channel, by: str, sent: object) -> dict[str, Any]:
        """One member. Raises ``Denied``."""
        self.check_may_change(place, by)
        user = self._taken(place, sent)
        self._added(place, by, [user])
        return self.shown(place, user)

    def add_many(self, place: Team | Channel, by: str, sent: object) -> dict[str, Any]:
        """As many as go in; of the others what was wrong. Raises ``Denied``."""
        self.check_may_change(place, by)
        values = sent.get("values") if isinstance(sent, dict) else None
        if not isinstance(values, list) or not 1 <= len(values) <= MOST_ADDED:
            raise Denied(400, "BadRequest", f"One request adds 1 to {MOST_ADDED} members.")
        results, users = [], []
        for value in values:
            result: dict[str, Any] = {"@odata.type": _RESULT, "userId": _bound(value), "error": None}
            try:
                users.append(self._taken(place, value))
            except Denied as denied:
                result["error"] = {"code": denied.code, "message": denied.message}
            results.append(result)
        self._added(place, by, users)
        return {"value": results}

    def remove(self, place: Team | Channel, by: str, membership: str) -> None:
        """By the id of a membership. Raises ``Denied``."""
        self.check_may_change(place, by)
        user = next((one for one in place.members if self.shown(place, one)["id"] == membership), None)
        if user is None:
            raise Denied(404, "NotFound", "No member found with this id.")
        if user in place.owners:
            raise Denied(403, "Forbidden", "Owners need TeamMember.ReadWrite.All.")
        self.drop(place, by, user)

    def drop(self, place: Team | Channel, by: str, user: str) -> None:
        """Who leaves a team leaves its private channels too."""
        if isinstance(place, Team):
            for channel in self._channels.of(place.id):
                channel.members.discard(user)
                channel.owners.discard(user)
        place.members.discard(user)
        self._channels.tell(self._told_in(place), "membersDeleted", by, members=[self._channels.named(user)])

    def _added(self, place: Team | Channel, by: str, users: list[str]) -> None:
        new = [user for user in users if user not in place.members]
        place.members.update(users)
        if new:
            told = [self._channels.named(user) for user in new]
            self._channels.tell(self._told_in(place), "membersAdded", by, members=told)

    def _told_in(self, place: Team | Channel) -> Channel:
        """Of a team's members Teams tells in its first channel."""
        return place if isinstance(place, Channel) else self._channels.of(place.id)[0]

    def _taken(self, place: Team | Channel, sent: object) -> str:
        """Whom a new membership names, where it may be. Raises ``Denied``."""
        user = _bound(sent)
        roles = sent.get("roles") if isinstance(sent, dict) else None
        if not isinstance(sent, dict) or sent.get("@odata.type") != "#microsoft.graph.aadUserConversationMember":
            raise Denied(400, "BadRequest", "A member needs its type.")
        if roles:
            raise Denied(403, "Forbidden", "Owners need TeamMember.ReadWrite.All.")
        if user not in self._people or not self._people.is_replicated(user):
            raise Denied(404, "NotFound", "No user found with this id.")
        home = place if isinstance(place, Team) else self._channels.teams[place.team]
        if user not in home.members and home is not place:
            raise Denied(400, "BadRequest", "The user is not in team.")
        if user in self._people.guests and not home.lets_guests:
            raise Denied(403, "GuestAccessDenied", "Request is not allowed for guest users.")
        if len(place.members) >= (LARGEST_TEAM if home is place else LARGEST_PRIVATE) and user not in place.members:
            raise Denied(403, "Forbidden", "The maximum number of members is reached.")
        return user


def _bound(sent: object) -> str:
    found = _BIND.fullmatch(str(sent.get("user@odata.bind"))) if isinstance(sent, dict) else None
    return unquote(found[1] or found[2]) if found else ""
