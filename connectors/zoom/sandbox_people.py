"""Who comes to the fake Zoom's account and who leaves it, a few by hand or a crowd for a benchmark."""

from collections.abc import Sequence
from dataclasses import replace

from connectors.consent import Preset, Purpose, wanted
from connectors.contract import Credentials
from connectors.messages import ConversationId
from connectors.sandbox import Person
from connectors.zoom import ids
from connectors.zoom.papers import SIGN_IN
from connectors.zoom.sandbox_acts import Acts
from connectors.zoom.sandbox_company import ACCOUNT, GROUP, User, by_key, outsider, room, user
from connectors.zoom.sandbox_events import user_event
from connectors.zoom.sandbox_tokens import PERSONAL_SCOPES, Token
from connectors.zoom.scopes import SCOPES, USER


class People(Acts):
    """``former`` are the deactivated users; ``outsiders`` people of other accounts, who have a member id only."""

    users: list[User]
    service_user: User

    def add_person(self, name: str, email: str, *, guest: bool = False) -> Person:
        """A new user of the account; as a guest a person of another one. In no channel yet."""
        if guest:
            return self._stranger(name)
        one = user(name, email)
        self.users.append(one)
        self._let_in(one)
        self.tell(user_event("user.created", one, self.service_user, self.clock()))
        return self._known(one)

    def add_outsider(self, name: str) -> Person:
        """A person of another account who joins every channel."""
        person = self._stranger(name)
        for one in self.rooms.values():
            if one.type != GROUP:
                one.members.append(self.outsiders[-1])
        return person

    def remove_person(self, person: str) -> None:
        """Deactivate a user, who is then in no channel."""
        one = self.anybody(person)
        self.users.remove(one)
        self.former.append(replace(one, status="inactive"))
        for place in self.rooms.values():
            if one in place.members:
                place.members.remove(one)
        self.tell(user_event("user.deactivated", one, self.service_user, self.clock()))

    def populate(self, people: int, channels: int, members: int) -> None:
        """A large account: ``people`` more users and ``channels`` more channels of the service user's, with ``members``
        of those people in each, turn and turn about."""
        crowd = [user(f"Person {n:05}", f"person{n:05}@bench.example") for n in range(1, people + 1)]
        self.users += crowd
        for number in range(channels):
            inside = [crowd[(number * members + n) % people] for n in range(members)]
            made = room(f"bench-{number + 1:04}", False, [self.service_user, *inside])
            self.rooms[made.id] = made

    def open_as(self, person: str, name: str, *, public: bool = False) -> ConversationId:
        """Make a channel and be alone in it."""
        return ConversationId(self.create(self.anybody(person), name, 3 if public else 1).id)

    def chat(self, people: Sequence[str]) -> ConversationId:
        """See ``Fake.chat``. Of more than two the first one opens a new group."""
        one, *others = (self.anybody(person) for person in people)
        if len(others) > 1:
            return ConversationId(self.group(one, others).id)
        found = self.chat_of(one, *others)
        return next(key for key, chat in self.chats.items() if chat is found)

    def own_credentials(self, person: str, preset: Preset = Preset.PUBLISHED) -> Credentials:
        """What people's consent page hands out where the app is registered for what ``preset`` asks."""
        one = self.anybody(person)
        names = {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, preset)} | {SIGN_IN}
        token = self.tokens.agree(Token(one, frozenset(names), personal=True))
        return Credentials(ids.workspace(ACCOUNT), ids.account(one.id), {USER: token}, self.credentials().extra, USER)

    def anybody(self, person: str) -> User:
        """By id, member id, e-mail or name."""
        everybody = [*self.users, *self.outsiders]
        return by_key(everybody, person) or next(one for one in everybody if one.name == person)

    def _stranger(self, name: str) -> Person:
        stranger = outsider(name)
        self.outsiders.append(stranger)
        return Person(name, stranger.member_id, "")

    def _let_in(self, one: User) -> None:
        """Give a user a token of the user-managed app."""
        self.personal[one.id] = self.tokens.seed(one.email, Token(one, PERSONAL_SCOPES, personal=True))

    def _known(self, one: User) -> Person:
        return Person(one.name, one.id, self.personal[one.id])
