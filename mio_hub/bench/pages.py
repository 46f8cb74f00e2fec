"""How long the Hub's pages take with a full database, through the real web process, as somebody who is signed in."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mio_hub.bench import cpu
from mio_hub.bench.layout import Failed, Pipeline, the_hub
from mio_hub.bench.population import Visitor
from mio_hub.bench.rounds import percentile
from mio_hub.bench.walking import addresses

BESIDE = ("start", "scopes", "security", "home", "fidelity:page")
"""Pages that belong to no tenant, by the names of their addresses."""

FILTERS = {
    "people": {
        "by name": "text=n+6", "by nobody's": "text=zzz", "not synced": "state=not+synced", "synced": "state=synced",
        "guests": "kind=guest", "to choose": "state=to+choose", "restricted": "state=restricted",
    }
}  # fmt: skip
"""Pages whose filters look through everything, with what is asked of them."""

AT_ONCE = 4
"""Clients: two for each core that the promise is about."""

PROMISED = 100.0
"""ms at the 95th percentile."""

NOWHERE = "http://127.0.0.1:9"
"""Where the platforms are: no page asks them anything."""

Times = tuple[float, float, float]
"""p50, p95 and p99 in ms."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page took: ``alone``, and with ``AT_ONCE`` clients. Of a download it is the time to its first piece.

    ``web`` and ``database`` are the ms of CPU that one request costs each, which a busy machine does not change much.
    """

    name: str
    status: int
    queries: int
    web: float
    database: float
    alone: Times
    at_once: Times


def pages(visitor: Visitor) -> Iterator[tuple[str, str]]:
    """Name and path of every address that answers a GET."""
    logging.getLogger("django.request").setLevel(logging.ERROR)  # those without a page would be warned of
    for name in BESIDE:
        yield name, reverse(name)
    for address in addresses():
        path = address.of(visitor.tenant)
        if _asked(visitor, path).status_code != HTTPStatus.METHOD_NOT_ALLOWED:  # else it takes forms, and is no page
            yield address.name, path
        for told, query in FILTERS.get(address.name, {}).items():
            yield f"{address.name}: {told}", f"{path}?{query}"


def queries(visitor: Visitor, path: str) -> int:
    """How many a page makes; a download, before its first piece. Raises ``Failed`` when the page does not work."""
    with CaptureQueriesContext(connection) as captured:
        answer = _asked(visitor, path)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        raise Failed(f"{path} answered {answer.status_code}.")
    return len(captured)


def _asked(visitor: Visitor, path: str) -> HttpResponseBase:
    """The answer of this very process."""
    client = Client(SERVER_NAME="localhost", headers=_headers(visitor), raise_request_exception=False)
    return client.get(path, secure=True)


def _headers(visitor: Visitor) -> dict[str, str]:
    """As a browser's request leaves the proxy."""
    cookie = f"{settings.SESSION_COOKIE_NAME}={visitor.session}"
    return {"Cookie": cookie, "Host": "localhost", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}


# --- through the web process


def measure(visitor: Visitor, times: int, folder: Path, only: str = "") -> list[Page]:
    """Ask pages whose names begin with ``only``, each so many times by one client and then by several. Raises ``Failed``."""
    print("bench: counting queries …", file=sys.stderr, flush=True)
    wanted = [(name, path) for name, path in pages(visitor) if name.startswith(only)]
    found = [(name, path, queries(visitor, path)) for name, path in wanted]
    with the_hub(NOWHERE, folder, ("web",), {"MIO_BEHIND_PROXY": "true"}) as hub:
        asyncio.run(hub.listening())
        return [_page(hub, visitor, name, path, times, made) for name, path, made in found]


def _page(hub: Pipeline, visitor: Visitor, name: str, path: str, times: int, made: int) -> Page:
    groups = {**_servers(), "web": hub.pids("web")}
    print(f"bench: {path} …", file=sys.stderr, flush=True)
    status, _ = _ask(hub, visitor, path, AT_ONCE)  # so that what is made once is made
    before = cpu.snapshot(groups)
    _, alone = _ask(hub, visitor, path, times)
    after = cpu.snapshot(groups)
    with ThreadPoolExecutor(AT_ONCE) as clients:
        shares = clients.map(lambda _: _ask(hub, visitor, path, times // AT_ONCE)[1], range(AT_ONCE))
        at_once = [one for share in shares for one in share]
    costs = {name: (after[name] - before[name]) / times * 1000 for name in groups}
    return Page(name, status, made, costs["web"], costs["PostgreSQL"], _times(alone), _times(at_once))


@cache
def _servers() -> dict[str, list[int]]:
    return cpu.server_processes(settings.DATABASE_URL, settings.REDIS_URL)


def _ask(hub: Pipeline, visitor: Visitor, path: str, times: int) -> tuple[int, list[float]]:
    """The status, and the ms of each request. Raises ``Failed`` when the page does not work."""
    client = HTTPConnection("127.0.0.1", hub.port, timeout=30)
    status, took = 0, []
    for _ in range(times):
        begin = time.perf_counter()
        client.request("GET", path, headers=_headers(visitor))
        answer = client.getresponse()
        if answer.headers["Content-Length"]:
            answer.read()
        else:
            answer.read1()
            client.close()
        took.append((time.perf_counter() - begin) * 1000)
        status = answer.status
        if status >= HTTPStatus.BAD_REQUEST:
            raise Failed(f"{path} answered {status}.\n{hub.last_words()}")
    client.close()
    return status, took


def _times(took: list[float]) -> Times:
    ordered = sorted(took)
    return percentile(ordered, 0.5), percentile(ordered, 0.95), percentile(ordered, 0.99)


# --- the table


def pages_table(measured: list[Page], times: int) -> str:
    """Every page, the slowest first, and whether the promise is kept."""
    load = os.getloadavg()[0]
    rows = [f"{times} requests a page; {os.cpu_count()} cores, load {load:.1f}", ""]
    rows.append(" " * 62 + "one client, ms".center(27, "-") + " " + f"{AT_ONCE} at once, ms".center(27, "-"))
    rows.append(
        f"{'page':<28}{'status':>7}{'queries':>9}{'web CPU':>9}{'DB CPU':>9}" + f"{'p50':>9}{'p95':>9}{'p99':>9}" * 2
    )
    rows += map(_row, sorted(measured, key=lambda page: -page.alone[1]))
    late = [page.name for page in measured if page.alone[1] > PROMISED]
    return "\n".join([*rows, "", f"over {PROMISED:g} ms at p95 with one client: {', '.join(late) or 'none'}"])


def _row(page: Page) -> str:
    times = "".join(f"{one:9.1f}" for one in (*page.alone, *page.at_once))
    return f"{page.name:<28}{page.status:>7}{page.queries:>9}{page.web:9.1f}{page.database:9.1f}{times}"
