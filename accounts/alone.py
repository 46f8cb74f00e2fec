"""Doing something one worker at a time, without keeping anybody waiting."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_LOCK = "hashtextextended(%s, %s)"


@contextmanager
def alone(what: str, pk: int) -> Iterator[bool]:
    """Whether nobody else does ``what`` to the row ``pk`` meanwhile; a worker that dies lets go of it.

    No row is locked: a platform may take its time, and whoever writes to the row must not wait.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_LOCK})", [what, pk])
        [is_alone] = cursor.fetchone()
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute(f"SELECT pg_advisory_unlock({_LOCK})", [what, pk])
