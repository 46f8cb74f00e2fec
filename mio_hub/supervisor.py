"""Behind `./hub`: runs the whole product on one machine, and the developer's commands with real servers.

Everything started here ends with this process, on Linux even when it is killed.
"""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

from mio_hub import development, embedded, env
from mio_hub.crew import Crew
from mio_hub.processes import bound_to

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
MANAGE = [sys.executable, str(ROOT / "manage.py")]
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""What the browser tests take; the first is the one without windows of its own to draw."""

UP_WITHIN = 60.0
"""Seconds until everything must be healthy. Five are usual; a slow disk and a first compilation of the code add."""

WORKER_GRACE = 20.0
"""Seconds a worker may take to finish or release its mailbox: longer than one slow call to a platform."""

KEPT_ALIVE = 75
"""Seconds that a client's idle connection stays open: longer than the sixty of usual proxies. Were we to close it first, a
webhook could be on its way over it, and not every platform sends again."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C or asked us to end."""


class Problem(Exception):
    """One line for the person in front of the terminal."""


def main(verb: str, arguments: list[str]) -> int:
    verbs = {"up": up, "test": test, "check": check, "bench": bench, "manage": manage}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        return verbs[verb](arguments)
    except Stopped:
        return 0 if verb == "up" else 130
    except (Problem, embedded.AlreadyRunning, embedded.CannotStart, ImproperlyConfigured) as problem:
        say(str(problem))
        return 1


def stop(number: int, frame: FrameType | None) -> None:
    """Once is enough: a second Ctrl-C must not interrupt the stopping itself."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped


def say(text: str) -> None:
    print(f"hub: {text}", file=sys.stderr, flush=True)


# --- up -------------------------------------------------------------------------------------------------------------


def up(arguments: list[str]) -> int:
    if arguments:
        raise Problem("./hub up takes no arguments; it is configured by MIO_… variables, see README.md.")
    port, sandbox_port = env.integer("MIO_PORT", 8000), env.integer("MIO_SANDBOX_PORT", 8100)
    with embedded.servers(VAR) as servers:
        check_port(port, "MIO_PORT")
        check_port(sandbox_port, "MIO_SANDBOX_PORT")
        environment = local_environment(servers) | {"MIO_PORT": str(port), "MIO_SANDBOX_PORT": str(sandbox_port)}
        migrate(environment)
        run_everything(environment, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}")
    return 0


def check_port(port: int, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = f"Port {port} cannot be used ({error.strerror})"
            raise Problem(f"{reason}. Choose another one: {variable}={port + 1} ./hub up") from None


def local_environment(servers: embedded.Servers) -> dict[str, str]:
    port, sandbox_port = env.integer("MIO_PORT", 8000), env.integer("MIO_SANDBOX_PORT", 8100)
    defaults = development.local_settings(port, sandbox_port) | development.kept_secrets(VAR / "secrets.env")
    return development.completed(os.environ, defaults) | servers.environment()


def migrate(environment: Mapping[str, str]) -> None:
    """Bring the database up to date. Asking Django whether it is takes two seconds, comparing a stamp two ms.

    The stamp is the database's comment: it comes and goes with what it speaks about.
    """
    wanted = migrations_stamp()
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        if read_stamp(connection) == wanted:
            return
        say("Migrating the database …")
        run_once(["migrate", "--verbosity", "0"], environment)
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(wanted)))


def read_stamp(connection: psycopg.Connection) -> str | None:
    question = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    row = connection.execute(question).fetchone()
    return row[0] if row else None


def migrations_stamp() -> str:
    files = [ROOT / "requirements.lock", ROOT / "mio_hub" / "settings.py", *sorted(ROOT.glob("*/migrations/*.py"))]
    return hashlib.sha256(b"".join(bytes(file) + file.read_bytes() for file in files)).hexdigest()


def run_once(arguments: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [*MANAGE, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise Problem(f"manage.py {arguments[0]} failed:\n{done.stdout.strip()}")


def run_everything(environment: Mapping[str, str], web: str, sandbox: str) -> None:
    crew = Crew(VAR / "log")
    try:
        if has_command("sandbox") and environment["MIO_SANDBOX_URL"]:
            crew.start("sandbox", [*MANAGE, "sandbox"], environment)
            wait_until_ready(crew, sandbox)
        if has_command("seed_demo"):
            run_once(["seed_demo"], environment)
        for name, command, grace in services(environment):
            crew.start(name, command, environment, grace=grace)
        wait_until_ready(crew, f"{web}/healthz")
        welcome(web)
        while True:
            crew.tend(0.5)
    finally:
        crew.stop()


def services(environment: Mapping[str, str]) -> list[tuple[str, list[str], float]]:
    """Name, command and grace of what every installation runs, in the order of starting."""
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "mio_hub"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]  # chatter between many workers
    processes = env.integer("MIO_SHARDS", 1) + 1  # one for each shard, one for everything else
    uvicorn = [sys.executable, "-m", "uvicorn", "mio_hub.asgi:application", "--no-access-log", "--lifespan", "on"]
    address = ["--host", "127.0.0.1", "--port", environment["MIO_PORT"]]
    patience = ["--timeout-keep-alive", str(KEPT_ALIVE), "--timeout-graceful-shutdown", "3"]
    return [
        (
            "worker",
            [*celery, "worker", "--queues", "default,shards", f"--concurrency={processes}", *quiet],
            WORKER_GRACE,
        ),
        ("importer", [*celery, "worker", "--queues", "imports", "--concurrency=1", *quiet], WORKER_GRACE),
        ("beat", [*celery, "beat", "--pidfile="], 5.0),
        ("web", [*uvicorn, *address, *patience], 10.0),
    ]


def has_command(name: str) -> bool:
    return any(ROOT.glob(f"*/management/commands/{name}.py"))


def wait_until_ready(crew: Crew, url: str) -> None:
    deadline = time.monotonic() + UP_WITHIN
    while (answer := ask(url)) is not None:
        if time.monotonic() > deadline:
            raise Problem(f"{url} is not ready after {UP_WITHIN:g} s: {answer}. The logs are in {VAR / 'log'}.")
        crew.tend(0.2)


def ask(url: str) -> str | None:
    """None when the address answers with success, else what is wrong."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own http address
            return None
    except urllib.error.HTTPError as error:
        return error.read(500).decode(errors="replace")
    except OSError as error:
        return str(error)


