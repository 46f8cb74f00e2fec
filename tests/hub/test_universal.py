"""The pages of universal channels: inviting a company, accepting in its own Hub, and what each side sees."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from redis import Redis

from accounts.models import AuditEntry, Channel, Installation, PlatformAccount, Tenant, TrustedOrganization
from relay import inviting_companies, sharing
from relay.models import ChannelInvitation, ConversationLink, Participation, PlannedLeg
from tests.people import PASSWORD, People, Role, person


class Companies:
    """Acme, which owns a universal channel, and Globex, which it invites; each with a channel on a platform."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.acme, self.globex = people.acme, people.globex
        self.ours = sharing.found(people.acme, "Launch", "acme.example")
        self.channel(people.acme, "slack", "launch")
        self.there = self.channel(people.globex, "webex", "Launch space")
        self.bob, self.dev = people.browser(people.bob), people.browser(people.dev)

    def channel(self, tenant: Tenant, platform: str, name: str) -> Channel:
        place, _ = Installation.objects.get_or_create(
            tenant=tenant, platform=platform, workspace=f"W-{tenant.key}", name=f"{tenant} HQ", account="U0"
        )
        return Channel.objects.create(installation=place, external_id=f"C-{name}", name=name)

    def at(self, path: str = "", part: Participation | None = None) -> str:
        part = part or self.ours
        return f"/t/{part.tenant.key}/universal/{part.pk}/{path}"

    def invite(self, to: str = "dev@globex.example") -> str:
        return post(self.bob, self.at("invite/"), {"to": to})

    def link(self) -> str:
        """The address in the newest e-mail."""
        found = re.search(r"https?://[^/]+(/shared/\S+/)", mail.outbox[-1].body)
        assert found
        return found[1]

    def accept(self, browser: Client | None = None) -> str:
        browser = browser or self.dev
        invitation = ChannelInvitation.objects.latest("pk")
        return post(browser, f"/t/{self.globex.key}/universal/invitations/{invitation.pk}/", {"answer": "accept"})

    @property
    def theirs(self) -> Participation:
        return Participation.objects.get(tenant=self.globex, ended_at=None)


@pytest.fixture
def companies(people: People, redis: Redis) -> Companies:
    return Companies(people)


def post(browser: Client, path: str, form: dict[str, Any] | None = None) -> str:
    return browser.post(path, form or {}, secure=True, follow=True).content.decode()


def get(browser: Client, path: str) -> str:
    return browser.get(path, secure=True, follow=True).content.decode()


def actions(tenant: Tenant) -> list[str]:
    return list(AuditEntry.objects.filter(tenant=tenant).order_by("pk").values_list("action", flat=True))


def test_a_company_is_invited_accepts_in_its_own_hub_and_chooses_its_channel(companies: Companies) -> None:
    assert "An invitation is on its way to dev@globex.example." in companies.invite()
    assert "Accept for:" in get(companies.dev, companies.link())
    assert "Choose the channel in which you read it." in companies.accept()
    page = post(companies.dev, companies.at("channels/", companies.theirs), {"channel": companies.there.pk})
    assert "Launch space (Globex HQ on Webex) takes part now." in page
    assert ConversationLink.objects.get().conversation == companies.ours.conversation
    assert actions(companies.acme) == ["invited to universal channel", "a company joined universal channel"]
    assert actions(companies.globex) == ["joined universal channel", "brought a channel into universal channel"]


