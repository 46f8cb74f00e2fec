"""Channels are synced, made, paused and unsynced; nothing crosses between others, and nothing is made twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.members import NotPossible
from accounts.models import AuditEntry, Channel, Installation, PlatformAccount, Team, Tenant
from relay import creating, forgetting, making, sharing, syncing, taking_up, telling, unsyncing
from relay.forgetting import GRACE
from relay.models import (
    ConversationLink,
    Delivery,
    InboundEvent,
    Participation,
    PlannedLeg,
    RelayedMessage,
    UniversalConversation,
)
from tests.accounts.asking import request_of
from tests.people import People
from tests.relay.harbour import Server, harbour, moored  # noqa: F401 (a fixture)

State = PlannedLeg.State


@pytest.fixture(autouse=True)
def _broker(redis: Any) -> None:
    """Tasks that are queued on commit go there, and nobody takes them."""


class Company:
    """Acme on Slack, Webex and Harbour, with channels as an import leaves them."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.slack = Installation.objects.create(
            tenant=tenant, platform="slack", workspace="T1", name="Acme", account="U0"
        )
        self.webex = Installation.objects.create(
            tenant=tenant, platform="webex", workspace="O1", name="Acme", account="P0"
        )
        self.harbour = moored(tenant)

    def channel(self, installation: Installation, name: str, **fields: Any) -> Channel:
        number = f"{installation.platform}-{name}-{fields.get('team') or ''}"
        return Channel.objects.create(installation=installation, external_id=number, name=name, **fields)

    def pair(self, **fields: Any) -> list[int]:
        """The numbers of two channels of one name."""
        return [self.channel(each, "general", **fields).pk for each in (self.slack, self.harbour)]


@pytest.fixture
def company(people: People, harbour: Server) -> Company:  # noqa: F811
    return Company(people.acme)


def see_to() -> None:
    """What the tasks do, once through."""
    for pk in list(taking_up.due().values_list("pk", flat=True)):
        taking_up.take_up(pk)
    for pk in list(telling.pending().filter(installation__platform="harbour").values_list("pk", flat=True)):
        telling.tell(pk)


def legs(conversation: UniversalConversation) -> list[str]:
    return sorted(conversation.links.filter(is_active=True).values_list("external_id", flat=True))


# --- syncing what exists


def test_two_channels_are_synced_with_the_switches_of_the_tenant(company: Company, people: People) -> None:
    Tenant.objects.filter(pk=company.tenant.pk).update(shares_files=False)
    made = syncing.sync(company.tenant, company.pair(), request_of(people.ann))
    assert legs(made) == ["harbour-general-", "slack-general-"]
    assert set(made.links.values_list("allows_files", "shows_notices")) == {(False, True)}
    entry = AuditEntry.objects.get(action="synced channels")
    assert (entry.actor, entry.after["private with public"]) == (people.ann, False)


def test_a_channel_is_in_one_synced_channel_only(company: Company) -> None:
    numbers = company.pair()
    syncing.sync(company.tenant, numbers)
    assert syncing.plan(company.tenant, numbers).problems
    others = [company.channel(company.slack, "x").pk, company.channel(company.webex, "x").pk]
    syncing.sync(company.tenant, others)
    with pytest.raises(NotPossible, match="More than one of these is synced already"):
        syncing.sync(company.tenant, [*numbers, *others])


def test_a_third_platform_joins_what_is_synced(company: Company) -> None:
    numbers = company.pair()
    made = syncing.sync(company.tenant, numbers)
    third = company.channel(company.webex, "General space")
    assert syncing.sync(company.tenant, [numbers[0], third.pk]) == made
    assert len(legs(made)) == 3


def test_two_channels_of_one_workspace_are_refused_and_of_two_teams_are_not(company: Company) -> None:
    one, two = company.channel(company.slack, "one"), company.channel(company.slack, "two")
    assert "same workspace or team" in syncing.plan(company.tenant, [one.pk, two.pk]).problems[0]
    sales = Team.objects.create(installation=company.webex, external_id="1", name="Sales", is_chosen=True)
    support = Team.objects.create(installation=company.webex, external_id="2", name="Support", is_chosen=True)
    pair = [company.channel(company.webex, "news", team=team).pk for team in (sales, support)]
    assert syncing.plan(company.tenant, pair).problems == ()


def test_more_than_four_are_refused(company: Company) -> None:
    teams = [Team.objects.create(installation=company.webex, external_id=str(n), name=f"T{n}") for n in range(5)]
    numbers = [company.channel(company.webex, "news", team=team).pk for team in teams]
    assert "4 legs at most" in syncing.plan(company.tenant, numbers).problems[0]


