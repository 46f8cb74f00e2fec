"""Every operation of the API, walked with no token, with a token without the scope, and with another tenant's things."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from accounts.models import ApiToken, Scope
from mio_hub.api.urls import urlpatterns
from mio_hub.api.views import Action, Operation
from mio_hub.bench.walking import OBJECTS
from tests.api.programs import asked, program, token
from tests.hub.test_access import Rows
from tests.people import People

PUBLIC = {"page", "document"}
"""What shows nobody's data."""

OPERATIONS = [each for each in urlpatterns if each.name not in PUBLIC and each.name != "nowhere"]
OF_A_THING = [each for each in OPERATIONS if each.pattern.converters]
LISTS = [each for each in OPERATIONS if each.name != "plan-sync-run" and not each.pattern.converters]
NOWHERE = urlpatterns[-1]


def view_of(operation: URLPattern) -> type[Operation]:
    found: type[Operation] = operation.callback.view_class  # type: ignore[attr-defined]
    return found


def path(operation: URLPattern, tenant: object) -> str:
    route = str(operation.pattern)
    for name in operation.pattern.converters:
        value = "no-such-thing" if name == "anything" else str(OBJECTS[name](tenant))  # type: ignore[arg-type]
        route = route.replace(f"<int:{name}>", value).replace(f"<path:{name}>", value)
    return f"/api/v1/{route}"


def ask(client: Client, operation: URLPattern, tenant: object) -> int:
    """The status of the right method; errors are problem details."""
    address = path(operation, tenant)
    is_action = issubclass(view_of(operation), Action)
    answer = (
        client.post(address, {}, "application/json", secure=True) if is_action else client.get(address, secure=True)
    )
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return answer.status_code


@pytest.fixture
def full(people: People) -> People:
    """Both companies have something of every kind."""
    for tenant in (people.acme, people.globex):
        for make in OBJECTS.values():
            make(tenant)
    return people


def test_every_operation_says_which_scope_it_needs() -> None:
    assert len(OPERATIONS) == 22
    assert [each.name for each in OPERATIONS if view_of(each).scope is None] == []


def test_without_a_good_token_nothing_is_there(full: People) -> None:
    clients = (Client(), program("mio_invented"), full.browser(full.ann))
    before = Rows()
    for client in clients:
        assert {each.name: ask(client, each, full.acme) for each in [*OPERATIONS, NOWHERE]} == {
            each.name: 401 for each in [*OPERATIONS, NOWHERE]
        }
    assert before.are_the_same


def test_without_the_scope_nothing_is_shown_or_changed(full: People) -> None:
    scopes = [each for each in Scope if each != Scope.SCIM]
    clients = {left_out: program(token(full.acme, set(Scope) - {left_out}, name=left_out)) for left_out in scopes}
    for left_out, client in clients.items():
        asked(client, "people" if left_out != Scope.PEOPLE_READ else "audit")  # notes the use of the token
    before = Rows()
    for operation in OPERATIONS:
        scope = view_of(operation).scope
        assert scope
        assert ask(clients[scope], operation, full.acme) == 403, operation
    assert before.are_the_same


def test_with_the_scope_alone_it_is_answered(full: People) -> None:
    for operation in OPERATIONS:
        scope, refusals = view_of(operation).scope, {400, 409} if issubclass(view_of(operation), Action) else set()
        assert scope
        assert ask(program(token(full.acme, [scope])), operation, full.acme) in {200, *refusals}, operation


def test_what_belongs_to_another_tenant_is_not_there(full: People) -> None:
    client = program(token(full.acme))
    asked(client, "people")
    before = Rows()
    for operation in [*OF_A_THING, NOWHERE]:
        assert ask(client, operation, full.globex) == 404, operation
    assert before.are_the_same


def test_no_list_shows_anything_of_another_tenant(full: People) -> None:
    client = program(token(full.acme))
    for operation in LISTS:
        answer = client.get(path(operation, full.acme), {"limit": 200}, secure=True)
        assert answer.json()["items"], operation
        assert "Globex" not in answer.content.decode()
        assert full.globex.key not in answer.content.decode()


@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(days=1)}])
def test_a_token_that_ended_opens_nothing(people: People, change: dict[str, object]) -> None:
    client = program(token(people.acme))
    asked(client, "people")
    ApiToken.objects.update(**change)
    assert client.get("/api/v1/people", secure=True).status_code == 401


def test_who_may_not_is_told_how_to_ask(people: People) -> None:
    answer = Client().get("/api/v1/people", secure=True)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "Nothing was done" in answer.json()["detail"]
