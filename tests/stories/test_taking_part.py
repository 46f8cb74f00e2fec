"""Who is asked for consent, when, and what becomes of messages without it (product §13, T-08 to T-16, T-24)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from accounts import disconnecting
from accounts.matching import remember
from accounts.models import Grant, Person, Tenant, UserSync
from relay import direct_chats
from relay.models import Attempt, DailyCount, Delivery, Discard, InboundEvent, UniversalConversation
from tests.house import House
from tests.stories.pals import Pals

LINK = "https://hub.example.com/consent/"


@pytest.fixture
def pals(house: House, redis: Redis, intercepted_requests: Any, monkeypatch: pytest.MonkeyPatch) -> Pals:
    """Pat, at home on Slack, and Quinn, at home on Teams: Quinn has consented, Pat was never asked."""
    monkeypatch.setattr("relay.page.CONSENT_REST", 0.05)
    pals = Pals(house, redis, "slack", "teams", grants=False)
    pals.consent(pals.quinn, "slack")
    return pals


def lapse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of an hour goes by."""
    monkeypatch.setattr(direct_chats, "CONSENT_SECONDS", 0.0)
    monkeypatch.setattr("relay.visit.CONSENT_SECONDS", 0.0)


def take_in(pals: Pals, seconds: float = 0.6) -> None:
    """Let a worker look at what waits, which it does not get rid of."""
    pals.house.look(seconds)
    pals.run()


def test_t_08_the_first_message_sent_asks_once_and_crosses_after_consent(pals: Pals) -> None:
    assert pals.prompts(pals.pat, "teams") == 0
    pals.says(pals.pat, "slack", "are you there?", pals.quinn)
    take_in(pals)
    assert pals.prompts(pals.pat, "teams") == 1
    pals.says(pals.pat, "slack", "hello?", pals.quinn)
    take_in(pals)
    assert pals.prompts(pals.pat, "teams") == 1
    assert len(pals.told(LINK)) == 1
    assert pals.read("teams", pals.pat, pals.quinn) == []
    pals.consent(pals.pat, "teams")
    pals.relay()
    assert [author for author, _ in pals.read("teams", pals.pat, pals.quinn)] == ["Pat Ortiz", "Pat Ortiz"]
    pals.says(pals.pat, "slack", "good", pals.quinn)
    pals.relay()
    assert pals.prompts(pals.pat, "teams") == 1


def test_t_08_the_first_message_received_asks_once(pals: Pals) -> None:
    pals.says(pals.quinn, "teams", "welcome", pals.pat)
    pals.relay()
    pals.says(pals.quinn, "teams", "are you there?", pals.pat)
    pals.relay()
    assert pals.prompts(pals.pat, "teams") == 1
    assert [author for author, _ in pals.read("slack", pals.pat, pals.quinn)] == ["Quinn Abe", "Quinn Abe"]


def test_t_09_who_never_takes_part_is_never_asked(pals: Pals) -> None:
    colleague = pals.person("Noor Haddad", "slack", [])
    pals.says(pals.pat, "slack", "coffee?", colleague)
    pals.relay()
    pals.house.type("slack", "Bob Okafor", "hello channel")
    pals.relay()
    assert not Grant.objects.filter(account__person=pals.pat).exists()
    assert pals.told(LINK) == []


def test_t_13_a_message_arrives_on_the_primary_platform_only(pals: Pals) -> None:
    pals.consent(pals.pat, "teams")
    third = pals.person("Rosa Lind", "teams", ["slack", "webex"])
    pals.says(pals.pat, "slack", "only for you", third)
    pals.relay()
    assert [author for author, _ in pals.read("teams", pals.pat, third)] == ["Pat Ortiz"]
    assert not [entry for entry in pals.house.world.log if entry.platform == "webex" and "only for you" in entry.body]


def test_t_14_what_a_native_colleague_writes_to_a_secondary_account_stays_there(pals: Pals) -> None:
    colleague = pals.person("Noor Haddad", "slack", [])
    pals.says(colleague, "slack", "not for teams", pals.quinn)
    pals.relay()
    assert not [entry for entry in pals.house.world.log if entry.platform == "teams" and "not for teams" in entry.body]
    assert DailyCount.objects.get(platform="slack", name=Discard.NOT_SYNCED).count == 1
    assert pals.told(LINK) == []


def test_what_somebody_writes_on_their_own_secondary_platform_stays_there(pals: Pals) -> None:
    pals.consent(pals.pat, "teams")
    pals.says(pals.pat, "teams", "typed on teams by hand", pals.quinn)
    pals.relay()
    assert pals.read("slack", pals.pat, pals.quinn) == []
    assert DailyCount.objects.get(platform="teams", name=Discard.SECONDARY).count == 1