def test_archived_and_unreachable_channels_are_refused_with_the_reason(company: Company) -> None:
    archived = company.channel(company.harbour, "old", is_archived=True)
    closed = company.channel(company.webex, "closed", is_entered=False)
    problems = syncing.plan(company.tenant, [archived.pk, closed.pk]).problems
    assert "old (Pier on Harbour) is archived" in problems[0]
    if "cannot enter by itself" not in " ".join(problems):  # once Webex manages conversations, it enters
        assert len(problems) == 1


def test_private_and_public_come_together_only_when_somebody_says_so(company: Company) -> None:
    numbers = [
        company.channel(company.slack, "board", is_private=True).pk,
        company.channel(company.harbour, "board").pk,
    ]
    with pytest.raises(NotPossible, match="confirm that first"):
        syncing.sync(company.tenant, numbers)
    assert not ConversationLink.objects.exists()
    made = syncing.sync(company.tenant, numbers, accepts_mixing=True)
    assert len(legs(made)) == 2
    assert AuditEntry.objects.get(action="synced channels").after["private with public"] is True


def test_a_private_leg_still_counts_when_a_public_channel_joins_later(company: Company) -> None:
    numbers = company.pair(is_private=True)
    syncing.sync(company.tenant, numbers)
    public = company.channel(company.webex, "general")
    assert syncing.plan(company.tenant, [numbers[0], public.pk]).mixes


def test_channels_of_another_company_do_not_exist(company: Company, people: People) -> None:
    theirs = Channel.objects.create(installation=moored(people.globex, "Quay"), external_id="x", name="general")
    ours = company.channel(company.slack, "general")
    assert syncing.plan(company.tenant, [ours.pk, theirs.pk]).channels == (ours,)
    with pytest.raises(NotPossible):
        syncing.sync(company.tenant, [ours.pk, theirs.pk])


def test_our_account_enters_first_and_then_both_are_told_once(company: Company, harbour: Server) -> None:  # noqa: F811
    slack, far = company.channel(company.slack, "news"), company.channel(company.harbour, "news", is_entered=False)
    made = syncing.sync(company.tenant, [slack.pk, far.pk])
    assert legs(made) == ["slack-news-"]
    see_to()
    assert harbour.entered == ["harbour-news-"]
    assert legs(made) == ["harbour-news-", "slack-news-"]
    see_to()
    told = "This channel is now shared with “news” on Slack. What is written in one is read in the others, too."
    assert harbour.said == [("harbour-news-", told)]
    assert Channel.objects.get(pk=far.pk).is_entered


def test_what_could_not_be_entered_says_why_and_is_tried_again_on_request(
    company: Company,
    people: People,
    harbour: Server,  # noqa: F811
) -> None:
    slack, far = company.channel(company.slack, "news"), company.channel(company.harbour, "news", is_entered=False)
    made = syncing.sync(company.tenant, [slack.pk, far.pk])
    harbour.refusal = "somebody must invite our app"
    see_to()
    [leg] = made.planned_legs.all()
    assert (leg.state, leg.reason) == (State.REFUSED, "somebody must invite our app.")
    harbour.refusal = ""
    unsyncing.try_again(company.tenant, leg.pk, request_of(people.ann))
    see_to()
    assert len(legs(made)) == 2


def test_a_platform_that_asks_for_patience_is_not_asked_again_at_once(
    company: Company,
    harbour: Server,  # noqa: F811
) -> None:
    far = company.channel(company.harbour, "news", is_entered=False)
    made = syncing.sync(company.tenant, [company.channel(company.slack, "news").pk, far.pk])
    harbour.status = 429
    see_to()
    harbour.status = 200
    see_to()
    assert harbour.entered == []
    made.planned_legs.update(not_before=timezone.now())
    see_to()
    assert len(legs(made)) == 2


def test_channels_without_notices_are_not_told(company: Company, harbour: Server) -> None:  # noqa: F811
    Tenant.objects.filter(pk=company.tenant.pk).update(shows_notices=False)
    syncing.sync(company.tenant, company.pair())
    see_to()
    assert harbour.said == []
    assert not telling.pending().filter(installation__platform="harbour").exists()


# --- making counterparts


def test_a_counterpart_is_made_under_a_legal_name_as_private_as_its_original(
    company: Company,
    harbour: Server,  # noqa: F811
) -> None:
    secret = company.channel(company.slack, "Ärger & Ruhm", is_private=True, topic="Both")
    [spot] = [spot for spot in creating.spots(secret) if spot.installation == company.harbour]
    assert (spot.name, spot.where) == ("rger-ruhm", "Pier on Harbour")
    made = creating.create(company.tenant, secret.pk, [spot.key])
    see_to()
    assert list(harbour.channels.values()) == [{"name": "rger-ruhm", "is_private": True, "topic": "Both"}]
    assert legs(made) == ["H1", f"{secret.external_id}"]
    assert Channel.objects.get(external_id="H1").is_private


