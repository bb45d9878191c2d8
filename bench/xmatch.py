"""`armillary xmatch` of a long list with 2,000,000 rows: its time, beside COPY and the same SQL in psql, and the peak of memory.

    python bench/xmatch.py [--rows 10000000]

Runs a private cluster and a service of its own. The list is Parquet with an id and a position, in random order.
"""

import argparse
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from service import free_port, start
from upload import CREATE

from schema.description import parse_description
from schema.publish import publish_table
from tap.client.xmatch import Match, Position, cross_match
from tap.config import Config
from tap.engine import database

RADIUS = 2.0
_ROWS = 1_000_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-bench-"))
    folder.chmod(0o755)
    config = Config().changed(
        base_url=f"http://localhost:{(port := free_port())}/tap", port=port, processes=1, data_dir=str(folder)
    )
    try:
        with database.running_database(config):
            measure(config, options.rows, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(config: Config, rows: int, folder: Path) -> None:
    database.prepare(config, print)
    with database.owner_connection(config) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        for statement in CREATE.split(";\n"):
            connection.execute(statement.strip().encode() or b"SELECT")
        description = {"table": {"ra": "ra", "dec": "dec"}, "columns": {"designation": {"type": "VARCHAR"}}}
        publish_table(connection, "bench.cat", parse_description(description))
        near = connection.execute("SELECT ra, dec FROM bench.cat TABLESAMPLE bernoulli(50)").fetchall()
    write_list(folder / "list.parquet", rows, np.array(near))
    service = start(config)
    try:
        peaks = Peaks(service.pid)
        took = run(config, folder)
        print(f"{rows:,} rows, armillary xmatch   {took:8.1f} s   {count(folder / 'out.vot'):,} bytes of result")
        for name, megabytes in peaks.stop().items():
            print(f"  peak memory of {name:24} {megabytes} MB")
        raw = in_psql(config, folder)
        print(f"{rows:,} rows, COPY and SQL in psql {raw:6.1f} s   ratio {took / raw:.2f}")
    finally:
        service.terminate()
        service.wait()


def write_list(path: Path, rows: int, near: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> None:
    """A tenth of it lies at catalogued positions, all in random order."""
    random = np.random.default_rng(1)
    schema = pa.schema([("id", pa.int64()), ("ra", pa.float64()), ("dec", pa.float64())])
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, rows, _ROWS):
            size = min(_ROWS, rows - begin)
            ra, dec = random.uniform(0, 360, size), np.degrees(np.arcsin(random.uniform(-1, 1, size)))
            some = random.random(size) < 0.1
            ra[some], dec[some] = near[random.integers(0, len(near), some.sum())].T
            writer.write_table(pa.table([np.arange(begin, begin + size), ra, dec], schema=schema))


def run(config: Config, folder: Path) -> float:
    match = Match(
        config.web.base_url, "bench.cat", RADIUS, Position("ra", "dec"), Position("ra", "dec"), "all", "source_id"
    )
    begun = time.perf_counter()
    said: dict[str, float] = {}

    def progress(what: str, _done: int, _of: int) -> None:
        said.setdefault(what, time.perf_counter() - begun)

    cross_match(match, folder / "list.parquet", folder / "out.vot", progress)
    took = time.perf_counter() - begun
    for what, instant in said.items():
        if not what.startswith("job"):
            print(f"  {what:10} from {instant:6.1f} s")
    return took


def count(path: Path) -> int:
    return path.stat().st_size


def in_psql(config: Config, folder: Path) -> float:
    """COPY of the same rows from a binary file, ANALYZE, and the same join to a binary file."""
    table = pq.read_table(folder / "list.parquet")
    kind = np.dtype(
        [("n", ">i2"), ("a", ">i4"), ("id", ">i8"), ("b", ">i4"), ("ra", ">f8"), ("c", ">i4"), ("dec", ">f8")]
    )
    rows = np.zeros(len(table), kind)
    rows["n"], rows["a"], rows["b"], rows["c"] = 3, 8, 8, 8
    for name in ("id", "ra", "dec"):
        rows[name] = table[name].to_numpy()
    with (folder / "list.pgcopy").open("wb") as out:
        out.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        rows.tofile(out)
        out.write(b"\xff\xff")
    script = f"""SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; SET search_path = pg_catalog, public; SET statement_timeout = 0;
BEGIN; CREATE TEMP TABLE u (id bigint, ra double precision, dec double precision) ON COMMIT DROP;
\\copy u FROM '{folder}/list.pgcopy' (FORMAT binary)
ANALYZE u;
\\copy (SELECT u.*, s.source_id, degrees(spoint(radians(u.ra), radians(u.dec)) <-> spoint(radians(s.ra), radians(s.dec))) * 3600 FROM u JOIN bench.cat AS s ON spoint(radians(s.ra), radians(s."dec")) <@ scircle(spoint(radians(u.ra), radians(u.dec)), radians({RADIUS}/3600))) TO '/dev/null' (FORMAT binary)
COMMIT;"""
    begun = time.perf_counter()
    subprocess.run(["psql", database.reader_conninfo(config), "-qAt"], input=script.encode(), check=True)
    return time.perf_counter() - begun


class Peaks:
    """The largest resident sets of the service's processes and of PostgreSQL's backends without what they share."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._found: dict[str, int] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, int]:
        self._stopped.set()
        self._thread.join()
        return self._found

    def _look(self) -> None:
        while not self._stopped.wait(0.2):
            for path in Path("/proc").glob("[0-9]*"):
                with suppress(OSError, ValueError, KeyError, IndexError):
                    self._note(path)

    def _note(self, path: Path) -> None:
        command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        name = self._name(path, command)
        if name is None:
            return
        status = dict(line.split(":", 1) for line in (path / "status").read_text().splitlines())
        size = int(status["RssAnon"].split()[0]) // 1000
        self._found[name] = max(size, self._found.get(name, 0))

    def _name(self, path: Path, command: str) -> str | None:
        if "armillary_reader" in command and command.startswith("postgres:"):
            return "a PostgreSQL backend"
        if int((path / "stat").read_text().split()[3]) != self._pid and path.name != str(self._pid):
            return None
        return "a worker" if " work" in command else "a web process"


if __name__ == "__main__":
    main()
