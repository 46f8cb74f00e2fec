"""Sharing a channel with another company in a real browser: inviting, accepting, leaving; and that everybody can use it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Channel, Installation, User
from relay import inviting_companies, sharing
from relay.inviting_companies import Inviter
from relay.models import Participation
from tests.browser.looking import faults
from tests.people import People

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SignedIn = Callable[[User], Page]


@pytest.fixture
def channels(redis: Any, people: People) -> dict[str, Channel]:
    """One of Acme's on Slack, one of Globex's on Webex."""
    found = {}
    for tenant, platform in ((people.acme, "slack"), (people.globex, "webex")):
        place = Installation.objects.create(
            tenant=tenant, platform=platform, workspace=f"W-{platform}", name=tenant.name, account="0"
        )
        found[tenant.name] = Channel.objects.create(
            installation=place, external_id="C1", name=f"partners of {tenant.name}"
        )
    return found


def test_ann_invites_globex_and_dev_accepts(
    signed_in: SignedIn,
    people: People,
    channels: dict[str, Channel],
    mailoutbox: Any,
) -> None:
    page = signed_in(people.ann)
    page.get_by_role("link", name="Universal channels").click()
    page.get_by_role("link", name="New universal channel").click()
    page.get_by_label("Name").fill("Launch")
    page.get_by_role("button", name="Create").click()
    page.get_by_label("partners of Acme").check()
    page.get_by_role("button", name="Take part with it").click()
    expect(page.get_by_text("partners of Acme (Acme on Slack) takes part now.")).to_be_visible()
    page.get_by_label("E-mail address or domain").fill("dev@globex.example")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("An invitation is on its way to dev@globex.example.")).to_be_visible()

    found = re.search(r"https?://\S+/shared/\S+/", mailoutbox[0].body)
    assert found
    page = signed_in(people.dev)
    page.goto(found[0])
    expect(page.get_by_role("heading", name="Share “Launch”")).to_be_visible()
    assert faults(page, "shared") == []
    page.get_by_role("link", name="Globex").click()
    page.get_by_role("button", name="Accept for Globex").click()
    page.get_by_label("partners of Globex").check()
    page.get_by_role("button", name="Take part with it").click()
    expect(page.get_by_text("takes part now")).to_be_visible()
    page.get_by_label("Our files go to the other companies").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("link", name="Leave").click()
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_text("You have left Launch.")).to_be_visible()


def test_everybody_can_use_every_page(
    signed_in: SignedIn,
    people: People,
    channels: dict[str, Channel],
    hub: str,
) -> None:
    zoom = Installation.objects.create(
        tenant=people.acme, platform="zoom", workspace="W-zoom", name="Acme", account="0"
    )
    Channel.objects.create(
        installation=zoom, external_id="C2", name="a-channel-with-a-rather-long-name", is_private=True
    )
    ours = sharing.found(people.acme, "A channel with a name that is rather long", "acme.example")
    sharing.attach(ours, channels["Acme"])
    theirs = Participation.objects.create(conversation=ours.conversation, tenant=people.globex, domain="globex.example")
    for address in ("dana@initech.example", "a-rather-long-address.of-somebody@subsidiary.initech.example"):
        inviting_companies.invite(ours, address, Inviter("Ann Moreau", people.ann))
    other = sharing.found(people.globex, "Support", "globex.example")
    to_us = inviting_companies.invite(other, "acme.example", Inviter("Dev Patel", people.dev)).invitation
    page = signed_in(people.ann)
    pages = {
        "list": "", "new": "new/", "shared": f"{ours.pk}/", "find": f"{ours.pk}/channels/", "leave": f"{ours.pk}/leave/",
        "nothing": f"{ours.pk}/channels/?q=nowhere", "remove": f"{ours.pk}/companies/{theirs.pk}/remove/",
        "received": f"invitations/{to_us.pk}/",
    }  # fmt: skip
    for name, path in pages.items():
        page.goto(f"{hub}/t/{people.acme.key}/universal/{path}")
        if name == "find":
            expect(page.get_by_role("heading", name="Or make a new channel")).to_be_visible()
        assert faults(page, f"universal-{name}") == [], name
