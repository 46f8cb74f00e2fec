"""What Prometheus is told: read from the database when it asks, so that any web process answers for the whole Hub."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

GAUGES = {
    "mio_inbox_waiting": (
        "Events that were accepted and not yet routed.",
        ["platform"],
        (
            "SELECT i.platform, count(*) FROM relay_inboundevent e JOIN accounts_installation i ON i.id = e.installation_id"
            " WHERE e.state = 0 GROUP BY 1"
        ),
    ),
    "mio_inbox_oldest_seconds": (
        "How long the oldest of them has waited.",
        [],
        (
            "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(received_at)), 0) FROM relay_inboundevent"
            " WHERE state = 0"
        ),
    ),
    "mio_deliveries_open": (
        "Deliveries that have not come to an end: waiting, being sent, or perhaps sent.",
        ["platform"],
        (
            "SELECT i.platform, count(*) FROM relay_delivery d JOIN relay_conversationlink l ON l.id = d.link_id"
            " JOIN accounts_installation i ON i.id = l.installation_id WHERE d.state < 3 GROUP BY 1"
        ),
    ),
    "mio_deliveries_oldest_seconds": (
        "How long the oldest of them has waited.",
        [],
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0) FROM relay_delivery WHERE state < 3",
    ),
    "mio_mailboxes_resting": (
        "Mailboxes that were told to rest, by the platform or after a failure.",
        ["platform"],
        (
            "SELECT i.platform, count(*) FROM relay_conversationlink l JOIN accounts_installation i"
            " ON i.id = l.installation_id WHERE l.not_before > clock_timestamp() GROUP BY 1"
        ),
    ),
    "mio_connections": (
        "Connections by state.",
        ["platform", "state"],
        "SELECT platform, state, count(*) FROM accounts_installation GROUP BY 1, 2",
    ),
    "mio_tokens_overdue": (
        "Tokens of working connections whose renewal is more than five minutes late.",
        ["platform"],
        (
            "SELECT i.platform, count(*) FROM accounts_token t JOIN accounts_installation i ON i.id = t.installation_id"
            " WHERE t.renew_at < now() - interval '5 minutes' AND i.state = 'connected' GROUP BY 1"
        ),
    ),
    "mio_subscriptions_in_trouble": (
        "Standing orders at a platform that could not be made or renewed.",
        ["platform"],
        (
            "SELECT i.platform, count(*) FROM accounts_subscription s JOIN accounts_installation i"
            " ON i.id = s.installation_id WHERE s.problem <> '' GROUP BY 1"
        ),
    ),
    "mio_tenants": ("Organizations on this Hub.", [], "SELECT count(*) FROM accounts_tenant"),
}
"""By name: what it says, its labels, and a query that gives the labels and the value. Each is answered from an index or a
small table."""

COUNTERS = {
    "mio_events_accepted": (
        "Events accepted since the Hub was set up.",
        [],
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('relay_inboundevent', 'id')::regclass), 0)",
    ),
    "mio_deliveries_made": (
        "Deliveries planned since the Hub was set up; those that are not open came to an end.",
        [],
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('relay_delivery', 'id')::regclass), 0)",
    ),
    "mio_discards": (
        "Events that went no further, by reason.",
        ["platform", "reason"],
        "SELECT platform, name, sum(count) FROM relay_dailycount WHERE what = 'discard' GROUP BY 1, 2",
    ),
    "mio_degraded": (
        "Constructs that crossed as readable text for want of a form of their own.",
        ["platform", "construct"],
        "SELECT platform, name, sum(count) FROM relay_dailycount WHERE what = 'degraded' GROUP BY 1, 2",
    ),
}
"""The same for what only grows. A sequence counts for free what counting rows would take minutes for."""


class Ledgers(Collector):
    """The Hub's own figures."""

    def describe(self) -> Iterable[Metric]:
        return ()  # nothing is asked of the database before the first scrape

    def collect(self) -> Iterator[Metric]:
        for kind, families in ((GaugeMetricFamily, GAUGES), (CounterMetricFamily, COUNTERS)):
            for name, (text, labels, query) in families.items():
                family = kind(name, text, labels=labels)
                for *values, figure in _rows(query):
                    family.add_metric([str(value) for value in values], float(figure))
                yield family


def _rows(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


_own = CollectorRegistry()
_own.register(Ledgers())


def exposition() -> bytes:
    """Everything in Prometheus' text form: the Hub's figures and this process's."""
    return generate_latest(_own) + generate_latest(REGISTRY)
