"""The web process, as uvicorn runs it."""

import json
import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.db import connections

ASKING = """
import asyncio, os
import psycopg
from asgiref.testing import ApplicationCommunicator
from mio_hub.asgi import application

async def ask():
    scope = {"type": "http", "method": "GET", "path": "/healthz", "query_string": b"", "headers": [(b"host", b"localhost")]}
    asked = ApplicationCommunicator(application, scope)
    await asked.send_input({"type": "http.request"})
    await asked.receive_output(10)
    await asked.receive_output(10)
    await asked.wait(10)

def servers():
    with psycopg.connect(os.environ["DATABASE_URL"], application_name="onlooker") as database:
        return database.execute(
            "SELECT array_agg(pid ORDER BY pid) FROM pg_stat_activity WHERE application_name = 'asked'"
        ).fetchone()[0]

async def main():
    await ask()
    print(servers())
    for _ in range(10):
        await ask()
    print(servers())

asyncio.run(main())
"""


@pytest.mark.django_db(transaction=True)
def test_requests_share_connections_to_the_database() -> None:
    database = connections["default"].settings_dict
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={quote(str(database['HOST']), safe='')}"
    environment = os.environ | {"DATABASE_URL": url, "PGAPPNAME": "asked", "MIO_HTTPS": "false"}
    done = subprocess.run(
        [sys.executable, "-c", ASKING], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout, done.stderr
    before, after = map(json.loads, done.stdout.splitlines())
    assert set(before) <= set(after)
    assert 0 < len(after) < 5
