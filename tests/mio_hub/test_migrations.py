"""The suite's database is made from the models; installations are migrated. Both are the same."""

import os
import re
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from mio_hub.supervisor import MANAGE
from tests.database import address

COLUMNS = """
SELECT table_name, column_name, udt_name, character_maximum_length, is_nullable, is_identity, column_default
FROM information_schema.columns WHERE table_schema = 'public'
"""
INDEXES = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
CONSTRAINTS = """
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
"""
INDEX_NAME = re.compile(r"INDEX \S+ ON")
APART = {"django_migrations", "auth_group_permissions"}
"""Only migrating writes down what was migrated; and it gives the second, which stays empty, larger keys than its model."""


@pytest.fixture
def migrated(transactional_db: None) -> Iterator[str]:
    """The address of a database that was migrated from nothing, as an installation's is."""
    name = f"{connection.settings_dict['NAME']}_migrated"
    with psycopg.connect(address("postgres"), autocommit=True) as administration:
        administration.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            environment = os.environ | {"DATABASE_URL": address(name)}
            subprocess.run([*MANAGE, "migrate", "--verbosity", "0"], env=environment, check=True)
            yield address(name)
        finally:
            administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def schema(url: str) -> set[tuple[str, ...]]:
    """Every column, index and constraint, without the names of the last two: those of old ones stay after a renaming."""
    with psycopg.connect(url) as database:
        rows = [row for question in (COLUMNS, INDEXES, CONSTRAINTS) for row in database.execute(question)]
    return {
        (table, *(INDEX_NAME.sub("INDEX ON", str(each)) for each in rest))
        for table, *rest in rows
        if table not in APART
    }


def test_a_migrated_database_is_what_the_models_say(migrated: str) -> None:
    assert schema(migrated) == schema(address())
