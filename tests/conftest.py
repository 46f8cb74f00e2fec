"""What every test may ask for: the four fake platforms in process or over HTTP, and a real browser."""

import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

import hypothesis
import pytest
import responses
from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from psycopg import sql
from redis import Redis

import connectors
from connectors.calls import Response
from connectors.contract import Request
from connectors.downloads import Opener
from connectors.http import AnswerLost, BlockingTransport, Outgoing, Transport
from connectors.sandbox import AnswerDropped, Webhook, World
from connectors.slack import transfer
from connectors.streaming import Incoming
from mio_hub.middleware import StaticFiles
from mio_hub.sandbox.threads import served
from mio_hub.supervisor import BROWSERS
from relay import hearing, ingest, shards, visit
from tests.connectors.given import whole
from tests.database import kept_connections
from tests.granting import asked  # noqa: F401 (a fixture)
from tests.house import House
from tests.people import people  # noqa: F401 (a fixture for every folder)

hypothesis.settings.register_profile("hub", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("hub")
# Other work on the machine must not fail a test: examples are bounded in number, not in time.

HUB = "https://hub.example.com"
"""The Hub's address in tests; nothing is served there."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")


# --- The fake platforms


@pytest.fixture
def platform_secrets(settings: Any) -> dict[str, Any]:
    """The operator's secrets of every platform, each field a text of its own; the Hub's settings hold the same ones."""
    secrets = {slug: _filled(slug, connectors.get(slug).Secrets) for slug in connectors.slugs()}
    settings.MIO_PLATFORM_SECRETS = secrets
    settings.MIO_PLATFORM_APPS = {slug: _filled(slug, type(app)) for slug, app in settings.MIO_PLATFORM_APPS.items()}
    return secrets


def _filled(slug: str, secrets: type) -> Any:
    return secrets(**{field.name: f"{slug}-{field.name}-for-tests" for field in fields(secrets)})


@pytest.fixture
def world(platform_secrets: dict[str, Any], world_webhooks: list[Webhook], settings: Any) -> World:
    """All fakes; what they tell the Hub gathers in ``world_webhooks``."""
    world = World(platform_secrets, HUB, apps=settings.MIO_PLATFORM_APPS)
    for fake in world.fakes.values():
        fake.deliver = world_webhooks.append
    return world


@pytest.fixture
def world_webhooks() -> list[Webhook]:
    """The webhooks sent so far, oldest first."""
    return []


def _answer(world: World, outgoing: Outgoing) -> Response:
    url = urlsplit(outgoing.url)
    if url.scheme != "https" or world.fake_at(url.netloc) is None:
        pytest.fail(f"a call left for {outgoing.url}, where no fake answers")
    headers = {name.lower(): value for name, value in outgoing.headers.items()} | {"host": url.netloc}
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    request = Request(outgoing.method, f"https://{url.netloc}{url.path}", headers, query, outgoing.body or b"")
    try:
        return world.answer(url.netloc, request)
    except AnswerDropped:
        raise AnswerLost from None


@pytest.fixture
def transport(world: World) -> Transport:
    """For ``drive``: the fakes answer at their real addresses, in process. Any other address fails the test."""

    async def send(outgoing: Outgoing) -> Response:
        return _answer(world, await whole(outgoing))

    return send


@pytest.fixture
def opener(world: World) -> Opener:
    """The same for ``download``."""

    @asynccontextmanager
    async def opening(outgoing: Outgoing) -> AsyncIterator[Incoming]:
        response = _answer(world, outgoing)

        async def chunks() -> AsyncIterator[bytes]:
            yield response.body

        yield Incoming(response, chunks())

    return opening


@pytest.fixture
def blocking_transport(world: World) -> BlockingTransport:
    """For ``drive_blocking``."""
    return lambda outgoing: _answer(world, outgoing)


@pytest.fixture
def intercepted_requests(world: World) -> Iterator[responses.RequestsMock]:
    """Everything that speaks through ``requests``, such as a platform's own SDK, reaches the fakes."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        response = _answer(world, Outgoing(request.method, request.url, dict(request.headers), body))
        return response.status, dict(response.headers), response.body

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in METHODS:
            mock.add_callback(method, re.compile(".*"), callback=answer, content_type=None)
        yield mock


@pytest.fixture
def sandbox_url(world: World) -> Iterator[str]:
    """The ``world`` over HTTP, on a free port; without a trailing slash. Its webhooks go out instead of gathering."""
    with served(world) as base:
        yield base


# --- The pages


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """The real hashes take their time, by design: a third of a second each."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_found_once() -> Iterator[None]:
    """Every new browser of a test has middleware of its own, for which WhiteNoise reads what 200 files are: 30 ms."""
    found: dict[str, Any] = {}
    find = StaticFiles.add_files_from_finders

    def find_once(middleware: StaticFiles) -> None:
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StaticFiles, "add_files_from_finders", find_once)
        yield


# --- The servers

FILLED_BY_MIGRATING = {"auth_permission", "django_content_type"}
LARGE = 1024 * 1024
"""Bytes from which new files are quicker than deleting: some thousand rows, each of whose references is looked for."""


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    """What ``transactional_db`` does at its end takes 2 ms so; Django's way takes 90: new files for all tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _delete_all_rows)
        yield


def _delete_all_rows(_: TransactionTestCase) -> None:
    """In one transaction: foreign keys are looked at when it ends. The locks wait for whoever is still writing."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [sql.Identifier(name) for name in names if name not in FILLED_BY_MIGRATING]
    deletions = [sql.SQL("DELETE FROM {}").format(table) for table in tables]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {}").format(sql.SQL(", ").join(tables)))
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND pg_relation_size(oid) > %s", [names, LARGE]
        )
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(name)))
        cursor.execute(sql.SQL("; ").join(deletions))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The database, as long as which the connections to it last."""
    with kept_connections():
        yield


@pytest.fixture
def redis(settings: Any) -> Iterator[Redis]:
    """The tests' own Valkey, emptied before and after."""
    client: Redis = Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


# --- The relay between them


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What real platforms take their time for is done by the fakes at once. A test's own wishes come later, and win."""
    monkeypatch.setattr(visit, "SETTLE", 0.3)
    monkeypatch.setattr(hearing, "LAG_PAUSES", (0.1, 0.3))
    monkeypatch.setattr(ingest, "TROUBLE_REST", 0.1)


@pytest.fixture
def house(
    world: World,
    world_webhooks: list[Webhook],
    transport: Transport,
    opener: Opener,
    redis: Redis,
    transactional_db: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> House:
    """The company of the fakes, connected and linked, with all of the relay driven by hand."""
    monkeypatch.setattr(shards, "SWEEP_SECONDS", 0.2)  # a slice looks ten times in this whether it may end
    monkeypatch.setattr(transfer, "PAUSES", (0.01, 0.02, 0.5))
    return House(world, world_webhooks, transport, opener)


# --- A real browser

QUIET = ["disable-gpu", "disable-quic", "no-first-run"]
QUIET += ["disable-background-networking", "disable-component-update", "disable-sync"]
"""Chromium's switches against needing a graphics card and against calling home."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where it is."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    return executable or _do_without_browser()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium. Of one module only: while Playwright runs, no test can start an event loop of its own."""
    with launched(chromium) as browser:
        yield browser


@contextmanager
def launched(chromium: str) -> Iterator[Browser]:
    """A browser that is closed at the end."""
    switches = [f"--{switch}" for switch in QUIET] + ["--no-sandbox"] * (os.geteuid() == 0)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread; the ORM is not in it
        browser = playwright.chromium.launch(executable_path=chromium, args=switches)
        yield browser
        browser.close()


def _do_without_browser() -> NoReturn:
    """Skip, or fail where a browser is required. `./hub test` says aloud that there is none."""
    text = "no Chromium found (Debian: apt-get install chromium-headless-shell)"
    if os.environ.get("MIO_REQUIRE_BROWSER") == "1":
        pytest.fail(text)
    pytest.skip(text)


LAPTOP: ViewportSize = {"width": 1440, "height": 900}
"""CSS pixels: the wider of the two screens at which every page is looked at."""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own session, on a laptop's screen. Nothing moves on it: drawing that was a tenth of all the work."""
    with browser.new_context(viewport=LAPTOP, reduced_motion="reduce") as context:
        yield context.new_page()
