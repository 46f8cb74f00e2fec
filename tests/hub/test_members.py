"""The page of roles and permissions."""

import re

from django.core import mail
from django.test import Client
from pytest_django.asserts import assertNumQueries, assertRedirects

from accounts.models import Membership
from tests.people import People, Role, person


def at(people: People, path: str = "") -> str:
    return f"/t/{people.acme.key}/members/{path}"


def post(browser: Client, path: str, form: dict[str, str] | None = None) -> str:
    return browser.post(path, form or {}, secure=True, follow=True).content.decode()


def pk(people: People, name: str) -> int:
    return Membership.objects.get(tenant=people.acme, user=getattr(people, name)).pk


def test_an_administrator_invites_and_sees_the_invitation_on_the_list(people: People) -> None:
    page = post(people.browser(people.bob), at(people, "invite/"), {"email": "eve@acme.example", "role": "auditor"})
    assert "An invitation is on its way to eve@acme.example." in page
    assert "Withdraw the invitation of eve@acme.example" in page
    assert len(mail.outbox) == 1


def test_an_administrator_is_not_offered_what_only_an_owner_gives(people: People) -> None:
    browser = people.browser(people.bob)
    assert 'value="owner"' not in browser.get(at(people, "invite/"), secure=True).content.decode()
    page = post(browser, at(people, "invite/"), {"email": "eve@acme.example", "role": "owner"})
    assert "Select a valid choice" in page
    assert not mail.outbox


def test_what_cannot_be_done_is_said_in_words(people: People) -> None:
    page = post(people.browser(people.ann), at(people, "leave/"))
    assert "is the only owner, and an organization needs one. Nothing was changed." in page


def test_consequences_are_named_before_somebody_is_removed(people: People) -> None:
    browser, path = people.browser(people.bob), at(people, f"{pk(people, 'carla')}/remove/")
    page = browser.get(path, secure=True).content.decode()
    assert "carla@acme.example loses access to Acme at once" in page
    assert "carla@acme.example is no longer a member." in post(browser, path)
    assert people.browser(people.carla).get(at(people), secure=True).status_code == 404


def test_an_owner_hands_over_and_is_an_administrator_then(people: People) -> None:
    page = post(people.browser(people.ann), at(people, f"{pk(people, 'bob')}/transfer/"))
    assert "bob@acme.example is now an owner, and you are an administrator." in page


def test_an_auditor_leaves_and_is_told_so(people: People) -> None:
    browser = people.browser(people.carla)
    left = browser.post(at(people, "leave/"), secure=True)
    assertRedirects(left, "/", fetch_redirect_response=False)
    assert not Membership.objects.filter(user=people.carla).exists()


def test_an_auditor_is_offered_nothing_to_change(people: People) -> None:
    page = people.browser(people.carla).get(at(people), secure=True).content.decode()
    assert "Invite somebody" not in page
    assert "Manage" not in page


def test_forty_members_take_no_more_queries_than_four(people: People) -> None:
    browser = people.browser(people.ann)
    for number in range(40):
        user = person(f"P{number}", "Q", f"p{number}@acme.example")
        Membership.objects.create(tenant=people.acme, user=user, role=Role.AUDITOR)
    browser.get(at(people), secure=True)  # the first request of a session also writes it down
    with assertNumQueries(5):  # session, user, memberships, members, invitations
        page = browser.get(at(people), secure=True).content.decode()
    assert len(re.findall("p\\d+@acme.example</span>", page)) == 40
