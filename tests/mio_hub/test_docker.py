"""What can be checked of the container files where no engine runs them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml
from cryptography.fernet import Fernet

from mio_hub import checks, platforms

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
HUBS = ("migrate", "web", "worker", "beat")


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


def test_the_processes_are_those_of_hub_up() -> None:
    worker = COMPOSE["services"]["worker"]["command"]
    assert worker[:5] == ["celery", "--quiet", "--app", "mio_hub", "worker"]
    assert "default,shards" in worker
    assert "mio_hub.asgi:application" in COMPOSE["services"]["web"]["command"]


def test_no_secret_lies_in_the_compose_file() -> None:
    text = (DOCKER / "compose.yaml").read_text()
    assert "PASSWORD:" not in text
    assert not re.search(r"://\w+:\w+@", text)
