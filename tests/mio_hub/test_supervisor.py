"""Real servers and real processes: they start, they stop, and they leave nothing behind, however they are ended."""

import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import psycopg
import pytest
import redis

from mio_hub import development, embedded, supervisor
from mio_hub.crew import Crew

pytestmark = pytest.mark.slow

PATIENCE = 20.0
"""Seconds for something that takes one: the machine may be busy with the rest of the suite."""


@pytest.fixture(autouse=True)
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's servers come from outside; these tests start their own."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path)
    yield crew
    crew.stop()


def test_servers_start_answer_and_stop(tmp_path: Path) -> None:
    with embedded.servers(tmp_path) as servers:
        with psycopg.connect(servers.database_url) as connection:
            assert connection.info.server_version // 10000 == 18
        with redis.Redis.from_url(servers.redis_url) as valkey:
            assert valkey.config_get("save", "appendonly") == {"save": "", "appendonly": "no"}
        assert processes_of(tmp_path)
    assert not processes_of(tmp_path)


def test_data_outlives_a_restart(tmp_path: Path) -> None:
    for expected in (None, "kept"):
        with embedded.servers(tmp_path) as servers, psycopg.connect(servers.database_url) as connection:
            assert supervisor.read_stamp(connection) == expected
            connection.execute("COMMENT ON DATABASE mio IS 'kept'")


def test_fresh_servers_do_not_meet(tmp_path: Path) -> None:
    with embedded.servers(tmp_path, fresh=True) as one, embedded.servers(tmp_path, fresh=True) as other:
        assert one.database_url != other.database_url
        assert one.redis_url != other.redis_url
    assert not list(tmp_path.iterdir())


def test_given_servers_are_used_and_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.com/hub")
    monkeypatch.setenv("REDIS_URL", "redis://redis.example.com")
    with embedded.servers(tmp_path) as servers:
        assert servers == embedded.Servers("postgresql://db.example.com/hub", "redis://redis.example.com")
        assert not processes_of(tmp_path)


def test_a_folder_belongs_to_one_process_and_guests_may_join(tmp_path: Path) -> None:
    with embedded.servers(tmp_path) as servers:
        with pytest.raises(embedded.AlreadyRunning, match=str(os.getpid())), embedded.servers(tmp_path):
            pass
        with embedded.joined(tmp_path) as same:
            assert same == servers


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_works(tmp_path: Path) -> None:
    program = "import sys, time; from pathlib import Path; from mio_hub import embedded\n"
    program += "with embedded.servers(Path(sys.argv[1])): print('up', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        parent.kill()
    wait_for(lambda: not processes_of(tmp_path))
    with embedded.servers(tmp_path):
        pass


def test_a_stale_pid_file_naming_a_living_stranger_does_not_stop_the_start(tmp_path: Path) -> None:
    with embedded.servers(tmp_path):
        left = (tmp_path / "postgres" / "postmaster.pid").read_text().splitlines()
    left[0] = str(os.getppid())
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join(left) + "\n")
    with embedded.servers(tmp_path):
        pass


def test_a_port_in_use_yields_one_line_with_the_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(supervisor.Problem, match=f"MIO_PORT={port + 1}") as problem:
            supervisor.check_port(port, "MIO_PORT")
    assert "\n" not in str(problem.value)


def test_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    made = development.kept_secrets(tmp_path / "var" / "secrets.env")
    assert development.kept_secrets(tmp_path / "var" / "secrets.env") == made
    assert (tmp_path / "var" / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_a_secret_from_the_environment_or_a_file_is_not_replaced() -> None:
    environment = {"MIO_SECRET_KEY": "mine", "MIO_VAULT_KEY_FILE": "/run/secrets/vault"}
    completed = development.completed(environment, development.new_secrets())
    assert completed["MIO_SECRET_KEY"] == "mine"
    assert "MIO_VAULT_KEY" not in completed
    assert "MIO_FIELD_KEYS" in completed


def test_a_member_that_dies_is_started_again(crew: Crew, tmp_path: Path) -> None:
    start(crew, "brief", "print('hello')")
    wait_for(lambda: (tmp_path / "brief.log").read_text().count("hello") == 2, crew)
    assert "ended with code 0; it is started again in 1 s" in (tmp_path / "brief.log").read_text()


def test_a_member_that_ignores_the_stop_is_killed(crew: Crew, tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    deaf += "print('deaf', flush=True); time.sleep(60)"
    others = psutil.Process().children()
    start(crew, "deaf", deaf, grace=0.3)
    wait_for(lambda: "deaf" in (tmp_path / "deaf.log").read_text(), crew)
    [process] = set(psutil.Process().children()) - set(others)
    crew.stop()
    assert not process.is_running()


def test_members_are_stopped_in_reverse_order(crew: Crew, tmp_path: Path) -> None:
    tell = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print(time.time()), sys.exit()))\n"
    for name in ("first", "second"):
        start(crew, name, tell + "print('up', flush=True); time.sleep(60)")
    wait_for(lambda: all("up\n" in (tmp_path / f"{name}.log").read_text() for name in ("first", "second")), crew)
    crew.stop()
    first, second = (float((tmp_path / f"{name}.log").read_text().split()[-1]) for name in ("first", "second"))
    assert second < first


def test_an_environment_that_another_python_made_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub: Any = SimpleNamespace(**runpy.run_path(str(supervisor.ROOT / "hub")))
    folder = tmp_path / ".venv"
    for name in ("bin", "lib"):
        (folder / name).mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to("/bin/sh")
    (folder / "bin" / "python").symlink_to("python3")
    (folder / "lib" / "left-behind").touch()
    known = hub.create_venv.__globals__
    monkeypatch.setitem(known, "VENV", str(folder))
    monkeypatch.setitem(known, "VENV_PYTHON", str(folder / "bin" / "python"))
    hub.create_venv()
    asked = [folder / "bin" / "python", "-c", "import sys, ssl; print(sys.base_prefix)"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == sys.base_prefix
    assert not (folder / "lib" / "left-behind").exists()


@pytest.mark.parametrize(
    ("arguments", "is_parallel"),
    [([], True), (["-q", "--durations=9"], True), (["tests/relay"], False), (["-k", "order"], False)],
)
def test_all_tests_run_on_every_core_and_those_that_are_named_in_one_process(
    arguments: list[str], is_parallel: bool
) -> None:
    assert ("-n" in supervisor.side_by_side(arguments)) == is_parallel


def test_a_given_valkey_is_one_for_all_and_so_is_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://redis.example.com")
    assert supervisor.side_by_side([]) == []


def test_the_developers_own_settings_do_not_reach_the_tests() -> None:
    given = {"MIO_SANDBOX_URL": "http://x", "MIO_REQUIRE_BROWSER": "1", "PATH": "/bin"}
    assert development.without_settings(given) == {"MIO_REQUIRE_BROWSER": "1", "PATH": "/bin"}


def start(crew: Crew, name: str, program: str, grace: float = 5.0) -> None:
    crew.start(name, [sys.executable, "-c", program], os.environ, grace=grace)


def wait_for(condition: Callable[[], bool], crew: Crew | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        crew.tend(0.05) if crew else time.sleep(0.05)


def processes_of(data: Path) -> list[int]:
    """The living processes that have to do with this folder; the dead ones have no command line."""
    signs = (str(data), str(embedded.socket_folder(data)))
    living = psutil.process_iter(["cmdline", "status"])
    ours = [process for process in living if any(sign in " ".join(process.info["cmdline"] or []) for sign in signs)]
    return [process.pid for process in ours if process.info["status"] != psutil.STATUS_ZOMBIE]
