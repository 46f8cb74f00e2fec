"""What stops when a channel is paused or left, and who comes first when two decide at once."""

from threading import Thread
from typing import Any, cast

import pytest
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis

from accounts.members import NotPossible
from accounts.models import Channel, Installation, Tenant
from relay import sharing, syncing
from relay.models import ConversationLink, UniversalConversation
from tests.house import House
from tests.stories.test_conversation import SPEAKERS
from tests.stories.test_universal import OURS, Shared, shared  # noqa: F401 (a fixture)


def test_while_a_channel_is_paused_no_edit_and_no_reaction_crosses_but_a_deletion_does(house: House) -> None:
    fake: Any = house.world.fakes["slack"]
    who, place = house.person("slack", SPEAKERS["slack"]), house.place("slack")
    message = house.type("slack", SPEAKERS["slack"], "first words")
    house.relay()
    UniversalConversation.objects.update(paused_at=timezone.now())
    fake.edit_as(who, place, message, "second thoughts")
    fake.react_as(who, place, message, "👍")
    house.relay()
    assert "second thoughts" not in "".join(house.shown("zoom"))
    assert "first words" in "".join(house.shown("zoom"))
    fake.delete_as(who, place, message)
    house.relay()
    assert "first words" not in "".join(house.shown("zoom"))


def test_a_change_that_was_heard_before_a_company_left_does_not_cross_after_it(
    shared: Shared,  # noqa: F811
) -> None:
    house, fake = shared.house, cast(Any, shared.house.world.fakes["slack"])
    who, place = house.person("slack", SPEAKERS["slack"]), house.place("slack")
    message = house.type("slack", SPEAKERS["slack"], "first words")
    house.relay()
    fake.edit_as(who, place, message, "second thoughts")
    house.take_webhooks_in()
    ConversationLink.objects.filter(installation=house.installations["slack"]).update(is_active=False)
    house.relay()
    assert "second thoughts" not in "".join(house.shown("zoom"))


@pytest.mark.parametrize("first", ["sync", "attach"])
def test_two_who_bring_one_channel_somewhere_at_once_bring_it_to_one_place(
    transactional_db: None, redis: Redis, first: str
) -> None:
    """Whoever holds the company's lock is first; the other waits, sees what was done, and is told."""
    tenant = Tenant.objects.create(name="Acme")
    pair = []
    for slug in OURS:
        row = Installation.objects.create(tenant=tenant, platform=slug, workspace=slug, name="Acme", account="U0")
        pair.append(Channel.objects.create(installation=row, external_id="C1", name="general"))
    part, refusals = sharing.found(tenant, "Launch", "acme.example"), []
    acts = {
        "sync": lambda: syncing.sync(tenant, [each.pk for each in pair]),
        "attach": lambda: sharing.attach(part, pair[0]),
    }
    [second] = acts.keys() - {first}

    def late() -> None:
        try:
            acts[second]()
        except NotPossible as problem:
            refusals.append(str(problem))
        finally:
            connection.close()

    other = Thread(target=late)
    with transaction.atomic():
        acts[first]()
        other.start()
        while other.is_alive() and not _somebody_waits():
            pass
    other.join()
    assert ConversationLink.objects.filter(external_id="C1", installation=pair[0].installation).count() == 1
    if second == "attach":
        assert len(refusals) == 1
        assert "is synced already" in refusals[0]


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
