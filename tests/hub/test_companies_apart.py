"""What companies that share a channel, or did once, must not learn from each other, nor do to each other."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts.members import NotPossible
from accounts.models import AuditEntry, Channel
from accounts.trusting import proven_domain
from relay import deciding, inviting_companies, sharing, syncing, unsyncing, wishes
from relay.inviting_companies import Inviter
from relay.models import ChannelInvitation, ConversationLink, Delivery, Participation, PlannedLeg
from tests.accounts.asking import request_of
from tests.hub.test_universal import Companies, companies, get, post  # noqa: F401 (a fixture)
from tests.people import Role, person
from tests.relay.test_channel_sync import deliver

State, Telling = Delivery.State, ConversationLink.Telling


class Sharing:
    """Acme's channel, with legs of Acme's on Slack and of Globex's on Webex."""

    def __init__(self, companies: Companies) -> None:  # noqa: F811
        self.companies = companies
        self.theirs = Participation.objects.create(
            conversation=companies.ours.conversation, tenant=companies.globex, domain="globex.example"
        )
        self.here = Channel.objects.get(name="launch")
        sharing.attach(companies.ours, self.here)
        sharing.attach(self.theirs, companies.there)
        self.ours_leg, self.their_leg = ConversationLink.objects.order_by("pk")


@pytest.fixture
def shared(companies: Companies) -> Sharing:  # noqa: F811
    return Sharing(companies)


def test_a_leg_that_another_company_plans_is_theirs_alone(shared: Sharing) -> None:
    firm = shared.companies
    plan = PlannedLeg.objects.create(
        conversation=firm.ours.conversation, installation=firm.there.installation, name="nightjar", state="refused"
    )
    for verb in ("again", "drop"):
        path = f"/t/{firm.acme.key}/channels/planned/{plan.pk}/{verb}/"
        assert firm.bob.post(path, secure=True).status_code == 404
    assert get(firm.bob, f"/t/{firm.acme.key}/channels/?state=trouble").count("Launch") == 0
    page = post(firm.dev, f"/t/{firm.globex.key}/channels/planned/{plan.pk}/drop/")
    assert "nightjar is left out." in page


def test_who_unsyncs_touches_and_names_their_own_channels_only(shared: Sharing) -> None:
    firm = shared.companies
    ConversationLink.objects.filter(pk=shared.their_leg.pk).update(name="nightjar")
    sharing.leave(shared.theirs)
    ConversationLink.objects.update(to_tell="")  # both were told
    unsyncing.unsync(firm.acme, firm.ours.conversation_id, request_of(firm.people.ann), removes_added=True)
    assert AuditEntry.objects.get(action="unsynced channels").after["channels"] == ["launch"]
    assert list(ConversationLink.objects.order_by("pk").values_list("to_tell", flat=True)) == [Telling.ENDED, ""]


def test_who_has_left_no_longer_sees_the_channel_and_may_sync_theirs_anew(shared: Sharing) -> None:
    firm = shared.companies
    sharing.leave(shared.theirs)
    list_of_theirs = get(firm.dev, f"/t/{firm.globex.key}/channels/")
    assert "Launch space" in list_of_theirs
    assert "Not synced" in list_of_theirs
    assert firm.ours.conversation.name + "</a>" not in list_of_theirs
    path = f"/t/{firm.globex.key}/channels/synced/{firm.ours.conversation_id}/"
    assert firm.dev.get(path, secure=True).status_code == 404
    assert firm.dev.get(f"{path}legs/{shared.their_leg.pk}/", secure=True).status_code == 404


@pytest.mark.parametrize("state", [State.WAITING, State.SENDING, State.UNSURE])
def test_what_a_removed_company_said_is_called_off_and_never_tried_again(
    shared: Sharing, state: Delivery.State
) -> None:
    said = deliver(shared.ours_leg, shared.their_leg)
    Delivery.objects.filter(pk=said.pk).update(state=state, intent_at=timezone.now())
    sharing.remove(shared.companies.ours, shared.theirs)
    said.refresh_from_db()
    assert (said.state, said.reason) == (State.SKIPPED, sharing.STOPPED)
    assert deciding.retry(Delivery.objects.all()) == 0
    shared.ours_leg.refresh_from_db()
    assert bool(shared.ours_leg.echoes_until) == (state != State.WAITING)


def test_others_do_not_count_as_legs_of_ours_and_are_named_before_one_joins_them(shared: Sharing) -> None:
    firm = shared.companies
    more = [firm.channel(firm.acme, slug, f"launch on {slug}") for slug in ("teams", "webex", "zoom")]
    plan = syncing.plan(firm.acme, [shared.here.pk, *(each.pk for each in more)])
    assert (plan.problems, plan.companies) == ((), ["Globex"])
    page = get(firm.bob, f"/t/{firm.acme.key}/channels/sync/?channel={shared.here.pk}&channel={more[0].pk}")
    assert "Launch is shared with Globex: they read what is written here, too." in page


def test_one_reads_before_a_private_and_a_public_channel_come_together(shared: Sharing) -> None:
    firm = shared.companies
    firm.channel(firm.globex, "zoom", "launch")
    page = get(firm.dev, firm.at("channels/", shared.theirs))
    assert [f"A {kind} channel takes part already" in page for kind in ("private", "public")] == [False, True]
    Channel.objects.filter(pk=shared.here.pk).update(is_private=True)
    page = get(firm.dev, firm.at("channels/", shared.theirs))
    assert "A private channel takes part already" in page


