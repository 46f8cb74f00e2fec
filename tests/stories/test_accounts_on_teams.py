"""Who is given an account where: a guest on Teams, nobody on Zoom, and the choice of a platform (product T-10 to T-12)."""

from typing import Any

import pytest
from django.test import Client
from redis import Redis

from accounts import user_sync
from accounts.matching import match_people, remember
from accounts.models import Grant, Membership, Person, SyncRun, UserSync
from tests.house import House
from tests.people import People
from tests.stories.pals import Pals

ASKS = "https://hub.example.com/consent/"
ON_GUESTS = "this address is that of an account of the organisation's own, beside which there can be no guest"


@pytest.fixture
def pals(house: House, redis: Redis, intercepted_requests: Any) -> Pals:
    """Pat and Quinn, at home on Slack and on Teams, are represented on the other's platform and have consented."""
    return Pals(house, redis, "slack", "teams")


@pytest.fixture
def bob(house: House, people: People) -> Client:
    """The browser of an administrator of the house's company."""
    Membership.objects.create(tenant=house.tenant, user=people.bob, role="administrator")
    return people.browser(people.bob)


def ask(bob: Client, house: House, path: str, form: dict[str, Any] | None = None) -> Any:
    address = f"/t/{house.tenant.key}/people/{path}"
    send = bob.get if form is None else bob.post
    return send(address, form, secure=True, follow=True)


def planned(house: House, slug: str, *people: Person) -> SyncRun:
    place = house.installations[slug]
    return worked_on(user_sync.begin(house.tenant, "sync", [place.pk], [person.pk for person in people]))


def applied(run: SyncRun) -> SyncRun:
    user_sync.apply(run)
    return worked_on(run)


def worked_on(run: SyncRun) -> SyncRun:
    while user_sync.work(run.pk):
        pass
    run.refresh_from_db()
    return run


def invitations(house: House) -> int:
    return sum(entry.url.endswith("/invitations") for entry in house.world.log)


def test_t_10_a_user_without_a_teams_account_gets_a_guest_account_and_no_prompt(pals: Pals) -> None:
    gil = pals.person("Gil Ferro", "slack", [])
    run = planned(pals.house, "teams", gil)
    assert run.counts == {"make": 1}
    assert invitations(pals.house) == 0
    assert applied(run).report == {"done": 1}
    sync = UserSync.objects.get(person=gil)
    assert (sync.kind, sync.state, sync.is_ours) == ("guest", "synced", True)
    assert invitations(pals.house) == 1

    pals.order("slack", "teams")
    for words in ("are you there?", "hello?"):
        pals.says(gil, "slack", words, pals.quinn)
        pals.relay()
    teams: Any = pals.house.world.fakes["teams"]
    members = [sync.account.external_id, teams.service, pals.account(pals.quinn, "teams").external_id]
    shown = teams.shown(teams.chat(members))
    assert ["are you there?" in shown[0].html, "hello?" in shown[1].html, len(shown)] == [True, True, 2]
    assert all("Gil Ferro" in one.html and "(Slack)" in one.html for one in shown)
    assert {one.author for one in shown} == {"Mio Hub"}

    teams.type_as(pals.account(pals.quinn, "teams").external_id, teams.chat(members), "here I am")
    pals.relay()
    assert pals.read("slack", gil, pals.quinn)[-1][0] == "Quinn Abe"
    assert not Grant.objects.filter(account__person=gil).exists()
    assert pals.told(ASKS) == []


def test_t_10_beside_an_account_without_a_licence_microsoft_lets_nobody_make_a_guest(pals: Pals) -> None:
    hal = pals.person("Hal Moss", "slack", ["teams"], is_synced=False)
    teams: Any = pals.house.world.fakes["teams"]
    teams.graph.people.unlicensed.add(pals.account(hal, "teams").external_id)
    run = planned(pals.house, "teams", hal)
    assert run.counts == {"make": 1}
    assert applied(run).report == {"failed": 1}
    assert ON_GUESTS in UserSync.objects.get(person=hal).reason
    assert pals.told(ASKS) == []


def test_t_11_a_user_without_a_zoom_account_cannot_be_synced_there_and_the_row_says_why(
    pals: Pals, bob: Client
) -> None:
    gil, zoe = pals.person("Gil Ferro", "slack", []), pals.person("Zoe Kern", "slack", ["zoom"], is_synced=False)
    page = ask(bob, pals.house, "?text=gil").content.decode()
    assert "Has no Zoom account." in page
    assert 'aria-label="Sync Gil Ferro on Acme on Zoom"' not in page
    assert 'aria-label="Sync Zoe Kern on Acme on Zoom"' in ask(bob, pals.house, "?text=zoe").content.decode()
    run = planned(pals.house, "zoom", gil, zoe)
    assert run.counts == {"adopt": 1, "impossible": 1}
    change = run.changes.get(person=gil)
    assert (change.action, change.reason) == ("impossible", "They have no account there.")
    assert "They have no account there." in ask(bob, pals.house, f"runs/{run.pk}/").content.decode()
    applied(run)
    assert not UserSync.objects.filter(person=gil).exists()
    assert UserSync.objects.get(person=zoe).kind == "full"


def test_t_12_found_on_two_platforms_a_choice_and_on_one_the_only_one(pals: Pals, bob: Client) -> None:
    for slug, names in {"slack": ("Eva Lund", "Gil Ferro"), "webex": ("Eva Lund",)}.items():
        fake, place = pals.house.world.fakes[slug], pals.house.installations[slug]
        for name in names:
            fake.add_person(name, f"{name.split()[0].lower()}@{'ACME' if slug == 'webex' else 'acme'}.example")
        remember(place.pk, fake.directory())
        match_people(place.pk)
    eva, gil = Person.objects.filter(name__in=["Eva Lund", "Gil Ferro"]).order_by("name")
    page = ask(bob, pals.house, "").content.decode()
    offered = page.partition('aria-label="Primary platform of Eva Lund"')[2].partition("</select>")[0]
    slack, webex = (pals.house.installations[slug] for slug in ("slack", "webex"))
    assert [f'value="{place.pk}"' in offered for place in (slack, webex)] == [True, True]
    assert " selected" not in offered
    assert 'aria-label="Primary platform of Gil Ferro"' not in page
    shown = page.partition("Gil Ferro</a>")[2].partition('data-label="Primary platform">')[2].partition("</td>")[0]
    assert shown.strip() == "Acme on Slack"

    ask(bob, pals.house, f"{eva.pk}/", {"primary": webex.pk})
    page = ask(bob, pals.house, "?text=eva").content.decode()
    assert f'value="{webex.pk}" selected' in page
    assert planned(pals.house, "slack", eva).counts == {"adopt": 1}
    assert planned(pals.house, "slack", gil).counts == {"nothing": 1}
