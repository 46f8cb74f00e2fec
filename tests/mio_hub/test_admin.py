from typing import Any

import pytest
from django.test import Client

from accounts.models import Installation
from mio_hub.sandbox import demo
from tests.house import House

TABLES = ["accounts/installation", "accounts/platformaccount", "accounts/person", "relay/conversationlink"]
TABLES += ["relay/delivery", "relay/inboundevent", "relay/dailycount", "relay/shard"]


@pytest.fixture
def admin(house: House, client: Client) -> Client:
    demo.add_administrator()
    assert client.login(username=demo.LOGIN, password=demo.PASSWORD)
    return client


@pytest.mark.parametrize("table", TABLES)
def test_the_demo_administrator_sees_every_table(admin: Client, table: str) -> None:
    assert admin.get(f"/admin/{table}/", secure=True).status_code == 200


def test_tokens_are_never_shown(admin: Client) -> None:
    installation: Any = Installation.objects.filter(platform="slack").get()
    page = admin.get(f"/admin/accounts/installation/{installation.pk}/change/", secure=True).content.decode()
    assert installation.workspace in page
    assert not any(token.access in page for token in installation.tokens.all())


def test_nothing_can_be_changed_there(admin: Client) -> None:
    installation = Installation.objects.filter(platform="slack").get()
    answer = admin.post(f"/admin/accounts/installation/{installation.pk}/change/", {"name": "mine"}, secure=True)
    assert answer.status_code == 403
