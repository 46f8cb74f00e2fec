"""What Prometheus is told."""

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries

from accounts.models import Installation
from connectors.sandbox import Fault
from mio_hub import metrics
from tests.house import House

DASHBOARD = Path(__file__).parents[2] / "docker" / "grafana-dashboard.json"


def told() -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_what_waits_and_what_came_to_an_end_is_told(house: House) -> None:
    house.world.faults.append(Fault("webex", status=503))
    house.type("slack", "Bob Okafor", "hello")
    house.relay(rounds=1)
    figures = told()
    assert figures["mio_deliveries_open", "webex"] == 1
    assert ("mio_deliveries_open", "teams") not in figures
    assert figures["mio_mailboxes_resting", "webex"] == 1
    assert figures["mio_events_accepted_total",] >= 1
    assert figures["mio_inbox_oldest_seconds",] == 0


def test_a_connection_that_needs_somebody_is_seen(house: House) -> None:
    Installation.objects.filter(platform="zoom").update(state="needs reconnect")
    figures = told()
    assert figures["mio_connections", "zoom", "needs reconnect"] == 1
    assert figures["mio_connections", "slack", "connected"] == 1


def test_a_scrape_asks_each_figure_once(house: House, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(len(metrics.GAUGES) + len(metrics.COUNTERS)):
        metrics.exposition()


def test_the_dashboard_draws_only_what_is_told() -> None:
    known = {*metrics.GAUGES, *(f"{name}_total" for name in metrics.COUNTERS)}
    asked = re.findall(r"mio_\w+", " ".join(re.findall(r'"expr": "([^"]+)"', DASHBOARD.read_text())))
    assert json.loads(DASHBOARD.read_text())["panels"]
    assert set(asked) <= known
    assert {*metrics.GAUGES} <= set(asked)
