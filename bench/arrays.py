"""What calculations with arrays cost, beside SQL written by hand: 100,000 rows of 100 elements.

    python bench/arrays.py [--rows 100000] [--elements 100] [--rounds 5]

Both run in turn in a private cluster; printed are medians, and the median of the ratios within each round.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from adql.translate import translate
from schema.model import Catalogue, Column, Schema, Table
from tap.config import Config
from tap.engine import database
from tap.engine.private import PrivateCluster

EPOCHS = Table(
    "bench",
    "bench.epochs",
    (Column("id", "long"), Column("flux", "float", "*"), Column("error", "float", "*"), Column("counts", "int", "*")),
)
CATALOGUE = Catalogue((Schema("bench", (EPOCHS,)),))
QUERIES = {
    "flux[50]": (
        "SELECT COUNT(id) AS n FROM bench.epochs WHERE flux[50] > 50",
        "SELECT count(id) FROM bench.epochs WHERE flux[50] > 50",
    ),
    "arr_sum(flux)": (
        "SELECT COUNT(id) AS n FROM bench.epochs WHERE arr_sum(flux) > 5000",
        "SELECT count(id) FROM bench.epochs WHERE (SELECT sum(n::float8) FROM unnest(flux) AS n) > 5000",
    ),
    "arr_median(flux)": (
        "SELECT COUNT(id) AS n FROM bench.epochs WHERE arr_median(flux) > 50",
        "SELECT count(id) FROM bench.epochs WHERE (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n) FROM unnest(flux) AS n) > 50",
    ),
    "arr_dot(flux, error)": (
        "SELECT COUNT(id) AS n FROM bench.epochs WHERE arr_dot(flux, error) > 5000",
        "SELECT count(id) FROM bench.epochs WHERE (SELECT sum(a::float8 * b) FROM unnest(flux, error) AS u (a, b)) > 5000",
    ),
    "flux / error - 1": (
        "SELECT SUM(ARRAY_LENGTH(flux / error - 1)) AS n FROM bench.epochs",
        "SELECT sum(cardinality(ARRAY(SELECT (a / b - 1)::real FROM unnest(flux, error) AS u (a, b)))) FROM bench.epochs",
    ),
    "arr_map(LOG10(x), flux)": (
        "SELECT SUM(ARRAY_LENGTH(arr_map(LOG10(x), flux))) AS n FROM bench.epochs",
        "SELECT sum(cardinality(ARRAY(SELECT log(x::float8) FROM unnest(flux) AS x))) FROM bench.epochs",
    ),
    "UNNEST(flux)": (
        "SELECT COUNT(u.f) AS n FROM bench.epochs AS e, UNNEST(e.flux) WITH ORDINALITY AS u (f, i) WHERE u.f > 90 AND u.i > 50",
        "SELECT count(u.f) FROM bench.epochs AS e, unnest(e.flux) WITH ORDINALITY AS u (f, i) WHERE u.f > 90 AND u.i > 50",
    ),
    "AVG(flux)": (
        "SELECT AVG(flux) AS a FROM bench.epochs",
        "SELECT array_agg(m ORDER BY i) FROM (SELECT i, avg(f::float8) AS m FROM bench.epochs, unnest(flux) WITH ORDINALITY AS u (f, i) GROUP BY i) AS q",
    ),
    "MAX(counts)": (
        "SELECT MAX(counts) AS a FROM bench.epochs",
        "SELECT array_agg(m ORDER BY i) FROM (SELECT i, max(f) AS m FROM bench.epochs, unnest(counts) WITH ORDINALITY AS u (f, i) GROUP BY i) AS q",
    ),
    "ARRAY_AGG(f ORDER BY id)": (
        "SELECT MAX(q.n) AS n FROM (SELECT u.i, ARRAY_LENGTH(ARRAY_AGG(u.f ORDER BY e.id)) AS n FROM bench.epochs AS e, UNNEST(e.flux[1:5]) WITH ORDINALITY AS u (f, i) GROUP BY u.i) AS q",
        "SELECT max(n) FROM (SELECT i, cardinality(array_agg(f ORDER BY id)) AS n FROM bench.epochs, unnest(flux[1:5]) WITH ORDINALITY AS u (f, i) GROUP BY i) AS q",
    ),
}


def fill(connection: psycopg.Connection, rows: int, elements: int) -> None:
    connection.execute("CREATE SCHEMA bench")
    connection.execute(
        "CREATE TABLE bench.epochs AS SELECT r::bigint AS id,"
        f" ARRAY(SELECT (1 + 99 * random() + 0 * r)::real FROM generate_series(1, {elements})) AS flux,"
        f" ARRAY(SELECT (1 + random() + 0 * r)::real FROM generate_series(1, {elements})) AS error,"
        f" ARRAY(SELECT (1000 * random() + 0 * r)::integer FROM generate_series(1, {elements})) AS counts"
        f" FROM generate_series(1, {rows}) AS r".encode()
    )
    connection.execute("GRANT USAGE ON SCHEMA bench TO armillary_reader")
    connection.execute("GRANT SELECT ON bench.epochs TO armillary_reader")
    connection.execute("VACUUM ANALYZE bench.epochs")


def measure(connection: psycopg.Connection, rounds: int) -> None:
    print("| query | ADQL, s | by hand, s | ratio |\n| --- | --- | --- | --- |")
    for name, (adql, by_hand) in QUERIES.items():
        statements = translate(adql, CATALOGUE).sql, by_hand
        times = [tuple(seconds(connection, each) for each in statements) for _ in range(rounds + 1)][1:]
        ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(a / b for a, b in times)
        print(f"| `{name}` | {ours:.2f} | {theirs:.2f} | {ratio:.2f} |", flush=True)


def seconds(connection: psycopg.Connection, statement: str) -> float:
    start = time.perf_counter()
    connection.execute(statement.encode()).fetchall()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("--rows", 100_000), ("--elements", 100), ("--rounds", 5)):
        parser.add_argument(name, type=int, default=default)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-arrays-"))
    folder.chmod(0o755)
    config = Config().changed(data_dir=str(folder), shared_buffers="512MB")
    cluster = PrivateCluster(folder, "512MB", durable=False)
    cluster.start()
    try:
        database.prepare(config, lambda _: None)
        with database.owner_connection(config) as connection:
            connection.autocommit = True
            fill(connection, chosen.rows, chosen.elements)
        with psycopg.connect(database.reader_conninfo(config), autocommit=True) as connection:
            connection.execute("SET search_path = pg_catalog, public")
            measure(connection, chosen.rounds)
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
