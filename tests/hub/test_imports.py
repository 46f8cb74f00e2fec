"""The pages of Import: choosing teams, watching a run, deciding what it asks, reading what it did."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from accounts import importing
from accounts.models import AuditEntry, DirectoryImport, Installation, PlatformAccount, Team
from connectors.directory import Team as ToldTeam
from connectors.errors import Unavailable
from connectors.messages import TeamId
from mio_hub.hub.import_words import duration, many
from tests.accounts.directories import Company, connected, everybody, everywhere, imported, run_on
from tests.consenting import said
from tests.people import People

State = DirectoryImport.State


@pytest.fixture
def company() -> Company:
    """Six people, all of them in each of three channels."""
    crowd = everybody(6)
    return Company(crowd, everywhere(3), lambda _: [account.id for account in crowd])


@pytest.fixture
def acme(people: People, company: Company, redis: Redis) -> Iterator[Installation]:
    with connected(people.acme, company) as installation:
        yield installation


@pytest.fixture
def acme_with_teams(people: People, company: Company, redis: Redis) -> Iterator[Installation]:
    """120 teams, read already; none is chosen."""
    company.teams = [ToldTeam(TeamId(f"team{n:03}"), f"Team {n:03}", f"About {n}") for n in range(120)]
    company.page = 200
    with connected(people.acme, company, has_teams=True) as installation:
        run_on(importing.list_teams(installation))
        yield installation


@pytest.fixture
def bob(people: People) -> Client:
    return people.browser(people.bob)


@pytest.fixture
def go(people: People, bob: Client) -> Callable[..., Any]:
    """Asks for a page of Acme, or posts to it, and follows where it leads."""

    def ask(path: str, form: dict[str, Any] | None = None, browser: Client | None = None) -> Any:
        browser = browser or bob
        address = f"/t/{people.acme.key}/connections/{path}"
        if form is None:
            return browser.get(address, secure=True, follow=True)
        return browser.post(address, form, secure=True, follow=True)

    return ask


def words(answer: Any) -> str:
    assert answer.status_code == 200
    return unescape(said(answer))


def chosen(installation: Installation) -> list[str]:
    rows = Team.objects.filter(installation=installation, is_chosen=True).order_by("external_id")
    return list(rows.values_list("external_id", flat=True))


def running(installation: Installation, **values: Any) -> DirectoryImport:
    """A run in the middle of its work."""
    return DirectoryImport.objects.create(installation=installation, **{"stage": "people", **values})


# --- Beginning


def test_where_there_are_no_teams_one_button_imports_everybody(acme: Installation, go: Callable[..., Any]) -> None:
    assert "Import users and channels" in words(go(f"{acme.pk}/import/"))
    answer = go(f"{acme.pk}/import/begin/", {})
    run = acme.imports.get()
    assert answer.redirect_chain[-1][0].endswith(f"/connections/imports/{run.pk}/")
    assert "Begins in a moment" in words(answer)
    run_on(run)
    page = words(go(f"imports/{run.pk}/"))
    assert "Done" in page
    assert "People 6 0 0 Channels 3 0 0 Memberships 18 0 0" in page


def test_the_success_page_leads_on_to_the_import(acme: Installation, go: Callable[..., Any]) -> None:
    assert "Import users and channels" in words(go(f"{acme.pk}/connected/"))


def test_where_there_are_teams_their_list_is_read_first(
    people: People, company: Company, go: Callable[..., Any]
) -> None:
    with connected(people.acme, company, has_teams=True) as installation:
        assert "Choose teams to import" in words(go(f"{installation.pk}/import/"))
        assert "The list of teams was not read yet" in words(go(f"{installation.pk}/import/teams/"))
        assert "The list of teams Importing" in words(go(f"{installation.pk}/import/teams/refresh/", {}))
        run_on(installation.imports.get())
        assert "shows us no team" in words(go(f"{installation.pk}/import/teams/"))


def test_importing_waits_for_a_list_of_teams_that_is_still_being_read(
    acme_with_teams: Installation, go: Callable[..., Any]
) -> None:
    importing.choose(acme_with_teams, ["team001"])
    importing.list_teams(acme_with_teams)
    assert "still being read" in words(go(f"{acme_with_teams.pk}/import/begin/", {}))
    assert not acme_with_teams.imports.filter(is_listing=False).exists()


def test_without_a_chosen_team_nothing_is_imported(acme_with_teams: Installation, go: Callable[..., Any]) -> None:
    assert "Choose at least one team first" in words(go(f"{acme_with_teams.pk}/import/teams/", {"import": "yes"}))
    assert not acme_with_teams.imports.filter(is_listing=False).exists()


def test_a_connection_that_needs_somebody_offers_no_import(acme: Installation, go: Callable[..., Any]) -> None:
    Installation.objects.update(state=Installation.State.NEEDS_RECONNECT)
    page = words(go(f"{acme.pk}/import/"))
    assert "has to be authorised again" in page
    assert "Import users and channels" not in page


# --- Choosing teams


def test_ticks_are_kept_when_the_page_is_turned(acme_with_teams: Installation, go: Callable[..., Any]) -> None:
    path = f"{acme_with_teams.pk}/import/teams/"
    page = go(path, {"shown": ["team000", "team001"], "team": ["team001"], "page": "3"})
    assert "Page 3 of 3" in words(page)
    assert "1 of 120 teams chosen" in words(page)
    go(path, {"shown": ["team100", "team101"], "team": ["team100"]})
    assert chosen(acme_with_teams) == ["team001", "team100"]
    go(path, {"shown": ["team000", "team001"]})
    assert chosen(acme_with_teams) == ["team100"]


def test_search_keeps_what_was_ticked_and_finds_names_and_descriptions(
    acme_with_teams: Installation, go: Callable[..., Any]
) -> None:
    path = f"{acme_with_teams.pk}/import/teams/"
    page = words(go(path, {"shown": ["team000"], "team": ["team000"], "q": "about 11"}))
    assert "Team 011" in page
    assert "Team 119" in page
    assert "Team 000" not in page
    assert chosen(acme_with_teams) == ["team000"]
    assert "Team 000" in words(go(f"{path}?show=chosen"))
    assert "No team fits" in words(go(f"{path}?q=nothing"))


def test_all_that_are_found_are_chosen_at_once_and_taken_away_again(
    acme_with_teams: Installation, go: Callable[..., Any]
) -> None:
    path = f"{acme_with_teams.pk}/import/teams/"
    go(path, {"every": "yes", "q": "team 00"})
    assert chosen(acme_with_teams) == [f"team{n:03}" for n in range(10)]
    go(path, {"every": "no", "q": "team 000"})
    assert "team000" not in chosen(acme_with_teams)
    go(path, {"every": "yes"})
    assert len(chosen(acme_with_teams)) == 120


def test_the_last_button_keeps_the_ticks_and_imports_them(
    acme_with_teams: Installation, go: Callable[..., Any]
) -> None:
    answer = go(f"{acme_with_teams.pk}/import/teams/", {"shown": ["team000"], "team": ["team000"], "import": "yes"})
    run = acme_with_teams.imports.get(is_listing=False)
    assert answer.redirect_chain[-1][0].endswith(f"/connections/imports/{run.pk}/")
    assert run.teams == ["team000"]


def test_a_search_that_cannot_be_made_chooses_nobody(acme_with_teams: Installation, go: Callable[..., Any]) -> None:
    go(f"{acme_with_teams.pk}/import/teams/", {"every": "yes", "q": "x" * 201})
    assert chosen(acme_with_teams) == []


def test_two_administrators_at_different_screens_take_turns(
    acme_with_teams: Installation, go: Callable[..., Any]
) -> None:
    with CaptureQueriesContext(connection) as asked:
        go(f"{acme_with_teams.pk}/import/teams/", {"shown": ["design"], "team": ["design"], "keep": "yes"})
    queries = [query["sql"] for query in asked]
    locked = next(n for n, sql in enumerate(queries) if "accounts_installation" in sql and "FOR NO KEY UPDATE" in sql)
    assert not any("accounts_team" in sql for sql in queries[:locked])


def test_a_choice_can_be_kept_without_importing_it(acme_with_teams: Installation, go: Callable[..., Any]) -> None:
    form = {"shown": ["team000"], "team": ["team000"], "keep": "yes"}
    assert "1 team is chosen" in words(go(f"{acme_with_teams.pk}/import/teams/", form))
    assert not acme_with_teams.imports.filter(is_listing=False).exists()


@pytest.mark.parametrize("hostile", ["\x00", "x" * 5000, "team'; DROP", "<script>"])
def test_what_is_no_team_is_not_chosen(acme_with_teams: Installation, go: Callable[..., Any], hostile: str) -> None:
    path = f"{acme_with_teams.pk}/import/teams/"
    for form in ({"team": hostile, "shown": hostile}, {"q": hostile}, {"show": hostile}, {"page": hostile}):
        assert go(path, form).status_code == 200
    assert chosen(acme_with_teams) == []


def test_a_team_that_could_not_be_joined_says_why_and_what_to_do(
    acme_with_teams: Installation, go: Callable[..., Any]
) -> None:
    Team.objects.filter(external_id="team007").update(problem="Only its owners may add people.", is_chosen=True)
    page = words(go(f"{acme_with_teams.pk}/import/teams/?show=shut"))
    assert "Team 007" in page
    assert "Team 008" not in page
    assert "Only its owners may add people." in page
    assert "then import again" in page
    run = running(acme_with_teams, state=State.DONE, ended_at=timezone.now())
    assert "Team 007 Only its owners may add people." in words(go(f"imports/{run.pk}/"))


def test_thousands_of_teams_cost_few_queries(
    acme_with_teams: Installation, go: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    rows = (Team(installation=acme_with_teams, external_id=f"more{n}", name=f"More {n}") for n in range(5000))
    Team.objects.bulk_create(rows)
    go(f"{acme_with_teams.pk}/import/teams/")
    with django_assert_max_num_queries(16):
        assert "of 5,120 teams" in words(go(f"{acme_with_teams.pk}/import/teams/"))


# --- Watching


def test_a_run_tells_its_stages_counts_and_time_left(acme: Installation, go: Callable[..., Any]) -> None:
    done = imported(acme)
    DirectoryImport.objects.filter(pk=done.pk).update(pages={"people": 10, "channels": 1, "members": 1})
    run = running(acme, counts={"people": 1200}, totals={"people": 5000}, pages={"people": 6})
    DirectoryImport.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(minutes=2))
    page = words(go(f"imports/{run.pk}/"))
    assert "1,200 of 5,000 people" in page
    assert "minutes left" in page
    assert "Cancel" in page
    DirectoryImport.objects.filter(pk=run.pk).update(not_before=timezone.now() + timedelta(hours=3))
    assert "about 3 hours left" in words(go(f"imports/{run.pk}/"))


def test_a_run_says_that_it_waits_for_the_platform_and_why_it_is_stuck(
    acme: Installation, go: Callable[..., Any]
) -> None:
    run = running(acme, not_before=timezone.now() + timedelta(minutes=1))
    assert "Slack asks us to slow down" in words(go(f"imports/{run.pk}/"))
    DirectoryImport.objects.update(problem="The platform does not answer as it should. It is tried again.")
    assert "does not answer as it should. It is tried again. Next try at" in words(go(f"imports/{run.pk}/"))
    Installation.objects.update(state=Installation.State.NEEDS_RECONNECT)
    assert "has to be authorised again first" in words(go(f"imports/{run.pk}/"))


def test_a_page_asks_again_only_while_something_may_change(acme: Installation, go: Callable[..., Any]) -> None:
    run = running(acme)
    for path in (f"imports/{run.pk}/", f"{acme.pk}/import/"):
        page = go(path).content.decode()
        assert 'hx-trigger="every 2s"' in page
        assert 'http-equiv="refresh"' in page
    importing.cancel(run)
    for path in (f"imports/{run.pk}/", f"{acme.pk}/import/"):
        page = go(path).content.decode()
        assert "hx-trigger" not in page
        assert 'http-equiv="refresh"' not in page


def test_bob_cancels_a_run_once(acme: Installation, go: Callable[..., Any]) -> None:
    run = running(acme)
    assert "The import is cancelled." in words(go(f"imports/{run.pk}/cancel/", {}))
    assert "had ended before" in words(go(f"imports/{run.pk}/cancel/", {}))
    run.refresh_from_db()
    assert run.state == State.CANCELLED


def test_a_failed_run_says_why(acme: Installation, company: Company, go: Callable[..., Any]) -> None:
    def broken(*_: str) -> None:
        raise Unavailable("no answer")

    company.before = broken
    run = running(acme, failures=importing.MOST_FAILURES)
    page = words(go(f"imports/{run_on(run).pk}/"))
    assert "Failed" in page
    assert "Nothing was changed; import again later." in page


def test_an_auditor_watches_and_is_offered_no_button(
    acme_with_teams: Installation, go: Callable[..., Any], people: People
) -> None:
    carla = people.browser(people.carla)
    run = running(acme_with_teams, state=State.ASKING, report={"people": {"removed": 30, "of": 90}})
    paths = (f"{acme_with_teams.pk}/import/", f"{acme_with_teams.pk}/import/teams/", f"imports/{run.pk}/")
    for path in paths:
        middle = go(path, browser=carla).content.decode().partition("<main")[2]
        assert 'method="post"' not in middle
    importing.cancel(run)
    for path in paths:
        middle = go(path, browser=carla).content.decode().partition("<main")[2]
        assert 'method="post"' not in middle
    assert go(f"imports/{run.pk}/cancel/", {}, browser=carla).status_code == 403


# --- Deciding


@pytest.fixture
def asking(acme: Installation, company: Company) -> DirectoryImport:
    """A run that found 30 of 90 people gone."""
    company.people = everybody(90)
    imported(acme)
    company.people = everybody(60)
    return run_on(importing.begin(acme))


def test_a_run_that_would_remove_much_asks_with_its_figures(asking: DirectoryImport, go: Callable[..., Any]) -> None:
    page = words(go(f"imports/{asking.pk}/"))
    assert "This import would remove 30 of 90 people" in page
    assert "Nothing was removed yet" in page
    assert "memberships" not in page.partition("Nothing was removed")[0]


def test_bob_lets_it_go_on_and_reads_what_was_removed(asking: DirectoryImport, go: Callable[..., Any]) -> None:
    assert "Remove them and go on" not in words(go(f"imports/{asking.pk}/approve/", {}))
    run_on(asking)
    assert "People 0 0 30" in words(go(f"imports/{asking.pk}/"))
    assert "decided meanwhile" in words(go(f"imports/{asking.pk}/approve/", {}))
    assert PlatformAccount.objects.filter(is_deleted=True).count() == 30
    assert AuditEntry.objects.filter(action="approved import").count() == 1


def test_bob_throws_it_away_and_nobody_is_removed(asking: DirectoryImport, go: Callable[..., Any]) -> None:
    go(f"imports/{asking.pk}/cancel/", {})
    assert run_on(asking).state == State.CANCELLED
    assert not PlatformAccount.objects.filter(is_deleted=True).exists()


# --- What was done


def test_the_report_names_channels_whose_members_could_not_be_read(acme: Installation, go: Callable[..., Any]) -> None:
    report = {"people": {"added": 1, "changed": 0, "removed": 0}, "unread": 2}
    run = running(acme, state=State.DONE, report=report, ended_at=timezone.now())
    assert "We may not see who is in 2 channels" in words(go(f"imports/{run.pk}/"))


def test_the_history_holds_nightly_repairs_and_who_imported(
    acme: Installation, company: Company, go: Callable[..., Any], people: People
) -> None:
    go(f"{acme.pk}/import/begin/", {})
    run_on(acme.imports.get())
    company.people = everybody(8)
    imported(acme, nightly=True)
    imported(acme, nightly=True)
    page = words(go(f"{acme.pk}/import/"))
    assert "Bob Okafor Done 27 added" in page
    assert "Every night Done 2 added" in page
    assert "Every night Done Nothing was different" in page


def test_the_card_and_the_overview_tell_what_is_imported_and_what_runs(
    acme: Installation, people: People, bob: Client
) -> None:
    def pages() -> list[str]:
        return [words(bob.get(f"/t/{people.acme.key}/{path}", secure=True)) for path in ("", "platforms/")]

    overview, platforms = pages()
    assert "Imported Not yet" in platforms
    imported(acme)
    overview, platforms = pages()
    assert "6 people, 3 channels; 0 linked" in platforms
    assert "6 people, 3 channels, imported" in overview
    PlatformAccount.objects.filter(external_id="U000005").update(is_deleted=True)
    assert all("5 people, 3 channels" in page for page in pages())
    run = running(acme)
    assert all("Importing" in page for page in pages())
    DirectoryImport.objects.filter(pk=run.pk).update(state=State.ASKING, report={"people": {"removed": 30, "of": 90}})
    overview, platforms = pages()
    assert "Import asks you" in platforms
    assert "waits for a decision. Decide" in overview


def test_the_pages_say_numbers_as_people_do() -> None:
    assert many(1, "person") == "1 person"
    assert many(1200, "person") == "1,200 people"
    assert [duration(seconds) for seconds in (5, 60, 250, 7200)] == [
        "less than a minute",
        "about 1 minute",
        "about 4 minutes",
        "about 2 hours",
    ]
