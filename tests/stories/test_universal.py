"""Two companies share a channel: Acme on Slack and Teams, Globex on Webex and Zoom. Each decides for itself."""

import asyncio
import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import mail
from django.db import connections
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from accounts.members import NotPossible
from accounts.models import AuditEntry, Channel, PlatformAccount, RestrictedUser, Team, Tenant, TrustedOrganization
from connectors.http import drive
from connectors.sandbox import Fault
from mio_hub.sandbox import demo
from relay import asked, deciding, policy, sharing, tasks, telling
from relay.models import (
    ChannelInvitation,
    ConversationLink,
    DailyCount,
    Decision,
    Delivery,
    Discard,
    Participation,
    UniversalConversation,
)
from tests.accounts.asking import request_of
from tests.house import House
from tests.people import person
from tests.queue import queued
from tests.stories.test_conversation import LABELS, SPEAKERS
from tests.stories.test_notices import answers, ask

OURS, THEIRS = ("slack", "teams"), ("webex", "zoom")


class Shared:
    """The house's channel, shared by two companies."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.acme, self.globex = house.tenant, Tenant.objects.create(name="Globex")
        for slug in THEIRS:
            house.installations[slug].tenant = self.globex
            house.installations[slug].save()
            Channel.objects.create(
                installation=house.installations[slug], external_id=house.place(slug), name="general"
            )
            accounts = PlatformAccount.objects.filter(installation=house.installations[slug])
            for account in accounts.exclude(email=""):
                account.email, account.person = account.email.partition("@")[0] + "@globex.example", None
                account.save()
        self.ours = sharing.open_up(house.general, "acme.example")
        self.theirs = Participation.objects.create(
            conversation=house.general, tenant=self.globex, domain="globex.example"
        )

    def say(self, slug: str, text: str) -> None:
        self.house.type(slug, SPEAKERS[slug], text)
        self.house.relay()

    def read(self, text: str) -> list[str]:
        """Where a text can be read, the platform it was said on included."""
        return [slug for slug in (*OURS, *THEIRS) if any(text in html for html in self.house.shown(slug))]

    def account(self, slug: str) -> PlatformAccount:
        who = self.house.person(slug, SPEAKERS[slug])
        return PlatformAccount.objects.get(installation=self.house.installations[slug], external_id=who)


@pytest.fixture
def shared(house: House) -> Shared:
    return Shared(house)


def test_the_companies_talk_and_readers_see_of_which_company_somebody_is(shared: Shared) -> None:
    shared.say("slack", "hello Globex")
    shared.say("zoom", "hello Acme")
    assert shared.read("hello Globex") == shared.read("hello Acme") == ["slack", "teams", "webex", "zoom"]
    everywhere = {slug: "".join(m.author + m.html for m in shared.house.messages(slug)) for slug in (*OURS, *THEIRS)}
    assert "Slack, Acme" in everywhere["webex"]
    assert "Zoom, Globex" in everywhere["teams"]
    assert "Slack, Acme" not in everywhere["teams"]


def test_what_a_restricted_user_writes_stays_inside_and_they_are_told_once(
    shared: Shared, redis: Redis, intercepted_requests: Any
) -> None:
    RestrictedUser.objects.create(tenant=shared.acme, email=shared.account("slack").email.upper())
    shared.say("slack", "not for outsiders")
    shared.say("slack", "nor this")
    assert shared.read("not for outsiders") == shared.read("nor this") == ["slack", "teams"]
    told = [arguments for name, arguments in queued(redis) if name == "relay.tasks.tell_kept_inside"]
    assert len(told) == 1
    tasks.tell_kept_inside(*told[0])
    fake: Any = shared.house.world.fakes["slack"]
    [note] = fake.shown(fake.chat_with(shared.house.person("slack", SPEAKERS["slack"])))
    assert "does not let your messages leave it" in note.html
    assert DailyCount.objects.get(platform="slack", name=Discard.KEPT_INSIDE).count == 2
    shared.say("zoom", "an answer")
    assert shared.read("an answer") == ["slack", "teams", "webex", "zoom"]


def test_edits_and_reactions_of_a_restricted_user_stay_inside_as_well(shared: Shared) -> None:
    fake: Any = shared.house.world.fakes["slack"]
    who, place = shared.house.person("slack", SPEAKERS["slack"]), shared.house.place("slack")
    message = shared.house.type("slack", SPEAKERS["slack"], "first words")
    shared.house.relay()
    RestrictedUser.objects.create(tenant=shared.acme, email=shared.account("slack").email)
    fake.edit_as(who, place, message, "second thoughts")
    fake.react_as(who, place, message, "👍")
    shared.house.relay()
    assert shared.read("second thoughts") == ["slack", "teams"]
    assert not any("👍" in html for slug in THEIRS for html in shared.house.shown(slug))
    fake.delete_as(who, place, message)
    shared.house.relay()
    assert shared.read("first words") == []


@pytest.mark.parametrize(
    ("who", "trusted", "crosses"),
    [
        ("acme", "globex.example", True),
        ("acme", "initech.example", False),
        ("globex", "acme.example", True),
        ("globex", "initech.example", False),
    ],
)
@pytest.mark.parametrize("source", ["slack", "zoom"])
def test_trust_is_asked_for_in_both_directions(
    shared: Shared, who: str, trusted: str, crosses: bool, source: str
) -> None:
    TrustedOrganization.objects.create(tenant=getattr(shared, who), domain=trusted)
    shared.say(source, "do you read me")
    inside = OURS if source in OURS else THEIRS
    assert shared.read("do you read me") == list((*OURS, *THEIRS) if crosses else inside)


def test_somebody_of_another_domain_is_not_heard_by_a_company_that_does_not_trust_it(shared: Shared) -> None:
    TrustedOrganization.objects.create(tenant=shared.acme, domain="globex.example")
    PlatformAccount.objects.filter(pk=shared.account("zoom").pk).update(email="temp@agency.example")
    shared.say("zoom", "from the agency")
    assert shared.read("from the agency") == ["webex", "zoom"]


def share(shared: Shared, source: str, name: str) -> dict[str, list[str]]:
    fake: Any = shared.house.world.fakes[source]
    fake.share_as(shared.house.person(source, SPEAKERS[source]), shared.house.place(source), name, b"%PDF-1.7", "see")
    shared.house.relay()
    fakes: Any = shared.house.world.fakes
    return {slug: [file for file, _ in fakes[slug].files(shared.house.place(slug))] for slug in (*OURS, *THEIRS)}


@pytest.mark.parametrize(
    ("part", "switch", "blocked"),
    [("theirs", "takes_files", THEIRS), ("ours", "sends_files", THEIRS), ("theirs", "sends_files", ())],
)
def test_each_company_decides_which_files_go_out_and_come_in(
    shared: Shared, part: str, switch: str, blocked: tuple[str, ...]
) -> None:
    Participation.objects.filter(pk=getattr(shared, part).pk).update(**{switch: False})
    there = share(shared, "slack", "plan.pdf")
    for slug in ("teams", *THEIRS):
        assert there[slug] == ([] if slug in blocked else ["plan.pdf"])
        assert slug not in blocked or any("plan.pdf" in html for html in shared.house.shown(slug))


def test_a_company_that_shares_no_files_outside_still_does_among_its_own_platforms(shared: Shared) -> None:
    Tenant.objects.filter(pk=shared.acme.pk).update(shares_files_outside=False)
    there = share(shared, "slack", "plan.pdf")
    assert (there["teams"], there["webex"], there["zoom"]) == (["plan.pdf"], [], [])
    assert any("Acme does not share files" in html for html in shared.house.shown("zoom"))


def test_a_guests_file_does_not_cross_where_guests_may_not_share(shared: Shared) -> None:
    Tenant.objects.filter(pk=shared.acme.pk).update(shares_files_of_guests=False)
    PlatformAccount.objects.filter(pk=shared.account("slack").pk).update(is_guest=True)
    assert share(shared, "slack", "plan.pdf") == {"slack": ["plan.pdf"], "teams": [], "webex": [], "zoom": []}


def test_a_company_that_is_removed_hears_nothing_more_and_keeps_its_history(shared: Shared) -> None:
    shared.say("slack", "before")
    shared.house.type("slack", SPEAKERS["slack"], "on its way")
    shared.house.take_webhooks_in()
    sharing.remove(shared.ours, shared.theirs)
    shared.house.relay()
    shared.say("slack", "after")
    shared.say("webex", "anybody there")
    assert shared.read("before") == ["slack", "teams", "webex", "zoom"]
    assert shared.read("on its way") == shared.read("after") == ["slack", "teams"]
    assert shared.read("anybody there") == ["webex"]
    assert [entry.action for entry in AuditEntry.objects.filter(tenant=shared.globex).order_by("pk")] == [
        "was removed from universal channel"
    ]


def test_what_waits_for_a_company_that_leaves_is_not_delivered(shared: Shared) -> None:
    ConversationLink.objects.filter(installation__tenant=shared.globex).update(not_before="2999-01-01T00:00Z")
    shared.say("slack", "stuck on the way")
    sharing.leave(shared.theirs)
    ConversationLink.objects.update(not_before=None)
    shared.house.relay()
    assert shared.read("stuck on the way") == ["slack", "teams"]
    skipped = Delivery.objects.filter(link__installation__tenant=shared.globex)
    assert {(row.state, row.reason) for row in skipped} == {(Delivery.State.SKIPPED, sharing.STOPPED)}


def test_when_the_owner_stops_only_their_own_channels_stay_synced(shared: Shared) -> None:
    sharing.leave(shared.ours)
    for source in (*OURS, *THEIRS):
        shared.say(source, f"said on {source}")
        assert shared.read(f"said on {source}") == (list(OURS) if source in OURS else [source])
    assert not UniversalConversation.objects.get(pk=shared.house.general.pk).ended_at


def test_when_the_owner_of_one_channel_stops_it_is_over(shared: Shared) -> None:
    sharing.detach(shared.house.links["teams/general"])
    sharing.leave(shared.ours)
    assert UniversalConversation.objects.get(pk=shared.house.general.pk).ended_at
    assert not ConversationLink.objects.filter(is_active=True).exists()


def test_each_is_told_with_whom_they_share_and_not_how_others_call_their_channels(
    shared: Shared, intercepted_requests: Any
) -> None:
    ConversationLink.objects.filter(pk=shared.house.links["zoom/general"].pk).update(name="nightjar")
    sharing.detach(shared.house.links["webex/general"])
    for link in telling.pending():
        telling.tell(link.pk)
    said = {slug: "".join(shared.house.shown(slug)) for slug in (*OURS, *THEIRS)}
    assert "no longer shared" in said["webex"]
    assert "shared with “general” on Teams and Globex on Zoom" in said["slack"]
    assert "nightjar" not in said["slack"] + said["teams"]


def test_a_company_that_left_can_come_back_with_the_same_channel(shared: Shared) -> None:
    sharing.leave(shared.theirs)
    again = Participation.objects.create(
        conversation=shared.house.general, tenant=shared.globex, domain="globex.example"
    )
    sharing.attach(again, Channel.objects.get(installation=shared.house.installations["zoom"]))
    shared.say("slack", "welcome back")
    assert shared.read("welcome back") == ["slack", "teams", "zoom"]


# --- what was kept is judged again when it is tried again


def kept_for_globex(shared: Shared, text: str) -> None:
    """Somebody at Acme writes, and both of Globex's platforms refuse to show it."""
    shared.house.relay()
    shared.house.world.faults += [Fault(slug, status=403) for slug in THEIRS]
    shared.say("slack", text)
    shared.house.world.faults.clear()


