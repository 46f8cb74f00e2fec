"""A tenant's first page."""

import pytest
from django.core.cache import caches

from accounts.models import DirectoryImport, Installation, PlatformAccount
from mio_hub.hub import cards
from tests.people import People


def test_a_member_sees_the_tenants_page_and_where_else_to_go(people: People) -> None:
    page = people.browser(people.carla).get(f"/t/{people.acme.key}/", secure=True)
    assert page.status_code == 200
    assert "Acme" in page.content.decode()


def test_an_outsider_learns_not_even_that_the_tenant_exists(people: People) -> None:
    browser = people.browser(people.dev)
    assert browser.get(f"/t/{people.acme.key}/", secure=True).status_code == 404
    assert browser.get("/t/nobody/", secure=True).status_code == 404


def test_many_accounts_are_counted_anew_after_an_import_and_else_every_few_minutes(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Installation.objects.create(tenant=people.acme, platform="slack", workspace="W1", name="HQ", account="U0")
    browser = people.browser(people.carla)

    def hired(name: str) -> str:
        PlatformAccount.objects.create(installation=place, external_id=name, name=name)
        return browser.get(f"/t/{people.acme.key}/", secure=True).content.decode()

    assert "1 person, " in hired("Eva")
    assert "2 people, " in hired("Gil")
    monkeypatch.setattr(cards, "LARGE", 3)
    assert "3 people, " in hired("Kim")
    assert "3 people, " in hired("Lou")
    DirectoryImport.objects.create(installation=place, state="done")
    assert "5 people, " in hired("Mia")
    caches["process"].clear()  # minutes later
    assert "6 people, " in hired("Ned")
