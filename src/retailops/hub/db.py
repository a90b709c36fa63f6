"""The few database helpers under every operation: bulk reads and writes whose statement count does not grow with rows."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, models, transaction
from django.db.models import Q
from psycopg import errors, sql

from retailops.hub.money import MONEY_MAX

P = ParamSpec("P")
R = TypeVar("R")

Row = tuple[Any, ...]

#: How often a unit of work is run again after a deadlock or a serialization failure.
UNIT_OF_WORK_TRIES = 5


def fetch(query: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
    """Run one statement and return all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(query, params or None)
        return list(cursor.fetchall())


def execute(query: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> int:
    """Run one statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(query, params or None)
        return int(cursor.rowcount)


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows with one COPY. `columns` are column names; columns left out take their database default."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(",").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def next_ids(model: type[models.Model], count: int) -> list[int]:
    """Take `count` primary keys from the model's sequence, so that parents and children can be written in bulk."""
    if not count:
        return []
    rows = fetch(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
        [model._meta.db_table, count],
    )
    return [row[0] for row in rows]


def columns_of(rows: Sequence[Sequence[object]], width: int) -> list[list[object]]:
    """Turn rows into `width` columns, as `unnest` wants them; right for no rows, too."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def unit_of_work(function: Callable[P, R]) -> Callable[P, R]:
    """Run an operation in one transaction, and the outermost one again after a deadlock or serialization failure.

    Inside another unit of work it is a savepoint, and the outermost one does the retrying.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            with transaction.atomic():
                return function(*args, **kwargs)
        for attempt in range(UNIT_OF_WORK_TRIES):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                retryable = isinstance(error.__cause__, errors.DeadlockDetected | errors.SerializationFailure)
                if not retryable or attempt == UNIT_OF_WORK_TRIES - 1:
                    raise
                time.sleep(0.01 * 2**attempt)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    return wrapper


def money_field(**options: Any) -> models.DecimalField[Any, Any]:
    """Return a NUMERIC(14,4) column. Pair it with `money_is_finite`: NUMERIC takes NaN."""
    return models.DecimalField(max_digits=14, decimal_places=4, **options)


def money_is_finite(*names: str, minimum: Decimal | int = 0) -> Q:
    """Build the CHECK condition that refuses NaN (which PostgreSQL sorts above every number) and amounts below `minimum`."""
    condition = Q()
    for name in names:
        condition &= Q(**{f"{name}__gte": minimum, f"{name}__lte": MONEY_MAX})
    return condition