def try_again(shared: Shared, **wanted: str) -> tuple[int, int]:
    """All of Globex's failures that match; how many are, and how many are not."""
    decision = deciding.decide_all(
        shared.globex, Decision.Act.RETRY, wanted, request_of(person("Dev", "P", "dev@x.example"))
    )
    deciding.carry_out(decision.pk)
    decision.refresh_from_db()
    shared.house.relay()
    return decision.done, decision.left


@pytest.mark.parametrize("who", ["acme", "globex"])
def test_what_was_kept_does_not_go_out_once_a_company_is_no_longer_trusted(
    shared: Shared, redis: Redis, who: str
) -> None:
    kept_for_globex(shared, "before the quarrel")
    listed = TrustedOrganization.objects.create(tenant=getattr(shared, who), domain="initech.example")
    assert try_again(shared) == (0, 2)
    assert shared.read("before the quarrel") == ["slack", "teams"]
    given_up = Delivery.objects.filter(link__installation__tenant=shared.globex).order_by("pk")
    assert [(row.state, row.reason) for row in given_up] == [(Delivery.State.SKIPPED, policy.NO_LONGER)] * 2
    request = request_of(person("Gil", "P", "gil@x.example"))
    with pytest.raises(NotPossible, match="trust between the companies was taken back"):
        deciding.decide_one(given_up[0], Decision.Act.RETRY, request)
    listed.delete()
    for row in given_up:
        deciding.decide_one(row, Decision.Act.RETRY, request)
    shared.house.relay()
    assert shared.read("before the quarrel") == ["slack", "teams", "webex", "zoom"]


