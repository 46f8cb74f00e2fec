"""The end of a tenant: taken back in time, or total."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import deleting, emptying, tasks
from accounts.models import AuditEntry, DirectoryImport, Installation, Membership, SeenMember, Tenant, User
from tests.accounts.asking import request_of
from tests.accounts.filling import belongings, fill
from tests.people import PASSWORD, People, Role, person


@pytest.fixture
def doomed(people: People) -> Tenant:
    """Globex, whose days of grace are over."""
    people.globex.deleted_at = timezone.now() - deleting.GRACE
    people.globex.save()
    return people.globex


def test_nothing_of_a_deleted_tenant_is_left_and_everything_of_the_other(people: People, doomed: Tenant) -> None:
    Membership.objects.filter(tenant__in=[people.acme, doomed], user__in=[people.ann, people.dev]).delete()
    for user in (people.ann, people.dev):
        sign_in(user)
    ours, theirs = fill(people.acme, people.ann), fill(doomed, people.dev)
    before = {model: set(model._default_manager.values_list("pk", flat=True)) for model in belongings()}

    deleting.delete(doomed.pk)

    left = {model: set(model._default_manager.values_list("pk", flat=True)) for model in belongings()}
    assert [model for model, row in theirs.items() if row.pk in left[model]] == []
    assert [model for model, row in ours.items() if row.pk not in left[model]] == []
    assert all(len(left[model]) < len(before[model]) for model in belongings())
    assert {_user_of(session) for session in Session.objects.all()} == {str(people.ann.pk)}
    connection.check_constraints()


def sign_in(user: User) -> None:
    """At the page, as people do: only then the session is on the list of theirs."""
    form = {"login": user.email, "password": PASSWORD}
    page = Client(headers={"x-forwarded-proto": "https"}).post("/account/login/", form, secure=True)
    assert page.status_code == 302


def _user_of(session: Session) -> Any:
    return session.get_decoded()["_auth_user_id"]


def test_every_table_of_the_product_is_covered_by_that_proof() -> None:
    from django.apps import apps

    own = {model for model in apps.get_models() if model._meta.app_label in ("accounts", "relay")}
    assert {model.__name__ for model in own - set(belongings())} == {"DailyCount", "RollupMark", "Shard"}, "of all"


def test_no_row_leads_to_nowhere_even_where_the_database_does_not_watch(people: People, doomed: Tenant) -> None:
    Membership.objects.filter(user__in=[people.ann, people.dev]).delete()
    fill(people.acme, people.ann)
    fill(doomed, people.dev)
    deleting.delete(doomed.pk)
    for model in belongings():
        for field in model._meta.fields:
            if isinstance(field, models.ForeignKey):
                held = model._default_manager.exclude(**{field.name: None}).values(field.attname)
                known = field.related_model._default_manager.values("pk")
                assert not held.exclude(**{f"{field.attname}__in": known}).exists(), (model, field)


def test_who_belongs_to_another_tenant_too_keeps_the_account_and_operators_keep_theirs(
    people: People, doomed: Tenant
) -> None:
    Membership.objects.create(tenant=doomed, user=people.ann, role=Role.AUDITOR)
    operator = person("Olga", "Ek", "olga@globex.example")
    User.objects.filter(pk=operator.pk).update(is_staff=True)
    Membership.objects.create(tenant=doomed, user=operator, role=Role.OWNER)
    deleting.delete(doomed.pk)
    assert set(User.objects.all()) == {people.ann, people.bob, people.carla, operator}


def test_many_rows_are_deleted_a_batch_at_a_time(
    people: People, doomed: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emptying, "BATCH", 2)
    AuditEntry.objects.bulk_create(
        AuditEntry(tenant=doomed, actor_name="Dev", action="x", subject="y") for _ in range(7)
    )
    deleting.delete(doomed.pk)
    assert not AuditEntry.objects.exists()


def test_what_an_import_has_read_is_deleted_a_batch_at_a_time_too(
    people: People, doomed: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emptying, "BATCH", 2)
    zoom = Installation.objects.create(tenant=doomed, platform="zoom", workspace="Z", account="me")
    run = DirectoryImport.objects.create(installation=zoom)
    SeenMember.objects.bulk_create(SeenMember(run=run, channel="C", account=f"U{n}") for n in range(7))
    with CaptureQueriesContext(connection) as asked:
        emptying.empty(DirectoryImport, "installation", [zoom.pk])
    deletions = [query["sql"] for query in asked if query["sql"].startswith('DELETE FROM "accounts_seenmember"')]
    assert len(deletions) >= 4
    assert not SeenMember.objects.exists()


def test_nothing_is_deleted_before_its_time(people: People) -> None:
    people.globex.deleted_at = timezone.now() - deleting.GRACE + timedelta(minutes=1)
    people.globex.save()
    deleting.delete(people.globex.pk)
    deleting.delete(people.acme.pk)
    assert Tenant.objects.count() == 2


def test_an_owner_takes_it_back_in_time_and_not_afterwards(people: People) -> None:
    request = request_of(people.ann)
    deleting.ask(people.acme, request)
    deleting.ask(people.acme, request)
    assert deleting.keep(people.acme, request)
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["asked for deletion", "took back the deletion"]
    Tenant.objects.update(deleted_at=timezone.now() - deleting.GRACE)
    assert not deleting.keep(people.acme, request)


def test_beat_deletes_whose_time_has_come(people: People, doomed: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.delete_tenant, "delay", tasks.delete_tenant)
    tasks.delete_tenants()
    assert list(Tenant.objects.all()) == [people.acme]
