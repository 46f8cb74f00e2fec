"""What Slack tells of its people and channels, and what the Hub may change there, against the fake workspace."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from connectors.calls import Response
from connectors.contract import Request
from connectors.directory import LONGEST_CURSOR, ListsConversations, ListsPeople, Place
from connectors.errors import Gone, Reconnect, Refused, Unavailable, Unsure
from connectors.http import BlockingTransport, Outgoing, drive_blocking
from connectors.messages import NO_TEAM, Account, AccountId, ConversationId, Kind, Reference
from connectors.provisioning import Found
from connectors.sandbox import Webhook
from connectors.slack.connector import Slack
from connectors.slack.sandbox import FakeSlack

SECRETS = Slack.Secrets("a-signing-secret")


class Company:
    """The fake workspace with the Hub's connector next to it; ``clock`` may be moved."""

    def __init__(self) -> None:
        self.now = time.time()
        self.fake = FakeSlack(SECRETS, "https://hub.example.com", lambda: self.now)
        self.webhooks: list[Webhook] = []
        self.fake.deliver = self.webhooks.append
        self.slack = Slack(self.fake.credentials())
        self.general, self.coffee = (place.conversation for place in self.fake.places())
        self.ann, self.bob, self.carla = (AccountId(person.id) for person in self.fake.people())
        self.bot = self.slack.credentials.account

    def transport(self, outgoing: Outgoing) -> Response:
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        return self.fake.handle(Request(outgoing.method, outgoing.url, headers, {}, outgoing.body or b""))

    def run(self, calls: Any, transport: BlockingTransport | None = None) -> Any:
        return drive_blocking(calls, transport or self.transport, self.slack.credentials)

    def walked(self, page: Callable[[str], Any]) -> list[list[Any]]:
        """The items of all pages of a list."""
        pages, cursor = [], ""
        while not pages or cursor:
            got = self.run(page(cursor))
            pages.append(list(got.items))
            cursor = got.next
            assert len(cursor) < LONGEST_CURSOR
        return pages

    def everybody(self) -> list[Account]:
        return [account for page in self.walked(lambda cursor: self.slack.people((), cursor)) for account in page]

    def everywhere(self) -> list[Place]:
        return [place for page in self.walked(lambda cursor: self.slack.conversations((), cursor)) for place in page]

    def lose(self, *scopes: str) -> None:
        self.fake.workspace.callers[self.fake.workspace.bot_token].scopes.difference_update(scopes)


@pytest.fixture
def company() -> Company:
    return Company()


# --- Listing


def test_slack_can_be_asked_for_its_people_and_channels(company: Company) -> None:
    assert isinstance(company.slack, ListsPeople)
    assert isinstance(company.slack, ListsConversations)


def test_everybody_is_listed_with_guests_bots_and_who_left(company: Company) -> None:
    company.fake.add_person("Gil Guest", "gil@globex.example", guest=True)
    company.fake.remove_person(company.bob)
    found = company.everybody()
    assert found == company.fake.directory()
    assert [account.name for account in found if account.is_guest] == ["Gil Guest"]
    assert [account.name for account in found if account.is_deleted] == ["Bob Okafor"]
    assert [account.name for account in found if account.is_bot] == ["Mio", "Slackbot"]


def test_one_account_is_told_as_the_list_tells_it(company: Company) -> None:
    company.fake.add_person("Gil Guest", "gil@globex.example", guest=True)
    company.fake.remove_person(company.bob)
    for account in company.everybody():
        assert company.run(company.slack.account(account.id)) == account


def test_channels_are_listed_as_far_as_our_app_sees_them(company: Company) -> None:
    ours = company.fake.workspace
    for name in ("secret", "council"):
        channel = ours.open(name, linked=False)
        channel.is_private = True
    del ours.channels[company.coffee].members[company.bot]
    del channel.members[company.bot]
    ours.chat(company.ann)
    company.fake.topic_as(company.ann, company.general, "tea & <biscuits>")
    company.fake.archive_as(company.ann, company.general)
    assert {place.name: place for place in company.everywhere()} == {
        "general": Place(company.general, "general", "tea & <biscuits>", is_archived=True),
        "coffee": Place(company.coffee, "coffee", is_entered=False),
        "secret": Place(ConversationId(ours.open("secret", linked=False).id), "secret", is_private=True),
    }


