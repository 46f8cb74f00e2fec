"""Signs of life of the processes that have no port of their own.

Worker and beat each refresh a Redis key that expires soon. Whoever stops refreshing is taken for dead, whatever the
reason; asking the processes themselves would need Celery's remote control and an answer in time.
"""

import threading
from collections.abc import Collection
from functools import cache
from typing import Any

import structlog
from celery.beat import PersistentScheduler
from django.conf import settings
from redis import Redis, RedisError

log = structlog.get_logger(__name__)

ROLES = ("worker", "importer", "beat")

WORKERS = {"default": "worker", "imports": "importer"}
"""Whose part a worker plays that takes tasks from a queue; it may take them from both."""

INTERVAL = 4.0
"""Seconds between two beats of a worker."""

LIFETIME = 15
"""Seconds until a silent process counts as dead: three beats of either kind may be missed."""

PATIENCE = 2.0
"""Seconds a health check waits for Redis; load balancers rarely wait longer than five."""


def show_life(role: str) -> None:
    """Refresh the key. Redis being away is Redis' illness, not this process's."""
    try:
        redis().set(key(role), "alive", ex=LIFETIME)
    except RedisError as error:
        log.warning("heartbeat_not_written", role=role, error=type(error).__name__)


def alive() -> Collection[str]:
    """The roles of which at least one process is alive. Raises RedisError when Redis cannot be asked."""
    found = redis().mget([key(role) for role in ROLES])
    return [role for role, value in zip(ROLES, found, strict=True) if value]


def forget(role: str) -> None:
    """Called on an orderly stop, so that nobody waits for the key to expire."""
    try:
        redis().delete(key(role))
    except RedisError as error:
        log.warning("heartbeat_not_removed", role=role, error=type(error).__name__)


def key(role: str) -> str:
    return f"mio:heartbeat:{role}"


@cache
def redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)


class WorkerHeart:
    """A thread in the worker's main process, beating for as long as that process takes in tasks."""

    def __init__(self) -> None:
        self.roles: list[str] = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.beat, name="heartbeat", daemon=True)

    def start(self, sender: Any, **_: object) -> None:
        """``sender`` is the worker's consumer."""
        self.roles = [role for queue, role in WORKERS.items() if queue in sender.app.amqp.queues.consume_from]
        self.thread.start()

    def stop(self, **_: object) -> None:
        self.stopped.set()

    def beat(self) -> None:
        self._show_life()
        while not self.stopped.wait(INTERVAL):
            self._show_life()

    def _show_life(self) -> None:
        for role in self.roles:
            show_life(role)


class BeatingScheduler(PersistentScheduler):  # type: ignore[misc]  # Celery is untyped
    """Celery's own scheduler. `tick` is its loop, so a beat that hangs goes silent."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        show_life("beat")
        interval: float = super().tick(*args, **kwargs)
        return interval
