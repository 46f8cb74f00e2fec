"""All that is kept anywhere, to look through for what must not be."""

from django.db import connection
from redis import Redis


def dump_of_every_table() -> str:
    """All rows of all tables as text, the way `COPY` writes them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        tables = cursor.fetchall()
        rows = []
        for schema, table in tables:
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" t')  # noqa: S608 (names from the catalogue)
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)


def dump_of_redis(redis: Redis) -> bytes:
    """Every key with its serialised value."""
    return b"\n".join(key + b" " + (redis.dump(key) or b"") for key in redis.scan_iter("*"))
