"""What waits for a Celery worker."""

import base64
import json
from typing import Any

from celery import current_app
from redis import Redis


def queued(redis: Redis) -> list[tuple[str, list[Any]]]:
    """Taken off the queue: the name of each task with its arguments, the oldest first."""
    waiting = []
    while raw := redis.rpop("default"):
        message = json.loads(raw)  # type: ignore[arg-type]
        waiting.append((message["headers"]["task"], json.loads(base64.b64decode(message["body"]))[0]))
    return waiting


def run_queued(redis: Redis, *names: str) -> list[str]:
    """Carry out what waits of these tasks, here and now; the others are dropped. Returns what was carried out."""
    current_app.loader.import_default_modules()
    done = []
    for name, arguments in queued(redis):
        if name in names:
            current_app.tasks[name](*arguments)
            done.append(name)
    return done
