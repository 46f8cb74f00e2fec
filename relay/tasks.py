"""What Celery runs for the relay: one task per shard, started again as long as there is a beat."""

import asyncio
import gc
import mmap
from typing import Any

import structlog
import uvloop
from asgiref.sync import sync_to_async
from celery import shared_task, signals
from django.conf import settings
from django.db import connections
from django.db.models.functions import Now

from accounts import refreshing
from accounts.models import Installation
from connectors.http import over_aiohttp
from relay import (
    afterwards,
    asked,
    deciding,
    forgetting,
    kept_inside,
    mirroring,
    moving,
    subscriptions,
    summing,
    taking_up,
    telling,
)
from relay.database import LeaseLost
from relay.models import Shard
from relay.shards import drain, tools

log = structlog.get_logger(__name__)

_stop = mmap.mmap(-1, 1)
"""One byte shared with the pool's processes: they are forked from the main one, and only that one hears of a shutdown."""


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]  # Celery is untyped
def ask_to_stop(**_: Any) -> None:
    """Have every shard's loop end its slice now, so that a warm shutdown does not wait for it."""
    _stop[0] = 1


def asked_to_stop() -> bool:
    """Whether this worker is shutting down."""
    return bool(_stop[0])


@shared_task(expires=10)  # type: ignore[untyped-decorator]
def drain_shard(shard: int) -> None:
    """Work on one shard for a slice, then queue the next slice."""
    if asked_to_stop():
        return
    gc.freeze()  # what the process was born with is not looked through again while messages come and go
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            held = runner.run(drain(shard, settings.MIO_SHARDS, asked_to_stop))
    except LeaseLost:
        log.warning("lease lost", shard=shard)
        return
    if held and not asked_to_stop():
        drain_shard.delay(shard)


@shared_task(expires=2)  # type: ignore[untyped-decorator]
def keep_shards_draining() -> None:
    """Queue a slice for every shard that nobody holds. Run by beat, so that nothing stands still for long."""
    held = set(Shard.objects.filter(expires_at__gt=Now()).values_list("number", flat=True))
    for shard in range(settings.MIO_SHARDS):
        if shard not in held:
            drain_shard.delay(shard)


@shared_task  # type: ignore[untyped-decorator]
def keep_subscriptions() -> None:
    """Have the standing orders of every connection seen to."""
    for pk in Installation.objects.filter(state=Installation.State.CONNECTED).values_list("pk", flat=True):
        keep_subscriptions_of.delay(pk)


@shared_task  # type: ignore[untyped-decorator]
def keep_subscriptions_of(pk: int) -> None:
    subscriptions.keep(pk)


@shared_task  # type: ignore[untyped-decorator]
def tell_kept_inside(link: int, account: str, is_restricted: bool) -> None:
    kept_inside.tell(link, account, is_restricted)


@shared_task  # type: ignore[untyped-decorator]
def answer_asked(installation: int, name: str, conversation: str, message: str) -> None:
    """Answer a command that was asked where nothing crosses."""
    asyncio.run(_answer_asked(installation, name, conversation, message))


async def _answer_asked(installation: int, name: str, conversation: str, message: str) -> None:
    try:
        async with tools() as (redis, session):
            transport = over_aiohttp(session)
            await asked.answer(redis, transport, settings.MIO_SANDBOX_URL, installation, name, conversation, message)
    finally:
        await sync_to_async(connections.close_all)()


@shared_task(expires=3)  # type: ignore[untyped-decorator]
def look_into_doubts() -> None:
    """Have every platform asked what its events made us doubt. Run by beat."""
    for pk in refreshing.due():
        refresh_directory.delay(pk)


@shared_task  # type: ignore[untyped-decorator]
def refresh_directory(pk: int) -> None:
    """Ask one platform; who came or went there is mirrored."""
    for conversation in mirroring.affected(refreshing.refresh(pk)):
        mirror_conversation.delay(conversation)


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def plan_memberships() -> None:
    """See whether everybody is where they should be. Run by beat: what an event or a crash left undone is found here."""
    mirroring.plan_all()


@shared_task(expires=5)  # type: ignore[untyped-decorator]
def keep_moving_members() -> None:
    """Queue every conversation in which somebody is to be moved by now. Run by beat."""
    for conversation in moving.waiting():
        mirror_conversation.delay(conversation)


@shared_task  # type: ignore[untyped-decorator]
def mirror_conversation(pk: int) -> None:
    moving.mirror(pk)


# --- Synced channels


@shared_task  # type: ignore[untyped-decorator]
def see_to_channels() -> None:
    """Queue what is to be done for synced channels. Run by beat, and whenever somebody changes one."""
    for pk in taking_up.due().values_list("pk", flat=True):
        take_up_leg.delay(pk)
    for pk in telling.pending().values_list("pk", flat=True):
        tell_channel.delay(pk)


@shared_task  # type: ignore[untyped-decorator]
def take_up_leg(pk: int) -> None:
    installation = taking_up.take_up(pk)
    afterwards.changed([installation] if installation else [])


@shared_task  # type: ignore[untyped-decorator]
def tell_channel(pk: int) -> None:
    telling.tell(pk)


@shared_task  # type: ignore[untyped-decorator]
def forget_unsynced() -> None:
    """Queue the end of every conversation whose grace is over, and see to those that need none. Run by beat."""
    forgetting.forget_uninvolved()
    for pk in forgetting.due().values_list("pk", flat=True):
        forget_conversation.delay(pk)


@shared_task  # type: ignore[untyped-decorator]
def forget_conversation(pk: int) -> None:
    forgetting.forget(pk)


@shared_task  # type: ignore[untyped-decorator]
def carry_out_decision(pk: int) -> None:
    deciding.carry_out(pk)


@shared_task  # type: ignore[untyped-decorator]
def carry_out_decisions() -> None:
    """Take up again what was decided and not carried out to its end. Run by beat."""
    for decision in deciding.forgotten():
        carry_out_decision.delay(decision.pk)


@shared_task  # type: ignore[untyped-decorator]
def sum_up() -> None:
    """Bring the figures of the activity pages up to date. Run by beat."""
    summing.sum_up()


@shared_task  # type: ignore[untyped-decorator]
def forget_sums() -> None:
    summing.forget()
