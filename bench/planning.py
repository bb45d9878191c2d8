"""What the number of ranges costs: 4, 64 and 512 of them on four shards, all without rows, in one run, interleaved.

    python bench/planning.py [--rounds 20] [--out result.json] [--picture result.svg]

A table without rows leaves nothing but the work of finding out where they would be: translation, what PostgreSQL plans,
and the ways between the servers. `shards` are whole requests as the service answers them; `coordinator` is PostgreSQL's
planner over the same table, for queries that are left to postgres_fdw.
"""

import argparse
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from client import ask, connect, request
from report import Measured
from results import conclude, machine, tell
from service import serving
from shards import clusters
from trials import connected, interleaved

from adql.translate import translate
from schema.description import parse_description
from schema.load import open_file
from schema.model import Catalogue
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database
from tap.sharding.loading.load import load_sharded
from tap.sharding.model import Placements
from tap.sharding.placements import read_placements
from tap.sharding.planning import plan_query

RANGES = (4, 64, 512)
QUERIES = {
    "cone of 1°": "SELECT * FROM empty.t{n} WHERE DISTANCE(ra, dec, 100, 20) < 1",
    "COUNT(*) of all": "SELECT COUNT(*) AS n FROM empty.t{n}",
    "all rows": "SELECT * FROM empty.t{n}",
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--picture", type=Path)
    options = arguments.parse_args()
    with ExitStack() as stack:
        config = stack.enter_context(clusters())
        published = make(config)
        stack.enter_context(serving(config))
        found = [
            line for what, query in QUERIES.items() for line in measured(config, published, what, query, options.rounds)
        ]
        about = {**database.versions(config), **machine(), "rounds": options.rounds}
    conclude(
        found,
        about,
        options,
        {},
        lambda title: drawing(found, f"Milliseconds over ranges of a table without rows; {title}"),
    )


def make(config: Config) -> tuple[Catalogue, Placements]:
    """Tables of 4, 64 and 512 ranges: a row in each of many cells while they are divided, then none."""
    path = Path(config.database.data_dir) / "rows.parquet"
    random = np.random.default_rng(4)
    rows = 20_000
    ra, dec = random.uniform(0, 360, rows), np.degrees(np.arcsin(random.uniform(-1, 1, rows)))
    pq.write_table(pa.table({"id": np.arange(rows), "ra": ra, "dec": dec, "g": random.uniform(5, 20, rows)}), path)
    with database.owner_connection(config) as connection:
        for ranges in RANGES:
            tell(f"{ranges} ranges")
            table = {"sharded": True, "ra": "ra", "dec": "dec", "ranges_per_shard": ranges // 4}
            description = parse_description({"table": table})
            load_sharded(connection, lambda: open_file(path), f"empty.t{ranges}", description)
        for (conninfo,) in connection.execute("SELECT conninfo FROM armillary.shards").fetchall():
            with psycopg.connect(conninfo, autocommit=True) as shard:
                for ranges in RANGES:
                    shard.execute(f"TRUNCATE empty.t{ranges}")
        return read_catalogue(connection), read_placements(connection)


def measured(
    config: Config, published: tuple[Catalogue, Placements], what: str, query: str, rounds: int
) -> list[Measured]:
    catalogue, placements = published
    with connect(config.web.port) as connection, connected(config) as pgconn:
        trials: dict[tuple[str, int], Callable[[], float]] = {}
        for n in RANGES:
            message = request(query.format(n=n))
            trials["shards", n] = lambda message=message: ask(connection, message)
            sql = plan_query(translate(query.format(n=n), catalogue), placements).translation.sql
            trials["coordinator", n] = lambda sql=sql: planned(pgconn, sql)
        times = interleaved(trials, rounds)
    return [
        Measured(f"{where}: ms", what, {f"{n} ranges": median(times[where, n]) * 1000 for n in RANGES})
        for where in ("shards", "coordinator")
    ]


def planned(pgconn: psycopg.pq.abc.PGconn, sql: str) -> float:
    """Seconds that the planner says it took."""
    result = pgconn.exec_(f"EXPLAIN (SUMMARY, FORMAT JSON) {sql}".encode())
    assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message
    return float(json.loads(result.get_value(0, 0) or b"[]")[0]["Planning Time"]) / 1000


# ---- the picture

_WIDTH, _HEIGHT, _LEFT, _TOP = 900, 420, 60, 50
_LABEL = 15
_COLOURS = ("#2f7ed8", "#d64545", "#3a9d5d")


def drawing(found: list[Measured], title: str) -> str:
    """Both axes logarithmic; full lines whole requests, broken ones the coordinator's planner. Grey: as the ranges grow."""
    most = max(value for each in found for value in each.figures.values())
    heights = _apart({id(each): _place(RANGES[-1], list(each.figures.values())[-1], most)[1] for each in found})
    lines = [_line(each, most, heights[id(each)]) for each in found]
    grey = _path([(n, 0.3 * n / RANGES[0]) for n in RANGES], most)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="100%" height="100%" fill="#fff"/><text x="{_LEFT}" y="24">{escape(title)}</text>',
            *(_tick(n) for n in RANGES),
            *(_level(value, most) for value in (0.1, 1, 10, 100, 1000) if value < 2 * most),
            f'<path d="{grey}" stroke="#bbb" fill="none" stroke-dasharray="2 4"/>',
            *lines,
            "</svg>\n",
        ]
    )


def _place(ranges: float, value: float, most: float) -> tuple[float, float]:
    wide, high = _WIDTH - _LEFT - 230, _HEIGHT - 2 * _TOP
    x = _LEFT + wide * np.log(ranges / RANGES[0]) / np.log(RANGES[-1] / RANGES[0])
    y = _TOP + high * (1 - np.log(max(value, 0.1) / 0.1) / np.log(2 * most / 0.1))
    return float(x), float(y)


def _path(points: list[tuple[float, float]], most: float) -> str:
    return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in (_place(*point, most) for point in points))


def _apart(heights: dict[int, float]) -> dict[int, float]:
    """Labels from top to bottom, none over another."""
    found: dict[int, float] = {}
    last = 0.0
    for key, height in sorted(heights.items(), key=lambda pair: pair[1]):
        last = found[key] = max(height, last + _LABEL)
    return found


def _line(each: Measured, most: float, height: float) -> str:
    where = each.part.partition(":")[0]
    colour, dash = _COLOURS[list(QUERIES).index(each.what)], "6 4" if where == "coordinator" else "none"
    path = _path(list(zip(RANGES, each.figures.values(), strict=True)), most)
    x, _ = _place(RANGES[-1], 1, most)
    label = escape(f"{each.what}, {where}")
    return f'<path d="{path}" stroke="{colour}" stroke-width="2" fill="none" stroke-dasharray="{dash}"/><text x="{x + 8:.1f}" y="{height + 4:.1f}" fill="{colour}">{label}</text>'


def _tick(ranges: int) -> str:
    x, _ = _place(ranges, 1, 1)
    return f'<text x="{x:.1f}" y="{_HEIGHT - 20}" text-anchor="middle">{ranges} ranges</text>'


def _level(value: float, most: float) -> str:
    x, y = _place(RANGES[0], value, most)
    return f'<path d="M{x} {y:.1f}H{_WIDTH - 230}" stroke="#eee"/><text x="{x - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g} ms</text>'


if __name__ == "__main__":
    main()
