"""For browser tests: the whole product as `./hub up` starts it, or only the pages, from this process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

import connectors
from accounts.models import User
from mio_hub import development
from mio_hub.bench.layout import free_port
from tests.conftest import LAPTOP, launched
from tests.people import People

HUB = """
import sys
from pathlib import Path
from mio_hub import supervisor
supervisor.VAR = Path(sys.argv[1])
sys.exit(supervisor.main(sys.argv[2], sys.argv[3:]))
"""
"""A verb of `./hub`, in a folder of its own."""

FURNISH = """
import json
import time
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from accounts.models import DirectoryImport, Installation, Membership, Tenant, User
for _ in range(30):  # workers may be importing from it
    try:
        DirectoryImport.objects.filter(state="running").update(state="cancelled")
        Installation.objects.all().delete()
        break
    except OperationalError:
        time.sleep(1)
acme, doors = Tenant.objects.earliest("pk"), {}
for first, last, role in (("Bob", "Okafor", "administrator"), ("Carla", "Jensen", "auditor")):
    address = f"{first.lower()}@acme.example"
    user, _ = User.objects.get_or_create(username=first, email=address, first_name=first, last_name=last)
    Membership.objects.get_or_create(tenant=acme, user=user, role=role)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    doors[first] = client.cookies[settings.SESSION_COOKIE_NAME].value
print(json.dumps({"acme": acme.key, **doors}))
"""
"""The demo company with nothing connected, and two people of it who are signed in."""

SERVERS = ("DATABASE_URL", "REDIS_URL")
"""Taken out of the environment: the suite's servers are for the suite, the product starts its own."""

PATIENCE = 15_000
"""Milliseconds; the first page finds a cold process, and a fake platform imports its company."""

STOPPED_WITHIN = 40.0
"""Seconds; longer than the graces of all its processes together."""


SHELL = """
import contextlib, io, json, sys
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as written:
        exec(json.loads(line), {})
    print(json.dumps(written.getvalue()), flush=True)
"""
"""Does one script after the other, and tells what each wrote."""


@dataclass(frozen=True)
class RunningHub:
    """A Hub with web, worker, beat, sandbox and demo company, and beside it one `./hub manage shell`."""

    url: str
    shell: "subprocess.Popen[str]"

    def does(self, script: str) -> str:
        """What a script writes that the shell does."""
        assert self.shell.stdin
        assert self.shell.stdout
        self.shell.stdin.write(json.dumps(script) + "\n")
        self.shell.stdin.flush()
        written: str = json.loads(self.shell.stdout.readline())
        return written


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """One for all files here that follow one another: starting it takes as long as five pages."""
    with launched(chromium) as browser:
        yield browser


