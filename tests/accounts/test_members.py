"""Roles: who may change whose, and that a tenant always has an owner."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from accounts import members
from accounts.models import AuditEntry, Membership, User
from tests.accounts.asking import membership, request_of
from tests.people import People, Role, person


def role_of(people: People, user: User) -> str | None:
    return Membership.objects.filter(tenant=people.acme, user=user).values_list("role", flat=True).first()


def change(people: People, actor: User, member: User, role: str) -> None:
    ours, theirs = membership(people.acme, actor), membership(people.acme, member)
    members.change_role(ours, theirs, role, request_of(actor))


def test_an_administrator_changes_a_role_and_it_is_written_down(people: People) -> None:
    change(people, people.bob, people.carla, Role.ADMINISTRATOR)
    assert role_of(people, people.carla) == Role.ADMINISTRATOR
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == (people.bob, "changed role", "carla@acme.example")
    assert (entry.before, entry.after, entry.address) == ({"role": "auditor"}, {"role": "administrator"}, "203.0.113.7")


@pytest.mark.parametrize(("actor", "member", "role"), [("bob", "carla", "owner"), ("bob", "ann", "auditor")])
def test_only_an_owner_makes_and_unmakes_owners(people: People, actor: str, member: str, role: str) -> None:
    with pytest.raises(members.NotPossible, match="Only an owner"):
        change(people, getattr(people, actor), getattr(people, member), role)
    assert not AuditEntry.objects.exists()


def test_the_last_owner_can_neither_step_down_nor_leave(people: People) -> None:
    ann = membership(people.acme, people.ann)
    with pytest.raises(members.NotPossible, match="the only owner"):
        change(people, people.ann, people.ann, Role.AUDITOR)
    with pytest.raises(members.NotPossible, match="the only owner"):
        members.remove(ann, ann, request_of(people.ann))
    assert role_of(people, people.ann) == Role.OWNER


def test_an_owner_hands_the_tenant_over(people: People) -> None:
    ours, theirs = membership(people.acme, people.ann), membership(people.acme, people.bob)
    members.transfer(ours, theirs, request_of(people.ann))
    assert (role_of(people, people.ann), role_of(people, people.bob)) == (Role.ADMINISTRATOR, Role.OWNER)
    with pytest.raises(members.NotPossible):
        members.transfer(ours, membership(people.acme, people.carla), request_of(people.ann))


def test_somebody_demoted_meanwhile_cannot_remove_others(people: People) -> None:
    bob = membership(people.acme, people.bob)
    change(people, people.ann, people.bob, Role.AUDITOR)
    with pytest.raises(members.NotPossible, match="any more"):
        members.remove(bob, membership(people.acme, people.carla), request_of(people.bob))
    assert role_of(people, people.carla) == Role.AUDITOR


def test_an_auditor_may_leave_and_nobody_else_may_be_sent_away_by_one(people: People) -> None:
    carla = membership(people.acme, people.carla)
    with pytest.raises(members.NotPossible):
        members.remove(carla, membership(people.acme, people.bob), request_of(people.carla))
    members.remove(carla, carla, request_of(people.carla))
    assert role_of(people, people.carla) is None


def test_a_member_of_another_tenant_is_out_of_reach(people: People) -> None:
    with pytest.raises(members.NotPossible):
        members.remove(
            membership(people.acme, people.ann), membership(people.globex, people.dev), request_of(people.ann)
        )
    assert Membership.objects.filter(user=people.dev).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_two_owners_who_demote_each_other_at_once_leave_one(people: People, round_: int) -> None:
    olga = person("Olga", "Ek", f"olga{round_}@acme.example")
    Membership.objects.create(tenant=people.acme, user=olga, role=Role.OWNER)
    at_once(
        lambda: change(people, people.ann, olga, Role.AUDITOR), lambda: change(people, olga, people.ann, Role.AUDITOR)
    )
    assert Membership.objects.filter(tenant=people.acme, role=Role.OWNER).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_leave_one(people: People) -> None:
    olga = person("Olga", "Ek", "olga@acme.example")
    Membership.objects.create(tenant=people.acme, user=olga, role=Role.OWNER)
    both = [membership(people.acme, user) for user in (people.ann, olga)]
    at_once(*(lambda one=one: members.remove(one, one, request_of(one.user)) for one in both))  # type: ignore[misc]
    assert Membership.objects.filter(tenant=people.acme, role=Role.OWNER).count() == 1


def at_once(*deeds: Callable[[], None]) -> None:
    """Each in a thread and on a connection of its own; exactly one must turn out not to be possible."""
    gate, refused = threading.Barrier(len(deeds)), []

    def run(deed: Callable[[], None]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(10)
            deed()
        except members.NotPossible as problem:
            refused.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(deeds) - 1