def test_a_stranger_signs_up_on_the_way_and_is_led_back_to_the_invitation(companies: Companies) -> None:
    companies.invite("frida@initech.example")
    link, stranger = companies.link(), Client(headers={"x-forwarded-proto": "https"})
    page = get(stranger, link)
    found = re.search(r'href="(/account/signup/[^"]*)"', page)
    assert found
    post(stranger, found[1], {"email": "frida@initech.example", "password1": PASSWORD, "next": "/shared/"})
    confirm = re.search(r"https?://[^/]+(/account/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert confirm
    assert "Name yours, then come back here." in post(stranger, confirm[1])
    made = post(stranger, "/welcome/", {"name": "Initech"})
    assert "Acme wants to share “Launch” with you." in made
    assert 'href="/shared/"' in made
    initech = Tenant.objects.get(name="Initech")
    accepting = f"/t/{initech.key}/universal/invitations/{ChannelInvitation.objects.get().pk}/"
    assert f'href="{accepting}"' in get(stranger, "/shared/")
    assert "Initech takes part in Launch." in post(stranger, accepting, {"answer": "accept"})
    assert Participation.objects.get(tenant=initech).domain == "initech.example"
    assert "wants to share" not in get(stranger, f"/success/{initech.key}/")


def test_the_link_is_good_once(companies: Companies) -> None:
    companies.invite()
    link = companies.link()
    companies.accept()
    assert "no longer good" in get(companies.dev, link)
    assert Participation.objects.filter(tenant=companies.globex).count() == 1


def test_a_second_try_with_the_same_invitation_joins_nobody(companies: Companies) -> None:
    companies.invite()
    invitation = ChannelInvitation.objects.get()
    request: Any = None
    inviting_companies.accept(invitation, companies.globex, companies.people.dev, request)
    other = Tenant.objects.create(name="Globex Labs")
    with pytest.raises(inviting_companies.NotPossible, match="a moment ago"):
        inviting_companies.accept(invitation, other, companies.people.dev, request)
    assert not Participation.objects.filter(tenant=other).exists()


def test_the_link_is_good_for_four_days(companies: Companies) -> None:
    companies.invite()
    ChannelInvitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "no longer good" in get(companies.dev, companies.link())
    companies.accept()
    assert not Participation.objects.filter(tenant=companies.globex).exists()
    assert timedelta(hours=95) < inviting_companies.LIFE <= timedelta(hours=96)


def test_a_newer_invitation_ends_the_link_of_the_older_one(companies: Companies) -> None:
    companies.invite()
    older = companies.link()
    ChannelInvitation.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    companies.invite()
    assert "no longer good" in get(companies.dev, older)
    assert "Accept for:" in get(companies.dev, companies.link())
    assert ChannelInvitation.objects.count() == 1


def test_nobody_fills_a_mailbox_through_us(companies: Companies) -> None:
    companies.invite()
    assert "less than a minute ago" in companies.invite()
    assert len(mail.outbox) == 1


def test_a_stranger_with_the_link_opens_nothing(companies: Companies) -> None:
    companies.invite()
    eve = person("Eve", "Stone", "eve@initech.example")
    initech = Tenant.objects.create(name="Initech")
    initech.memberships.create(user=eve, role=Role.OWNER)
    browser = companies.people.browser(eve)
    get(browser, companies.link())
    path = f"/t/{initech.key}/universal/invitations/{ChannelInvitation.objects.get().pk}/"
    assert "for people with a confirmed address at globex.example" in get(browser, path)
    post(browser, path, {"answer": "accept"})
    assert not Participation.objects.filter(tenant=initech).exists()
    assert ChannelInvitation.objects.get().state == "open"


def test_without_the_link_only_those_it_is_for_see_an_invitation(companies: Companies) -> None:
    companies.invite("dana@globex.example")
    path = f"/t/{companies.globex.key}/universal/invitations/{ChannelInvitation.objects.get().pk}/"
    assert companies.dev.get(path, secure=True).status_code == 404
    get(companies.dev, companies.link())  # Dana passed it on
    assert "Accept for Globex" in get(companies.dev, path)


def test_a_domain_gets_no_e_mail_but_a_link_to_pass_on(companies: Companies) -> None:
    page = companies.invite("globex.example")
    found = re.search(r"https?://[^/]+(/shared/[\w-]+/)", page)
    assert found
    assert not mail.outbox
    assert "Accept for:" in get(companies.dev, found[1])
    assert "Launch" in get(companies.dev, f"/t/{companies.globex.key}/universal/")


def test_an_invitation_is_declined_without_an_account_and_the_inviter_sees_it(companies: Companies) -> None:
    companies.invite()
    stranger = Client(headers={"x-forwarded-proto": "https"})
    get(stranger, companies.link())
    assert "learns that you declined" in post(stranger, "/shared/")
    assert "invitation to universal channel was declined" in actions(companies.acme)
    assert "no longer good" in get(companies.dev, companies.link())


def test_a_withdrawn_invitation_leads_nowhere(companies: Companies) -> None:
    companies.invite()
    sent = ChannelInvitation.objects.get()
    assert "is withdrawn" in post(companies.bob, companies.at(f"invitations/{sent.pk}/withdraw/"))
    assert "no longer good" in get(companies.dev, companies.link())


def test_a_company_that_takes_part_already_uses_a_second_invitation_up_and_stays_what_it_is(
    companies: Companies,
) -> None:
    companies.invite()
    companies.accept()
    companies.invite("dana@globex.example")
    get(companies.dev, companies.link())
    companies.accept()
    assert Participation.objects.filter(tenant=companies.globex).count() == 1
    assert not ChannelInvitation.objects.filter(state="open").exists()


def test_one_company_takes_part_in_several_channels(companies: Companies) -> None:
    companies.invite()
    companies.accept()
    other = sharing.found(companies.acme, "Support", "acme.example")
    post(companies.bob, companies.at("invite/", other), {"to": "dev@globex.example"})
    companies.accept()
    assert Participation.objects.filter(tenant=companies.globex, ended_at=None).count() == 2


@pytest.mark.parametrize(
    ("lister", "domain", "said"),
    [
        ("globex", "initech.example", "not among your organization’s trusted organizations"),
        ("acme", "initech.example", "Acme does not trust globex.example"),
    ],
)
def test_trust_is_asked_for_in_both_directions_before_a_company_joins(
    companies: Companies, lister: str, domain: str, said: str
) -> None:
    companies.invite()
    TrustedOrganization.objects.create(tenant=getattr(companies, lister), domain=domain)
    page = companies.accept()
    assert said in page.replace("&#x27;", "’")
    assert not Participation.objects.filter(tenant=companies.globex).exists()
    TrustedOrganization.objects.create(tenant=getattr(companies, lister), domain="globex.example")
    TrustedOrganization.objects.create(tenant=getattr(companies, lister), domain="acme.example")
    assert "Choose the channel" in companies.accept()


def test_a_domain_that_is_not_trusted_is_not_even_invited(companies: Companies) -> None:
    TrustedOrganization.objects.create(tenant=companies.acme, domain="initech.example")
    assert "globex.example is not among" in companies.invite()
    assert not mail.outbox


def test_a_company_that_wants_no_further_ones_is_heeded(companies: Companies) -> None:
    companies.invite()
    companies.accept()
    post(companies.dev, companies.at("policy/", companies.theirs), {"sends_files": "on"})
    assert (companies.theirs.takes_files, companies.theirs.sends_files) == (False, True)
    assert "Globex does not want further companies" in companies.invite("carol@initech.example")


def test_only_the_owner_invites_and_removes(companies: Companies) -> None:
    companies.invite()
    companies.accept()
    assert "Only people of Acme can invite" in post(
        companies.dev, companies.at("invite/", companies.theirs), {"to": "carol@initech.example"}
    )
    path = companies.at(f"companies/{companies.ours.pk}/remove/", companies.theirs)
    assert "Only the company that owns the channel" in post(companies.dev, path)
    page = post(companies.bob, companies.at(f"companies/{companies.theirs.pk}/remove/"))
    assert "Globex no longer takes part." in page
    assert not Participation.objects.filter(tenant=companies.globex, ended_at=None).exists()


def test_a_company_leaves_and_can_be_invited_again(companies: Companies) -> None:
    companies.invite()
    companies.accept()
    assert "You have left Launch." in post(companies.dev, companies.at("leave/", companies.theirs))
    ChannelInvitation.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    companies.invite()
    companies.accept()
    assert [part.ended_by for part in Participation.objects.filter(tenant=companies.globex).order_by("pk")] == [
        "left",
        "",
    ]


def test_neither_side_sees_the_others_hub(companies: Companies) -> None:
    """Of a company that shares the channel one sees its name, its domain and on which platforms it is. No more."""
    Installation.objects.filter(tenant=companies.globex).update(name="Nightjar workspace", account_name="nightjar-bot")
    Channel.objects.filter(installation__tenant=companies.globex).update(name="nightjar-channel")
    companies.invite()
    companies.accept()
    post(companies.dev, companies.at("channels/", companies.theirs), {"channel": companies.there.pk})
    page = get(companies.bob, companies.at())
    assert all(word in page for word in ("Globex", "Webex"))
    for path in ("", "channels/"):
        assert "nightjar" not in get(companies.bob, companies.at(path)).lower()
    leg = ConversationLink.objects.get()
    assert companies.bob.post(companies.at(f"channels/{leg.pk}/detach/"), secure=True).status_code == 404
    assert companies.bob.get(companies.at("", companies.theirs), secure=True).status_code == 404
    mixed = companies.at().replace(str(companies.ours.pk), str(companies.theirs.pk))
    assert companies.bob.get(mixed, secure=True).status_code == 404


def test_a_channel_of_somebody_else_cannot_be_brought_in(companies: Companies) -> None:
    path = companies.at("channels/")
    assert companies.bob.post(path, {"channel": companies.there.pk}, secure=True).status_code == 404
    assert "Choose one of the channels" in post(companies.bob, path, {"channel": "9" * 30})
    assert "Choose one of the channels" in post(companies.bob, path)


def test_a_new_channel_is_ordered_private_unless_somebody_says_otherwise(companies: Companies) -> None:
    place = Installation.objects.get(tenant=companies.acme)
    PlatformAccount.objects.create(installation=place, external_id="U-bob", name="Bob Okafor", email="bob@acme.example")
    assert "Acme HQ on Slack" in get(companies.bob, companies.at("channels/"))
    page = post(companies.bob, companies.at("channels/make/"), {"spot": str(place.pk)})
    assert "launch (Acme HQ on Slack) is being made." in page
    assert "it is being made; that takes a few seconds" in page
    leg = PlannedLeg.objects.get()
    assert (leg.conversation, leg.is_new, leg.is_private) == (companies.ours.conversation, True, True)
    assert leg.first_member == PlatformAccount.objects.get()
    assert actions(companies.acme) == ["ordered a channel for universal channel"]
    again = post(companies.bob, companies.at("channels/make/"), {"spot": str(place.pk)})
    assert "Choose one of the places first." in again, "one for each connection"
    leg.delete()
    post(companies.bob, companies.at("channels/make/"), {"spot": str(place.pk), "is_open": "on"})
    assert PlannedLeg.objects.values_list("is_private", "first_member").get() == (False, None)


def test_a_private_channel_that_nobody_could_find_is_not_made(companies: Companies) -> None:
    place = Installation.objects.get(tenant=companies.acme)
    said = post(companies.bob, companies.at("channels/make/"), {"spot": str(place.pk)})
    assert "We do not know you on Acme HQ on Slack" in said
    assert not PlannedLeg.objects.exists()


def test_a_new_channel_is_made_on_ones_own_platforms_by_who_may_change(companies: Companies) -> None:
    theirs = Installation.objects.get(tenant=companies.globex)
    path = companies.at("channels/make/")
    assert "Choose one of the places first." in post(companies.bob, path, {"spot": str(theirs.pk), "is_open": "on"})
    carla = companies.people.browser(companies.people.carla)
    assert carla.post(path, secure=True).status_code == 403
    assert not PlannedLeg.objects.exists()


def test_a_channel_is_found_by_a_part_of_its_name_and_synced_ones_are_not_offered(companies: Companies) -> None:
    companies.channel(companies.acme, "slack", "random")
    page = get(companies.bob, companies.at("channels/") + "?q=AUNC")
    assert [name in page for name in ("launch", "random")] == [True, False]
    place = Installation.objects.get(tenant=companies.acme)
    other = sharing.found(companies.acme, "Other", "acme.example")
    sharing.attach(other, Channel.objects.get(installation=place, name="random"))
    assert "random" not in get(companies.bob, companies.at("channels/"))
