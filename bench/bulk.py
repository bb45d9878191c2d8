"""Whole tables in and out, each command with its time and memory, beside what PostgreSQL and pyarrow take for the same.

    python bench/bulk.py [--rows 10000000]

Runs a private cluster of its own, in a folder that is removed. Memory is what was the command's own
at the most; runs of sorted rows are mapped besides.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from tap.config import ENVIRONMENT, Config
from tap.engine import database

FILES = 10
_LOOK = 0.05
PLAIN = """CREATE TABLE plain.stars (source_id bigint, designation text, ra double precision, "dec" double precision,
 parallax double precision, pmra double precision, pmdec double precision, g real, bp real, rp real)"""
INDEX = 'CREATE INDEX ON plain.stars USING gist (spoint(radians(ra), radians("dec")))'


@dataclass(frozen=True)
class Measured:
    """Seconds, and the most megabytes that were the process's own."""

    name: str
    seconds: float
    anonymous: int = 0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-bench-"))
    folder.chmod(0o755)
    config = Config().changed(data_dir=str(folder / "data"))
    try:
        make_files(folder, options.rows)
        with database.running_database(config):
            database.prepare(config, print)
            tell(list(measure(config, folder)), options.rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_files(folder: Path, rows: int) -> None:
    """Write a catalogue of ten columns as files, spread over the sky, half of it along a plane."""
    (folder / "files").mkdir()
    for number in range(FILES):
        rng, count = np.random.default_rng(number), rows // FILES
        half = count // 2
        dec = np.concatenate(
            [np.degrees(np.arcsin(rng.uniform(-1, 1, count - half))), np.clip(rng.normal(0, 5, half), -90, 90)]
        )
        ids = np.arange(number * count, (number + 1) * count)
        columns = {
            "source_id": ids,
            "designation": [f"Bench {i}" for i in ids.tolist()],
            "ra": rng.uniform(0, 360, count),
            "dec": dec,
        }
        columns |= {name: rng.normal(0, 10, count) for name in ("parallax", "pmra", "pmdec")}
        columns |= {name: rng.uniform(5, 21, count).astype(np.float32) for name in ("g", "bp", "rp")}
        pq.write_table(pa.table(columns), folder / "files" / f"part{number}.parquet", compression="zstd")


def measure(config: Config, folder: Path) -> Iterator[Measured]:
    files, hats = f"{folder}/files/*.parquet", str(folder / "hats")
    yield command(config, "load, files", "load", files, "--table", "bench.stars")
    yield from raw(config, folder)
    yield command(config, "export, HATS", "export", "bench.stars", hats)
    yield command(config, "export, Parquet", "export", "bench.stars", str(folder / "parquet"), "--format", "parquet")
    yield command(config, "export, HATS that is there", "export", "bench.stars", hats)
    yield command(config, "load, HATS", "load", hats, "--table", "bench.again")
    with database.owner_connection(config) as owner:
        same = 'SELECT count(*), sum(source_id), sum("dec"::numeric) FROM bench.'
        results = [owner.execute(f"{same}{name}".encode()).fetchone() for name in ("stars", "again")]
    assert results[0] == results[1], results


def raw(config: Config, folder: Path) -> Iterator[Measured]:
    """Yield what PostgreSQL takes for COPY both ways and an index, and pyarrow for reading and writing the files."""
    rows = folder / "rows.copy"
    with database.owner_connection(config) as owner:
        owner.execute("CREATE SCHEMA plain")
        owner.execute(PLAIN.encode())

        def out() -> None:
            with rows.open("wb") as file, owner.cursor().copy("COPY bench.stars TO STDOUT (FORMAT binary)") as copy:
                for block in copy:
                    file.write(block)

        def into() -> None:
            with rows.open("rb") as file, owner.cursor().copy("COPY plain.stars FROM STDIN (FORMAT binary)") as copy:
                while block := file.read(1 << 20):
                    copy.write(block)

        yield timed("COPY TO, binary", out)
        yield timed("COPY FROM, binary", into)
        yield timed("CREATE INDEX, position", lambda: owner.execute(INDEX.encode()))
    rows.unlink()
    yield timed("pyarrow, files to files", lambda: rewritten(folder))


def rewritten(folder: Path) -> None:
    options = ds.ParquetFileFormat().make_write_options(compression="zstd")
    source = ds.dataset(str(folder / "files"))
    ds.write_dataset(source, str(folder / "rewritten"), format="parquet", file_options=options, use_threads=False)


def timed(name: str, run: Callable[[], object]) -> Measured:
    start = time.monotonic()
    run()
    return Measured(name, time.monotonic() - start)


def command(config: Config, name: str, *arguments: str) -> Measured:
    """Run a command of ours and look at its memory until it ends."""
    environment = os.environ | {f"{ENVIRONMENT}DATA_DIR": config.database.data_dir}
    start, anonymous = time.monotonic(), [0]
    process = subprocess.Popen([sys.executable, "-m", "tap", *arguments], env=environment)
    ended = threading.Event()
    thread = threading.Thread(target=look, args=(process.pid, anonymous, ended))
    thread.start()
    status = process.wait()
    ended.set()
    thread.join()
    assert status == 0, name
    return Measured(name, time.monotonic() - start, anonymous[0])


def look(pid: int, anonymous: list[int], ended: threading.Event) -> None:
    while not ended.wait(_LOOK):
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            line = next(line for line in lines if line.startswith("RssAnon"))
            anonymous[0] = max(anonymous[0], int(line.split()[1]) // 1024)


def tell(results: list[Measured], rows: int) -> None:
    print(f"\n| {rows:,} rows of 10 columns | s | rows/s | MB |\n| --- | --- | --- | --- |")
    seconds = {each.name: each.seconds for each in results}
    for each in results:
        print(f"| {each.name} | {each.seconds:.1f} | {rows / each.seconds:,.0f} | {each.anonymous or ''} |")
    into = seconds["COPY FROM, binary"] + seconds["CREATE INDEX, position"]
    out = seconds["COPY TO, binary"] + seconds["pyarrow, files to files"]
    print(
        f"\nload of files: {seconds['load, files'] / into:.2f} times COPY and the index, of HATS {seconds['load, HATS'] / into:.2f}"
    )
    print(
        f"export of HATS: {seconds['export, HATS'] / out:.2f} times COPY and pyarrow, of Parquet {seconds['export, Parquet'] / out:.2f}"
    )


if __name__ == "__main__":
    main()
