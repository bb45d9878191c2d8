"""Loads that have not ended: what the coordinator remembers of them, and which partitions there are on the shards.

A load's id is that of a file as it was when the load began, of its description and of the table: the same command
goes on with what is there, another begins anew.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from schema.description import Description
from schema.load.reader import LoadError
from tap.sharding.loading.table_plan import ShardedTablePlan
from tap.sharding.model import CellRange

_END = 1 << 20
"""Bytes at the beginning and at the end of a file that are looked at."""


class LoadInUse(LoadError):
    """What there is of the load belongs to another process."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A load that began."""

    load_id: str
    storage: str
    margin: float
    ranges: tuple[tuple[int, int, str], ...]

    def of(self, plan: ShardedTablePlan) -> ShardedTablePlan:
        """Return the plan that the load had, of one for the same file."""
        ranges = tuple(CellRange(a, b, shard, f"{self.storage}_p{i}") for i, (a, b, shard) in enumerate(self.ranges))
        return replace(
            plan, storage=self.storage, ranges=ranges, partitioning=replace(plan.partitioning, margin=self.margin)
        )


def load_id_of(identity: str, table_name: str, description: Description) -> str:
    """Return a digest of a source, and of what shall become of it."""
    return hashlib.sha256(repr((table_name, description, identity)).encode()).hexdigest()


def identity_of(path: Path) -> str:
    """Return a digest of the file's size, time, beginning and end."""
    status = path.stat()
    digest = hashlib.sha256(repr((status.st_size, status.st_mtime_ns)).encode())
    with path.open("rb") as file:
        digest.update(file.read(_END))
        file.seek(max(0, status.st_size - _END))
        digest.update(file.read(_END))
    return digest.hexdigest()


def unfinished(connection: psycopg.Connection, table_name: str) -> Unfinished | None:
    row = connection.execute(
        "SELECT load_id, storage, margin, ranges FROM armillary.loads WHERE table_name = %s", (table_name,)
    ).fetchone()
    if row is None:
        return None
    return Unfinished(row[0], row[1], row[2], tuple((first, stop, shard) for first, stop, shard in row[3]))


def remember_load(connection: psycopg.Connection, table_name: str, load: Unfinished) -> None:
    connection.execute(
        "INSERT INTO armillary.loads VALUES (%s, %s, %s, %s, %s)",
        (table_name, load.load_id, load.storage, load.margin, Jsonb(load.ranges)),
    )


def forget_load(connection: psycopg.Connection, table_name: str) -> None:
    connection.execute("DELETE FROM armillary.loads WHERE table_name = %s", (table_name,))


def lock_load(connection: psycopg.Connection, table_name: str, load_id: str) -> None:
    """Lock a load until the end of the transaction. Raises: LoadInUse."""
    command = "SELECT FROM armillary.loads WHERE table_name = %s AND load_id = %s FOR UPDATE"
    try:
        with lock_timeout(connection, 3000):
            row = connection.execute(command, (table_name, load_id)).fetchone()
    except psycopg.errors.LockNotAvailable as error:
        raise LoadInUse(f"{table_name} is being loaded by another process") from error
    if row is None:
        raise LoadInUse(f"{table_name}: somebody gave this load up; start it again")


@contextmanager
def lock_timeout(connection: psycopg.Connection, milliseconds: int) -> Iterator[None]:
    """Set lock_timeout in a transaction, as long as the block lasts."""
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(milliseconds))
    yield
    connection.execute("SET LOCAL lock_timeout = 0")
