"""`check --deploy` has nothing to say of an installation made as docker/README.md tells, and names what is left out."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mio_hub.development import without_settings

ROOT = Path(__file__).parents[2]
GIVEN = {
    "MIO_EMAIL_URL": "smtp://hub:word@mail.example.com:587",
    "MIO_METRICS_TOKEN": "a-token",
    "REDIS_URL": "redis://valkey",
}


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """The example's settings, filled in, and the secrets that the script makes."""
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "docker" / "hub.env.example").read_text(), re.MULTILINE))
    script = shutil.copy(ROOT / "docker" / "make-secrets", tmp_path)
    subprocess.run(["sh", script], check=True)
    secrets = {"DATABASE_URL", "MIO_SECRET_KEY", "MIO_FIELD_KEYS", "MIO_VAULT_KEY"}
    files = {f"{name}_FILE": str(tmp_path / "secrets" / name.removeprefix("MIO_").lower()) for name in secrets}
    own = {name: value for name, value in without_settings(os.environ).items() if name not in secrets}
    return own | {name: value or "filled-in" for name, value in example.items()} | files | GIVEN


def checked(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_complete_installation_has_no_issue(production: dict[str, str]) -> None:
    done = checked(production)
    assert (done.returncode, done.stdout.splitlines()[:1]) == (
        0,
        ["System check identified no issues (1 silenced)."],
    ), done.stderr


def test_what_is_left_out_is_named(production: dict[str, str]) -> None:
    done = checked(production | {"MIO_EMAIL_URL": "", "MIO_METRICS_TOKEN": ""})
    assert done.returncode == 1
    assert set(re.findall(r"\((\w+\.\w+)\)", done.stderr)) == {"mio.W001", "mio.W003"}