def test_a_chat_that_concerns_nobody_leaves_no_trace(pals: Pals) -> None:
    first, second = pals.person("Noor Haddad", "slack", []), pals.person("Omar Sy", "slack", ["teams"])
    pals.consent(second, "slack")
    pals.says(first, "slack", "private", second)
    pals.relay()
    assert not UniversalConversation.objects.filter(kind="direct", ended_at=None).exists()
    UniversalConversation.objects.filter(kind="direct").update(ended_at=timezone.now() - timedelta(hours=1))
    pals.forget()
    assert not UniversalConversation.objects.filter(kind="direct").exists()


class TestWithoutSync:
    """T-15: people who may sync themselves by consenting."""

    @pytest.fixture
    def open_pals(self, pals: Pals) -> Pals:
        Tenant.objects.update(prompts_unsynced=True)
        return pals

    def test_t_15_an_unsynced_sender_is_asked_at_every_attempt(self, open_pals: Pals) -> None:
        UserSync.objects.filter(person=open_pals.pat).delete()
        for number in range(3):
            open_pals.says(open_pals.pat, "slack", f"attempt {number}", open_pals.quinn)
            open_pals.relay()
        assert open_pals.prompts(open_pals.pat, "teams") == 3
        assert open_pals.read("teams", open_pals.pat, open_pals.quinn) == []
        open_pals.consent(open_pals.pat, "teams")
        open_pals.says(open_pals.pat, "slack", "now", open_pals.quinn)
        open_pals.relay()
        assert [html for _, html in open_pals.read("teams", open_pals.pat, open_pals.quinn)] == ["<p>now</p>"]

    def test_t_15_an_unsynced_recipient_is_reminded_now_and_then_and_the_sender_is_told(self, open_pals: Pals) -> None:
        open_pals.consent(open_pals.pat, "teams")
        UserSync.objects.filter(person=open_pals.quinn).delete()
        open_pals.withdraw(open_pals.quinn, "slack")
        Grant.objects.filter(account__person=open_pals.quinn).update(state="lost")
        open_pals.consent(open_pals.pat, "slack")  # by which Slack tells of what Pat writes there
        for number in range(3):
            open_pals.says(open_pals.pat, "slack", f"attempt {number}", open_pals.quinn)
            open_pals.relay()
        assert open_pals.prompts(open_pals.quinn, "slack") == 1
        assert len(open_pals.told("did not arrive")) == 3

    def test_t_15_a_webex_sender_is_asked_once_a_day(self, open_pals: Pals) -> None:
        sender = open_pals.person("Wim Bos", "webex", ["teams"], is_synced=False)
        reader = open_pals.person("Tia Roy", "teams", ["webex"])
        for number in range(3):
            open_pals.says(sender, "webex", f"attempt {number}", reader)
            open_pals.relay()
        assert open_pals.prompts(sender, "teams") == 1


def test_nobody_is_asked_to_sync_themselves_where_administrators_decide(pals: Pals) -> None:
    UserSync.objects.filter(person=pals.pat).delete()
    pals.says(pals.pat, "slack", "attempt", pals.quinn)
    pals.relay()
    assert pals.prompts(pals.pat, "teams") == 0
    assert not InboundEvent.objects.filter(state=0).exists()


def test_a_message_waits_a_quarter_of_an_hour_and_then_its_sender_is_told(
    pals: Pals, monkeypatch: pytest.MonkeyPatch
) -> None:
    pals.says(pals.pat, "slack", "are you there?", pals.quinn)
    take_in(pals)
    assert InboundEvent.objects.filter(state=0).count() == 1
    lapse(monkeypatch)
    pals.relay()
    assert not InboundEvent.objects.filter(state=0).exists()
    assert DailyCount.objects.get(platform="slack", name=Discard.NOT_SYNCED).count == 1
    assert len(pals.told("waited a quarter of an hour")) == 1
    assert pals.read("teams", pals.pat, pals.quinn) == []


def test_a_consent_withdrawn_is_asked_for_again_and_the_message_goes_after_it(pals: Pals) -> None:
    pals.consent(pals.pat, "teams")
    pals.says(pals.pat, "slack", "one", pals.quinn)
    pals.relay()
    pals.withdraw(pals.pat, "teams")
    Grant.objects.update(answered_at=timezone.now() - timedelta(days=2))
    pals.says(pals.pat, "slack", "two", pals.quinn)
    take_in(pals)
    assert pals.prompts(pals.pat, "teams") == 1
    pals.consent(pals.pat, "teams")
    pals.relay()
    assert len(pals.read("teams", pals.pat, pals.quinn)) == 2