def test_one_channel_is_told_as_the_list_tells_it(company: Company) -> None:
    for place in company.everywhere():
        assert company.run(company.slack.conversation(place.id)) == place


def test_a_channel_that_is_not_ours_to_see_and_a_direct_message_are_gone(company: Company) -> None:
    ours = company.fake.workspace
    council = ours.open("council", linked=False)
    council.is_private = True
    del council.members[company.bot]
    for unseen in ("C0NOWHERE1", council.id, ours.chat(company.ann).id):
        with pytest.raises(Gone):
            company.run(company.slack.conversation(ConversationId(unseen)))


def test_a_large_workspace_is_walked_page_by_page(company: Company) -> None:
    company.fake.populate(people=2_500, channels=1_200, members=20)
    pages = company.walked(lambda cursor: company.slack.people((), cursor))
    assert list(map(len, pages)) == [999, 999, 2_505 - 2 * 999]
    last = pages[-1][-1]
    assert (last.name, last.email) == ("Person 02500", "person02500@bench.example")
    places = company.everywhere()
    assert [place.name for place in places][-1] == "bench-1200"
    assert len({place.id for place in places}) == 1_202
    assert len(company.run(company.slack.members(places[-1].id))) == 21


def test_the_members_of_a_large_channel_come_in_pages(company: Company) -> None:
    company.fake.populate(people=2_100, channels=1, members=2_100)
    place = company.everywhere()[-1].id
    pages = company.walked(lambda cursor: company.slack.members_page(place, cursor))
    assert list(map(len, pages)) == [999, 999, 103]


def test_a_cursor_of_another_list_or_of_yesterday_is_gone(company: Company) -> None:
    company.fake.populate(people=1_000, channels=1_000, members=1)
    cursor = company.run(company.slack.people(())).next
    assert company.run(company.slack.people((), cursor)).items
    with pytest.raises(Gone, match="from the beginning"):
        company.run(company.slack.conversations((), cursor))
    company.now += 24 * 3_600
    with pytest.raises(Gone, match="from the beginning"):
        company.run(company.slack.people((), cursor))


@pytest.mark.parametrize("body", [{}, {"members": None, "channels": {}}, {"members": [], "channels": [], "response_metadata": {"next_cursor": 7}}])  # fmt: skip  # noqa: E501
def test_an_answer_that_lists_nothing_or_goes_on_unreadably_is_not_the_end(company: Company, body: Any) -> None:
    for pages in (
        company.slack.people(()),
        company.slack.conversations(()),
        company.slack.members_page(ConversationId("C1")),
    ):
        next(pages)
        with pytest.raises(Unavailable):
            pages.send(Response(200, json.dumps({"ok": True} | body).encode()))


@pytest.mark.parametrize("scope", ["users:read", "channels:read", "groups:read"])
def test_a_permission_that_a_list_needs_is_named(company: Company, scope: str) -> None:
    company.lose(scope)
    walk = company.everybody if scope == "users:read" else company.everywhere
    with pytest.raises(Reconnect, match=scope):
        walk()


def test_without_the_permission_there_are_people_without_addresses(company: Company) -> None:
    company.lose("users:read.email")
    assert {account.email for account in company.everybody()} == {""}


def answering(**told: Any) -> BlockingTransport:
    return lambda outgoing: Response(200, json.dumps({"ok": True} | told).encode())


