"""The failures page: who sees what, who decides, and what is written down."""

import re

import pytest
from django.test import Client
from pytest_django.asserts import assertNumQueries

from accounts.models import AuditEntry, Tenant
from mio_hub.bench.failing import failure
from mio_hub.hub import failures as page_module
from relay.models import ConversationLink, Decision, Delivery
from relay.tasks import carry_out_decision
from tests.people import People

State = Delivery.State


@pytest.fixture(autouse=True)
def _carried_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carry_out_decision, "delay_on_commit", carry_out_decision)


def path(people: People, rest: str = "") -> str:
    return f"/t/{people.acme.key}/failures/{rest}"


def shown(browser: Client, people: People, rest: str = "") -> str:
    return browser.get(path(people, rest), secure=True).content.decode()


def reasons(page: str) -> list[str]:
    return re.findall(r'class="values">(?:R|r)eason-(\d+)', page)


def test_a_failure_is_told_in_plain_words_and_never_with_content(people: People) -> None:
    failure(people.acme, "the channel is archived there")
    page = shown(people.browser(people.carla), people)
    for words in ("general of Acme", "Slack", "Teams", "New message", "The channel is archived there"):
        assert words in page
    assert "Try again" not in page  # an auditor decides nothing


def test_the_filter_finds_by_channel_platform_reason_and_period(people: People) -> None:
    failure(people.acme, "reason-1")
    failure(people.acme, "reason-2")
    browser = people.browser(people.ann)
    assert reasons(shown(browser, people, "?reason=reason-1")) == ["1"]
    assert reasons(shown(browser, people, "?channel=GENERAL&platform=teams")) == ["2", "1"]
    for nothing in ("?channel=elsewhere", "?platform=zoom", "?until=2020-01-01", "?what=given-up"):
        assert "Nothing matches" in shown(browser, people, nothing)


@pytest.mark.parametrize(
    "query",
    [
        *("?before=x", "?before=" + "9" * 400, "?since=yesterday", "?reason=%00", "?since=0001-01-01"),
        *("?until=9999-12-31", "?what=all", "?platform=nowhere", "?channel=" + "x" * 200),
    ],
)
def test_nonsense_in_the_address_breaks_nothing(people: People, query: str) -> None:
    failure(people.acme)
    browser = people.browser(people.ann)
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):  # where the first and the last of days are out of reach
        Tenant.objects.filter(pk=people.acme.pk).update(time_zone=zone)
        assert "Failures" in shown(browser, people, query)
    assert browser.get(path(people, "retry/" + query), secure=True).status_code == 200


def test_failures_are_paged_and_none_is_shown_twice_or_left_out(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "PAGE", 10)
    for number in range(25):
        failure(people.acme, f"reason-{number}")
    browser, query, seen = people.browser(people.carla), "", []
    while query is not None:
        page = shown(browser, people, query)
        seen += reasons(page)
        older = re.search(r'href="(\?[^"]+)" rel="next"', page)
        query = older[1] if older else None  # type: ignore[assignment]
    assert seen == [str(number) for number in reversed(range(25))]


def test_a_page_takes_as_many_queries_with_few_failures_as_with_many(people: People) -> None:
    browser = people.browser(people.carla)
    for number in range(30):
        failure(people.acme, f"reason-{number}")
    shown(browser, people)  # the first request of a session also writes it down
    with assertNumQueries(6):  # session, user, memberships, failures, reasons, decisions under way
        shown(browser, people)


def test_bob_retries_one_and_lets_another_go(people: People) -> None:
    first, second = failure(people.acme, "reason-1"), failure(people.acme, "reason-2")
    browser = people.browser(people.bob)
    said = browser.post(path(people, f"{first.pk}/retry/?platform=teams"), secure=True, follow=True).content.decode()
    assert "It is tried again now" in said
    browser.post(path(people, f"{second.pk}/skip/"), secure=True)
    assert list(Delivery.objects.order_by("pk").values_list("state", flat=True)) == [State.WAITING, State.SKIPPED]
    assert [(row.action, row.subject, row.actor) for row in AuditEntry.objects.order_by("pk")] == [
        ("retried failed message", "general of Acme", people.bob),
        ("let failed message go", "general of Acme", people.bob),
    ]


def test_who_presses_second_is_told_that_nothing_was_changed(people: People) -> None:
    kept = failure(people.acme)
    for user in (people.ann, people.bob):
        page = people.browser(user).post(path(people, f"{kept.pk}/retry/"), secure=True, follow=True).content.decode()
    assert "Nothing was changed" in page
    assert AuditEntry.objects.count() == 1


def test_ann_retries_all_that_match_after_seeing_how_many(people: People) -> None:
    for number in range(3):
        failure(people.acme, f"reason-{number}")
    browser = people.browser(people.ann)
    assert "Try 2 failures again" not in shown(browser, people, "retry/?reason=reason-1")
    assert "Try 1 failure again" in shown(browser, people, "retry/?reason=reason-1")
    browser.post(path(people, "retry/?reason=reason-1"), secure=True)
    assert [row.reason for row in Delivery.objects.filter(state=State.PARKED).order_by("pk")] == [
        "reason-0",
        "reason-2",
    ]
    [asked, done] = AuditEntry.objects.order_by("pk")
    assert (asked.actor, asked.subject) == (people.ann, "reason: reason-1")
    assert done.after == {"asked by": "ann@acme.example", "changed": 1, "left as they were": 0}


def test_what_is_under_way_is_shown(people: People) -> None:
    Decision.objects.create(tenant=people.acme, asked_by_name="bob@acme.example", act="retry", upto=1, done=1200)
    page = shown(people.browser(people.carla), people)
    assert "bob@acme.example asked for failures to be tried again: 1,200 done so far." in page


def test_a_hostile_name_stays_text(people: People) -> None:
    failure(people.acme, "<script>alert(1)</script>")
    ConversationLink.objects.update(name="<b>bold</b>")
    page = shown(people.browser(people.ann), people)
    assert "<script>alert" not in page
    assert "<b>" not in page
