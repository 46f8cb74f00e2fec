"""The activity pages: what they tell, to whom, and that it takes no longer with more."""

import csv
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertNumQueries

from accounts.models import Installation, Person, PlatformAccount, Tenant
from mio_hub.bench.failing import failure
from mio_hub.hub import activity as page_module
from mio_hub.hub.spreadsheet import line
from relay.models import (
    ActiveAccount,
    ConversationLink,
    DailySpeaker,
    DailyTraffic,
    LinkPulse,
    Participation,
    UniversalConversation,
)
from tests.hub.reading import page_text
from tests.people import People


def shown(browser: Client, people: People, rest: str = "") -> str:
    return page_text(browser.get(f"/t/{people.acme.key}/activity/{rest}", secure=True))


def speaker(tenant: Tenant, number: int, email: str = "") -> ActiveAccount:
    """Somebody who spoke today in the tenant's one channel."""
    failure(tenant)
    link = ConversationLink.objects.get(installation__tenant=tenant, installation__platform="slack")
    person = Person.objects.create(tenant=tenant, name=f"Person {number}", email=f"person{number}@acme.example")
    account = PlatformAccount.objects.create(
        installation=link.installation, person=person, external_id=f"U{number}", name=f"Person-{number}.", email=email
    )
    today = timezone.now().date()
    DailySpeaker.objects.create(link=link, account=account.external_id, day=today, count=2)
    return ActiveAccount.objects.create(account=account, tenant=tenant, last_on=today)


def names(page: str) -> list[str]:
    return re.findall(r"Person-(\d+)\.", re.sub(r'<span class="hidden">.*?</span>', "", page))


def test_active_people_are_told_with_platform_channels_and_organizations(people: People) -> None:
    speaker(people.acme, 1, "one@acme.example")
    link = ConversationLink.objects.get(installation__platform="slack")
    for tenant in (people.acme, people.globex):
        Participation.objects.create(conversation=link.conversation, tenant=tenant)
    page = shown(people.browser(people.carla), people)
    assert "1 active person" in page
    for words in ("Person-1.", "one@acme.example", "Slack", 'data-label="Channels">1<', "Globex"):
        assert words in page
    companies = shown(people.browser(people.carla), people, "organizations/")
    assert "Globex" in companies
    assert "general of Acme" in companies


def test_people_are_paged_and_nobody_is_shown_twice_or_left_out(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "PAGE", 10)
    monkeypatch.setattr(page_module, "BATCH", 7)
    for number in range(25):
        speaker(people.acme, number)
    browser, query, seen = people.browser(people.carla), "", []
    while query is not None:
        page = shown(browser, people, query)
        seen += names(page)
        more = re.search(r'href="(\?[^"]+)" rel="next"', page)
        query = more[1].replace("&amp;", "&") if more else None  # type: ignore[assignment]
    assert seen == [str(number) for number in range(25)]
    rows = list(csv.reader(StringIO(shown(browser, people, "active-users.csv?search=PERSON-2"))))
    assert [row[0] for row in rows[1:]] == ["Person-2.", *(f"Person-{number}." for number in range(20, 25))]
    assert rows[1][2:6] == ["Slack", "1", "0", ""]


def test_of_direct_chats_only_the_number_is_told(people: People) -> None:
    spoke = speaker(people.acme, 1)
    installation, today = spoke.account.installation, timezone.now().date()
    for number in range(2):
        chat = UniversalConversation.objects.create(tenant=people.acme, kind="direct")
        link = ConversationLink.objects.create(
            conversation=chat, installation=installation, external_id=f"D-nightjar-{number}", heard_by=""
        )
        DailySpeaker.objects.create(link=link, account=spoke.account.external_id, day=today, count=3)
    browser = people.browser(people.carla)
    assert '<td data-label="Direct chats">2</td>' in shown(browser, people)
    [_, row] = csv.reader(StringIO(shown(browser, people, "active-users.csv")))
    assert row[3:5] == ["1", "2"]
    assert "nightjar" not in shown(browser, people) + shown(browser, people, "channels/") + str(row)


def test_the_chart_has_a_column_for_every_day_and_a_table_beside_it(people: People) -> None:
    slack = Installation.objects.create(tenant=people.acme, platform="slack", workspace="T1", name="Acme", account="U0")
    today = timezone.now().date()
    DailyTraffic.objects.create(installation=slack, day=today, said=1200, delivered=3, failed=1)
    DailyTraffic.objects.create(installation=slack, day=today - timedelta(days=29), said=600)
    DailyTraffic.objects.create(installation=slack, day=today - timedelta(days=30), said=9999)
    page = shown(people.browser(people.carla), people)
    assert page.count("<rect ") == 30
    assert 'x="0" y="30.0" width="8" height="30.0"' in page
    assert "1,800 said, 3 delivered, 1 failed" in page
    assert "9,999" not in page
    assert "style=" not in page
    assert "<style" not in page


def test_channels_show_trouble_and_lead_to_its_reasons(people: People) -> None:
    kept = failure(people.acme)
    LinkPulse.objects.create(link=kept.link, last_at=timezone.now(), delay=1.26)
    page = shown(people.browser(people.carla), people, "channels/?search=GENERAL")
    assert f"/t/{people.acme.key}/failures/?channel=general%20of%20Acme" in page
    assert "1.3 s" in page
    assert "No channel matches" in shown(people.browser(people.carla), people, "channels/?search=elsewhere")


@pytest.mark.parametrize(("rest", "many"), [("", 10), ("channels/", 8)])
def test_a_page_takes_as_many_queries_with_few_rows_as_with_many(people: People, rest: str, many: int) -> None:
    browser = people.browser(people.carla)
    for number in range(30):
        speaker(people.acme, number)
    shown(browser, people, rest)  # the first request of a session also writes it down
    with assertNumQueries(many):
        shown(browser, people, rest)


@pytest.mark.parametrize("rest", ["", "channels/", "active-users.csv"])
@pytest.mark.parametrize(
    "query", ["?after=x", "?after=" + "9" * 400, "?page=-1", "?page=" + "9" * 30, "?search=%00%25"]
)
def test_nonsense_in_the_address_breaks_nothing(people: People, rest: str, query: str) -> None:
    speaker(people.acme, 1)
    assert shown(people.browser(people.ann), people, rest + query)


def test_a_hostile_name_stays_text_and_no_formula(people: People) -> None:
    speaker(people.acme, 1)
    PlatformAccount.objects.update(name="=1+<b>1</b>")
    browser = people.browser(people.ann)
    assert "<b>1" not in shown(browser, people)
    assert "'=1+<b>" in shown(browser, people, "active-users.csv")


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "  =1", "\n=1", "\r=1", "＝1", "＠x"])
def test_no_cell_of_a_download_is_a_formula(cell: str) -> None:
    assert line([cell, "a=1"]).lstrip('"').startswith("'")
    assert ",a=1" in line([cell, "a=1"])


def test_somebody_is_found_by_any_of_their_accounts(people: People) -> None:
    first = speaker(people.acme, 1, "one@acme.example").account
    other = PlatformAccount.objects.create(
        installation=first.installation, person=first.person, external_id="U9", name="Uno", email="uno@acme.example"
    )
    ActiveAccount.objects.create(account=other, tenant=people.acme, last_on=timezone.now().date())
    browser = people.browser(people.ann)
    assert "1 active person" in shown(browser, people)
    for search in ("one@acme", "uno@acme", "acme.example"):
        assert "1 active person found" in shown(browser, people, f"?search={search}")
