"""What the tables of one account may use, and what they do use."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pyarrow as pa
from psycopg import sql

from schema.load.reader import FileColumn, LoadError, Reader
from schema.model import Table
from schema.statements import statement


class OverQuota(LoadError):
    """The tables of an account would use more than they may."""


class DoneAlready(Exception):
    """Another attempt at the same job has put its rows there."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of all tables of an account together; `days` that a table is kept. 0 is no limit."""

    tables: int = 0
    rows: int = 0
    bytes: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """`bytes` on the disk, with indexes."""

    tables: int = 0
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Owner:
    """An account as the owner of tables."""

    account: str
    quota: Quota = Quota()


def usage(connection: psycopg.Connection, account: str, without: str = "") -> Usage:
    """Return what an account's tables use, but for the table `without`, which is replaced."""
    row = connection.execute(statement("own_usage"), {"account": account, "without": without}).fetchone()
    return Usage(*row) if row else Usage()


class LimitedReader:
    """Reads a file until there are more rows, or far more bytes, than a table may still have."""

    def __init__(self, reader: Reader, owner: Owner, used: Usage) -> None:
        self._reader = reader
        self._owner = owner
        self._used = used

    @property
    def columns(self) -> tuple[FileColumn, ...]:
        return self._reader.columns

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows. Raises: OverQuota, LoadError."""
        rows = size = 0
        for batch in self._reader.batches():
            rows, size = rows + batch.num_rows, size + batch.nbytes
            # On the disk they may take less than here, where a long text is packed there.
            check(self._owner.quota, Usage(0, self._used.rows + rows, self._used.bytes + size // _PACKS))
            yield batch

    def fraction(self) -> float | None:
        return self._reader.fraction()


_PACKS = 4
_MOST_TEXT = 200_000
"""Characters of what is said of a table and its columns."""


def settle(connection: psycopg.Connection, owner: Owner, table: Table, job: str | None = None) -> None:
    """Write down what a table uses now, and which job's rows came into it.

    Raises: OverQuota if it is too much, LoadError if too much is said of it, DoneAlready if that job's rows are there.
    """
    _check_texts(table)
    connection.execute(statement("lock_own_schema"), (owner.account,))
    values = {
        "table_name": table.table_name,
        "account": owner.account,
        "nrows": table.nrows or 0,
        "stored": sql.Identifier(*table.stored_parts).as_string(connection),
        "days": owner.quota.days or None,
    }
    connection.execute(statement("put_own_table"), values)
    if job and connection.execute(statement("add_job_of_table"), values | {"job": job}).fetchone() is None:
        raise DoneAlready(f"The result of the job {job} is in {table.table_name} already")
    check(owner.quota, usage(connection, owner.account))


def _check_texts(table: Table) -> None:
    """Raise LoadError for descriptions without measure: every process that knows of the table has them in memory."""
    texts = [
        table.description,
        table.utype,
        *(t for c in table.columns for t in (c.unit, c.ucd, c.utype, c.description)),
    ]
    size = sum(len(text) for text in texts if text)
    if size > _MOST_TEXT:
        raise LoadError(
            f"the descriptions of a table have at most {_MOST_TEXT:,} characters together; here are {size:,}"
        )


def check(quota: Quota, used: Usage) -> None:
    """Raises: OverQuota."""
    for unit in ("tables", "rows", "bytes"):
        most, now = getattr(quota, unit), getattr(used, unit)
        if most and now > most:
            raise OverQuota(
                f"Your tables would have {now:,} {unit} together; they may have {most:,}."
                " Drop one that you no longer need, or ask whoever runs this service for more"
            )
