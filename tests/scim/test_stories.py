"""What Entra and Okta send, and which people are in which groups by that."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.asserts import assertNumQueries

from accounts.models import AuditEntry, Person, ScimMember, ScimUser, Scope, SyncGroup, SyncGroupMember, SyncRun
from mio_hub.bench.walking import OBJECTS
from tests.api.programs import token
from tests.hub.reading import page_text
from tests.people import People
from tests.scim.provider import GROUP, USER, Provider


@pytest.fixture
def entra(people: People) -> Provider:
    return Provider(token(people.acme, [Scope.SCIM], name="Entra"))


okta = entra


def members_of(name: str) -> list[str]:
    """The addresses of those who are in a group that is synced."""
    rows = SyncGroupMember.objects.filter(group__name=name).order_by("person__email")
    return list(rows.values_list("person__email", flat=True))


def settled() -> None:
    """What Auto Sync leaves when it is done."""
    SyncGroup.objects.update(settle_at=None)


def test_what_entra_sends_leads_to_people_and_groups(people: People, entra: Provider) -> None:
    known = Person.objects.create(tenant=people.acme, name="Ines", email="INES@acme.example")
    assert entra.found("Users", 'userName eq "ines@acme.example"') == []
    ines = entra.user(
        "ines@acme.example",
        externalId="ines",
        displayName="Ines Roth",
        emails=[{"primary": True, "type": "work", "value": "ines@acme.example"}],
        phoneNumbers=[{"type": "work", "value": "1"}],
    )
    omar = entra.user("omar@acme.example", displayName="Omar Aziz", active="True")
    assert ScimUser.objects.get(key=ines).person == known
    assert Person.objects.get(email="omar@acme.example").name == "Omar Aziz"

    sales = entra.group("Sales", externalId="5b1")
    assert entra.found("Groups", 'displayName eq "sales"') == [sales]
    entra.patch(f"Groups/{sales}", {"op": "Add", "path": "members", "value": [{"value": ines}, {"value": omar}]})
    assert members_of("Sales") == ["INES@acme.example", "omar@acme.example"]
    assert SyncGroup.objects.get().settle_at
    assert entra.found("Groups", f'id eq "{sales}" and members eq "{omar}"') == [sales]

    entra.patch(f"Groups/{sales}", {"op": "Remove", "path": f'members[value eq "{ines}"]'})
    assert members_of("Sales") == ["omar@acme.example"]
    entra.patch(f"Groups/{sales}", {"op": "Add", "path": "members", "value": [{"value": ines}]})
    entra.patch(f"Groups/{sales}", {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": ines}]})
    assert members_of("Sales") == ["omar@acme.example"]

    settled()
    entra.patch(f"Users/{omar}", {"op": "Replace", "path": "active", "value": "False"})
    assert members_of("Sales") == []
    assert SyncGroup.objects.get().settle_at
    entra.patch(f"Users/{omar}", {"op": "Replace", "path": "active", "value": "True"})
    assert members_of("Sales") == ["omar@acme.example"]

    entra.patch(f"Groups/{sales}", {"op": "Replace", "path": "displayName", "value": "Sales EU"})
    entra.patch(
        f"Users/{omar}", {"op": "Add", "path": 'emails[type eq "work"].value', "value": "omar.aziz@acme.example"}
    )
    assert members_of("Sales EU") == ["omar.aziz@acme.example"]
    entra.told("DELETE", f"Users/{omar}")
    assert members_of("Sales EU") == []
    assert Person.objects.filter(email="omar.aziz@acme.example").exists()


def test_what_okta_sends_leads_to_people_and_groups(people: People, okta: Provider) -> None:
    whole: dict[str, Any] = {
        "schemas": [USER],
        "userName": "lea@acme.example",
        "name": {"givenName": "Lea", "familyName": "Sand"},
        "emails": [{"primary": True, "value": "lea@acme.example", "type": "work"}],
        "externalId": "00u1",
        "locale": "en-GB",
        "groups": [],
        "password": "x",
        "active": True,
    }
    assert okta.told("GET", "Users", filter='userName eq "lea@acme.example"', startIndex="1", count="100") == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0, "itemsPerPage": 0, "startIndex": 1, "Resources": [],
    }  # fmt: skip
    lea = okta.told("POST", "Users", whole)
    assert "password" not in lea
    assert Person.objects.get(email="lea@acme.example").name == "Lea Sand"
    ops = okta.group("Ops", lea["id"])
    assert members_of("Ops") == ["lea@acme.example"]

    okta.told("PUT", f"Users/{lea['id']}", whole | {"active": False})
    assert members_of("Ops") == []
    okta.told("PUT", f"Users/{lea['id']}", whole | {"name": {"givenName": "Lea", "familyName": "Stein"}})
    assert members_of("Ops") == ["lea@acme.example"]
    assert ScimUser.objects.get().name == "Lea Stein"

    okta.patch(f"Users/{lea['id']}", {"op": "replace", "value": {"active": False}})
    assert members_of("Ops") == []
    okta.patch(f"Groups/{ops}", {"op": "replace", "value": {"id": ops, "displayName": "Operations"}})
    okta.told("PUT", f"Groups/{ops}", {"schemas": [GROUP], "displayName": "Operations", "members": []})
    assert not ScimMember.objects.exists()
    okta.told("DELETE", f"Groups/{ops}")
    assert not SyncGroup.objects.exists()


def test_what_changes_is_written_down_with_the_name_of_the_token(entra: Provider) -> None:
    user = entra.user("ines@acme.example")
    group = entra.group("Sales", user)
    entra.patch(f"Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user}]})
    entra.patch(f"Users/{user}", {"op": "replace", "path": "active", "value": False})
    entries = AuditEntry.objects.filter(actor_name="API token Entra").order_by("pk")
    assert [(each.action, each.subject, each.after) for each in entries][1:] == [
        ("provisioned group", "Sales", {}),
        ("changed members of provisioned group", "Sales", {"added": ["ines@acme.example"], "removed": []}),
        ("changed provisioned user", "ines@acme.example", {"active": False}),
    ]


def test_somebody_told_of_twice_stays_while_one_of_them_is_active(entra: Provider) -> None:
    address = [{"value": "ines@acme.example"}]
    both = [entra.user(name, emails=address) for name in ("ines", "ines.admin")]
    entra.group("Sales", *both)
    entra.patch(f"Users/{both[0]}", {"op": "replace", "path": "active", "value": False})
    assert members_of("Sales") == ["ines@acme.example"]


MANY_USERS = """
INSERT INTO accounts_scimuser (key, tenant_id, user_name, external_id, email, name, is_active, details)
SELECT gen_random_uuid(), %s, 'u' || i, 'many', '', '', true, '{}' FROM generate_series(1, 10000) i
"""

MANY_MEMBERS = """
INSERT INTO accounts_scimmember (group_id, user_id)
SELECT %s, id FROM accounts_scimuser WHERE external_id = 'many' ORDER BY id
"""


def test_ten_thousand_members_take_no_query_each(people: People, entra: Provider) -> None:
    entra.user("first@acme.example")
    group, newcomer = entra.group("All"), entra.user("new@acme.example")
    with connection.cursor() as cursor:
        cursor.execute(MANY_USERS, [people.acme.pk])
        cursor.execute(MANY_MEMBERS, [SyncGroup.objects.get().pk])
    rows = list(ScimUser.objects.filter(external_id="many").order_by("pk"))
    with assertNumQueries(3):  # the token, the group, its members
        assert len(entra.told("GET", f"Groups/{group}")["members"]) == 10_000
    with assertNumQueries(2):
        assert "members" not in entra.told("GET", f"Groups/{group}", excludedAttributes="members")
    leaver = {"op": "remove", "path": f'members[value eq "{rows[7].key}"]'}
    with assertNumQueries(18):
        entra.patch(f"Groups/{group}", {"op": "add", "path": "members", "value": [{"value": newcomer}]}, leaver)
    assert ScimMember.objects.count() == 10_000
    assert members_of("All") == ["new@acme.example"]
    whole = {"schemas": [GROUP], "displayName": "All", "members": [{"value": str(row.key)} for row in rows[:9000]]}
    entra.ask("PUT", f"Groups/{group}", whole)
    assert (ScimMember.objects.count(), members_of("All")) == (9000, [])


def test_pages_follow_each_other_and_are_bounded(people: People, entra: Provider) -> None:
    ScimUser.objects.bulk_create(ScimUser(tenant=people.acme, user_name=f"u{each:03}") for each in range(250))
    first = entra.told("GET", "Users", count="1000000")
    rest = entra.told("GET", "Users", startIndex=str(1 + first["itemsPerPage"]))
    names = [each["userName"] for each in [*first["Resources"], *rest["Resources"]]]
    assert (first["totalResults"], len(first["Resources"]), names) == (250, 200, [f"u{each:03}" for each in range(250)])
    assert entra.told("GET", "Users", count="0")["Resources"] == []


# --- What is refused


@pytest.mark.parametrize(
    ("query", "is_good"),
    [
        ('userName sw "IN"', True),
        ('emails.value co "acme" and active eq true', True),
        ('emails[value eq "ines@acme.example"]', True),
        ('externalId eq "7" or displayName eq "ines roth"', True),
        ("userName pr", False),
        ('password eq "x"', False),
        ('userName eq "a', False),
        ('meta.created gt "2020-01-01T00:00:00Z"', False),
        ("(" * 480 + 'userName sw "i"' + ")" * 480, True),
        ('userName eq "' + "a" * 2000 + '"', False),
    ],
)
def test_a_filter_finds_or_is_refused_as_one(entra: Provider, query: str, is_good: bool) -> None:
    ines = entra.user("ines@acme.example", displayName="Ines Roth")
    answer = entra.ask("GET", "Users", filter=query)
    if is_good:
        assert [each["id"] for each in answer.json()["Resources"]] == [ines]
    else:
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{", 400, "invalidSyntax"),
        (b"[" * 100_000, 400, "invalidSyntax"),
        (b"[]", 400, "invalidSyntax"),
        (b'"' + b"a" * (5 * 1024 * 1024) + b'"', 413, None),
        ({"schemas": [USER]}, 400, "invalidValue"),
        ({"schemas": [USER], "userName": "a\0b"}, 400, "invalidValue"),
        ({"schemas": [USER], "userName": "a" * 400}, 400, "invalidValue"),
        ({"schemas": [USER], "userName": "b", "emails": [{"value": "\ud800@x"}]}, 400, "invalidValue"),
        ({"schemas": [USER], "userName": "INES@acme.example"}, 409, "uniqueness"),
    ],
)
def test_a_senseless_user_is_refused_in_words(entra: Provider, body: Any, status: int, kind: str | None) -> None:
    entra.user("ines@acme.example")
    answer = entra.ask("POST", "Users", body)
    assert (answer.status_code, answer.json().get("scimType")) == (status, kind), answer.content
    assert answer["Content-Type"] == "application/scim+json"
    assert answer.json()["detail"]
    assert ScimUser.objects.count() == 1


def test_a_member_who_is_nobody_is_refused_and_nothing_is_done(entra: Provider) -> None:
    group = entra.group("Sales")
    for value in ("nobody", "7b1d9a4e-2f0c-4f6e-9d61-3d5f7c1b2a90"):
        patch = {"Operations": [{"op": "add", "path": "members", "value": [{"value": value}]}]}
        patch["schemas"] = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]  # type: ignore[assignment]
        assert entra.ask("PATCH", f"Groups/{group}", patch).status_code in (400, 404)
    assert not ScimMember.objects.exists()


def test_another_tenant_has_nothing_of_it(people: People, entra: Provider) -> None:
    ines = entra.user("ines@acme.example")
    sales = entra.group("Sales", ines)
    other = Provider(token(people.globex, [Scope.SCIM]))
    theirs = other.group("Theirs")
    for path in (f"Users/{ines}", f"Groups/{sales}"):
        kind = USER if path.startswith("Users") else GROUP
        whole = {"schemas": [kind], "userName": "x", "displayName": "x"}
        assert [other.ask(each, path, whole).status_code for each in ("GET", "PUT", "DELETE")] == [404] * 3
    patch = {"op": "add", "path": "members", "value": [{"value": ines}]}
    told = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [patch]}
    assert other.ask("PATCH", f"Groups/{theirs}", told).status_code == 404
    assert other.ask("PATCH", f"Groups/{sales}", told).status_code == 404
    assert other.found("Users", 'userName sw "ines"') == []
    assert other.found("Groups", f'members eq "{ines}"') == []
    assert (members_of("Sales"), members_of("Theirs")) == (["ines@acme.example"], [])
    other.user("ines@acme.example")
    assert Person.objects.filter(email="ines@acme.example").count() == 2


def test_a_group_of_a_platform_is_not_there(people: People, entra: Provider) -> None:
    group = SyncGroup.objects.create(tenant=people.acme, installation_id=OBJECTS["number"](people.acme), name="Team")
    assert entra.told("GET", "Groups")["totalResults"] == 0
    assert entra.ask("DELETE", f"Groups/{group.key}").status_code == 404


@pytest.mark.parametrize("path", ["ServiceProviderConfig", "Users", "Groups", "Schemas", "ResourceTypes", "nowhere"])
def test_without_a_token_for_it_nothing_is_told(people: People, path: str) -> None:
    for shown, status in (("mio_invented", 401), (token(people.acme, set(Scope) - {Scope.SCIM}), 403)):
        for method in ("GET", "POST", "PATCH"):
            answer = Provider(shown).ask(method, path, {})
            assert (answer.status_code, answer.json()["status"]) == (status, str(status))
            assert answer["Content-Type"] == "application/scim+json"


def test_a_token_that_was_revoked_opens_nothing(people: People, entra: Provider) -> None:
    entra.told("GET", "Users")
    people.acme.api_tokens.update(revoked_at=timezone.now())
    answer = entra.ask("GET", "Users")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="Mio Hub"')


def test_the_hub_says_what_to_enter_at_the_identity_provider(people: People, entra: Provider) -> None:
    entra.group("Sales", entra.user("ines@acme.example"))
    page = page_text(people.browser(people.carla).get(f"/t/{people.acme.key}/api/", secure=True))
    assert "https://hub.example.com/scim/v2" in page
    assert "1 user and 1 group" in page


def test_the_end_of_a_group_unsyncs_whom_it_had_synced(people: People, entra: Provider) -> None:
    group = entra.group("Sales")
    SyncGroup.objects.filter(key=group).update(is_on=True, was_on=True)
    entra.told("DELETE", f"Groups/{group}")
    run = SyncRun.objects.get(tenant=people.acme)
    assert (run.deed, run.state, run.started_by) == ("group", "planning", None)  # goes on by itself
