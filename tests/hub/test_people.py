"""The pages of User Sync: the table with its filters, files, hand-made matches, the policy, the plan."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts import user_sync
from accounts.models import (
    AccountPolicy,
    AuditEntry,
    Channel,
    ChannelMember,
    Installation,
    Person,
    PlatformAccount,
    SyncGroup,
    SyncGroupMember,
    SyncRun,
    Team,
    UserSync,
)
from accounts.people_filter import STATES
from tests.accounts.stand_ins import Registry, Shore, registry, shore  # noqa: F401 (a fixture)
from tests.consenting import said
from tests.hub.reading import page_text
from tests.people import People

Go = Callable[..., Any]


@pytest.fixture
def acme(people: People, registry: Registry) -> Shore:  # noqa: F811
    return shore(people.acme)


@pytest.fixture
def go(people: People) -> Go:
    bob = people.browser(people.bob)

    def ask(path: str = "", form: dict[str, Any] | None = None) -> Any:
        address = f"/t/{people.acme.key}/people/{path}"
        send = bob.get if form is None else bob.post
        return send(address, form, secure=True, follow=True)

    return ask


def words(answer: Any) -> str:
    assert answer.status_code == 200
    return str(said(answer))


def work() -> SyncRun:
    run = SyncRun.objects.latest("pk")
    while user_sync.work(run.pk):
        pass
    run.refresh_from_db()
    return run


def test_a_row_offers_a_choice_between_platforms_or_shows_the_only_one(acme: Shore, go: Go) -> None:
    eva = acme.person("Eva", acme.slack, acme.dock)
    acme.person("Gil", acme.slack)
    page = go().content.decode()
    assert 'aria-label="Primary platform of Eva"' in page
    assert 'aria-label="Primary platform of Gil"' not in page
    assert "Eva uses Acme on Dock first" in words(go(f"{eva.pk}/", {"primary": acme.dock.pk}))
    assert "has no account of their own" in words(go(f"{eva.pk}/", {"primary": acme.reef.pk}))
    eva.refresh_from_db()
    assert eva.primary == acme.dock


def test_whoever_has_no_account_where_none_can_be_made_reads_why(acme: Shore, go: Go) -> None:
    acme.person("Gil", acme.slack)
    assert "Has no Reef account." in words(go())


@pytest.mark.parametrize("state", STATES)
def test_every_filter_answers_with_a_platform_and_without(acme: Shore, go: Go, state: str) -> None:
    acme.person("Gil", acme.slack)
    for platform in ("", acme.dock.pk):
        for kind in ("", "guest"):
            assert go(f"?state={state}&platform={platform}&kind={kind}&text=g%25_").status_code == 200


def test_a_team_and_a_group_of_auto_sync_filter_and_those_of_others_hold_nobody(
    acme: Shore, go: Go, people: People
) -> None:
    eva, gil = acme.person("Eva", acme.slack), acme.person("Gil", acme.slack)
    team = Team.objects.create(installation=acme.slack, external_id="T", name="Sailors", is_chosen=True)
    channel = Channel.objects.create(installation=acme.slack, team=team, external_id="C", name="deck")
    ChannelMember.objects.create(channel=channel, account=eva.accounts.get())
    group = SyncGroup.objects.create(tenant=acme.tenant, name="Divers")
    SyncGroupMember.objects.create(group=group, person=gil)
    theirs = SyncGroup.objects.create(tenant=people.globex, name="Theirs")
    assert all(name in words(go()) for name in ("Sailors", "Divers", "Eva", "Gil"))
    assert "Theirs" not in words(go())
    for key, seen, unseen in ((f"t{team.pk}", "Eva", "Gil"), (f"g{group.pk}", "Gil", "Eva")):
        page = words(go(f"?group={key}"))
        assert f"{seen.lower()}@" in page
        assert f"{unseen.lower()}@" not in page
    assert go(f"?group=g{theirs.pk}").status_code == 200  # no choice, so it filters nothing


def test_a_table_is_read_page_by_page_each_person_once(acme: Shore, go: Go) -> None:
    Person.objects.bulk_create(
        Person(tenant=acme.tenant, name=f"P{n % 7}", email=f"p{n}@acme.example") for n in range(70)
    )
    seen, address = [], ""
    while True:
        answer = go(address)
        seen += [row.person.pk for row in answer.context["rows"]]
        if not answer.context["more"]:
            break
        address = f"?{answer.context['more']}"
    assert len(seen) == len(set(seen)) == 70


def test_one_button_plans_one_person_and_nobody_is_changed(acme: Shore, go: Go) -> None:
    gil = acme.person("Gil", acme.slack)
    acme.person("Hal", acme.slack)
    go("plan/", {"one": f"sync:{acme.dock.pk}:{gil.pk}"})
    assert work().counts == {"make": 1}
    assert not UserSync.objects.exists()


def test_everybody_who_matches_is_planned_not_only_the_page(acme: Shore, go: Go) -> None:
    for n in range(40):
        acme.person(f"Gil{n}", acme.slack)
    acme.person("Hal", acme.slack)
    go("plan/", {"deed": "sync", "on": [acme.dock.pk], "everybody": "on", "text": "gil"})
    assert work().counts == {"make": 40}


def test_nobody_of_another_tenant_can_be_planned(acme: Shore, go: Go, people: People) -> None:
    dev = Person.objects.create(tenant=people.globex, name="Dev", email="dev@globex.example")
    go("plan/", {"one": f"sync:{acme.dock.pk}:{dev.pk}"})
    assert work().counts == {}


def uploaded(go: Go, text: str) -> Any:
    return go("import/", {"file": SimpleUploadedFile("people.csv", text.encode())})


def test_a_file_makes_a_plan_and_the_primary_platform_it_names_counts(acme: Shore, go: Go) -> None:
    eva = acme.person("Eva", acme.slack, acme.reef)
    uploaded(go, f"email,primary,sync\r\n{eva.email.upper()},slack,Dock; reef: Acme\r\n")
    run = work()
    assert run.counts == {"adopt": 1, "choose": 1, "make": 1}
    assert not UserSync.objects.exists()
    go(f"runs/{run.pk}/apply/", {})
    assert work().report == {"done": 3}
    eva.refresh_from_db()
    assert eva.primary == acme.slack
    export = page_text(go("people.csv"))
    assert export.splitlines()[1] == "eva@acme.example,Eva,slack: Acme,dock: Acme; reef: Acme"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("email,sync\n", "primary is missing"),
        ("email,primary,sync\nno@acme.example,,dock\n", "Line 2: nobody with the address no@acme.example is known."),
        ("email,primary,sync\neva@acme.example,,moon\n", "“moon” is none of your connections"),
        ('email,primary,sync\n"eva', "no readable CSV"),
        ("email,primary,sync\n\x00,,dock\n", "nobody with the address"),
    ],
)
def test_a_file_with_a_mistake_names_its_line_and_plans_nothing(acme: Shore, go: Go, text: str, problem: str) -> None:
    acme.person("Eva", acme.slack)
    assert problem in words(uploaded(go, text))
    assert not SyncRun.objects.exists()


def test_an_account_without_an_address_is_given_to_a_person_and_taken_off_again(acme: Shore, go: Go) -> None:
    eva = acme.person("Eva", acme.slack)
    account = PlatformAccount.objects.create(installation=acme.reef, external_id="x", name="Evchen")
    assert "Evchen" in words(go("unmatched/"))
    assert "Nobody with this address" in words(go(f"accounts/{account.pk}/assign/", {"email": "no@acme.example"}))
    go(f"accounts/{account.pk}/assign/", {"email": eva.email})
    eva.refresh_from_db()
    assert eva.places == 2
    go(f"accounts/{account.pk}/split/", {})
    eva.refresh_from_db()
    assert eva.places == 1
    entries = AuditEntry.objects.filter(action__endswith=" account").order_by("pk")
    assert [entry.action for entry in entries] == ["assigned account", "split account"]


def test_the_policy_and_the_order_of_its_exceptions_are_kept(acme: Shore, go: Go) -> None:
    go("policy/", {"account_rule": "full"})
    for domain in ("One.example", "two.example"):
        go("policy/add/", {"by": "domain", "value": domain, "rule": "never"})
    assert "already" in words(go("policy/add/", {"by": "domain", "value": "one.example", "rule": "full"}))
    second = AccountPolicy.objects.get(value="two.example")
    go(f"policy/{second.pk}/", {"up": "yes"})
    assert list(AccountPolicy.objects.order_by("place").values_list("value", flat=True)) == [
        "two.example",
        "one.example",
    ]
    go(f"policy/{second.pk}/", {})
    assert AccountPolicy.objects.get().value == "one.example"
    acme.tenant.refresh_from_db()
    assert (acme.tenant.account_rule, acme.tenant.deletes_stand_ins) == ("full", False)


def test_what_people_decide_for_themselves_and_what_is_amended_is_set_beside_the_rule(acme: Shore, go: Go) -> None:
    page = words(go("policy/"))
    for label in ("may sync themselves", "Edits and deletes cross into people"):
        assert label in page
    go("policy/", {"account_rule": "either", "deletes_stand_ins": "on", "prompts_unsynced": "on"})
    acme.tenant.refresh_from_db()
    assert (acme.tenant.prompts_unsynced, acme.tenant.amends_full_accounts) == (True, False)
    entry = AuditEntry.objects.get(action="changed settings")
    assert entry.before == {"prompts_unsynced": False, "amends_full_accounts": True}
    assert entry.after == {"prompts_unsynced": True, "amends_full_accounts": False}


def test_ending_many_syncs_is_asked_for_twice(acme: Shore, go: Go) -> None:
    for n in range(21):
        person = acme.person(f"P{n}", acme.slack, acme.reef)
        UserSync.objects.create(person=person, installation=acme.reef, kind="full")
    go("plan/", {"deed": "unsync", "on": [acme.reef.pk], "everybody": "on"})
    run = work()
    assert "This would end 21 of 21 syncs." in words(go(f"runs/{run.pk}/"))
    assert "Say that you mean it" in words(go(f"runs/{run.pk}/apply/", {}))
    go(f"runs/{run.pk}/apply/", {"may_remove": "on"})
    assert work().state == "done"


def test_a_connection_that_ends_takes_its_plans_along(acme: Shore, go: Go) -> None:
    gil = acme.person("Gil", acme.slack)
    go("plan/", {"one": f"sync:{acme.dock.pk}:{gil.pk}"})
    run = work()
    Installation.objects.filter(pk=acme.dock.pk).delete()
    go(f"runs/{run.pk}/apply/", {})
    assert work().report == {"failed": 1}
