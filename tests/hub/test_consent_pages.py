"""The pages of a person's own consent: what they say, the way to the platform and back, and everything that may go wrong."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

import connectors
from accounts import oauth
from accounts.granting import Why, prompt
from accounts.models import AuditEntry, ConsentRequest, Grant, Installation, UserSync
from connectors.consent import Preset, Purpose
from mio_hub.scopes import is_asked, tables
from tests.consenting import Traveller, said
from tests.granting import HUB, OTHER, WHO, Asked

pytestmark = pytest.mark.django_db
PLATFORMS = connectors.slugs()


def nothing_was_kept() -> bool:
    return all(grant.access == grant.refresh == "" and grant.scopes == [] for grant in Grant.objects.all())


@pytest.mark.parametrize("slug", PLATFORMS)
def test_the_page_says_what_why_for_how_long_how_to_withdraw_and_what_is_never_done(asked: Asked, slug: str) -> None:
    asked.prompted(slug)
    words = said(asked.page())
    for part in (
        "What you are asked for",
        "For how long",
        "How to withdraw",
        "What is never done",
        WHO[slug][0],
        "Acme",
    ):
        assert part in words
    for scope in oauth.platform(slug).scopes:
        if scope.purpose == Purpose.MESSAGES and is_asked(scope, Preset.PUBLISHED):
            assert scope.description in words.replace("&#x27;", "'")


@pytest.mark.parametrize("slug", PLATFORMS)
def test_a_person_without_a_hub_account_consents_and_withdraws(asked: Asked, slug: str) -> None:
    asked.prompted(slug)
    assert "Done" in said(asked.consent(slug))
    assert Grant.objects.get().state == "granted"
    assert UserSync.objects.get().state == "synced"
    answer = asked.browser.post("/consent/", {"wish": "withdraw"}, secure=True, follow=True)
    assert "You have withdrawn your consent" in said(answer)
    assert Grant.objects.get().state == "withdrawn"
    assert nothing_was_kept()
    assert "Done" in said(asked.consent(slug))


@pytest.mark.parametrize("slug", PLATFORMS)
def test_only_the_persons_own_scopes_are_asked_for_and_they_are_those_on_the_scopes_page(
    asked: Asked, slug: str
) -> None:
    asked.prompted(slug)
    query = dict(parse_qsl(urlsplit(asked.set_out()).query))
    [table] = tables(slug, Purpose.MESSAGES)
    listed = {scope.name for scope in table.scopes if is_asked(scope, Preset.PUBLISHED)}
    page = asked.browser.get(f"/scopes/{slug}/", secure=True).content.decode()
    assert all(f"<code>{name}</code>" in page for name in listed)
    asked_for = set((query.get("user_scope") or query.get("scope") or "").replace(",", " ").split())
    assert asked_for == (set() if slug == "zoom" else listed)  # Zoom takes them from the registration of its app
    assert query.get("scope", "") == "" or "user_scope" not in query


@pytest.mark.parametrize("preset", list(Preset))
def test_microsoft_is_asked_for_chat_readwrite_and_signing_in_alone(asked: Asked, preset: Preset) -> None:
    Installation.objects.update(preset=preset.value)
    asked.prompted("teams")
    address = urlsplit(asked.set_out())
    query = dict(parse_qsl(address.query))
    assert set(query["scope"].split()) == {"Chat.ReadWrite", "offline_access", "User.Read"}
    assert address.path == f"/{asked.installations['teams'].workspace}/oauth2/v2.0/authorize"
    assert query["code_challenge_method"] == "S256"


@pytest.mark.parametrize("slug", PLATFORMS)
def test_another_account_is_named_and_nothing_of_it_is_kept(asked: Asked, slug: str) -> None:
    asked.prompted(slug)
    answer = asked.consent(slug, OTHER[slug])
    assert answer.status_code == 400
    words = said(answer)
    assert "That is another account" in words
    assert f"Needed is the account of {WHO[slug][0]}" in words
    assert "Sign out" in words
    assert nothing_was_kept()
    assert Grant.objects.get().state == "asked"
    assert "Done" in said(asked.consent(slug))


@pytest.mark.parametrize("slug", PLATFORMS)
def test_whoever_says_no_is_told_so_and_it_is_remembered(asked: Asked, slug: str) -> None:
    asked.prompted(slug)
    answer = asked.consent(slug, decision="deny")
    assert "Nothing was allowed" in said(answer)
    assert Grant.objects.get().state == "declined"
    assert UserSync.objects.get().state == "pending"
    assert AuditEntry.objects.filter(action="declined consent").count() == 1
    assert "You said no before" in said(asked.page())


def test_what_an_administrator_must_allow_first_is_explained_and_shown_to_them(asked: Asked) -> None:
    entra: Any = asked.world.fakes["teams"].entra  # type: ignore[attr-defined]
    entra.people_decide = False
    entra.consented -= {
        "Chat.ReadWrite"
    }  # as with the published permissions: else the administrator has allowed it for all
    asked.prompted("teams")
    words = said(asked.consent("teams", OTHER["teams"]))  # not Ann, who administers the fake tenant and may allow it
    assert "An administrator has to allow the app first" in words
    assert Grant.objects.get().state == "asked"
    assert nothing_was_kept()
    teams, people = asked.installations["teams"], asked.people
    address = f"/t/{people.acme.key}/connections/{teams.pk}/"
    page = people.browser(people.bob).get(address, secure=True)
    assert "People need an administrator" in said(page)
    assert f"/t/{people.acme.key}/platforms/teams/scopes/?again={teams.pk}" in page.content.decode()
    entra.approve()
    assert "Done" in said(asked.consent("teams"))
    assert "People need an administrator" not in said(people.browser(people.bob).get(address, secure=True))


@pytest.mark.parametrize(
    ("query", "is_approval"),
    [
        ("error=consent_required", True),
        ("error=interaction_required", True),
        ("error=access_denied&error_description=AADSTS90094%3A+admin", True),
        ("error=access_denied&error_description=AADSTS65001%3A+not+consented", True),
        ("error=access_denied&error_description=AADSTS65004%3A+declined", False),
        ("error=access_denied&error_subcode=cancel", False),
        ("error=server_error&error_description=%00%3Cscript%3E", None),
    ],
)
def test_each_answer_of_microsoft_is_told_apart(asked: Asked, query: str, is_approval: bool | None) -> None:
    asked.prompted("teams")
    state = dict(parse_qsl(urlsplit(asked.set_out()).query))["state"]
    answer = asked.browser.get(f"/connect/teams/callback/?state={state}&{query}", secure=True)
    title = {True: "An administrator has to allow", False: "Nothing was allowed", None: "did not go along"}[is_approval]
    assert answer.status_code == 400
    assert title in said(answer)
    assert "script" not in said(answer)
    assert Grant.objects.get().state == ("declined" if is_approval is False else "asked")


def test_a_link_is_good_for_a_day_and_a_new_one_is_sent_to_the_same_person(asked: Asked) -> None:
    asked.prompted("teams")
    Grant.objects.update(link_until=timezone.now() - timedelta(seconds=1))
    page = asked.page()
    assert page.status_code == 410
    assert "This link has ended" in said(page)
    assert "less than a minute ago" in said(asked.browser.post("/consent/", {"wish": "new link"}, secure=True))
    Grant.objects.update(asked_at=timezone.now() - timedelta(minutes=2))
    assert "on its way" in said(asked.browser.post("/consent/", {"wish": "new link"}, secure=True))
    assert len(asked.told("teams")) == 2
    assert asked.page().status_code == 404
    assert asked.open("teams").status_code == 200


def test_an_ended_link_leads_to_no_platform(asked: Asked) -> None:
    asked.prompted("teams")
    Grant.objects.update(link_until=timezone.now() - timedelta(seconds=1))
    assert asked.browser.post("/consent/", secure=True).status_code == 302
    assert not ConsentRequest.objects.exists()


def test_a_link_works_once_and_the_one_of_the_thanks_leads_to_what_was_allowed(asked: Asked) -> None:
    asked.prompted("slack")
    [first] = asked.links("slack")
    asked.consent("slack")
    stranger = Client(headers={"x-forwarded-proto": "https"})
    assert stranger.get(first.removeprefix(HUB), secure=True, follow=True).status_code == 404
    [second] = asked.links("slack")
    assert second != first
    assert "What you allowed" in said(stranger.get(second.removeprefix(HUB), secure=True, follow=True))


def test_the_token_of_a_link_leaves_the_address_and_looking_decides_nothing(asked: Asked) -> None:
    asked.prompted("slack")
    [link] = asked.links("slack")
    answer = asked.browser.get(link.removeprefix(HUB), secure=True)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/consent/")
    asked.page()
    assert Grant.objects.get().state == "asked"
    assert not ConsentRequest.objects.exists()


@pytest.mark.parametrize("path", ["/consent/", "/consent/made-up/", "/consent/%00/", f"/consent/{'a' * 500}/"])
def test_a_link_that_nobody_sent_leads_nowhere(asked: Asked, path: str) -> None:
    assert asked.browser.get(path, secure=True, follow=True).status_code == 404


def test_only_the_browser_that_set_out_may_arrive_and_once(asked: Asked) -> None:
    asked.prompted("slack")
    back = Traveller(asked.world, asked.people, asked.browser).decide(asked.set_out(), WHO["slack"][0])
    stranger = Client(headers={"x-forwarded-proto": "https"})
    assert "We do not know this request" in said(stranger.get(back, secure=True))
    assert nothing_was_kept()
    assert asked.browser.get(back, secure=True).status_code == 302
    assert asked.browser.get(back, secure=True).status_code == 400
    assert Grant.objects.get().state == "granted"


def test_who_comes_back_too_late_changes_nothing(asked: Asked) -> None:
    asked.prompted("slack")
    back = Traveller(asked.world, asked.people, asked.browser).decide(asked.set_out(), WHO["slack"][0])
    ConsentRequest.objects.update(expires_at=timezone.now())
    assert "That took too long" in said(asked.browser.get(back, secure=True))
    assert nothing_was_kept()


def test_a_permission_that_nothing_works_without_is_named_and_nothing_is_kept(asked: Asked) -> None:
    slack: Any = asked.world.fakes["slack"]
    slack.authority.withheld = {"chat:write"}
    asked.prompted("slack")
    answer = asked.consent("slack")
    assert "A permission is missing" in said(answer)
    assert nothing_was_kept()


@pytest.mark.parametrize("slug", PLATFORMS)
def test_no_page_shows_a_token(asked: Asked, slug: str) -> None:
    grant = asked.granted(slug)
    html = asked.page().content.decode()
    assert grant.access
    for secret in (grant.access, grant.refresh, grant.digest or "-"):
        assert not secret or secret not in html
    assert not re.search(r"<script(?! src)| style=|onclick", html.partition("<main")[2])


def test_what_is_asked_again_after_a_loss_is_granted_again(asked: Asked) -> None:
    asked.granted("teams")
    Grant.objects.update(state="lost", access="", refresh="", scopes=[])
    UserSync.objects.update(state="needs reauth")
    sync = UserSync.objects.select_related("account__person", "account__installation__tenant").get()
    assert prompt(sync, Why.RECEIVED)
    assert "no longer" not in said(asked.open("teams"))
    assert "Done" in said(asked.consent("teams"))
    assert UserSync.objects.get().state == "synced"