@pytest.fixture(scope="package")
def running_hub(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """With the demo company as it is, until the first test that needs ``acme``. Not started where no browser is."""
    with started(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="package")
def hub_url(running_hub: RunningHub) -> str:
    """Its address."""
    return running_hub.url


@contextmanager
def started(folder: Path) -> Iterator[RunningHub]:
    """A product in a folder of its own, stopped at the end."""
    port, sandbox_port = free_port(), free_port()
    own = environment(folder, port, sandbox_port)
    with subprocess.Popen(
        [sys.executable, "-c", HUB, folder, "up"], env=own, stdout=subprocess.PIPE, text=True
    ) as process:
        wait_until_up(process)
        command = [sys.executable, "-c", HUB, folder, "manage", "shell", "-v", "0", "-c", SHELL]
        with subprocess.Popen(command, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
            yield RunningHub(f"http://127.0.0.1:{port}", shell)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STOPPED_WITHIN)


def environment(folder: Path, port: int, sandbox_port: int) -> dict[str, str]:
    own = {name: value for name, value in development.without_settings(os.environ).items() if name not in SERVERS}
    ports = {"MIO_PORT": str(port), "MIO_SANDBOX_PORT": str(sandbox_port)}
    return own | ports | {"MIO_BEAT_SCHEDULE_FILE": str(folder / "beat-schedule")}


def wait_until_up(process: "subprocess.Popen[str]") -> None:
    """Read what it writes until it says so; it gives up by itself when something does not start."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Mio Hub is up" in line:
            return
    pytest.fail("the Hub did not start:\n" + "".join(lines))


# --- One page for many tests


@pytest.fixture(scope="module")
def kept_page(browser: Browser) -> Iterator[Page]:
    """For ``window``."""
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        yield page


@pytest.fixture
def window(kept_page: Page) -> Page:
    """As good as a new ``page``, unless something listened to it or held its clock: loading takes a fifth of the work."""
    kept_page.unroute_all()
    kept_page.context.clear_cookies()
    kept_page.set_viewport_size(LAPTOP)
    kept_page.emulate_media(color_scheme="light")
    kept_page.goto("about:blank")  # or what was typed would be kept
    return kept_page


@pytest.fixture
def sandbox(window: Page, hub_url: str) -> Page:
    """The sandbox page with all four panes alive."""
    window.goto(f"{hub_url}/sandbox/")
    for slug in connectors.slugs():
        expect(window.locator(f'.pane[data-platform="{slug}"] select option').first).to_be_attached()
    return window


# --- Acme without connections


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that need the demo company as it is come before those that take its connections away; one product serves both."""
    places = [place for place, item in enumerate(items) if "running_hub" in _fixtures(item)]
    takers = {items[place].path for place in places if "acme" in _fixtures(items[place])}
    ordered = sorted((items[place] for place in places), key=lambda item: item.path in takers)
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


def _fixtures(item: pytest.Item) -> list[str]:
    names: list[str] = getattr(item, "fixturenames", [])
    return names


@pytest.fixture(scope="module")
def acme(running_hub: RunningHub) -> dict[str, str]:
    """The tenant's key, and the session of each person by first name."""
    found: dict[str, str] = json.loads(running_hub.does(FURNISH))
    return found


@pytest.fixture
def visit(window: Page, running_hub: RunningHub, acme: dict[str, str]) -> Callable[..., Page]:
    """Opens a page of Acme as somebody."""
    return visiting(window, running_hub, acme)


@pytest.fixture
def visit_anew(page: Page, running_hub: RunningHub, acme: dict[str, str]) -> Callable[..., Page]:
    """The same, for who holds the page's clock."""
    return visiting(page, running_hub, acme)


def visiting(page: Page, running_hub: RunningHub, acme: dict[str, str]) -> Callable[..., Page]:
    """Opens a page of Acme in ``page``."""
    page.set_default_timeout(PATIENCE)

    def go(path: str = "platforms/", person: str = "Bob") -> Page:
        cookie: Any = {"name": django_settings.SESSION_COOKIE_NAME, "value": acme[person], "url": running_hub.url}
        page.context.add_cookies([cookie])
        page.goto(f"{running_hub.url}/t/{acme['acme']}/{path}")
        return page

    return go


# --- The pages of this process


@pytest.fixture
def hub(settings: Any, transactional_db: None) -> Iterator[str]:
    """The address of the Hub, served from this process without a certificate: its middleware reads settings as it starts."""
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.ALLOWED_HOSTS = ["localhost"]
    server = LiveServer("localhost")
    settings.MIO_BASE_URL = server.url
    yield server.url
    server.stop()


@pytest.fixture
def signed_in(hub: str, people: People, page: Page) -> Callable[[User], Page]:
    """Signs somebody in, in the one browser."""

    def sign_in(user: User) -> Page:
        key = people.browser(user).cookies[django_settings.SESSION_COOKIE_NAME].value
        page.context.clear_cookies()
        page.context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": key, "url": hub}])
        page.goto(f"{hub}/t/{people.acme.key}/members/")
        return page

    return sign_in