@pytest.mark.parametrize(
    ("user", "is_guest"),
    [
        ({}, False),
        ({"team_id": "T0HOME"}, False),
        ({"team_id": "T0OTHER"}, True),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": ["T0OTHER", "T0HOME"]}}, False),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": "T0HOME"}}, True),
        ({"is_stranger": True}, True),
        ({"is_ultra_restricted": True, "is_restricted": True}, True),
        ({"is_restricted": "false"}, False),
    ],
)
def test_guests_are_told_apart(company: Company, user: dict[str, Any], is_guest: bool) -> None:
    slack = Slack(type(company.slack.credentials)("T0HOME", AccountId("U0BOT"), {"bot": "t"}))  # type: ignore[arg-type]
    found = company.run(slack.account(AccountId("U0ANN")), answering(user=user | {"id": "U0ANN"}))
    assert found.is_guest is is_guest


def test_an_address_that_nobody_confirmed_is_not_told(company: Company) -> None:
    for confirmed, email in ((False, ""), (True, "ann@acme.example"), (None, "ann@acme.example")):
        user = {"id": "U0ANN", "profile": {"email": "ann@acme.example"}, "is_email_confirmed": confirmed}
        assert company.run(company.slack.account(AccountId("U0ANN")), answering(user=user)).email == email


@pytest.mark.parametrize("rubbish", [[], [None, 1, {"id": 7}, {"id": ["C0"]}, {}]])
def test_rubbish_in_a_list_is_nobody_and_nowhere(company: Company, rubbish: Any) -> None:
    wrong = answering(members=rubbish, channels=rubbish, channel=rubbish, response_metadata=rubbish)
    assert company.run(company.slack.people(()), wrong).items == ()
    assert company.run(company.slack.conversations(()), wrong).items == ()
    assert company.run(company.slack.members_page(company.general), wrong).items in ((), ("x",))


# --- Managing


def created(company: Company, name: str = "ideas", *, is_private: bool = False, topic: str = "") -> Place:
    found = company.run(company.slack.create(name, is_private=is_private, team=NO_TEAM, topic=topic))
    assert isinstance(found, Place)
    return found


def members(company: Company, place: Place) -> list[AccountId]:
    found: list[AccountId] = company.run(company.slack.members(place.id))
    return found


@pytest.mark.parametrize("is_private", [False, True])
def test_a_channel_is_made_with_our_app_in_it(company: Company, is_private: bool) -> None:
    made = created(company, is_private=is_private, topic="Tea & <biscuits>")
    assert made == Place(made.id, "ideas", "Tea & <biscuits>", is_private=is_private)
    assert company.run(company.slack.conversation(made.id)) == made
    assert members(company, made) == [company.bot]


def test_a_name_is_made_legal_by_the_rule_that_renaming_has(company: Company) -> None:
    assert Slack.legal_name("Q3 Plans!") == "q3-plans"
    assert created(company, Slack.legal_name("Q3 Plans!")).name == "q3-plans"


