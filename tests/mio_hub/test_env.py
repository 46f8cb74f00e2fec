"""Settings read from the environment mean what they say, or stop the process with the variable's name."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mio_hub import env


def test_an_empty_variable_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIO_X", "  ")
    assert env.text("MIO_X", "default") == "default"
    assert env.integer("MIO_X", 3) == 3
    assert env.boolean("MIO_X", True) is True


@pytest.mark.parametrize(("given", "meant"), [("1", True), ("Yes", True), ("on", True), ("false", False), ("0", False)])
def test_yes_and_no_may_be_said_in_several_ways(monkeypatch: pytest.MonkeyPatch, given: str, meant: bool) -> None:
    monkeypatch.setenv("MIO_X", given)
    assert env.boolean("MIO_X", not meant) is meant


def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIO_X", "soon")
    for read in (lambda: env.integer("MIO_X", 1), lambda: env.boolean("MIO_X", True), lambda: env.seconds("MIO_X", 1)):
        with pytest.raises(ImproperlyConfigured, match="MIO_X"):
            read()


def test_a_duration_of_zero_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIO_X", "0")
    with pytest.raises(ImproperlyConfigured, match="above zero"):
        env.seconds("MIO_X", 5)


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("MIO_X_FILE", str(tmp_path / "secret"))
    assert env.secret("MIO_X") == "from the file"


def test_a_secret_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIO_X_FILE", str(tmp_path / "nothing"))
    with pytest.raises(ImproperlyConfigured, match="MIO_X_FILE"):
        env.secret("MIO_X")


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIO_X", "one")
    monkeypatch.setenv("MIO_X_FILE", str(tmp_path / "other"))
    with pytest.raises(ImproperlyConfigured, match="keep one"):
        env.secret("MIO_X")


def test_a_list_is_written_with_commas_or_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIO_X", "a, b c")
    assert env.words("MIO_X") == ["a", "b", "c"]


def test_a_database_over_tcp() -> None:
    read = env.database("postgresql://ann:p%40ss@db.example.com:5433/hub?sslmode=require")
    assert (read["USER"], read["PASSWORD"], read["NAME"]) == ("ann", "p@ss", "hub")
    assert (read["HOST"], read["PORT"]) == ("db.example.com", "5433")
    assert read["OPTIONS"] == {"sslmode": "require"}


def test_a_database_behind_a_unix_socket() -> None:
    read = env.database("postgresql:///hub?host=/run/postgres&user=ann")
    assert (read["HOST"], read["USER"], read["NAME"], read["OPTIONS"]) == ("/run/postgres", "ann", "hub", {})


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="postgresql://"):
        env.database("sqlite:///hub.db")


def test_a_mail_server_with_a_user_is_spoken_to_in_secret() -> None:
    read = env.email("smtp://ann:p%40ss@mail.example.com")
    assert (read["EMAIL_HOST_USER"], read["EMAIL_HOST_PASSWORD"]) == ("ann", "p@ss")
    assert (read["EMAIL_HOST"], read["EMAIL_PORT"], read["EMAIL_USE_TLS"]) == ("mail.example.com", 587, True)
    assert env.email("smtps://ann:x@mail.example.com")["EMAIL_PORT"] == 465


def test_mail_is_printed_where_that_is_asked_for_and_no_other_kind_of_address_is_taken() -> None:
    assert env.email("console:") == {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    with pytest.raises(ImproperlyConfigured, match="smtp://"):
        env.email("http://mail.example.com")
