"""The second engine, Citus: all in which it differs from postgres_fdw, as SQL and as arithmetic, without a connection.

Nobody of this house has run it end to end: its statements are tested for PostgreSQL's syntax and for the names and
parameters of Citus's functions, the arithmetic against brute force. No command uses this file yet; docs/scaling.md
has the design.

Citus puts a row where the hash of its pixel says, and joins in place what is joined on equal pixels. So tables of a
layout are co-located by their pixels, and a row of an upload is present once in each pixel that its circle touches.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cdshealpix.nested import neighbours
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tap.sharding.layout import NOWHERE, Cells, cells_of
from tap.sharding.shards import Shard, ShardError

HOME = "armillary_at_home"
"""Of the copies of an upload's row, true for the one in the pixel of its own position."""
_PIXEL_TYPE = "integer"
"""Of every distribution column: Citus joins in place only where the types are the same, not bigint with integer."""
_CELLS_A_SHARD = 12
"""At least, so that shards are about alike."""
_FEWEST_SHARDS = 32
_COARSE, _FINE = 4, 6
"""Orders of pixels: the coarse ones were faster for cones and matches, the fine ones can be spread on more shards."""
_DEEPEST = 29
_NARROWEST = 0.65
"""From a side of a cell to the one across is more than this, in square roots of its area (0.67 near the poles, where it is least)."""
_MARGIN = 1e-9
"""Radians by which circles are widened, more than rounding can do."""

Statements = list[sql.Composed]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CitusNode:
    """As the other nodes reach it."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Name:
    """Of a table."""

    schema: str
    table: str

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table)

    @property
    def literal(self) -> sql.Literal:
        """As Citus's functions take it: a text that is read as a name."""
        return sql.Literal(self.identifier.as_string(None))


# ---- setting up


def node_of(shard: Shard) -> CitusNode:
    """Raises: ShardError where other nodes could not reach it by that."""
    found = conninfo_to_dict(shard.database)
    host, port = str(found.get("host") or ""), str(found.get("port") or "5432")
    if not host or host.startswith("/") or "," in host or not port.isdigit():
        raise ShardError(
            f'shard {shard.name}: with engine = "citus" its conninfo needs one host by its name, and a port'
        )
    return CitusNode(host, int(port))


def prepare_node() -> Statements:
    """On every node, as superuser, before they know each other; shared_preload_libraries must begin with citus."""
    return [sql.SQL("CREATE EXTENSION IF NOT EXISTS citus").format()]


def prepare_cluster(coordinator: CitusNode, workers: Iterable[CitusNode]) -> Statements:
    """On the coordinator, as superuser; may be repeated. What is made there afterwards, Citus makes on the workers."""
    known = [_call("citus_set_coordinator_host", coordinator.host, coordinator.port)]
    known += [_call("citus_add_node", worker.host, worker.port) for worker in workers]
    return [*known, sql.SQL("CREATE EXTENSION IF NOT EXISTS pg_sphere").format()]


def settings(result_kilobytes: int) -> Statements:
    """Of a session that runs queries. `result_kilobytes`: what a WITH that cannot run in place may bring together."""
    wanted: dict[str, object] = {
        "citus.enable_repartition_joins": "on",  # joins on other columns than the pixel
        "citus.max_intermediate_result_size": result_kilobytes,
        "citus.propagate_set_commands": "local",  # limits of a transaction hold on the workers too
    }
    return [sql.SQL("SET " + name + " TO {}").format(sql.Literal(value)) for name, value in wanted.items()]


def division(cores: int) -> tuple[int, int]:
    """Order of the pixels and number of shards, for so many cores of all workers: two shards each, a power of two."""
    wanted = max(_FEWEST_SHARDS, 1 << (2 * cores - 1).bit_length())
    order = _COARSE if wanted * _CELLS_A_SHARD <= _cells(_COARSE) else _FINE
    while wanted * _CELLS_A_SHARD > _cells(order):
        wanted //= 2
    return order, wanted


def _cells(order: int) -> int:
    return int(12 * 4**order)


# ---- tables


def distribute(table: Name, pixel: str, shards: int) -> sql.Composed:
    """The first table of a layout; it must be empty, and without indexes it is filled faster."""
    return _call("create_distributed_table", table.literal, pixel, colocate_with="none", shard_count=shards)


def distribute_alike(table: Name, pixel: str, like: Name) -> sql.Composed:
    """A further table of a layout: rows of equal pixels lie on the same worker."""
    return _call("create_distributed_table", table.literal, pixel, colocate_with=like.literal)


