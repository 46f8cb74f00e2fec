"""The people and the teams of the fake Webex. No HTTP here."""

from connectors.sandbox import COMPANY, cast_of
from connectors.webex import ids
from connectors.webex.sandbox_state import ADMIN_SCOPES, BOT_NAME, FOUNDED, SERVICE_NAME, Member, Team, stable_uuid


class People:
    """One organization, its people and the outsiders whom it knows. ``gone`` are named as authors and nothing else."""

    def __init__(self) -> None:
        self.uuid = stable_uuid("organization", COMPANY)
        self.id = ids.encode("ORGANIZATION", self.uuid)
        self.service_user = Member(SERVICE_NAME, "service@acme.example", ADMIN_SCOPES, roles=("id_full_admin",))
        self.bot = Member(BOT_NAME, "mio@webex.bot", type="bot")
        self.cast = [Member(actor.name, actor.email) for actor in cast_of("webex")]
        self.members = {member.id: member for member in (*self.cast, self.service_user)}
        self.by_email = {member.email: member for member in (*self.members.values(), self.bot)}
        self.by_token = {member.token: member for member in self.members.values()}
        moderators = {self.cast[0].id, self.service_user.id}
        self.team = Team(stable_uuid("team", COMPANY), COMPANY, FOUNDED, moderators)
        self.teams = {self.team.id: self.team}
        self.gone: dict[str, Member] = {}

    def person(self, key: str) -> Member | None:
        """Somebody by e-mail address or by any form of the id."""
        return self.by_email.get(key.lower()) or self.members.get(ids.account(key))

    def find(self, key: str) -> tuple[str, str] | None:
        """The id and the name."""
        found = self.person(key)
        return (found.id, found.name) if found else None

    def add_member(self, name: str, email: str, organization: str = "") -> Member:
        member = Member(name, email, organization=organization)
        self.members[member.id] = self.by_email[email] = self.by_token[member.token] = member
        return member

    def add_numbered(self, people: int) -> list[str]:
        """Many people without tokens; their ids."""
        added = [Member(f"Person {n:05}", f"person{n:05}@bench.example") for n in range(1, people + 1)]
        self.members |= {member.id: member for member in added}
        self.by_email |= {member.email: member for member in added}
        return [member.id for member in added]

    def anybody(self, id_: str) -> Member:
        """A person, the bot, or who is no more."""
        return self.bot if id_ == self.bot.id else self.members.get(id_) or self.gone[id_]

    def organization_of(self, member: Member) -> str:
        """The id of the organization that somebody belongs to."""
        return ids.encode("ORGANIZATION", member.organization) if member.organization else self.id
