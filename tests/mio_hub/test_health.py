"""Monitoring learns which part is down, and says so before a person does."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from celery import Celery
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from mio_hub import checks, heartbeat
from mio_hub.views import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def everyone_is_silent() -> Iterator[None]:
    for role in heartbeat.ROLES:
        heartbeat.forget(role)
    yield
    for role in heartbeat.ROLES:
        heartbeat.forget(role)


@pytest.fixture
def redis_is_away(settings: Settings) -> Iterator[None]:
    heartbeat.redis.cache_clear()
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    yield
    heartbeat.redis.cache_clear()


def test_all_parts_alive_is_ok(client: Client) -> None:
    for role in heartbeat.ROLES:
        heartbeat.show_life(role)
    answer = client.get("/healthz", secure=True)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "redis": "ok"} | dict.fromkeys(heartbeat.ROLES, "ok")


@pytest.mark.parametrize("silent", heartbeat.ROLES)
def test_a_silent_process_is_named(client: Client, silent: str) -> None:
    for role in {*heartbeat.ROLES} - {silent}:
        heartbeat.show_life(role)
    answer = client.get("/healthz", secure=True)
    assert answer.status_code == 503
    assert [part for part, state in answer.json().items() if state == "down"] == ["status", silent]


@pytest.mark.parametrize(
    ("queues", "roles"),
    [
        (["default", "shards"], ["worker"]),
        (["imports"], ["importer"]),
        (["default", "shards", "imports"], ["worker", "importer"]),
    ],
)
def test_a_worker_plays_the_parts_of_its_queues(queues: list[str], roles: list[str]) -> None:
    app = Celery(set_as_current=False)
    app.amqp.queues.select(queues)
    heart = heartbeat.WorkerHeart()
    heart.start(sender=SimpleNamespace(app=app))
    heart.stop()
    heart.thread.join()
    assert heartbeat.alive() == roles


def test_a_sign_of_life_expires() -> None:
    heartbeat.show_life("worker")
    assert 0 < heartbeat.redis().ttl(heartbeat.key("worker")) <= heartbeat.LIFETIME


@pytest.mark.usefixtures("redis_is_away")
def test_without_redis_nothing_crashes(client: Client) -> None:
    heartbeat.show_life("worker")
    answer = client.get("/healthz", secure=True)
    assert answer.status_code == 503
    processes = dict.fromkeys(heartbeat.ROLES, "down")
    assert answer.json() == {"status": "down", "database": "ok", "redis": "down"} | processes


def test_without_a_database_the_answer_still_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    connection.close()
    try:
        assert health.database() == "down"
    finally:
        monkeypatch.undo()


def test_health_is_asked_over_plain_http_from_inside(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 503
    assert client.get("/").status_code == 301


def test_metrics_are_in_prometheus_form(client: Client) -> None:
    answer = client.get("/metrics", secure=True)
    assert answer.status_code == 200
    assert b"# TYPE python_info gauge" in answer.content


@pytest.mark.parametrize(("given", "may"), [("Bearer word", True), ("Bearer other", False), ("", False)])
def test_metrics_may_be_kept_behind_a_token(rf: RequestFactory, settings: Settings, given: str, may: bool) -> None:
    settings.MIO_METRICS_TOKEN = "word"
    assert health.may_read_metrics(rf.get("/metrics", headers={"Authorization": given})) is may


def test_every_page_forbids_inline_code(client: Client) -> None:
    policy = client.get("/", secure=True).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", [*checks.NEEDED, "SECRET_KEY"])
def test_a_missing_setting_is_named(settings: Settings, name: str) -> None:
    setattr(settings, name, "")
    [message] = checks.needed_settings(None)
    assert name in message.msg


def test_unusable_keys_are_named(settings: Settings) -> None:
    settings.MIO_FIELD_KEYS = ["short"]
    settings.MIO_VAULT_KEY = "c2hvcnQ="
    assert [message.id for message in checks.usable_keys(None)] == ["mio.E002", "mio.E003"]