def test_the_consent_of_somebody_unsynced_is_given_back_an_hour_later(pals: Pals) -> None:
    assert pals.prompts(pals.quinn, "slack") == 0
    disconnecting.give_unneeded_back()
    assert Grant.objects.get(account__person=pals.quinn).state == "granted"
    UserSync.objects.filter(person=pals.quinn).delete()
    disconnecting.give_unneeded_back()
    grant = Grant.objects.get(account__person=pals.quinn)
    assert (grant.state, grant.access) == ("lost", "")
    assert any("auth.revoke" in entry.url for entry in pals.house.world.log)


def test_t_16_an_unsynced_author_has_a_card_and_a_synced_one_speaks_natively(pals: Pals) -> None:
    sam = pals.person("Sam Wood", "teams", ["slack"], is_synced=False)
    pals.post(sam, "teams", "as a card")
    pals.relay()
    [card] = [one for one in pals.house.messages("slack") if "as a card" in one.html]
    assert card.is_app
    assert "Sam Wood" in card.author
    assert "Teams" in card.author
    pals.sync(sam, "slack")
    pals.house.join("slack", pals.account(sam, "slack").external_id)
    pals.post(sam, "teams", "as myself")
    pals.relay()
    [native] = [one for one in pals.house.messages("slack") if "as myself" in one.html]
    assert (native.is_app, native.author) == (False, "Sam Wood")
    assert sum("as myself" in one.html for one in pals.house.messages("teams")) == 1  # it does not come back


@pytest.mark.parametrize("is_on", [True, False])
def test_t_24_full_accounts_are_amended_as_the_company_has_it(pals: Pals, is_on: bool) -> None:
    Tenant.objects.update(amends_full_accounts=is_on)
    pals.consent(pals.pat, "teams")
    fake, chat = pals.house.world.fakes["slack"], pals.chat("slack", pals.pat, pals.quinn)
    pat = pals.account(pals.pat, "slack").external_id
    first = pals.says(pals.pat, "slack", "see you at nine", pals.quinn)
    second = pals.says(pals.pat, "slack", "never mind", pals.quinn)
    pals.relay()
    fake.edit_as(pat, chat, first, "see you at ten")
    fake.delete_as(pat, chat, second)
    pals.relay()
    said = [html for _, html in pals.read("teams", pals.pat, pals.quinn)]
    assert said == (["<p>see you at ten</p>"] if is_on else ["<p>see you at nine</p>", "<p>never mind</p>"])
    skipped = Delivery.objects.filter(state=Delivery.State.SKIPPED)
    assert skipped.count() == Attempt.objects.filter(outcome="not supported").count() == (0 if is_on else 2)


@pytest.fixture
def guest(pals: Pals) -> Person:
    """Gwen, at home on Slack, whom a guest represents on Teams."""
    gwen = pals.person("Gwen Hart", "slack", [])
    fake: Any = pals.house.world.fakes["teams"]
    fake.add_person("Gwen Hart", "gwen@acme.example", guest=True)
    remember(pals.house.installations["teams"].pk, fake.directory())
    account = pals.account(gwen, "teams")
    UserSync.objects.create(
        person=gwen, installation=account.installation, account=account, kind="guest", state="synced"
    )
    pals.order("slack", "teams")
    return gwen


def test_a_guest_is_spoken_for_by_the_service_user_and_mentioned(pals: Pals, guest: Person) -> None:
    pals.says(guest, "slack", "may I ask something?", pals.quinn)
    pals.relay()
    [said] = pals.in_group("teams")
    assert said.author == "Mio Hub"
    assert "Gwen Hart" in said.html
    assert pals.account(guest, "teams").external_id in pals.told("may I ask")[-1]  # as a mention
    pals.says_in_group(pals.quinn, "teams", "of course")
    pals.relay()
    assert [author for author, _ in pals.read("slack", guest, pals.quinn)] == ["Gwen Hart", "Quinn Abe"]
    assert pals.told(LINK) == []


def test_a_guest_speaks_for_itself_where_the_company_lets_it_and_its_person_has_consented(
    pals: Pals, guest: Person
) -> None:
    Tenant.objects.update(guests_speak=True)
    pals.says(guest, "slack", "may I ask something?", pals.quinn)
    pals.relay()
    assert pals.prompts(guest, "teams") == 1
    pals.consent(guest, "teams")
    pals.says(guest, "slack", "in my own name", pals.quinn)
    pals.relay()
    assert [one.author for one in pals.in_group("teams")] == ["Mio Hub", "Gwen Hart"]


def test_a_guest_whom_the_platform_will_not_mention_is_named(pals: Pals, guest: Person) -> None:
    pals.post(guest, "slack", "hello everybody")  # the guest is in no team
    pals.relay()
    [said] = [one for one in pals.house.messages("teams") if "hello everybody" in one.html]
    assert said.author == "Mio Hub"
    assert "Gwen Hart" in said.html
