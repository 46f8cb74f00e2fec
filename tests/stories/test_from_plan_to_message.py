"""Everything real: an administrator's browser, the processes, and people's own browsers up to the first native message."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect
from slack_sdk import WebClient

from accounts import sync_planning
from accounts.matching import remember
from accounts.models import Grant, Installation, Membership, PlatformAccount, SyncRun, Tenant, User, UserSync
from tests.stack import Stack
from tests.stories.pals import allow

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BEAT = 30_000
"""Milliseconds for what beat has to begin; it looks every two seconds."""

CROWD = """
WITH crowd AS (
    INSERT INTO accounts_person (tenant_id, name, email, places)
    SELECT %(tenant)s, 'Person ' || n, 'person' || n || '@crowd.example', 1 FROM generate_series(1, 5000) AS n
    RETURNING id, name, email
)
INSERT INTO accounts_platformaccount (installation_id, person_id, external_id, name, email, avatar_url, is_bot)
SELECT %(slack)s, id, email, name, email, '', false FROM crowd
"""
"""Five thousand people who use Slack and nothing else."""

Visit = Callable[[str], Page]


@pytest.fixture
def visit(page: Page, stack: Stack) -> Iterator[Visit]:
    """Opens a page of User Sync as Bob, who administers the company."""
    tenant = Tenant.objects.get()
    bob = User.objects.create_user("bob", "bob@acme.example", first_name="Bob", last_name="Okafor")
    Membership.objects.create(tenant=tenant, user=bob, role="administrator")
    client = Client()
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": stack.hub}])
    page.set_default_timeout(BEAT)

    def go(path: str = "") -> Page:
        page.goto(f"{stack.hub}/t/{tenant.key}/people/{path}")
        return page

    yield go
    page.close()


def see(shown: Locator) -> None:
    """Wait for it to be shown."""
    expect(shown).to_be_visible(timeout=BEAT)


def account(slug: str, name: str) -> PlatformAccount:
    rows = PlatformAccount.objects.select_related("installation__tenant", "installation__app")
    return rows.get(installation__platform=slug, name=name)


def choose(page: Page, name: str, place: str) -> None:
    page.get_by_label(f"Primary platform of {name}", exact=True).select_option(place)
    page.get_by_role("button", name=f"Set the primary platform of {name}").click()
    see(page.get_by_text(f"{name} uses {place} first."))


def test_from_the_plan_to_the_first_message_in_ones_own_name(visit: Visit, stack: Stack) -> None:
    for slug in ("slack", "teams"):
        fake: Any = stack.world.fakes[slug]
        fake.add_person("Max Weber", "max@acme.example")
        remember(Installation.objects.get(platform=slug).pk, fake.directory())
    page = visit("")
    choose(page, "Ann Moreau", "Acme on Slack")
    choose(page, "Max Weber", "Acme on Teams")
    choose(page, "Carla Jensen", "Acme on Slack")

    page.get_by_label("Choose Ann Moreau").check()
    page.get_by_label("Choose Carla Jensen").check()
    page.get_by_label("Acme on Teams", exact=True).last.check()
    page.get_by_role("button", name="Plan").click()
    see(page.get_by_role("row", name="Use their own account 1"))
    see(page.get_by_role("row", name="Make an account for them 1"))
    assert not UserSync.objects.exists()
    page.get_by_role("button", name="Apply 2 changes").click()
    see(page.get_by_role("row", name="Done 2"))
    page.get_by_role("link", name="Back to User Sync").click()
    see(page.get_by_role("row", name="Ann Moreau").get_by_text("Waits for consent"))
    see(page.get_by_role("row", name="Carla Jensen").get_by_text("Synced", exact=True))
    page.get_by_role("button", name="Sync Max Weber on Acme on Slack").click()
    page.get_by_role("button", name="Apply 1 change").click()
    see(page.get_by_role("row", name="Done 1"))
    allow(stack.world, account("slack", "Max Weber"))  # by which Slack tells of what is written to Max

    ann = client_of(stack, "Ann Moreau")
    said_in = ann.conversations_open(users=[account("slack", "Max Weber").external_id])["channel"]["id"]
    ann.chat_postMessage(channel=said_in, text="Is the *plan* ready?")
    with_app = ann.conversations_open(users=[stack.world.fakes["slack"].credentials().account])["channel"]["id"]
    stack.wait_until(lambda: links(stack, ann, with_app))
    [link] = links(stack, ann, with_app)
    assert native(stack) == []

    page.context.clear_cookies()  # Ann has no account in the Hub
    page.goto(link)
    see(page.get_by_role("heading", name="Your own name on"))
    page.get_by_role("button", name="Continue to").click()
    people = page.locator("select[name=person]")
    people.select_option(label=people.locator("option", has_text="Ann Moreau").inner_text())
    page.locator("button[name=decision][value=allow]").click()
    see(page.get_by_role("heading", name="Done: your own name on"))
    stack.wait_until(lambda: native(stack))
    [(author, is_app, html)] = native(stack)
    assert (author, is_app) == ("Ann Moreau", False)
    assert re.search("Is the <(b|strong)>plan</(b|strong)> ready", html)
    ann.chat_postMessage(channel=said_in, text="Thank you")
    stack.wait_until(lambda: len(native(stack)) == 2)
    assert Grant.objects.get(account__person__name="Ann Moreau").times_asked == 1


def client_of(stack: Stack, name: str) -> WebClient:
    """The outside client of somebody on Slack."""
    [token] = [one.token for one in stack.world.fakes["slack"].people() if one.name == name]
    return WebClient(token, base_url=f"{stack.sandbox}/slack.com/api/")


def links(stack: Stack, client: WebClient, chat: str) -> list[str]:
    """What the app asked somebody in their chat with it."""
    said = json.dumps(client.conversations_history(channel=chat)["messages"])
    return sorted(set(re.findall(rf"{re.escape(stack.hub)}/consent/[\w-]+/", said)))


def native(stack: Stack) -> list[tuple[str, bool, str]]:
    """What stands in the chat of Ann and Max on Teams."""
    teams = stack.world.fakes["teams"]
    chat = teams.chat([account("teams", name).external_id for name in ("Ann Moreau", "Max Weber")])
    return [(one.author, one.is_app, one.html) for one in teams.shown(chat)]


def looked_up(teams: Installation) -> SyncRun:
    """A run of which Teams has said that it knows nobody, which takes it hundreds of calls; the rest is the worker's."""
    held = timezone.now() + timedelta(hours=1)
    wanted = {"installations": [teams.pk], "filter": {"text": "crowd.example"}}
    run = SyncRun.objects.create(tenant=teams.tenant, deed="sync", wanted=wanted, held_until=held)
    sync_planning.fill(run)
    run.changes.update(licence="none")
    SyncRun.objects.filter(pk=run.pk).update(counts={"": 5_000}, held_until=None)
    return run


