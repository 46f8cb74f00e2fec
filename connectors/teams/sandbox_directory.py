"""The part of the fake Graph that tells of people, teams and channels, and changes them (reference teams.md §3.5, §3.6)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connectors.sandbox import COMPANY, digest
from connectors.teams.sandbox_channels import GRAPH, MOST_PRIVATE, MOST_STANDARD, Channel, Channels, Team
from connectors.teams.sandbox_entra import Entra, Grant
from connectors.teams.sandbox_groups import Groups
from connectors.teams.sandbox_invitations import Invitations
from connectors.teams.sandbox_names import change, check_name, described
from connectors.teams.sandbox_people import LARGEST_PAGE, People
from connectors.teams.sandbox_rules import Denied, check_roster, collection, page
from connectors.teams.sandbox_teams import Rosters

USUAL_PAGE = 100
"""Entries per page when nothing is asked."""
_READ_OTHERS = ("User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All")
"""What a person's token needs to read other people's profiles than one's own."""
_PREFERRED = re.compile(r"odata\.maxpagesize=(\d+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in."""

    grant: Grant
    query: Mapping[str, str]
    body: bytes
    prefer: str

    def json(self) -> Any:
        """The body. Raises ``Denied`` for what is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Denied(400, "BadRequest", "Unable to read JSON request payload.") from None

    def shown(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message as this caller sees it: kinds that came later are named only to who asks for them (§3.1)."""
        hidden = message["messageType"] == "systemEventMessage" and "include-unknown-enum-members" not in self.prefer
        return message | {"messageType": "unknownFutureValue"} if hidden else message


class Directory:
    """``people`` are all that the tenant knows."""

    def __init__(self, entra: Entra, channels: Channels, people: People, invitations: Invitations) -> None:
        self._entra, self._channels, self.people, self.invitations = entra, channels, people, invitations
        self.groups = Groups(people.is_replicated)
        self.rosters = Rosters(entra.tenant, people, channels, lambda user: user in entra.entrusted)

    def me(self, asked: Asked) -> dict[str, Any]:
        if not asked.grant.user:
            raise Denied(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        return self.user(asked, asked.grant.user)

    def list_users(self, asked: Asked) -> dict[str, Any]:
        condition = asked.query.get("$filter")
        users = self.people.present() if condition is None else self.people.filtered(condition)
        url = f"{GRAPH}/users"
        return page(users, asked.query, url, LARGEST_PAGE, USUAL_PAGE, lambda user: self.user(asked, user))

    def list_changed_users(self, asked: Asked) -> dict[str, Any]:
        preferred = _PREFERRED.search(asked.prefer)
        return self.people.delta(asked.query, int(preferred[1]) if preferred else 0)

    def user(self, asked: Asked, user: str) -> dict[str, Any]:
        if not self.people.is_replicated(user):
            raise Denied(404, "Request_ResourceNotFound", f"Resource '{user}' does not exist.")
        return self.people.shown(user, asked.query.get("$select", ""))

    def show_user(self, asked: Asked, user: str) -> dict[str, Any]:
        """To see more than oneself takes more."""
        if asked.grant.user not in ("", user) and asked.grant.permissions.isdisjoint(_READ_OTHERS):
            raise Denied(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        return self.user(asked, user)

    def invite(self, asked: Asked) -> dict[str, Any]:
        return self.invitations.invite(asked.json())

    def delete_user(self, asked: Asked, user: str) -> None:
        """A person needs the role for it, whatever was consented to; who has a role is for others to delete."""
        self.user(asked, user)
        if (asked.grant.user and asked.grant.user not in self._entra.entrusted) or user in self._entra.entrusted:
            raise Denied(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        self.dismiss(user)

    def dismiss(self, user: str) -> None:
        """Somebody leaves the directory, and with it the teams and all sessions."""
        for team in self._channels.teams.values():
            if user in team.members:
                self.rosters.drop(team, user, user)
        self._entra.grants = {token: one for token, one in self._entra.grants.items() if one.user != user}
        self.people.forget(user)

    def licensing(self, asked: Asked, user: str) -> dict[str, Any]:
        if user != asked.grant.user:
            raise Denied(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        return self.people.licensing(user)

    def organization(self, _asked: Asked) -> dict[str, Any]:
        return collection([{"id": self._entra.tenant, "displayName": COMPANY}])

    def list_what_one_belongs_to(self, asked: Asked) -> dict[str, Any]:
        """Everybody is in the first team's group; what kind of role somebody has is told, its name is not (``User.Read``)."""
        group = next(iter(self._channels.teams))
        kinds = ["group"] + ["directoryRole"] * (asked.grant.user in self._entra.entrusted)
        belongs = [{"@odata.type": f"#microsoft.graph.{kind}", "id": digest(kind, group)[:36]} for kind in kinds]
        return page(belongs, asked.query, f"{GRAPH}/me/transitiveMemberOf")

    def list_groups(self, asked: Asked) -> dict[str, Any]:
        return self.groups.list(asked.query)

    def list_group_members(self, asked: Asked, group: str) -> dict[str, Any]:
        return self.groups.members(group, asked.query)

    def list_teams(self, asked: Asked) -> dict[str, Any]:
        teams = list(self._channels.teams)
        return page(
            teams, asked.query, f"{GRAPH}/teams", LARGEST_PAGE, USUAL_PAGE, lambda id_: self.show_team(asked, id_)
        )

    def list_joined_teams(self, asked: Asked) -> dict[str, Any]:
        joined = [team.id for team in self._channels.teams.values() if asked.grant.user in team.members]
        return collection([self.show_team(asked, team) for team in joined])

    def show_team(self, _asked: Asked, team: str) -> dict[str, Any]:
        name = self._team(team).name
        return {"id": team, "displayName": name, "description": name, "tenantId": self._entra.tenant}

    def list_channels(self, asked: Asked, team: str) -> dict[str, Any]:
        """All at once; a person sees no private channel from outside."""
        known = self._team(team)
        if asked.grant.user and asked.grant.user not in self._entra.entrusted:
            check_roster(asked.grant.user, known.members)
        user = asked.grant.user
        seen = [ch.id for ch in self._channels.of(team) if not (user and ch.is_private) or user in ch.members]
        return collection([self.show_channel(asked, team, channel) for channel in seen])

    def show_channel(self, _asked: Asked, team: str, channel: str) -> dict[str, Any]:
        found = self._channel(team, channel)
        named = {"id": channel, "displayName": found.name, "description": found.description or None}
        kind = "private" if found.is_private else "standard"
        return named | {"membershipType": kind, "tenantId": self._entra.tenant, "isArchived": False}

    def create_channel(self, asked: Asked, team: str) -> dict[str, Any]:
        known, sent, user = self._team(team), asked.json(), asked.grant.user
        if not user:
            raise Denied(403, "Forbidden", "The sandbox lets people only make channels.")
        check_roster(user, known.members)
        if not (known.lets_create or user in known.owners):
            raise Denied(403, "Forbidden", "Members may not create channels in this team.")
        owner = _owner_of(sent, user)
        check_name(self._channels, team, sent.get("displayName"))
        description = described(sent.get("description"))
        like = [one for one in self._channels.of(team) if one.is_private == bool(owner)]
        if len(like) >= (MOST_PRIVATE if owner else MOST_STANDARD):
            raise Denied(403, "Forbidden", "The maximum number of channels of this kind is reached.")
        made = self._channels.open(sent["displayName"], linked=False, team=team, owner=owner)
        made.description = description
        self._channels.heed(made, "created")
        return self.show_channel(asked, team, made.id)

    def change_channel(self, asked: Asked, team: str, channel: str) -> None:
        change(self._channels, self._entered(asked, team, channel), asked.grant.user, asked.json())

    def list_team_members(self, asked: Asked, team: str) -> dict[str, Any]:
        return self._members(asked, self._team(team), f"{GRAPH}/teams/{team}/members")

    def list_channel_members(self, asked: Asked, team: str, channel: str) -> dict[str, Any]:
        url = f"{GRAPH}/teams/{team}/channels/{quote(channel)}/members"
        return self._members(asked, self._channel(team, channel), url)

    def _members(self, asked: Asked, place: Team | Channel, url: str) -> dict[str, Any]:
        users = self.rosters.listed(place, asked.query)
        return page(users, asked.query, url, LARGEST_PAGE, USUAL_PAGE, lambda user: self.rosters.shown(place, user))

    def add_team_member(self, asked: Asked, team: str) -> dict[str, Any]:
        return self.rosters.add(self._team(team), asked.grant.user, asked.json())

    def add_team_members(self, asked: Asked, team: str) -> dict[str, Any]:
        return self.rosters.add_many(self._team(team), asked.grant.user, asked.json())

    def remove_team_member(self, asked: Asked, team: str, membership: str) -> None:
        self.rosters.remove(self._team(team), asked.grant.user, membership)

    def add_channel_member(self, asked: Asked, team: str, channel: str) -> dict[str, Any]:
        return self.rosters.add(self._private(team, channel), asked.grant.user, asked.json())

    def add_channel_members(self, asked: Asked, team: str, channel: str) -> dict[str, Any]:
        return self.rosters.add_many(self._private(team, channel), asked.grant.user, asked.json())

    def remove_channel_member(self, asked: Asked, team: str, channel: str, membership: str) -> None:
        self.rosters.remove(self._private(team, channel), asked.grant.user, membership)

    def _team(self, team: str) -> Team:
        if team not in self._channels.teams:
            raise Denied(404, "NotFound", "No team found with this id.")
        return self._channels.teams[team]

    def _channel(self, team: str, channel: str) -> Channel:
        self._team(team)
        found = self._channels.all.get(channel)
        if found is None or found.team != team:
            raise Denied(404, "NotFound", "No channel found with this id.")
        return found

    def _private(self, team: str, channel: str) -> Channel:
        """Raises ``Denied`` for a standard channel, whose members are the team's (§3.5)."""
        found = self._channel(team, channel)
        if not found.is_private:
            raise Denied(400, "BadRequest", "Members are added to private and shared channels only.")
        return found

    def _entered(self, asked: Asked, team: str, channel: str) -> Channel:
        """The channel, if the caller is in it or an application that reads all."""
        found = self._channel(team, channel)
        if asked.grant.user:
            check_roster(asked.grant.user, found.members)
        return found


def _owner_of(sent: Any, user: str) -> str:
    """The owner of a private channel, empty for a standard one. Raises ``Denied``."""
    if not isinstance(sent, dict) or sent.get("membershipType") not in ("standard", "private"):
        raise Denied(400, "BadRequest", "The sandbox makes standard and private channels.")
    members = sent.get("members") or []
    if sent["membershipType"] == "standard":
        if members:
            raise Denied(400, "BadRequest", "A standard channel takes no members.")
        return ""
    bind = f"{GRAPH}/users('{user}')"
    if [(one.get("user@odata.bind"), one.get("roles")) for one in members] != [(bind, ["owner"])]:
        raise Denied(400, "BadRequest", "A private channel is made with one owner.")
    return user
