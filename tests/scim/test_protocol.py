"""An independent client and test suite of the protocol: scim2-client and scim2-tester.

They are imported where they are used, for they take longer to read than all the tests: every process of the suite reads this.
"""

from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from accounts.models import Scope
from tests.api.programs import token
from tests.people import People


@pytest.fixture
def client_of_acme(people: People, settings: Any) -> Any:
    from scim2_client.engines.wsgi import WSGISCIMClient

    settings.SECURE_SSL_REDIRECT = False
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # it would close the test's transaction
    bearer = {"Authorization": f"Bearer {token(people.acme, [Scope.SCIM])}"}
    yield WSGISCIMClient(get_wsgi_application(), f"{settings.MIO_BASE_URL}/scim/v2", bearer)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_every_check_of_the_independent_tester_passes(client_of_acme: Any) -> None:
    from scim2_tester import Status, check_server

    results = check_server(client_of_acme)
    assert len(results) > 50
    assert [f"{each.title}: {each.reason}" for each in results if each.status != Status.SUCCESS] == []
