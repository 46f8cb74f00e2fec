"""Asking people for their own consent: once, when they take part and not before; and what is kept of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models import F
from django.utils import timezone

import connectors
from accounts import consenting, grants, tasks
from accounts.granting import THROTTLE, Why, prompt, prompt_recipient, prompt_sender, tell_sender
from accounts.models import AuditEntry, Grant, PlatformAccount, Tenant, Token, UserSync
from connectors.errors import TryAgain, Unavailable
from connectors.sandbox import Fault
from tests.granting import WHO, Asked
from tests.people import People

pytestmark = pytest.mark.django_db
PLATFORMS = connectors.slugs()
LATER = THROTTLE + timedelta(seconds=1)


def age(grant: Grant, **moved: timedelta) -> None:
    """Let time pass over a grant."""
    Grant.objects.filter(pk=grant.pk).update(**{name: F(name) - by for name, by in moved.items()})


@pytest.mark.parametrize("slug", PLATFORMS)
def test_the_first_message_prompts_once_on_the_primary_platform_and_later_ones_do_not(asked: Asked, slug: str) -> None:
    sync = asked.sync(slug)
    assert [prompt(sync, why) for why in (Why.SENT, Why.SENT, Why.RECEIVED)] == [True, False, False]
    [said] = asked.told(slug)
    assert "Sync now" in said
    assert "Acme" in said
    grant = Grant.objects.get()
    assert (grant.account, grant.times_asked, grant.state) == (sync.account, 1, "asked")
    assert grant.asked_on is not None
    assert grant.asked_on.installation == asked.installations[WHO[slug][1]]
    assert len(grant.digest or "") == 64
    assert (grant.digest or "") not in said


@pytest.mark.parametrize("why", list(Why))
def test_a_message_received_prompts_as_one_sent(asked: Asked, why: Why) -> None:
    assert prompt(asked.sync("teams"), why)
    assert why.value in asked.told("teams")[0]


@pytest.mark.parametrize("kind", ["guest", "bot"])
def test_guests_and_bots_are_never_asked(asked: Asked, kind: str) -> None:
    assert not prompt(asked.sync("teams", kind), Why.SENT)
    assert not Grant.objects.exists()
    assert asked.told("teams") == []


def test_who_never_takes_part_is_never_asked(asked: Asked) -> None:
    for slug in PLATFORMS:
        asked.sync(slug)
    tasks.renew_tokens()
    assert not Grant.objects.exists()
    assert [asked.told(slug) for slug in PLATFORMS] == [[]] * len(PLATFORMS)


@pytest.mark.django_db(transaction=True)
def test_a_hundred_messages_at_once_make_one_prompt(asked: Asked) -> None:
    sync = asked.sync("teams")

    def race(_: int) -> bool:
        try:
            return prompt(sync, Why.SENT)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(race, range(100))) == 1
    assert len(asked.told("teams")) == 1


def test_what_did_not_go_out_is_asked_at_the_next_message(asked: Asked) -> None:
    sync = asked.sync("teams")
    asked.world.faults.append(Fault("slack", status=503))
    with pytest.raises(TryAgain):
        prompt(sync, Why.SENT)
    assert Grant.objects.get().asked_at is None
    assert "could not write" in UserSync.objects.get().reason
    asked.world.faults.clear()
    assert prompt(sync, Why.RECEIVED)
    assert Grant.objects.get().times_asked == 1


def test_without_an_app_for_people_nobody_is_asked_and_the_row_says_why(asked: Asked, settings: Any) -> None:
    zoom = settings.MIO_PLATFORM_APPS["zoom"]
    settings.MIO_PLATFORM_APPS = settings.MIO_PLATFORM_APPS | {"zoom": type(zoom)(client_id="x", client_secret="y")}
    assert not prompt(asked.sync("zoom"), Why.SENT)
    assert "no app" in UserSync.objects.get().reason


@pytest.mark.parametrize("slug", PLATFORMS)
def test_a_consent_becomes_the_persons_own_voice(asked: Asked, slug: str) -> None:
    sync = asked.sync(slug)
    assert sync.account is not None
    assert grants.credentials_of(sync.account) is None
    UserSync.objects.all().delete()
    grant = asked.granted(slug)
    held = grants.credentials_of(sync.account)
    assert held is not None
    assert (held.workspace, held.account) == (asked.installations[slug].workspace, sync.account.external_id)
    assert held.tokens == {grants.kind_of(slug): grant.access}
    assert grant.access not in repr(held)
    assert (UserSync.objects.get().state, grant.state) == ("synced", "granted")
    assert not prompt(UserSync.objects.get(), Why.SENT)
    assert "What I allowed" in asked.told(slug)[-1]
    assert grant.access not in str(Token.objects.values_list("access"))


@pytest.mark.parametrize("slug", PLATFORMS)
def test_a_used_voice_is_renewed_when_it_is_due(asked: Asked, slug: str) -> None:
    grant = asked.granted(slug)
    Grant.objects.update(renew_at=timezone.now())
    held = grants.credentials_of(grant.account)
    assert held is not None
    [access] = held.tokens.values()
    assert access != grant.access
    renewed = Grant.objects.get()
    assert renewed.access == access
    assert renewed.scopes == grant.scopes
    assert renewed.refresh
    assert renewed.renew_at is not None
    assert renewed.renew_at > timezone.now()


@pytest.mark.parametrize("slug", PLATFORMS)
def test_a_dead_consent_is_lost_and_the_person_is_asked_once_more(asked: Asked, slug: str) -> None:
    grant = asked.granted(slug)
    Grant.objects.update(renew_at=timezone.now(), refresh="dead")
    assert grants.credentials_of(grant.account) is None
    lost, sync = Grant.objects.get(), UserSync.objects.get()
    assert (lost.state, lost.access, lost.refresh, sync.state) == ("lost", "", "", "needs reauth")
    assert "no longer accepts" in sync.reason
    assert AuditEntry.objects.filter(action="lost consent").count() == 1
    assert [prompt(sync, Why.RECEIVED), prompt(sync, Why.SENT)] == [True, False]


def test_a_platform_in_trouble_is_no_withdrawal(asked: Asked) -> None:
    grant = asked.granted("teams")
    Grant.objects.update(renew_at=timezone.now())
    asked.world.faults.append(Fault("teams", status=503))
    held = grants.credentials_of(grant.account)
    assert held is not None
    assert held.tokens == {"person": grant.access}
    Grant.objects.update(expires_at=timezone.now(), renew_at=timezone.now())
    with pytest.raises(Unavailable):
        grants.credentials_of(grant.account)
    assert Grant.objects.get().state == "granted"


def test_a_refused_token_loses_the_consent_and_an_old_one_does_not(asked: Asked) -> None:
    grant = asked.granted("slack")
    old = grants.credentials_of(grant.account)
    assert old is not None
    Grant.objects.update(renew_at=timezone.now())
    new = grants.credentials_of(grant.account)
    assert new is not None
    grants.refused(grant.account, old, "token revoked")
    assert Grant.objects.get().state == "granted"
    grants.refused(grant.account, new, "token revoked")
    assert Grant.objects.get().state == "lost"


def test_beat_renews_only_what_nobody_used_for_a_month(asked: Asked) -> None:
    grant = asked.granted("teams")
    Grant.objects.update(renew_at=timezone.now() - timedelta(days=1))
    assert grants.due() == []
    Grant.objects.update(renew_at=timezone.now() - grants.KEEP_ALIVE)
    assert grants.due() == [grant.pk]
    tasks.renew_grant(grant.pk)
    assert grants.due() == []


# --- Reactive prompts


def test_a_sender_who_is_not_synced_is_asked_at_every_attempt(asked: Asked) -> None:
    Tenant.objects.update(prompts_unsynced=True)
    account = asked.sync("teams").account
    assert account is not None
    UserSync.objects.all().delete()
    assert [prompt_sender(account) for _ in range(3)] == [True, True, True]
    assert len(asked.told("teams")) == 3


def test_a_sender_on_webex_is_asked_once_a_day(asked: Asked) -> None:
    Tenant.objects.update(prompts_unsynced=True)
    account = asked.account("webex")
    assert account.person is not None
    account.person.primary = asked.installations["webex"]
    account.person.save()
    assert [prompt_sender(account) for _ in range(3)] == [True, False, False]
    age(Grant.objects.get(), asked_at=LATER)
    assert prompt_sender(account)


@pytest.mark.parametrize("slug", PLATFORMS)
def test_a_recipient_is_reminded_once_a_day(asked: Asked, slug: str) -> None:
    Tenant.objects.update(prompts_unsynced=True)
    account = asked.sync(slug).account
    assert account is not None
    assert [prompt_recipient(account) for _ in range(3)] == [True, False, False]
    age(Grant.objects.get(), asked_at=LATER)
    assert [prompt_recipient(account) for _ in range(3)] == [True, False, False]


def test_a_synced_sender_is_told_whom_the_message_did_not_reach(asked: Asked) -> None:
    sender = PlatformAccount.objects.get(installation=asked.installations["slack"], name="Ann Moreau")
    tell_sender(sender, "Elif Kaya")
    [said] = asked.told("teams")
    assert "Elif Kaya" in said
    assert "did not arrive" in said


def test_who_said_no_is_asked_again_only_if_they_write_a_day_later(asked: Asked) -> None:
    grant = asked.prompted("teams")
    asked.consent("teams", decision="deny")
    sync = UserSync.objects.select_related("account__person", "account__installation__tenant").get()
    account = sync.account
    assert account is not None
    assert Grant.objects.get().state == "declined"
    assert not any([prompt(sync, Why.SENT), prompt(sync, Why.RECEIVED), prompt_sender(account)])
    age(grant, asked_at=LATER, answered_at=LATER)
    assert not any([prompt(sync, Why.RECEIVED), prompt_recipient(account)])
    assert [prompt(sync, Why.SENT), prompt(sync, Why.SENT)] == [True, False]


# --- Withdrawing


@pytest.mark.parametrize("slug", PLATFORMS)
def test_what_is_withdrawn_is_deleted_and_given_back(asked: Asked, slug: str) -> None:
    grant = asked.granted(slug)
    assert consenting.withdraw(grant)
    assert not consenting.withdraw(grant)
    kept, sync = Grant.objects.get(), UserSync.objects.get()
    assert (kept.state, kept.access, kept.refresh, kept.scopes) == ("withdrawn", "", "", [])
    assert sync.state == "needs reauth"
    assert grants.credentials_of(grant.account) is None
    assert not prompt(sync, Why.SENT)


def test_every_step_is_audited_without_anything_secret(asked: Asked, people: People) -> None:
    grant = asked.granted("teams")
    consenting.withdraw(grant)
    entries = AuditEntry.objects.filter(tenant=people.acme).order_by("pk")
    assert [entry.action for entry in entries] == ["asked for consent", "gave consent", "withdrew consent"]
    written = str(list(entries.values()))
    for secret in (grant.access, grant.refresh, grant.digest or "-", "ann@acme.example"):
        assert secret not in written
        assert secret not in repr(grant)
