"""What can be checked of the container files where no engine runs them."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet

from accounts.tasks import import_directory, renew_token
from mio_hub import checks, platforms, supervisor
from mio_hub.celery import app

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
HUBS = ("migrate", "web", "worker", "importer", "beat")


def test_every_setting_that_is_needed_is_given() -> None:
    example = (DOCKER / "hub.env.example").read_text()
    for service in HUBS:
        given = set(COMPOSE["services"][service]["environment"]) | set(re.findall(r"^(\w+)=", example, re.MULTILINE))
        assert all(name in given or f"{name}_FILE" in given for name in (*checks.NEEDED, "MIO_SECRET_KEY"))


def test_every_variable_of_every_platform_is_in_the_example() -> None:
    example = (DOCKER / "hub.env.example").read_text()
    assert set(platforms.variables()) == {
        name for name in re.findall(r"^(\w+)=", example, re.MULTILINE) if name in platforms.variables()
    }


def test_secrets_are_files_that_the_script_makes(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets"
    script.write_bytes((DOCKER / "make-secrets").read_bytes())
    script.chmod(0o755)
    subprocess.run([script], check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(COMPOSE["secrets"])
    assert checks.is_vault_key(made["vault_key"])
    Fernet(made["field_keys"])
    assert made["database_password"] in made["database_url"]
    subprocess.run([script], check=True)
    assert made == {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}


def hub_up() -> dict[str, dict[str, list[str]]]:
    """The processes of `./hub up`, written as in the compose file."""
    return {name: {"command": command} for name, command, _ in supervisor.services({"MIO_PORT": "8000"})}


def of_the_image() -> list[str]:
    """What the image runs when nobody says otherwise."""
    [command] = re.findall(r"^CMD (.+)$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    words: list[str] = json.loads(command)
    return words


@pytest.mark.parametrize(
    "web",
    [hub_up()["web"]["command"], COMPOSE["services"]["web"]["command"], of_the_image()],
    ids=["up", "compose", "image"],
)
def test_a_proxy_hangs_up_before_the_hub_does(web: list[str]) -> None:
    usual = 60  # nginx, AWS and Google; what they send over a connection that we are closing is lost
    assert int(web[web.index("--timeout-keep-alive") + 1]) > usual


def queues_of(services: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """From which queues each worker takes tasks."""
    commands = {name: service.get("command", []) for name, service in services.items()}
    return {
        name: command[command.index("--queues") + 1].split(",")
        for name, command in commands.items()
        if "--queues" in command
    }


def queue_of(task: Any) -> str:
    """Where Celery puts a task."""
    name: str = app.amqp.router.route({}, task.name)["queue"].name
    return name


def test_every_queue_that_a_task_is_put_into_is_worked_on() -> None:
    app.loader.import_default_modules()
    used = {queue_of(task) for task in app.tasks.values()}
    assert used == {queue for queues in queues_of(hub_up()).values() for queue in queues}


def test_imports_keep_neither_messages_nor_the_renewal_of_tokens_waiting() -> None:
    assert queue_of(import_directory) == "imports"
    assert queue_of(renew_token) == "default"
    assert queues_of(hub_up()) == {"worker": ["default", "shards"], "importer": ["imports"]}


def test_the_processes_are_those_of_hub_up() -> None:
    worker = COMPOSE["services"]["worker"]["command"]
    assert worker[:5] == ["celery", "--quiet", "--app", "mio_hub", "worker"]
    assert queues_of(COMPOSE["services"]) == queues_of(hub_up())
    assert "mio_hub.asgi:application" in COMPOSE["services"]["web"]["command"]


def test_no_secret_lies_in_the_compose_file() -> None:
    text = (DOCKER / "compose.yaml").read_text()
    assert "PASSWORD:" not in text
    assert not re.search(r"://\w+:\w+@", text)
