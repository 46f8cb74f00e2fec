"""A tenant of many, for benchmarks: made at once, and quick to walk through."""

from connectors.teams.sandbox_channels import MOST_PRIVATE, Channels, Team
from connectors.teams.sandbox_entra import guid
from connectors.teams.sandbox_people import People
from connectors.teams.sandbox_teams import LARGEST_TEAM


def populate(channels: Channels, people: People, service: str, many: int, rooms: int, members: int) -> None:
    """Each person is in one team, each team has at most as many people and private channels as Teams allows."""
    numbers = range(1, many + 1)
    crowd = {f"be9c0000-0000-4000-8000-{n:012d}": (f"Person {n:05}", f"person{n:05}@bench.example") for n in numbers}
    people.gather(crowd)
    users = list(crowd)
    count = max(-(-many // (LARGEST_TEAM - 1)), -(-rooms // MOST_PRIVATE), 1)
    for number in range(count):
        inside = users[number::count]
        team = Team(guid("bench team", str(number)), f"Bench {number + 1:04}", {service, *inside}, {service})
        channels.teams[team.id] = team
        channels.open("General", linked=False, team=team.id)
        for room in range(number + 1, rooms + 1, count):
            opened = channels.open(f"bench-{room:04}", linked=False, team=team.id, owner=service)
            first = room * members % max(len(inside), 1)
            opened.members |= set((inside[first:] + inside[:first])[: max(members - 1, 0)])