def test_a_channel_that_is_being_entered_counts_as_taking_part(companies: Companies) -> None:  # noqa: F811
    there = companies.channel(companies.acme, "teams", "one")
    PlannedLeg.objects.create(
        conversation=companies.ours.conversation, installation=there.installation, external_id="x", name="planned"
    )
    with pytest.raises(NotPossible, match="takes part already"):
        sharing.attach(companies.ours, there)
    page = get(companies.bob, companies.at())
    assert "planned on" in page
    assert "nobody of yours reads it" not in page
    assert f'value="{there.pk}"' not in get(companies.bob, companies.at("channels/"))


# --- invitations


@pytest.mark.parametrize("domain", ["gmail.com", "Yahoo.co.uk", "web.de"])
def test_a_domain_where_everybody_has_an_address_is_not_invited(companies: Companies, domain: str) -> None:  # noqa: F811
    assert "People of all companies have an address at" in companies.invite(domain)
    assert not ChannelInvitation.objects.exists()


def test_a_sub_domain_of_a_company_is_no_public_mail(companies: Companies) -> None:  # noqa: F811
    assert "Pass this link on" in companies.invite("mail.globex.example")


def test_an_address_at_a_public_mail_provider_is_invited_alone(companies: Companies) -> None:  # noqa: F811
    companies.invite("dana@gmail.com")
    invitation = ChannelInvitation.objects.get()
    dana, eve = person("Dana", "Roe", "dana@gmail.com"), person("Eve", "Stone", "eve@gmail.com")
    assert inviting_companies.address_for(invitation, dana) == "dana@gmail.com"
    assert inviting_companies.address_for(invitation, eve) == ""
    with pytest.raises(NotPossible, match=r"with a confirmed address dana@gmail\.com"):
        inviting_companies.must_fit(invitation, companies.globex, "")


def test_withdrawing_and_inviting_again_fills_no_mailbox(companies: Companies) -> None:  # noqa: F811
    companies.invite()
    post(companies.bob, companies.at(f"invitations/{ChannelInvitation.objects.get().pk}/withdraw/"))
    assert "less than a minute ago" in companies.invite()
    assert len(mail.outbox) == 1


def test_an_address_written_in_capitals_is_the_same(companies: Companies) -> None:  # noqa: F811
    inviting_companies.invite(companies.ours, "Dev@GLOBEX.example", Inviter("Bob"))
    assert "Launch" in get(companies.dev, f"/t/{companies.globex.key}/universal/")


def test_that_no_further_companies_are_wanted_counts_when_one_joins(companies: Companies) -> None:  # noqa: F811
    companies.invite()
    Participation.objects.filter(pk=companies.ours.pk).update(allows_more=False)
    assert "Acme does not want further companies" in companies.accept()
    assert not Participation.objects.filter(tenant=companies.globex).exists()


def test_no_more_companies_join_than_may(companies: Companies, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    companies.invite()
    monkeypatch.setattr(inviting_companies, "MOST_COMPANIES", 1)
    assert "1 companies take part, and more cannot" in companies.accept()


def test_a_stranger_with_the_link_does_not_learn_who_takes_part(shared: Sharing) -> None:
    firm = shared.companies
    firm.invite("dana@initech.example")
    get(firm.dev, firm.link())
    invitation = ChannelInvitation.objects.get()
    path = f"/t/{firm.globex.key}/universal/invitations/{invitation.pk}/"
    assert "Companies in it" not in get(firm.dev, path)
    ChannelInvitation.objects.update(email="dev@globex.example", domain="globex.example")
    assert "Companies in it" in get(firm.dev, path)


# --- commands


def test_a_company_is_known_by_a_domain_that_somebody_has_proven(companies: Companies) -> None:  # noqa: F811
    """A workspace's administrators may give its accounts any address."""
    assert proven_domain(companies.acme, "eve@globex.example") == "acme.example"
    person("Zoe", "Hart", "zoe@acme-labs.example").memberships.create(tenant=companies.acme, role=Role.AUDITOR)
    assert proven_domain(companies.acme, "somebody@Acme-Labs.example") == "acme-labs.example"


def test_only_addresses_are_taken_from_what_somebody_typed() -> None:
    typed = [
        "<mailto:dana@globex.example|dana@globex.example>",
        "a@b@c.example",
        "<!channel>@x.y",
        "x@y.z\x00",
        "@",
        "a@b.",
    ]
    assert inviting_companies.emails([*typed, "x" * 300 + "@globex.example", "globex.example"]) == [
        "dana@globex.example"
    ]


def test_addresses_beyond_the_first_ones_are_not_dropped_in_silence(companies: Companies) -> None:  # noqa: F811
    asker: Any = wishes.Asker(companies.acme, wishes.PlatformAccount(name="Bob", email="bob@acme.example"))
    addresses = [f"somebody{n}@globex.example" for n in range(wishes.MOST_INVITED + 3)]
    results = wishes.invite(asker, companies.ours.conversation_id, addresses)
    assert len(results) == wishes.MOST_INVITED + 1
    assert results[-1].startswith("3 more addresses were left out")
    assert ChannelInvitation.objects.filter(expires_at__gt=timezone.now() + timedelta(hours=1)).count() == 10