def test_what_was_kept_does_not_go_out_once_its_author_is_restricted(shared: Shared, redis: Redis) -> None:
    kept_for_globex(shared, "too much said")
    RestrictedUser.objects.create(tenant=shared.acme, email=shared.account("slack").email)
    assert try_again(shared) == (0, 2)
    assert shared.read("too much said") == ["slack", "teams"]


def test_what_was_kept_still_goes_out_between_companies_that_trust_each_other(shared: Shared, redis: Redis) -> None:
    kept_for_globex(shared, "better late")
    TrustedOrganization.objects.create(tenant=shared.acme, domain="globex.example")
    for domain in {"acme.example", shared.account("slack").email.partition("@")[2]}:
        TrustedOrganization.objects.create(tenant=shared.globex, domain=domain)
    assert try_again(shared) == (2, 0)
    assert shared.read("better late") == ["slack", "teams", "webex", "zoom"]


# --- by asking the app


def answer_asked(house: House, redis: Redis) -> None:
    """What a Celery worker would do now with commands from where nothing crosses."""

    async def work(arguments: list[Any]) -> None:
        client = AsyncRedis.from_url(settings.REDIS_URL)
        try:
            await asked.answer(client, house.transport, "", *arguments)
        finally:
            await client.aclose()
            await sync_to_async(connections.close_all)()

    for name, arguments in queued(redis):
        if name == "relay.tasks.answer_asked":
            asyncio.run(work(arguments))


