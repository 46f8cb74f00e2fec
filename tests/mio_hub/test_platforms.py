"""The operator's secrets of each platform come from the environment, by the names of their fields."""

from pathlib import Path

import pytest

import connectors
from mio_hub import development, platforms


def test_every_platform_names_its_variables() -> None:
    for slug in connectors.slugs():
        assert any(name.startswith(f"MIO_{slug.upper()}_") for name in platforms.variables())


def test_a_secret_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIO_SLACK_SIGNING_SECRET", "hush")
    assert platforms.platform_secrets()["slack"].signing_secret == "hush"


def test_a_secret_may_be_the_content_of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.delenv("MIO_SLACK_SIGNING_SECRET", raising=False)
    monkeypatch.setenv("MIO_SLACK_SIGNING_SECRET_FILE", str(tmp_path / "secret"))
    assert platforms.platform_secrets()["slack"].signing_secret == "hush"


def test_secrets_do_not_show_when_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in platforms.variables():
        monkeypatch.setenv(name, "hush")
    assert "hush" not in repr(platforms.platform_secrets())


def test_a_machine_of_ones_own_has_secrets_of_every_platform() -> None:
    assert set(platforms.variables()) <= development.new_secrets().keys()
