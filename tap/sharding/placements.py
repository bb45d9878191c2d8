"""Where the rows of published tables lie, read from the coordinator."""

from dataclasses import replace
from importlib.resources import files
from typing import Any

import psycopg

from schema.model import unquoted_parts
from tap.sharding.model import CellRange, HealpixPartitioning, Placement, Placements

_READ = (files("tap.sharding") / "placements.sql").read_text("utf-8").encode()


def read_placements(connection: psycopg.Connection) -> Placements:
    """Return the placement of each published table on shards. Raises: psycopg.Error."""
    rows = connection.execute(_READ).fetchall()
    return dict(_placement(*row) for row in rows)


def _placement(
    table_name: str, storage: str | None, partitioning: list[Any], ranges: list[list[Any]] | None, workers: list[str]
) -> tuple[tuple[str, ...], Placement]:
    schema_name, name = unquoted_parts(table_name)
    divided = replace(HealpixPartitioning(*partitioning), hashed=ranges is None)
    cell_ranges = tuple(CellRange(*row) for row in ranges or ())
    return (schema_name, storage or name), Placement(divided, cell_ranges, () if ranges else tuple(workers))
