"""The relay's own way to the database: its connections, and the fence that every write of a worker carries."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from django.db import connections
from psycopg.rows import namedtuple_row

FENCED = "lease AS (SELECT 1 FROM relay_shard WHERE number = %(shard)s AND fence = %(fence)s FOR KEY SHARE)"
"""The first part of every statement that writes: nothing is written where no row of ``lease`` is joined."""

Lease = Mapping[str, int]
"""What ``FENCED`` is filled with: ``shard``, the number ``of`` shards there are, and the ``fence`` of its lease."""

REFUSALS = (psycopg.DataError, psycopg.IntegrityError, UnicodeError)
"""What one item of a batch may bring about that the others must not suffer from."""


class LeaseLost(Exception):
    """Another worker holds the shard now: stop at once, write nothing more."""


def records(rows: Iterable[NamedTuple]) -> str:
    """Rows for ``json_to_recordset``, by the names of their fields: for psycopg and PostgreSQL a fraction of the work that an
    array for each column is."""
    return _as_json([row._asdict() for row in rows])


_as_json = json.JSONEncoder(separators=(",", ":"), default=datetime.isoformat).encode


DJANGO_S_OWN = ("cursor_factory", "context", "prepare_threshold")


def connection_parameters() -> dict[str, Any]:
    """How to reach the Hub's database (the tests' own in tests), in psycopg's words.

    Without Django's own wishes, above all its ban on prepared statements: planning ours costs more than running them.
    """
    parameters: dict[str, Any] = connections["default"].get_connection_params()
    return {name: value for name, value in parameters.items() if name not in DJANGO_S_OWN}


PLANS = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
"""All our statements reach a few rows by key. Planned once, perhaps while the tables are empty, they must not scan them when
they are full: without this, routing slows down with every message kept."""


async def connect() -> "psycopg.AsyncConnection[Any]":
    """A connection of the relay's own, in autocommit."""
    parameters = connection_parameters()
    parameters["options"] = f"{parameters.get('options', '')} {PLANS}".strip()
    return await psycopg.AsyncConnection.connect(**parameters, autocommit=True, row_factory=namedtuple_row)
