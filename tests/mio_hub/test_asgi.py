"""The web process, as uvicorn runs it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.database import address
from tests.people import People

ASKING = """
import asyncio, json, os, sys
import psycopg
from mio_hub.asgi import POOL, application

async def ask(path, cookie="", reads=True):
    \"\"\"The answer's status; of a body that is not read, the first bit stays on its way for ever.\"\"\"
    began, status = asyncio.Event(), []
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers,
             "client": ("127.0.0.1", 50000)}
    questions = [{"type": "http.request"}]

    async def receive():
        return questions.pop() if questions else await asyncio.Event().wait()

    async def send(message):
        if message["type"] == "http.response.start":
            status.append(message["status"])
        else:
            began.set()
            if not reads:
                await asyncio.Event().wait()

    answering = asyncio.create_task(application(scope, receive, send))
    kept.append(answering)
    await asyncio.wait_for(began.wait(), 20)
    if reads:
        await answering
    return status[0]

def servers():
    with psycopg.connect(os.environ["DATABASE_URL"], application_name="onlooker") as database:
        return database.execute(
            "SELECT array_agg(pid ORDER BY pid) FROM pg_stat_activity WHERE application_name = 'asked'"
        ).fetchone()[0]

kept = []
"""

SHARING = """
async def main():
    await ask("/healthz")
    before = servers()
    for _ in range(10):
        await ask("/healthz")
    print(json.dumps([before, servers()]))
"""

READING_SLOWLY = """
async def main():
    found = [await ask(sys.argv[1], sys.argv[2], reads=False) for _ in range(POOL["max_size"] + 1)]
    print(json.dumps([*found, await ask(sys.argv[3], sys.argv[2])]), flush=True)
    os._exit(0)
"""


def told(script: str, *arguments: str) -> Any:
    """What a process with the real ASGI application printed."""
    environment = os.environ | {"DATABASE_URL": address(), "PGAPPNAME": "asked", "MIO_HTTPS": "false"}
    program = [sys.executable, "-c", f"{ASKING}{script}\nasyncio.run(main())", *arguments]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.django_db(transaction=True)
def test_requests_share_connections_to_the_database() -> None:
    before, after = told(SHARING)
    assert set(before) <= set(after)
    assert 0 < len(after) < 5


@pytest.mark.django_db(transaction=True)
def test_whoever_reads_a_download_slowly_keeps_no_connection_from_the_pages(people: People) -> None:
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in people.browser(people.carla).cookies.items())
    log = f"/t/{people.acme.key}/audit/"
    assert set(told(READING_SLOWLY, f"{log}audit-log.csv", cookie, log)) == {200}
