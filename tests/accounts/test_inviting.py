"""Invitations: from the e-mail to the first page, and every way in which a link is no longer good."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import inviting
from accounts.members import NotPossible
from accounts.models import AuditEntry, Invitation, Membership, User
from tests.accounts.asking import membership, request_of
from tests.people import People, Role, person

EVE = "eve@acme.example"
NO_LONGER = "This invitation is no longer good"


def invite(people: People, email: str = EVE, role: str = Role.AUDITOR, by: User | None = None) -> str:
    """The path of the link in the e-mail."""
    actor = by or people.ann
    assert inviting.invite(membership(people.acme, actor), email, role, request_of(actor))
    [link] = re.findall(r"/invitations/\S+", str(mail.outbox[-1].body))
    return str(link)


def later(invitation: Invitation, by: timedelta) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=invitation.expires_at - by)


def opened(browser: Client, link: str) -> Any:
    return browser.get(link, secure=True, follow=True)


def test_an_invited_person_joins_in_the_role_they_were_given(people: People) -> None:
    link = invite(people)
    browser = people.browser(person("Eve", "Stone", EVE))
    page = opened(browser, link)
    assert page.request["PATH_INFO"] == "/invitations/", "the token is out of the address"
    assert b"Join as eve@acme.example" in page.content
    assert not Membership.objects.filter(user__email=EVE).exists(), "opening a link joins nobody"
    joined = browser.post("/invitations/", secure=True)
    assert joined["Location"] == f"/t/{people.acme.key}/"
    assert Membership.objects.get(user__email=EVE).role == Role.AUDITOR
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor_name, entry.after["invited as"]) == ("joined by invitation", EVE, EVE)


def test_the_e_mail_says_who_invites_to_what(people: People) -> None:
    people.acme.name = "Acme\r\nBcc: everybody@example.com"
    people.acme.save()
    invite(people)
    [message] = mail.outbox
    assert message.to == [EVE]
    assert message.subject == "Join Acme Bcc: everybody@example.com on Mio Hub"
    assert "ann@acme.example invites you" in str(message.body)


def test_the_database_holds_no_token(people: People) -> None:
    token = invite(people).split("/")[2]
    assert token not in str(list(Invitation.objects.values())) + str(list(AuditEntry.objects.values()))
    browser = Client(headers={"x-forwarded-proto": "https"})
    opened(browser, f"/invitations/{token}/")
    assert token not in str(dict(browser.session))


def test_somebody_signed_in_with_another_address_is_asked(people: People) -> None:
    browser = people.browser(people.dev)
    page = opened(browser, invite(people)).content.decode()
    assert "You are signed in as <strong>dev@globex.example</strong>" in page
    assert EVE in page
    browser.post("/invitations/", secure=True)
    assert Membership.objects.filter(tenant=people.acme, user=people.dev).exists()


def test_somebody_without_an_account_finds_the_invitation_again_after_signing_in(people: People) -> None:
    browser = Client(headers={"x-forwarded-proto": "https"})
    page = opened(browser, invite(people)).content.decode()
    assert "/account/signup/?next=/invitations/" in page
    browser.force_login(person("Eve", "Stone", EVE), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert b"Join as eve@acme.example" in browser.get("/invitations/", secure=True).content


def test_a_stranger_cannot_join_without_signing_in(people: People) -> None:
    browser = Client(headers={"x-forwarded-proto": "https"})
    opened(browser, invite(people))
    assert b"Sign in" in browser.post("/invitations/", secure=True).content
    assert Invitation.objects.exists()


def test_a_link_is_good_once(people: People) -> None:
    link = invite(people)
    first, second = people.browser(person("Eve", "Stone", EVE)), people.browser(people.dev)
    opened(first, link)
    opened(second, link)
    first.post("/invitations/", secure=True)
    page = second.post("/invitations/", secure=True)
    assert (page.status_code, NO_LONGER in page.content.decode()) == (404, True)
    assert not Membership.objects.filter(tenant=people.acme, user=people.dev).exists()


def test_a_link_ends_after_four_days_or_when_withdrawn_or_never_was(people: People) -> None:
    expired, withdrawn = invite(people), invite(people, "fay@acme.example")
    later(Invitation.objects.get(email=EVE), timedelta(hours=96))
    gone = Invitation.objects.get(email="fay@acme.example")
    inviting.withdraw(membership(people.acme, people.bob), gone, request_of(people.bob))
    for link in (expired, withdrawn, "/invitations/made-up/"):
        page = opened(people.browser(people.dev), link)
        assert (page.status_code, NO_LONGER in page.content.decode()) == (404, True)


def test_inviting_again_renews_and_the_first_link_ends(people: People) -> None:
    first = invite(people, "Eve@acme.example")
    later(Invitation.objects.get(), timedelta(hours=1))
    second = invite(people, EVE, Role.ADMINISTRATOR)
    invitation = Invitation.objects.get()
    assert (invitation.role, invitation.expires_at > timezone.now() + timedelta(hours=95)) == (Role.ADMINISTRATOR, True)
    assert NO_LONGER in opened(people.browser(people.dev), first).content.decode()
    assert NO_LONGER not in opened(people.browser(people.dev), second).content.decode()


def test_nobodys_inbox_is_filled(people: People) -> None:
    invite(people)
    with pytest.raises(NotPossible, match="less than a minute ago"):
        invite(people)
    assert len(mail.outbox) == 1


def test_only_so_many_invitations_are_open(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "MOST_OPEN", 1)
    invite(people)
    with pytest.raises(NotPossible, match="1 invitations are open"):
        invite(people, "fay@acme.example")


def test_a_member_is_not_invited_again_and_keeps_the_role(people: People) -> None:
    with pytest.raises(NotPossible, match="member already"):
        invite(people, "BOB@acme.example")
    browser = people.browser(people.bob)
    opened(browser, invite(people, "bob@home.example"))
    browser.post("/invitations/", secure=True)
    assert membership(people.acme, people.bob).role == Role.ADMINISTRATOR


def test_an_administrator_neither_invites_owners_nor_meddles_with_their_invitations(people: People) -> None:
    with pytest.raises(NotPossible, match="Only an owner"):
        invite(people, role=Role.OWNER, by=people.bob)
    invite(people, role=Role.OWNER)
    with pytest.raises(NotPossible, match="Only an owner"):
        invite(people, role=Role.AUDITOR, by=people.bob)
    with pytest.raises(NotPossible, match="Only an owner"):
        inviting.withdraw(membership(people.acme, people.bob), Invitation.objects.get(), request_of(people.bob))


def test_an_e_mail_that_cannot_be_sent_is_told(people: People, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1  # nobody listens there
    page = people.browser(people.ann).post(
        f"/t/{people.acme.key}/members/invite/", {"email": EVE, "role": "auditor"}, secure=True, follow=True
    )
    assert "its e-mail could not be sent" in page.content.decode()
    assert Invitation.objects.filter(email=EVE).exists()
