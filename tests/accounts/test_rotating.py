"""Changing the key of what is stored encrypted."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import call_command

from accounts.models import Installation, PlatformApp, Tenant, Token, User
from accounts.secrets import seal, unseal


@pytest.fixture
def token(db: None) -> Token:
    tenant = Tenant.objects.create(name="Acme")
    installation = Installation.objects.create(
        tenant=tenant, platform="slack", workspace="T1", name="Acme", account="U0"
    )
    PlatformApp.objects.create(tenant=tenant, platform="slack", secrets={"signing_secret": "hush"})
    return Token.objects.create(installation=installation, kind="bot", access="xoxb-1", refresh="xoxe-1")


def test_after_rotation_the_old_key_is_not_needed_any_more(token: Token, settings: Any) -> None:
    old, new = settings.MIO_FIELD_KEYS[0], Fernet.generate_key().decode()
    settings.MIO_FIELD_KEYS = [new, old]
    user = User.objects.create_user("ann")
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": seal("seconds")})
    call_command("rotate_keys")
    settings.MIO_FIELD_KEYS = [new]
    assert Token.objects.get().access == "xoxb-1"
    assert Token.objects.get().refresh == "xoxe-1"
    assert PlatformApp.objects.get().secrets == {"signing_secret": "hush"}
    assert unseal(Authenticator.objects.get().data["secret"]) == "seconds"


def test_without_rotation_the_old_key_is_needed(token: Token, settings: Any) -> None:
    settings.MIO_FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(InvalidToken):
        Token.objects.get()
