"""A tenant's pages in a real browser: their story, and that everybody can use them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts import api_tokens, deleting, inviting, tenant_settings, webhooks
from accounts.models import Membership, PlatformAccount, Scope, User, WebhookCall
from mio_hub.bench.failing import failure
from relay.models import ActiveAccount, DailySpeaker, DailyTraffic, LinkPulse, Participation
from tests.accounts.asking import membership, request_of
from tests.browser.looking import faults
from tests.people import People

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PAGES = ("", "members/", "members/invite/", "member", "remove", "audit/", "settings/", "settings/security/")
PAGES += ("activity/", "activity/channels/", "activity/organizations/", "failures/", "failures/retry/")
PAGES += ("settings/delete/", "audit/?person=nobody", "invitation", "/invitations/")
PAGES += ("api/", "api/tokens/new/", "webhook")


def test_ann_invites_an_auditor_who_reads_and_changes_nothing(
    signed_in: Callable[[User], Page], people: People, mailoutbox: Any
) -> None:
    page = signed_in(people.ann)
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail address").fill("dev@globex.example")
    page.get_by_label("Auditor").check()
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_text("An invitation is on its way to dev@globex.example.")).to_be_visible()
    [link] = [word for word in str(mailoutbox[0].body).split() if "/invitations/" in word]

    signed_in(people.dev)
    page.goto(link)
    page.get_by_role("button", name="Join as dev@globex.example").click()
    expect(page.get_by_text("Welcome to Acme. Your role: auditor.")).to_be_visible()
    page.get_by_role("link", name="Security").click()
    expect(page.get_by_label("Require a second factor from everybody")).to_be_disabled()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)


def test_the_keyboard_alone_removes_a_member(signed_in: Callable[[User], Page], people: People) -> None:
    page = signed_in(people.ann)
    page.get_by_role("link", name="Manage carla@acme.example").press("Enter")
    page.get_by_role("link", name="Remove from Acme").press("Enter")
    expect(page.get_by_text("carla@acme.example loses access to Acme at once")).to_be_visible()
    page.get_by_role("button", name="Remove").press("Enter")
    expect(page.get_by_text("carla@acme.example is no longer a member.")).to_be_visible()


def test_everybody_can_use_every_page(signed_in: Callable[[User], Page], people: People, hub: str) -> None:
    page = signed_in(people.ann)
    link = furnish(people)
    for name in PAGES:
        page.goto(f"{hub}{path(people, name, link)}")
        page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
        file = name.strip("/").replace("/", "-").replace("?", "-") or "home"
        assert faults(page, file) == [], name


def furnish(people: People) -> str:
    """Something of everything. Returns the token of an invitation."""
    ann, request = membership(people.acme, people.ann), request_of(people.ann)
    inviting.invite(ann, "a-rather-long-address.of-somebody@subsidiary.acme.example", "administrator", request)
    tenant_settings.trust(people.acme, "globex.example", request)
    tenant_settings.restrict(people.acme, "eve@acme.example", request)
    tenant_settings.change(people.acme, {"product_name": "Acme Chat", "time_zone": "Europe/Oslo"}, request)
    active(people)
    programs(people)
    deleting.ask(people.acme, request)
    people.acme.invitations.update(digest=inviting.digest("token"))
    return "token"


def active(people: People) -> None:
    """Somebody who spoke, in a channel that another company shares, and something that failed there."""
    kept, today = failure(people.acme), timezone.now().date()
    account = PlatformAccount.objects.create(
        installation=kept.event.installation, external_id="U1", name="Farid Haddad", email="farid@acme.example"
    )
    ActiveAccount.objects.create(account=account, tenant=people.acme, last_on=today)
    DailySpeaker.objects.create(link=kept.event.link, account="U1", day=today, count=2)
    DailyTraffic.objects.create(installation=account.installation, day=today, said=12, delivered=3)
    LinkPulse.objects.create(link=kept.link, last_at=timezone.now(), delay=1.5)
    for tenant in (people.acme, people.globex):
        Participation.objects.create(conversation=kept.link.conversation, tenant=tenant)


def programs(people: People) -> None:
    """A token that works and one that does not, and a server that is not called any more."""
    ann, request, now = membership(people.acme, people.ann), request_of(people.ann), timezone.now()
    for name in ("Report", "Provisioning of our people by Entra"):
        api_tokens.make(ann, name, [Scope.PEOPLE_READ, Scope.SCIM], 90, request)
    people.acme.api_tokens.filter(name="Report").update(revoked_at=now)
    webhooks.add(ann, "https://a-rather-long-name-of-a-server.acme.example/", ["delivery.failed"], request)
    people.acme.webhook_endpoints.update(called_at=now, failing_since=now, disabled_at=now, outcome="no answer")
    WebhookCall.objects.create(endpoint=people.acme.webhook_endpoints.get(), event="delivery.failed", data={}, tries=9)


def path(people: People, name: str, token: str) -> str:
    """Of a page by its name here; a name that begins with a slash is an address of its own."""
    bob = Membership.objects.get(user=people.bob).pk
    webhook = people.acme.webhook_endpoints.get().pk
    special = {
        "member": f"members/{bob}/", "remove": f"members/{bob}/remove/", "invitation": f"/invitations/{token}/",
        "webhook": f"api/webhooks/{webhook}/",
    }  # fmt: skip
    place = special.get(name, name)
    return place if place.startswith("/") else f"/t/{people.acme.key}/{place}"
