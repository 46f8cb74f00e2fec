"""The demo company is in the database after one command, and after two there is not more of it."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

import connectors
from accounts.models import DirectoryImport, Installation, Person, PlatformAccount, Team, Tenant
from connectors.sandbox import CAST, World
from mio_hub.sandbox import demo
from relay.models import ConversationLink, UniversalConversation

pytestmark = pytest.mark.django_db

MODELS = (Tenant, Installation, Person, PlatformAccount, UniversalConversation, ConversationLink)


def test_every_platform_is_connected_as_after_a_consent(world: World) -> None:
    demo.seed(world)
    for slug, fake in world.fakes.items():
        installation = Installation.objects.get(platform=slug)
        assert installation.credentials() == fake.credentials()


def test_people_are_one_person_on_all_their_platforms(world: World) -> None:
    demo.seed(world)
    for actor in CAST:
        accounts = PlatformAccount.objects.filter(person__email=actor.email)
        assert sorted(accounts.values_list("installation__platform", flat=True)) == sorted(actor.platforms)


def test_the_linked_channel_has_a_leg_on_every_platform_and_the_other_has_none(world: World) -> None:
    demo.seed(world)
    [general] = UniversalConversation.objects.all()
    legs = dict(general.links.values_list("installation__platform", "external_id"))
    assert legs == {
        slug: place.conversation for slug, fake in world.fakes.items() for place in fake.places() if place.linked
    }


def test_seeding_again_changes_nothing(world: World) -> None:
    demo.seed(world)
    before = [set(model.objects.values_list("pk")) for model in MODELS]
    demo.seed(world)
    assert [set(model.objects.values_list("pk")) for model in MODELS] == before


def test_the_command_uses_the_secrets_of_the_settings(settings: Any, platform_secrets: dict[str, Any]) -> None:
    settings.MIO_SANDBOX_URL = "http://127.0.0.1:8100"
    for _ in range(2):
        call_command("seed_demo")
    assert Installation.objects.count() == len(connectors.slugs())
    assert DirectoryImport.objects.filter(state="running").count() == len(connectors.slugs())
    chosen = Team.objects.filter(is_chosen=True).order_by("installation__platform")
    assert list(chosen.values_list("installation__platform", flat=True).distinct()) == ["teams", "webex"]


def test_a_hub_of_real_platforms_gets_no_demo_company(settings: Any, platform_secrets: dict[str, Any]) -> None:
    settings.MIO_SANDBOX_URL = ""
    with pytest.raises(CommandError, match="MIO_SANDBOX_URL"):
        call_command("seed_demo")
    assert not Tenant.objects.exists()


def test_the_accounts_at_rest_are_ciphertext(world: World) -> None:
    demo.seed(world)
    with connection.cursor() as cursor:
        cursor.execute("SELECT access || refresh FROM accounts_token")
        stored = " ".join(row[0] for row in cursor.fetchall())
    for fake in world.fakes.values():
        assert not any(token in stored for token in fake.credentials().tokens.values())
