"""Tables on four shards against the same tables on one server: times and ratios of whole requests, interleaved, in one run.

    python bench/shards.py [--engine citus] [--rounds 5] [--rows 2000000] [--only …] [--out result.json] [--picture result.svg]

Runs five private clusters (a coordinator, which also has the unsharded tables, and four shards, all with the same
settings) and a service. All share the cores of this machine, so that what shows is what the division costs or saves,
not what more machines bring.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import requests
from client import ask, connect, download, request
from picture import picture
from report import Bar, Measured, ratio
from results import conclude, machine, private_cluster, tell
from service import serving
from trials import interleaved

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table
from schema.roles import OWNER, READER
from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN, PrivateCluster
from tap.sharding.engines.choice import engine_named, engine_of
from tap.sharding.layout import cells_of
from tap.sharding.loading.load import SourceFile
from tap.sharding.shards import CITUS, POSTGRES_FDW, Shard, ShardsFile, known_shards

SHARDS = 4
OF_CITUS = {"shared_preload_libraries": "citus", "citus.node_conninfo": "sslmode=disable", "max_connections": "400"}
UPLOADED = 100_000
CONES = 100
NEAR, FAR = "near", "far"


@dataclass(frozen=True, slots=True)
class Question:
    """`{s}` stands for the schema. `limit` is the bar of the ratio."""

    what: str
    query: str
    limit: float | None = None
    uploads: bool = False


QUESTIONS = {
    "aggregates": [
        Question(
            "GROUP BY pixel",
            "SELECT ivo_healpix_index(5, ra, dec) AS p, COUNT(*) AS n, AVG(g) AS g FROM {s}.source GROUP BY ivo_healpix_index(5, ra, dec)",
            1.0,
        ),
        Question(
            "AVG, MIN, MAX", "SELECT COUNT(*) AS n, AVG(parallax) AS a, MIN(g) AS b, MAX(g) AS c FROM {s}.source", 1.0
        ),
        Question("COUNT(*)", "SELECT COUNT(*) AS n FROM {s}.source"),
        Question("COUNT(DISTINCT)", "SELECT COUNT(DISTINCT visits) AS n FROM {s}.source"),
        Question("DISTINCT", "SELECT DISTINCT visits FROM {s}.source"),
    ],
    "joins": [
        Question(
            "by id, aggregate of all",
            "SELECT visits, COUNT(*) AS n, AVG(p.teff) AS t FROM {s}.source AS s JOIN {s}.params AS p ON p.source_id = s.source_id GROUP BY visits",
            1.0,
        ),
        Question(
            "by id, bright ones",
            "SELECT s.source_id, s.g, p.teff FROM {s}.source AS s JOIN {s}.params AS p ON p.source_id = s.source_id WHERE s.g < 6",
            1.0,
        ),
        Question(
            "by id, a cone of 5°",
            "SELECT s.source_id, s.g, p.teff FROM {s}.source AS s JOIN {s}.params AS p ON p.source_id = s.source_id WHERE DISTANCE(s.ra, s.dec, 100, 20) < 5",
        ),
        Question(
            "neighbours in 1°",
            "SELECT a.source_id, b.source_id FROM {s}.source AS a JOIN {s}.source AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.02 WHERE DISTANCE(a.ra, a.dec, 100, 20) < 1 AND a.source_id < b.source_id",
        ),
        Question(
            "neighbours of bright ones",
            "SELECT a.source_id, b.source_id FROM {s}.source AS a JOIN {s}.source AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.01 WHERE a.g < 5.02",
        ),
    ],
    "uploads": [
        Question(
            "100,000 within 2″",
            "SELECT u.n, s.source_id, s.g FROM tap_upload.list AS u JOIN {s}.source AS s ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 2.0 / 3600",
            0.8,
            uploads=True,
        ),
        Question(
            "the same, counted",
            "SELECT COUNT(*) AS n FROM tap_upload.list AS u JOIN {s}.source AS s ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 2.0 / 3600",
            uploads=True,
        ),
        Question(
            "the same, LEFT JOIN",
            "SELECT u.n, s.source_id, s.g FROM tap_upload.list AS u LEFT JOIN {s}.source AS s ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 2.0 / 3600",
            uploads=True,
        ),
    ],
    "export": [
        Question("1,000,000 rows of 13 columns", "SELECT TOP 1000000 * FROM {s}.source", 1.3),
    ],
    "sorted": [
        Question("TOP 100 by an index", "SELECT TOP 100 source_id, g FROM {s}.source ORDER BY g, source_id"),
        Question(
            "TOP 100 without one",
            "SELECT TOP 100 source_id, parallax FROM {s}.source ORDER BY parallax DESC, source_id",
        ),
    ],
}
SMALL = {
    "by id": "SELECT * FROM {s}.source WHERE source_id = {i}",
    "cone of 0.1°": "SELECT * FROM {s}.source WHERE DISTANCE(ra, dec, {ra}, {dec}) < 0.1",
    "cone of 1°": "SELECT * FROM {s}.source WHERE DISTANCE(ra, dec, {ra}, {dec}) < 1",
    "cone of 10°": "SELECT source_id, ra, dec FROM {s}.source WHERE DISTANCE(ra, dec, {ra}, {dec}) < 10",
}
NOTES = {
    "small": f"Medians over {CONES} random places, kept-alive; `more` is what sharding adds, in ms.",
    "aggregates": "Seconds and ratios of whole requests, results as VOTable BINARY2.",
}


def main() -> None:
    options = parse()
    with ExitStack() as stack:
        config = stack.enter_context(clusters(options.engine))
        tell("making the tables")
        positions = make(config, options.rows)
        parallel(config, options.workers)
        stack.enter_context(serving(config))
        found = []
        for part in options.only:
            tell(part)
            found += (
                small(config, positions, options.rounds)
                if part == "small"
                else asked(config, part, positions, options.rounds)
            )
        about = {
            **database.versions(config),
            **machine(),
            "engine": options.engine,
            "rounds": options.rounds,
            "rows": options.rows,
            "workers": options.workers,
        }
    conclude(
        found, about, options, NOTES, lambda title: picture(found, f"Four shards as a ratio to one table; {title}")
    )


def parse() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--engine", choices=[POSTGRES_FDW, CITUS], default=POSTGRES_FDW)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--rows", type=int, default=2_000_000)
    arguments.add_argument(
        "--workers", type=int, default=2, help="PostgreSQL's max_parallel_workers_per_gather, everywhere"
    )
    arguments.add_argument("--only", nargs="+", choices=["small", *QUESTIONS], default=["small", *QUESTIONS])
    arguments.add_argument("--out", type=Path, help="the results as JSON")
    arguments.add_argument("--picture", type=Path, help="the ratios as SVG")
    return arguments.parse_args()


@contextmanager
def clusters(engine: str) -> Iterator[Config]:
    """Five, prepared and known to each other, and gone afterwards."""
    with ExitStack() as stack:
        own = {"shared_buffers": "512MB", "upload_rows": 1_000_000, "processes": 1}
        of_postgresql = OF_CITUS if engine == CITUS else {}
        config = stack.enter_context(private_cluster(of_postgresql, **own))
        shards = [replace(each, settings=of_postgresql) for each in shard_clusters(config)]
        for shard in shards:
            shard.start()
            stack.callback(shard.stop)
        named = tuple(
            Shard(f"shard{n}", *(each.conninfo(role) for role in (OWNER, READER, ADMIN)), engine)
            for n, each in enumerate(shards)
        )
        with database.owner_connection(config) as connection:
            engine_named(engine, connection).init(config, ShardsFile(engine, named), tell)
        yield config


def shard_clusters(config: Config) -> list[PrivateCluster]:
    return [PrivateCluster(Path(config.database.data_dir) / f"shard{number}", "512MB") for number in range(SHARDS)]


Positions = tuple[np.ndarray, np.ndarray, np.ndarray]


def make(config: Config, rows: int) -> Positions:
    """Sources with Gaia-like ids, and parameters of half of them, on one server and on the shards."""
    random = np.random.default_rng(5)
    ra, dec = random.uniform(0, 360, rows), np.degrees(np.arcsin(random.uniform(-1, 1, rows)))
    ids = (cells_of(pa.array(ra), pa.array(dec), 12) << 35) + np.arange(rows)
    g = random.uniform(5, 20, rows).astype(np.float32)
    source = pa.table(
        {
            "source_id": ids,
            "designation": [f"Gaia DR3 {each}" for each in ids.tolist()],
            "ra": ra,
            "dec": dec,
            "parallax": random.exponential(2, rows),
            "pmra": random.normal(0, 8, rows),
            "pmdec": random.normal(0, 8, rows),
            "g": g,
            "bp": g + random.normal(0, 1, rows).astype(np.float32),
            "rp": pa.array(g - random.normal(0, 1, rows).astype(np.float32), mask=random.random(rows) < 0.05),
            "radial_velocity": pa.array(random.normal(0, 40, rows).astype(np.float32), mask=random.random(rows) > 0.03),
            "visits": random.integers(0, 20, rows).astype(np.int16),
            "variable": random.random(rows) > 0.9,
        }
    )
    params = pa.table({"source_id": ids, "teff": random.normal(5000, 900, rows), "logg": random.normal(4, 1, rows)})
    with tempfile.TemporaryDirectory() as folder, database.owner_connection(config) as connection:
        for name, table in (("source", source), ("params", params.filter(pa.array(random.random(rows) < 0.5)))):
            path = Path(folder) / f"{name}.parquet"
            pq.write_table(table, path)
            description = parse_description(described(name))
            load_table(connection, open_file(path), f"{NEAR}.{name}", description)
            engine_of(connection).load(SourceFile(path), f"{FAR}.{name}", description, lambda rows, fraction: None)
        vacuum(config)
    return ids, ra, dec


def described(name: str) -> dict[str, object]:
    table: dict[str, object] = {"sharded": True, "healpix_id": "source_id", "indexes": [["source_id"]]}
    if name == "source":
        table |= {"ra": "ra", "dec": "dec", "indexes": [["source_id"], ["g"]]}
    else:
        table |= {"sharded_with": f"{FAR}.source"}
    return {"table": table}


def vacuum(config: Config) -> None:
    """All tables alike."""
    with database.owner_connection(config) as connection:
        connection.execute(f"VACUUM ANALYZE {NEAR}.source, {NEAR}.params")
        for shard in known_shards(connection):
            # Citus takes it to the workers.
            where = database.owner_conninfo(config) if shard.engine == CITUS else shard.database
            with psycopg.connect(where, autocommit=True) as there:
                there.execute(f"VACUUM ANALYZE {FAR}.source, {FAR}.params")


def parallel(config: Config, workers: int) -> None:
    """How many processes help with one statement, on the coordinator as on the shards."""
    clusters = [database.cluster_of(config.database), *shard_clusters(config)]
    for cluster in clusters:
        with psycopg.connect(cluster.conninfo(ADMIN), autocommit=True) as admin:
            admin.execute(f"ALTER ROLE {READER} SET max_parallel_workers_per_gather = {workers:d}")


# ---- what is measured


def small(config: Config, positions: Positions, rounds: int) -> list[Measured]:
    return [_small(config, what, query, positions) for what, query in SMALL.items()]


def _small(config: Config, what: str, query: str, positions: Positions) -> Measured:
    ids, ra, dec = positions
    chosen = np.random.default_rng(1).integers(0, len(ids), CONES)
    times: dict[str, list[float]] = {NEAR: [], FAR: []}
    with connect(config.web.port) as connection:
        for warm in (True, False):
            for row in chosen:
                for schema in (NEAR, FAR):
                    took = ask(connection, request(query.format(s=schema, i=ids[row], ra=ra[row], dec=dec[row])))
                    times[schema] += [] if warm else [took]
    one, other = (median(times[schema]) * 1000 for schema in (NEAR, FAR))
    bars = {} if what == "cone of 10°" else {"more": Bar(3)}
    return Measured("small: ms", what, {"one table": one, "shards": other, "more": other - one}, bars)


def asked(config: Config, part: str, positions: Positions, rounds: int) -> list[Measured]:
    return [_asked(config, part, question, positions, rounds) for question in QUESTIONS[part]]


def _asked(config: Config, part: str, question: Question, positions: Positions, rounds: int) -> Measured:
    trial = _matched(config, question, uploaded(positions)) if question.uploads else _fetched(config, question)
    times = interleaved({schema: trial(schema) for schema in (NEAR, FAR)}, rounds)
    one, other = (median(times[schema]) for schema in (NEAR, FAR))
    figures = {"one table": one, "shards": other, "ratio": ratio(times[FAR], times[NEAR])}
    bars = {"ratio": Bar(question.limit)} if question.limit else {}
    return Measured(f"{part}: seconds", question.what, figures, bars, times[FAR])


def _fetched(config: Config, question: Question) -> Callable[[str], Callable[[], float]]:
    def trial(schema: str) -> Callable[[], float]:
        message = request(question.query.format(s=schema), close=True)
        return lambda: download(config.web.port, message).seconds

    return trial


def uploaded(positions: Positions) -> bytes:
    """Half of them are sources, a little moved; the others are anywhere."""
    _, ra, dec = positions
    random = np.random.default_rng(9)
    chosen = random.integers(0, len(ra), UPLOADED // 2)
    moved = dec[chosen] + random.normal(0, 0.2 / 3600, len(chosen))
    at = np.concatenate([ra[chosen], random.uniform(0, 360, UPLOADED - len(chosen))])
    up = np.concatenate([np.clip(moved, -90, 90), np.degrees(np.arcsin(random.uniform(-1, 1, UPLOADED - len(chosen))))])
    sink = pa.BufferOutputStream()
    order = random.permutation(UPLOADED)
    pq.write_table(pa.table({"n": np.arange(UPLOADED), "ra": at[order], "dec": up[order]}), sink)
    return bytes(sink.getvalue())


def _matched(config: Config, question: Question, file: bytes) -> Callable[[str], Callable[[], float]]:
    def trial(schema: str) -> Callable[[], float]:
        form = {"LANG": "ADQL", "QUERY": question.query.format(s=schema), "UPLOAD": "list,param:f"}

        def run() -> float:
            begun = time.perf_counter()
            answer = requests.post(
                f"{config.web.base_url}/sync", data=form, files={"f": ("list.parquet", file)}, timeout=900
            )
            assert answer.status_code == 200, answer.text[-300:]
            return time.perf_counter() - begun

        return run

    return trial


if __name__ == "__main__":
    main()
