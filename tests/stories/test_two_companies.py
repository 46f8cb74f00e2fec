"""Acme, on Slack and Teams, invites Globex, on Webex and Zoom: from the first e-mail to the last message."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditEntry, Channel, Membership, PlatformAccount
from relay.models import ConversationLink, Participation, UniversalConversation
from tests.house import House
from tests.people import People
from tests.stories.test_conversation import SPEAKERS

OURS, THEIRS = ("slack", "teams"), ("webex", "zoom")


class Companies:
    """Each administers its own Hub, and has imported its channels; nothing is synced."""

    def __init__(self, house: House, people: People) -> None:
        self.house = house
        ConversationLink.objects.all().delete()
        UniversalConversation.objects.all().delete()
        self.people = replace(people, acme=house.tenant)
        Membership.objects.create(tenant=house.tenant, user=people.ann, role="owner")
        self.ann, self.dev = people.browser(people.ann), people.browser(people.dev)
        for slug in THEIRS:
            house.installations[slug].tenant = people.globex
            house.installations[slug].save()
        for slug, installation in house.installations.items():
            Channel.objects.create(installation=installation, external_id=house.place(slug), name="general")
            domain = "globex.example" if slug in THEIRS else "acme.example"
            for account in PlatformAccount.objects.filter(installation=installation).exclude(email=""):
                account.email = f"{account.email.partition('@')[0]}@{domain}"
                account.save()

    def at(self, browser: Client, path: str = "") -> str:
        tenant = self.people.acme if browser is self.ann else self.people.globex
        part = Participation.objects.filter(tenant=tenant, ended_at=None).first()
        return f"/t/{tenant.key}/universal/{f'{part.pk}/{path}' if part else ''}"

    def post(self, browser: Client, path: str, **form: Any) -> str:
        return browser.post(path, form, secure=True, follow=True).content.decode()

    def take_part(self, browser: Client, slug: str) -> None:
        channel = Channel.objects.get(installation=self.house.installations[slug])
        self.post(browser, self.at(browser, "channels/"), channel=channel.pk)

    def say(self, slug: str, text: str) -> list[str]:
        """Somebody says something; where it can be read afterwards, there included."""
        self.house.type(slug, SPEAKERS[slug], text)
        self.house.relay()
        return [place for place in (*OURS, *THEIRS) if any(text in html for html in self.house.shown(place))]

    def share(self, slug: str, name: str) -> list[str]:
        """Somebody shares a file; the other platforms on which it is one."""
        fakes: Any = self.house.world.fakes
        who, place = self.house.person(slug, SPEAKERS[slug]), self.house.place(slug)
        fakes[slug].share_as(who, place, name, b"%PDF-1.7", "have a look")
        self.house.relay()
        others = [other for other in (*OURS, *THEIRS) if other != slug]
        return [other for other in others if name in dict(fakes[other].files(self.house.place(other)))]

    def actions(self, tenant: Any) -> list[str]:
        return list(AuditEntry.objects.filter(tenant=tenant).order_by("pk").values_list("action", flat=True))


@pytest.fixture
def companies(house: House, people: People) -> Companies:
    return Companies(house, people)


def test_from_the_first_e_mail_to_the_last_message(companies: Companies) -> None:
    ann, dev = companies.ann, companies.dev
    companies.post(ann, companies.at(ann) + "new/", name="Launch")
    companies.take_part(ann, "slack")
    companies.take_part(ann, "teams")
    companies.post(ann, companies.at(ann, "invite/"), to="dev@globex.example")

    link = re.search(r"https?://[^/]+(/shared/\S+/)", mail.outbox[-1].body)
    assert link
    page = dev.get(link[1], secure=True, follow=True).content.decode()
    accept = re.search(r"/t/\w+/universal/invitations/\d+/", page)
    assert accept
    companies.post(dev, accept[0], answer="accept")
    companies.take_part(dev, "webex")
    companies.take_part(dev, "zoom")

    everybody = [*OURS, *THEIRS]
    assert companies.say("slack", "hello Globex") == everybody
    assert companies.say("zoom", "hello Acme") == everybody
    assert companies.share("teams", "plan.pdf") == ["slack", "webex", "zoom"]

    companies.post(dev, companies.at(dev, "policy/"), allows_more="on", allows_broadcast="on")
    assert companies.share("slack", "offer.pdf") == ["teams"]
    assert companies.share("webex", "reply.pdf") == ["zoom"]
    assert companies.say("webex", "we share no files, sorry") == everybody

    theirs = Participation.objects.get(tenant=companies.people.globex)
    companies.post(ann, companies.at(ann, f"companies/{theirs.pk}/remove/"))
    assert companies.say("slack", "are you still there") == list(OURS)
    assert companies.say("webex", "hello?") == ["webex"]
    assert companies.say("zoom", "hello??") == ["zoom"]
    for slug in everybody:
        assert all(any(text in html for html in companies.house.shown(slug)) for text in ("hello Globex", "hello Acme"))

    assert companies.actions(companies.people.acme)[-3:] == [
        "invited to universal channel",
        "a company joined universal channel",
        "removed a company from universal channel",
    ]
    assert companies.actions(companies.people.globex) == [
        "joined universal channel",
        "brought a channel into universal channel",
        "brought a channel into universal channel",
        "changed universal channel",
        "was removed from universal channel",
    ]
