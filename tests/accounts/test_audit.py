"""What is written down of a change, above all from where it came."""

from typing import Any

import pytest

from accounts.audit import changes, record
from tests.accounts.asking import request_of
from tests.people import People

CLAIMED = {"x-forwarded-for": "198.51.100.1, 192.0.2.44"}


@pytest.mark.parametrize(("proxies", "address"), [(0, "203.0.113.7"), (1, "192.0.2.44")])
def test_what_a_browser_claims_about_its_address_is_not_believed(
    people: People, settings: Any, proxies: int, address: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    entry = record(people.acme, "changed settings", "name", request_of(people.ann, **CLAIMED))
    assert entry.address == address


def test_what_happens_by_itself_has_a_name_too(people: People) -> None:
    entry = record(people.acme, "lost a token", "Slack")
    assert (entry.actor_name, entry.actor, entry.address) == ("Mio Hub", None, None)


def test_only_what_differs_is_told() -> None:
    assert changes({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ({"b": 2}, {"b": 3})
