"""How much processor time a group of processes has used, by asking the operating system before and after."""

import time
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]  # it has no types
import psycopg
import redis

OURSELVES = "load+target"
"""The people who type and the platform that answers."""
MACHINE = "machine"
"""Everything that runs here, whoever started it."""

Snapshot = Mapping[str, float]
"""Seconds of CPU by group, user and system, since each process began."""


def server_processes(database_url: str, redis_url: str) -> dict[str, list[int]]:
    """The process numbers of PostgreSQL and Valkey where they run on this machine."""
    with psycopg.connect(database_url) as connection:
        backend = connection.info.backend_pid
        postgres = _parent(backend, "postgres") if _is_local(connection.info.host) else []
    with redis.Redis.from_url(redis_url) as client:
        server = int(client.info("server")["process_id"])
    return {"PostgreSQL": postgres, "Valkey": [server] if _is_local(urlsplit(redis_url).hostname or "") else []}


def _is_local(host: str) -> bool:
    return host in ("", "localhost", "127.0.0.1", "::1") or host.startswith("/")


def _parent(pid: int, name: str) -> list[int]:
    """The parent of a process, if that is a ``name``: a number from inside a container means somebody else here."""
    try:
        parent = psutil.Process(pid).parent()
        return [parent.pid] if parent and name in parent.name() else []
    except psutil.NoSuchProcess:
        return []


def snapshot(groups: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """CPU seconds of each group, with all descendants, living or dead; this process and the ``MACHINE`` as well."""
    used = {name: sum(map(_seconds, pids)) for name, pids in groups.items()}
    return used | {OURSELVES: time.process_time(), MACHINE: _busy()}


def _busy() -> float:
    times = psutil.cpu_times()
    waiting = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted as user time already
    return float(sum(times) - waiting - guests)


def others(before: Snapshot, after: Snapshot, seconds: float) -> float:
    """The share of the machine, 0 to 1, that went to processes which are none of the groups."""
    grown = {name: after[name] - before[name] for name in before}
    foreign = grown.pop(MACHINE) - sum(grown.values())
    return max(0.0, foreign / seconds / (psutil.cpu_count() or 1))


def _seconds(pid: int) -> float:
    total = 0.0
    for process in family(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants; empty when it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def per_message(before: Snapshot, after: Snapshot, messages: int) -> dict[str, float]:
    """Microseconds per message of each group."""
    return {name: (after[name] - before[name]) / max(messages, 1) * 1e6 for name in before}
