"""The OpenAPI document, and that the API does what it says: asked by schemathesis, which invents requests from it.

It is imported where it is used, for that takes seconds, and every process of the suite reads this.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import hypothesis
import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from mio_hub.api.schema import document
from mio_hub.bench.walking import OBJECTS
from tests.api.programs import token
from tests.hub.reading import page_text
from tests.people import People

FEW = 4
"""Requests invented for each operation: making one up takes longer than answering it."""

OPERATIONS = sorted(f"{method} {path}" for path, methods in document()["paths"].items() for method in methods)


def test_the_document_is_openapi_3_1_and_every_schema_in_it_is_one() -> None:
    served = Client().get("/api/v1/openapi.json", secure=True).json()
    assert served["openapi"] == "3.1.0"
    for schema in served["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)
    assert {name for methods in served["paths"].values() for each in methods.values() for name in each} >= {
        "operationId", "responses", "security", "summary",
    }  # fmt: skip


def test_no_operation_is_missing_and_each_has_a_name_of_its_own() -> None:
    names = [each["operationId"] for methods in document()["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names)) == 22


def test_the_page_lists_every_operation_without_a_script(db: None) -> None:
    page = Client().get("/api/v1/", secure=True)
    text = page_text(page)
    assert all(path in text for path in document()["paths"])
    assert "unsafe-inline" not in page["Content-Security-Policy"]


@pytest.fixture
def full(people: People, settings: Any) -> Iterator[dict[str, Any]]:
    """The headers of a token that may do everything, in a tenant with something of every kind."""
    settings.SECURE_SSL_REDIRECT = False
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # it would close the test's transaction, as Django's own client knows
    for make in OBJECTS.values():
        make(people.acme)
    yield {"Authorization": f"Bearer {token(people.acme)}"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@cache
def described() -> Any:
    """The API as schemathesis sees it; it takes a second to read."""
    import schemathesis

    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@cache
def checks() -> list[Any]:
    """What every answer must be."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as openapi

    conformance = openapi.status_code_conformance, openapi.content_type_conformance, openapi.response_schema_conformance
    return [not_a_server_error, *conformance]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_is_asked_the_answer_is_documented(full: dict[str, Any], operation: str, people: People) -> None:
    method, path = operation.split()
    asked = described()[path][method]
    known = {name: str(make(people.acme)) for name, make in OBJECTS.items()}

    @given(case=asked.as_strategy(), is_known=st.booleans())
    @hypothesis.settings(
        max_examples=FEW, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def invented(case: Any, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        case.call_and_validate(headers=full, checks=checks())

    invented()
