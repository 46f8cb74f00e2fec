"""User Sync: what is planned for whom and why, how it is carried out, stopped and undone, and that nothing happens twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import matching, user_sync
from accounts.members import NotPossible
from accounts.models import (
    AccountPolicy,
    AuditEntry,
    Channel,
    ChannelMember,
    Installation,
    Person,
    PlatformAccount,
    SyncRun,
    Team,
    Tenant,
    UserSync,
)
from accounts.people_filter import Wanted
from connectors.errors import Gone, RateLimited, Reconnect, Refused, Unavailable
from tests.accounts.stand_ins import Registry, Shore, guest, registry, shore  # noqa: F401 (a fixture)

State = SyncRun.State


@pytest.fixture
def acme(db: None, registry: Registry) -> Shore:  # noqa: F811
    return shore(Tenant.objects.create(name="Acme"))


def run_on(run: SyncRun) -> SyncRun:
    while user_sync.work(run.pk):
        pass
    run.refresh_from_db()
    return run


def planned(acme: Shore, deed: str, installation: Installation, *people: Person) -> SyncRun:
    run = run_on(user_sync.begin(acme.tenant, deed, [installation.pk], [person.pk for person in people]))
    assert run.state == State.PLANNED
    return run


def applied(run: SyncRun, **more: Any) -> SyncRun:
    user_sync.apply(run, **more)
    return run_on(run)


def synced(acme: Shore, installation: Installation, *people: Person) -> SyncRun:
    return applied(planned(acme, "sync", installation, *people))


def plan_of(run: SyncRun) -> dict[str, tuple[str, str]]:
    rows = run.changes.order_by("subject", "pk").values_list("subject", "action", "reason")
    return {subject.partition("@")[0]: (action, reason) for subject, action, reason in rows}


def outcome(run: SyncRun) -> list[tuple[str, str, str]]:
    rows = run.changes.order_by("subject", "pk").values_list("subject", "state", "reason")
    return [(subject.partition("@")[0], state, reason) for subject, state, reason in rows]


def syncs() -> list[tuple[str, str, str, bool]]:
    rows = UserSync.objects.order_by("person__name", "installation__platform")
    return list(rows.values_list("person__name", "kind", "state", "is_ours"))


# --- Planning


def test_a_plan_says_of_everybody_what_would_happen_and_changes_nothing(acme: Shore, registry: Registry) -> None:  # noqa: F811
    eva, gil = acme.person("Eva", acme.slack, acme.dock), acme.person("Gil", acme.slack)
    hal, ida, jo = acme.person("Hal", acme.slack, acme.dock), acme.person("Ida"), acme.person("Jo", acme.dock)
    registry.licences["hal@acme.example"] = False
    Person.objects.filter(pk=hal.pk).update(primary=acme.slack)
    Person.objects.filter(pk=eva.pk).update(primary=acme.slack)
    run = planned(acme, "sync", acme.dock, eva, gil, hal, ida, jo)
    assert plan_of(run) == {
        "eva": ("adopt", ""),
        "gil": ("make", ""),
        "hal": ("make", ""),
        "ida": ("impossible", "They have no account of their own on any connected platform."),
        "jo": ("nothing", "It is their primary platform."),
    }
    assert run.counts == {"adopt": 1, "impossible": 1, "make": 2, "nothing": 1}
    assert syncs() == []
    assert registry.called("provision") == []
    assert registry.called("look up") == ["3"]


def test_who_has_no_account_where_none_can_be_made_cannot_be_synced_there(acme: Shore) -> None:
    gil = acme.person("Gil", acme.slack)
    assert plan_of(planned(acme, "sync", acme.reef, gil))["gil"] == ("impossible", "They have no account there.")


def test_who_uses_several_platforms_must_have_a_primary_one_first(acme: Shore) -> None:
    eva = acme.person("Eva", acme.slack, acme.reef)
    assert "Choose their primary" in plan_of(planned(acme, "sync", acme.dock, eva))["eva"][1]


def test_two_accounts_on_one_platform_are_a_question_and_no_guess(acme: Shore) -> None:
    eva = acme.person("Eva", acme.slack, acme.reef)
    PlatformAccount.objects.create(
        installation=acme.reef, person=eva, external_id="second", name="Eva", email=eva.email
    )
    Person.objects.filter(pk=eva.pk).update(primary=acme.slack)
    assert "two accounts there" in plan_of(planned(acme, "sync", acme.reef, eva))["eva"][1]


@pytest.mark.parametrize(
    ("rule", "own_account", "without"), [
        ("full", "adopt", "impossible"), ("stand-in", "make", "make"),
        ("never", "impossible", "impossible"), ("either", "adopt", "make"),
    ],
)  # fmt: skip
def test_the_first_policy_that_fits_decides(acme: Shore, rule: str, own_account: str, without: str) -> None:
    eva, gil = acme.person("Eva", acme.slack, acme.dock), acme.person("Gil", acme.slack)
    Person.objects.update(primary=acme.slack)
    Tenant.objects.update(account_rule="never")
    AccountPolicy.objects.create(tenant=acme.tenant, place=2, by="domain", value="acme.example", rule="never")
    AccountPolicy.objects.create(tenant=acme.tenant, place=1, by="group", value="sales", rule=rule)
    team = Team.objects.create(installation=acme.slack, external_id="t", name="Sales")
    channel = Channel.objects.create(installation=acme.slack, team=team, external_id="c", name="c")
    for account in PlatformAccount.objects.filter(installation=acme.slack).order_by("pk"):
        ChannelMember.objects.create(channel=channel, account=account)
    plan = plan_of(planned(acme, "sync", acme.dock, eva, gil))
    assert (plan["eva"][0], plan["gil"][0]) == (own_account, without)


def test_everything_that_matches_a_filter_is_planned_and_nothing_of_others(acme: Shore) -> None:
    acme.person("Eva", acme.slack), acme.person("Gil", acme.slack)
    Person.objects.create(tenant=Tenant.objects.create(name="Globex"), name="Eva", email="eva@globex.example")
    run = run_on(user_sync.begin(acme.tenant, "sync", [acme.dock.pk], Wanted(text="eva", state="not synced")))
    assert plan_of(run) == {"eva": ("make", "")}


# --- Applying


def test_own_accounts_wait_for_consent_and_guests_are_synced_at_once(acme: Shore, registry: Registry) -> None:  # noqa: F811
    eva, gil = acme.person("Eva", acme.slack, acme.dock), acme.person("Gil", acme.slack)
    Person.objects.filter(pk=eva.pk).update(primary=acme.slack)
    run = synced(acme, acme.dock, eva, gil)
    assert (run.state, run.report) == (State.DONE, {"done": 2})
    assert syncs() == [("Eva", "full", "pending", False), ("Gil", "guest", "synced", True)]
    assert registry.called("provision") == ["gil@acme.example"]
    gil.refresh_from_db()
    assert gil.primary == acme.slack
    assert AuditEntry.objects.get(action="applied user sync").after == {"adopt": 1, "make": 1, "deed": "sync"}


def test_a_guest_is_written_to_in_the_company_s_words_if_it_has_any(acme: Shore, registry: Registry) -> None:  # noqa: F811
    Tenant.objects.update(guest_message="Welcome aboard.")
    synced(acme, acme.dock, acme.person("Gil", acme.slack))
    assert registry.called("provision") == ["gil@acme.example: Welcome aboard."]


def test_a_guest_that_the_company_made_itself_is_used_and_never_deleted(acme: Shore, registry: Registry) -> None:  # noqa: F811
    gil = acme.person("Gil", acme.slack)
    registry.guests["gil@acme.example"] = "Gil"
    assert syncs_after(acme, gil) == [("Gil", "guest", "synced", False)]
    applied(planned(acme, "unsync", acme.dock, gil))
    assert syncs() == []
    assert registry.called("discard") == registry.called("provision") == []


def syncs_after(acme: Shore, person: Person) -> list[tuple[str, str, str, bool]]:
    synced(acme, acme.dock, person)
    return syncs()


def test_one_made_between_plan_and_turn_is_not_taken_for_ours(acme: Shore, registry: Registry) -> None:  # noqa: F811
    run = planned(acme, "sync", acme.dock, acme.person("Gil", acme.slack))
    registry.guests["gil@acme.example"] = "Gil"
    applied(run)
    assert syncs() == [("Gil", "guest", "synced", False)]
    assert registry.called("provision") == []


@pytest.mark.parametrize("deletes", [True, False])
def test_unsync_deletes_what_we_made_if_the_tenant_wants_that(acme: Shore, registry: Registry, deletes: bool) -> None:  # noqa: F811
    Tenant.objects.update(deletes_stand_ins=deletes)
    gil, eva = acme.person("Gil", acme.slack), acme.person("Eva", acme.slack, acme.dock)
    Person.objects.filter(pk=eva.pk).update(primary=acme.slack)
    synced(acme, acme.dock, gil, eva)
    applied(planned(acme, "unsync", acme.dock, gil, eva))
    assert syncs() == []
    assert registry.called("discard") == (["guest-gil@acme.example"] if deletes else [])


def test_two_runs_that_want_the_same_ask_the_platform_once(acme: Shore, registry: Registry) -> None:  # noqa: F811
    eva, gil, hal = (acme.person(name, acme.slack) for name in ("Eva", "Gil", "Hal"))
    first, second = planned(acme, "sync", acme.dock, eva, gil), planned(acme, "sync", acme.dock, gil, hal)
    user_sync.apply(second)

    def while_asked(verb: str, about: str) -> None:
        registry.before = lambda *_: None
        run_on(second)  # the other administrator's run goes by while this one waits for an answer about Eva

    user_sync.apply(first)
    registry.before = while_asked
    run_on(first)
    assert sorted(registry.called("provision")) == ["eva@acme.example", "gil@acme.example", "hal@acme.example"]
    assert outcome(first) == [("eva", "done", ""), ("gil", "skipped", "Somebody else changed this meanwhile.")]
    assert [row[0] for row in syncs()] == ["Eva", "Gil", "Hal"]


def test_a_worker_that_dies_while_it_asks_is_followed_by_one_that_finishes(acme: Shore, registry: Registry) -> None:  # noqa: F811
    run = planned(acme, "sync", acme.dock, acme.person("Gil", acme.slack))
    user_sync.apply(run)

    def die(verb: str, about: str) -> None:
        if verb == "provision":
            registry.guests[about] = "Gil"
            raise SystemExit

    registry.before = die
    with pytest.raises(SystemExit):
        user_sync.work(run.pk)
    assert user_sync.unheld() == []
    registry.before = lambda *_: None
    SyncRun.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert run_on(run).state == State.DONE
    assert syncs() == [("Gil", "guest", "synced", True)]


def test_a_person_removed_while_their_guest_is_made_leaves_no_guest_behind(acme: Shore, registry: Registry) -> None:  # noqa: F811
    run = planned(acme, "sync", acme.dock, acme.person("Gil", acme.slack))

    def leave(verb: str, about: str) -> None:
        if verb == "provision":
            Person.objects.all().delete()

    registry.before = leave
    applied(run)
    assert registry.guests == {}
    assert syncs() == []
    assert outcome(run) == [("gil", "failed", "The person, or their account there, is no longer there.")]


def test_an_account_that_went_since_the_plan_is_not_synced(acme: Shore) -> None:
    eva = acme.person("Eva", acme.slack, acme.reef)
    Person.objects.update(primary=acme.slack)
    run = planned(acme, "sync", acme.reef, eva)
    PlatformAccount.objects.filter(installation=acme.reef).update(is_deleted=True)
    assert outcome(applied(run))[0][1] == "failed"
    assert syncs() == []


@pytest.mark.parametrize("error", [Refused("guests are off"), Gone("no such domain")])
def test_a_refusal_is_told_and_the_others_go_on(acme: Shore, registry: Registry, error: Exception) -> None:  # noqa: F811
    eva, gil = acme.person("Eva", acme.slack), acme.person("Gil", acme.slack)
    run = planned(acme, "sync", acme.dock, eva, gil)

    def refuse(verb: str, about: str) -> None:
        if (verb, about) == ("provision", "eva@acme.example"):
            raise error

    registry.before = refuse
    assert outcome(applied(run)) == [("eva", "failed", str(error)), ("gil", "done", "")]
    assert syncs()[0] == ("Eva", "guest", "error", False)
    assert UserSync.objects.get(person=eva).reason == str(error)
    registry.before = lambda *_: None
    synced(acme, acme.dock, eva)
    assert syncs()[0] == ("Eva", "guest", "synced", True)


@pytest.mark.parametrize("error", [RateLimited(30), Unavailable("HTTP 503"), Reconnect("the token is revoked")])
def test_where_the_platform_wants_patience_no_worker_waits(acme: Shore, registry: Registry, error: Exception) -> None:  # noqa: F811
    run = planned(acme, "sync", acme.dock, acme.person("Gil", acme.slack))

    def fail(verb: str, about: str) -> None:
        raise error

    registry.before = fail
    applied(run)
    assert run.state == State.APPLYING
    assert run.not_before
    assert user_sync.unheld() == []
    registry.before = lambda *_: None
    SyncRun.objects.update(not_before=None)
    assert run_on(run).state == State.DONE
    assert registry.called("provision")[-1:] == ["gil@acme.example"]


def test_a_run_that_is_stopped_finishes_what_it_has_begun_and_leaves_the_rest(acme: Shore, registry: Registry) -> None:  # noqa: F811
    people = [acme.person(name, acme.slack) for name in ("Eva", "Gil", "Hal")]
    run = planned(acme, "sync", acme.dock, *people)

    def stop(verb: str, about: str) -> None:
        if verb == "provision":
            assert user_sync.cancel(SyncRun.objects.get(pk=run.pk))
            registry.before = lambda *_: None

    registry.before = stop
    applied(run)
    assert run_on(run).state == State.CANCELLED
    assert [state for _, state, _ in outcome(run)] == ["done", "skipped", "skipped"]
    assert registry.called("provision") == ["eva@acme.example"]
    assert len(syncs()) == 1


def test_a_plan_is_applied_once_and_a_cancelled_one_never(acme: Shore) -> None:
    run = planned(acme, "sync", acme.dock, acme.person("Gil", acme.slack))
    applied(run)
    with pytest.raises(NotPossible):
        user_sync.apply(run)
    other = planned(acme, "unsync", acme.dock)
    assert user_sync.cancel(other)
    assert not user_sync.cancel(other)
    with pytest.raises(NotPossible):
        user_sync.apply(other)


def test_ending_many_syncs_needs_a_word_more(acme: Shore) -> None:
    people = [acme.person(f"P{n}", acme.slack, acme.reef) for n in range(21)]
    Person.objects.update(primary=acme.slack)
    synced(acme, acme.reef, *people)
    run = planned(acme, "unsync", acme.reef, *people)
    with pytest.raises(NotPossible, match="many syncs"):
        user_sync.apply(run)
    assert len(syncs()) == 21
    applied(run, may_remove=True)
    assert syncs() == []


def test_an_undo_takes_back_what_the_run_did_and_nothing_else(acme: Shore, registry: Registry) -> None:  # noqa: F811
    Tenant.objects.update(deletes_stand_ins=False)
    eva, gil, hal = (acme.person(name, acme.slack) for name in ("Eva", "Gil", "Hal"))
    synced(acme, acme.dock, hal)
    run = synced(acme, acme.dock, eva, gil, hal)
    applied(planned(acme, "unsync", acme.dock, gil))
    undo = run_on(user_sync.undo(run))
    assert plan_of(undo) == {"eva": ("delete", "")}
    applied(undo)
    assert [row[0] for row in syncs()] == ["Hal"]
    assert registry.called("discard") == ["guest-eva@acme.example"]


# --- Matching


def test_matching_leaves_alone_what_was_placed_by_hand_and_counts_places(acme: Shore) -> None:
    matching.remember(acme.slack.pk, [guest("eva@acme.example")])
    eva = acme.person("Eva2", acme.slack)
    PlatformAccount.objects.create(installation=acme.slack, external_id="b", name="Eva", email=eva.email)
    odd = PlatformAccount.objects.create(
        installation=acme.reef, external_id="c", name="Eva", email="other@acme.example", person=eva, is_placed=True
    )
    matching.match_people(acme.slack.pk)
    matching.match_people(acme.reef.pk)
    eva.refresh_from_db(), odd.refresh_from_db()
    assert (odd.person, eva.places, eva.is_ambiguous) == (eva, 2, True)
    assert not Person.objects.filter(email="other@acme.example").exists()


_CROWD = """
WITH crowd AS (
    INSERT INTO accounts_person (tenant_id, name, email, places, primary_id)
    SELECT %(tenant)s, 'P' || n, 'p' || n || '@acme.example', 2, %(slack)s FROM generate_series(1, 3000) AS n
    RETURNING id, name, email
)
INSERT INTO accounts_platformaccount (installation_id, person_id, external_id, name, email, avatar_url, is_bot)
SELECT place, id, email, name, email, '', false FROM crowd, unnest(ARRAY[%(slack)s, %(reef)s]) AS place
"""


def test_three_thousand_people_are_planned_and_applied_by_few_statements(
    acme: Shore, django_assert_max_num_queries: Any
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CROWD, {"tenant": acme.tenant.pk, "slack": acme.slack.pk, "reef": acme.reef.pk})
    run = user_sync.begin(acme.tenant, "sync", [acme.reef.pk], Wanted())
    with django_assert_max_num_queries(300):
        assert run_on(run).counts == {"adopt": 3_000}
        applied(run)
    assert run.report == {"done": 3_000}