def fill(table: Name, columns: Iterable[str]) -> sql.Composed:
    """Through the coordinator. Without FREEZE, which is for tables that this server holds."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table.identifier, names)


# ---- uploads


def create_upload(upload: Name, columns: Mapping[str, str], pixel: str, catalogue: Name) -> Statements:
    """In the transaction of the query, which is rolled back: Citus distributes no temporary tables.

    `columns`: names and PostgreSQL's types, which are our own words (schema.types).
    """
    kinds = {**columns, pixel: f"{_PIXEL_TYPE} NOT NULL", HOME: "boolean NOT NULL"}
    parts = sql.SQL(", ").join(sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind in kinds.items())
    create = sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(upload.identifier, parts)
    return [create, distribute_alike(upload, pixel, catalogue)]


def copies(ra: pa.Array, dec: pa.Array, radius: float, order: int) -> tuple[Rows, Cells, npt.NDArray[np.bool_]]:
    """Where an upload's rows go: numbers of rows, cells, and whether it is the one of its position.

    Each row stands once for each cell that the circle of `radius` degrees round it touches, and for some that it
    nearly touches; one without a position only in NOWHERE. `radius` has the margin of pixels that come from ids in it
    (schema.model.Pixel). Raises: ValueError where circles are larger than cells.
    """
    depth = _depth(np.radians(radius) + _MARGIN, order)
    fine = cells_of(ra, dec, depth)
    home = np.where(fine == NOWHERE, NOWHERE, fine >> 2 * (depth - order))
    near = np.sort(np.column_stack([home, _parents(fine, depth, order)]), axis=1)
    first = np.diff(near, axis=1, prepend=NOWHERE - 1) > 0
    first &= (near != NOWHERE) | (home == NOWHERE)[:, None]
    rows, places = np.nonzero(first)
    cells = near[rows, places]
    return rows, cells, cells == home[rows]


def _depth(radius: float, order: int) -> int:
    """The deepest order at which such a circle, wherever in a cell its centre is, stays in it and its neighbours."""
    deep = int(np.floor(np.log2(_NARROWEST * np.sqrt(4 * np.pi / 12) / radius)))
    if deep < order:
        raise ValueError(f"a circle of {np.degrees(radius):.3g} degrees is larger than the cells of order {order}")
    return min(deep, _DEEPEST)


def _parents(fine: Cells, depth: int, order: int) -> Cells:
    """Of each cell and its neighbours, the cells of a lower order that they lie in; NOWHERE where there is none."""
    found = np.full((len(fine), 9), NOWHERE, np.int64)
    known = fine != NOWHERE
    if known.any():
        around = neighbours(fine[known].astype(np.uint64), depth).astype(np.int64)
        found[known] = np.where(around < 0, NOWHERE, around >> 2 * (depth - order))
    return found


def same_pixel(left: str, right: str, pixel: str) -> sql.Composed:
    """What must stand in the ON of a join so that it runs on the workers. A row of the catalogue has one pixel, and a

    row of the upload is there once: so each pair is found once.
    """
    return sql.SQL("{} = {}").format(sql.Identifier(left, pixel), sql.Identifier(right, pixel))


def each_once(upload: str) -> sql.Composed:
    """The condition for queries that see the upload by itself."""
    return sql.SQL("{}").format(sql.Identifier(upload, HOME))


# ---- queries


def in_pixels(alias: str, pixel: str, ranges: Iterable[tuple[int, int]], shards: int) -> sql.Composed | None:
    """In some of these ranges (first and last): every cell by its number, since a hash tells nothing of BETWEEN.

    None where so many leave out no shard.
    """
    cells = [cell for first, last in ranges for cell in range(first, last + 1)]
    if len(cells) >= shards:
        return None
    column, numbers = sql.Identifier(alias, pixel), sql.SQL(", ").join(map(sql.Literal, cells))
    return sql.SQL("{} = ANY (ARRAY[{}]::" + _PIXEL_TYPE + "[])").format(column, numbers)


def brought_together(name: str, query: sql.Composable) -> sql.Composed:
    """For WITH: a side of a join that is not on equal pixels, as of neighbours. Its rows travel; without MATERIALIZED

    Citus would put it back into the join that it refuses.
    """
    return sql.SQL("{} AS MATERIALIZED ({})").format(sql.Identifier(name), query)


_REFUSED = {
    "complex joins are only supported when": "the sharded tables are joined by something else than their places in the"
    " same part of the sky; search for each of them in a WITH of its own, as small a part of the sky as will do, and join these",
    "Cartesian products are currently unsupported": "sharded tables are joined without a condition;"
    " search for each of them in a WITH of its own and join these",
    "correlated subqueries are not supported": "a sub-query refers to the query round it; write it as a JOIN",
    "the intermediate result size exceeds": "a WITH or a sub-query has too many rows to be brought together;"
    " search in a smaller part of the sky",
}


def refusal(message: str) -> str | None:
    """What to tell the user of an error of Citus's planner; None where it is another error."""
    return next((ours for theirs, ours in _REFUSED.items() if theirs in message), None)


# ---- looking after it


def health() -> Statements:
    """Which nodes reach each other, and where shards lie."""
    reach = (
        "SELECT from_nodename, from_nodeport, to_nodename, to_nodeport, result FROM citus_check_cluster_node_health()"
    )
    held = "SELECT nodename, nodeport, count(*), sum(shard_size) FROM citus_shards GROUP BY nodename, nodeport"
    return [sql.SQL(reach).format(), sql.SQL(held).format()]


def rebalance() -> Statements:
    """What would move; moving it in the background; how far it is. Catalogues are only read, which goes on."""
    start = _call("citus_rebalance_start", rebalance_strategy="by_disk_size", shard_transfer_mode="block_writes")
    return [
        sql.SQL("SELECT * FROM get_rebalance_table_shards_plan()").format(),
        start,
        sql.SQL("SELECT state, details FROM citus_rebalance_status()").format(),
    ]


def retire(node: CitusNode) -> Statements:
    """Moves all away from a worker, then forgets it."""
    drain = _call("citus_drain_node", node.host, node.port, shard_transfer_mode="block_writes")
    return [drain, _call("citus_remove_node", node.host, node.port)]


def _call(function: str, *arguments: object, **named: object) -> sql.Composed:
    parts = [_value(each) for each in arguments]
    parts += [sql.SQL(name + " => {}").format(_value(each)) for name, each in named.items()]
    return sql.SQL("SELECT " + function + "({})").format(sql.SQL(", ").join(parts))


def _value(value: object) -> sql.Composable:
    return value if isinstance(value, sql.Composable) else sql.Literal(value)
