"""Tokens: renewed early, by one worker only, and what happens when one is dead."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, connections
from django.utils import timezone
from redis import Redis

from accounts import tokens, watching
from accounts.models import AuditEntry, Installation, Token
from connectors.sandbox import Fault, World
from tests.conftest import HUB
from tests.consenting import Traveller
from tests.people import People

RACERS = 10


@pytest.fixture
def traveller(
    transactional_db: None, world: World, people: People, redis: Redis, intercepted_requests: Any, settings: Any
) -> Traveller:
    settings.MIO_BASE_URL = HUB
    return Traveller(world, people, people.browser(people.bob))


def connected(traveller: Traveller, slug: str) -> Token:
    """A fresh connection's token that has a successor."""
    traveller.connect(slug)
    Token.objects.filter(renew_at__isnull=False).update(renew_at=timezone.now())
    token = Token.objects.exclude(renew_at=None).exclude(kind__in=["app", "bot"] if slug != "slack" else []).get()
    traveller.world.log.clear()
    return token


def asked(traveller: Traveller) -> int:
    """How often the platform was asked for tokens."""
    return sum("grant_type=refresh_token" in entry.body for entry in traveller.world.log)


@pytest.mark.parametrize("slug", ["slack", "teams", "webex", "zoom"])
def test_ten_workers_renew_a_token_once_and_all_have_it(traveller: Traveller, slug: str) -> None:
    token = connected(traveller, slug)

    def race(_: int) -> bool:
        try:
            return tokens.renew(token.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(RACERS) as pool:
        assert list(pool.map(race, range(RACERS))) == [True] * RACERS
    assert asked(traveller) == 1
    renewed = Token.objects.get(pk=token.pk)
    assert renewed.access != token.access
    assert renewed.refresh
    assert renewed.renew_at is not None
    assert renewed.renew_at > timezone.now()
    watching.look(renewed.installation_id)
    assert Installation.objects.get().state == "connected"


@pytest.mark.parametrize("slug", ["slack", "teams", "webex", "zoom"])
def test_a_token_is_due_before_it_ends(traveller: Traveller, slug: str) -> None:
    traveller.connect(slug)
    for token in Token.objects.exclude(expires_at=None):
        assert token.renew_at is not None
        assert timezone.now() < token.renew_at < token.expires_at - timedelta(minutes=2)  # type: ignore[operator]


def test_a_platform_in_trouble_is_asked_again_and_nothing_is_given_up(traveller: Traveller) -> None:
    token = connected(traveller, "zoom")
    for status in (429, 503):
        traveller.world.faults = [Fault("zoom", status=status)]
        Token.objects.update(renew_at=timezone.now())
        assert tokens.renew(token.pk) is False
        assert Installation.objects.get().state == "connected"
        assert timezone.now() < Token.objects.get(pk=token.pk).renew_at <= timezone.now() + tokens.RETRY  # type: ignore[operator]
    traveller.world.faults.clear()
    Token.objects.update(renew_at=timezone.now())
    assert tokens.renew(token.pk) is True


@pytest.mark.parametrize("slug", ["slack", "teams", "webex", "zoom"])
def test_a_dead_refresh_token_flags_the_connection_and_tells_the_administrators_once(
    traveller: Traveller, slug: str
) -> None:
    token = connected(traveller, slug)
    fake: Any = traveller.world.fakes[slug]
    fake.revoke_app()
    assert tokens.renew(token.pk) is False
    installation = Installation.objects.get()
    assert installation.state == "needs reconnect"
    assert "could not be renewed" in installation.problem
    assert watching.tell_administrators() == 1
    assert watching.tell_administrators() == 0
    [letter] = mail.outbox
    assert set(letter.bcc) == {"ann@acme.example", "bob@acme.example"}
    assert f"/connections/{installation.pk}/" in letter.body
    assert AuditEntry.objects.get(action="lost connection").actor is None


@pytest.mark.parametrize("slug", ["slack", "teams", "webex", "zoom"])
def test_a_look_notices_that_permission_was_withdrawn(traveller: Traveller, slug: str) -> None:
    traveller.connect(slug)
    pk = Installation.objects.get().pk
    watching.look(pk)
    assert Installation.objects.get().state == "connected"
    fake: Any = traveller.world.fakes[slug]
    fake.revoke_app()
    watching.look(pk)
    assert Installation.objects.get().state == "needs reconnect"


def test_a_platform_in_trouble_is_no_withdrawal(traveller: Traveller) -> None:
    traveller.connect("webex")
    traveller.world.faults.append(Fault("webex", status=503))
    watching.look(Installation.objects.get().pk)
    assert Installation.objects.get().state == "connected"


def test_no_token_is_stored_in_clear(traveller: Traveller) -> None:
    for slug in ("slack", "teams", "webex", "zoom"):
        traveller.connect(slug)
    clear = [value for token in Token.objects.all() for value in (token.access, token.refresh) if value]
    assert len(clear) > len(Installation.objects.all())
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 (names of our own tables)
            rows = " ".join(row[0] for row in cursor.fetchall())
            assert not any(token in rows for token in clear), table