def test_a_refused_counterpart_keeps_the_words_of_the_platform(company: Company, harbour: Server) -> None:  # noqa: F811
    channel = company.channel(company.slack, "news")
    harbour.refusal = "the name is taken"
    made = creating.create(company.tenant, channel.pk, [str(company.harbour.pk)])
    see_to()
    assert made.planned_legs.get().reason == "the name is taken."
    assert harbour.said == []


def test_after_a_lost_answer_the_channel_is_found_and_not_made_twice(company: Company, harbour: Server) -> None:  # noqa: F811
    channel = company.channel(company.slack, "news")
    made = creating.create(company.tenant, channel.pk, [str(company.harbour.pk)])
    harbour.loses_answers = True
    see_to()
    assert made.planned_legs.get().intent_at is not None
    harbour.loses_answers = False
    made.planned_legs.update(not_before=None)
    see_to()
    assert list(harbour.channels) == ["H1"]
    assert "H1" in legs(made)


def test_an_older_channel_of_the_name_is_not_taken_for_ours(company: Company, harbour: Server) -> None:  # noqa: F811
    """Somebody else's conversation must not be read by ours because a worker died."""
    harbour.channels["H-old"] = {"name": "news", "is_private": False, "topic": ""}
    Channel.objects.create(installation=company.harbour, external_id="H-old", name="news")
    channel = company.channel(company.slack, "news")
    made = creating.create(company.tenant, channel.pk, [str(company.harbour.pk)])
    taking_up._intend(made.planned_legs.get())  # a worker died before its call went out
    see_to()
    assert legs(made) == ["H2", "slack-news-"]


def test_a_leg_is_taken_up_by_one_worker_at_a_time(company: Company, harbour: Server) -> None:  # noqa: F811
    channel = company.channel(company.slack, "news")
    made = creating.create(company.tenant, channel.pk, [str(company.harbour.pk)])
    made.planned_legs.update(held_until=timezone.now() + timedelta(minutes=1))
    taking_up.take_up(made.planned_legs.get().pk)
    assert harbour.channels == {}


def test_a_counterpart_is_offered_only_where_there_is_none(company: Company) -> None:
    numbers = company.pair()
    syncing.sync(company.tenant, numbers)
    offered = {spot.installation.platform for spot in creating.spots(Channel.objects.get(pk=numbers[0]))}
    assert not offered & {"slack", "harbour"}


def test_what_was_synced_by_hand_meanwhile_ends_the_plan_with_a_reason(company: Company, harbour: Server) -> None:  # noqa: F811
    made = creating.create(company.tenant, company.channel(company.slack, "news").pk, [str(company.harbour.pk)])
    harbour.loses_answers = True
    see_to()
    harbour.loses_answers = False
    found = Channel.objects.create(installation=company.harbour, external_id="H1", name="news")
    other = syncing.sync(company.tenant, [found.pk, company.channel(company.webex, "news by hand").pk])
    made.planned_legs.update(not_before=None)
    see_to()
    [leg] = made.planned_legs.all()
    assert leg.state == State.REFUSED
    assert leg.reason.startswith(f"it is part of the synced channel {other} by now: leave it out here")
    assert list(taking_up.due()) == []
    assert (legs(made), legs(other)) == (["slack-news-"], ["H1", "webex-news by hand-"])


# --- new channels for universal ones


@pytest.fixture
def part(company: Company, people: People) -> Participation:
    """Acme's part in a universal channel, for which Ann has a private channel made on Harbour; she is known there."""
    PlatformAccount.objects.create(
        installation=company.harbour, external_id="A-ann", name="Ann Moreau", email="ANN@acme.example"
    )
    part = sharing.found(company.tenant, "Launch Partners", "acme.example")
    making.make(part, str(company.harbour.pk), people.ann, request_of(people.ann), is_private=True)
    return part


def test_a_new_channel_takes_part_with_whoever_ordered_it_in_it_and_as_the_company_decided(
    part: Participation,
    harbour: Server,  # noqa: F811
) -> None:
    Participation.objects.update(allows_broadcast=True)
    see_to()
    assert list(harbour.channels.values()) == [{"name": "launch-partners", "is_private": True, "topic": ""}]
    assert harbour.added == [("H1", ["A-ann"])]
    [link] = part.conversation.links.all()
    assert (link.external_id, link.allows_broadcast) == ("H1", True)


def test_a_first_member_who_cannot_be_added_is_tried_again_in_the_same_channel(
    part: Participation,
    people: People,
    harbour: Server,  # noqa: F811
) -> None:
    harbour.unwelcome = {"A-ann": "is not in the team"}
    see_to()
    [leg] = part.conversation.planned_legs.all()
    assert leg.reason == "it is made, but Ann Moreau could not be added to it: is not in the team."
    harbour.unwelcome = {}
    unsyncing.try_again(part.tenant, leg.pk, request_of(people.ann))
    see_to()
    assert list(harbour.channels) == ["H1"]
    assert legs(part.conversation) == ["H1"]