@pytest.mark.parametrize("slug", ["slack", "zoom"])
def test_a_command_is_answered_where_nothing_crosses_once_however_often_it_is_told(
    house: House, redis: Redis, slug: str
) -> None:
    ConversationLink.objects.all().delete()
    ask(house, slug, "help")
    answer_asked(house, redis)
    assert answers(house, slug).count("I let people on Slack") == 1
    assert DailyCount.objects.get(platform=slug, name=Discard.ANSWERED).count == 1
    assert not redis.keys("vault:*")


def test_a_word_that_is_nearly_a_command_is_hinted_at(house: House) -> None:
    ask(house, "slack", "memebrs")
    assert "Did you mean “members”?" in answers(house, "slack")


def test_only_those_who_may_share_channels_do(shared: Shared) -> None:
    Tenant.objects.filter(pk=shared.acme.pk).update(people_may_share=False)
    ask(shared.house, "slack", "invite dana@initech.example")
    assert "only administrators share channels" in answers(shared.house, "slack")
    Tenant.objects.filter(pk=shared.acme.pk).update(people_may_share=True)
    RestrictedUser.objects.create(tenant=shared.acme, email=shared.account("slack").email)
    ask(shared.house, "slack", "invite dana@initech.example")
    assert "do not let you write to other companies" in answers(shared.house, "slack")
    assert not ChannelInvitation.objects.exists()


@pytest.mark.parametrize("slug", OURS)
def test_somebody_invites_a_company_by_command(shared: Shared, slug: str) -> None:
    ask(shared.house, slug, "invite dana@initech.example nonsense eve@acme.example")
    said = answers(shared.house, slug)
    assert "dana@initech.example: invited." in said
    assert "eve@acme.example: This is an address of your own organization" in said
    assert [message.to for message in mail.outbox] == [["dana@initech.example"]]
    assert SPEAKERS[slug] in mail.outbox[0].body


def test_wrong_use_gets_a_hint(shared: Shared) -> None:
    ask(shared.house, "slack", "invite")
    assert "Write the e-mail addresses behind it" in answers(shared.house, "slack")
    ask(shared.house, "zoom", "invite dana@initech.example")
    assert "Only people of Acme can invite" in answers(shared.house, "zoom")


def test_members_of_all_companies_are_the_same_list_on_every_platform(shared: Shared) -> None:
    lists = {}
    for slug in (*OURS, *THEIRS):
        ask(shared.house, slug, "members")
        [said] = [html for html in told(shared.house, slug) if "Globex" in html]
        lines = [line.strip("• ") for line in re.sub(r"<[^>]+>", "\n", said).splitlines() if line.strip()]
        lists[slug] = lines[lines.index("Acme") :]  # Teams names the asker first, Zoom draws its own dots
    assert lists["slack"] == lists["teams"] == lists["webex"] == lists["zoom"] == everybody(shared)


def told(house: House, slug: str, channel: str = "general") -> list[str]:
    """What can be read in a channel, message by message, with what our app said to single people there."""
    whispers = house.world.fakes[slug].whispers(house.place(slug, channel))
    return [message.html for message in (*whispers, *house.messages(slug, channel))]


def everybody(shared: Shared) -> list[str]:
    """The whole list as it must be, made of what the fakes and not the database know."""
    lines = []
    for company, slugs in (("Acme", OURS), ("Globex", THEIRS)):
        lines.append(company)
        for slug in slugs:
            known = shared.house.world.fakes[slug].directory()
            names = sorted(account.name for account in known if not account.is_bot)
            lines += [f"{LABELS[slug]} ({len(names)})", *names]
    return lines


