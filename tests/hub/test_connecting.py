"""Connecting a platform: to its consent page and back, and everything that may go wrong on the way."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.utils import timezone
from redis import Redis

import connectors
from accounts import connecting, oauth, tasks
from accounts.models import (
    AuditEntry,
    ConsentRequest,
    Installation,
    Membership,
    PlatformAccount,
    PlatformApp,
    Subscription,
    Tenant,
    Token,
)
from connectors.consent import Preset, Purpose
from connectors.sandbox import World
from mio_hub.scopes import is_asked, tables
from tests.conftest import HUB
from tests.consenting import SIGNED_IN, Traveller
from tests.people import People

pytestmark = pytest.mark.django_db
PLATFORMS = connectors.slugs()


@pytest.fixture
def traveller(world: World, people: People, redis: Redis, intercepted_requests: Any, settings: Any) -> Traveller:
    settings.MIO_BASE_URL = HUB
    return Traveller(world, people, people.browser(people.bob))


def nothing_was_connected() -> bool:
    return not Installation.objects.exists() and not Token.objects.exists()


@pytest.mark.parametrize("slug", PLATFORMS)
def test_a_platform_is_connected_by_its_consent_page(traveller: Traveller, slug: str) -> None:
    page = traveller.connect(slug)
    assert "Success!" in page.content.decode()
    installation = Installation.objects.get()
    assert (installation.platform, installation.tenant, installation.state) == (
        slug,
        traveller.people.acme,
        "connected",
    )
    assert installation.connected_by == traveller.people.bob
    assert installation.workspace == traveller.world.fakes[slug].credentials().workspace
    entry = AuditEntry.objects.get(action="connected platform")
    assert entry.actor == traveller.people.bob


@pytest.mark.parametrize("slug", PLATFORMS)
def test_whoever_says_no_is_told_so_and_nothing_changes(traveller: Traveller, slug: str) -> None:
    answer = traveller.come_back(traveller.decide(traveller.set_out(slug), SIGNED_IN[slug][0], "deny"))
    assert answer.status_code == 400
    assert "Nothing was allowed" in answer.content.decode()
    assert nothing_was_connected()


@pytest.mark.parametrize("slug", ["slack", "webex", "zoom"])
def test_a_callback_works_once(traveller: Traveller, slug: str) -> None:
    back = traveller.decide(traveller.set_out(slug), SIGNED_IN[slug][0])
    assert traveller.come_back(back).status_code == 302
    token = Token.objects.order_by("pk").first()
    assert "This was used already" in traveller.come_back(back).content.decode()
    assert token is not None
    assert Token.objects.get(pk=token.pk).access == token.access


def test_a_callback_that_comes_too_late_changes_nothing(traveller: Traveller) -> None:
    back = traveller.decide(traveller.set_out("slack"), SIGNED_IN["slack"][0])
    ConsentRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "That took too long" in traveller.come_back(back).content.decode()
    assert nothing_was_connected()


@pytest.mark.parametrize("query", ["", "?state=", "?state=made-up&code=x", "?code=x", "?state=%00&code=%00"])
def test_a_callback_that_nobody_set_out_for_changes_nothing(traveller: Traveller, query: str) -> None:
    answer = traveller.come_back(f"/connect/slack/callback/{query}")
    assert answer.status_code == 400
    assert "We do not know this request" in answer.content.decode()


def test_a_callback_is_of_no_use_to_somebody_else(traveller: Traveller) -> None:
    back = traveller.decide(traveller.set_out("slack"), SIGNED_IN["slack"][0])
    other = traveller.people.browser(traveller.people.ann)
    assert "We do not know this request" in other.get(back, secure=True).content.decode()
    assert nothing_was_connected()


def test_a_callback_of_another_platform_is_unknown(traveller: Traveller) -> None:
    back = traveller.decide(traveller.set_out("slack"), SIGNED_IN["slack"][0])
    answer = traveller.come_back(back.replace("/slack/", "/webex/"))
    assert answer.status_code == 400
    assert nothing_was_connected()


def test_whoever_was_removed_meanwhile_connects_nothing(traveller: Traveller) -> None:
    back = traveller.decide(traveller.set_out("slack"), SIGNED_IN["slack"][0])
    Membership.objects.filter(user=traveller.people.bob).update(role=Membership.Role.AUDITOR)
    assert traveller.come_back(back).status_code == 400
    assert nothing_was_connected()


@pytest.mark.parametrize(
    ("slug", "person"), [("teams", "Gil"), ("teams", "Dev Patel"), ("webex", "Farid Haddad"), ("zoom", "Grace Liu")]
)
def test_a_personal_account_is_refused_where_a_service_user_is_needed(
    traveller: Traveller, slug: str, person: str
) -> None:
    zoom: Any = traveller.world.fakes["zoom"]
    zoom.door.members_may_add = True
    address = traveller.set_out(slug)
    if slug == "teams":
        address = traveller.onward(traveller.come_back(traveller.decide(address, "Ann Moreau")))
    answer = traveller.come_back(traveller.decide(address, person))
    assert answer.status_code == 400
    assert "not the right account" in answer.content.decode()
    assert nothing_was_connected()


def test_a_workspace_of_another_tenant_is_not_taken_over(traveller: Traveller) -> None:
    traveller.connect("slack")
    Installation.objects.update(tenant=traveller.people.globex)
    answer = traveller.come_back(traveller.decide(traveller.set_out("slack"), SIGNED_IN["slack"][0]))
    assert "connected already" in answer.content.decode()
    assert Installation.objects.get().tenant == traveller.people.globex


@pytest.mark.parametrize("slug", PLATFORMS)
def test_reauthorising_mends_a_dead_connection_and_keeps_what_it_is(traveller: Traveller, slug: str) -> None:
    traveller.connect(slug)
    installation = Installation.objects.get()
    Installation.objects.update(
        state="needs reconnect", problem="dead", told_at=timezone.now(), flagged_at=timezone.now()
    )
    before = set(Token.objects.values_list("kind", flat=True))
    traveller.connect(slug, again=installation.pk)
    mended = Installation.objects.get()
    assert (mended.pk, mended.state, mended.problem, mended.told_at) == (installation.pk, "connected", "", None)
    assert set(Token.objects.values_list("kind", flat=True)) == before
    assert AuditEntry.objects.filter(action="reauthorised platform").count() == 1


def test_a_missing_permission_that_nothing_works_without_is_named(traveller: Traveller) -> None:
    traveller.world.fakes["zoom"].registered = {"user:read:admin"}  # type: ignore[attr-defined]
    answer = traveller.come_back(traveller.decide(traveller.set_out("zoom"), SIGNED_IN["zoom"][0]))
    assert "A permission is missing" in answer.content.decode()
    assert nothing_was_connected()


@pytest.mark.parametrize("slug", PLATFORMS)
def test_as_published_works_and_says_what_is_off(traveller: Traveller, slug: str) -> None:
    page = traveller.connect(slug, "published")
    assert "Success!" in page.content.decode()
    assert Installation.objects.get().preset == "published"


OFF_AS_PUBLISHED = {
    "slack": "New direct messages",
    "teams": "Direct messages from Teams",
    "webex": "Group chats",
    "zoom": "Group chats in Zoom",
}


@pytest.mark.parametrize(("slug", "feature"), OFF_AS_PUBLISHED.items())
def test_a_connection_says_which_direct_messages_are_off_for_want_of_asking(
    traveller: Traveller, slug: str, feature: str
) -> None:
    traveller.connect(slug, "published")
    path = f"/t/{traveller.people.acme.key}/connections/{Installation.objects.get().pk}/"
    assert f"<strong>{feature}" in traveller.browser.get(path, secure=True).content.decode()
    Installation.objects.update(preset="full")
    assert "published permissions only" not in traveller.browser.get(path, secure=True).content.decode()


def test_orders_of_people_are_counted_and_not_shown(traveller: Traveller) -> None:
    traveller.connect("webex")
    installation = Installation.objects.get()
    for number in range(3):
        account = PlatformAccount.objects.create(installation=installation, external_id=f"P{number}", name="Pat")
        Subscription.objects.create(installation=installation, account=account, resource="nightjar")
    page = traveller.browser.get(
        f"/t/{traveller.people.acme.key}/connections/{installation.pk}/", secure=True
    ).content.decode()
    assert "3 more are made in the name of people" in page
    assert "nightjar" not in page


@pytest.mark.parametrize("slug", PLATFORMS)
def test_disconnecting_asks_for_the_name_and_leaves_nothing(traveller: Traveller, slug: str) -> None:
    traveller.connect(slug)
    installation = Installation.objects.get()
    address = f"/t/{traveller.people.acme.key}/connections/{installation.pk}/end/"
    assert "That is not the name" in traveller.browser.post(address, {"typed": "x"}, secure=True).content.decode()
    assert Installation.objects.exists()
    answer = traveller.browser.post(address, {"typed": installation.name}, secure=True)
    assert answer.status_code == 302
    assert nothing_was_connected()
    assert AuditEntry.objects.get(action="disconnected platform").subject == str(installation)


def test_no_page_of_a_connection_shows_a_token(traveller: Traveller) -> None:
    for slug in PLATFORMS:
        traveller.connect(slug)
    secrets = [value for token in Token.objects.all() for value in (token.access, token.refresh) if value]
    for installation in Installation.objects.all():
        for page in ("", "connected/", "end/"):
            html = traveller.browser.get(
                f"/t/{traveller.people.acme.key}/connections/{installation.pk}/{page}", secure=True
            )
            assert html.status_code == 200
            assert not any(secret in html.content.decode() for secret in secrets)
    audit = str(list(AuditEntry.objects.values()))
    assert not any(secret in audit for secret in secrets)


def test_the_cards_of_a_company_with_many_people_cost_few_queries(
    traveller: Traveller, django_assert_max_num_queries: Any
) -> None:
    for slug in PLATFORMS:
        traveller.connect(slug)
    with django_assert_max_num_queries(12):
        answer = traveller.browser.get(f"/t/{traveller.people.acme.key}/platforms/", secure=True)
    assert answer.content.decode().count("Last heard of") == len(PLATFORMS)


def test_an_auditor_reads_the_scopes_and_cannot_connect(traveller: Traveller) -> None:
    carla = traveller.people.browser(traveller.people.carla)
    address = f"/t/{traveller.people.acme.key}/platforms/slack/scopes/"
    assert carla.get(address, secure=True).status_code == 200
    assert carla.post(address, {"preset": "full"}, secure=True).status_code == 403
    assert not ConsentRequest.objects.exists()


def test_a_connection_of_another_tenant_does_not_exist_here(traveller: Traveller) -> None:
    traveller.connect("slack")
    stranger = Tenant.objects.create(name="Initech")
    Installation.objects.update(tenant=stranger)
    number = Installation.objects.get().pk
    for page in ("", "connected/", "end/"):
        address = f"/t/{traveller.people.acme.key}/connections/{number}/{page}"
        assert traveller.browser.get(address, secure=True).status_code == 404
    again = traveller.browser.get(f"/t/{traveller.people.acme.key}/platforms/slack/scopes/?again={number}", secure=True)
    assert again.status_code == 404


def test_nothing_is_kept_of_a_journey_that_has_ended(traveller: Traveller) -> None:
    traveller.connect("teams")
    assert [request.secrets for request in ConsentRequest.objects.all()] == [{}, {}]
    traveller.set_out("slack")
    ConsentRequest.objects.update(expires_at=timezone.now() - connecting.FORGET_AFTER - timedelta(seconds=1))
    tasks.forget_consent_requests()
    assert not ConsentRequest.objects.exists()


@pytest.mark.parametrize("tenant", ["", "../common", "evil.example/x?", "a" * 101, "%2e%2e", "te nant"])
def test_what_the_browser_says_of_the_workspace_leads_nowhere_else(traveller: Traveller, tenant: str) -> None:
    state = dict(parse_qsl(urlsplit(traveller.set_out("teams")).query))["state"]
    back = f"/connect/teams/callback/?{urlencode({'state': state, 'admin_consent': 'True', 'tenant': tenant})}"
    assert "did not say for which organization" in traveller.come_back(back).content.decode()
    assert not ConsentRequest.objects.filter(used_at=None).exists()


@pytest.mark.parametrize("slug", ["teams", "webex"])
def test_a_secret_of_ours_is_made_up_once_and_asked_of_nobody(traveller: Traveller, slug: str) -> None:
    app = f"/t/{traveller.people.acme.key}/platforms/{slug}/app/"
    traveller.browser.post(f"{app}begin/", secure=True)
    kept = []
    for client in ("1", "2"):
        registration = {"client_id": client, "client_secret": "s", "bot_token": "b"}
        assert traveller.browser.post(f"{app}keep/", registration, secure=True).status_code == 302
        own = PlatformApp.objects.get()
        assert own.registration["client_id"] == client
        kept.append(own.secrets)
    assert kept[0] == kept[1]
    assert all(len(secret) > 32 for secret in kept[0].values())


def test_the_papers_of_an_own_app_name_its_own_address_and_no_secret(traveller: Traveller) -> None:
    app = f"/t/{traveller.people.acme.key}/platforms/slack/app/"
    traveller.browser.post(f"{app}begin/", secure=True)
    own = PlatformApp.objects.get()
    manifest = traveller.browser.get(f"{app}papers/slack-app-manifest.json", secure=True)
    assert manifest.headers["Content-Disposition"] == 'attachment; filename="slack-app-manifest.json"'
    assert f"{HUB}/webhooks/slack/{own.key}/" in manifest.content.decode()
    secrets = {"client_id": "1.2", "client_secret": "hush-client", "signing_secret": "hush-sign"}
    traveller.browser.post(f"{app}keep/", secrets, secure=True)
    page = traveller.browser.get(app, secure=True).content.decode()
    assert "hush" not in page
    assert "hush" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("preset", ["published", "full"])
@pytest.mark.parametrize("slug", PLATFORMS)
def test_what_consent_asks_for_is_what_the_pages_list(traveller: Traveller, slug: str, preset: str) -> None:
    listed = {
        scope.name: is_asked(scope, Preset(preset))
        for table in tables(slug, Purpose.CONNECT)
        for scope in table.scopes
    }  # fmt: skip
    for address in (f"/scopes/{slug}/", f"/t/{traveller.people.acme.key}/platforms/{slug}/scopes/"):
        page = traveller.browser.get(address, secure=True).content.decode()
        assert all(f"<code>{name}</code>" in page for name in listed)
    asked: set[str] = set()
    address = traveller.set_out(slug, preset)
    for person in SIGNED_IN[slug]:
        query = dict(parse_qsl(urlsplit(address).query))
        asked |= set(query.get("scope", "").replace(",", " ").split())
        answer = traveller.come_back(traveller.decide(address, person))
        address = traveller.onward(answer) if answer.status_code == 200 else ""
    wanted = {name for name, is_wanted in listed.items() if is_wanted}
    if slug == "zoom":  # takes them from the app's registration, which is made by our manifest
        assert asked == set()
    elif slug == "teams":  # the application's own come as one word, the service user's by name
        carried = {scope.name for scope in oauth.platform(slug).scopes if scope.token == "service"}
        assert asked - {"https://graph.microsoft.com/.default"} == wanted & carried
    else:
        assert asked == wanted
