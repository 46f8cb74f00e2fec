"""What a tenant's program sees and does through the API."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertNumQueries
from redis import Redis

from accounts import user_sync
from accounts.models import ApiToken, AuditEntry, Channel, Installation, Person, PlatformAccount, SyncRun, UserSync
from mio_hub.api import entering
from mio_hub.bench.failing import failure
from mio_hub.bench.walking import OBJECTS
from mio_hub.limits import Limit
from relay.models import ConversationLink, Delivery, UniversalConversation
from tests.api.programs import asked, program, token, told
from tests.people import People


@pytest.fixture
def nightly(people: People) -> Client:
    """A program of Acme's that may do everything; its token was used before."""
    client = program(token(people.acme))
    asked(client, "connections")
    return client


def a_hundred(people: People) -> Installation:
    place = Installation.objects.get(pk=OBJECTS["number"](people.acme))
    everybody = Person.objects.bulk_create(
        Person(tenant=people.acme, name=f"P{number}", email=f"P{number}@acme.example") for number in range(100)
    )
    accounts = PlatformAccount.objects.bulk_create(
        PlatformAccount(installation=place, person=person, external_id=person.name, name=person.name)
        for person in everybody
    )
    UserSync.objects.bulk_create(
        UserSync(person=account.person, installation=place, account=account, kind="guest") for account in accounts
    )
    Channel.objects.bulk_create(
        Channel(installation=place, external_id=f"C{number}", name=f"c{number}") for number in range(1, 100)
    )
    for number in range(20):
        synced = UniversalConversation.objects.create(tenant=people.acme, name=f"s{number}")
        ConversationLink.objects.create(conversation=synced, installation=place, external_id=f"C{number}", name="c")
    return place


@pytest.mark.parametrize(
    ("path", "queries"),
    [("people", 3), ("syncs", 2), ("channels", 2), ("synced-channels", 3), ("connections", 2), ("deliveries", 2)],
)
def test_a_long_list_takes_no_more_queries(people: People, nightly: Client, path: str, queries: int) -> None:
    a_hundred(people)
    with assertNumQueries(queries):  # the token, the rows, what they bring along
        asked(nightly, path, limit=200)


def test_pages_follow_each_other_to_the_end(people: People, nightly: Client) -> None:
    a_hundred(people)
    names: list[str] = []
    page = asked(nightly, "people", limit=30)
    while page["next"]:
        names += [each["name"] for each in page["items"]]
        page = asked(nightly, "people", limit=30, cursor=page["next_cursor"])
    names += [each["name"] for each in page["items"]]
    assert names == [f"P{number}" for number in range(100)]


def test_a_person_is_found_by_address_with_their_accounts(people: People, nightly: Client) -> None:
    place = a_hundred(people)
    [found] = asked(nightly, "people", email="p7@ACME.example")["items"]
    assert (found["name"], found["accounts"][0]["connection"]) == ("P7", place.pk)
    assert asked(nightly, f"people/{found['id']}") == found


def test_a_channel_says_what_it_is_synced_in(people: People, nightly: Client) -> None:
    a_hundred(people)
    [found] = asked(nightly, "channels", name="c12")["items"]
    assert asked(nightly, f"synced-channels/{found['synced_channel']}")["name"] == "s12"


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "x"}, {"cursor": "9" * 30}, {"email": "a\0b"}, {"connection": "-1"}],
)
def test_a_senseless_filter_is_refused_in_words(nightly: Client, query: dict[str, Any]) -> None:
    answer = nightly.get("/api/v1/people", query, secure=True)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(query)


def test_a_program_pauses_and_resumes_a_channel_and_the_log_names_it(people: People, nightly: Client) -> None:
    number = OBJECTS["synced"](people.acme)
    assert told(nightly, f"synced-channels/{number}/pause").json()["state"] == "paused"
    assert told(nightly, f"synced-channels/{number}/resume").json()["state"] == "active"
    entries = AuditEntry.objects.filter(action__endswith="synced channel").order_by("pk")
    assert [(each.actor_name, each.action) for each in entries] == [
        ("API token Nightly", "paused synced channel"),
        ("API token Nightly", "resumed synced channel"),
    ]


def test_a_channel_is_unsynced_once_and_then_it_is_a_conflict(people: People, nightly: Client) -> None:
    number = OBJECTS["synced"](people.acme)
    assert told(nightly, f"synced-channels/{number}/unsync").json()["state"] == "ended"
    again = told(nightly, f"synced-channels/{number}/unsync")
    assert (again.status_code, again.json()["detail"]) == (
        409, "This channel is not synced any more. Nothing was changed.",
    )  # fmt: skip


def test_a_failure_is_listed_tried_again_and_let_go(people: People, nightly: Client) -> None:
    row = failure(people.acme)
    [listed] = asked(nightly, "deliveries", what="kept", platform="teams")["items"]
    assert (listed["id"], listed["state"], listed["reason"]) == (row.pk, "parked", "the channel is archived there")
    assert told(nightly, f"deliveries/{row.pk}/retry").json()["state"] == "waiting"
    assert told(nightly, f"deliveries/{row.pk}/retry").status_code == 409
    other = failure(people.acme, "too long")
    assert told(nightly, f"deliveries/{other.pk}/skip").json()["state"] == "skipped"


