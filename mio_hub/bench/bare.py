"""The bare pipeline: verify the signature, one insert, one Celery task, one POST. No order, no translation, no promises.

What anybody would write first, without waste: connections are kept, the raw ASGI view has no framework around it. Its
processes are laid out like the Hub's. Text lies in the database here, which the Hub never allows.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from typing import Any

import psycopg
import requests
from celery import Celery
from psycopg_pool import AsyncConnectionPool

TABLE = "CREATE TABLE bench_bare (id bigserial PRIMARY KEY, body text NOT NULL, done boolean NOT NULL DEFAULT false)"
INSERT = "INSERT INTO bench_bare (body) VALUES (%s) RETURNING id"
READ = "SELECT body FROM bench_bare WHERE id = %s"
MARK = "UPDATE bench_bare SET done = true WHERE id = %s"

QUEUE = "bare"
POOL = 20
"""Connections of the web process: more wait for PostgreSQL's attention, not for a connection."""

Message = MutableMapping[str, Any]

BROKER = os.environ.get("REDIS_URL", "").replace("unix://", "redis+socket://")
app = Celery("bare", broker=BROKER, set_as_current=False)  # the Hub's own tasks are none of it
app.conf.update(task_ignore_result=True, task_default_queue=QUEUE, worker_enable_remote_control=False)


# --- web


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The ASGI entry point."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status = 200 if proven(dict(scope["headers"]), body) else 401
    if status == 200:
        async with pool().connection() as connection:
            row = await (await connection.execute(INSERT, [body.decode()])).fetchone()
        say.delay(row[0] if row else 0)
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def lifespan(receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Open and close the connections."""
    await receive()
    await pool().open()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await pool().close()
    await send({"type": "lifespan.shutdown.complete"})


def proven(headers: dict[bytes, bytes], body: bytes) -> bool:
    """Whether Slack signed it."""
    base = b"v0:%b:%b" % (headers.get(b"x-slack-request-timestamp", b""), body)
    wanted = "v0=" + hmac.digest(os.environ["MIO_SLACK_SIGNING_SECRET"].encode(), base, hashlib.sha256).hex()
    return hmac.compare_digest(headers.get(b"x-slack-signature", b""), wanted.encode())


@cache
def pool() -> "AsyncConnectionPool[psycopg.AsyncConnection[Any]]":
    """The web process's connections."""
    return AsyncConnectionPool(os.environ["DATABASE_URL"], max_size=POOL, open=False, kwargs={"autocommit": True})


# --- worker


@cache
def database() -> "psycopg.Connection[Any]":
    """The connection of one pool process."""
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


@cache
def session() -> requests.Session:
    """The keep-alive connection of one pool process; asking the environment for a proxy each time would cost 0.25 ms."""
    kept = requests.Session()
    kept.trust_env = False
    return kept


@app.task  # type: ignore[untyped-decorator]  # Celery is untyped
def say(number: int) -> None:
    """One message, edit or reaction: read the row, make the call, mark the row."""
    row = database().execute(READ, [number]).fetchone()
    method, path, said = call(json.loads(row[0])["event"] if row else {})
    url = f"{os.environ['MIO_SANDBOX_URL']}/webexapis.com/v1/messages{path}"
    headers = {"Authorization": "Bearer bench"}
    answer = session().request(method, url, json={"roomId": "room", **said}, headers=headers, timeout=30)
    answer.raise_for_status()
    database().execute(MARK, [number])


def call(event: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """Method, path and what is said. No ids are remembered: the target finds a message by its time in Slack as well."""
    if event["type"] == "reaction_added":
        return "POST", "", {"parentId": event["item"]["ts"], "markdown": f":{event['reaction']}: {event['user']}"}
    if "message" in event:
        return "PUT", f"/{event['message']['ts']}", {"markdown": event["message"]["text"]}
    return "POST", "", {"markdown": event["text"]}
