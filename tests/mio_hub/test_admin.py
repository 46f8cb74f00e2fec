import pytest
from django.test import Client

from accounts.models import Installation, PlatformApp, Tenant, Token, User
from mio_hub.sandbox import demo
from tests.house import House

TABLES = ["accounts/installation", "accounts/platformaccount", "accounts/person", "relay/conversationlink"]
TABLES += ["accounts/tenant", "accounts/user", "accounts/membership", "accounts/auditentry", "accounts/platformapp"]
TABLES += ["accounts/token", "accounts/subscription"]
TABLES += ["relay/delivery", "relay/inboundevent", "relay/dailycount", "relay/shard"]


@pytest.fixture
def admin(house: House, client: Client) -> Client:
    demo.add_administrator(Tenant.objects.create(name="Acme"))
    assert client.login(username=demo.LOGIN, password=demo.PASSWORD)
    return client


@pytest.mark.parametrize("table", TABLES)
def test_the_demo_administrator_sees_every_table(admin: Client, table: str) -> None:
    assert admin.get(f"/admin/{table}/", secure=True).status_code == 200


def test_what_is_stored_encrypted_is_never_shown(admin: Client) -> None:
    installation = Installation.objects.get(platform="slack")
    own = PlatformApp.objects.create(
        tenant=installation.tenant, platform="slack", secrets={"signing_secret": "hush-hush"}
    )
    tokens = list(Token.objects.all())
    pages = [f"installation/{installation.pk}", f"platformapp/{own.pk}", *(f"token/{token.pk}" for token in tokens)]
    for page in pages:
        html = admin.get(f"/admin/accounts/{page}/change/", secure=True).content.decode()
        assert "Mio Hub, for its operator" in html
        assert "hush-hush" not in html
        assert not any(token.access in html for token in tokens)


def test_no_password_is_shown_there(admin: Client) -> None:
    user = User.objects.get(username=demo.LOGIN)
    assert user.password not in admin.get(f"/admin/accounts/user/{user.pk}/change/", secure=True).content.decode()


def test_nothing_can_be_changed_there(admin: Client) -> None:
    installation = Installation.objects.filter(platform="slack").get()
    answer = admin.post(f"/admin/accounts/installation/{installation.pk}/change/", {"name": "mine"}, secure=True)
    assert answer.status_code == 403
