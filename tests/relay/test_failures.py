"""What failed is kept, tried again in its place, or let go: once, whoever presses how often."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.members import NotPossible
from accounts.models import AuditEntry, Installation, Tenant, User
from connectors.calls import Response
from connectors.http import Outgoing
from connectors.sandbox import Fault
from mio_hub.bench.failing import failure
from relay import deciding, failures, visit
from relay.models import ConversationLink, Decision, Delivery, UniversalConversation
from relay.tasks import carry_out_decision, carry_out_decisions
from tests.accounts.asking import request_of
from tests.house import House
from tests.people import person

State = Delivery.State
Act = Decision.Act


@pytest.fixture
def ann(transactional_db: None) -> User:
    return person("Ann", "Moreau", "ann@acme.example")


def copies(house: House, slug: str, text: str) -> int:
    return len([html for html in house.shown(slug) if text in html])


def refused(house: House, slug: str, text: str) -> str:
    """Somebody types, and one platform refuses to show it."""
    house.relay()
    house.world.faults.append(Fault(slug, status=403))
    typed = house.type("slack", "Bob Okafor", text)
    house.relay()
    house.world.faults.clear()
    return typed


def decide(house: House, ann: User, act: Act, **wanted: str) -> Decision:
    decision = deciding.decide_all(house.tenant, act, wanted, request_of(ann))
    carry_out_decision(decision.pk)
    decision.refresh_from_db()
    return decision


def test_what_was_refused_arrives_once_when_it_is_tried_again(house: House, ann: User) -> None:
    refused(house, "webex", "at last")
    house.type("slack", "Bob Okafor", "what came later")
    house.relay()
    assert copies(house, "webex", "at last") == 0
    [kept] = failures.matching(house.tenant, {})
    assert kept.reason
    deciding.decide_one(kept, Act.RETRY, request_of(ann))
    with pytest.raises(NotPossible):
        deciding.decide_one(kept, Act.RETRY, request_of(ann))
    house.relay()
    house.relay()
    assert [copies(house, slug, "at last") for slug in ("teams", "webex", "zoom")] == [1, 1, 1]
    assert not failures.matching(house.tenant, {}).exists()
    assert AuditEntry.objects.filter(action="retried failed message", actor=ann).count() == 1


def test_what_is_tried_again_goes_out_before_what_waits_in_its_mailbox(house: House, ann: User) -> None:
    refused(house, "webex", "first")
    ConversationLink.objects.update(not_before="2099-01-01T00:00:00Z")
    house.type("slack", "Bob Okafor", "second")
    house.relay()
    decide(house, ann, Act.RETRY)
    ConversationLink.objects.update(not_before=None)
    house.relay()
    assert [word for html in house.shown("webex") for word in ("first", "second") if word in html] == [
        "first",
        "second",
    ]


def test_a_filter_retries_what_it_matches_and_nothing_else(house: House, ann: User) -> None:
    refused(house, "webex", "for webex")
    refused(house, "zoom", "for zoom")
    decision = decide(house, ann, Act.RETRY, platform="zoom")
    assert (decision.done, decision.left) == (1, 0)
    house.relay()
    assert (copies(house, "webex", "for webex"), copies(house, "zoom", "for zoom")) == (0, 1)
    done = AuditEntry.objects.get(action="retried failed message")
    assert done.subject == "platform: zoom"
    assert done.after == {"asked by": "ann@acme.example", "changed": 1, "left as they were": 0}


def test_what_an_edit_said_in_its_stead_is_not_said_again(house: House, ann: User) -> None:
    typed = refused(house, "webex", "first words")
    house.world.fakes["slack"].edit_as(house.person("slack", "Bob Okafor"), house.place("slack"), typed, "other words")
    house.relay()
    assert copies(house, "webex", "other words") == 1
    decide(house, ann, Act.RETRY)
    house.relay()
    assert (copies(house, "webex", "words"), Delivery.objects.exclude(state=State.DONE).count()) == (1, 0)


def test_what_may_have_gone_out_is_looked_for_before_it_is_sent_again(
    house: House, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach = house.transport
    blind = True

    async def half_blind(outgoing: Outgoing) -> Response:
        if blind and "webexapis" in outgoing.url and outgoing.method == "GET":
            return Response(403, b"{}")
        return await reach(outgoing)

    house.transport = half_blind
    house.world.faults.append(Fault("webex", timeout_after_success=True))
    monkeypatch.setattr(visit, "growing_rest", lambda setbacks: 0.05)
    monkeypatch.setattr(visit, "SETTLE", 0.0)
    house.type("slack", "Bob Okafor", "said once")
    for _ in range(3):
        ConversationLink.objects.update(not_before=None)
        house.relay()
    house.world.faults.clear()
    blind = False
    decide(house, ann, Act.RETRY)
    assert Delivery.objects.get(link=house.links["webex/general"]).state == State.UNSURE
    house.relay()
    assert copies(house, "webex", "said once") == 1
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.DONE}


def test_what_its_platform_no_longer_has_is_given_up_with_the_reason(house: House, ann: User, redis: Any) -> None:
    refused(house, "webex", "soon gone")
    fake: Any = house.world.fakes["slack"]
    typed = house.messages("slack")[0].id
    fake.delete_as(house.person("slack", "Bob Okafor"), house.place("slack"), typed)
    house.webhooks.clear()  # the platform never told us
    redis.flushdb()
    decide(house, ann, Act.RETRY)
    house.relay()
    [given_up] = failures.matching(house.tenant, {"what": "given-up"})
    assert given_up.reason == "deleted before it could be read"


@pytest.mark.parametrize("moment", ["paused_at", "ended_at", "archived_at"])
def test_nothing_is_tried_again_in_a_channel_that_is_closed(house: House, ann: User, moment: str) -> None:
    refused(house, "webex", "too late")
    UniversalConversation.objects.update(**{moment: timezone.now()})
    decision = decide(house, ann, Act.RETRY)
    assert (decision.done, decision.left) == (0, 1)
    house.relay()
    assert copies(house, "webex", "too late") == 0
    assert failures.matching(house.tenant, {}).count() == 1


def test_what_is_tried_again_has_a_day_once_more(house: House, ann: User) -> None:
    refused(house, "webex", "patience")
    Delivery.objects.update(created_at="2020-01-01T00:00:00Z")
    decide(house, ann, Act.RETRY)
    house.world.faults.append(Fault("webex", status=503))
    house.relay(rounds=1)
    house.world.faults.clear()
    assert Delivery.objects.get(link=house.links["webex/general"]).state in (State.WAITING, State.UNSURE)


def test_what_is_let_go_is_not_delivered_and_can_be_taken_up_again(house: House, ann: User) -> None:
    refused(house, "webex", "never mind")
    decide(house, ann, Act.SKIP)
    house.relay()
    assert copies(house, "webex", "never mind") == 0
    [row] = failures.matching(house.tenant, {"what": "given-up"})
    assert row.reason.startswith("let go by an administrator; before: ")
    decide(house, ann, Act.RETRY, what="given-up")
    house.relay()
    assert copies(house, "webex", "never mind") == 1


def test_what_waits_for_long_is_shown_and_can_be_let_go(house: House, ann: User) -> None:
    house.world.faults.append(Fault("webex", status=503))
    house.type("slack", "Bob Okafor", "stuck")
    house.relay(rounds=1)
    assert not failures.matching(house.tenant, {"what": "waiting"}).exists()
    Delivery.objects.update(created_at=timezone.now() - 2 * failures.LONG)
    assert failures.matching(house.tenant, {"what": "waiting"}).count() == 1
    assert decide(house, ann, Act.SKIP, what="waiting").done == 1
    house.world.faults.clear()
    ConversationLink.objects.update(not_before=None)
    house.relay()
    assert copies(house, "webex", "stuck") == 0


def test_two_who_press_at_once_change_each_failure_once(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "PORTION", 3)
    acme = Tenant.objects.create(name="Acme")
    for number in range(20):
        failure(acme, f"reason {number}")
    decisions = [deciding.decide_all(acme, act, {}, request_of(ann)) for act in (Act.RETRY, Act.RETRY, Act.SKIP)]

    def work(pk: int) -> None:
        deciding.carry_out(pk)
        connection.close()

    with ThreadPoolExecutor(6) as several:
        list(several.map(work, [decision.pk for decision in decisions] * 2))
    ended = Decision.objects.order_by("pk")
    assert all(decision.ended_at for decision in ended)
    assert sum(decision.done for decision in ended) == 20
    assert AuditEntry.objects.filter(actor=None).count() == 3
    assert not failures.matching(acme, {}).exists()


def test_a_decision_goes_on_where_its_worker_died(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "PORTION", 2)
    monkeypatch.setattr(carry_out_decision, "delay", carry_out_decision)
    acme = Tenant.objects.create(name="Acme")
    for number in range(5):
        failure(acme, f"reason {number}")
    decision = deciding.decide_all(acme, Act.RETRY, {}, request_of(ann))
    assert deciding._portion(decision.pk)
    Decision.objects.update(asked_at=timezone.now() - 2 * deciding.FORGOTTEN)
    later = failure(acme, "failed after somebody decided")
    carry_out_decisions()
    decision.refresh_from_db()
    assert (decision.done, bool(decision.ended_at)) == (5, True)
    assert list(failures.matching(acme, {})) == [later]


def test_failures_of_a_company_are_its_own(ann: User) -> None:
    acme, globex = Tenant.objects.create(name="Acme"), Tenant.objects.create(name="Globex")
    kept = failure(globex)
    assert not failures.matching(acme, {}).exists()
    decision = deciding.decide_all(acme, Act.SKIP, {}, request_of(ann))
    deciding.carry_out(decision.pk)
    kept.refresh_from_db()
    assert kept.state == State.PARKED


def test_a_reason_that_is_kept_names_no_content(house: House, ann: User) -> None:
    refused(house, "webex", "kingfisher")
    decide(house, ann, Act.RETRY)
    texts = [str(row.before) + str(row.after) + row.subject for row in AuditEntry.objects.order_by("pk")]
    assert "kingfisher" not in "".join(texts)
    assert Installation.objects.exists()
