"""The stages of a run, and which of them a platform has."""

from enum import StrEnum

from accounts.models import DirectoryImport
from connectors.contract import Connector
from connectors.directory import ListsConversations, ListsMembers, ListsPeople, ListsTeams


class Stage(StrEnum):
    """What a run does one after the other; the value is ``DirectoryImport.stage``."""

    ENTER = "enter"
    TEAMS = "teams"
    PEOPLE = "people"
    CHANNELS = "channels"
    MEMBERS = "members"
    MERGE = "merge"


NEEDED: dict[Stage, type] = {
    Stage.ENTER: ListsTeams,
    Stage.TEAMS: ListsTeams,
    Stage.PEOPLE: ListsPeople,
    Stage.CHANNELS: ListsConversations,
    Stage.MEMBERS: ListsMembers,
    Stage.MERGE: Connector,
}
"""The ability without which a stage is left out."""

KINDS = {
    Stage.ENTER: "entered",
    Stage.TEAMS: "teams",
    Stage.PEOPLE: "people",
    Stage.CHANNELS: "channels",
    Stage.MEMBERS: "visited",
    Stage.MERGE: "merged",
}
"""What ``DirectoryImport.counts`` and ``totals`` call the things of a stage."""

LISTING = (Stage.TEAMS, Stage.MERGE)


def stages_of(run: DirectoryImport, platform: type[Connector]) -> list[Stage]:
    """The stages of a run on a platform."""
    return [
        stage
        for stage, ability in NEEDED.items()
        if issubclass(platform, ability) and (stage in LISTING or not run.is_listing)
    ]
