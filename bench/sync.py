"""Small queries and a million rows over HTTP, as ratios to the same SQL in psql in the same run, interleaved.

    python bench/sync.py [--rounds 7] [--out result.json]

Runs a private cluster and a service of its own, with a synthetic table of 1,000,000 rows and 13 columns.
"""

import argparse
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg

from adql import translate
from schema.description import parse_description
from schema.publish import publish_table
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database

ROOT = Path(__file__).parent.parent
ROWS = 1_000_000
CREATE = f"""
CREATE SCHEMA bench;
CREATE TABLE bench.gaia AS
SELECT i::bigint * 4295806720 AS source_id, 'Gaia DR3 ' || (i::bigint * 4295806720) AS designation,
       random() * 360 AS ra, degrees(asin(2 * random() - 1)) AS dec, random() * 10 AS parallax,
       CASE WHEN random() > 0.1 THEN random() * 20 - 10 END AS pmra, CASE WHEN random() > 0.1 THEN random() * 20 - 10 END AS pmdec,
       (random() * 15 + 5)::real AS g, CASE WHEN random() > 0.05 THEN (random() * 15 + 5)::real END AS bp,
       CASE WHEN random() > 0.05 THEN (random() * 15 + 5)::real END AS rp,
       CASE WHEN random() > 0.97 THEN (random() * 100)::real END AS radial_velocity,
       (random() * 20)::smallint AS visits, random() > 0.9 AS variable
FROM generate_series(1, {ROWS}) AS i;
CREATE INDEX ON bench.gaia USING gist (spoint(radians(ra), radians("dec")));
CREATE INDEX ON bench.gaia (source_id);
VACUUM ANALYZE bench.gaia;
"""
EVERYTHING = "SELECT * FROM bench.gaia"
POINT = "SELECT * FROM bench.gaia WHERE source_id = 2147903360000"
CONE = "SELECT TOP 1000 source_id, ra, dec FROM bench.gaia WHERE DISTANCE(POINT(ra, dec), POINT(120, 30)) < 1"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--out", type=Path)
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-bench-"))
    folder.chmod(0o755)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    config = Config(base_url=f"http://localhost:{port}/tap", port=port, data_dir=str(folder), maxrec_default=2 * ROWS)
    try:
        with database.running_database(config):
            results = measure(config, options.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report(results)
    if options.out:
        options.out.write_text(json.dumps(results, indent=2))


def measure(config: Config, rounds: int) -> dict[str, dict[str, float]]:
    database.prepare(config, print)
    with database.owner_connection(config) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        for statement in CREATE.split(";\n"):
            connection.execute(statement.strip().encode() or b"SELECT")
        description = {"table": {"ra": "ra", "dec": "dec"}, "columns": {"designation": {"type": "VARCHAR"}}}
        publish_table(connection, "bench.gaia", parse_description(description))
        catalogue = read_catalogue(connection)
    service = start(config)
    try:
        results = {}
        sql = translate(EVERYTHING, catalogue).sql
        baseline = psql(config, f"COPY ({sql}) TO STDOUT (FORMAT binary)")
        names = ("votable", "votable/b", "votable/td", "csv")
        trials = {f"1,000,000 rows, {name}": fetch(config, EVERYTHING, name) for name in names}
        results |= compare("psql COPY BINARY, 1,000,000 rows", baseline, trials, rounds)
        for title, query in (("point lookup", POINT), ("cone of 1 degree", CONE)):
            statement = translate(query, catalogue).sql
            results |= compare(
                f"{title}, psql (connected)",
                connected(config, statement),
                {title: kept_alive(config, query)},
                rounds * 30,
            )
    finally:
        service.terminate()
        service.wait()
    return results


Trial = Callable[[], float]


def compare(name: str, baseline: Trial, trials: dict[str, Trial], rounds: int) -> dict[str, dict[str, float]]:
    """Medians in seconds, and of each trial the median of its ratios to the baseline of the same round."""
    times: dict[str, list[float]] = {name: [], **{each: [] for each in trials}}
    for trial in (baseline, *trials.values()):
        trial()
    for _ in range(rounds):
        times[name].append(baseline())
        for each, trial in trials.items():
            times[each].append(trial())
    ratios = {each: statistics.median(t / b for t, b in zip(times[each], times[name], strict=True)) for each in times}
    return {each: {"seconds": statistics.median(times[each]), "ratio": ratios[each]} for each in times}


def psql(config: Config, statement: str) -> Trial:
    conninfo = database.reader_conninfo(config)

    def run() -> float:
        begun = time.perf_counter()
        environment = os.environ | {"PGOPTIONS": "-c search_path=pg_catalog,public"}
        subprocess.run(["psql", conninfo, "-qAtc", statement], stdout=subprocess.DEVNULL, check=True, env=environment)
        return time.perf_counter() - begun

    return run


def connected(config: Config, statement: str) -> Trial:
    """The same SQL on a connection that is open already, rows thrown away."""
    connection = psycopg.connect(database.reader_conninfo(config), autocommit=True, prepare_threshold=None)
    connection.execute("SET search_path = pg_catalog, public")

    def run() -> float:
        begun = time.perf_counter()
        connection.pgconn.exec_(statement.encode())
        return time.perf_counter() - begun

    return run


def fetch(config: Config, query: str, name: str) -> Trial:
    body = urllib.parse.urlencode({"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": name}).encode()

    def run() -> float:
        begun = time.perf_counter()
        with urllib.request.urlopen(f"{config.base_url}/sync", body) as response:
            while response.read(1 << 20):
                pass
        return time.perf_counter() - begun

    return run


def kept_alive(config: Config, query: str) -> Trial:
    client = http.client.HTTPConnection("127.0.0.1", config.port)
    body = urllib.parse.urlencode({"LANG": "ADQL", "QUERY": query})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    def run() -> float:
        begun = time.perf_counter()
        client.request("POST", "/tap/sync", body, headers)
        client.getresponse().read()
        return time.perf_counter() - begun

    return run


def start(config: Config) -> subprocess.Popen[bytes]:
    settings = {f"ARMILLARY_{name.upper()}": str(getattr(config, name)) for name in config.__slots__}
    service = subprocess.Popen([sys.executable, "-m", "tap", "serve"], cwd=ROOT, env=os.environ | settings)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://localhost:{config.port}/readyz", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return service
    raise RuntimeError("the service did not start")


def report(results: dict[str, dict[str, float]]) -> None:
    print("\n| what | median | ratio |\n| --- | --- | --- |")
    for name, found in results.items():
        seconds = found["seconds"]
        shown = f"{seconds:.2f} s" if seconds >= 0.5 else f"{seconds * 1000:.2f} ms"
        print(f"| {name} | {shown} | {found['ratio']:.2f} |")


if __name__ == "__main__":
    main()