def welcome(web: str) -> None:
    """What a newcomer opens first."""
    addresses = {f"{web}/": "the Hub (sign in as demo@acme.example, password demo)"}
    addresses |= {f"{web}/sandbox/": "four platforms side by side", f"{web}/admin/": "the tables behind it"}
    shown = "".join(f"  {address:<34}{what}\n" for address, what in addresses.items())
    print(f"\nMio Hub is up. Ctrl-C stops it.\n\n{shown}", flush=True)


# --- test, bench, manage --------------------------------------------------------------------------------------------


def test(arguments: list[str]) -> int:
    if not any(shutil.which(name) for name in BROWSERS):
        say("!!! No Chromium found: browser tests do not run. On Debian: apt-get install chromium-headless-shell !!!")
    with embedded.servers(VAR, fresh=True, durable=False) as servers:
        return run(
            [sys.executable, "-m", "pytest", *side_by_side(arguments), *arguments], throw_away_environment(servers)
        )


SIDE_BY_SIDE = ["-n", str(2 * (os.cpu_count() or 1)), "--dist", "loadfile", "--no-loadscope-reorder"]
"""Two processes for each core, for many tests wait. They come in a good order already: by their number, which is
xdist's way, the few that take longest come last."""


def side_by_side(arguments: list[str]) -> list[str]:
    """Many at once when no files are named, as `tests/workers.py` shares them out; what is said after it wins: `-n0` or
    `--pdb` takes one process.

    A given Valkey is one for all, and each process needs its own.
    """
    is_whole = all(argument.startswith("-") for argument in arguments)
    return SIDE_BY_SIDE if is_whole and not os.environ.get("REDIS_URL") else []


def bench(arguments: list[str]) -> int:
    with embedded.servers(VAR, fresh=True) as servers:
        return run([*MANAGE, "bench", *arguments], throw_away_environment(servers))


def manage(arguments: list[str]) -> int:
    with embedded.joined(VAR) as servers:
        return run([*MANAGE, *arguments], local_environment(servers))


def throw_away_environment(servers: embedded.Servers) -> dict[str, str]:
    plain = {"MIO_BASE_URL": "https://hub.example.com", "MIO_ALLOWED_HOSTS": "hub.example.com localhost 127.0.0.1"}
    own = development.without_settings(os.environ)
    return own | plain | development.new_secrets() | servers.environment()


def run(command: list[str], environment: Mapping[str, str]) -> int:
    """Run a command in the foreground. Ctrl-C reaches it from the terminal: it decides, and we wait for it."""
    process = subprocess.Popen(command, env=environment, preexec_fn=bound_to(os.getpid(), signal.SIGTERM))
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.signal(signal.SIGHUP, lambda *_: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


# --- check ----------------------------------------------------------------------------------------------------------

CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
    "migrations": [*MANAGE, "makemigrations", "--check", "--dry-run"],
    "settings": [*MANAGE, "check", "--fail-level", "WARNING"],
    "tests": [str(ROOT / "hub"), "test"],
}
"""What CI runs, quickest first. The last one is the README's own test command."""


def check(arguments: list[str]) -> int:
    """Everything is checked, however early something fails: one run tells all there is to mend."""
    if arguments:
        raise Problem("./hub check takes no arguments; ./hub test does.")
    bin_folder = str(Path(sys.executable).parent)
    own = dict(os.environ, PATH=f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    results = {}
    with embedded.servers(VAR, fresh=True) as servers:
        for name, command in CHECKS.items():
            print(f"\n--- {name}: {' '.join(command)}", flush=True)
            started = time.monotonic()
            code = run(command, own if name == "tests" else throw_away_environment(servers) | {"PATH": own["PATH"]})
            results[name] = (code, time.monotonic() - started)
    print()
    for name, (code, seconds) in results.items():
        print(f"{'ok    ' if code == 0 else 'FAILED'}  {name}  ({seconds:.1f} s)")
    return int(any(code for code, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