@pytest.mark.parametrize("slug", ["slack", "webex", "zoom"])
def test_somebody_makes_the_channel_universal_in_which_they_ask(house: House, redis: Redis, slug: str) -> None:
    ConversationLink.objects.all().delete()
    ask(house, slug, "create")
    answer_asked(house, redis)
    assert "general can now be shared with other companies." in answers(house, slug)
    part = Participation.objects.get(tenant=house.tenant)
    assert list(part.conversation.links.values_list("external_id", flat=True)) == [house.place(slug)]
    [entry] = AuditEntry.objects.filter(tenant=house.tenant)
    assert (entry.action, entry.after["by"]) == ("created universal channel", SPEAKERS[slug])


def test_somebody_makes_a_synced_channel_universal(house: House) -> None:
    ask(house, "teams", "create")
    assert "general can now be shared" in answers(house, "teams")
    assert Participation.objects.get(tenant=house.tenant).conversation == house.general


@pytest.mark.parametrize("slug", [*OURS, *THEIRS])
def test_somebody_has_a_new_channel_made_and_is_in_it(house: House, redis: Redis, slug: str) -> None:
    import_the_team(house)
    ask(house, slug, "create Launch Partners")
    answer_asked(house, redis)
    link = ConversationLink.objects.exclude(conversation=house.general).get()
    assert link.name.lower().replace("-", " ") == "launch partners"
    assert Channel.objects.get(external_id=link.external_id).is_private
    assert house.person(slug, SPEAKERS[slug]) in members_of(house, slug, link.external_id)


def import_the_team(house: House) -> None:
    """Have the Hub know in which team the channel on Teams is: a new one goes there as well."""
    place = house.installations["teams"]
    demo.choose_teams(place, house.world.fakes["teams"])
    Channel.objects.create(
        installation=place, team=Team.objects.get(), external_id=house.place("teams"), name="general"
    )


def members_of(house: House, slug: str, conversation: str) -> list[str]:
    connector: Any = house.installations[slug].connector()
    return asyncio.run(drive(connector.members(conversation), house.transport, connector.credentials))


def test_a_new_channel_on_teams_is_made_in_the_team_in_which_somebody_asks(house: House) -> None:
    import_the_team(house)
    ask(house, "teams", "create Launch Partners")
    made = Channel.objects.get(name="Launch Partners")
    assert (made.team, made.is_private) == (Team.objects.get(), True)


@pytest.mark.parametrize("slug", [*OURS, *THEIRS])
def test_somebody_leaves_by_command(house: House, slug: str) -> None:
    fake: Any = house.world.fakes["teams"]
    fake.add_place("quiet corner", private=True)
    house.link("quiet corner", ["slack", "teams", "webex", "zoom"])
    ask(house, slug, "leave", "quiet corner")
    assert house.person(slug, SPEAKERS[slug]) not in members_of(house, slug, house.place(slug, "quiet corner"))
    assert house.person(slug, SPEAKERS[slug]) in members_of(house, slug, house.place(slug))


@pytest.mark.parametrize(("slug", "channel"), [("teams", "general"), ("teams", "coffee"), ("webex", "general")])
def test_nobody_leaves_a_whole_team_by_leaving_one_channel_of_it(house: House, slug: str, channel: str) -> None:
    house.link("coffee", ["slack", "teams"])
    ask(house, slug, "leave", channel)
    assert "you would leave the whole team. Nothing was changed." in "".join(told(house, slug, channel))
    assert house.person(slug, SPEAKERS[slug]) in members_of(house, slug, house.place(slug, channel))


def test_what_a_platform_forbids_is_answered_in_its_words(house: House) -> None:
    ask(house, "slack", "leave")
    assert "That was not possible:" in answers(house, "slack")


def test_leaving_stops_even_what_a_worker_has_read_ahead(shared: Shared) -> None:
    """Ten messages are on their way to Zoom when Globex leaves while the first is being said: none of the others arrives."""
    for number in range(10):
        shared.house.type("slack", SPEAKERS["slack"], f"message {number}.")
    reach = shared.house.transport

    async def leaves(outgoing: Any) -> Any:
        if "api.zoom.us" in outgoing.url and outgoing.method == "POST":
            shared.house.transport = reach
            await sync_to_async(sharing.leave)(shared.theirs)
        return await reach(outgoing)

    shared.house.transport = leaves
    shared.house.relay()
    assert sum(f"message {number}." in "".join(shared.house.shown("zoom")) for number in range(10)) == 1
