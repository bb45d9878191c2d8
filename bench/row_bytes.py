"""Bytes for each row, of tables and of their indexes, and how fast they are filled and built: what docs/sizing.md reckons with.

    python bench/row_bytes.py [--rows 1000000] [--tables narrow gaia]

Makes a private cluster, a table of 13 columns and one with the 152 columns of Gaia DR3's gaia_source, NULL as often as there.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pyarrow as pa

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN, PrivateCluster
from tap.sharding.layout import cells_of

NARROW = (
    "source_id:bigint designation:text ra:ra dec:dec parallax:float8 pmra:float8%90 pmdec:float8%90"
    " g:real bp:real%95 rp:real%95 radial_velocity:real%3 visits:int2 variable:bool"
)
_ASTROMETRY, _SIX, _FIVE, _BP, _RP = 81, 48.7, 32.3, 85.1, 85.8
_VELOCITY, _GRVS, _BROAD, _GSPPHOT, _CLASSES = 1.87, 1.78, 0.19, 26, 87.8


def _several(kind: str, number: int, percent: float = 100) -> str:
    return " ".join([f"{kind}%{percent}"] * number)


# In the order of the archive's table, which decides what alignment costs. Bytes are int2: PostgreSQL has none smaller.
GAIA = " ".join(
    [
        "solution_id:bigint designation:text source_id:bigint float8:bigint float8 ra:ra real dec:dec real",
        f"float8%{_ASTROMETRY} {_several('real', 3, _ASTROMETRY)} float8%{_ASTROMETRY} real%{_ASTROMETRY}",
        f"float8%{_ASTROMETRY} real%{_ASTROMETRY} real {_several('real', 9, _ASTROMETRY)}",
        f"{_several('int2', 4)} {_several('real', 4)} int2 bool real%{_FIVE} {_several('real', 7, _SIX)} int2 int2 real",
        f"int2 int2 int2 real real int2 int2 real%{_ASTROMETRY} {_several('real', 8)} bool",
        f"int2 float8 real real real int2 float8%{_BP} {_several('real', 3, _BP)} int2 float8%{_RP} {_several('real', 3, _RP)}",
        f"real%{_BP} {_several('int2', 4, _BP)} int2 {_several('real', 3, _BP)}",
        f"real%{_VELOCITY} real%{_VELOCITY} int2%{_VELOCITY} {_several('int2', 3, _VELOCITY)} {_several('real', 8, _VELOCITY)}",
        f"int2%{_VELOCITY} real%{_BROAD} real%{_BROAD} int2%{_BROAD} real%{_GRVS} real%{_GRVS} int2%{_GRVS} real%{_GRVS}",
        f"flag:flag {_several('float8', 4)} bool bool int2 {_several('bool', 8)} {_several('real', 3, _CLASSES)}",
        f"{_several('real', 21, _GSPPHOT)} library:library%{_GSPPHOT}",
    ]
)
_TABLES = {"narrow": NARROW, "gaia": GAIA}
_VALUES = {
    "bigint": ("bigint", "i::bigint * 4295806720"),
    "text": ("text", "'Gaia DR3 ' || (i::bigint * 4295806720)"),
    "ra": ("float8", "random() * 360"),
    "dec": ("float8", "degrees(asin(2 * random() - 1))"),
    "float8": ("float8", "random() * 10000"),
    "real": ("real", "(random() * 10000)::real"),
    "int2": ("smallint", "(random() * 100)::smallint"),
    "bool": ("boolean", "random() > 0.9"),
    "flag": ("text", "'NOT_AVAILABLE'"),
    "library": ("text", "'PHOENIX'"),
}
_INDEXES = {
    "GiST of spoint": 'USING gist (spoint(radians(ra), radians("dec")))',
    "btree of bigint": "(source_id)",
    "btree of double": "(ra)",
    "btree of integer, the pixel": "(hpx6)",
    "brin of bigint": "USING brin (source_id)",
}


def columns_of(text: str) -> list[tuple[str, str, str]]:
    """Name, type and value of each column."""
    found = []
    for number, each in enumerate(text.split()):
        name, _, kind = each.rpartition(":")
        kind, _, percent = kind.partition("%")
        type_, value = _VALUES[kind]
        if percent and float(percent) < 100:
            value = f"CASE WHEN random() * 100 < {percent} THEN {value} END"
        found.append((name if name and name != "float8" else f"c{number}", type_, value))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tables", nargs="+", default=["narrow", "gaia"])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-bench-"))
    folder.chmod(0o755)
    config = Config().changed(data_dir=str(folder), shared_buffers="2GB")
    cluster = PrivateCluster(folder, config.database.shared_buffers)
    cluster.start()
    try:
        database.prepare(config, print)
        with psycopg.connect(cluster.conninfo(ADMIN), autocommit=True) as connection:
            for name in options.tables:
                found = measure(connection, name, columns_of(_TABLES[name]), options.rows)
                print(json.dumps(found | compressed(connection, name), indent=1))
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure(
    connection: psycopg.Connection, name: str, columns: list[tuple[str, str, str]], rows: int
) -> dict[str, object]:
    found: dict[str, object] = {"table": name, "columns": len(columns), "rows": rows}
    _make(connection, name, columns, rows)
    with _counted(connection, found, "COPY, binary", rows):
        _copy(connection, name)
    connection.execute(f"VACUUM ANALYZE {name}_copy".encode())
    (size, whole) = _one(
        connection, f"SELECT pg_relation_size('{name}_copy'), avg(pg_column_size(t)) FROM {name}_copy AS t"
    )
    found |= {"table, bytes a row": round(size / rows, 1), "tuple, bytes": round(float(whole), 1)}
    for index, definition in _INDEXES.items():
        with _counted(connection, found, index, rows):
            connection.execute(f"CREATE INDEX it ON {name}_copy {definition}".encode())
        found[f"{index}, bytes a row"] = round(_one(connection, "SELECT pg_relation_size('it')")[0] / rows, 2)
        connection.execute("DROP INDEX it")
    found["sequential scan, s"] = _scan(connection, name)
    return found


def _make(connection: psycopg.Connection, name: str, columns: list[tuple[str, str, str]], rows: int) -> None:
    """Rows lie in the order of their pixels, as those of a catalogue do that is ordered by source_id."""
    connection.execute("SELECT setseed(0.5)")
    types = ", ".join(f"{column} {type_}" for column, type_, _ in columns)
    values = ", ".join(f"{value} AS {column}" for column, _, value in columns)
    connection.execute(
        f"CREATE UNLOGGED TABLE {name}_made AS SELECT {values} FROM generate_series(1, {rows}) i".encode()
    )
    places = connection.execute(f"SELECT ctid::text, ra, dec FROM {name}_made".encode()).fetchall()
    ctids, ra, dec = zip(*places, strict=True)
    cells = cells_of(pa.array(ra), pa.array(dec))
    connection.execute(f"CREATE UNLOGGED TABLE {name}_cell (place tid, hpx6 int4)".encode())
    with connection.cursor().copy(f"COPY {name}_cell FROM STDIN".encode()) as copy:
        for place, cell in zip(ctids, cells.tolist(), strict=True):
            copy.write_row((place, cell))
    connection.execute(
        f"CREATE UNLOGGED TABLE {name} AS SELECT m.*, hpx6 FROM {name}_made m JOIN {name}_cell ON place = m.ctid ORDER BY hpx6".encode()
    )
    connection.execute(f"DROP TABLE {name}_made, {name}_cell".encode())
    connection.execute(f"CREATE TABLE {name}_copy ({types}, hpx6 int4)".encode())


def _copy(connection: psycopg.Connection, name: str) -> None:
    """By the wire, as rows of a file come."""
    with (
        psycopg.connect(connection.info.dsn) as other,
        other.cursor().copy(f"COPY {name} TO STDOUT (FORMAT binary)".encode()) as source,
        connection.cursor().copy(f"COPY {name}_copy FROM STDIN (FORMAT binary)".encode()) as target,
    ):
        for block in source:
            target.write(block)


@contextmanager
def _counted(connection: psycopg.Connection, found: dict[str, object], name: str, rows: int) -> Iterator[None]:
    connection.execute("CHECKPOINT")
    (place,), begun = _one(connection, "SELECT pg_current_wal_insert_lsn()"), time.perf_counter()
    yield
    found[f"{name}, s"] = round(time.perf_counter() - begun, 2)
    (written,) = _one(connection, f"SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{place}')")
    found[f"{name}, WAL bytes a row"] = round(float(written) / rows, 1)


def _scan(connection: psycopg.Connection, name: str) -> list[float]:
    """Of cached pages, by one process: count and mean."""
    connection.execute("SET max_parallel_workers_per_gather = 0")
    times = []
    for _ in range(4):
        begun = time.perf_counter()
        connection.execute(f"SELECT count(*), avg(dec) FROM {name}_copy".encode())
        times.append(round(time.perf_counter() - begun, 3))
    return times[1:]


def compressed(connection: psycopg.Connection, name: str) -> dict[str, object]:
    """How small the table's first 256 MB become in blocks of 128 kB, as a file system packs them."""
    (place,) = _one(
        connection, f"SELECT current_setting('data_directory') || '/' || pg_relation_filepath('{name}_copy')"
    )
    data = Path(place).read_bytes()[: 256 << 20]
    blocks = [data[start : start + (128 << 10)] for start in range(0, len(data), 128 << 10)]
    packed = {codec: sum(len(pa.compress(each, codec, asbytes=True)) for each in blocks) for codec in ("lz4", "zstd")}
    return {f"{codec}, of its size": round(size / len(data), 3) for codec, size in packed.items()}


def _one(connection: psycopg.Connection, query: str) -> tuple[object, ...]:
    return connection.execute(query.encode()).fetchone() or ()


if __name__ == "__main__":
    main()
