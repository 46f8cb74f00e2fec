"""The audit log's page and its export."""

import csv
import re
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.test import Client
from pytest_django.asserts import assertNumQueries

from accounts.audit import record
from accounts.models import AuditEntry, Tenant
from tests.accounts.asking import request_of
from tests.hub.reading import page_text
from tests.people import People


def shown(browser: Client, people: People, query: str = "") -> str:
    return browser.get(f"/t/{people.acme.key}/audit/{query}", secure=True).content.decode()


def exported(browser: Client, people: People, query: str = "") -> list[list[str]]:
    text = page_text(browser.get(f"/t/{people.acme.key}/audit/audit-log.csv{query}", secure=True))
    return list(csv.reader(StringIO(text)))


def entry(tenant: Tenant, number: int, at: datetime | None = None) -> None:
    made = record(tenant, "changed something", f"subject-{number}.")
    if at:
        AuditEntry.objects.filter(pk=made.pk).update(at=at)


def subjects(page: str) -> list[str]:
    return re.findall(r"subject-\d+", page)


def test_entries_are_paged_and_none_is_shown_twice_or_left_out(people: People) -> None:
    for number in range(120):
        entry(people.acme, number)
    browser, query, seen = people.browser(people.carla), "", []
    while query is not None:
        page = shown(browser, people, query)
        seen += subjects(page)
        entry(people.acme, 999)  # what is added meanwhile does not shift the pages
        older = re.search(r'href="(\?[^"]+)" rel="next"', page)
        query = older[1] if older else None  # type: ignore[assignment]
    assert seen == [f"subject-{number}" for number in reversed(range(120))]


def test_a_page_takes_as_many_queries_with_few_entries_as_with_many(people: People) -> None:
    browser = people.browser(people.carla)
    for number in range(60):
        entry(people.acme, number)
    shown(browser, people)  # the first request of a session also writes it down
    with assertNumQueries(5):  # session, user, memberships, entries, what the filter offers
        shown(browser, people)


def test_the_filter_finds_by_person_and_action(people: People) -> None:
    record(people.acme, "changed role", "subject-1", request_of(people.ann))
    record(people.acme, "removed member", "subject-2", request_of(people.bob))
    browser = people.browser(people.carla)
    assert subjects(shown(browser, people, "?person=ann@acme.example")) == ["subject-1"]
    assert subjects(shown(browser, people, "?action=removed+member")) == ["subject-2"]
    assert "Nothing matches" in shown(browser, people, "?person=ann@acme.example&action=removed+member")


def test_days_are_those_of_the_tenants_time_zone(people: People) -> None:
    Tenant.objects.filter(pk=people.acme.pk).update(time_zone="Asia/Tokyo")
    entry(people.acme, 1, datetime(2030, 5, 1, 14, 59, tzinfo=UTC))  # 23:59 in Tokyo
    entry(people.acme, 2, datetime(2030, 5, 1, 15, 0, tzinfo=UTC))  # the 2nd in Tokyo
    browser = people.browser(people.carla)
    page = shown(browser, people, "?since=2030-05-02&until=2030-05-02")
    assert subjects(page) == ["subject-2"]
    assert "2 May 2030, 00:00:00" in page
    assert exported(browser, people)[1][0] == "2030-05-02 00:00:00+09:00"


@pytest.mark.parametrize(
    "query",
    ["?before=x", "?before=" + "9" * 400, "?since=yesterday", "?person=%00", "?since=0001-01-01", "?until=9999-12-31"],
)
def test_nonsense_in_the_address_breaks_nothing(people: People, query: str) -> None:
    entry(people.acme, 1)
    browser = people.browser(people.carla)
    assert "Audit log" in shown(browser, people, query)
    assert exported(browser, people, query)[0][0] == "when"


def test_the_export_holds_what_the_filter_shows_and_more_than_a_page(people: People) -> None:
    for number in range(60):
        entry(people.acme, number)
    record(people.acme, "changed role", "subject-60", request_of(people.ann))
    rows = exported(people.browser(people.carla), people, "?person=Mio+Hub")
    assert rows[0] == ["when", "who", "action", "subject", "before", "after", "address"]
    assert [row[3] for row in rows[1:]] == [f"subject-{number}." for number in reversed(range(60))]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(people: People, cell: str) -> None:
    record(people.acme, "changed role", cell, after={"=name": cell})
    row = exported(people.browser(people.carla), people)[1]
    assert row[3] == f"'{cell}"
    assert row[5] == f"'=name: {cell}"


def test_a_hostile_name_stays_text_on_the_page(people: People) -> None:
    record(people.acme, "changed settings", "<script>alert(1)</script>", after={"name": "<b>"})
    page = shown(people.browser(people.carla), people)
    assert "<script>alert" not in page
    assert "<b>" not in page