@pytest.mark.parametrize(
    ("name", "reason"), [("general", "has this name"), ("Q3 Plans", "does not take this name"), ("-", "not take")]
)
def test_a_name_that_slack_does_not_take_is_refused(company: Company, name: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        created(company, name)


def test_what_the_workspace_forbids_is_said_with_who_can_allow_it(company: Company) -> None:
    place = created(company)
    company.run(company.slack.add(place.id, [company.ann]))
    company.fake.workspace.forbidden = {"conversations.create", "conversations.kick"}
    with pytest.raises(Refused, match="make channels: an owner"):
        created(company, "more")
    with pytest.raises(Refused, match="take people out: an owner"):
        company.run(company.slack.remove(place.id, company.ann))


def test_a_channel_whose_making_got_no_answer_is_in_doubt(company: Company) -> None:
    with pytest.raises(Unsure):
        company.run(company.slack.create("ideas", is_private=False, team=NO_TEAM, topic=""), lambda o: Response(502))
    with pytest.raises(Unsure):
        company.run(company.slack.create("ideas", is_private=False, team=NO_TEAM, topic=""), answering(channel={}))


def test_a_channel_is_there_even_if_its_topic_cannot_be_set(company: Company) -> None:
    def without_topics(outgoing: Outgoing) -> Response:
        return Response(503) if outgoing.url.endswith("setTopic") else company.transport(outgoing)

    made = company.run(company.slack.create("ideas", is_private=False, team=NO_TEAM, topic="Tea"), without_topics)
    assert (made.name, made.topic) == ("ideas", "")


@pytest.mark.parametrize(("is_private", "scope"), [(False, "channels:manage"), (True, "groups:write")])
def test_a_permission_that_making_a_channel_needs_is_named(company: Company, is_private: bool, scope: str) -> None:
    company.lose(scope)
    with pytest.raises(Reconnect, match=scope):
        created(company, is_private=is_private)


def test_people_are_brought_in_and_who_cannot_be_is_named_with_the_reason(company: Company) -> None:
    guest = AccountId(company.fake.add_person("Gil Guest", "gil@globex.example", guest=True).id)
    company.fake.join_as(guest, company.coffee)
    company.fake.remove_person(company.carla)
    place, nobody = created(company), AccountId("U0NOBODY01")
    company.run(company.slack.add(place.id, [company.bob]))
    everybody = [company.ann, company.bob, company.bot, company.carla, guest, nobody]
    asked: list[str] = []

    def counted(outgoing: Outgoing) -> Response:
        asked.append(outgoing.url)
        return company.transport(outgoing)

    found = company.run(company.slack.add(place.id, everybody), counted)
    assert len(asked) == 1, "Slack goes on where one cannot be invited"
    assert found == {
        company.carla: "this person is not in the workspace, or deactivated",
        guest: "a guest who may be in one channel only",
        nobody: "this person is not in the workspace, or deactivated",
    }
    assert members(company, place) == [company.bot, company.bob, company.ann]
    assert company.run(company.slack.add(place.id, [guest])) == {guest: "a guest who may be in one channel only"}
    assert company.run(company.slack.add(place.id, [company.ann, company.bot])) == {}
    assert company.run(company.slack.add(place.id, [])) == {}


def test_where_slack_stops_at_one_person_the_others_are_asked_again(company: Company) -> None:
    asked: list[list[str]] = []

    def stern(outgoing: Outgoing) -> Response:
        """Goes on for nobody, and now and then does not say because of whom."""
        users = json.loads(outgoing.body or b"")["users"].split(",")
        asked.append(users)
        if "U0NEW" in users:
            told = {"errors": [{"user": "U0NEW", "ok": False, "error": "something_new"}]} if len(users) == 4 else {}
            return Response(200, json.dumps({"ok": False, "error": "cant_invite"} | told).encode())
        return Response(200, json.dumps({"ok": "U0SHY" not in users, "error": "user_is_restricted"}).encode())

    four = [AccountId(user) for user in ("U0ANN", "U0NEW", "U0BOB", "U0SHY")]
    assert company.run(company.slack.add(company.coffee, four), stern) == {
        "U0NEW": "Slack refused: something_new",
        "U0SHY": "a guest: an administrator must add them in Slack",
    }
    assert asked == [list(four), ["U0ANN", "U0BOB", "U0SHY"], ["U0ANN"], ["U0BOB"], ["U0SHY"]]


def test_as_many_are_brought_in_at_once_as_slack_takes(company: Company) -> None:
    company.fake.populate(people=150, channels=0, members=0)
    crowd = [account.id for account in company.everybody() if account.email.endswith("@bench.example")]
    place = created(company)
    assert company.run(company.slack.add(place.id, crowd[: Slack.most_added])) == {}
    assert len(members(company, place)) == Slack.most_added + 1
    with pytest.raises(Refused):
        company.run(company.slack.add(place.id, crowd[: Slack.most_added + 1]))


def test_our_app_brings_nobody_where_it_is_not_itself(company: Company) -> None:
    company.fake.leave_as(company.bot, company.coffee)
    with pytest.raises(Gone, match="invite it there"):
        company.run(company.slack.add(company.coffee, [company.ann]))


def test_people_are_taken_out_and_twice_does_no_harm(company: Company) -> None:
    for _ in range(2):
        company.run(company.slack.remove(company.coffee, company.ann))
        company.run(company.slack.remove(company.coffee, AccountId("U0NOBODY01")))
    assert members(company, company.run(company.slack.conversation(company.coffee))) == [
        company.bob,
        company.carla,
        company.bot,
    ]
    with pytest.raises(Refused, match="everybody is in"):
        company.run(company.slack.remove(company.general, company.ann))


def test_our_app_leaves_by_itself_and_comes_back(company: Company) -> None:
    for _ in range(2):
        company.run(company.slack.remove(company.coffee, company.bot))
        assert not company.run(company.slack.conversation(company.coffee)).is_entered
    for _ in range(2):
        company.run(company.slack.enter(company.coffee))
        assert company.run(company.slack.conversation(company.coffee)).is_entered
    with pytest.raises(Refused, match="everybody is in"):
        company.run(company.slack.remove(company.general, company.bot))


def test_without_the_permission_to_join_somebody_must_invite_the_app(company: Company) -> None:
    company.lose("channels:join")
    company.run(company.slack.enter(company.coffee))  # where it is already, it needs none
    company.fake.leave_as(company.bot, company.coffee)
    with pytest.raises(Refused, match="channels:join: somebody in it must invite the app"):
        company.run(company.slack.enter(company.coffee))


def test_a_private_channel_is_entered_by_invitation_alone(company: Company) -> None:
    place = created(company, is_private=True)
    company.run(company.slack.enter(place.id))
    company.run(company.slack.add(place.id, [company.ann]))
    company.run(company.slack.remove(place.id, company.bot))
    with pytest.raises(Gone):
        company.run(company.slack.enter(place.id))
    told = {"id": place.id, "is_private": True, "is_member": False}
    with pytest.raises(Refused, match="private: somebody in it must invite the app"):
        company.run(company.slack.enter(place.id), answering(channel=told))


# --- What is told of changes


def told(company: Company) -> list[tuple[Kind, str, str]]:
    """What the Hub hears that is about people and channels, since the last look."""
    found: list[Reference] = []
    for webhook in company.webhooks:
        received = Slack.receive(Request("POST", webhook.url, dict(webhook.sign()), {}, webhook.body), SECRETS)
        assert isinstance(received, list)
        found += [envelope.reference for envelope in received]
    company.webhooks.clear()
    return [(each.kind, each.conversation, each.message) for each in found if each.kind is not Kind.OTHER]


def test_who_comes_and_goes_is_told(company: Company) -> None:
    eve = company.fake.add_person("Eve Stone", "eve@acme.example").id
    assert told(company) == [(Kind.DIRECTORY, "", eve), (Kind.NOTICE, company.general, "")]
    guest = company.fake.add_person("Gil Guest", "gil@globex.example", guest=True).id
    assert told(company) == [(Kind.DIRECTORY, "", guest)]
    company.fake.change_person(eve, "Eve Hart", "hart@acme.example")
    assert told(company) == [(Kind.DIRECTORY, "", eve)]
    assert company.run(company.slack.account(AccountId(eve))).name == "Eve Hart"
    company.fake.remove_person(eve)
    assert told(company) == [(Kind.NOTICE, company.general, ""), (Kind.DIRECTORY, "", eve)]
    assert AccountId(eve) not in company.run(company.slack.members(company.general))


def test_what_becomes_of_channels_is_told_even_where_our_app_is_not(company: Company) -> None:
    made = created(company)
    assert told(company) == [(Kind.DIRECTORY, made.id, "")]
    company.run(company.slack.remove(company.coffee, company.bot))
    assert told(company) == [(Kind.DIRECTORY, company.coffee, company.bot)]
    company.fake.rename_place(company.coffee, "tea")
    company.fake.leave_as(company.ann, company.coffee)
    company.fake.delete_place(company.coffee)
    assert told(company) == [(Kind.DIRECTORY, company.coffee, ""), (Kind.DIRECTORY, company.coffee, "")]
    company.fake.rename_place(company.general, "lounge")
    assert told(company) == [(Kind.NOTICE, company.general, ""), (Kind.DIRECTORY, company.general, "")]


def test_a_channel_that_becomes_private_is_told(company: Company) -> None:
    company.fake.convert_place(company.general, is_private=True)
    assert told(company) == [(Kind.DIRECTORY, company.general, "")]
    assert company.run(company.slack.conversation(company.general)).is_private


def test_of_a_private_channel_without_our_app_nothing_is_told(company: Company) -> None:
    place = created(company, is_private=True)
    company.run(company.slack.add(place.id, [company.ann]))
    assert told(company) == [(Kind.NOTICE, place.id, "")]
    company.run(company.slack.remove(place.id, company.bot))
    assert told(company) == [(Kind.DIRECTORY, place.id, company.bot)]
    company.fake.rename_place(place.id, "secret")
    company.fake.join_as(company.bob, place.id)
    company.fake.archive_as(company.ann, place.id)
    company.fake.delete_place(place.id)
    assert told(company) == []


# --- Looking up by address


def looked_up(company: Company, *emails: str) -> dict[str, Found]:
    found: dict[str, Found] = company.run(company.slack.look_up(emails))
    return found


def test_an_address_finds_its_account_whatever_its_case(company: Company) -> None:
    [ann] = [one for one in company.everybody() if one.id == company.ann]
    assert looked_up(company, "Ann@ACME.example", "nobody@acme.example") == {"ann@acme.example": Found(ann)}


def test_a_guest_is_found_and_whoever_was_deactivated_is_not(company: Company) -> None:
    company.fake.add_person("Gus Guest", "gus@partner.example", guest=True)
    assert looked_up(company, "gus@partner.example")["gus@partner.example"].account.is_guest
    company.fake.remove_person(company.bob)
    assert looked_up(company, "bob@acme.example") == {}


@pytest.mark.parametrize("email", ["", "ann", "a b@c", "a@b@c", "a@b\r\nc"])
def test_what_is_no_address_is_not_asked_for(company: Company, email: str) -> None:
    with pytest.raises(StopIteration):
        next(company.slack.look_up([email]))


def test_addresses_need_their_scope(company: Company) -> None:
    company.lose("users:read.email")
    with pytest.raises(Reconnect, match=r"users:read\.email"):
        looked_up(company, "ann@acme.example")


@pytest.mark.parametrize(
    "user",
    [
        None,
        {},
        {"id": "U0ANN00001", "profile": {"email": "other@acme.example"}},
        {"id": "U0ANN00001", "profile": {"email": "ann@acme.example"}, "is_email_confirmed": False},
        {"id": "U0ANN00001", "profile": {"email": "ann@acme.example"}, "is_bot": True},
        {"id": "../x", "profile": {"email": "ann@acme.example"}},
        {"id": 7, "profile": 7},
    ],
)
def test_an_account_that_does_not_have_the_address_is_not_found(company: Company, user: object) -> None:
    answer = Response(200, json.dumps({"ok": True, "user": user}).encode())
    assert company.run(company.slack.look_up(["ann@acme.example"]), lambda _: answer) == {}


# --- User groups


def test_user_groups_are_listed_with_their_people(company: Company) -> None:
    group = company.fake.add_group("Sales", company.ann, company.bob)
    assert [one.name for one in company.run(company.slack.groups()).items] == ["Everybody", "Sales"]
    assert [one.id for one in company.run(company.slack.groups("sal")).items] == [group]
    assert company.run(company.slack.group_members(group)).items == (company.ann, company.bob)


def test_a_disabled_user_group_is_gone_and_not_empty(company: Company) -> None:
    group = company.fake.add_group("Sales", company.ann)
    company.fake.workspace.user_groups[group].is_disabled = True
    assert [one.name for one in company.run(company.slack.groups()).items] == ["Everybody"]
    with pytest.raises(Gone):
        company.run(company.slack.group_members(group))


def test_without_the_permission_no_user_group_is_told(company: Company) -> None:
    company.lose("usergroups:read")
    with pytest.raises(Reconnect, match="usergroups:read"):
        company.run(company.slack.groups())