def test_the_newest_changes_come_first(people: People, nightly: Client) -> None:
    [entry] = asked(nightly, "audit", action="made API token")["items"]
    assert (entry["actor"], entry["subject"]) == ("ann@acme.example", "Nightly")


# --- Runs of User Sync


def planned(people: People, nightly: Client, deed: str, key: str = "") -> Any:
    """A run that a program has planned for a hundred people."""
    place = a_hundred(people)
    everybody = list(Person.objects.filter(tenant=people.acme).order_by("pk").values_list("pk", flat=True))
    wish = {"deed": deed, "people": everybody, "connections": [place.pk]}
    run = told(nightly, "sync-runs", wish, key).json()
    assert told(nightly, "sync-runs", wish, key).json()["id"] == run["id"] or not key
    while asked(nightly, f"sync-runs/{run['id']}")["state"] == "planning":
        user_sync.work(run["id"])
    return asked(nightly, f"sync-runs/{run['id']}")


def test_a_program_plans_an_unsync_and_must_mean_it(people: People, nightly: Client) -> None:
    run = planned(people, nightly, "unsync", "a")
    assert (run["state"], run["counts"]) == ("planned", {"remove": 100})
    refused = told(nightly, f"sync-runs/{run['id']}/apply")
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "This would end many syncs. Say that you mean it; nothing was changed.",
    )  # fmt: skip
    assert told(nightly, f"sync-runs/{run['id']}/apply", {"may_remove": True}).json()["state"] == "applying"
    while asked(nightly, f"sync-runs/{run['id']}")["state"] == "applying":
        user_sync.work(run["id"])
    assert asked(nightly, f"sync-runs/{run['id']}")["report"] == {"done": 100}
    assert not UserSync.objects.exists()
    assert told(nightly, f"sync-runs/{run['id']}/cancel").status_code == 409
    [entry] = AuditEntry.objects.filter(action="applied user sync").order_by("pk")
    assert entry.actor_name == "API token Nightly"


def test_a_plan_is_thrown_away_by_a_program(people: People, nightly: Client) -> None:
    run = planned(people, nightly, "unsync")
    assert told(nightly, f"sync-runs/{run['id']}/cancel").json()["state"] == "cancelled"
    assert told(nightly, f"sync-runs/{run['id']}/apply").status_code == 409
    assert UserSync.objects.count() == 100


def test_only_ones_own_people_and_connections_can_be_planned_for(people: People, nightly: Client) -> None:
    ours = {"people": [OBJECTS["person"](people.acme)], "connections": [OBJECTS["number"](people.acme)]}
    for name, kind in (("people", "person"), ("connections", "number")):
        answer = told(nightly, "sync-runs", {"deed": "sync"} | ours | {name: [OBJECTS[kind](people.globex)]})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])
    assert not SyncRun.objects.exists()


# --- Once


def test_the_same_wish_with_the_same_key_is_done_once(people: People, nightly: Client) -> None:
    row = failure(people.acme)
    first = told(nightly, f"deliveries/{row.pk}/retry", key="a")
    Delivery.objects.filter(pk=row.pk).update(state=Delivery.State.PARKED)
    again = told(nightly, f"deliveries/{row.pk}/retry", key="a")
    assert (again.status_code, again.json()) == (200, first.json())
    assert Delivery.objects.get(pk=row.pk).state == Delivery.State.PARKED


def test_a_key_that_comes_with_another_wish_is_refused(people: People, nightly: Client) -> None:
    number = OBJECTS["synced"](people.acme)
    told(nightly, f"synced-channels/{number}/pause", key="a")
    answer = told(nightly, f"synced-channels/{number}/resume", key="a")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")


def test_what_was_refused_may_be_asked_again_with_the_same_key(people: People, nightly: Client) -> None:
    row = failure(people.acme)
    Delivery.objects.filter(pk=row.pk).update(state=Delivery.State.DONE)
    assert told(nightly, f"deliveries/{row.pk}/retry", key="a").status_code == 409
    Delivery.objects.filter(pk=row.pk).update(state=Delivery.State.PARKED)
    assert told(nightly, f"deliveries/{row.pk}/retry", key="a").status_code == 200


def test_two_tokens_may_use_the_same_key(people: People, nightly: Client) -> None:
    other, number = program(token(people.acme, name="Other")), OBJECTS["synced"](people.acme)
    assert told(nightly, f"synced-channels/{number}/pause", key="a").status_code == 200
    assert told(other, f"synced-channels/{number}/resume", key="a").json()["state"] == "active"


def test_a_key_without_end_is_refused(people: People, nightly: Client) -> None:
    answer = told(nightly, f"synced-channels/{OBJECTS['synced'](people.acme)}/pause", key="k" * 256)
    assert answer.status_code == 400


# --- Tokens


def test_a_token_has_its_share_of_requests(
    people: People, nightly: Client, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entering, "OFTEN", Limit("api-test", 2, 3600))
    asked(nightly, "people")
    asked(nightly, "people")
    answer = nightly.get("/api/v1/people", secure=True)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    asked(program(token(people.acme, name="Other")), "people")


def test_a_token_is_kept_as_a_digest_and_its_use_is_noted(people: People) -> None:
    shown = token(people.acme)
    asked(program(shown), "people")
    row = ApiToken.objects.get()
    assert shown.startswith("mio_")
    assert shown not in str(vars(row))
    assert row.used_at
    assert shown not in str(list(AuditEntry.objects.order_by("pk").values()))