def test_five_thousand_people_are_made_guests_until_bob_has_seen_enough(visit: Visit, stack: Stack) -> None:
    on = {row.platform: row for row in Installation.objects.order_by("pk")}
    with connection.cursor() as cursor:
        cursor.execute(CROWD, {"tenant": on["slack"].tenant_id, "slack": on["slack"].pk})
    page = visit(f"runs/{looked_up(on['teams']).pk}/")
    see(page.get_by_role("row", name="Make an account for them 5,000"))
    page.get_by_role("button", name="Apply 5,000 changes").click()
    done = page.get_by_role("row", name=re.compile(r"^Done \d"))
    see(done)
    expect(done).not_to_contain_text(re.findall(r"[\d,]+", done.inner_text())[-1], timeout=BEAT)
    page.get_by_role("button", name="Cancel").click()
    see(page.get_by_text("Cancelled", exact=True))

    run = SyncRun.objects.get()
    made = run.report["done"]
    assert run.report == {"done": made, "skipped": 5_000 - made}
    assert 0 < made < 5_000
    assert UserSync.objects.filter(kind="guest", state="synced").count() == UserSync.objects.count() == made
    assert sum(one.is_guest for one in stack.world.fakes["teams"].directory()) == made
    see(page.get_by_role("row", name=f"Done {made:,}"))
    see(page.get_by_role("row", name=f"Left as it was {5_000 - made:,}"))