def test_nobody_is_told_that_a_channel_is_no_longer_shared_when_it_is_the_first_one(company: Company) -> None:
    part = sharing.found(company.tenant, "Launch", "acme.example")
    sharing.attach(part, company.channel(company.harbour, "launch"))
    assert list(telling.pending()) == []
    assert part.conversation.links.get().to_tell == ConversationLink.Telling.SHARED


# --- pausing and unsyncing


def deliver(link: ConversationLink, origin: ConversationLink) -> Delivery:
    """Something that waits in the mailbox of ``link``."""
    event = InboundEvent.objects.create(
        installation=origin.installation, link=origin, event_id=f"e{link.pk}", kind="posted", received_at=timezone.now()
    )
    message = RelayedMessage.objects.create(conversation=link.conversation, origin=origin)
    return Delivery.objects.create(event=event, message=message, link=link)


def test_unsyncing_stops_at_once_skips_what_waits_and_tells_once(
    company: Company,
    people: People,
    harbour: Server,  # noqa: F811
) -> None:
    made = syncing.sync(company.tenant, company.pair())
    see_to()
    slack, far = made.links.order_by("installation__platform", "pk").reverse()
    waiting = deliver(far, slack)
    unsyncing.unsync(company.tenant, made.pk, request_of(people.ann), removes_added=True)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == (Delivery.State.SKIPPED, unsyncing.SKIPPED)
    assert legs(made) == []
    see_to()
    see_to()
    assert [text.split(".")[0] for _, text in harbour.said[1:]] == ["This channel is no longer shared"]
    assert AuditEntry.objects.get(action="unsynced channels").after["skipped messages"] == 1
    with pytest.raises(NotPossible, match="not synced any more"):
        unsyncing.unsync(company.tenant, made.pk, request_of(people.ann))


def test_the_very_same_channels_synced_again_go_on_where_they_were(company: Company, people: People) -> None:
    numbers = company.pair()
    made = syncing.sync(company.tenant, numbers)
    unsyncing.unsync(company.tenant, made.pk, request_of(people.ann))
    assert syncing.sync(company.tenant, numbers) == made
    assert len(legs(made)) == 2
    assert UniversalConversation.objects.get(pk=made.pk).ended_at is None


def test_other_channels_begin_anew_and_leave_the_old_ones_behind(company: Company, people: People) -> None:
    numbers = company.pair()
    old = syncing.sync(company.tenant, numbers)
    unsyncing.unsync(company.tenant, old.pk, request_of(people.ann))
    space = company.channel(company.webex, "general")
    new = syncing.sync(company.tenant, [numbers[0], space.pk])
    assert new != old
    assert legs(new) == ["slack-general-", "webex-general-"]
    assert syncing.plan(company.tenant, [numbers[1], company.channel(company.slack, "b").pk]).revived is None


def test_what_was_unsynced_long_ago_is_forgotten_and_nothing_else(company: Company, people: People) -> None:
    numbers = company.pair()
    old = syncing.sync(company.tenant, numbers)
    slack, far = old.links.order_by("pk")
    deliver(far, slack)
    unsyncing.unsync(company.tenant, old.pk, request_of(people.ann))
    assert list(forgetting.due()) == []
    forgetting.forget(old.pk)
    assert RelayedMessage.objects.exists()
    UniversalConversation.objects.filter(pk=old.pk).update(ended_at=timezone.now() - GRACE)
    new = syncing.sync(company.tenant, numbers)
    assert new != old
    forgetting.forget(old.pk)
    assert not RelayedMessage.objects.exists()
    assert not Delivery.objects.exists()
    assert len(legs(new)) == 2


def test_pausing_and_resuming_are_written_down_once(company: Company, people: People) -> None:
    made, request = syncing.sync(company.tenant, company.pair()), request_of(people.ann)
    unsyncing.pause(company.tenant, made.pk, request)
    unsyncing.pause(company.tenant, made.pk, request)
    assert UniversalConversation.objects.get(pk=made.pk).paused_at is not None
    unsyncing.resume(company.tenant, made.pk, request)
    assert UniversalConversation.objects.get(pk=made.pk).paused_at is None
    assert AuditEntry.objects.filter(action="paused synced channel").count() == 1


def test_another_company_cannot_touch_it(company: Company, people: People) -> None:
    made = syncing.sync(company.tenant, company.pair())
    for act in (unsyncing.pause, unsyncing.resume, unsyncing.unsync):
        with pytest.raises(NotPossible):
            act(people.globex, made.pk, request_of(people.dev))
    assert len(legs(made)) == 2
